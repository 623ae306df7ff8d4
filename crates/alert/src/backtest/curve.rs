//! Episodes and pages for other thresholds and other lengths of `for`.

use plimsoll_query::format_plain;
use serde::{Deserialize, Serialize};

use super::CELLS_MAX;
use super::columns::{Run, Step, Times, walk};
use super::pages::PageCount;
use crate::cycle::Cycle;
use crate::rules::Comparison;

/// Thresholds of a table at most.
pub const THRESHOLDS_MAX: usize = 20;
/// Lengths of `for` of a table at most.
pub const FORS_MAX: usize = 12;

/// Lengths of `for` that are tried when none are named, ms.
const FORS: [i64; 6] = [0, 60_000, 300_000, 900_000, 1_800_000, 3_600_000];
/// Parts of the values that lie on the quiet side of the thresholds that are tried.
const QUANTILES: [f64; 6] = [0.5, 0.75, 0.9, 0.95, 0.99, 0.999];

/// The table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// The comparison: `>`, `>=`, `<`, `<=`.
    pub op: String,
    /// The rule's own threshold.
    pub threshold: f64,
    /// The rule's own `for`, ms.
    pub for_ms: i64,
    /// By threshold, then by `for`.
    pub cells: Vec<Cell>,
}

/// What the rule would have done with one threshold and one `for`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// The threshold.
    pub threshold: f64,
    /// `for`, ms.
    pub for_ms: i64,
    /// Episodes that fired.
    pub fired: u64,
    /// Pages.
    pub pages: u64,
    /// Pages in seven days.
    pub per_week: f64,
    /// Time that alerts fired, all added up, ms.
    pub firing_ms: i64,
    /// Whether no other cell fires for as long with fewer pages, or longer with as many.
    pub best: bool,
}

/// The table while it is made.
pub struct Making {
    pub comparison: Comparison,
    thresholds: Vec<f64>,
    fors: Vec<i64>,
    for_ms: i64,
    keep_ms: i64,
    /// By threshold, then by `for`.
    tracks: Vec<Track>,
    pub given_up: Option<String>,
}

#[derive(Default)]
struct Track {
    /// By alert.
    cycles: Vec<Option<Cycle>>,
    pages: PageCount,
}

impl Making {
    /// `values`: some that the left side had, to choose thresholds from.
    pub fn new(
        comparison: Comparison,
        (for_ms, keep_ms): (i64, i64),
        (thresholds, fors): (&[f64], &[i64]),
        values: Vec<f64>,
    ) -> Self {
        let mut all = vec![comparison.number];
        all.extend(if thresholds.is_empty() {
            chosen(&comparison, values)
        } else {
            thresholds.to_vec()
        });
        all.sort_by(f64::total_cmp);
        all.dedup();
        let mut fors = if fors.is_empty() { FORS.to_vec() } else { fors.to_vec() };
        fors.push(for_ms);
        fors.sort_unstable();
        fors.dedup();
        let tracks = (0..all.len() * fors.len()).map(|_| Track::default()).collect();
        let thresholds = all;
        Self { comparison, thresholds, fors, for_ms, keep_ms, tracks, given_up: None }
    }

    pub fn thresholds(&self) -> &[f64] {
        &self.thresholds
    }

    /// Moves one alert through a window at the `nth` threshold.
    pub fn alert(&mut self, nth: usize, key: usize, group: u32, times: Times, runs: &[Run]) {
        if self.given_up.is_some() {
            return;
        }
        if (key + 1) * self.tracks.len() > CELLS_MAX {
            let text = format!("more than {CELLS_MAX} alerts times cells; name fewer thresholds");
            self.given_up = Some(text);
            self.tracks.clear();
            return;
        }
        let n = self.fors.len();
        for (track, for_ms) in self.tracks[nth * n..(nth + 1) * n].iter_mut().zip(&self.fors) {
            if track.cycles.len() <= key {
                track.cycles.resize(key + 1, None);
            }
            let (cycle, pages) = (&mut track.cycles[key], &mut track.pages);
            if cycle.is_none() && runs.is_empty() {
                continue;
            }
            walk(cycle, times, runs, (*for_ms, self.keep_ms), &mut |step| match step {
                Step::Fired { at, .. } => pages.fire(at, group),
                Step::Over(cycle, at) => {
                    if let Some(fired) = cycle.fired_at {
                        pages.resolve(fired, at, group);
                    }
                }
                Step::Seen(_) => {}
            });
        }
    }

    /// The end of a window.
    pub fn settle(&mut self) {
        self.tracks.iter_mut().for_each(|t| t.pages.settle());
    }

    pub fn finish(mut self, until: i64, covered_ms: i64) -> Result<Curve, String> {
        if let Some(why) = self.given_up {
            return Err(why);
        }
        for track in &mut self.tracks {
            let open = track.cycles.iter().flatten().filter_map(|c| c.fired_at);
            track.pages.firing_ms += open.map(|fired| until - fired).sum::<i64>();
        }
        let mut cells = Vec::with_capacity(self.tracks.len());
        let all = self.thresholds.iter().flat_map(|t| self.fors.iter().map(move |f| (*t, *f)));
        for ((threshold, for_ms), track) in all.zip(&self.tracks) {
            let told = track.pages.told(covered_ms, 0.95);
            cells.push(Cell {
                threshold,
                for_ms,
                fired: told.fired,
                pages: told.count,
                per_week: told.per_week,
                firing_ms: told.firing_ms,
                best: false,
            });
        }
        let better = |a: &Cell, b: &Cell| {
            (a.pages <= b.pages && a.firing_ms > b.firing_ms)
                || (a.pages < b.pages && a.firing_ms >= b.firing_ms)
        };
        let best: Vec<bool> =
            cells.iter().map(|c| !cells.iter().any(|other| better(other, c))).collect();
        cells.iter_mut().zip(best).for_each(|(c, best)| c.best = best);
        let op = self.comparison.op.text().to_owned();
        Ok(Curve { op, threshold: self.comparison.number, for_ms: self.for_ms, cells })
    }
}

/// Thresholds near the rule's own and at quantiles of the values, in three digits.
fn chosen(comparison: &Comparison, mut values: Vec<f64>) -> Vec<f64> {
    let own = comparison.number;
    let mut all = if own == 0.0 { Vec::new() } else { vec![own * 0.9, own * 1.1] };
    values.retain(|v| v.is_finite());
    values.sort_by(f64::total_cmp);
    if let Some(last) = values.len().checked_sub(1) {
        for q in QUANTILES {
            let q = if comparison.is_upper() { q } else { 1.0 - q };
            all.push(values[(q * last as f64).round() as usize]);
        }
    }
    all.into_iter().map(three_digits).collect()
}

fn three_digits(x: f64) -> f64 {
    format!("{x:.2e}").parse().unwrap_or(x)
}

impl Curve {
    /// The table as text: a row for each threshold, a column for each `for`.
    pub fn text(&self) -> String {
        let mut fors: Vec<i64> = self.cells.iter().map(|c| c.for_ms).collect();
        fors.sort_unstable();
        fors.dedup();
        let mut out = format!("{:>14}", "threshold");
        for f in &fors {
            out.push_str(&format!(
                "{:>12}",
                format!("for {}", plimsoll_query::format_duration(*f))
            ));
        }
        for row in self.cells.chunks(fors.len().max(1)) {
            let own = if row[0].threshold == self.threshold { "*" } else { "" };
            out.push_str(&format!("\n{own:>1}{:>13}", format_plain(row[0].threshold)));
            for cell in row {
                let best = if cell.best { "!" } else { "" };
                out.push_str(&format!("{:>12}", format!("{}{best}", cell.pages)));
            }
        }
        out
    }
}
