//! The minima of conformance scores may only rise: no committed version had a higher one.

use crate::place::{Place, output};
use anyhow::{Context, Result};
use std::fs;
use toml::{Table, Value};

/// The file, from the root of the checkout.
const PATH: &str = "xtask/minima.toml";

/// Tells which minimum is lower than it once was.
pub fn check(place: &Place) -> Result<Vec<String>> {
    let now: Table = fs::read_to_string(place.root.join(PATH))?.parse().context(PATH)?;
    let log = output(place.command("git").args(["log", "--format=%H", "--", PATH]))?;
    let mut problems = Vec::new();
    for commit in log.lines() {
        let show = output(place.command("git").args(["show", &format!("{commit}:{PATH}")]));
        let Some(then) = show.ok().and_then(|text| text.parse::<Table>().ok()) else { continue };
        problems.extend(lowered(&then, &now));
    }
    problems.sort();
    problems.dedup();
    Ok(problems)
}

fn lowered(then: &Table, now: &Table) -> Vec<String> {
    let number = |table: &Table, name: &str| table.get(name).and_then(Value::as_float);
    let told = |name: &String| {
        let before = number(then, name)?;
        let after = number(now, name).unwrap_or(f64::NEG_INFINITY);
        (after < before).then(|| format!("{PATH}: {name} was {before} and may only rise"))
    };
    then.keys().filter_map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::lowered;

    #[test]
    fn a_minimum_may_rise_and_not_fall_or_go() {
        let parse = |text: &str| text.parse().unwrap();
        assert!(lowered(&parse("a = 1.0"), &parse("a = 1.5\nb = 0.0")).is_empty());
        assert_eq!(lowered(&parse("a = 1.0\nb = 2.0"), &parse("a = 0.5")).len(), 2);
    }
}
