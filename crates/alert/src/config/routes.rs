//! `route`, `inhibit_rules`, `time_intervals`, `mute_time_intervals`: from written to checked.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use plimsoll_model::written::{Fields, Node, Problems, Value};
use plimsoll_model::{MatchOp, Matcher};

use crate::route::calendar::{Part, TimeInterval, parse_range, parse_time};
use crate::route::matching::{REGEX_BYTES_MAX, parse_matchers};
use crate::route::{GroupBy, InhibitRule, Route};

/// Routes of one tree.
const ROUTES_MAX: usize = 10_000;
/// Levels of a tree.
const DEPTH_MAX: usize = 64;

/// What a tree is read with.
pub struct Names<'n> {
    /// The receivers.
    pub receivers: BTreeSet<&'n str>,
    /// The time intervals.
    pub intervals: BTreeSet<&'n str>,
}

/// Reads a tree under `root`, which holds the defaults; the root comes first.
pub fn tree(
    node: &Node,
    path: &str,
    root: Route,
    names: &Names<'_>,
    problems: &mut Problems,
) -> Vec<Route> {
    let mut reader = Reader { routes: Vec::new(), names, problems };
    reader.route(node, path, &root, 0);
    if reader.routes.is_empty() {
        reader.routes.push(root);
    }
    reader.routes
}

struct Reader<'r, 'n> {
    routes: Vec<Route>,
    names: &'r Names<'n>,
    problems: &'r mut Problems,
}

impl Reader<'_, '_> {
    /// Reads a node and those below it; its place.
    fn route(&mut self, node: &Node, path: &str, above: &Route, depth: usize) -> Option<usize> {
        if self.routes.len() >= ROUTES_MAX || depth > DEPTH_MAX {
            let message = format!("more than {ROUTES_MAX} routes, or more than {DEPTH_MAX} levels");
            self.problems.add(node.line, path, message);
            return None;
        }
        let problems = &mut *self.problems;
        let mut fields = Fields::of(node, path, problems);
        let mut route = Route {
            matchers: Vec::new(),
            mute: Vec::new(),
            active: Vec::new(),
            goes_on: false,
            children: Vec::new(),
            ..above.clone()
        };
        if let Some(name) = fields.text("receiver", problems).filter(|n| !n.is_empty()) {
            if !self.names.receivers.contains(name.as_str()) {
                let known: Vec<&str> = self.names.receivers.iter().copied().take(20).collect();
                let message = format!("no receiver {name:?}; configured: {}", known.join(", "));
                problems.add(fields.line(), fields.path("receiver"), message);
            }
            route.receiver = name;
        }
        if let Some(by) = group_by(&mut fields, problems) {
            route.group_by = by;
        }
        route.goes_on = fields.bool("continue", problems).unwrap_or(false);
        route.matchers = all_matchers(&mut fields, ["match", "match_re", "matchers"], problems);
        if let Some(ms) = fields.duration_ms("group_wait", problems) {
            route.group_wait_ms = ms;
        }
        for (key, to) in [
            ("group_interval", &mut route.group_interval_ms),
            ("repeat_interval", &mut route.repeat_interval_ms),
        ] {
            match fields.duration_ms(key, problems) {
                Some(ms) if ms > 0 => *to = ms,
                Some(_) => problems.add(fields.line(), fields.path(key), "must be above 0"),
                None => {}
            }
        }
        route.mute = self.intervals(&mut fields, "mute_time_intervals");
        route.active = self.intervals(&mut fields, "active_time_intervals");
        let problems = &mut *self.problems;
        let below = fields.list("routes", problems);
        fields.finish(problems);
        if depth == 0 {
            self.check_root(node, path, &mut route);
        }
        let place = self.routes.len();
        self.routes.push(route.clone());
        for (i, node) in below.iter().enumerate() {
            let child = self.route(node, &format!("{path}.routes[{i}]"), &route, depth + 1);
            self.routes[place].children.extend(child);
        }
        Some(place)
    }

    fn check_root(&mut self, node: &Node, path: &str, route: &mut Route) {
        let rules = [
            (route.receiver.is_empty(), "receiver", "the root route needs a receiver"),
            (
                !route.matchers.is_empty(),
                "matchers",
                "the root route takes all alerts; no matchers here",
            ),
            (route.goes_on, "continue", "the root route has no siblings; no continue here"),
            (!route.mute.is_empty(), "mute_time_intervals", "not allowed at the root route"),
            (!route.active.is_empty(), "active_time_intervals", "not allowed at the root route"),
        ];
        for (_, key, message) in rules.into_iter().filter(|(wrong, ..)| *wrong) {
            self.problems.add(node.line, format!("{path}.{key}"), message);
        }
        route.matchers.clear();
    }

    fn intervals(&mut self, fields: &mut Fields<'_>, key: &'static str) -> Vec<String> {
        let names = fields.texts(key, self.problems);
        for name in names.iter().filter(|n| !self.names.intervals.contains(n.as_str())) {
            let message = format!("no time interval is called {name:?}");
            self.problems.add(fields.line(), fields.path(key), message);
        }
        names
    }
}

fn group_by(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<GroupBy> {
    let list = fields.texts("group_by", problems);
    let mut labels = BTreeSet::new();
    let all = list.iter().any(|l| l == "...");
    for label in &list {
        let message = match label.as_str() {
            "" => "a label has a name".to_owned(),
            _ if all && list.len() > 1 => "... (all labels) cannot stand beside others".to_owned(),
            _ if !labels.insert(label.clone()) => format!("the label {label:?} occurs twice"),
            _ => continue,
        };
        problems.add(fields.line(), fields.path("group_by"), message);
    }
    match (list.is_empty(), all) {
        (true, _) => None,
        (_, true) => Some(GroupBy::All),
        (_, false) => Some(GroupBy::Labels(labels)),
    }
}

/// The matchers of the three keys in which they may stand, in Alertmanager's order.
pub(super) fn all_matchers(
    fields: &mut Fields<'_>,
    [equal, regex, list]: [&'static str; 3],
    problems: &mut Problems,
) -> Vec<Matcher> {
    let mut out = Vec::new();
    for (name, value, _) in fields.pairs(equal, problems) {
        out.push(Matcher::equal(&name, &value));
    }
    for (name, value, line) in fields.pairs(regex, problems) {
        // Alertmanager shows what it compiled.
        let pattern = format!("^(?:{value})$");
        match Matcher::with_limit(MatchOp::Regex, &name, &pattern, REGEX_BYTES_MAX) {
            Ok(matcher) => out.push(matcher),
            Err(e) => problems.add(line, format!("{}.{name}", fields.path(regex)), e.to_string()),
        }
    }
    let path = fields.path(list);
    for (i, node) in fields.list(list, problems).iter().enumerate() {
        let read = node.text().ok_or_else(|| format!("{} where a text is wanted", node.kind()));
        match read.and_then(|text| parse_matchers(&text)) {
            Ok(matchers) => out.extend(matchers),
            Err(why) => problems.add(node.line, format!("{path}[{i}]"), why),
        }
    }
    out.sort_by(|a, b| (a.name(), a.value(), a.op()).cmp(&(b.name(), b.value(), b.op())));
    out
}

/// Reads `inhibit_rules`.
pub fn inhibit_rules(nodes: &[Node], path: &str, problems: &mut Problems) -> Vec<InhibitRule> {
    let mut out = Vec::new();
    for (i, node) in nodes.iter().enumerate() {
        let mut fields = Fields::of(node, &format!("{path}[{i}]"), problems);
        _ = fields.text("name", problems);
        let source = all_matchers(
            &mut fields,
            ["source_match", "source_match_re", "source_matchers"],
            problems,
        );
        let target = all_matchers(
            &mut fields,
            ["target_match", "target_match_re", "target_matchers"],
            problems,
        );
        let equal = fields.texts("equal", problems).into_iter().collect();
        fields.finish(problems);
        out.push(InhibitRule { source, target, equal });
    }
    out
}

/// Reads `time_intervals` (or the older `mute_time_intervals`) into `out`.
pub fn time_intervals(
    nodes: &[Node],
    path: &str,
    out: &mut BTreeMap<String, Vec<TimeInterval>>,
    problems: &mut Problems,
) {
    for (i, node) in nodes.iter().enumerate() {
        let path = format!("{path}[{i}]");
        let mut fields = Fields::of(node, &path, problems);
        let name = fields.text("name", problems).unwrap_or_default();
        if name.is_empty() {
            problems.add(node.line, format!("{path}.name"), "a time interval needs a name");
        }
        let list = fields.list("time_intervals", problems);
        fields.finish(problems);
        let read =
            |(i, n): (usize, &Node)| interval(n, &format!("{path}.time_intervals[{i}]"), problems);
        let intervals = list.iter().enumerate().map(read).collect();
        if out.insert(name.clone(), intervals).is_some() {
            let message = format!("the name {name:?} occurs twice");
            problems.add(node.line, format!("{path}.name"), message);
        }
    }
}

fn interval(node: &Node, path: &str, problems: &mut Problems) -> TimeInterval {
    let mut fields = Fields::of(node, path, problems);
    let mut out = TimeInterval::default();
    for (i, node) in fields.list("times", problems).iter().enumerate() {
        out.times.extend(times(node, &format!("{path}.times[{i}]"), problems));
    }
    for (key, part, to) in [
        ("weekdays", Part::Weekday, &mut out.weekdays),
        ("days_of_month", Part::DayOfMonth, &mut out.days_of_month),
        ("months", Part::Month, &mut out.months),
        ("years", Part::Year, &mut out.years),
    ] {
        let path = fields.path(key);
        for (i, node) in fields.list(key, problems).iter().enumerate() {
            match parse_range(part, &node.text().unwrap_or_default()) {
                Ok(range) => to.push(range),
                Err(why) => problems.add(node.line, format!("{path}[{i}]"), why),
            }
        }
    }
    if let Some(name) = fields.text("location", problems) {
        // What the machine's own zone is says nothing to whoever reads the file elsewhere; it is taken
        // as Alertmanager takes it.
        let zone = match name.as_str() {
            "UTC" | "" => Ok(TimeZone::UTC),
            "Local" => Ok(TimeZone::system()),
            name => TimeZone::get(name),
        };
        match zone {
            Ok(zone) => out.location = Some(zone),
            Err(_) => {
                let message = format!(
                    "no time zone {name:?} is known on this machine (write Europe/Berlin; package tzdata)"
                );
                problems.add(fields.line(), fields.path("location"), message);
            }
        }
    }
    fields.finish(problems);
    out
}

fn times(node: &Node, path: &str, problems: &mut Problems) -> Option<(u16, u16)> {
    let mut fields = Fields::of(node, path, problems);
    let mut time = |key| {
        let text = fields.read(key, problems, |n| match &n.value {
            // `09:00` without quotes is a number to base 60 in old YAML; it comes as a text here.
            Value::Text(text) => Ok(text.clone()),
            _ => Err("not a time of day (write '09:00')".to_owned()),
        })?;
        let read = parse_time(&text);
        if read.is_none() {
            let message = format!("{text:?} is not a time of day (write '09:00' to '24:00')");
            problems.add(fields.line(), fields.path(key), message);
        }
        read
    };
    let (start, end) = (time("start_time"), time("end_time"));
    fields.finish(problems);
    let (start, end) = (start?, end?);
    if start >= end {
        let message = "start time cannot be equal or greater than end time";
        problems.add(node.line, path, message);
        return None;
    }
    Some((start, end))
}
