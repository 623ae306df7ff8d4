//! The fold against itself: however often it is interrupted, and whatever is done in one pass, the states
//! are those of a run that went on step by step.

use super::*;
use crate::checkpoint;
use plimsoll_model::{Labels, MemorySource, SeriesSource, stale_nan};
use plimsoll_query::EngineConfig;
use plimsoll_world::{Chance, SeededChance, SimClock, Workers};

const STEP: i64 = 60_000;
/// A multiple of the steps between looks.
const START: i64 = 1_750_000_200_000 / (5 * STEP) * (5 * STEP);

/// Samples with the times at which they arrive.
struct Story {
    chance: SeededChance,
    /// Arrival, labels, time, value; by arrival.
    samples: Vec<(i64, Labels, i64, f64)>,
}

impl Story {
    fn below(&self, n: u64) -> u64 {
        self.chance.next_u64() % n
    }

    fn noise(&self) -> f64 {
        (self.below(2_000) as f64 - 1_000.0) / 1_000.0
    }

    /// Series that come, go, come again, are reset, end with markers, are no numbers for a while, and
    /// whose samples are late.
    fn new(seed: u64, series: usize, minutes: i64) -> Self {
        let mut story = Self { chance: SeededChance::new(seed), samples: Vec::new() };
        for i in 0..series {
            story.add(i, minutes);
        }
        story.samples.sort_by_key(|(arrival, _, time, _)| (*arrival, *time));
        story
    }

    fn add(&mut self, i: usize, minutes: i64) {
        let counter = self.below(2) == 0;
        let metric = format!("m{i}{}", if counter { "_total" } else { "" });
        let instance = format!("i{}", i % 3);
        let pairs = [("__name__", &*metric), ("job", "host"), ("instance", &instance)];
        let labels = Labels::new(pairs).unwrap();
        let every = [5_000, 15_000, 30_000, 60_000][self.below(4) as usize];
        let late = [0, 0, 1_000, 40_000, 200_000][self.below(5) as usize];
        let born = START + self.below(minutes as u64 * STEP as u64 / 2) as i64;
        let mut born = if i.is_multiple_of(2) { START - 7 * HOUR_MS } else { born };
        let end = START + minutes * STEP;
        let (mut total, mut arrived) = (self.below(1_000_000) as f64, i64::MIN);
        while born < end {
            let until =
                if self.below(3) == 0 { end } else { born + self.below(3 * 3_600_000) as i64 };
            let mut time = born + self.below(every as u64) as i64;
            while time < until.min(end) {
                let odd = self.below(700);
                let level = 10.0 + self.noise() + if odd < 3 { 25.0 } else { 0.0 };
                total = if odd == 7 { 0.0 } else { total + level.abs() };
                let value = match odd {
                    8 => f64::NAN,
                    9 => f64::INFINITY,
                    10 => stale_nan(),
                    _ if counter => total,
                    _ => level,
                };
                // In order, and less late than is waited for.
                arrived = arrived.max(time + self.below(late as u64 + 1) as i64);
                self.samples.push((arrived, labels.clone(), time, value));
                time += every;
            }
            if until < end && self.below(2) == 0 {
                self.samples.push((arrived.max(until), labels.clone(), until, stale_nan()));
                arrived = arrived.max(until);
            }
            born = until + self.below(3 * 3_600_000) as i64;
        }
    }
}

/// A process that may be killed.
struct Run {
    fold: Fold,
    engine: Engine,
    config: Config,
    /// What was kept last.
    kept: Option<Vec<u8>>,
}

impl Run {
    fn new(config: &Config) -> Self {
        let engine = Engine::new(EngineConfig::default(), Arc::new(Workers::new(1)));
        let fold = Fold::new(&engine, STEP);
        Self { fold, engine, config: config.clone(), kept: None }
    }

    fn tick(&mut self, source: &MemorySource, now: i64) {
        let (metrics, clock) = (Metrics::default(), SimClock::at(now));
        let env = Env {
            engine: &self.engine,
            clock: &clock,
            metrics: &metrics,
            config: &self.config,
            inputs: &Vec::new,
        };
        let first = self.fold.horizon.is_none();
        assert!(self.fold.advance(&env, &source.snapshot(), now));
        if first {
            self.keep();
        }
    }

    fn keep(&mut self) {
        let mut bytes = Vec::new();
        let written = checkpoint::write(&self.fold, &[], 0, |piece| {
            bytes.extend_from_slice(piece);
            Ok::<_, ()>(())
        });
        written.unwrap();
        self.kept = Some(bytes);
    }

    /// Another process on what this one kept.
    fn kill(&mut self) {
        self.fold = Fold::new(&self.engine, STEP);
        if let Some(bytes) = &self.kept {
            self.fold.restore(checkpoint::read(bytes).unwrap());
        }
    }
}

/// Plays a story to two processes, one of which is kept, killed and left off at random.
fn play(seed: u64, series: usize, minutes: i64, config: &Config) -> (Fold, Fold) {
    let story = Story::new(seed, series, minutes);
    let source = MemorySource::new();
    let (mut steady, mut shaken) = (Run::new(config), Run::new(config));
    let mut samples = story.samples.iter().peekable();
    let end = START + minutes * STEP + 10 * MINUTE_MS;
    let (mut now, mut back) = (START, START);
    while now < end {
        while let Some((_, labels, time, value)) = samples.next_if(|s| s.0 <= now) {
            source.append(labels, *time, *value);
        }
        steady.tick(&source, now);
        let down = now < back && now > START;
        if !down {
            shaken.tick(&source, now);
            match story.below(60) {
                0..2 => shaken.keep(),
                2..4 => shaken.kill(),
                4 => {
                    shaken.kill();
                    back = now + story.below(4 * 3_600_000) as i64;
                }
                _ => {}
            }
        }
        now += grace_ms(STEP) + story.below(50_000) as i64;
    }
    // How far silent series are depends on the time of the last pass.
    for now in [end, end + 2 * STEP] {
        steady.tick(&source, now);
        shaken.tick(&source, now);
    }
    (steady.fold, shaken.fold)
}

fn same(steady: &Fold, shaken: &Fold, seed: u64) {
    assert_eq!(steady.horizon, shaken.horizon);
    let names = |f: &Fold| {
        let mut all: Vec<String> = f.scores.all().map(|w| w.labels.to_string()).collect();
        all.sort();
        all
    };
    assert_eq!(names(steady), names(shaken), "seed {seed}");
    for (fp, a) in &steady.scores.raw {
        let b = &shaken.scores.raw[fp];
        let at = (a.cursor, b.cursor, a.last(), b.last(), a.detector.points(), b.detector.points());
        assert!(a.agrees(b), "seed {seed}: {} {at:?}", a.labels);
    }
}

#[test]
fn a_run_that_is_killed_again_and_again_ends_where_one_does_that_is_not() {
    for seed in 0..6 {
        let (steady, shaken) = play(seed, 12, 360, &Config::default());
        assert!(steady.scores.raw.len() > 6, "seed {seed}");
        same(&steady, &shaken, seed);
        assert!(steady.scores.raw.values().any(|w| w.detector.points() > 300));
    }
}

#[test]
fn who_is_watched_where_places_are_scarce_does_not_depend_on_restarts() {
    for seed in 20..22 {
        let config = Config { watched_max: 5, ..Config::default() };
        let (steady, shaken) = play(seed, 12, 240, &config);
        assert_eq!(steady.scores.raw.len(), 5);
        assert!(steady.left_out() > 0);
        same(&steady, &shaken, seed);
    }
}

#[test]
fn a_series_that_is_late_is_waited_for_and_said_to_be_delayed() {
    let (source, mut run) = (MemorySource::new(), Run::new(&Config::default()));
    let labels = Labels::new([("__name__", "m"), ("job", "host")]).unwrap();
    let punctual = labels.with("i", "punctual");
    for i in 0..720 {
        let now = START + i * 15_000;
        source.append(&punctual, now, (i % 7) as f64);
        // Four minutes late.
        source.append(&labels, now - 4 * MINUTE_MS, (i % 5) as f64);
        run.tick(&source, now);
    }
    let of = |l: &Labels| &run.fold.scores.raw[&l.fp()];
    assert_eq!(of(&punctual).basis, Basis::RealTime);
    assert_eq!(of(&labels).basis, Basis::Delayed);
    // Each step is there, and each is a mean of four samples.
    assert_eq!(of(&labels).longest_gap, STEP);
    assert!(of(&labels).detector.points() > 170, "{}", of(&labels).detector.points());
}

#[test]
fn a_clock_that_was_set_back_is_no_end() {
    let (source, mut run) = (MemorySource::new(), Run::new(&Config::default()));
    let labels = Labels::new([("__name__", "m"), ("job", "host")]).unwrap();
    for i in 0..60 {
        source.append(&labels, START + i * STEP, i as f64);
        run.tick(&source, START + i * STEP);
    }
    let ahead = run.fold.horizon.unwrap();
    run.tick(&source, START + 20 * STEP);
    assert!(run.fold.horizon.unwrap() < ahead);
    assert!(run.fold.scores.raw.values().all(|w| w.last() <= run.fold.horizon));
}
