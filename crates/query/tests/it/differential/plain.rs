//! The slow, obvious evaluator: one time after the other, one element after the other, straight from
//! what the language says. It shares the parser with the engine, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::is_stale;
use plimsoll_query::{
    Aggregate, AggregateOp, At, Binary, BinaryOp, Call, Cardinality, Duration, Expr, Grouping,
    MatchOp, Modifiers, Subquery, UnaryOp, VectorMatching, VectorSelector,
};

pub type Tags = BTreeMap<String, String>;
pub type Vector = Vec<(Tags, f64)>;

const LOOKBACK: i64 = 300_000;
const NAME: &str = "__name__";

/// The samples of all series, and the query's grid.
pub struct Plain<'d> {
    pub data: &'d [(Tags, Vec<(i64, f64)>)],
    pub start: i64,
    pub end: i64,
}

/// What an expression is at one time.
#[derive(Clone, Debug)]
pub enum Now {
    Scalar(f64),
    Text(String),
    Vector(Vector),
}

/// Series with the samples of one window each.
type Ranges = Vec<(Tags, Vec<(i64, f64)>)>;
/// An error; its text is not compared.
type Result<T> = std::result::Result<T, String>;

impl Plain<'_> {
    pub fn at(&self, expr: &Expr, t: i64) -> Result<Now> {
        Ok(match expr {
            Expr::Number(n) => Now::Scalar(n.value),
            Expr::String(s) => Now::Text(s.value.clone()),
            Expr::Paren(p) => self.at(&p.expr, t)?,
            Expr::Vector(s) => {
                let newest = self.newest(s, t);
                Now::Vector(newest.into_iter().map(|(tags, (_, v))| (tags, v)).collect())
            }
            Expr::Call(c) => self.call(c, t)?,
            Expr::Aggregate(a) => Now::Vector(self.aggregate(a, t)?),
            Expr::Binary(b) => self.binary(b, t)?,
            Expr::Unary(u) => match (self.at(&u.expr, t)?, u.op) {
                (value, UnaryOp::Plus) => value,
                (Now::Scalar(v), UnaryOp::Minus) => Now::Scalar(-v),
                (Now::Vector(all), UnaryOp::Minus) => {
                    Now::Vector(distinct(all.into_iter().map(|(l, v)| (unnamed(l), -v)).collect())?)
                }
                (text, UnaryOp::Minus) => text,
            },
            Expr::Matrix(_) | Expr::Subquery(_) => return Err("a range".to_owned()),
        })
    }

    fn vector(&self, expr: &Expr, t: i64) -> Result<Vector> {
        match self.at(expr, t)? {
            Now::Vector(all) => Ok(all),
            other => Err(format!("{other:?} is no vector")),
        }
    }

    fn scalar(&self, expr: &Expr, t: i64) -> Result<f64> {
        match self.at(expr, t)? {
            Now::Scalar(v) => Ok(v),
            other => Err(format!("{other:?} is no scalar")),
        }
    }

    fn text(&self, expr: &Expr, t: i64) -> Result<String> {
        match self.at(expr, t)? {
            Now::Text(text) => Ok(text),
            other => Err(format!("{other:?} is no string")),
        }
    }

    fn moved(&self, m: &Modifiers, t: i64) -> i64 {
        let at = match m.at {
            None => t,
            Some(At::Timestamp(at)) => at,
            Some(At::Start) => self.start,
            Some(At::End) => self.end,
        };
        at - m.offset.as_ref().map_or(0, fixed)
    }

    fn selected<'s>(
        &'s self,
        selector: &'s VectorSelector,
    ) -> impl Iterator<Item = &'s (Tags, Vec<(i64, f64)>)> {
        self.data.iter().filter(|(tags, _)| {
            selector.matchers.iter().all(|m| {
                let value = tags.get(&m.name).map_or("", String::as_str);
                match m.op {
                    MatchOp::Equal => value == m.value,
                    MatchOp::NotEqual => value != m.value,
                    // The generator writes alternatives only.
                    MatchOp::Regex => m.value.split('|').any(|v| v == value),
                    MatchOp::NotRegex => m.value.split('|').all(|v| v != value),
                }
            })
        })
    }

    fn newest(&self, selector: &VectorSelector, t: i64) -> Vec<(Tags, (i64, f64))> {
        let t = self.moved(&selector.modifiers, t);
        let newest = |samples: &[(i64, f64)]| {
            samples.iter().rfind(|s| s.0 <= t && s.0 > t - LOOKBACK).copied()
        };
        self.selected(selector)
            .filter_map(|(tags, samples)| {
                let found = newest(samples).filter(|s| !is_stale(s.1))?;
                Some((tags.clone(), found))
            })
            .collect()
    }

    /// The windows of a range vector, their start and their end.
    fn ranges(&self, expr: &Expr, t: i64) -> Result<(Ranges, i64, i64)> {
        match expr.unwrap_paren() {
            Expr::Matrix(m) => {
                let end = self.moved(&m.vector.modifiers, t);
                let start = end - fixed(&m.range);
                let within = |s: &&(i64, f64)| s.0 > start && s.0 <= end && !is_stale(s.1);
                let all = self.selected(&m.vector).map(|(tags, samples)| {
                    (tags.clone(), samples.iter().filter(within).copied().collect())
                });
                Ok((all.collect(), start, end))
            }
            Expr::Subquery(s) => self.subquery(s, t),
            _ => Err("no range".to_owned()),
        }
    }

    fn subquery(&self, node: &Subquery, t: i64) -> Result<(Ranges, i64, i64)> {
        let end = self.moved(&node.modifiers, t);
        let start = end - fixed(&node.range);
        let step = node.step.as_ref().map_or(60_000, fixed);
        let mut all: BTreeMap<Tags, Vec<(i64, f64)>> = BTreeMap::new();
        let mut at = (start.div_euclid(step) + 1) * step;
        while at <= end {
            match self.at(&node.expr, at)? {
                Now::Vector(elements) => {
                    for (tags, v) in elements {
                        all.entry(tags).or_default().push((at, v));
                    }
                }
                _ => return Err("no vector in a subquery".to_owned()),
            }
            at += step;
        }
        Ok((all.into_iter().collect(), start, end))
    }

    fn call(&self, node: &Call, t: i64) -> Result<Now> {
        let name = node.function.name;
        let arg = |i: usize| &node.args[i];
        let number = |i: usize| self.scalar(arg(i), t);
        let seconds = t as f64 / 1e3;
        let each = |f: &dyn Fn(f64) -> f64| -> Result<Now> {
            let all = self.vector(arg(0), t)?;
            Ok(Now::Vector(distinct(all.into_iter().map(|(l, v)| (unnamed(l), f(v))).collect())?))
        };
        Ok(match name {
            "time" => Now::Scalar(seconds),
            "vector" => Now::Vector(vec![(Tags::new(), number(0)?)]),
            "scalar" => match &self.vector(arg(0), t)?[..] {
                [(_, v)] => Now::Scalar(*v),
                _ => Now::Scalar(f64::NAN),
            },
            "abs" => each(&f64::abs)?,
            "ceil" => each(&f64::ceil)?,
            "floor" => each(&f64::floor)?,
            "sqrt" => each(&f64::sqrt)?,
            "sgn" => each(&|v| {
                if v > 0.0 {
                    1.0
                } else if v < 0.0 {
                    -1.0
                } else {
                    v
                }
            })?,
            "round" => {
                let to = if node.args.len() > 1 { number(1)? } else { 1.0 };
                let inverse = 1.0 / to;
                each(&|v| (v * inverse + 0.5).floor() / inverse)?
            }
            // Infinity beats NaN, as in Go.
            "clamp_min" => {
                let min = number(1)?;
                each(&|v| match () {
                    () if v == f64::INFINITY || min == f64::INFINITY => f64::INFINITY,
                    () if v.is_nan() || min.is_nan() => f64::NAN,
                    () => v.max(min),
                })?
            }
            "clamp_max" => {
                let max = number(1)?;
                each(&|v| match () {
                    () if v == f64::NEG_INFINITY || max == f64::NEG_INFINITY => f64::NEG_INFINITY,
                    () if v.is_nan() || max.is_nan() => f64::NAN,
                    () => v.min(max),
                })?
            }
            "minute" => each(&|v| (v / 60.0).floor().rem_euclid(60.0))?,
            "timestamp" => {
                let all = match arg(0).unwrap_paren() {
                    Expr::Vector(s) => {
                        let own = self.newest(s, t).into_iter();
                        own.map(|(l, (at, _))| (unnamed(l), at as f64 / 1e3)).collect()
                    }
                    other => {
                        let all = self.vector(other, t)?.into_iter();
                        all.map(|(l, _)| (unnamed(l), seconds)).collect()
                    }
                };
                Now::Vector(distinct(all)?)
            }
            "absent" => {
                let is_empty = self.vector(arg(0), t)?.is_empty();
                Now::Vector(absence(arg(0), is_empty))
            }
            "absent_over_time" => {
                let (all, ..) = self.ranges(arg(0), t)?;
                Now::Vector(absence(arg(0), all.iter().all(|(_, w)| w.is_empty())))
            }
            "label_replace" => {
                // The generator only asks for whole values: "(.*)" copied as "$1".
                let (to, with, from) =
                    (self.text(arg(1), t)?, self.text(arg(2), t)?, self.text(arg(3), t)?);
                let mut all = self.vector(arg(0), t)?;
                for (tags, _) in &mut all {
                    let value = tags.get(&from).cloned().unwrap_or_default();
                    set(tags, &to, with.replace("$1", &value));
                }
                Now::Vector(distinct(all)?)
            }
            "label_join" => {
                let (to, between) = (self.text(arg(1), t)?, self.text(arg(2), t)?);
                let from: Vec<String> =
                    (3..node.args.len()).map(|i| self.text(arg(i), t)).collect::<Result<_>>()?;
                let mut all = self.vector(arg(0), t)?;
                for (tags, _) in &mut all {
                    let values: Vec<_> =
                        from.iter().map(|n| tags.get(n).cloned().unwrap_or_default()).collect();
                    set(tags, &to, values.join(&between));
                }
                Now::Vector(distinct(all)?)
            }
            _ => {
                let (range, rest) = match name {
                    "quantile_over_time" => (1, vec![number(0)?]),
                    "predict_linear" => (0, vec![number(1)?]),
                    _ => (0, Vec::new()),
                };
                let (all, start, end) = self.ranges(arg(range), t)?;
                let keep = matches!(name, "last_over_time" | "first_over_time");
                let one = |(tags, w): (Tags, Vec<(i64, f64)>)| {
                    let v = (!w.is_empty()).then(|| window(name, &w, (start, end, t), &rest))??;
                    Some((if keep { tags } else { unnamed(tags) }, v))
                };
                Now::Vector(distinct(all.into_iter().filter_map(one).collect())?)
            }
        })
    }

    fn aggregate(&self, node: &Aggregate, t: i64) -> Result<Vector> {
        let all = self.vector(&node.expr, t)?;
        let param = node.param.as_ref();
        let mut groups: BTreeMap<Tags, Vector> = BTreeMap::new();
        for (tags, v) in all {
            let key = match &node.grouping {
                Grouping::By(names) => only(&tags, names),
                Grouping::Without(names) => but(&unnamed(tags.clone()), names),
            };
            groups.entry(key).or_default().push((tags, v));
        }
        let mut out = Vector::new();
        for (key, elements) in groups {
            let values: Vec<f64> = elements.iter().map(|e| e.1).collect();
            let n = values.len() as f64;
            let sum: f64 = values.iter().sum();
            let variance = |sum: f64| values.iter().map(|v| (v - sum / n).powi(2)).sum::<f64>() / n;
            let value = match node.op {
                AggregateOp::Sum => sum,
                AggregateOp::Avg => sum / n,
                AggregateOp::Count => n,
                AggregateOp::Group => 1.0,
                AggregateOp::Min => extreme(&values, |a, b| a < b),
                AggregateOp::Max => extreme(&values, |a, b| a > b),
                AggregateOp::Stdvar => variance(sum),
                AggregateOp::Stddev => variance(sum).sqrt(),
                AggregateOp::Quantile => {
                    quantile(self.scalar(param.ok_or("no quantile")?, t)?, &values)
                }
                AggregateOp::Topk | AggregateOp::Bottomk => {
                    let k = self.scalar(param.ok_or("no k")?, t)? as usize;
                    let mut sorted = elements;
                    let top = node.op == AggregateOp::Topk;
                    sorted.sort_by(|a, b| match (a.1.is_nan(), b.1.is_nan()) {
                        (false, false) if top => b.1.total_cmp(&a.1),
                        (false, false) => a.1.total_cmp(&b.1),
                        (a, b) => a.cmp(&b),
                    });
                    out.extend(sorted.into_iter().take(k));
                    continue;
                }
                AggregateOp::CountValues => {
                    let label = self.text(param.ok_or("no label")?, t)?;
                    let mut counts: BTreeMap<String, f64> = BTreeMap::new();
                    for v in &values {
                        *counts.entry(plimsoll_query::format_plain(*v)).or_default() += 1.0;
                    }
                    for (value, count) in counts {
                        let mut tags = key.clone();
                        set(&mut tags, &label, value);
                        out.push((tags, count));
                    }
                    continue;
                }
                AggregateOp::Limitk | AggregateOp::LimitRatio => return Err("unordered".to_owned()),
            };
            out.push((key, value));
        }
        Ok(out)
    }

    fn binary(&self, node: &Binary, t: i64) -> Result<Now> {
        let (a, b) = (self.at(&node.lhs, t)?, self.at(&node.rhs, t)?);
        let compares = node.op.is_comparison();
        let with_scalar = |all: Vector, f: &dyn Fn(f64) -> (f64, bool)| {
            let mut out = Vector::new();
            for (tags, v) in all {
                let (result, holds) = f(v);
                if compares && node.return_bool {
                    out.push((unnamed(tags), f64::from(u8::from(holds))));
                } else if compares {
                    if holds {
                        out.push((tags, v));
                    }
                } else {
                    out.push((unnamed(tags), result));
                }
            }
            distinct(out)
        };
        Ok(match (a, b) {
            (Now::Scalar(a), Now::Scalar(b)) => {
                let (result, holds) = apply(node.op, a, b);
                Now::Scalar(if compares { f64::from(u8::from(holds)) } else { result })
            }
            (Now::Vector(all), Now::Scalar(b)) => {
                Now::Vector(with_scalar(all, &|v| apply(node.op, v, b))?)
            }
            (Now::Scalar(a), Now::Vector(all)) => {
                Now::Vector(with_scalar(all, &|v| apply(node.op, a, v))?)
            }
            (Now::Vector(a), Now::Vector(b)) => {
                let matching = node.matching.as_ref().ok_or("no matching")?;
                Now::Vector(if node.op.is_set() {
                    sets(node.op, matching, a, b)
                } else {
                    pairs(node, matching, a, b)?
                })
            }
            _ => return Err("strings".to_owned()),
        })
    }
}

fn fixed(d: &Duration) -> i64 {
    match d {
        Duration::Fixed(ms) => *ms,
        Duration::Expr(_) => unreachable!("the generator writes none"),
    }
}

fn unnamed(mut tags: Tags) -> Tags {
    tags.remove(NAME);
    tags
}

fn only(tags: &Tags, names: &[String]) -> Tags {
    tags.iter().filter(|(n, _)| names.contains(n)).map(|(n, v)| (n.clone(), v.clone())).collect()
}

fn but(tags: &Tags, names: &[String]) -> Tags {
    tags.iter().filter(|(n, _)| !names.contains(n)).map(|(n, v)| (n.clone(), v.clone())).collect()
}

fn set(tags: &mut Tags, name: &str, value: String) {
    if value.is_empty() {
        tags.remove(name);
    } else {
        tags.insert(name.to_owned(), value);
    }
}

fn distinct(all: Vector) -> Result<Vector> {
    let tags: BTreeSet<&Tags> = all.iter().map(|e| &e.0).collect();
    if tags.len() < all.len() { Err("same labelset".to_owned()) } else { Ok(all) }
}

fn extreme(values: &[f64], beats: fn(f64, f64) -> bool) -> f64 {
    values.iter().fold(f64::NAN, |best, v| if best.is_nan() || beats(*v, best) { *v } else { best })
}

fn quantile(phi: f64, values: &[f64]) -> f64 {
    if phi.is_nan() || values.is_empty() {
        return f64::NAN;
    }
    if phi < 0.0 {
        return f64::NEG_INFINITY;
    }
    if phi > 1.0 {
        return f64::INFINITY;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| b.is_nan().cmp(&a.is_nan()).then(a.total_cmp(b)));
    let rank = phi * (sorted.len() as f64 - 1.0);
    let (lower, weight) = (rank.floor() as usize, rank - rank.floor());
    let upper = (lower + 1).min(sorted.len() - 1);
    sorted[lower] * (1.0 - weight) + sorted[upper] * weight
}

/// The labels that an absence has: those that the selector asks for once, by equality.
fn absence(expr: &Expr, is_absent: bool) -> Vector {
    let selector = match expr.unwrap_paren() {
        Expr::Vector(s) => Some(&**s),
        Expr::Matrix(m) => Some(&m.vector),
        _ => None,
    };
    let mut tags = Tags::new();
    for m in selector.map_or(&[][..], |s| &s.matchers) {
        let times = selector.map_or(0, |s| s.matchers.iter().filter(|o| o.name == m.name).count());
        if m.op == MatchOp::Equal && m.name != NAME && times == 1 {
            set(&mut tags, &m.name, m.value.clone());
        }
    }
    if is_absent { vec![(tags, 1.0)] } else { Vector::new() }
}

fn apply(op: BinaryOp, a: f64, b: f64) -> (f64, bool) {
    match op {
        BinaryOp::Add => (a + b, true),
        BinaryOp::Sub => (a - b, true),
        BinaryOp::Mul => (a * b, true),
        BinaryOp::Div => (a / b, true),
        BinaryOp::Mod => (a % b, true),
        BinaryOp::Equal => (a, a == b),
        BinaryOp::NotEqual => (a, a != b),
        BinaryOp::Less => (a, a < b),
        BinaryOp::LessEqual => (a, a <= b),
        BinaryOp::Greater => (a, a > b),
        BinaryOp::GreaterEqual => (a, a >= b),
        other => unreachable!("the generator writes no {}", other.text()),
    }
}

fn key(matching: &VectorMatching, tags: &Tags) -> Tags {
    if matching.on {
        only(tags, &matching.labels)
    } else {
        but(&unnamed(tags.clone()), &matching.labels)
    }
}

fn sets(op: BinaryOp, matching: &VectorMatching, a: Vector, b: Vector) -> Vector {
    let keys = |all: &Vector| all.iter().map(|e| key(matching, &e.0)).collect::<BTreeSet<_>>();
    let (left, right) = (keys(&a), keys(&b));
    match op {
        BinaryOp::And => a.into_iter().filter(|e| right.contains(&key(matching, &e.0))).collect(),
        BinaryOp::Unless => {
            a.into_iter().filter(|e| !right.contains(&key(matching, &e.0))).collect()
        }
        _ => {
            let rest = b.into_iter().filter(|e| !left.contains(&key(matching, &e.0)));
            a.into_iter().chain(rest).collect()
        }
    }
}

fn pairs(node: &Binary, matching: &VectorMatching, a: Vector, b: Vector) -> Result<Vector> {
    let swapped = matching.card == Cardinality::OneToMany;
    let (many, one) = if swapped { (b, a) } else { (a, b) };
    if many.is_empty() || one.is_empty() {
        return Ok(Vector::new());
    }
    let mut of_key: BTreeMap<Tags, &(Tags, f64)> = BTreeMap::new();
    for element in &one {
        if of_key.insert(key(matching, &element.0), element).is_some() {
            return Err("many-to-many".to_owned());
        }
    }
    let mut out = Vector::new();
    let mut used: BTreeSet<Tags> = BTreeSet::new();
    for (tags, v) in &many {
        let Some((one_tags, one_v)) = of_key.get(&key(matching, tags)) else { continue };
        let (x, y) = if swapped { (*one_v, *v) } else { (*v, *one_v) };
        let (result, holds) = apply(node.op, x, y);
        let compares = node.op.is_comparison();
        // Also what a comparison then leaves out is matched.
        if matching.card == Cardinality::OneToOne && !used.insert(key(matching, tags)) {
            return Err("many-to-one must be explicit".to_owned());
        }
        if compares && !node.return_bool && !holds {
            continue;
        }
        let value = match (compares, node.return_bool) {
            (true, true) => f64::from(u8::from(holds)),
            (true, false) => x,
            _ => result,
        };
        let mut labels =
            if compares && !node.return_bool { tags.clone() } else { unnamed(tags.clone()) };
        if matching.card == Cardinality::OneToOne {
            labels = if matching.on {
                only(&labels, &matching.labels)
            } else {
                but(&labels, &matching.labels)
            };
        }
        for name in &matching.include {
            set(&mut labels, name, one_tags.get(name).cloned().unwrap_or_default());
        }
        if matching.card != Cardinality::OneToOne && !used.insert(labels.clone()) {
            return Err("unique matches".to_owned());
        }
        out.push((labels, value));
    }
    distinct(out)
}

/// A range function over one window that is not empty: (start, end] and when it is evaluated.
fn window(
    name: &str,
    w: &[(i64, f64)],
    (start, end, at): (i64, i64, i64),
    args: &[f64],
) -> Option<f64> {
    let values: Vec<f64> = w.iter().map(|s| s.1).collect();
    let n = values.len() as f64;
    let (first, last) = (w[0], w[w.len() - 1]);
    let range = (end - start) as f64 / 1e3;
    let sum: f64 = values.iter().sum();
    let variance = || values.iter().map(|v| (v - sum / n).powi(2)).sum::<f64>() / n;
    let before_last = || (w.len() > 1).then(|| w[w.len() - 2]);
    let differ = |p: &&[f64]| p[0] != p[1] && !(p[0].is_nan() && p[1].is_nan());
    Some(match name {
        "sum_over_time" => sum,
        "avg_over_time" => sum / n,
        "count_over_time" => n,
        "min_over_time" => extreme(&values, |a, b| a < b),
        "max_over_time" => extreme(&values, |a, b| a > b),
        "last_over_time" => last.1,
        "first_over_time" => first.1,
        "present_over_time" => 1.0,
        "stdvar_over_time" => variance(),
        "stddev_over_time" => variance().sqrt(),
        "quantile_over_time" => quantile(args[0], &values),
        "changes" => values.windows(2).filter(differ).count() as f64,
        "resets" => values.windows(2).filter(|p| p[1] < p[0]).count() as f64,
        "increase" => grown(w, start, end, true)?,
        "rate" => grown(w, start, end, true)? / range,
        "delta" => grown(w, start, end, false)?,
        "idelta" => last.1 - before_last()?.1,
        "irate" => {
            let before = before_last()?;
            let grown = if last.1 < before.1 { last.1 } else { last.1 - before.1 };
            grown / ((last.0 - before.0) as f64 / 1e3)
        }
        "deriv" => line(w, first.0)?.0,
        "predict_linear" => {
            let (slope, here) = line(w, at)?;
            here + slope * args[0]
        }
        other => unreachable!("the generator writes no {other}"),
    })
}

fn grown(w: &[(i64, f64)], start: i64, end: i64, counter: bool) -> Option<f64> {
    let (first, last) = (w[0], w[w.len() - 1]);
    if w.len() < 2 {
        return None;
    }
    let mut growth = last.1 - first.1;
    for pair in w.windows(2) {
        if counter && pair[1].1 < pair[0].1 {
            growth += pair[0].1;
        }
    }
    let sampled = (last.0 - first.0) as f64 / 1e3;
    let mean = sampled / (w.len() - 1) as f64;
    let gap = |ms: i64| if ms as f64 / 1e3 >= mean * 1.1 { mean / 2.0 } else { ms as f64 / 1e3 };
    let mut before = gap(first.0 - start);
    if counter && growth > 0.0 && first.1 >= 0.0 {
        before = before.min(sampled * (first.1 / growth));
    }
    Some(growth * ((sampled + before + gap(end - last.0)) / sampled))
}

/// Slope per second and value at `origin` of the least-squares line.
fn line(w: &[(i64, f64)], origin: i64) -> Option<(f64, f64)> {
    if w.len() < 2 {
        return None;
    }
    if w.iter().all(|s| s.1 == w[0].1) {
        return Some(if w[0].1.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, w[0].1) });
    }
    let n = w.len() as f64;
    let x: Vec<f64> = w.iter().map(|s| (s.0 - origin) as f64 / 1e3).collect();
    let (mean_x, mean_y) = (x.iter().sum::<f64>() / n, w.iter().map(|s| s.1).sum::<f64>() / n);
    let both: f64 = x.iter().zip(w).map(|(x, s)| (x - mean_x) * (s.1 - mean_y)).sum();
    let own: f64 = x.iter().map(|x| (x - mean_x).powi(2)).sum();
    let slope = both / own;
    Some((slope, mean_y - slope * mean_x))
}
