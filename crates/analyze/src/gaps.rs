//! Gaps: what is put where a transform needs a value.

/// Straight lines over the gaps; the nearest value before the first and after the last.
pub(crate) fn bridged(values: &[f64]) -> Vec<f64> {
    let mut all = values.to_vec();
    let mut last: Option<usize> = None;
    for (at, &value) in values.iter().enumerate() {
        if !value.is_finite() {
            continue;
        }
        let from = last.map_or(0, |l| l + 1);
        let start = last.map_or(value, |l| values[l]);
        let span = (at - last.unwrap_or(at)).max(1) as f64;
        for (gap, v) in all[from..at].iter_mut().enumerate() {
            *v = start + (value - start) * (gap + 1) as f64 / span;
        }
        last = Some(at);
    }
    let (from, value) = last.map_or((0, 0.0), |l| (l + 1, values[l]));
    all[from..].fill(value);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_bridged_by_lines_and_ends_held() {
        let gap = f64::NAN;
        let values = [gap, 1.0, gap, gap, 4.0, f64::INFINITY];
        assert_eq!(bridged(&values), [1.0, 1.0, 2.0, 3.0, 4.0, 4.0]);
        assert_eq!(bridged(&[gap, gap]), [0.0, 0.0]);
        assert!(bridged(&[]).is_empty());
    }
}
