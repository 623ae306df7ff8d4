//! Counter resets of histograms.

use plimsoll_model::ResetHint;

use super::Hist;

impl Hist {
    /// Whether the counter was reset since `before`: a count fell, a populated bucket is gone, or the
    /// layout changed in a way that only a restart does (a finer schema, a narrower zero bucket).
    pub fn is_reset_since(&self, before: &Self) -> bool {
        match self.hint {
            ResetHint::Reset => return true,
            ResetHint::NotReset => return false,
            ResetHint::Unknown | ResetHint::Gauge => {}
        }
        if self.count < before.count {
            return true;
        }
        if self.is_custom() {
            return !before.is_custom() || self.custom_fell(before);
        }
        if before.is_custom() {
            return false;
        }
        if self.schema > before.schema || self.zero_threshold < before.zero_threshold {
            return true;
        }
        let (zero, width) = before.zero_within(self.zero_threshold);
        if width != self.zero_threshold || self.zero < zero {
            return true;
        }
        let (positive, negative) = self.outside(width, self.schema);
        let (positive_before, negative_before) = before.outside(width, self.schema);
        any_fell(&positive, &positive_before) || any_fell(&negative, &negative_before)
    }

    fn custom_fell(&self, before: &Self) -> bool {
        if self.custom == before.custom {
            return any_fell(&self.positive, &before.positive);
        }
        // Up to each bound that both have.
        let mut common = self.custom.iter().copied().filter(|b| before.custom.contains(b));
        let mut lower = f64::NEG_INFINITY;
        loop {
            let upper = common.next().unwrap_or(f64::INFINITY);
            if self.between(lower, upper) < before.between(lower, upper) {
                return true;
            }
            if upper == f64::INFINITY {
                return false;
            }
            lower = upper;
        }
    }

    /// What the custom buckets hold that end above `lower` and not above `upper`.
    fn between(&self, lower: f64, upper: f64) -> f64 {
        let inside = |i: i32| {
            let end = self.ends(i).1;
            end > lower && end <= upper
        };
        self.positive.iter().filter(|(i, _)| inside(*i)).map(|(_, c)| c).sum()
    }
}

/// Whether a bucket holds less than before, a missing one being empty.
fn any_fell(now: &[(i32, f64)], before: &[(i32, f64)]) -> bool {
    let mut now = now.iter().peekable();
    before.iter().any(|(i, then)| {
        while now.next_if(|(j, _)| j < i).is_some() {}
        match now.peek() {
            Some((j, count)) if j == i => count < then,
            _ => *then != 0.0,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{custom, plain};
    use super::*;

    #[test]
    fn a_fall_anywhere_is_a_reset() {
        let before = plain(0, &[1.0, 0.0, 2.0]);
        let reset = |now: &Hist| now.is_reset_since(&before);
        assert!(!reset(&before));
        assert!(!reset(&plain(0, &[1.0, 4.0, 2.0])));
        assert!(reset(&plain(0, &[2.0, 4.0, 1.0])));
        assert!(reset(&plain(0, &[9.0])));
        assert!(!reset(&Hist { schema: -1, ..plain(0, &[1.0, 2.0]) }));
        assert!(reset(&Hist { schema: 1, ..before.clone() }));
        assert!(reset(&before.clone().with_hint(ResetHint::Reset)));
        assert!(!reset(&plain(0, &[0.0]).with_hint(ResetHint::NotReset)));
    }

    #[test]
    fn other_bounds_are_compared_where_they_agree() {
        let before = custom(&[2.0, 4.0, 6.0], &[1.0, 2.0, 5.0, 7.0]);
        let now = |counts: &[f64]| custom(&[2.0, 3.0, 4.0, 6.0], counts);
        assert!(!now(&[1.0, 1.0, 1.0, 5.0, 7.0]).is_reset_since(&before));
        assert!(now(&[1.0, 0.0, 1.0, 5.0, 8.0]).is_reset_since(&before));
    }
}
