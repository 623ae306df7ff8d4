//! Detector state as bytes: version, step, scalars, profiles, hours, sketches, habits, histograms, all little endian, fixed length.
//!
//! Version 3 is the only one. A change of layout or of the meaning of a number takes the next version; an unknown
//! version is refused and the detector learns again, which costs a day of damped scores and nothing else.
//! Reading checks length, finiteness, sizes and counts, so an accepted state cannot make the detector misbehave.

use super::habit::Calendar;
use super::novelty::Novelty;
use super::predictors::{Ewma, Predictors, Profile};
use super::surprise::Histogram;
use super::{DetectorConfig, SIZE_MAX, STATE_BYTES_MAX, State};
use crate::error::Error;

const VERSION: u8 = 3;
/// A mean of sizes each below the limit; room for one order of rounding and sums of two.
const MEAN_MAX: f64 = 10.0 * SIZE_MAX;
/// Larger than any count the fading lets grow.
const COUNT_MAX: f32 = 1e6;

pub(super) fn write(state: &State) -> Vec<u8> {
    let mut out = Vec::with_capacity(STATE_BYTES_MAX);
    out.push(VERSION);
    out.extend(state.pace.step_ms.to_le_bytes());
    out.extend(state.points.to_le_bytes());
    out.extend(state.last_ms.to_le_bytes());
    out.extend(state.peak.to_le_bytes());
    let mut copy = state.clone();
    for mean in means(&mut copy) {
        out.extend(mean.mean.to_le_bytes());
        out.extend(mean.n.to_le_bytes());
    }
    write_profile(&mut out, &state.predictors.daily);
    write_profile(&mut out, &state.predictors.weekly);
    out.extend(state.hours.cells.iter().flat_map(|c| c.to_le_bytes()));
    out.extend(state.hours.points.iter());
    write_novelty(&mut out, &state.novelty);
    write_calendar(&mut out, &state.habit.daily);
    write_calendar(&mut out, &state.habit.weekly);
    for histogram in &state.histograms {
        out.extend(histogram.bins.iter().flat_map(|h| h.to_le_bytes()));
        out.extend(histogram.total.to_le_bytes());
    }
    out
}

pub(super) fn read(bytes: &[u8]) -> Result<State, Error> {
    let mut input = Input { bytes, at: 0 };
    let [version] = input.take()?;
    if version != VERSION {
        return Err(Error::Corrupt { what: "unknown version", at: 0 });
    }
    let step_ms = i64::from_le_bytes(input.take()?);
    if step_ms < 1 {
        return Err(input.wrong("step below 1 ms"));
    }
    let mut state = State::new(DetectorConfig { step_ms });
    state.points = u32::from_le_bytes(input.take()?);
    state.last_ms = i64::from_le_bytes(input.take()?);
    state.peak = input.number(0.0, 1e6)?;
    for mean in means(&mut state) {
        mean.mean = input.number(-MEAN_MAX, MEAN_MAX)?;
        mean.n = u32::from_le_bytes(input.take()?);
    }
    read_profile(&mut input, &mut state.predictors.daily)?;
    read_profile(&mut input, &mut state.predictors.weekly)?;
    for cell in &mut state.hours.cells {
        *cell = input.short_number(0.0, 10.0 * SIZE_MAX as f32)?;
    }
    state.hours.points = input.take()?;
    read_novelty(&mut input, &mut state.novelty)?;
    read_calendar(&mut input, &mut state.habit.daily)?;
    read_calendar(&mut input, &mut state.habit.weekly)?;
    for histogram in &mut state.histograms {
        read_histogram(&mut input, histogram)?;
    }
    if input.at != bytes.len() {
        return Err(input.wrong("bytes after the end"));
    }
    Ok(state)
}

/// Every average, in the order of the format.
fn means(state: &mut State) -> Vec<&mut Ewma> {
    let State { predictors, hours, seasonal, lively_short, lively_long, scales, novelty, .. } =
        state;
    let Predictors { last, fast, slow, daily, weekly, errors } = predictors;
    let mut all = vec![
        last,
        fast,
        slow,
        &mut daily.offset,
        &mut weekly.offset,
        &mut hours.whole,
        seasonal,
        lively_short,
        lively_long,
        &mut novelty.short,
        &mut novelty.long,
    ];
    all.extend(errors);
    all.extend(scales);
    all
}

fn write_profile<const CELLS: usize>(out: &mut Vec<u8>, profile: &Profile<CELLS>) {
    out.extend(profile.cells.iter().flat_map(|c| c.to_le_bytes()));
    out.extend(profile.visits.iter());
}

fn read_profile<const CELLS: usize>(
    input: &mut Input<'_>,
    profile: &mut Profile<CELLS>,
) -> Result<(), Error> {
    for cell in profile.cells.iter_mut() {
        *cell = input.short_number(-10.0 * SIZE_MAX as f32, 10.0 * SIZE_MAX as f32)?;
    }
    profile.visits = input.take()?;
    Ok(())
}

fn write_novelty(out: &mut Vec<u8>, novelty: &Novelty) {
    out.extend(novelty.low.to_le_bytes());
    out.extend(novelty.high.to_le_bytes());
    out.extend(novelty.before.iter().flatten());
    out.extend(novelty.sketches.iter().flatten());
}

fn read_novelty(input: &mut Input<'_>, novelty: &mut Novelty) -> Result<(), Error> {
    novelty.low = input.number(f64::MIN, f64::MAX)?;
    novelty.high = input.number(f64::MIN, f64::MAX)?;
    for pair in &mut novelty.before {
        *pair = input.take()?;
    }
    for sketch in novelty.sketches.iter_mut() {
        *sketch = input.take()?;
    }
    Ok(())
}

fn write_calendar<const CELLS: usize>(out: &mut Vec<u8>, calendar: &Calendar<CELLS>) {
    out.extend(calendar.cells.iter());
    out.extend(calendar.waiting.iter().flat_map(|&(cell, largest)| [cell, largest]));
}

/// Every byte is a possible size; a waiting cell that does not exist is dropped when its turn comes.
fn read_calendar<const CELLS: usize>(
    input: &mut Input<'_>,
    calendar: &mut Calendar<CELLS>,
) -> Result<(), Error> {
    calendar.cells = input.take()?;
    for (cell, largest) in &mut calendar.waiting {
        [*cell, *largest] = input.take()?;
    }
    Ok(())
}

fn read_histogram(input: &mut Input<'_>, histogram: &mut Histogram) -> Result<(), Error> {
    for bin in histogram.bins.iter_mut() {
        *bin = input.short_number(0.0, COUNT_MAX)?;
    }
    histogram.total = input.short_number(0.0, COUNT_MAX * histogram.bins.len() as f32)?;
    Ok(())
}

struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Input<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let taken = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<N>());
        let taken = *taken.ok_or(Error::Corrupt { what: "too short", at: self.bytes.len() })?;
        self.at += N;
        Ok(taken)
    }

    fn number(&mut self, low: f64, high: f64) -> Result<f64, Error> {
        let number = f64::from_le_bytes(self.take()?);
        if (low..=high).contains(&number) {
            Ok(number)
        } else {
            Err(self.wrong("number out of range"))
        }
    }

    fn short_number(&mut self, low: f32, high: f32) -> Result<f32, Error> {
        let number = f32::from_le_bytes(self.take()?);
        if (low..=high).contains(&number) {
            Ok(number)
        } else {
            Err(self.wrong("count out of range"))
        }
    }

    fn wrong(&self, what: &'static str) -> Error {
        Error::Corrupt { what, at: self.at }
    }
}
