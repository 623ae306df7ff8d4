//! Aggregations that choose elements: `topk`, `bottomk`, `limitk`, `limit_ratio`.

use std::cmp::Ordering;

use plimsoll_model::{Grid, Labels};

use super::{gathered, param, tell_of_ignored};
use crate::ast::Aggregate;
use crate::engine::{QueryResult as Result, execution};
use crate::eval::{Eval, Series};

/// The k greatest of each group, greatest first, NaN last.
pub(super) fn topk(eval: &Eval<'_>, node: &Aggregate, grid: Grid) -> Result<Vec<Series>> {
    by_value(eval, node, grid, |a, b| a.partial_cmp(&b))
}

/// The k smallest of each group, smallest first, NaN last.
pub(super) fn bottomk(eval: &Eval<'_>, node: &Aggregate, grid: Grid) -> Result<Vec<Series>> {
    by_value(eval, node, grid, |a, b| b.partial_cmp(&a))
}

/// The first k of each group.
pub(super) fn limitk(eval: &Eval<'_>, node: &Aggregate, grid: Grid) -> Result<Vec<Series>> {
    choose(eval, node, grid, true, |_, members, k| members.truncate(k))
}

/// How good a value is against another; none where one is NaN.
type Rank = fn(f64, f64) -> Option<Ordering>;

fn by_value(eval: &Eval<'_>, node: &Aggregate, grid: Grid, rank: Rank) -> Result<Vec<Series>> {
    choose(eval, node, grid, false, |values, members, k| {
        let mut heap = Worst { values, rank, chosen: Vec::with_capacity(k) };
        members.iter().for_each(|s| heap.offer(*s, k));
        std::mem::swap(members, &mut heap.chosen);
        members.sort_by(|a, b| {
            let (a, b) = (values(*a), values(*b));
            rank(b, a).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
        });
    })
}

/// The best so far in a binary heap, the worst on top, NaN the worst of all. Which of several equal
/// elements goes first is a client's to see, so the heap is sifted as Go's `container/heap` does it.
struct Worst<'v> {
    values: Values<'v>,
    rank: Rank,
    chosen: Vec<usize>,
}

impl Worst<'_> {
    /// Takes a member if it is among the best `k` of those offered so far.
    fn offer(&mut self, member: usize, k: usize) {
        if self.chosen.len() < k {
            self.chosen.push(member);
            self.up();
        } else if k > 0 && self.is_beaten_by((self.values)(member)) {
            self.chosen[0] = member;
            self.down();
        }
    }

    fn is_beaten_by(&self, value: f64) -> bool {
        let worst = (self.values)(self.chosen[0]);
        (self.rank)(worst, value).map_or(worst.is_nan() && !value.is_nan(), Ordering::is_lt)
    }

    /// Whether the element at `i` belongs above that at `j`.
    fn is_worse(&self, i: usize, j: usize) -> bool {
        let (a, b) = ((self.values)(self.chosen[i]), (self.values)(self.chosen[j]));
        a.is_nan() || (self.rank)(a, b).is_some_and(Ordering::is_lt)
    }

    fn up(&mut self) {
        let mut at = self.chosen.len() - 1;
        while at > 0 {
            let parent = (at - 1) / 2;
            if !self.is_worse(at, parent) {
                return;
            }
            self.chosen.swap(at, parent);
            at = parent;
        }
    }

    fn down(&mut self) {
        let mut at = 0;
        loop {
            let (left, right) = (2 * at + 1, 2 * at + 2);
            if left >= self.chosen.len() {
                return;
            }
            let other = right < self.chosen.len() && self.is_worse(right, left);
            let child = if other { right } else { left };
            if !self.is_worse(child, at) {
                return;
            }
            self.chosen.swap(at, child);
            at = child;
        }
    }
}

/// The values of the members of a group at one time.
type Values<'a> = &'a dyn Fn(usize) -> f64;

/// Chooses up to k of each group at each time, of numbers only unless `histograms`: `pick` leaves the chosen among the members, in the order
/// of an instant query.
fn choose(
    eval: &Eval<'_>,
    node: &Aggregate,
    grid: Grid,
    histograms: bool,
    pick: impl Fn(Values<'_>, &mut Vec<usize>, usize),
) -> Result<Vec<Series>> {
    let k = eval.scalar(param(node)?, grid)?;
    check_count(&k)?;
    if k.iter().all(|k| *k < 1.0) {
        return Ok(Vec::new());
    }
    let (mut series, of, groups) = gathered(eval, node, grid)?;
    if !histograms && series.iter().any(|s| !s.histograms.is_empty()) {
        tell_of_ignored(eval, node);
        series.iter_mut().for_each(|s| s.histograms = Vec::new());
    }
    let mut groups_of = vec![Vec::new(); groups.found.len()];
    of.iter().enumerate().for_each(|(s, group)| groups_of[*group].push(s));
    let mut order = Vec::new();
    let mut members = Vec::new();
    let mut kept = vec![usize::MAX; series.len()];
    for (i, k) in k.iter().enumerate() {
        eval.cx.cancel.check()?;
        for group in &groups_of {
            members.clear();
            members.extend(group.iter().copied().filter(|s| series[*s].is_present(i)));
            let k = (k.max(0.0) as usize).min(members.len());
            pick(&|s| series[s].values[i], &mut members, k);
            members.iter().for_each(|s| kept[*s] = i);
            group.iter().filter(|s| kept[**s] != i).for_each(|s| series[*s].clear(i));
            if grid.len() == 1 {
                order.extend_from_slice(&members);
            }
        }
    }
    if grid.len() == 1 {
        return Ok(ordered(series, &order));
    }
    series.retain(Series::any_present);
    Ok(series)
}

/// The chosen series in the order of an instant query.
fn ordered(series: Vec<Series>, order: &[usize]) -> Vec<Series> {
    let mut series: Vec<Option<Series>> = series.into_iter().map(Some).collect();
    order.iter().filter_map(|s| series[*s].take()).collect()
}

fn check_count(k: &[f64]) -> Result<()> {
    for k in k {
        if k.is_nan() {
            return Err(execution("Parameter value is NaN"));
        }
        if *k <= i64::MIN as f64 {
            return Err(execution(format!(
                "Scalar value {} underflows int64",
                crate::format::go_g(*k)
            )));
        }
        if *k >= i64::MAX as f64 {
            return Err(execution(format!(
                "Scalar value {} overflows int64",
                crate::format::go_g(*k)
            )));
        }
    }
    Ok(())
}

/// A share of the elements, chosen by their labels: the first `r`, or the last `-r`, of the unit
/// interval onto which labels are hashed. `r` and `r - 1` together choose every element once.
pub(super) fn limit_ratio(eval: &Eval<'_>, node: &Aggregate, grid: Grid) -> Result<Vec<Series>> {
    let param = param(node)?;
    let ratios = eval.scalar(param, grid)?;
    if ratios.iter().any(|r| r.is_nan()) {
        return Err(execution("Ratio value is NaN"));
    }
    for (wrong, capped) in [
        (ratios.iter().copied().fold(1.0, f64::max), 1.0),
        (ratios.iter().copied().fold(-1.0, f64::min), -1.0),
    ] {
        if wrong != capped {
            let text = format!(
                "ratio value should be between -1 and 1, got {}, capping to {}",
                crate::format::go_g(wrong),
                crate::format::go_g(capped)
            );
            eval.notes.warn(text, param.span());
        }
    }
    let mut series = eval.vector(&node.expr, grid)?;
    for s in &mut series {
        let offset = place(&s.labels);
        for (i, ratio) in ratios.iter().enumerate() {
            let ratio = ratio.clamp(-1.0, 1.0);
            let chosen = (ratio >= 0.0 && offset < ratio) || (ratio < 0.0 && offset >= 1.0 + ratio);
            if !chosen {
                s.clear(i);
            }
        }
    }
    series.retain(Series::any_present);
    Ok(series)
}

/// Where the labels fall in the unit interval: xxh64 of names and values, each after its length in
/// one byte, or in 255 and three bytes from 255 on, as Prometheus hashes them.
fn place(labels: &Labels) -> f64 {
    let mut bytes = Vec::with_capacity(labels.as_ref().as_bytes().len() + 8);
    for text in labels.iter().flat_map(|(n, v)| [n, v]) {
        match u8::try_from(text.len()) {
            Ok(len) if len < 255 => bytes.push(len),
            _ => {
                bytes.push(255);
                bytes.extend_from_slice(&(text.len() as u32).to_le_bytes()[..3]);
            }
        }
        bytes.extend_from_slice(text.as_bytes());
    }
    xxhash_rust::xxh64::xxh64(&bytes, 0) as f64 / u64::MAX as f64
}
