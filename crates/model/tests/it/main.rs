//! The contract of the seam, held by the in-memory source and the wrappers.

use std::sync::Arc;

use plimsoll_model::contract::Given;
use plimsoll_model::{
    MemorySource, Merge, Overlay, Scoped, SeriesSource, Snapshot, source_contract,
};

fn filled(given: &[Given]) -> MemorySource {
    let source = MemorySource::new();
    for (labels, samples) in given {
        for &(time, value) in samples {
            source.append(labels, time, value);
        }
    }
    source
}

/// Every other sample of every series to one side, the rest and some of the same to the other.
fn halves(given: &[Given]) -> (MemorySource, MemorySource) {
    let (one, two) = (MemorySource::new(), MemorySource::new());
    for (labels, samples) in given {
        for (i, &(time, value)) in samples.iter().enumerate() {
            if i % 2 == 0 {
                one.append(labels, time, value);
            }
            if i % 2 == 1 || i % 3 == 0 {
                two.append(labels, time, value);
            }
        }
    }
    (one, two)
}

struct Wrapped<F: Fn() -> Arc<dyn Snapshot> + Send + Sync>(F);

impl<F: Fn() -> Arc<dyn Snapshot> + Send + Sync> SeriesSource for Wrapped<F> {
    fn snapshot(&self) -> Arc<dyn Snapshot> {
        (self.0)()
    }
}

fn merged(given: &[Given]) -> Arc<dyn SeriesSource> {
    let (one, two) = halves(given);
    Arc::new(Merge::new(Arc::new(one), Arc::new(two)))
}

fn nested(given: &[Given]) -> Arc<dyn SeriesSource> {
    let (_, two) = halves(given);
    Arc::new(Merge::new(merged(given), Arc::new(Merge::new(Arc::new(two), merged(&given[..1])))))
}

fn overlaid(given: &[Given]) -> Arc<dyn SeriesSource> {
    let below = filled(&given[..3]);
    let given = given.to_vec();
    Arc::new(Wrapped(move || {
        let overlay = Overlay::new(below.snapshot());
        for (labels, samples) in &given {
            for &(time, value) in samples {
                overlay.put(labels, time, value);
            }
        }
        Arc::new(overlay)
    }))
}

fn scoped(given: &[Given]) -> Arc<dyn SeriesSource> {
    let below = filled(given);
    Arc::new(Wrapped(move || Arc::new(Scoped::new(below.snapshot()))))
}

source_contract!(memory, |given| Arc::new(filled(given)));
source_contract!(merge, merged);
source_contract!(merge_of_merges, nested);
source_contract!(overlay, overlaid);
source_contract!(scoped_wrapper, scoped);
