//! Charts as they are drawn: golden texts, and pictures of which some pixels are known.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod documents;
mod grafana;
mod grafana_kinds;
mod mutate;

use expect_test::expect_file;
use plimsoll_model::{Chart, HOUR_MS, Level, Line, MINUTE_MS, Role, Unit};
use plimsoll_show::{png, svg};

/// 21 November 2025, 12:00 UTC.
const NOON: i64 = 1_763_726_400_000;

fn wave(height: f64, late: i64) -> Vec<(i64, f64)> {
    (0..=360)
        .map(|m| {
            let at = NOON - (360 - m) * MINUTE_MS;
            let up = if m > late { (m - late) as f64 * 0.006 } else { 0.0 };
            (at, (0.4 + height * (m as f64 / 40.0).sin() + up).min(0.99))
        })
        .collect()
}

fn line(name: &str, role: Role, points: Vec<(i64, f64)>) -> Line {
    Line { name: name.to_owned(), role, points }
}

fn chart() -> Chart {
    let mut subject = wave(0.1, 260);
    subject.drain(100..120);
    Chart {
        title: "HostDiskFull · web-1".to_owned(),
        subtitle: "1 - node_filesystem_avail_bytes / node_filesystem_size_bytes <b> & \"c\""
            .to_owned(),
        unit: Unit::Ratio,
        from: NOON - 6 * HOUR_MS,
        until: NOON,
        step_ms: MINUTE_MS,
        lines: vec![
            line("now", Role::Subject, subject),
            line("a day ago", Role::DayAgo, wave(0.12, 400)),
            line("a week ago", Role::WeekAgo, wave(0.08, 400)),
        ],
        levels: vec![Level { value: 0.9, label: "> 90 %".to_owned() }],
        spans: vec![(NOON - 20 * MINUTE_MS, NOON)],
        is_alarming: true,
    }
}

fn several() -> Chart {
    let name = |i: usize| format!("instance=\"node-{i}.a.rather.long.name.example.org:9100\"");
    let lines = (0..9).map(|i| line(&name(i), Role::Subject, wave(0.05 * i as f64, 300)));
    Chart { lines: lines.collect(), unit: Unit::Bytes, ..chart() }
}

#[test]
fn the_same_chart_gives_the_same_text() {
    expect_file!["one.svg"].assert_eq(&svg(&chart()));
    expect_file!["several.svg"].assert_eq(&svg(&several()));
}

#[test]
fn a_picture_has_its_size_and_its_colours() {
    for (chart, height) in [(chart(), 640), (several(), 640 + 3 * 44)] {
        let bytes = png(&svg(&chart)).unwrap();
        if let Some(dir) = std::env::var_os("PLIMSOLL_PICTURES") {
            let path = std::path::Path::new(&dir).join(format!("chart-{height}.png"));
            std::fs::write(path, &bytes).unwrap();
        }
        assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n");
        let side = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        assert_eq!((side(16), side(20)), (1280, height));
        assert!(bytes.len() > 10_000 && bytes.len() < 400_000, "{}", bytes.len());
        assert_eq!(bytes, png(&svg(&chart)).unwrap(), "drawn twice");
    }
}

#[test]
fn texts_are_drawn_with_the_faces_of_the_program() {
    let with = png(&svg(&chart())).unwrap();
    let bare = Chart { title: String::new(), subtitle: String::new(), ..chart() };
    assert_ne!(with, png(&svg(&bare)).unwrap());
}

#[test]
fn strange_charts_are_drawn_too() {
    let odd = [f64::NAN, f64::INFINITY, f64::MAX, f64::MIN, -0.0, 1e-310];
    let points: Vec<(i64, f64)> = odd.iter().enumerate().map(|(i, v)| (i as i64, *v)).collect();
    for (from, until) in [(0, 5), (5, 0), (3, 3), (i64::MIN, i64::MAX), (-10, -5)] {
        for unit in [Unit::Plain, Unit::Bytes, Unit::Seconds] {
            let chart = Chart {
                title: "\u{0}\u{ffff}<>&\n日本".repeat(200),
                from,
                until,
                unit,
                lines: vec![line("\u{1}", Role::Subject, points.clone()); 40],
                levels: vec![Level { value: f64::NAN, label: String::new() }; 40],
                spans: vec![(i64::MIN, i64::MAX); 100],
                ..Chart::default()
            };
            assert!(png(&svg(&chart)).is_ok(), "{from}..{until} {unit:?}");
        }
    }
    assert!(png("<svg").is_err());
    assert!(png("<svg xmlns='http://www.w3.org/2000/svg' width='99999' height='9'/>").is_err());
}

#[test]
fn no_points_make_an_empty_chart() {
    let mut empty = chart();
    assert!(!empty.is_empty());
    empty.lines.remove(0);
    assert!(empty.is_empty());
}
