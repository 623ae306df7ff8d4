//! Many tests at once: how many of those that look significant would be so by chance.

/// q-values of Benjamini and Hochberg (1995): calling all with q at most x significant makes a share x of those
/// calls false on average. In the order of the input; NaN stays NaN and counts as not tested. O(n log n).
pub fn q_values(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).filter(|&i| !p_values[i].is_nan()).collect();
    order.sort_unstable_by(|&i, &j| p_values[i].total_cmp(&p_values[j]));
    let tested = order.len() as f64;
    let mut found = vec![f64::NAN; p_values.len()];
    let mut least = 1.0_f64;
    for (rank, &at) in order.iter().enumerate().rev() {
        least = least.min(p_values[at].clamp(0.0, 1.0) * tested / (rank as f64 + 1.0));
        found[at] = least;
    }
    found
}

/// Which of the tests are discoveries at the false discovery rate `rate`, such as 0.05: those with a q-value of at
/// most `rate`.
pub fn false_discovery(p_values: &[f64], rate: f64) -> Vec<bool> {
    q_values(p_values).into_iter().map(|q| q <= rate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_of_many_is_not_much() {
        let mut p: Vec<f64> = (1..=100).map(|i| f64::from(i) / 100.0).collect();
        assert_eq!(false_discovery(&p, 0.05).iter().filter(|&&d| d).count(), 0);
        p[50] = 1e-6;
        let found = false_discovery(&p, 0.05);
        assert!(found[50] && found.iter().filter(|&&d| d).count() == 1);
    }

    #[test]
    fn untested_ones_do_not_count() {
        let q = q_values(&[0.01, f64::NAN, 0.02]);
        assert!(q[1].is_nan());
        assert_eq!((q[0], q[2]), (0.02, 0.02));
        assert!(q_values(&[]).is_empty());
        assert_eq!(q_values(&[-1.0, 7.0]), [0.0, 1.0]);
    }
}
