//! What a page of 12 panels with 20 series each costs as SVG, PDF and PNG: `cargo xtask bench reports`.
//!
//! CPU time of this thread, the least of five. Bars: SVG 30 ms, PDF 250 ms, PNG 250 ms.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and fails loudly"
)]

use plimsoll_model::Unit;
use plimsoll_show::figure::{Figure, Format, Theme, Trace};
use plimsoll_show::report::{Block, Document, OutputFormat, Part, Picture, render};

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
    println!("{what:<8} {best:8.1} ms CPU  {bytes:>9} bytes");
}

fn main() {
    let figures: Vec<Figure> = (0..PANELS).map(figure).collect();
    least("SVG", || figures.iter().map(|f| f.draw(640.0, 320.0, Theme::Light).svg().len()).sum());
    least("PNG", || {
        figures.iter().map(|f| f.draw(640.0, 320.0, Theme::Light).png().unwrap().len()).sum()
    });
    let blocks = figures.into_iter().map(|figure| {
        let picture = Picture { figure, sources: vec!["query".into()], width: 1.0, height: 240.0 };
        Block::Picture(Box::new(picture))
    });
    let document = Document {
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
        parts: vec![Part { title: "Panels".into(), kind: "dashboard", blocks: blocks.collect() }],
    };
    for (what, format) in
        [("PDF", OutputFormat::Pdf), ("sheet", OutputFormat::Png), ("HTML", OutputFormat::Html)]
    {
        least(what, || render(&document, format).unwrap().len());
    }
}
