//! The gates of the time to a limit, on few seeds; `bench_breach` measures more. Slow: `PLIMSOLL_SLOW=1`.

use crate::breaches::{KINDS, Tally, cases, judge, series};

const SEED: u64 = 501;

#[test]
fn breaches_are_foreseen_twice_as_well_as_by_a_line_and_intervals_hold() {
    if std::env::var_os("PLIMSOLL_SLOW").is_none() {
        return;
    }
    let kinds: Vec<Tally> = KINDS
        .iter()
        .map(|kind| {
            let mut tally = Tally::default();
            let series = series(kind, SEED);
            cases(&series, SEED).iter().for_each(|case| tally.add(judge(&series, case)));
            tally
        })
        .collect();
    let figures = Tally::together(&kinds).figures();
    let shown = Tally::together(&kinds).line("all");
    assert!(figures.ours <= 0.5 * figures.best(), "{shown}");
    assert!((0.85..=0.95).contains(&figures.in_90), "{shown}");
    assert!(
        figures.pinball <= 0.5 * figures.pinball_theirs.into_iter().fold(1.0, f64::min),
        "{shown}"
    );
    assert!((0.85..=0.95).contains(&figures.in_90_stake), "{shown}");
}
