//! The life of insights.

use super::*;

fn draft(subject: &str, weight: f64) -> Draft {
    Draft {
        kind: InsightType::Trend,
        subject: subject.to_owned(),
        title: subject.to_owned(),
        description: String::new(),
        labels: Vec::new(),
        claimed: 0.9,
        impact: Impact {
            text: String::new(),
            value: 1.0,
            unit: String::new(),
            query: String::new(),
            at_ms: 0,
            weight,
        },
        evidence: Vec::new(),
        lasts_ms: 1_000,
        level: AnomalyLevel::Page,
        covers: Vec::new(),
        check: Some(Check { query: "x".into(), above: true, bound: 1.0 }),
    }
}

fn word(at_ms: i64) -> Word {
    Word { by: "ann".into(), at_ms, note: String::new() }
}

#[test]
fn the_same_subject_is_one_insight_that_counts() {
    let (mut all, table) = (Insights::default(), Reliability::default());
    let id = all.take(draft("a", 0.5), 0, &table);
    assert_eq!(all.take(draft("a", 0.7), 500, &table), id);
    let found = all.get(&id).unwrap();
    assert_eq!((found.count, found.first_ms, found.last_ms), (2, 0, 500));
    assert_eq!(found.impact.weight, 0.7);
    assert_eq!(id.len(), 16);
    let (changed, gone, steps) = all.take_changes(0, false);
    assert_eq!((changed.len(), gone.len(), steps.len()), (1, 0, 1));
}

#[test]
fn a_life_goes_from_new_over_a_word_to_expired_and_is_forgotten() {
    let (mut all, mut table) = (Insights::default(), Reliability::default());
    let id = all.take(draft("a", 0.5), 0, &table);
    let before = all.get(&id).unwrap().confidence;
    all.say(&id, InsightState::Dismissed, word(10), &mut table).unwrap();
    assert!(all.get(&id).unwrap().confidence < before);
    assert!(!all.get(&id).unwrap().may_page());
    assert!(all.say(&id, InsightState::Dismissed, word(10), &mut table).is_err());
    all.say(&id, InsightState::Acknowledged, word(20), &mut table).unwrap();
    assert!(all.get(&id).unwrap().confidence > before, "the first word was taken back");
    all.expire(999, &mut table, |_| Some(true));
    assert_eq!(all.len(InsightState::Acknowledged), 1);
    all.expire(1_000, &mut table, |_| Some(true));
    assert_eq!(all.len(InsightState::Expired), 1);
    assert!(all.say(&id, InsightState::Dismissed, word(10), &mut table).is_err());
    all.expire(1_001 + REMEMBERED_MS, &mut table, |_| None);
    assert!(all.get(&id).is_none());
    let (_, gone, steps) = all.take_changes(0, true);
    assert_eq!((gone, steps.len()), (vec![id], 4));
}

#[test]
fn a_dismissed_one_stays_so_for_a_week_and_then_is_new() {
    let (mut all, mut table) = (Insights::default(), Reliability::default());
    let id = all.take(draft("a", 0.5), 0, &table);
    all.say(&id, InsightState::Dismissed, word(10), &mut table).unwrap();
    let mut at = 0;
    while at < REMEMBERED_MS + 10 {
        all.take(draft("a", 0.5), at, &table);
        all.expire(at, &mut table, |_| None);
        assert_eq!(all.get(&id).unwrap().state, InsightState::Dismissed);
        at += 500_000;
    }
    all.expire(at, &mut table, |_| None);
    all.take(draft("a", 0.5), at, &table);
    assert_eq!(all.get(&id).unwrap().state, InsightState::New);
}

#[test]
fn what_another_tells_ends_and_one_series_alone_never_pages() {
    let (mut all, table) = (Insights::default(), Reliability::default());
    let one = all.take(Draft { claimed: 1.0, ..draft("one", 0.5) }, 0, &table);
    assert!(all.get(&one).unwrap().may_page());
    let two = all.take(Draft { level: AnomalyLevel::Notify, ..draft("two", 0.5) }, 0, &table);
    assert!(!all.get(&two).unwrap().may_page());
    all.say(&two, InsightState::Acknowledged, word(1), &mut Reliability::default()).unwrap();
    let covers = vec!["one".to_owned(), "two".to_owned(), "three".to_owned()];
    let whole = all.take(Draft { covers, ..draft("whole", 0.9) }, 2, &table);
    assert_eq!(all.get(&one).unwrap().state, InsightState::Expired);
    assert_eq!(all.get(&two).unwrap().state, InsightState::Acknowledged, "it has a word");
    assert_eq!(all.get(&whole).unwrap().state, InsightState::New);
    let (_, _, steps) = all.take_changes(2, false);
    assert!(steps.iter().any(|s| s.id == one && s.note == format!("told by {whole}")));
    assert_eq!(all.take(draft("one", 0.5), COVERED_MS, &table), whole, "for a while");
    assert_eq!(all.take(draft("one", 0.5), COVERED_MS + 2, &table), one);
    for i in 0..2 * INSIGHTS_MAX {
        all.take(Draft { covers: vec![i.to_string()], ..draft("whole", 0.9) }, 3, &table);
    }
    assert!(all.covered.len() <= INSIGHTS_MAX);
}

#[test]
fn there_are_so_many_and_the_least_important_leave() {
    let (mut all, mut table) = (Insights::default(), Reliability::default());
    let first = all.take(draft("old", 1.0), 0, &table);
    all.expire(2_000, &mut table, |_| None);
    for i in 0..INSIGHTS_MAX {
        let weight = (1 + i) as f64 / 2_000.0;
        all.take(draft(&format!("{i}"), weight), 2_000, &table);
    }
    assert_eq!((all.all.len(), all.left_out), (INSIGHTS_MAX, 1));
    assert!(all.get(&first).is_none(), "the expired one left first");
    all.take(draft("more", 1.0), 2_000, &table);
    assert!(all.get(&id_of(InsightType::Trend, "0")).is_none());
    assert_eq!((all.all.len(), all.left_out), (INSIGHTS_MAX, 2));
}
