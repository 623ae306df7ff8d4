//! The function that was probably meant.

use crate::ast::AggregateOp;
use crate::features::Features;

/// The known name nearest to `name`, if few enough letters differ: one in three. Of equally near ones
/// one that goes on from what was written.
pub(super) fn nearest(name: &str, features: &Features) -> Option<&'static str> {
    let longest = features.functions().map(|row| row.name.len()).max().unwrap_or(0) * 2;
    if name.len() > longest {
        return None;
    }
    let name = name.to_ascii_lowercase();
    let functions = features.functions().map(|row| row.name);
    functions
        .chain(AggregateOp::ALL.iter().map(|op| op.text()))
        .map(|known| (distance(name.as_bytes(), known.as_bytes()), known))
        .filter(|(distance, known)| *distance <= known.len().max(name.len()).div_ceil(3))
        .min_by_key(|(distance, known)| (*distance, !known.starts_with(&name), *known))
        .map(|(_, known)| known)
}

/// How many letters must be added, taken away, replaced or swapped with their neighbour.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut best = (last[j] + usize::from(x != y)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_names_are_recognised() {
        let nearest = |name| nearest(name, &Features::default());
        assert_eq!(nearest("raet"), Some("rate"));
        assert_eq!((nearest("rat"), nearest("rads")), (Some("rate"), Some("rad")));
        assert_eq!(nearest("histogram_quantil"), Some("histogram_quantile"));
        assert_eq!(nearest("RATE"), Some("rate"));
        assert_eq!(nearest("sum_overtime"), Some("sum_over_time"));
        assert_eq!(nearest("something_else_entirely"), None);
    }
}
