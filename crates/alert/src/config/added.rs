//! Receivers that people add through the API: a file each, beside whatever configuration there is.
//!
//! Such a file is an entry of Alertmanager's `receivers` without its `name`, which is that of the file, and with
//! `matchers`: which alerts it hears of, all of them when there are none. What the configuration says goes on
//! as it was: who is told by it is told what they were told before, under the same names of groups.

use std::path::PathBuf;

use plimsoll_model::Matcher;
use plimsoll_model::written::{Fields, Node, Problem, Problems, Value, parse};

use super::receivers::{Global, RECEIVERS_MAX, Receiver, one};
use super::routes::all_matchers;
use crate::route::{Route, Routing};

/// What begins the names of the routes to added receivers.
const NAMED: &str = "added";

/// A receiver of a file of its own.
#[derive(Clone, Debug)]
pub struct Added {
    /// Who is told, and by what.
    pub receiver: Receiver,
    /// Of which alerts; of all when there are none.
    pub matchers: Vec<Matcher>,
    /// Keys that change nothing yet, for people.
    pub unsupported: Vec<String>,
}

/// Reads the file of the receiver `name`. It may run the programs of `exec_allowed`.
///
/// # Errors
/// Every problem of the text, with its line and key; one is that it names nobody who could be told.
pub fn read_added(
    name: &str,
    file: &str,
    text: &str,
    exec_allowed: &[PathBuf],
) -> Result<Added, Vec<Problem>> {
    let root = parse(file, text).map_err(|p| vec![p])?;
    let mut problems = Problems::new(file);
    let mut unsupported = Vec::new();
    let Value::Map(mut entries) = root.value else {
        let message = "not a receiver (write webhook_configs: [{url: 'http://…'}])";
        problems.add(root.line, "", message);
        return Err(problems.found);
    };
    let of_routes = ["match", "match_re", "matchers"];
    let (ours, mut theirs): (Vec<_>, Vec<_>) = std::mem::take(&mut entries)
        .into_iter()
        .partition(|(k, ..)| of_routes.contains(&k.as_str()));
    if let Some((_, line, _)) = theirs.iter().find(|(k, ..)| k == "name") {
        problems.add(
            *line,
            "name",
            format!("the name is that of the file, {name:?}; leave it out"),
        );
    }
    theirs.retain(|(k, ..)| k != "name");
    theirs.push(("name".to_owned(), 1, Node::new(1, Value::Text(name.to_owned()))));
    let routed = Node::new(1, Value::Map(ours));
    let mut fields = Fields::of(&routed, "", &mut problems);
    let matchers = all_matchers(&mut fields, of_routes, &mut problems);
    fields.finish(&mut problems);
    let global = Global { exec_allowed: exec_allowed.to_vec(), ..Global::default() };
    let node = Node::new(1, Value::Map(theirs));
    let receiver = one(&node, "", &global, &mut unsupported, &mut problems);
    if receiver.integrations.is_empty() && problems.found.is_empty() {
        let message = match receiver.kept.first() {
            Some(kept) => format!("{} is read, but cannot be sent yet", kept.kind),
            None => {
                "nobody is told (write webhook_configs, slack_configs, email_configs, …)".to_owned()
            }
        };
        problems.add(1, "", message);
    }
    problems.into_result(Added { receiver, matchers, unsupported })
}

impl Routing {
    /// The same, with receivers added: each hears of what it wants beside those who heard of it before.
    ///
    /// # Errors
    /// A name that is taken already, and more than [`RECEIVERS_MAX`] receivers.
    pub fn with(&self, added: &[Added]) -> Result<Self, String> {
        let mut joined = self.clone();
        if added.is_empty() {
            return Ok(joined);
        }
        if self.receivers.len() + added.len() > RECEIVERS_MAX {
            return Err(format!("more than {RECEIVERS_MAX} receivers"));
        }
        // A new root with the old one below it: a root is asked only when none of its children takes an alert.
        let mut root =
            Route { key: NAMED.to_owned(), id: NAMED.to_owned(), ..self.routes[0].clone() };
        let shift = 1 + added.len();
        for route in &mut joined.routes {
            route.children.iter_mut().for_each(|c| *c += shift);
        }
        root.children = (1..=shift).collect();
        let mut routes = vec![root];
        for one in added {
            let name = &one.receiver.name;
            if self.receiver(name).is_some() {
                return Err(format!(
                    "the configuration has a receiver {name:?} already; choose another name"
                ));
            }
            let id = format!("{NAMED}/{name}");
            routes.push(Route {
                key: id.clone(),
                id,
                matchers: one.matchers.clone(),
                receiver: name.clone(),
                goes_on: true,
                children: Vec::new(),
                ..self.routes[0].clone()
            });
            joined.receivers.push(one.receiver.clone());
        }
        routes.append(&mut joined.routes);
        joined.routes = routes;
        Ok(joined)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::read_file;

    const HOOK: &str = "webhook_configs:\n- url: http://127.0.0.1:1/x\n";

    fn labels(text: &[(&str, &str)]) -> BTreeMap<String, String> {
        text.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
    }

    fn told(routing: &Routing, of: &[(&str, &str)]) -> Vec<String> {
        let at = routing.matching(&labels(of));
        at.into_iter().map(|i| routing.routes[i].receiver.clone()).collect()
    }

    #[test]
    fn who_is_added_hears_beside_those_of_the_configuration() {
        let text = "route: {receiver: a, routes: [{receiver: b, matchers: [team=x]}]}\nreceivers: [{name: a}, {name: b}]";
        let before = read_file("am.yml", text, &[]).unwrap().routing;
        let all = read_added("hook", "hook.yml", HOOK, &[]).unwrap();
        let some = format!("{HOOK}matchers: ['severity=\"critical\"']\n");
        let some = read_added("pager", "pager.yml", &some, &[]).unwrap();
        let joined = before.with(&[all.clone(), some]).unwrap();
        assert_eq!(told(&joined, &[("team", "x")]), ["hook", "b"]);
        assert_eq!(told(&joined, &[("severity", "critical")]), ["hook", "pager", "a"]);
        // The names of the routes that were there stay, and so do their groups.
        let ids: Vec<&str> = joined.routes[3..].iter().map(|r| r.id.as_str()).collect();
        let were: Vec<&str> = before.routes.iter().map(|r| r.id.as_str()).collect();
        assert_eq!(ids, were);
        assert!(joined.receiver("hook").is_some());
        assert!(before.with(&[]).unwrap().routes == before.routes);
        let twice = read_added("a", "a.yml", HOOK, &[]).unwrap();
        assert!(before.with(&[twice]).unwrap_err().contains("choose another name"));
    }

    #[test]
    fn without_a_configuration_it_hears_of_everything() {
        let all = read_added("hook", "hook.yml", HOOK, &[]).unwrap();
        let joined = Routing::default().with(&[all]).unwrap();
        assert_eq!(told(&joined, &[("alertname", "x")]), ["hook", ""]);
    }

    #[test]
    fn what_is_wrong_is_told_with_line_and_key() {
        let wrong = |text: &str| {
            let problems = read_added("hook", "hook.yml", text, &[]).unwrap_err();
            problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        };
        for (text, part) in [
            ("", "nobody is told"),
            ("[]", "not a receiver"),
            ("matchers: []", "nobody is told"),
            ("webhook_config: []", "did you mean webhook_configs?"),
            ("name: other\nwebhook_configs: [{url: 'http://h'}]", "the name is that of the file"),
            ("webhook_configs: [{url: 'http://h'}]\nmatchers: ['a=~\"(\"']", "matchers[0]"),
            ("webex_configs: [{room_id: x}]", "webex"),
            ("exec_configs: [{command: /bin/true}]", "exec"),
        ] {
            assert!(wrong(text).contains(part), "{text:?}: {}", wrong(text));
        }
    }
}
