//! What one can choose of each variable, one after the other: what is chosen of the ones before goes into the queries of
//! those behind them.
//!
//! Pure: whoever calls asks the store. What is wished stays chosen where it is still among the options; else what the
//! dashboard says, else the first. At most [`OPTIONS_MAX`] options of a variable.

use std::collections::{BTreeMap, BTreeSet};

use super::interpolate::{Builtins, Chosen, Target, interpolate};
use super::pattern::option_regex;
use super::reads::VariableQuery;
use super::{Sort, Variable, VariableKind};

/// Options of one variable: nobody looks through more.
pub const OPTIONS_MAX: usize = 5_000;
/// All of them together.
const ALL: &str = "$__all";
/// Into how many pieces `auto` cuts the time that is shown.
const AUTO_PIECES: i64 = 30;

/// Something that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// As it is shown.
    pub text: String,
    /// As it stands in expressions.
    pub value: String,
}

/// A variable with what can be chosen, and what is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    /// Its name.
    pub name: String,
    /// What can be chosen; all together is not among them.
    pub options: Vec<Choice>,
    /// What is; `$__all` for all.
    pub current: Vec<String>,
    /// Options that are left out.
    pub truncated: usize,
    /// Why there are none.
    pub error: Option<String>,
}

/// Asks the store; at most so many answers are looked at: one more than that tells that there are more.
pub type Ask<'a> = dyn FnMut(&VariableQuery, usize) -> Result<Vec<String>, String> + 'a;

/// Resolves variables in their order. `wished` is what is chosen, by name.
pub fn resolve(
    variables: &[Variable],
    wished: &BTreeMap<String, Vec<String>>,
    builtins: &Builtins,
    ask: &mut Ask<'_>,
) -> Vec<Resolved> {
    let mut chosen: BTreeMap<String, Chosen> = BTreeMap::new();
    let mut all = Vec::with_capacity(variables.len());
    for v in variables {
        let scope = |name: &str| chosen.get(name).cloned().or_else(|| builtins.value(name));
        let fill = |text: &str| interpolate(text, Target::Expr, &scope);
        let mut made = Resolved { name: v.name.clone(), ..Resolved::default() };
        match options(v, &fill, builtins, ask) {
            Ok(options) => made.options = options,
            Err(e) => made.error = Some(e),
        }
        made.truncated = made.options.len().saturating_sub(OPTIONS_MAX);
        made.options.truncate(OPTIONS_MAX);
        made.current = current(v, &made.options, wished.get(&v.name));
        chosen.insert(v.name.clone(), chosen_of(v, &made));
        all.push(made);
    }
    all
}

fn choice(text: &str) -> Choice {
    Choice { text: text.to_owned(), value: text.to_owned() }
}

fn options(
    v: &Variable,
    fill: &dyn Fn(&str) -> String,
    builtins: &Builtins,
    ask: &mut Ask<'_>,
) -> Result<Vec<Choice>, String> {
    Ok(match v.kind {
        VariableKind::Query => {
            // Names and selectors first, so that a value with a comma in it is no border.
            let query = filled(VariableQuery::read(&v.query)?, fill);
            let found =
                ask(&query, if v.regex.is_empty() { OPTIONS_MAX + 1 } else { OPTIONS_MAX * 4 })?;
            let mut all = kept(&found, &fill(&v.regex))?;
            sort(&mut all, v.sort);
            all
        }
        VariableKind::Custom => {
            let texts: Vec<String> = pieces(&fill(&v.query));
            texts
                .iter()
                .map(|t| match t.split_once(" : ") {
                    Some((text, value)) => {
                        Choice { text: text.trim().to_owned(), value: value.trim().to_owned() }
                    }
                    None => choice(t),
                })
                .collect()
        }
        VariableKind::Interval => {
            let one = |t: &String| match t.as_str() {
                "auto" => Choice { text: "auto".to_owned(), value: auto(builtins) },
                other => choice(other),
            };
            pieces(&v.query).iter().map(one).collect()
        }
        VariableKind::Constant => match v.current.first() {
            Some(own) => vec![choice(own)],
            None => vec![choice(&fill(&v.query))],
        },
        VariableKind::Text => vec![choice(&fill(&v.query))],
        VariableKind::Datasource => vec![choice("Plimsoll")],
        VariableKind::Adhoc => {
            Some(choice(&v.query)).filter(|c| !c.value.is_empty()).into_iter().collect()
        }
    })
}

fn filled(query: VariableQuery, fill: &dyn Fn(&str) -> String) -> VariableQuery {
    use VariableQuery as V;
    match query {
        V::LabelValues { selector, label } => {
            V::LabelValues { selector: selector.map(|s| fill(&s)), label: fill(&label) }
        }
        V::LabelNames { selector } => V::LabelNames { selector: selector.map(|s| fill(&s)) },
        V::Metrics { regex } => V::Metrics { regex: fill(&regex) },
        V::QueryResult { expr } => V::QueryResult { expr: fill(&expr) },
        V::Series { selector } => V::Series { selector: fill(&selector) },
    }
}

/// A list with commas; `\,` is one in a value.
fn pieces(text: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some(',')) => {
                chars.next();
                if let Some(last) = all.last_mut() {
                    last.push(',');
                }
            }
            (',', _) => all.push(String::new()),
            (c, _) => {
                if let Some(last) = all.last_mut() {
                    last.push(c);
                }
            }
        }
    }
    let trimmed = all.iter().map(|p| p.trim().to_owned());
    trimmed.filter(|p| !p.is_empty()).collect()
}

/// Which stay, and what of them: the groups `value` and `text`, else the first, else all of it. Each value once.
fn kept(found: &[String], regex: &str) -> Result<Vec<Choice>, String> {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let regex = if regex.is_empty() { None } else { Some(option_regex(regex)?) };
    let mut all = Vec::new();
    for text in found {
        let made = match &regex {
            None => choice(text),
            Some(regex) => {
                let Some(groups) = regex.captures(text) else { continue };
                let group = |name: &str| groups.name(name).map(|m| m.as_str().to_owned());
                match (group("value"), group("text")) {
                    (None, None) => choice(
                        groups
                            .get(1)
                            .or_else(|| groups.get(0))
                            .map_or(text.as_str(), |m| m.as_str()),
                    ),
                    (value, text) => {
                        let value = value.or_else(|| text.clone()).unwrap_or_default();
                        Choice { text: text.unwrap_or_else(|| value.clone()), value }
                    }
                }
            }
        };
        if !made.value.is_empty() && seen.insert(made.value.clone()) {
            all.push(made);
        }
    }
    Ok(all)
}

/// The first number in a text.
fn number(text: &str) -> f64 {
    let start = text.find(|c: char| c.is_ascii_digit());
    let digits = start.map_or("", |at| &text[at..]);
    let end = digits.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(digits.len());
    digits[..end].trim_end_matches('.').parse().unwrap_or(f64::INFINITY)
}

fn sort(all: &mut [Choice], by: Sort) {
    let words = |c: &Choice| (c.text.to_lowercase(), c.text.clone());
    match by {
        Sort::None => {}
        Sort::Text => all.sort_by_key(words),
        Sort::TextDesc => all.sort_by_key(|c| std::cmp::Reverse(words(c))),
        Sort::Number => all.sort_by(|a, b| number(&a.text).total_cmp(&number(&b.text))),
        Sort::NumberDesc => all.sort_by(|a, b| number(&b.text).total_cmp(&number(&a.text))),
    }
}

/// What is chosen of what is wished and what the dashboard says.
fn current(v: &Variable, options: &[Choice], wished: Option<&Vec<String>>) -> Vec<String> {
    let wished = wished.filter(|w| !w.is_empty());
    match v.kind {
        VariableKind::Text | VariableKind::Adhoc => {
            let given =
                wished.cloned().or_else(|| Some(v.current.clone()).filter(|c| !c.is_empty()));
            return given.unwrap_or_else(|| options.iter().map(|o| o.value.clone()).collect());
        }
        VariableKind::Constant | VariableKind::Datasource => {
            return options.iter().map(|o| o.value.clone()).collect();
        }
        _ => {}
    }
    let among = |all: &Vec<String>| {
        if v.include_all && all.iter().any(|w| w == ALL) {
            return vec![ALL.to_owned()];
        }
        let of = |w: &String| options.iter().find(|o| o.value == *w || o.text == *w);
        let mut found: Vec<String> = all.iter().filter_map(of).map(|o| o.value.clone()).collect();
        found.truncate(if v.multi { OPTIONS_MAX } else { 1 });
        found
    };
    for all in wished.into_iter().chain([&v.current]) {
        let found = among(all);
        if !found.is_empty() {
            return found;
        }
    }
    if v.include_all && !options.is_empty() {
        return vec![ALL.to_owned()];
    }
    options.first().map(|o| o.value.clone()).into_iter().collect()
}

/// What stands in expressions for a variable that is resolved.
pub fn chosen_of(v: &Variable, made: &Resolved) -> Chosen {
    let all = made.current.iter().any(|c| c == ALL);
    let multi = v.multi || v.include_all;
    if all && made.options.is_empty() {
        // All of what is not known: whatever there is.
        let all_value = if v.all_value.is_empty() { ".*".to_owned() } else { v.all_value.clone() };
        return Chosen { multi, all, all_value, ..Chosen::default() };
    }
    let picked: Vec<&Choice> = if all {
        made.options.iter().collect()
    } else {
        made.options.iter().filter(|o| made.current.contains(&o.value)).collect()
    };
    let values: Vec<String> = match picked.as_slice() {
        [] => made.current.clone(),
        some => some.iter().map(|o| o.value.clone()).collect(),
    };
    let texts = picked.iter().map(|o| o.text.clone()).collect();
    Chosen { values, texts, multi, all, all_value: v.all_value.clone() }
}

/// A step that cuts the time that is shown into about thirty pieces.
fn auto(builtins: &Builtins) -> String {
    const NICE_S: [i64; 16] = [
        10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400,
        604_800,
    ];
    let wanted = builtins.to_ms.saturating_sub(builtins.from_ms).max(0) / AUTO_PIECES / 1_000;
    let step = NICE_S.into_iter().find(|s| *s >= wanted).unwrap_or(604_800);
    plimsoll_model::format_duration_ms(step * 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(name: &str, kind: VariableKind, query: &str) -> Variable {
        Variable { name: name.to_owned(), kind, query: query.to_owned(), ..Variable::default() }
    }

    fn run(variables: &[Variable], wished: &[(&str, &[&str])]) -> (Vec<Resolved>, Vec<String>) {
        let wished = wished
            .iter()
            .map(|(n, v)| ((*n).to_owned(), v.iter().map(|s| (*s).to_owned()).collect()));
        let mut asked = Vec::new();
        let builtins = Builtins { to_ms: 3_600_000, ..Builtins::default() };
        let all = resolve(variables, &wished.collect(), &builtins, &mut |q, _| {
            asked.push(format!("{q:?}"));
            match q {
                VariableQuery::LabelValues { label, .. } if label == "job" => {
                    Ok(["node", "api", "db-2", "db-10"].map(str::to_owned).to_vec())
                }
                VariableQuery::LabelValues { .. } => Ok(["x:1", "y:2"].map(str::to_owned).to_vec()),
                _ => Err("not now".to_owned()),
            }
        });
        (all, asked)
    }

    fn texts(r: &Resolved) -> Vec<String> {
        r.options.iter().map(|o| format!("{}={}", o.text, o.value)).collect()
    }

    #[test]
    fn what_is_chosen_goes_into_the_queries_behind() {
        let job = Variable {
            multi: true,
            include_all: true,
            ..variable("job", VariableKind::Query, "label_values(job)")
        };
        let instance =
            variable("instance", VariableKind::Query, "label_values(up{job=~\"$job\"}, instance)");
        let both = [job, instance];
        let (all, asked) = run(&both, &[("job", &["api", "db-2"]), ("instance", &["y:2"])]);
        assert!(
            asked[1].contains("job=~\\\"(db-2|api)\\\"") || asked[1].contains("(api|db-2)"),
            "{asked:?}"
        );
        assert_eq!(
            (&all[0].current[..], &all[1].current[..]),
            (&["api".to_owned(), "db-2".to_owned()][..], &["y:2".to_owned()][..])
        );
        let (all, asked) = run(&both, &[("job", &["gone"])]);
        assert_eq!(all[0].current, ["$__all"]);
        assert!(asked[1].contains("(node|api|db-2|db-10)"), "{asked:?}");
        assert_eq!(all[1].current, ["x:1"]);
    }

    #[test]
    fn options_are_filtered_named_and_sorted() {
        let of = |regex: &str, sort| {
            let v = Variable {
                regex: regex.to_owned(),
                sort,
                ..variable("job", VariableKind::Query, "label_values(job)")
            };
            texts(&run(&[v], &[]).0[0])
        };
        assert_eq!(of("", Sort::Text), ["api=api", "db-10=db-10", "db-2=db-2", "node=node"]);
        assert_eq!(of("/db-(.*)/", Sort::Number), ["2=2", "10=10"]);
        assert_eq!(of("/db-(.*)/", Sort::NumberDesc), ["10=10", "2=2"]);
        assert_eq!(of("(?P<text>db)-(?P<value>.*)", Sort::None), ["db=2", "db=10"]);
        assert_eq!(of("zzz", Sort::None), [] as [&str; 0]);
    }

    #[test]
    fn a_constant_is_what_is_written_and_filters_are_those_of_the_dashboard() {
        let written = Variable {
            current: vec!["prod".to_owned()],
            ..variable("c", VariableKind::Constant, "label_values(up, job)")
        };
        let filter = variable("f", VariableKind::Adhoc, "job=\"api\"");
        let own = Variable { current: vec!["job=\"db\"".to_owned()], ..filter.clone() };
        let plain = variable("d", VariableKind::Constant, "dev");
        let (all, _) = run(&[written, filter, own, plain], &[]);
        let current: Vec<&str> = all.iter().map(|r| r.current[0].as_str()).collect();
        assert_eq!(current, ["prod", "job=\"api\"", "job=\"db\"", "dev"]);
    }

    #[test]
    fn lists_intervals_and_texts() {
        let all = [
            variable("c", VariableKind::Custom, "a, Long : b\\,c , d"),
            variable("i", VariableKind::Interval, "auto,1m,5m"),
            variable("t", VariableKind::Text, "usual"),
            variable("q", VariableKind::Query, "query_result(x)"),
        ];
        let (made, _) = run(&all, &[("c", &["Long"]), ("i", &["auto"]), ("t", &["mine"])]);
        assert_eq!(texts(&made[0]), ["a=a", "Long=b,c", "d=d"]);
        assert_eq!(made[0].current, ["b,c"]);
        assert_eq!((texts(&made[1])[0].as_str(), &made[1].current[0][..]), ("auto=2m", "2m"));
        assert_eq!(made[2].current, ["mine"]);
        assert_eq!((made[3].error.as_deref(), made[3].current.len()), (Some("not now"), 0));
    }
}
