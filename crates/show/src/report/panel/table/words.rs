//! Which of two texts comes first, as browsers have it (`localeCompare` in English, numbers by size): signs before digits
//! before letters; `a` before `A` where nothing else tells them apart. Letters that are not ASCII come last.

use std::cmp::Ordering;
use std::iter::Peekable;
use std::str::Chars;

/// Signs in the order of the Unicode collation.
const SIGNS: &str = "\t\n\r _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$";

/// What counts first of a text: signs, numbers, letters of either size.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Sign(usize),
    /// How many digits without zeros before them, and those.
    Number(usize, String),
    Letter(char),
}

fn part(chars: &mut Peekable<Chars<'_>>) -> Option<Part> {
    let c = chars.next()?;
    if let Some(sign) = SIGNS.chars().position(|s| s == c) {
        return Some(Part::Sign(sign));
    }
    if !c.is_ascii_digit() {
        return Some(Part::Letter(c.to_lowercase().next().unwrap_or(c)));
    }
    let mut digits = c.to_string();
    while let Some(next) = chars.next_if(char::is_ascii_digit) {
        digits.push(next);
    }
    let digits = digits.trim_start_matches('0').to_owned();
    Some(Part::Number(digits.len(), digits))
}

/// The order.
pub fn order(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.chars().peekable(), b.chars().peekable());
    loop {
        match (part(&mut left), part(&mut right)) {
            (None, None) => break,
            (l, r) if l == r => {}
            (l, r) => return l.cmp(&r),
        }
    }
    // The same letters: small ones first.
    let sizes = |text: &str| {
        text.chars().filter(|c| c.is_alphabetic()).map(char::is_uppercase).collect::<Vec<_>>()
    };
    sizes(a).cmp(&sizes(b))
}
