//! What was probably meant.

/// `; did you mean x?` for the known name nearest to `name`, if one in three letters differs at most;
/// else nothing.
pub(super) fn suggestion<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> String {
    if name.len() > 64 {
        return String::new();
    }
    let lower = name.to_lowercase();
    let near = known
        .filter(|k| k.len() <= 64)
        .map(|k| (distance(lower.as_bytes(), k.to_lowercase().as_bytes()), k))
        .filter(|(distance, k)| *distance <= k.len().max(name.len()).div_ceil(3))
        .min();
    near.map_or_else(String::new, |(_, known)| format!("; did you mean {known}?"))
}

/// How many letters must be added, taken away or replaced.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            row.push((last[j] + usize::from(x != y)).min(last[j + 1] + 1).min(row[j] + 1));
        }
        last = row;
    }
    last[b.len()]
}
