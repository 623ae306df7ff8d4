//! Series that come and go: what they took is given back.

use super::{NOW, labels, open, submit};
use plimsoll_store::Config;

#[test]
fn numbers_and_tables_are_given_back_and_used_again() {
    let (world, sim) = super::world();
    let store = open(&world, &Config::simulated());
    let stays = labels("stays", 0);
    for round in 0..6i64 {
        let t = NOW + round * 1000;
        sim.clock.advance(std::time::Duration::from_secs(1));
        let new: Vec<_> = (0..500).map(|i| labels(&format!("m{round}"), i)).collect();
        let one = [(t, 1.0)];
        let mut rows: Vec<_> = new.iter().map(|l| (l, &one[..])).collect();
        rows.push((&stays, &one));
        let told = submit(&store, &rows).unwrap();
        assert_eq!(told.stored, 501);
        store.flush_now().unwrap();
        let known = store.stats().series;
        assert!(known <= 3 * 500 + 1, "{known} series after round {round}");
        let status = store.status_tsdb(10);
        assert_eq!(status.series, known);
        assert!(status.series_by_metric.len() <= 4);
        assert_eq!(status.series_by_source, [("test".to_owned(), known)]);
    }
    let all = super::contents(&store);
    assert_eq!(all.len(), 6 * 501);
    assert_eq!(all.keys().filter(|(l, _)| *l == stays).count(), 6);
}
