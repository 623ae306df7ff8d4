//! What a page of 12 panels with 20 series each costs as SVG, PDF and PNG, and a report of a month on 20 pages as PDF:
//! `cargo xtask bench reports`.
//!
//! CPU time of this thread, the least of five. Bars: SVG 30 ms, PDF 250 ms, PNG 250 ms; the month 2 s and 1.5 MB.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and fails loudly"
)]

use plimsoll_model::Unit;
use plimsoll_show::figure::{Figure, Format, Theme, Trace};
use plimsoll_show::report::{Block, Column, Document, OutputFormat, Part, Picture, Value, render};

const PANELS: usize = 12;
const SERIES: usize = 20;
const POINTS: i64 = 380;
const STEP: i64 = 60_000;

/// Time that this thread ran, ms.
fn cpu_ms() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1e6
}

fn figure(panel: usize) -> Figure {
    let value = |s: usize, i: i64| {
        let x = (i * (s + panel + 3) as i64) as f64 * 0.037;
        (x.sin() * 20.0 + 40.0 + s as f64 * 10.0) * 1e6
    };
    let trace = |s: usize| Trace {
        name: format!("instance-{s}"),
        points: (0..POINTS).map(|i| (i * STEP, value(s, i))).collect(),
        ..Trace::default()
    };
    Figure {
        title: format!("Panel {panel}"),
        format: Format::of(Unit::Bytes),
        until: POINTS * STEP,
        step_ms: STEP,
        traces: (0..SERIES).map(trace).collect(),
        ..Figure::default()
    }
}

fn least(what: &str, mut work: impl FnMut() -> usize) {
    let mut best = f64::INFINITY;
    let mut bytes = 0;
    for _ in 0..5 {
        let began = cpu_ms();
        bytes = work();
        best = best.min(cpu_ms() - began);
    }
    println!("{what:<24} {best:8.1} ms CPU  {bytes:>9} bytes");
}

fn document(parts: Vec<Part>) -> Document {
    Document {
        id: "bench".into(),
        title: "Bench".into(),
        from: 0,
        until: POINTS * STEP,
        timezone: "UTC".into(),
        period: String::new(),
        made_at: 0,
        made: String::new(),
        host: "here".into(),
        version: "0".into(),
        parts,
    }
}

fn picture(figure: Figure, height: f64) -> Block {
    let sources = vec!["sum by (instance) (rate(http_requests_total[5m]))".into()];
    Block::Picture(Box::new(Picture { figure, sources, width: 1.0, height }))
}

fn part(title: &str, blocks: Vec<Block>) -> Part {
    Part { title: title.into(), is_within: false, kind: "dashboard", blocks }
}

fn column(name: &str, is_number: bool) -> Column {
    Column { name: name.into(), is_number }
}

/// A month of an availability report on 20 pages: targets with how long they were up, incidents, twelve charts.
fn month() -> Document {
    let names = [("Target", false), ("Up", true), ("Down", true), ("Kept", false)];
    let targets = (0..460).map(|i| {
        vec![
            Value::text(format!("web-{i}.example.org:9100")),
            Value::share(1.0 - f64::from(i) / 1e6),
            Value::text(format!("{i} s")),
            Value::text(if i < 100 { "yes" } else { "no" }),
        ]
    });
    let incidents = (0..180).map(|i| {
        vec![
            Value::text(format!("The disk of db-{i} is {} % full", 80 + i % 20)),
            Value::count(i),
            Value::text("21 Nov 08:00"),
            Value::text("1 h 20 m"),
        ]
    });
    let table = |names: &[(&str, bool)], rows| Block::Table {
        title: "Rows".into(),
        columns: names.iter().map(|(name, is_number)| column(name, *is_number)).collect(),
        rows,
        left_out: 0,
        source: "GET /api/plimsoll/v1/incidents".into(),
    };
    let charts = (0..PANELS).map(|i| picture(figure(i), 320.0));
    document(vec![
        part("Availability", vec![table(&names, targets.collect())]),
        part(
            "Incidents",
            vec![table(
                &[("Incident", false), ("Alerts", true), ("Began", false), ("Took", false)],
                incidents.collect(),
            )],
        ),
        part("Charts", charts.collect()),
    ])
}

fn main() {
    let figures: Vec<Figure> = (0..PANELS).map(figure).collect();
    let scenes = || figures.iter().map(|f| f.draw(640.0, 320.0, Theme::Light));
    least("12 panels, SVG", || scenes().map(|s| s.svg().len()).sum());
    least("12 panels, PNG", || scenes().map(|s| s.png().unwrap().len()).sum());
    least("12 panels, PNG by SVG", || {
        scenes().map(|s| plimsoll_show::png(&s.svg()).unwrap().len()).sum()
    });
    let panels =
        document(vec![part("Panels", figures.into_iter().map(|f| picture(f, 240.0)).collect())]);
    let month = month();
    for (what, document, format) in [
        ("12 panels, PDF", &panels, OutputFormat::Pdf),
        ("12 panels, one PNG", &panels, OutputFormat::Png),
        ("12 panels, HTML", &panels, OutputFormat::Html),
        ("a month, PDF", &month, OutputFormat::Pdf),
    ] {
        least(what, || render(document, format).unwrap().len());
    }
    let pdf = render(&month, OutputFormat::Pdf).unwrap();
    let page = b"/Type /Page\n";
    println!("a month has {} pages", pdf.windows(page.len()).filter(|w| w == page).count());
}
