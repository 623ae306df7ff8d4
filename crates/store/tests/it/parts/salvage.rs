//! A damaged part gives errors or the truth, and what can be saved of it is the truth.

use super::kinds::{Given, example, exemplars, same, write_given};
use super::*;
use plimsoll_store::merge::salvage;

fn numbers(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    }
}

/// Everything that still answers must answer the truth. False when something does not answer.
fn check_truth(part: &PartReader, list: &[Given]) -> bool {
    let mut whole = true;
    for ordinal in (0..part.series()).step_by(3) {
        let mut run = Run::new();
        let (labels, read) =
            (labels_of(part, ordinal), part.read(ordinal, TimeRange::ALL, &mut run));
        let g = &list[ordinal as usize];
        match (labels, read) {
            (Ok(labels), Ok(())) => {
                assert_eq!(labels, g.labels);
                same(&run, &g.run);
            }
            _ => whole = false,
        }
        let mut got = Vec::new();
        match part.exemplars(ordinal, TimeRange::ALL, &mut got) {
            Ok(()) => {
                let n = i64::from(ordinal) % 3 * 400;
                assert_eq!(got, exemplars(i64::from(ordinal), n));
            }
            Err(_) => whole = false,
        }
        let (mut pages, range) = (Vec::new(), TimeRange::new(1_000_000, 8_000_000));
        match part.pages(ordinal, range, &mut pages) {
            Ok(()) => {
                for p in pages.iter().filter(|p| !p.cut) {
                    let at = p.range.slice_of(&g.run.times);
                    let values = &g.run.floats[at];
                    assert_eq!(p.count as usize, values.len());
                    assert!(values.iter().all(|v| p.min <= *v && *v <= p.max));
                }
            }
            Err(_) => whole = false,
        }
    }
    whole
}

/// Saves what can be saved, and holds it against the truth. Returns samples saved and lost.
fn check_salvage(disk: &SimDisk, part: &PartReader, list: &[Given]) -> (u64, u64) {
    let spec = PartSpec { level: Level::Day, ..spec(50) };
    let out = PartWriter::create(disk, &path(50), spec).unwrap();
    let done = match salvage(disk, part, out, &Cancel::new()) {
        Ok(done) => done,
        Err(e) => {
            assert!(matches!(e, plimsoll_store::Error::Corrupt(_)), "{e}");
            disk.remove(&path(50)).unwrap();
            return (0, part.info().samples);
        }
    };
    let total: usize = list.iter().map(|g| g.run.len()).sum();
    let mut kept = 0;
    if let Some(info) = &done.part {
        let saved = open(disk, &path(50)).unwrap();
        saved.verify().unwrap();
        assert_eq!(saved.info(), info);
        for ordinal in 0..saved.series() {
            let labels = labels_of(&saved, ordinal).unwrap();
            let truth = &list.iter().find(|g| g.labels == labels).unwrap().run;
            let mut run = Run::new();
            saved.read(ordinal, TimeRange::ALL, &mut run).unwrap();
            kept += run.len();
            let mut wanted = Run::new();
            for i in 0..truth.len() {
                if run.times.binary_search(&truth.times[i]).is_ok() {
                    wanted.push_from(truth, i);
                }
            }
            same(&run, &wanted);
        }
        let series = u64::from(saved.series()) + done.series_lost;
        assert_eq!(series as usize, list.len());
        disk.remove(&path(50)).unwrap();
    }
    assert_eq!(done.samples_lost as usize, total - kept);
    assert_eq!(done.samples_lost == 0 && done.exemplars_lost == 0, done.why.is_none());
    (kept as u64, done.samples_lost)
}

#[test]
fn one_flipped_bit_is_an_error_and_costs_little() {
    let disk = SimDisk::new(1);
    let list = example();
    write_given(&disk, 1, &list, Level::Day);
    let len = disk.contents(&path(1)).unwrap().len() as u64;
    let part = open(&disk, &path(1)).unwrap();
    assert!(part.verify().is_ok() && check_truth(&part, &list));
    assert_eq!(check_salvage(&disk, &part, &list).1, 0);
    let mut next = numbers(0x243f_6a88_85a3_08d3);
    let rounds = if std::env::var_os("PLIMSOLL_SLOW").is_some() { 400 } else { 24 };
    let (mut kept, mut lost) = (0, 0);
    for _ in 0..rounds {
        let (at, mask) = (next() % len, 1u8 << (next() % 8));
        disk.flip(&path(1), at, mask).unwrap();
        if let Ok(part) = open(&disk, &path(1)) {
            assert!(part.verify().is_err(), "flip of {mask:#x} at {at} went unseen");
            check_truth(&part, &list);
            let (k, l) = check_salvage(&disk, &part, &list);
            (kept, lost) = (kept + k, lost + l);
        }
        disk.flip(&path(1), at, mask).unwrap();
    }
    assert!(kept > lost, "{kept} samples saved, {lost} lost");
}
