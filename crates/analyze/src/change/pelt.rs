//! The best cutting of a series into pieces, each with a level (or a line) and a spread of its own.
//!
//! PELT (Killick, Fearnhead, Eckley 2012): dynamic programming over the last cut, from which cuts that can never be
//! the best again are dropped. The cost of a piece is twice its negative normal log-likelihood, n ln(variance). Each
//! cut costs a penalty; dependent noise makes it dearer by as much as it makes points worth less.
//!
//! O(n) with many changes, O(n^2) without any.

use super::noise::Noise;
use super::sums::Sums;

/// What a piece looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A level and a spread.
    Level,
    /// A straight line and a spread.
    Line,
}

impl Shape {
    /// Penalty of a cut in units of ln n: its place and the parameters of the new piece.
    fn parameters(self) -> f64 {
        match self {
            Shape::Level => 3.0,
            Shape::Line => 4.0,
        }
    }

    /// Points that a piece has at least.
    fn piece_min(self) -> usize {
        match self {
            Shape::Level => 5,
            Shape::Line => 8,
        }
    }
}

/// A cutting and what it costs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cutting {
    /// First index of each piece but the first, ascending.
    pub cuts: Vec<usize>,
    /// Cost of all pieces and penalties.
    pub cost: f64,
}

/// The cheapest cutting of points whose prefix sums these are.
pub(crate) fn cut(sums: &[Sums], shape: Shape, noise: Noise) -> Cutting {
    let n = sums.len() - 1;
    let least = shape.piece_min();
    let penalty = shape.parameters() * noise.inflation * (n.max(2) as f64).ln();
    // Pieces that are smoother than noise usually is are not rewarded without end.
    let floor = 0.05 * noise.variance + f64::MIN_POSITIVE;
    let piece = |from: usize, to: usize| {
        let sums = sums[to].minus(&sums[from]);
        let error = match shape {
            Shape::Level => sums.level_error(),
            Shape::Line => sums.line().error,
        };
        sums.n * (error / sums.n + floor).ln()
    };
    // Of the first k points: the least cost and the last cut. Fewer points than a piece needs have none.
    let (mut best, mut cut_before) = (vec![f64::INFINITY; least], vec![0; least]);
    best[0] = -penalty;
    let mut open: Vec<(usize, f64)> = Vec::new();
    for to in least..=n {
        open.push((to - least, 0.0));
        let mut cheapest = (f64::INFINITY, 0);
        for (from, cost) in &mut open {
            *cost = best[*from] + piece(*from, to);
            if *cost + penalty < cheapest.0 {
                cheapest = (*cost + penalty, *from);
            }
        }
        best.push(cheapest.0);
        cut_before.push(cheapest.1);
        open.retain(|&(_, cost)| cost <= cheapest.0);
    }
    let mut cuts = Vec::new();
    let mut at = cut_before[n];
    while at > 0 {
        cuts.push(at);
        at = cut_before[at];
    }
    cuts.reverse();
    Cutting { cuts, cost: best[n] }
}
