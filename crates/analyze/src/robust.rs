//! Order statistics, ranks and thinning: the robust arithmetic the analyses share.
//!
//! All functions ignore non-finite input and answer `None` when nothing is left.

/// Median of the finite values; the mean of the middle two for an even count.
pub fn median(values: &[f64]) -> Option<f64> {
    quantile(values, 0.5)
}

/// Quantile `q` in 0..=1 of the finite values, linearly interpolated between neighbours.
pub fn quantile(values: &[f64], q: f64) -> Option<f64> {
    let mut finite: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    quantile_in_place(&mut finite, q)
}

/// As [`quantile`] on values known to be finite; reorders them.
pub(crate) fn quantile_in_place(values: &mut [f64], q: f64) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let at = q.clamp(0.0, 1.0) * (values.len() - 1) as f64;
    let low = at.floor() as usize;
    let (_, &mut below, rest) = values.select_nth_unstable_by(low, f64::total_cmp);
    let share = at - low as f64;
    if share == 0.0 {
        return Some(below);
    }
    let above = rest.iter().copied().fold(f64::INFINITY, f64::min);
    Some(below + (above - below) * share)
}

/// At most `points_max` points that keep the shape: medians of time and value over runs of equal length.
///
/// Points whose value is not finite are dropped. Extra entries of the longer slice are ignored.
pub fn thin(times_ms: &[i64], values: &[f64], points_max: usize) -> (Vec<i64>, Vec<f64>) {
    let kept: Vec<(i64, f64)> = times_ms
        .iter()
        .copied()
        .zip(values.iter().copied())
        .filter(|(_, value)| value.is_finite())
        .collect();
    if kept.len() <= points_max.max(1) {
        return kept.into_iter().unzip();
    }
    let run = kept.len().div_ceil(points_max.max(1));
    kept.chunks(run)
        .filter_map(|chunk| {
            let mut values: Vec<f64> = chunk.iter().map(|point| point.1).collect();
            Some((chunk[chunk.len() / 2].0, quantile_in_place(&mut values, 0.5)?))
        })
        .unzip()
}

/// The finite values in ascending order.
pub(crate) fn sorted_finite(values: &[f64]) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

/// As [`quantile`] of values that are finite and ascending.
pub(crate) fn quantile_of_sorted(sorted: &[f64], q: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let at = q.clamp(0.0, 1.0) * last as f64;
    let low = at.floor() as usize;
    let share = at - low as f64;
    Some(if share == 0.0 {
        sorted[low]
    } else {
        sorted[low] + (sorted[low + 1] - sorted[low]) * share
    })
}

/// Median distance from the median of values that are finite and ascending: the smaller half of the distances
/// lies about the middle, so that two pointers find it.
pub(crate) fn median_deviation_of_sorted(sorted: &[f64]) -> Option<f64> {
    let median = quantile_of_sorted(sorted, 0.5)?;
    let split = sorted.partition_point(|&v| v < median);
    let (mut below, mut above) = (split, split);
    let mut last = [0.0; 2];
    for _ in 0..=sorted.len() / 2 {
        let down = below.checked_sub(1).map_or(f64::INFINITY, |i| median - sorted[i]);
        let up = sorted.get(above).map_or(f64::INFINITY, |v| v - median);
        last = [last[1], down.min(up)];
        if down < up { below -= 1 } else { above += 1 }
    }
    Some(if sorted.len() % 2 == 1 { last[1] } else { 0.5 * (last[0] + last[1]) })
}

/// Robust standard deviation of the finite values: 1.4826 times the median distance from the median.
pub fn robust_deviation(values: &[f64]) -> Option<f64> {
    Some(1.4826 * median_deviation_of_sorted(&sorted_finite(values))?)
}

/// Sizes of the groups of equal values, groups of one left out.
pub(crate) fn tie_groups(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.chunk_by(|a, b| a == b).map(|g| g.len() as f64).filter(|&g| g > 1.0).collect()
}

/// Sorts and ranks one series after another without new memory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Order {
    /// Value and position, ascending by value.
    placed: Vec<(f64, u32)>,
    sorted: Vec<f64>,
}

impl Order {
    /// Ranks from 1, ties sharing their mean; NaN where the value is not finite. In the order of the input.
    pub(crate) fn rank(&mut self, values: &[f64], into: &mut Vec<f64>) {
        self.placed.clear();
        let finite = values.iter().zip(0u32..).filter(|(v, _)| v.is_finite());
        self.placed.extend(finite.map(|(&v, i)| (v, i)));
        self.placed.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        self.sorted.clear();
        self.sorted.extend(self.placed.iter().map(|p| p.0));
        into.clear();
        into.resize(values.len(), f64::NAN);
        let mut below = 0;
        for equal in self.placed.chunk_by(|a, b| a.0 == b.0) {
            let rank = below as f64 + 0.5 * (equal.len() as f64 + 1.0);
            for &(_, at) in equal {
                into[at as usize] = rank;
            }
            below += equal.len();
        }
    }

    /// The finite values of the last series, ascending.
    pub(crate) fn sorted(&self) -> &[f64] {
        &self.sorted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_interpolate_and_skip_what_is_not_finite() {
        assert_eq!(median(&[3.0, f64::NAN, 1.0, 2.0, f64::INFINITY]), Some(2.0));
        assert_eq!(median(&[1.0, 2.0, 3.0, 10.0]), Some(2.5));
        assert_eq!(quantile(&[0.0, 10.0], 0.9), Some(9.0));
        assert_eq!(median(&[f64::NAN]), None);
    }

    #[test]
    fn the_median_deviation_is_what_its_name_says() {
        let plain = |values: &[f64]| {
            let middle = median(values).expect("values");
            median(&values.iter().map(|v| (v - middle).abs()).collect::<Vec<_>>())
        };
        for n in 1..40u32 {
            let values: Vec<f64> = (0..n).map(|i| f64::from(i * 37 % 11 * i)).collect();
            assert_eq!(median_deviation_of_sorted(&sorted_finite(&values)), plain(&values), "{n}");
        }
        assert_eq!(robust_deviation(&[]), None);
    }

    #[test]
    fn ties_share_their_rank_and_gaps_have_none() {
        let (mut order, mut ranks) = (Order::default(), Vec::new());
        order.rank(&[5.0, 1.0, f64::NAN, 5.0, -0.0, 0.0], &mut ranks);
        assert_eq!(ranks[..2], [4.5, 3.0]);
        assert!(ranks[2].is_nan());
        assert_eq!(ranks[3..], [4.5, 1.5, 1.5]);
        assert_eq!(order.sorted().len(), 5);
    }

    #[test]
    fn thinning_keeps_ends_close_and_the_count_bounded() {
        let times: Vec<i64> = (0..1000).collect();
        let values: Vec<f64> = (0..1000).map(f64::from).collect();
        let (t, v) = thin(&times, &values, 100);
        assert_eq!((t.len(), v.len()), (100, 100));
        assert!(v[0] < 10.0 && v[99] > 990.0);
    }
}
