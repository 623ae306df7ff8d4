//! Histograms for readers: buckets of an answer, and the text that `count_values` makes a label of.

use plimsoll_model::Histogram;

use super::{Hist, Range};
use crate::format::go_g;

/// A bucket of an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HistogramBucket {
    /// Which ends belong to it: 0 the upper, 1 the lower, 2 none, 3 both.
    pub ends: u8,
    /// Lower end.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
    /// What it holds; not 0.
    pub count: f64,
}

/// The buckets of a histogram that hold something, from the lowest to the highest.
pub fn histogram_buckets(histogram: &Histogram) -> Vec<HistogramBucket> {
    let h = Hist::of(histogram);
    let filled = h.all_buckets().filter(|b| b.count != 0.0);
    let bucket = |b: Range| {
        let (lower, upper) = ends(&h, b);
        let ends = match (lower, upper) {
            (false, true) => 0,
            (true, false) => 1,
            (false, false) => 2,
            (true, true) => 3,
        };
        HistogramBucket { ends, lower: b.lower, upper: b.upper, count: b.count }
    };
    filled.map(bucket).collect()
}

/// A histogram in one line, as `count_values` makes a label of it:
/// `{count:5, sum:6, [-2,-1):2, [-0.5,0.5]:1, (1,2]:2}`.
pub fn histogram_text(histogram: &Histogram) -> String {
    Hist::of(histogram).text()
}

/// Whether the ends of a bucket belong to it.
fn ends(h: &Hist, b: Range) -> (bool, bool) {
    if h.is_custom() {
        return (b.lower == f64::NEG_INFINITY, true);
    }
    if b.lower == -b.upper {
        return (true, true);
    }
    (b.lower < 0.0, b.upper > 0.0)
}

impl Hist {
    /// The text of a histogram, as Prometheus writes it.
    pub fn text(&self) -> String {
        let mut out = format!("{{count:{}, sum:{}", go_g(self.count), go_g(self.sum));
        for b in self.all_buckets().filter(|b| b.count != 0.0) {
            let (lower, upper) = ends(self, b);
            out.push_str(if lower { ", [" } else { ", (" });
            out.push_str(&format!("{},{}", go_g(b.lower), go_g(b.upper)));
            out.push_str(if upper { "]:" } else { "):" });
            out.push_str(&go_v(b.count));
        }
        out.push('}');
        out
    }
}

/// A number in Go's `%v`: with an exponent below 1e-4 and from 1e21 on.
fn go_v(value: f64) -> String {
    if (1e6..1e21).contains(&value.abs()) {
        return crate::format::format_plain(value);
    }
    go_g(value)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{custom, plain};

    #[test]
    fn ends_have_digits_and_brackets() {
        let mut h = plain(1, &[3.0]);
        h.negative = vec![(1, 2.0)];
        (h.zero, h.zero_threshold) = (1.0, 0.001);
        let buckets = super::histogram_buckets(&h.to_model());
        assert_eq!(buckets.iter().map(|b| b.ends).collect::<Vec<_>>(), [1, 3, 0]);
        assert_eq!(h.text(), "{count:3, sum:3, [-2,-1):2, [-0.001,0.001]:1, (1,2]:3}");
        let h = custom(&[5.0], &[1.0, 0.0]);
        assert_eq!(h.text(), "{count:1, sum:1, [-Inf,5]:1}");
    }
}
