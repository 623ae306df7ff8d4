//! Steps: a table of what is run, what each needs, and a summary at the end.
//!
//! A step that fails does not stop the others, except those that need it.

use crate::place::Place;
use anyhow::{Result, bail};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How a step ended well.
pub enum Outcome {
    /// It ran; a note for the summary, possibly empty.
    Done(String),
    /// It did not apply here, and why.
    Skipped(String),
}

impl Outcome {
    /// It ran, and there is nothing to say.
    pub fn done() -> Result<Self> {
        Ok(Self::Done(String::new()))
    }
}

/// A row of the table.
#[derive(Clone, Copy)]
pub struct Step {
    /// One word.
    pub name: &'static str,
    /// What it does.
    pub what: &'static str,
    /// Steps earlier in the table without which it makes no sense.
    pub needs: &'static [&'static str],
    /// Does it.
    pub run: fn(&Place) -> Result<Outcome>,
}

enum Ended {
    Done(String),
    Skipped(String),
    Failed(String),
    Blocked(String),
}

impl Ended {
    fn word(&self) -> &'static str {
        match self {
            Self::Done(_) => "ok",
            Self::Skipped(_) => "skipped",
            Self::Failed(_) => "FAILED",
            Self::Blocked(_) => "BLOCKED",
        }
    }

    fn note(&self) -> &str {
        let (Self::Done(note) | Self::Skipped(note) | Self::Failed(note) | Self::Blocked(note)) =
            self;
        note
    }

    fn is_good(&self) -> bool {
        matches!(self, Self::Done(_) | Self::Skipped(_))
    }
}

/// Runs the table in order, or `only` these steps and what they need, and prints the summary.
pub fn run_all(place: &Place, steps: &[Step], only: &[String]) -> Result<ExitCode> {
    let steps = selected(steps, only)?;
    let begun = Instant::now();
    let mut ended: Vec<(&Step, Ended, Duration)> = Vec::new();
    for (i, step) in steps.iter().enumerate() {
        println!("\n=== {} ({}/{}): {}", step.name, i + 1, steps.len(), step.what);
        let started = Instant::now();
        let how = run_one(place, step, &ended);
        println!("--- {}: {} after {}", step.name, how.word(), seconds(started.elapsed()));
        ended.push((step, how, started.elapsed()));
    }
    println!("\n=== summary");
    for (step, how, took) in &ended {
        let note = how.note().lines().next().unwrap_or_default();
        println!("{:<10} {:<8} {:>8}  {note}", step.name, how.word(), seconds(*took));
    }
    println!("{:<19} {:>8}", "total", seconds(begun.elapsed()));
    if place.binary().exists() {
        println!("binary: {}", place.binary().display());
    }
    let good = ended.iter().all(|(_, how, _)| how.is_good());
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn run_one(place: &Place, step: &Step, ended: &[(&Step, Ended, Duration)]) -> Ended {
    for (needed, how, _) in ended.iter().filter(|(s, ..)| step.needs.contains(&s.name)) {
        match how {
            Ended::Done(_) => {}
            Ended::Skipped(why) => return Ended::Skipped(format!("{}: {why}", needed.name)),
            Ended::Failed(_) | Ended::Blocked(_) => {
                return Ended::Blocked(format!("needs {}", needed.name));
            }
        }
    }
    match (step.run)(place) {
        Ok(Outcome::Done(note)) => Ended::Done(note),
        Ok(Outcome::Skipped(why)) => Ended::Skipped(why),
        Err(e) => {
            println!("{}: {e:#}", step.name);
            Ended::Failed(format!("{e:#}"))
        }
    }
}

fn selected(steps: &[Step], only: &[String]) -> Result<Vec<Step>> {
    for name in only {
        if !steps.iter().any(|step| step.name == name) {
            let known: Vec<&str> = steps.iter().map(|step| step.name).collect();
            bail!("no step {name:?}; there are {}", known.join(", "));
        }
    }
    let mut wanted: Vec<&str> = only.iter().map(String::as_str).collect();
    let mut i = 0;
    while i < wanted.len() {
        let needs = steps.iter().filter(|step| step.name == wanted[i]).flat_map(|s| s.needs);
        let new: Vec<&str> = needs.copied().filter(|need| !wanted.contains(need)).collect();
        wanted.extend(new);
        i += 1;
    }
    Ok(steps.iter().filter(|s| only.is_empty() || wanted.contains(&s.name)).copied().collect())
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fine(_: &Place) -> Result<Outcome> {
        Outcome::done()
    }

    fn step(name: &'static str, needs: &'static [&'static str]) -> Step {
        Step { name, what: "", needs, run: fine }
    }

    #[test]
    fn a_selection_brings_what_it_needs_in_the_order_of_the_table() {
        let table = [step("a", &[]), step("b", &["a"]), step("c", &[]), step("d", &["b"])];
        let names = |only: &[&str]| {
            let only: Vec<String> = only.iter().map(ToString::to_string).collect();
            selected(&table, &only).map(|s| s.iter().map(|s| s.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&["d"]).unwrap(), ["a", "b", "d"]);
        assert_eq!(names(&[]).unwrap().len(), 4);
        assert!(names(&["x"]).unwrap_err().to_string().contains("a, b, c, d"));
    }

    #[test]
    fn what_needs_a_failed_step_is_blocked_and_a_skipped_one_skips() {
        let place = Place::find().unwrap();
        let (a, b) = (step("a", &[]), step("b", &["a"]));
        let after = |how| run_one(&place, &b, &[(&a, how, Duration::ZERO)]).word();
        assert_eq!(after(Ended::Done(String::new())), "ok");
        assert_eq!(after(Ended::Skipped(String::new())), "skipped");
        assert_eq!(after(Ended::Failed(String::new())), "BLOCKED");
    }
}
