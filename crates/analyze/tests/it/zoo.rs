//! Seeded telemetry of many kinds whose changes and seasons are known: 25 kinds, eight of each make two hundred.

use crate::generator::Noise;
use std::f64::consts::TAU;

/// What happens in a series, and what is true of it.
pub struct Specimen {
    pub kind: &'static str,
    pub values: Vec<f64>,
    /// Milliseconds between samples.
    pub step_ms: i64,
    /// Index of the first value after each change.
    pub changes: Vec<usize>,
    /// How far a change may be off: shifts 5 samples or 1 %, changes of slope 5 % of the series, because a slow
    /// beginning has no sharp date.
    pub tolerance: usize,
    /// Periods in samples.
    pub seasons: Vec<usize>,
}

impl Specimen {
    pub fn times_ms(&self) -> Vec<i64> {
        (0..self.values.len() as i64).map(|i| 1_704_067_200_000 + i * self.step_ms).collect()
    }
}

const MINUTE: i64 = 60_000;

/// Two hundred series.
pub fn two_hundred(seed: u64) -> Vec<Specimen> {
    (0..200).map(|i| specimen(i % KINDS.len(), seed.wrapping_mul(1_000) + i as u64)).collect()
}

const KINDS: [(&str, Maker); 25] = [
    ("flat", flat),
    ("memory .6", |m| m.dependent(0.6)),
    ("memory .9", |m| m.dependent(0.9)),
    ("daily load", |m| m.daily(0.0)),
    ("weekly load", |m| m.weekly(0.0)),
    ("saw", saw),
    ("latency", |m| m.latency(1.0)),
    ("rise", |m| m.rise(false)),
    ("hourly job", |m| m.job(0.0)),
    ("unknown period", unknown_period),
    ("shift", |m| m.shifted(0.0)),
    ("two shifts", two_shifts),
    ("shift, memory .6", |m| m.shifted(0.6)),
    ("shift, memory .8", |m| m.shifted(0.8)),
    ("shift, daily", |m| {
        let size = m.between(3.0, 8.0);
        m.daily(size)
    }),
    ("shift, weekly", |m| {
        let size = m.between(4.0, 9.0);
        m.weekly(size)
    }),
    ("shift, latency", |m| {
        let factor = m.between(1.4, 2.5);
        m.latency(factor)
    }),
    ("spread", spread),
    ("leak begins", leak),
    ("shift, rise", |m| m.rise(true)),
    ("shift, hourly job", |m| {
        let size = m.between(3.0, 6.0);
        m.job(size)
    }),
    ("replicas", replicas),
    ("office hours", office),
    ("poisson", poisson),
    ("wild points", wild),
];

type Maker = fn(&mut Made);

fn specimen(kind: usize, seed: u64) -> Specimen {
    let (name, make) = KINDS[kind];
    let mut made = Made {
        noise: Noise(seed.wrapping_mul(0x9E37_79B9) ^ ((kind as u64) << 40)),
        out: Specimen {
            kind: name,
            values: Vec::new(),
            step_ms: MINUTE,
            changes: Vec::new(),
            tolerance: 0,
            seasons: Vec::new(),
        },
    };
    make(&mut made);
    let mut out = made.out;
    if out.tolerance == 0 {
        out.tolerance = (out.values.len() / 100).max(5);
    }
    out
}

struct Made {
    noise: Noise,
    out: Specimen,
}

impl Made {
    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.noise.share()
    }

    fn count(&mut self, low: usize, high: usize) -> usize {
        self.between(low as f64, high as f64) as usize
    }

    /// A place for a change: not in the first or last fifth.
    fn place(&mut self, points: usize) -> usize {
        self.count(points / 5, points - points / 5)
    }

    fn either(&mut self) -> f64 {
        if self.noise.share() < 0.5 { -1.0 } else { 1.0 }
    }

    /// Noise of unit variance with memory.
    fn waver(&mut self, memory: f64, points: usize) -> Vec<f64> {
        let mut level = self.noise.normal();
        (0..points)
            .map(|_| {
                level = memory * level + (1.0 - memory * memory).sqrt() * self.noise.normal();
                level
            })
            .collect()
    }

    fn step_at(&mut self, at: usize, size: f64) {
        self.out.changes.push(at);
        for v in &mut self.out.values[at..] {
            *v += size;
        }
    }

    fn dependent(&mut self, memory: f64) {
        let (points, level) = (self.count(400, 1_500), self.between(10.0, 100.0));
        self.out.values = self.waver(memory, points).iter().map(|v| level + v).collect();
    }

    /// A step of 1.2 to six deviations of the lasting noise.
    fn shifted(&mut self, memory: f64) {
        self.dependent(memory);
        let at = self.place(self.out.values.len());
        let size = self.either() * self.between(1.2, 6.0) / (1.0 - memory).sqrt().min(1.0);
        self.step_at(at, size);
    }

    /// Requests at five-minute steps for a week, with a night and a noon; `shift` in deviations.
    fn daily(&mut self, shift: f64) {
        let (amplitude, second) = (self.between(5.0, 20.0), self.between(0.0, 5.0));
        let noise = self.waver(0.3, 2_016);
        let wave = |i: usize| {
            let turn = TAU * i as f64 / 288.0;
            amplitude * turn.sin() + second * (2.0 * turn + 1.0).cos()
        };
        self.out.values = noise.iter().enumerate().map(|(i, v)| 100.0 + wave(i) + v).collect();
        self.out.step_ms = 5 * MINUTE;
        self.out.seasons = vec![288];
        self.maybe_step(shift);
    }

    fn maybe_step(&mut self, shift: f64) {
        if shift != 0.0 {
            let (at, side) = (self.place(self.out.values.len()), self.either());
            self.step_at(at, side * shift);
        }
    }

    /// Hourly points for six weeks: days, and quieter weekends.
    fn weekly(&mut self, shift: f64) {
        let (amplitude, weekend) = (self.between(6.0, 15.0), self.between(0.3, 0.7));
        let noise = self.waver(0.3, 24 * 42);
        let wave = |i: usize| {
            let busy = if i / 24 % 7 >= 5 { weekend } else { 1.0 };
            busy * (amplitude * (TAU * (i % 24) as f64 / 24.0).sin() + 2.0 * amplitude)
        };
        self.out.values = noise.iter().enumerate().map(|(i, v)| 50.0 + wave(i) + v).collect();
        self.out.step_ms = 60 * MINUTE;
        self.out.seasons = vec![24, 168];
        self.maybe_step(shift);
    }

    /// Log-normal latency; from somewhere on `factor` times as high.
    fn latency(&mut self, factor: f64) {
        let points = self.count(400, 1_500);
        self.out.values = self.waver(0.2, points).iter().map(|v| 20.0 * (0.4 * v).exp()).collect();
        if factor != 1.0 {
            let at = self.place(points);
            self.out.changes = vec![at];
            for v in &mut self.out.values[at..] {
                *v *= factor;
            }
        }
    }

    /// A disk that fills; with `shift` something large is written or removed at once.
    fn rise(&mut self, shift: bool) {
        let points = self.count(400, 1_200);
        let rise = self.either() * self.between(10.0, 60.0) / points as f64;
        let noise = self.waver(0.4, points);
        self.out.values = noise.iter().enumerate().map(|(i, v)| rise * i as f64 + v).collect();
        if shift {
            let size = self.between(4.0, 10.0);
            self.maybe_step(size);
        }
    }

    /// A job of two to six minutes every hour for a day, on a noisy level.
    fn job(&mut self, shift: f64) {
        let (height, long) = (self.between(6.0, 30.0), self.count(2, 7));
        let start = self.count(0, 60);
        let noise = self.waver(0.2, 1_440);
        let busy = |i: usize| (i + 60 - start) % 60 < long;
        self.out.values = noise
            .iter()
            .enumerate()
            .map(|(i, v)| 10.0 + v + if busy(i) { height } else { 0.0 })
            .collect();
        self.out.seasons = vec![60];
        self.maybe_step(shift);
    }
}

fn flat(made: &mut Made) {
    made.dependent(0.0);
}

/// Memory that is collected now and then: irregular teeth.
fn saw(made: &mut Made) {
    let points = made.count(600, 1_500);
    let rise = made.between(0.2, 1.0);
    let (mut level, mut limit) = (0.0, 40.0);
    for _ in 0..points {
        level += rise * (0.5 + made.noise.share());
        if level > limit {
            (level, limit) = (5.0 * made.noise.share(), made.between(35.0, 50.0));
        }
        let value = level + made.noise.normal();
        made.out.values.push(value);
    }
}

fn unknown_period(made: &mut Made) {
    let (period, points) = (made.count(17, 97), made.count(800, 1_500));
    let height = made.between(1.0, 4.0);
    let noise = made.waver(0.4, points);
    let shape = |i: usize| match period % 3 {
        0 => (TAU * i as f64 / period as f64).sin(),
        1 => (i % period) as f64 / period as f64 * 2.0 - 1.0,
        _ => f64::from(i % period < period / 4) * 2.0,
    };
    made.out.values = noise.iter().enumerate().map(|(i, v)| height * shape(i) + v).collect();
    made.out.seasons = vec![period];
}

fn two_shifts(made: &mut Made) {
    made.dependent(0.3);
    let points = made.out.values.len();
    let (first, second) =
        (made.count(points / 6, points * 2 / 5), made.count(points / 2, points * 5 / 6));
    for at in [first, second] {
        let size = made.either() * made.between(1.5, 6.0);
        made.step_at(at, size);
    }
}

fn spread(made: &mut Made) {
    made.dependent(0.0);
    let at = made.place(made.out.values.len());
    let factor = made.between(2.2, 4.0);
    let level = made.out.values[..at].iter().sum::<f64>() / at as f64;
    made.out.changes = vec![at];
    for v in &mut made.out.values[at..] {
        *v = level + factor * (*v - level);
    }
}

fn leak(made: &mut Made) {
    made.dependent(0.3);
    let points = made.out.values.len();
    let at = made.count(points * 3 / 10, points * 6 / 10);
    let rise = made.between(10.0, 40.0) / (points - at) as f64;
    made.out.changes = vec![at];
    made.out.tolerance = points / 20;
    for (i, v) in made.out.values[at..].iter_mut().enumerate() {
        *v += rise * i as f64;
    }
}

/// Four weeks in quarter hours: a step up at eight, a step down at six, nothing at weekends.
fn office(made: &mut Made) {
    let height = made.between(4.0, 20.0);
    let noise = made.waver(0.3, 4 * 672);
    let busy = |i: usize| i / 96 % 7 < 5 && (32..72).contains(&(i % 96));
    made.out.values = noise
        .iter()
        .enumerate()
        .map(|(i, v)| 5.0 + v + if busy(i) { height } else { 0.0 })
        .collect();
    made.out.step_ms = 15 * MINUTE;
    made.out.seasons = vec![96, 672];
}

fn replicas(made: &mut Made) {
    let points = made.count(300, 1_000);
    made.out.values = vec![6.0; points];
    let at = made.place(points);
    let size = made.either() * made.between(1.0, 4.0).round();
    made.step_at(at, size);
}

fn poisson(made: &mut Made) {
    let (points, rate) = (made.count(400, 1_200), made.between(0.3, 5.0));
    for _ in 0..points {
        let (mut count, mut product) = (0.0, made.noise.share());
        while product > (-rate).exp() {
            product *= made.noise.share();
            count += 1.0;
        }
        made.out.values.push(count);
    }
}

fn wild(made: &mut Made) {
    made.dependent(0.3);
    for i in 0..made.out.values.len() {
        if made.noise.share() < 0.02 {
            let size = made.between(-30.0, 60.0);
            made.out.values[i] += size;
        }
    }
}
