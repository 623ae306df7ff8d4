//! What everybody runs while working: formatting, lints, tidy, quick tests. Installs nothing.

use crate::place::{Place, run, works};
use crate::step::{Outcome, Step};
use crate::tidy;
use anyhow::Result;
use std::process::Command;

/// `cargo xtask check`.
pub const STEPS: &[Step] = &[
    FMT,
    CLIPPY,
    TIDY,
    Step { name: "tests", what: "unit and property tests", needs: &[], run: tests },
    DOCTESTS,
];

/// Formatting.
pub const FMT: Step = Step {
    name: "fmt",
    what: "cargo fmt --check",
    needs: &[],
    run: |place| {
        run(&mut place.cargo(&["fmt", "--all", "--check"]))?;
        Outcome::done()
    },
};

/// Lints.
pub const CLIPPY: Step = Step {
    name: "clippy",
    what: "clippy over everything, warnings are errors",
    needs: &[],
    run: |place| {
        run(&mut place.cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
        Outcome::done()
    },
};

/// The rules of the house.
pub const TIDY: Step = Step {
    name: "tidy",
    what: "the rules of the house",
    needs: &[],
    run: |place| {
        println!("{}", tidy::run(place)?);
        Outcome::done()
    },
};

/// Examples in the documentation.
pub const DOCTESTS: Step = Step {
    name: "doctests",
    what: "examples in the documentation",
    needs: &[],
    run: |place| {
        run(&mut place.cargo(&["test", "--workspace", "--doc"]))?;
        Outcome::done()
    },
};

fn tests(place: &Place) -> Result<Outcome> {
    run(&mut test_command(place, &["--workspace"]))?;
    Outcome::done()
}

/// Runs tests of packages with nextest where it is installed, else with `cargo test`.
pub fn test_command(place: &Place, packages: &[&str]) -> Command {
    let mut command = if works(&mut place.cargo(&["nextest", "--version"])) {
        place.cargo(&["nextest", "run", "--profile", "ci", "--no-tests", "pass"])
    } else {
        place.cargo(&["test", "--lib", "--bins", "--tests", "--no-fail-fast"])
    };
    command.args(packages);
    command
}
