//! The commands of people who work on Plimsoll: `cargo xtask check | test | tidy | gen | bench`.
//!
//! Everything here runs other programs and reports on them; nothing of it reaches a user.

#![forbid(unsafe_code)]
// Printing is what these commands are for.
#![allow(clippy::print_stdout)]

mod bench;
mod check;
mod conformance;
mod debian;
mod everything;
mod place;
mod python;
mod server;
mod step;
mod tidy;
mod ui;
mod ui_bench;

use anyhow::Result;
use clap::{Parser, Subcommand};
use place::Place;
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The commands of people who work on Plimsoll")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// fmt, clippy, tidy, unit and property tests; installs nothing.
    Check,
    /// check and everything else: slow tests, real peers, the browser, third-party cases.
    Test {
        /// Fail where a package is missing instead of installing it.
        #[arg(long)]
        no_install: bool,
        /// Run these steps only, with the steps they need (names as in the summary).
        #[arg(long, value_delimiter = ',')]
        only: Vec<String>,
    },
    /// The rules of the house: crate edges, headers, lengths, who may touch the outside.
    Tidy,
    /// Makes again what is committed though it is made: ui/dist.
    Gen,
    /// Measures; without a name, lists what there is to measure.
    Bench {
        /// The benchmark.
        name: Option<String>,
        /// Passed on to it.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
    /// Prints the target directory and the path of the release binary.
    Where,
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(code) => code,
        Err(e) => {
            println!("xtask: {e:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    let place = Place::find()?;
    place.prune();
    match command {
        Command::Check => step::run_all(&place, check::STEPS, &[]),
        Command::Test { no_install, only } => {
            let place = place.for_everything(!no_install);
            step::run_all(&place, &everything::steps(), &only)
        }
        Command::Tidy => {
            println!("{}", tidy::run(&place)?);
            Ok(ExitCode::SUCCESS)
        }
        Command::Gen => {
            println!("{}", ui::generate(&place)?);
            Ok(ExitCode::SUCCESS)
        }
        Command::Bench { name, rest } => bench::run(&place, name.as_deref(), &rest),
        Command::Where => {
            println!("target  {}\nbinary  {}", place.target.display(), place.binary().display());
            Ok(ExitCode::SUCCESS)
        }
    }
}
