//! Subexpressions that stand in a query more than once: which they are.
//!
//! Two are equal when nothing but their places and brackets around them differ, when they are evaluated
//! over the same times (the same subqueries are around them), and when their selectors read the same of
//! histograms. Each node gets a number that equal nodes share, made of its own fields and the numbers of
//! what is below it, so that the work is proportional to the query. Nodes without a selector are not
//! worth it, and a query whose selectors all differ is not looked at.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use parking_lot::Mutex;

use super::kept::State;
use crate::ast::{Binary, Expr, Grouping, Modifiers, Span, VectorMatching, VectorSelector};

/// What is evaluated once for all its places.
pub(super) struct Class<'q> {
    /// The last of its places, whose spans notes speak of.
    pub last: &'q Expr,
    /// How often its value is asked for.
    pub uses: usize,
    /// Its value, once there is one.
    pub state: Mutex<State>,
}

/// The subexpressions of a query that stand in it more than once.
pub(crate) struct Repeated<'q> {
    classes: Vec<Class<'q>>,
    at: HashMap<Span, usize>,
}

impl<'q> Repeated<'q> {
    /// Those of an expression; `None` when there are none. `stats`: selectors of whose histograms
    /// only count and sum are read.
    pub fn of(expr: &'q Expr, stats: &HashSet<Span>) -> Option<Self> {
        if !may_repeat(&expr.selectors()) {
            return None;
        }
        let mut numbers = Numbers { stats, of_text: HashMap::new(), places: HashMap::new() };
        numbers.number(expr, 0);
        let places = numbers.places;
        let mut found: HashMap<u32, Places<'q>> = HashMap::new();
        walk(expr, &mut |expr| {
            if let Some(number) = places.get(&expr.span()) {
                let place = found.entry(*number).or_insert(Places { last: expr, uses: 0 });
                place.last = expr;
            }
            true
        });
        // What is below a repeated node is asked for once only.
        let mut repeats = false;
        walk(expr, &mut |expr| {
            let place = places.get(&expr.span()).and_then(|number| found.get_mut(number));
            place.is_none_or(|place| {
                place.uses += 1;
                repeats |= place.uses > 1;
                place.uses == 1
            })
        });
        if !repeats {
            return None;
        }
        let mut classes = Vec::new();
        let mut class_of: HashMap<u32, usize> = HashMap::new();
        let mut at = HashMap::new();
        for (span, number) in places {
            let Some(place) = found.get(&number).filter(|place| place.uses > 1) else { continue };
            let class = *class_of.entry(number).or_insert_with(|| {
                let state = Mutex::new(State::New);
                classes.push(Class { last: place.last, uses: place.uses, state });
                classes.len() - 1
            });
            at.insert(span, class);
        }
        Some(Self { classes, at })
    }

    /// For each place the first of its equals that `told` knows of.
    pub fn places(&self, told: impl Fn(&Span) -> bool) -> HashMap<Span, Span> {
        let mut first: HashMap<usize, Span> = HashMap::new();
        for (span, class) in self.at.iter().filter(|(span, _)| told(span)) {
            let have = first.entry(*class).or_insert(*span);
            if span.start < have.start {
                *have = *span;
            }
        }
        self.at.iter().filter_map(|(at, class)| Some((*at, *first.get(class)?))).collect()
    }

    /// What this expression is a place of.
    pub(super) fn class(&self, expr: &Expr) -> Option<&Class<'q>> {
        self.at.get(&expr.span()).map(|class| &self.classes[*class])
    }
}

/// Selectors up to which all pairs are compared.
const PAIRS_MAX: usize = 16;

/// Whether two selectors choose the same series: where none do, no subexpression can repeat, and
/// nothing more needs to be looked at.
fn may_repeat(selectors: &[&VectorSelector]) -> bool {
    let same = |a: &VectorSelector, b: &VectorSelector| {
        let pairs = || a.matchers.iter().zip(&b.matchers);
        a.matchers.len() == b.matchers.len()
            && pairs().all(|(a, b)| a.value == b.value && a.name == b.name && a.op == b.op)
    };
    selectors.len() > PAIRS_MAX
        || selectors.iter().enumerate().any(|(i, a)| selectors[..i].iter().any(|b| same(a, b)))
}

struct Places<'q> {
    last: &'q Expr,
    uses: usize,
}

/// The expressions below one whose values are asked for, in the order of the text.
fn asked(expr: &Expr) -> Vec<&Expr> {
    let mut children = expr.children();
    if let Expr::Call(node) = expr {
        match node.function.name {
            // The times of its samples are read, not its values.
            "timestamp" if matches!(node.args[0].unwrap_paren(), Expr::Vector(_)) => {
                children.clear();
            }
            "info" => children.truncate(1),
            _ => {}
        }
    }
    children
}

/// Parents first; below a node only if `visit` says so.
fn walk<'q>(expr: &'q Expr, visit: &mut impl FnMut(&'q Expr) -> bool) {
    if visit(expr) {
        asked(expr).into_iter().for_each(|child| walk(child, visit));
    }
}

struct Numbers<'s> {
    stats: &'s HashSet<Span>,
    of_text: HashMap<String, u32>,
    places: HashMap<Span, u32>,
}

impl Numbers<'_> {
    /// The number of a node and whether it reads; `over`: number of the subqueries around it.
    fn number(&mut self, expr: &Expr, over: u32) -> (u32, bool) {
        let mut text = String::new();
        let mut reads = false;
        let mut shared = true;
        match expr {
            Expr::Paren(node) => return self.number(&node.expr, over),
            Expr::Number(_) | Expr::String(_) => {
                shared = false;
                let _ = write!(text, "literal {expr}");
            }
            Expr::Vector(node) => {
                reads = true;
                let _ = write!(text, "vector {} {expr}", self.stats.contains(&node.span));
            }
            Expr::Matrix(node) => {
                (reads, shared) = (true, false);
                let _ = write!(text, "matrix {} {expr}", self.stats.contains(&node.vector.span));
            }
            Expr::Subquery(node) => {
                shared = false;
                let _ = write!(text, "subquery {over} {}:", node.range);
                if let Some(step) = &node.step {
                    let _ = write!(text, "{step}");
                }
                moved(&mut text, &node.modifiers);
                let inner = self.intern(text);
                let (below, below_reads) = self.number(&node.expr, inner);
                (text, reads) = (format!("over {inner} {below}"), below_reads);
            }
            Expr::Call(node) => {
                let _ = write!(text, "call {}", node.function.name);
            }
            Expr::Aggregate(node) => {
                let without = matches!(node.grouping, Grouping::Without(_));
                let labels = node.grouping.labels();
                let _ = write!(text, "aggregate {} {without} {labels:?}", node.op.text());
            }
            Expr::Binary(node) => operation(&mut text, node),
            Expr::Unary(node) => {
                let _ = write!(text, "unary {}", node.op.text());
            }
        }
        if !matches!(expr, Expr::Subquery(_)) {
            for child in expr.children() {
                let (number, child_reads) = self.number(child, over);
                reads |= child_reads;
                let _ = write!(text, " {number}");
            }
        }
        let _ = write!(text, " over {over}");
        let number = self.intern(text);
        if shared && reads {
            self.places.insert(expr.span(), number);
        }
        (number, reads)
    }

    fn intern(&mut self, text: String) -> u32 {
        let next = u32::try_from(self.of_text.len() + 1).unwrap_or(u32::MAX);
        *self.of_text.entry(text).or_insert(next)
    }
}

fn moved(text: &mut String, modifiers: &Modifiers) {
    let _ = write!(text, " {:?}", modifiers.at);
    if let Some(offset) = &modifiers.offset {
        let _ = write!(text, " offset {offset}");
    }
}

fn operation(text: &mut String, node: &Binary) {
    let _ = write!(text, "binary {} {}", node.op.text(), node.return_bool);
    if let Some(matching) = &node.matching {
        let VectorMatching { card, on, labels, include, fill_left, fill_right } = matching;
        let fill = [fill_left, fill_right].map(|fill| fill.map(f64::to_bits));
        let _ = write!(text, " {card:?} {on} {labels:?} {include:?} {fill:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Features, parse};

    fn found(text: &str) -> Vec<(String, usize)> {
        let expr = parse(text, &Features::PROMQLTEST).unwrap();
        let stats = super::super::stats::selectors(&expr);
        let Some(repeated) = Repeated::of(&expr, &stats) else { return Vec::new() };
        let mut all: Vec<(String, usize)> =
            repeated.classes.iter().map(|c| (c.last.to_string(), c.uses)).collect();
        all.sort();
        all
    }

    fn check(text: &str, expected: &[(&str, usize)]) {
        let expected: Vec<(String, usize)> =
            expected.iter().map(|(text, uses)| ((*text).to_owned(), *uses)).collect();
        assert_eq!(found(text), expected, "{text}");
    }

    #[test]
    fn equal_subexpressions_are_found() {
        check("rate(a[5m]) / (rate( a[5m] ))", &[("rate(a[5m])", 2)]);
        check("a + a", &[("a", 2)]);
        check("a * 2 + a * 2 + a", &[("a", 2), ("a * 2", 2)]);
        check("sum by (x) (a) / sum without (x) (a)", &[("a", 2)]);
        check("max_over_time(a[1h:1m]) - min_over_time(a[1h:1m])", &[("a", 2)]);
        check("histogram_count(a) + histogram_sum(a)", &[("a", 2)]);
    }

    #[test]
    fn what_differs_is_not() {
        for text in [
            "1 + 1",
            "time() + time()",
            "a + b",
            "a{x=\"1\"} + a{x=\"2\"}",
            "rate(a[5m]) + increase(a[5m])",
            "a + a offset 5m",
            "a + max_over_time(a[1h:1m])",
            "max_over_time(a[1h:1m]) - max_over_time(a[2h:1m])",
            "max_over_time(a[1h:1m]) - max_over_time(a[1h:1m] @ 5)",
            "histogram_count(a) + histogram_quantile(0.9, a)",
            "timestamp(a) + a",
            "sum by (x) (a) + sum by (y) (b)",
        ] {
            check(text, &[]);
        }
    }
}
