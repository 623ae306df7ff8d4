//! Sections about what is on the disk: a year, the tiers of a month, a window in a month.

use std::path::Path;
use std::time::Duration;

use plimsoll_model::{Grid, Hint, MatchOp, Matcher, ReadCx, Scratch, SeriesSource, TimeRange};
use plimsoll_query::Value;
use plimsoll_store::{Config, Store};

use crate::rig::{self, DAY, Fleet, HOUR, line};

const STEP: i64 = 15_000;
const MONTH: i64 = 30;
const MINUTE: i64 = 60_000;

pub fn year() {
    let dir = tempfile::tempdir().unwrap();
    let (end, engine) = (rig::settled(), rig::engine());
    {
        let store = rig::open(dir.path(), rig::config());
        let mut fleets = [Fleet::new("m", 50, false)];
        rig::fill_days(&store, &mut fleets, end - 365 * DAY, 365, 5 * MINUTE);
        line("parts", store.stats().parts.to_string(), "365");
    }
    let (mut opens, mut answers, mut years) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..9 {
        let (opened, store) = rig::seconds(|| rig::open(dir.path(), rig::config()));
        let (answered, answer) =
            rig::seconds(|| rig::instant(&engine, &store, "count(m)", end - 1));
        assert!(matches!(&answer.value, Value::Vector(v) if v[0].value == 50.0), "{answer:?}");
        let whole = "count_over_time(m{instance=\"host-00017:9100\"}[365d])";
        let (of_year, answer) = rig::seconds(|| rig::instant(&engine, &store, whole, end - 1));
        assert!(matches!(&answer.value, Value::Vector(v) if v[0].value == 105_120.0), "{answer:?}");
        years.push(of_year);
        opens.push(opened);
        answers.push(opened + answered);
    }
    line("open, median of 9", format!("{:.3} s", rig::median(opens)), "");
    line("open to first answer, median of 9", format!("{:.3} s", rig::median(answers)), "< 0.3 s");
    let figure = format!("{:.1} ms", rig::median(years) * 1e3);
    line("then one series counted over the year", figure, "");
}

fn month(dir: &Path, fleets: &mut [Fleet]) -> (Store, i64) {
    let end = rig::settled();
    let store = rig::open(dir, rig::config());
    rig::fill_days(&store, fleets, end - MONTH * DAY, MONTH, STEP);
    (store, end)
}

pub fn tiers() {
    let dir = tempfile::tempdir().unwrap();
    let mut fleets = [Fleet::new("m", 200, false), Fleet::new("c", 200, true)];
    let (took, (store, end)) = rig::seconds(|| month(dir.path(), &mut fleets));
    let stats = store.stats();
    line("samples", format!("{:.1} M", stats.part_samples as f64 / 1e6), "");
    line("parts", stats.parts.to_string(), "30");
    line("fill, flush, merge, roll up", format!("{took:.1} s"), "");
    let parts = dir.path().join("parts");
    let tier = rig::bytes_under(&parts.join("tiers")) as f64;
    let raw = rig::bytes_under(&parts) as f64 - tier;
    assert!(tier > 0.0 && raw > 0.0, "{tier} and {raw} bytes");
    line("raw", format!("{:.2} B/sample", raw / stats.part_samples as f64), "");
    line("bytes of tiers over bytes of raw parts", format!("{:.3}", tier / raw), "<= 0.25");
    let engine = rig::engine();
    let start = end - MONTH * DAY + HOUR;
    let aligned = Grid { start, end, step: HOUR };
    let off = Grid { start: start + 1, end: end - HOUR + 1, step: HOUR };
    let bare_dir = tempfile::tempdir().unwrap();
    let never = Config { roll_after: Duration::from_secs(4_000 * 86_400), ..rig::config() };
    let mut fleets = [Fleet::new("m", 200, false), Fleet::new("c", 200, true)];
    let bare = rig::open(bare_dir.path(), never);
    rig::fill_days(&bare, &mut fleets, end - MONTH * DAY, MONTH, STEP);
    drop(fleets);
    for (name, text, wanted) in [
        ("hourly averages by job", "avg by (job) (avg_over_time(m[1h]))", "< 20 ms"),
        ("hourly maxima", "max by (job) (max_over_time(m[1h]))", ""),
        ("hourly rates by job", "sum by (job) (rate(c[1h]))", ""),
    ] {
        let run = |store: &Store, grid: Grid| {
            let answer = rig::range(&engine, store, text, grid);
            let Value::Matrix(series) = &answer.value else { panic!("{answer:?}") };
            assert_eq!((series.len(), series[0].times.len()), (4, grid.len()), "{text}");
            let sum: f64 = series.iter().flat_map(|s| &s.floats).sum();
            (answer.stats.samples, sum)
        };
        let timed = |runs, store, grid| {
            let once = || assert!(run(store, grid).0 > 0, "{text}");
            rig::median_of(runs, once) * 1e3
        };
        let (first, (few, sum)) = rig::seconds(|| run(&store, aligned));
        let (many, true_sum) = run(&bare, aligned);
        assert!((sum - true_sum).abs() <= 1e-9 * true_sum.abs(), "{text}: {sum}, {true_sum}");
        let tiers = timed(20, &store, aligned);
        let raw = timed(5, &bare, aligned);
        line(&format!("{name}, first"), format!("{:.1} ms", first * 1e3), "");
        line(&format!("{name}, median of 20"), format!("{tiers:.2} ms"), wanted);
        line(&format!("{name}, without tiers"), format!("{raw:.0} ms"), "");
        line(&format!("{name}, ratio"), format!("{:.0}", raw / tiers), "");
        let (some, _) = run(&store, off);
        let off = timed(5, &store, off);
        line(&format!("{name}, 1 ms off the grid"), format!("{off:.0} ms"), "");
        line(&format!("{name}, samples read: tiers"), few.to_string(), "");
        line(&format!("{name}, samples read: off the grid"), some.to_string(), "");
        line(&format!("{name}, samples read: without tiers"), many.to_string(), "");
    }
    for metric in ["m", "c"] {
        let matchers = one_of(metric);
        let all = TimeRange::new(end - MONTH * DAY, end - 1);
        let wanted = MONTH * DAY / STEP;
        let took = rig::median_of(20, || assert_eq!(read(&store, &matchers, all), wanted as usize));
        let name = format!("a month of one raw series of {metric:?}, read");
        line(&name, format!("{:.2} ms", took * 1e3), "< 5 ms");
    }
}

/// Matches one series of a metric.
fn one_of(metric: &str) -> [Matcher; 2] {
    let equal = |name, value| Matcher::new(MatchOp::Equal, name, value).unwrap();
    [equal("__name__", metric), equal("instance", "host-00017:9100")]
}

/// Reads what matches; how many samples that are.
fn read(store: &Store, matchers: &[Matcher], range: TimeRange) -> usize {
    let cx = ReadCx::unlimited();
    let selection = store.snapshot().select(matchers, &Hint::range(range), &cx).unwrap();
    let mut scratch = Scratch::new();
    (0..selection.len())
        .map(|i| selection.read(i, range, &mut scratch, &cx).unwrap().times.len())
        .sum()
}

pub fn window() {
    let (short_dir, long_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let end = rig::settled();
    let fleet = || Fleet::new("m", 200, false);
    let short = rig::open(short_dir.path(), rig::config());
    for half in [0, HOUR / 2] {
        fleet().fill(&short, end - HOUR + half, end - HOUR / 2 + half, STEP);
        if half == 0 {
            compare_heads(&short, end - HOUR / 2 - 5 * MINUTE);
        }
        short.flush_now().unwrap();
    }
    short.merge_now().unwrap();
    let (long, _) = month(long_dir.path(), &mut [fleet()]);
    compare("warm", &short, &long, end - 5 * MINUTE);
    drop((short, long));
    let firsts = [&short_dir, &long_dir]
        .map(|dir| rig::median((0..9).map(|_| first_read(dir.path(), end - 5 * MINUTE)).collect()));
    let figure = format!("{:.0} / {:.0} us", firsts[0] * 1e6, firsts[1] * 1e6);
    line("first read after opening, hour / month, median of 9", figure, "");
    let (short, long) =
        (rig::open(short_dir.path(), rig::config()), rig::open(long_dir.path(), rig::config()));
    compare("reopened", &short, &long, end - 5 * MINUTE);
}

fn five_minutes(to: i64) -> TimeRange {
    TimeRange::new(to - 5 * MINUTE + 1, to)
}

fn first_read(dir: &Path, to: i64) -> f64 {
    let store = rig::open(dir, rig::config());
    let matchers = one_of("m");
    rig::seconds(|| assert_eq!(read(&store, &matchers, five_minutes(to)), 20)).0
}

fn compare_heads(store: &Store, to: i64) {
    let matchers = one_of("m");
    let took = cpu_of(|| assert_eq!(read(store, &matchers, five_minutes(to)), 20));
    line("head only, read", format!("{:.2} us", took * 1e6), "");
}

fn compare(name: &str, short: &Store, long: &Store, to: i64) {
    let matchers = one_of("m");
    let engine = rig::engine();
    let text = "avg_over_time(m{instance=\"host-00017:9100\"}[5m])";
    let one = |store: &Store| assert_eq!(read(store, &matchers, five_minutes(to)), 20);
    ratio(&format!("{name}, read"), || one(short), || one(long));
    let ask = |store: &Store| {
        let answer = rig::instant(&engine, store, text, to);
        assert!(matches!(&answer.value, Value::Vector(v) if v.len() == 1), "{answer:?}");
    };
    ratio(&format!("{name}, instant query"), || ask(short), || ask(long));
}

/// CPU of both in turns, medians.
fn ratio(name: &str, mut short: impl FnMut(), mut long: impl FnMut()) {
    let (shorts, longs): (Vec<_>, Vec<_>) =
        (0..7).map(|_| (cpu_of(&mut short), cpu_of(&mut long))).unzip();
    let (short, long) = (rig::median(shorts), rig::median(longs));
    let figure = format!("{:.2} / {:.2} us", short * 1e6, long * 1e6);
    line(&format!("{name}, CPU, hour / month"), figure, "");
    line(&format!("{name}, ratio"), format!("{:.2}", long / short), "<= 1.20");
}

/// CPU seconds of one call, from as many as fill about 0.3 s.
fn cpu_of(mut f: impl FnMut()) -> f64 {
    let (once, ()) = rig::seconds(|| (0..20).for_each(|_| f()));
    let n = ((0.3 * 20.0 / once) as u64).max(1);
    let before = rig::thread_cpu();
    (0..n).for_each(|_| f());
    (rig::thread_cpu() - before) / n as f64
}
