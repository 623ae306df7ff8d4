//! What a result cache goes by: a range has another version whenever its samples may differ.

use plimsoll_model::{Matcher, SeriesSource, TimeRange};

use super::{NOW, labels, open, submit, world};
use plimsoll_store::Config;

const HOUR: i64 = 3_600_000;

#[test]
fn versions_change_with_the_data_of_their_range_only() {
    let (world, _) = world();
    let store = open(&world, &Config::simulated());
    let (m, other) = (labels("m", 1), labels("other", 1));
    let at = |ago: i64| [(NOW - ago * HOUR, ago as f64)];
    submit(&store, &[(&m, &at(5)), (&other, &at(5))]).unwrap();
    submit(&store, &[(&m, &at(1))]).unwrap();
    let old = TimeRange::new(NOW - 6 * HOUR, NOW - 4 * HOUR);
    let version = || store.snapshot().version(old).unwrap();

    let before = version();
    submit(&store, &[(&m, &at(0))]).unwrap();
    store.flush_now().unwrap();
    submit(&store, &[(&m, &at(2))]).unwrap();
    store.flush_now().unwrap();
    store.merge_now().unwrap();
    assert_eq!(version(), before, "other times, flushes and merges change nothing");

    let cut = store.snapshot();
    submit(&store, &[(&m, &[(NOW - 5 * HOUR + 1, 1.0)])]).unwrap();
    assert!(cut.version(old).is_none(), "a cut from before late data cannot tell any more");
    let late = version();
    assert!(late > before);

    store.delete(&[Matcher::equal("__name__", "other")], TimeRange::ALL).unwrap();
    assert!(version() > late, "what was deleted is no longer in an answer");
}
