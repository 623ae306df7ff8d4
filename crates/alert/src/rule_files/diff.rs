//! What differs between two texts, as `diff -u` shows it.
//!
//! The shortest script of lines added and removed, found greedily (Myers 1986, "An O(ND) difference algorithm").
//! Lines that begin and end both texts alike are put aside first. Where more than [`EDITS_MAX`] lines differ, the
//! middle is shown as removed and added as a whole: right, if not the shortest. What would be longer than
//! [`DIFF_BYTES_MAX`] is cut at the end of a line, and the last line says how many are missing.

use std::collections::HashMap;
use std::fmt::Write as _;

/// Bytes of one difference: what one looks through. A hundred versions are then a few MiB.
const DIFF_BYTES_MAX: usize = 64 << 10;
/// Edits that are looked for; the memory is half the square of it times 4 bytes, the time that times the lines.
const EDITS_MAX: usize = 1_000;
/// Edits times lines that are looked at: a tenth of a second.
const WORK_MAX: usize = 20_000_000;
/// Lines shown around a change.
const CONTEXT: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Keep,
    Remove,
    Add,
}

/// The difference between two texts, with the names that they are given; empty when they are the same.
pub fn unified(from: &str, before: &str, to: &str, after: &str) -> String {
    let (a, b): (Vec<&str>, Vec<&str>) = (lines(before), lines(after));
    let steps = steps(&a, &b);
    if steps.iter().all(|s| *s == Step::Keep) {
        return String::new();
    }
    let places = places(&steps);
    let mut out = format!("--- {from}\n+++ {to}\n");
    let mut left_out = 0_usize;
    for hunk in hunks(&steps) {
        let (mut i, mut j) = places[hunk.start];
        let mut text = head((i, j), places[hunk.end]);
        for step in &steps[hunk] {
            let (sign, line) = match step {
                Step::Keep => (' ', a[i]),
                Step::Remove => ('-', a[i]),
                Step::Add => ('+', b[j]),
            };
            i += usize::from(*step != Step::Add);
            j += usize::from(*step != Step::Remove);
            text.push(sign);
            text.push_str(line);
            if !line.ends_with('\n') {
                text.push_str("\n\\ No newline at end of file\n");
            }
        }
        for line in text.split_inclusive('\n') {
            if left_out > 0 || out.len() + line.len() > DIFF_BYTES_MAX {
                left_out += 1;
            } else {
                out.push_str(line);
            }
        }
    }
    if left_out > 0 {
        let _ = writeln!(out, "\\ {left_out} more lines");
    }
    out
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// How one gets from `a` to `b`.
fn steps(a: &[&str], b: &[&str]) -> Vec<Step> {
    let head = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[head..], &b[head..]);
    let tail = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[..a.len() - tail], &b[..b.len() - tail]);
    let mut numbers = HashMap::new();
    let mut numbered = |lines: &[&'_ str]| -> Vec<usize> {
        let number = |line: &&str| {
            let next = numbers.len();
            *numbers.entry((*line).to_owned()).or_insert(next)
        };
        lines.iter().map(number).collect()
    };
    let (x, y) = (numbered(a), numbered(b));
    let mut all = vec![Step::Keep; head];
    all.extend(shortest(&x, &y).unwrap_or_else(|| {
        let mut all = vec![Step::Remove; x.len()];
        all.resize(x.len() + y.len(), Step::Add);
        all
    }));
    all.resize(all.len() + tail, Step::Keep);
    all
}

/// The farthest places reached with a number of edits, by diagonal.
struct Front {
    edits: i64,
    /// Of the diagonals `-edits - 1 ..= edits + 1`.
    reached: Vec<u32>,
}

impl Front {
    fn get(&self, diagonal: i64) -> i64 {
        let at = usize::try_from(diagonal + self.edits + 1).unwrap_or(usize::MAX);
        self.reached.get(at).map_or(0, |x| i64::from(*x))
    }

    /// Whether the best way to a diagonal with one edit more adds a line; else it removes one.
    fn adds(&self, diagonal: i64) -> bool {
        let edits = self.edits + 1;
        diagonal == -edits || (diagonal != edits && self.get(diagonal - 1) < self.get(diagonal + 1))
    }
}

/// The shortest script; `None` when it has too many edits to be looked for.
fn shortest(a: &[usize], b: &[usize]) -> Option<Vec<Step>> {
    let edits_max = EDITS_MAX.min(WORK_MAX / (a.len() + b.len()).max(1));
    let (n, m) = (a.len() as i64, b.len() as i64);
    let slide = |mut x: i64, diagonal: i64| {
        while x < n && x - diagonal < m && a[x as usize] == b[(x - diagonal) as usize] {
            x += 1;
        }
        x
    };
    let mut fronts = vec![Front { edits: 0, reached: vec![0, slide(0, 0) as u32, 0] }];
    loop {
        let last = fronts.last()?;
        if (-last.edits..=last.edits).any(|k| k == n - m && last.get(k) >= n) {
            break;
        }
        let edits = last.edits + 1;
        if edits as usize > edits_max {
            return None;
        }
        let mut reached = vec![0; edits as usize * 2 + 3];
        for diagonal in (-edits..=edits).step_by(2) {
            let adds = last.adds(diagonal);
            let x = if adds { last.get(diagonal + 1) } else { last.get(diagonal - 1) + 1 };
            reached[(diagonal + edits + 1) as usize] = slide(x, diagonal) as u32;
        }
        fronts.push(Front { edits, reached });
    }
    Some(back(&fronts, n, m))
}

/// The way back from the end to the start, turned round.
fn back(fronts: &[Front], mut x: i64, mut y: i64) -> Vec<Step> {
    let mut steps = Vec::new();
    for before in fronts.iter().rev().skip(1) {
        let diagonal = x - y;
        let adds = before.adds(diagonal);
        let from = if adds { diagonal + 1 } else { diagonal - 1 };
        let (px, py) = (before.get(from), before.get(from) - from);
        let begin = if adds { px } else { px + 1 };
        while x > begin {
            steps.push(Step::Keep);
            (x, y) = (x - 1, y - 1);
        }
        steps.push(if adds { Step::Add } else { Step::Remove });
        (x, y) = (px, py);
    }
    steps.resize(steps.len() + x.max(0) as usize, Step::Keep);
    steps.reverse();
    steps
}

/// Which steps are shown together.
fn hunks(steps: &[Step]) -> Vec<std::ops::Range<usize>> {
    let mut all: Vec<std::ops::Range<usize>> = Vec::new();
    for (i, step) in steps.iter().enumerate() {
        if *step == Step::Keep {
            continue;
        }
        let (from, to) = (i.saturating_sub(CONTEXT), (i + CONTEXT + 1).min(steps.len()));
        match all.last_mut() {
            Some(last) if from <= last.end => last.end = to,
            _ => all.push(from..to),
        }
    }
    all
}

/// How many lines of both texts are before each step, and in all.
fn places(steps: &[Step]) -> Vec<(usize, usize)> {
    let mut at = (0, 0);
    let mut all = vec![at];
    all.extend(steps.iter().map(|step| {
        at.0 += usize::from(*step != Step::Add);
        at.1 += usize::from(*step != Step::Remove);
        at
    }));
    all
}

fn head((i, j): (usize, usize), (i2, j2): (usize, usize)) -> String {
    // Of no lines, the line before them is named.
    let first = |from: usize, to: usize| if from == to { from } else { from + 1 };
    format!("@@ -{},{} +{},{} @@\n", first(i, i2), i2 - i, first(j, j2), j2 - j)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What `patch` does, without looking for moved places.
    fn patched(before: &str, diff: &str) -> String {
        let old = lines(before);
        let (mut out, mut at) = (String::new(), 0);
        for line in diff.split_inclusive('\n').skip(2) {
            let (sign, rest) = line.split_at(1);
            match sign {
                "@" => {
                    let range = rest.split(['-', ' ']).nth(2).unwrap();
                    let (from, n) = range.split_once(',').unwrap();
                    let (from, n): (usize, usize) = (from.parse().unwrap(), n.parse().unwrap());
                    let from = if n == 0 { from } else { from - 1 };
                    out.extend(old[at..from].iter().copied());
                    at = from;
                }
                " " | "-" => {
                    assert_eq!(old[at].trim_end_matches('\n'), rest.trim_end_matches('\n'));
                    if sign == " " {
                        out.push_str(old[at]);
                    }
                    at += 1;
                }
                "+" => out.push_str(rest),
                other => panic!("{other:?} begins no line of a difference"),
            }
        }
        out.extend(old[at..].iter().copied());
        out
    }

    #[test]
    fn a_difference_is_shown_as_diff_does() {
        let before = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\n";
        let after = "a\nb\nc\nd\nE\nf\ng\nh\ni\nj\nk\nl";
        let want = "--- x 1\n+++ x 2\n@@ -2,10 +2,11 @@\n b\n c\n d\n-e\n+E\n f\n g\n h\n i\n j\n k\n+l\n\\ No newline at end of file\n";
        assert_eq!(unified("x 1", before, "x 2", after), want);
        let far = unified("x", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "y", "0\n2\n3\n4\n5\n6\n7\n8\n0\n");
        assert_eq!(far.matches("@@ -").count(), 2, "{far}");
        assert_eq!(unified("x", "", "y", "a\n"), "--- x\n+++ y\n@@ -0,0 +1,1 @@\n+a\n");
        assert_eq!(unified("x", "a\n", "y", ""), "--- x\n+++ y\n@@ -1,1 +0,0 @@\n-a\n");
        assert_eq!(unified("x", "a\n", "y", "a\n"), "");
    }

    #[test]
    fn much_that_differs_is_cut_and_told_in_bounded_time() {
        let many = |word: &str| (0..100_000).map(|i| format!("{word}{i}\n")).collect::<String>();
        let diff = unified("x", &many("a"), "y", &many("b"));
        assert!(diff.len() < DIFF_BYTES_MAX + 100);
        assert!(diff.ends_with(" more lines\n"), "{}", &diff[diff.len() - 40..]);
    }

    /// The length of the longest common subsequence, by the table.
    fn common(a: &[usize], b: &[usize]) -> usize {
        let mut row = vec![0; b.len() + 1];
        for x in a {
            let mut corner = 0;
            for (j, y) in b.iter().enumerate() {
                let above = row[j + 1];
                row[j + 1] = if x == y { corner + 1 } else { row[j + 1].max(row[j]) };
                corner = above;
            }
        }
        row[b.len()]
    }

    proptest! {
        #[test]
        fn a_script_is_the_shortest_and_leads_there(
            a in proptest::collection::vec(0..4_usize, 0..30),
            b in proptest::collection::vec(0..4_usize, 0..30),
        ) {
            let steps = shortest(&a, &b).unwrap();
            let kept = steps.iter().filter(|s| **s == Step::Keep).count();
            prop_assert_eq!(kept, common(&a, &b));
            let (mut i, mut made) = (0, Vec::new());
            let mut added = b.iter();
            for step in steps {
                match step {
                    Step::Keep => { made.push(a[i]); added.next(); i += 1; }
                    Step::Remove => i += 1,
                    Step::Add => made.extend(added.next().copied()),
                }
            }
            prop_assert_eq!((i, made), (a.len(), b));
        }

        #[test]
        fn a_difference_applied_gives_the_other_text(
            a in proptest::collection::vec("[ab]{0,2}", 0..40),
            b in proptest::collection::vec("[ab]{0,2}", 0..40),
        ) {
            let text = |lines: &[String]| lines.iter().map(|l| format!("{l}\n")).collect::<String>();
            let (a, b) = (text(&a), text(&b));
            let diff = unified("x", &a, "y", &b);
            let made = if diff.is_empty() { a.clone() } else { patched(&a, &diff) };
            prop_assert_eq!(made, b);
        }
    }
}
