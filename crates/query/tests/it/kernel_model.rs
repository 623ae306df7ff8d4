//! Range functions against a plain evaluation: every window cut out and looked at by itself.

use std::sync::Arc;

use plimsoll_model::{Grid, Labels, MemorySource, ReadCx, SeriesSource, stale_nan};
use plimsoll_query::{Engine, EngineConfig, Features, Value};
use plimsoll_world::Workers;
use proptest::prelude::*;

type Window<'w> = &'w [(i64, f64)];

/// The plain form of a range function over one window that is not empty; the window's ends are given
/// in ms.
type Plain = fn(Window<'_>, i64, i64) -> Option<f64>;

fn floats(w: Window<'_>) -> impl DoubleEndedIterator<Item = f64> + '_ {
    w.iter().map(|p| p.1)
}

fn grown(w: Window<'_>, start: i64, end: i64, counter: bool) -> Option<f64> {
    let (first, last) = (w.first()?, w.last()?);
    if w.len() < 2 {
        return None;
    }
    let mut growth = last.1 - first.1;
    for pair in w.windows(2) {
        if counter && pair[1].1 < pair[0].1 {
            growth += pair[0].1;
        }
    }
    let sampled = (last.0 - first.0) as f64 / 1e3;
    let mean = sampled / (w.len() - 1) as f64;
    let gap = |ms: i64| if ms as f64 / 1e3 >= mean * 1.1 { mean / 2.0 } else { ms as f64 / 1e3 };
    let mut before = gap(first.0 - start);
    if counter && growth > 0.0 && first.1 >= 0.0 {
        before = before.min(sampled * (first.1 / growth));
    }
    Some(growth * ((sampled + before + gap(end - last.0)) / sampled))
}

const FUNCTIONS: &[(&str, Plain)] = &[
    ("sum_over_time", |w, _, _| Some(floats(w).sum())),
    ("avg_over_time", |w, _, _| Some(floats(w).sum::<f64>() / w.len() as f64)),
    ("min_over_time", |w, _, _| floats(w).reduce(f64::min)),
    ("max_over_time", |w, _, _| floats(w).reduce(f64::max)),
    ("count_over_time", |w, _, _| Some(w.len() as f64)),
    ("last_over_time", |w, _, _| floats(w).next_back()),
    ("first_over_time", |w, _, _| floats(w).next()),
    ("present_over_time", |_, _, _| Some(1.0)),
    ("increase", |w, a, b| grown(w, a, b, true)),
    ("rate", |w, a, b| grown(w, a, b, true).map(|g| g / ((b - a) as f64 / 1e3))),
    ("delta", |w, a, b| grown(w, a, b, false)),
    ("changes", |w, _, _| Some(w.windows(2).filter(|p| p[0].1 != p[1].1).count() as f64)),
    ("resets", |w, _, _| Some(w.windows(2).filter(|p| p[1].1 < p[0].1).count() as f64)),
    ("stdvar_over_time", |w, _, _| {
        let mean = floats(w).sum::<f64>() / w.len() as f64;
        Some(floats(w).map(|v| (v - mean).powi(2)).sum::<f64>() / w.len() as f64)
    }),
];

fn near(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-9 * (1.0 + a.abs().max(b.abs()))
}

fn samples() -> impl Strategy<Value = Vec<(i64, f64)>> {
    let value = prop_oneof![
        8 => (-1000..1000i32).prop_map(f64::from),
        2 => -1e3..1e3f64,
        1 => Just(stale_nan()),
    ];
    proptest::collection::btree_map(0..200_000i64, value, 0..250)
        .prop_map(|all| all.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn windows_agree_with_a_plain_evaluation(
        samples in samples(),
        range_ms in 1..150_000i64,
        start in -10_000..200_000i64,
        step in 1..20_000i64,
        steps in 0..40i64,
        offset in -20_000..20_000i64,
    ) {
        let source = MemorySource::new();
        let labels = Labels::new([("__name__", "m_total")]).unwrap();
        for (t, v) in &samples {
            source.append(&labels, *t, *v);
        }
        let snapshot = source.snapshot();
        let config = EngineConfig { features: Features::PROMQLTEST, ..EngineConfig::default() };
        let engine = Engine::new(config, Arc::new(Workers::new(1)));
        let grid = Grid { start, end: start + step * steps, step };
        for (name, plain) in FUNCTIONS {
            let sign = if offset < 0 { "-" } else { "" };
            let text =
                format!("{name}(m_total[{range_ms}ms] offset {sign}{}ms)", offset.abs());
            let query = engine.parse(&text).unwrap();
            let answer = engine.range(&snapshot, &query, grid, &ReadCx::unlimited()).unwrap();
            let Value::Matrix(matrix) = answer.value else { panic!("no matrix") };
            let found: Vec<(i64, f64)> = matrix
                .iter()
                .flat_map(|s| s.times.iter().copied().zip(s.floats.iter().copied()))
                .collect();
            let mut expected = Vec::new();
            for i in 0..grid.len() {
                let end = grid.at(i) - offset;
                let window: Vec<(i64, f64)> = samples
                    .iter()
                    .copied()
                    .filter(|(t, v)| *t > end - range_ms && *t <= end && !v.is_nan())
                    .collect();
                let value =
                    if window.is_empty() { None } else { plain(&window, end - range_ms, end) };
                expected.extend(value.map(|v| (grid.at(i), v)));
            }
            prop_assert_eq!(found.len(), expected.len(), "{}", text);
            for (f, e) in found.iter().zip(&expected) {
                prop_assert!(f.0 == e.0 && near(f.1, e.1), "{text}: {f:?} {e:?}");
            }
        }
    }
}
