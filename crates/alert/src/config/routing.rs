//! A whole Alertmanager configuration: a file as it is, or the same keys in our section `alert`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use plimsoll_model::written::{Fields, Node, Problem, Problems, Value, parse};

use super::receivers::Global;
use super::routes::Names;
use super::{http, kinds, original, receivers, routes};
use crate::route::{GroupBy, Route, Routing};

/// Where defaults come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Alertmanager's: a root route with a receiver must be written.
    Alertmanager,
    /// Ours: the first receiver hears of everything, soon.
    Own,
}

/// What was read, and which keys of it change nothing yet.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What the router works with.
    pub routing: Arc<Routing>,
    /// Notes for people.
    pub unsupported: Vec<String>,
}

/// Reads an Alertmanager configuration file. Paths in it are relative to its directory. Of programs,
/// `exec_allowed` may be run.
///
/// # Errors
/// Every problem of the file, with its line and key.
pub fn read_file(file: &str, text: &str, exec_allowed: &[PathBuf]) -> Result<Loaded, Vec<Problem>> {
    let root = parse(file, text).map_err(|p| vec![p])?;
    let mut problems = Problems::new(file);
    let mut fields = Fields::of(&root, "", &mut problems);
    let mut loaded = read(&mut fields, Style::Alertmanager, exec_allowed, &mut problems);
    fields.finish(&mut problems);
    let base = Path::new(file).parent().unwrap_or(Path::new(""));
    let routing = Arc::make_mut(&mut loaded.routing);
    for template in &mut routing.templates {
        *template = base.join(PathBuf::from(&*template)).display().to_string();
    }
    routing.original = original::shown(&root);
    problems.into_result(loaded)
}

/// Takes Alertmanager's keys out of a mapping.
pub fn read(
    fields: &mut Fields<'_>,
    style: Style,
    exec_allowed: &[PathBuf],
    problems: &mut Problems,
) -> Loaded {
    let mut unsupported = Vec::new();
    let mut routing = Routing::default();
    let mut global = Global::default();
    if let Some(node) = fields.take("global") {
        let path = fields.path("global");
        global = self::global(node, &path, &mut routing, &mut unsupported, problems);
    }
    global.exec_allowed = exec_allowed.to_vec();
    let path = fields.path("receivers");
    let nodes = fields.list("receivers", problems);
    routing.receivers = receivers::read(nodes, &path, &global, &mut unsupported, problems);
    for key in ["time_intervals", "mute_time_intervals"] {
        let path = fields.path(key);
        let nodes = fields.list(key, problems);
        routes::time_intervals(nodes, &path, &mut routing.intervals, problems);
    }
    let path = fields.path("inhibit_rules");
    let nodes = fields.list("inhibit_rules", problems);
    routing.inhibit_rules = routes::inhibit_rules(nodes, &path, problems);
    routing.templates = fields.texts("templates", problems);
    route(fields, style, &mut routing, problems);
    routing.name_routes();
    Loaded { routing: Arc::new(routing), unsupported }
}

fn global(
    node: &Node,
    path: &str,
    routing: &mut Routing,
    unsupported: &mut Vec<String>,
    problems: &mut Problems,
) -> Global {
    let mut fields = Fields::of(node, path, problems);
    match fields.duration_ms("resolve_timeout", problems) {
        Some(ms) if ms > 0 => routing.resolve_timeout_ms = ms,
        Some(_) => problems.add(node.line, format!("{path}.resolve_timeout"), "must be above 0"),
        None => {}
    }
    let http = match fields.take("http_config") {
        Some(node) => http::read(node, &format!("{path}.http_config"), unsupported, problems),
        None => http::HttpConfig::default(),
    };
    let settings = receivers::settings(&mut fields, kinds::GLOBAL, problems);
    fields.finish(problems);
    Global { http, settings, ..Global::default() }
}

fn route(fields: &mut Fields<'_>, style: Style, routing: &mut Routing, problems: &mut Problems) {
    let (line, path) = (fields.line(), fields.path("route"));
    let mut root = match style {
        Style::Own => Routing::default().routes.remove(0),
        Style::Alertmanager => Route {
            group_by: GroupBy::Labels(BTreeSet::new()),
            group_wait_ms: 30_000,
            group_interval_ms: 5 * 60_000,
            ..Routing::default().routes.remove(0)
        },
    };
    let first = routing.receivers.first().map(|r| r.name.clone());
    if style == Style::Own {
        root.receiver = first.unwrap_or_default();
    }
    let Some(node) = fields.take("route") else {
        if style == Style::Alertmanager {
            problems.add(line, path, "no route provided in config");
        }
        routing.routes = vec![root];
        return;
    };
    let empty = Node::new(node.line, Value::Map(Vec::new()));
    let node = if node.value == Value::Null { &empty } else { node };
    let names = Names {
        receivers: routing.receivers.iter().map(|r| r.name.as_str()).collect(),
        intervals: routing.intervals.keys().map(String::as_str).collect(),
    };
    let tree = routes::tree(node, &path, root, &names, problems);
    routing.routes = tree;
}

/// The receivers that hear of nothing: no route leads to them.
pub fn unused(routing: &Routing) -> Vec<String> {
    let used: BTreeSet<&str> = routing.routes.iter().map(|r| r.receiver.as_str()).collect();
    let names = routing.receivers.iter().map(|r| &r.name);
    names.filter(|name| !used.contains(name.as_str())).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"
global:
  resolve_timeout: 3m
  smtp_smarthost: mail:25
  smtp_from: plimsoll@example.org
  slack_api_url: https://hooks.slack.example/x
  http_config: {follow_redirects: false}
templates: ['t/*.tmpl']
route:
  receiver: default
  group_by: [dc, job]
  routes:
  - match: {team: a}
    match_re: {sev: crit|warn}
    receiver: a
    continue: true
    routes:
    - matchers: ['"a b"="c"', d!~e]
      group_by: ['...']
      group_wait: 0s
      mute_time_intervals: [night]
  - receiver: a
    matchers: ['{x="y"}']
    active_time_intervals: [office, night]
inhibit_rules:
- source_match: {sev: crit}
  target_matchers: [sev=~"warn|info"]
  equal: [dc]
time_intervals:
- name: office
  time_intervals:
  - times: [{start_time: '09:00', end_time: '17:00'}]
    weekdays: ['monday:friday']
    months: ['1:6', december]
    days_of_month: ['1:5', '-3:-1']
    years: [2026, '2027:2030']
mute_time_intervals:
- name: night
  time_intervals: [{times: [{start_time: '22:00', end_time: '24:00'}], location: UTC}]
receivers:
- name: default
  webhook_configs:
  - {url: 'http://h/x', send_resolved: false, max_alerts: 5, timeout: 2s}
  slack_configs: [{channel: '#x', fields: [{title: a, value: b}], timeout: 3s}]
- name: a
  webhook_configs: [{url_file: /f, http_config: {basic_auth: {username: u, password_file: p}}}]
  email_configs: [{to: a@b, headers: {Subject: x}}]
  webex_configs: [{room_id: x}]
"#;

    #[test]
    fn a_file_is_read_as_it_is() {
        let loaded = read_file("/etc/am/am.yml", WHOLE, &[]).unwrap();
        let r = &loaded.routing;
        assert_eq!(r.resolve_timeout_ms, 180_000);
        assert_eq!(r.templates, ["/etc/am/t/*.tmpl"]);
        let keys: Vec<&str> = r.routes.iter().map(|r| r.key.as_str()).collect();
        assert_eq!(
            keys,
            [
                "{}",
                r#"{}/{sev=~"^(?:crit|warn)$",team="a"}"#,
                r#"{}/{sev=~"^(?:crit|warn)$",team="a"}/{"a b"="c",d!~"e"}"#,
                r#"{}/{x="y"}"#,
            ]
        );
        let deep = &r.routes[2];
        assert_eq!((deep.group_wait_ms, deep.group_interval_ms), (0, 300_000));
        assert_eq!((&deep.group_by, deep.receiver.as_str()), (&GroupBy::All, "a"));
        assert!(deep.mute == ["night"] && r.routes[1].goes_on && !deep.goes_on);
        assert_eq!(r.routes[0].children, [1, 3]);
        assert_eq!(r.intervals.keys().collect::<Vec<_>>(), ["night", "office"]);
        let names: Vec<String> =
            r.receivers.iter().flat_map(|r| &r.integrations).map(|i| i.name()).collect();
        assert_eq!(names, ["webhook/0", "slack/0", "webhook/0", "email/0"]);
        assert!(!r.receivers[0].integrations[0].send_resolved);
        assert_eq!(r.receivers[1].kept[0].kind, "webex");
        assert_eq!(loaded.unsupported.len(), 1, "{:?}", loaded.unsupported);
        let labels = |text: &str| {
            let pairs = text.split(',').filter_map(|l| l.split_once('='));
            pairs.map(|(n, v)| (n.to_owned(), v.to_owned())).collect()
        };
        assert_eq!(r.matching(&labels("x=y")), [3]);
        assert_eq!(r.matching(&labels("x=y,team=a,sev=crit")), [1, 3]);
        assert_eq!(r.matching(&labels("x=y,team=a,sev=crit,a b=c")), [2, 3]);
        assert_eq!(r.matching(&labels("x=z")), [0]);
        let again = read_file("shown", &r.original.replace("/<secret>", "/x"), &[]).unwrap();
        assert_eq!(again.routing.routes, r.routes);
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let text = "global: {resolve_timeout: 0s, smtp_from: [x]}\nroute:\n  group_by: [a, a]\n  \
                    matchers: [a]\n  routes:\n  - receiver: nobody\n    mute_time_intervals: [never]\n    \
                    group_interval: 0s\n    matchers: ['a=~(']\n    group_wiat: 1s\ntime_intervals:\n- \
                    name: x\n  time_intervals:\n  - weekdays: [funday]\n    location: Nowhere/Land\n    \
                    times: [{start_time: '10:00', end_time: '09:00'}]\nreceivers:\n- name: a\n  \
                    webhook_configs: [{url: ftp://x}, {}]\n- name: a\n  slack_configs: [{chanel: x}]\n";
        let found: Vec<String> =
            read_file("am.yml", text, &[]).unwrap_err().iter().map(ToString::to_string).collect();
        let told = found.join("\n");
        for part in [
            "line 1: global.resolve_timeout: must be above 0",
            "line 1: global.smtp_from: a list where a text is wanted",
            "route.receiver: the root route needs a receiver",
            "route.group_by: the label \"a\" occurs twice",
            "line 4: route.matchers[0]: bad matcher format: a",
            "route.routes[0].receiver: no receiver \"nobody\"; configured: a",
            "route.routes[0].mute_time_intervals: no time interval is called \"never\"",
            "route.routes[0].group_interval: must be above 0",
            "route.routes[0].matchers[0]: error parsing regexp",
            "line 10: route.routes[0].group_wiat: unknown key; did you mean group_wait?",
            "time_intervals[0].time_intervals[0].weekdays[0]: \"funday\" is not a day",
            "time_intervals[0].time_intervals[0].location: no time zone \"Nowhere/Land\"",
            "time_intervals[0].time_intervals[0].times[0]: start time cannot be equal",
            "receivers[0].webhook_configs[0].url: the address must begin with http:// or https://",
            "receivers[0].webhook_configs[1]: one of url and url_file",
            "receivers[1].name: the name \"a\" occurs twice",
            "receivers[1].slack_configs[0].chanel: unknown key; did you mean channel?",
        ] {
            assert!(told.contains(part), "{part} is missing in\n{told}");
        }
        assert_eq!(found.len(), 18, "{told}");
    }

    #[test]
    fn a_file_without_a_route_is_no_configuration() {
        let told = |text: &str| read_file("a", text, &[]).unwrap_err()[0].to_string();
        assert_eq!(told("receivers: []"), "a line 1: route: no route provided in config");
        assert_eq!(told("route: {}"), "a line 1: route.receiver: the root route needs a receiver");
    }

    #[test]
    fn any_bytes_are_survived() {
        let mut state = 11_u64;
        for _ in 0..300 {
            let mut bytes = WHOLE.as_bytes().to_vec();
            for _ in 0..3 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let at = (state >> 33) as usize % bytes.len();
                bytes[at] = (state >> 24) as u8;
            }
            _ = read_file("x", &String::from_utf8_lossy(&bytes), &[]);
        }
    }
}
