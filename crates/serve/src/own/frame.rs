//! Frames: columns for charts. The format is described in `docs/format/frame.md`.

use plimsoll_model::{Grid, MatrixSeries};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// What the elements of the columns are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// `value - base`, 4 bytes: for charts.
    F32,
    /// The value, 8 bytes: for tables.
    F64,
}

/// Below this a `f32` shows a value to better than a thousandth.
const SMALL: f64 = 1e4;

/// What kind of message a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Everything that was asked for.
    Full,
    /// What is new since the frame before.
    Append,
}

/// Header and content of a frame to be written.
pub struct Frame<'f> {
    /// The query's id.
    pub id: &'f str,
    /// Whole or addition.
    pub kind: Kind,
    /// The times of the columns.
    pub grid: Grid,
    /// Their width.
    pub element: Element,
    /// The series.
    pub series: &'f [MatrixSeries],
    /// Series left out.
    pub truncated: usize,
    /// Texts for people.
    pub warnings: &'f [String],
    /// Threshold lines.
    pub thresholds: Vec<Value>,
    /// Samples read.
    pub samples: u64,
    /// Time spent, ms.
    pub ms: f64,
}

/// The bytes of a frame.
pub fn encode(frame: &Frame<'_>) -> Vec<u8> {
    let n = frame.grid.len();
    let columns: Vec<Vec<f64>> = frame.series.iter().map(|s| column(s, frame.grid)).collect();
    let bases: Vec<f64> = columns.iter().map(|c| base(c, frame.element)).collect();
    let described = frame.series.iter().zip(&columns).zip(&bases);
    let series: Vec<Value> = described.map(|((s, c), b)| describe(s, c, *b)).collect();
    let mut header = json!({
        "id": frame.id,
        "kind": frame.kind,
        "start": frame.grid.start,
        "step": frame.grid.step,
        "n": n,
        "dtype": if frame.element == Element::F32 { "f32" } else { "f64" },
        "series": series,
        "truncated": frame.truncated,
        "warnings": frame.warnings,
        "cost": { "series": frame.series.len(), "samples": frame.samples, "ms": frame.ms },
        "error": null,
    });
    if !frame.thresholds.is_empty() {
        header["thresholds"] = json!(frame.thresholds);
    }
    let mut out = with_header(&header);
    for (values, base) in columns.iter().zip(bases) {
        match frame.element {
            Element::F32 => {
                values.iter().for_each(|v| out.extend(((v - base) as f32).to_le_bytes()));
                pad(&mut out);
            }
            Element::F64 => values.iter().for_each(|v| out.extend(v.to_le_bytes())),
        }
    }
    out
}

/// A frame that tells why there is none.
pub fn error(id: &str, kind: &str, message: &str) -> Vec<u8> {
    with_header(&json!({
        "id": id, "kind": "error", "start": 0, "step": 1, "n": 0, "dtype": "f64", "series": [],
        "truncated": 0, "warnings": [], "cost": { "series": 0, "samples": 0, "ms": 0 },
        "error": { "type": kind, "message": message },
    }))
}

/// A frame that carries the overview document.
pub fn overview(id: &str, document: &Value) -> Vec<u8> {
    with_header(&json!({
        "id": id, "kind": "overview", "start": 0, "step": 1, "n": 0, "dtype": "f64", "series": [],
        "truncated": 0, "warnings": [], "cost": { "series": 0, "samples": 0, "ms": 0 },
        "error": null, "overview": document,
    }))
}

fn with_header(header: &Value) -> Vec<u8> {
    let text = serde_json::to_vec(header).unwrap_or_default();
    let mut out = Vec::with_capacity(text.len() + 16);
    out.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend(text);
    pad(&mut out);
    out
}

fn pad(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(8), 0);
}

/// The series' values on the grid; NaN where there is none.
fn column(series: &MatrixSeries, grid: Grid) -> Vec<f64> {
    let mut out = vec![f64::NAN; grid.len()];
    for (time, value) in series.times.iter().zip(&series.floats) {
        let at = (time - grid.start) / grid.step;
        if let Some(slot) = usize::try_from(at).ok().and_then(|i| out.get_mut(i)) {
            *slot = *value;
        }
    }
    out
}

/// What is subtracted so that large values stay exact: the first number, unless all are small enough
/// for a `f32` to hold them as they are.
fn base(values: &[f64], element: Element) -> f64 {
    let mut finite = values.iter().copied().filter(|v| v.is_finite());
    let first = finite.clone().next().unwrap_or(0.0);
    if element == Element::F64 || finite.all(|v| v.abs() < SMALL) { 0.0 } else { first }
}

fn describe(series: &MatrixSeries, values: &[f64], base: f64) -> Value {
    let labels: Map<String, Value> =
        series.labels.iter().map(|(n, v)| (n.to_owned(), json!(v))).collect();
    let numbers = || values.iter().copied().filter(|v| !v.is_nan());
    let count = numbers().count();
    let mut sum = plimsoll_model::Compensated::default();
    numbers().for_each(|v| sum.add(v));
    let number = |v: Option<f64>| v.filter(|v| v.is_finite()).map_or(Value::Null, |v| json!(v));
    json!({
        "labels": labels,
        "base": base,
        "unit": unit(series.labels.metric()),
        "stats": {
            "min": number(numbers().reduce(f64::min)),
            "max": number(numbers().reduce(f64::max)),
            "avg": number((count > 0).then(|| sum.value() / count as f64)),
            "last": number(numbers().next_back()),
        },
    })
}

/// The unit that a metric's name ends in, as the naming rules have it.
fn unit(metric: &str) -> &'static str {
    let name = metric.strip_suffix("_total").unwrap_or(metric);
    ["bytes", "seconds", "ratio", "celsius", "percent"]
        .into_iter()
        .find(|u| name.ends_with(&format!("_{u}")))
        .unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::Labels;

    #[test]
    fn a_frame_is_what_its_page_says() {
        let labels = Labels::new([("__name__", "x_bytes")]).unwrap();
        let series = [MatrixSeries::new(labels, vec![0, 10], vec![1e12, 1e12 + 2.0])];
        let grid = Grid { start: 0, end: 10, step: 5 };
        let bytes = encode(&Frame {
            id: "a",
            kind: Kind::Full,
            grid,
            element: Element::F32,
            series: &series,
            truncated: 0,
            warnings: &[],
            thresholds: Vec::new(),
            samples: 2,
            ms: 0.5,
        });
        let len = u32::from_le_bytes(bytes[..4].try_into().unwrap()) as usize;
        let header: Value = serde_json::from_slice(&bytes[4..4 + len]).unwrap();
        assert_eq!((&header["n"], &header["dtype"]), (&json!(3), &json!("f32")));
        assert_eq!(header["series"][0]["base"], json!(1e12));
        assert_eq!(header["series"][0]["unit"], "bytes");
        assert_eq!(header["series"][0]["stats"]["avg"], json!(1e12 + 1.0));
        let at = (4 + len).next_multiple_of(8);
        let floats: Vec<f32> = bytes[at..at + 12]
            .chunks_exact(4)
            .map(|c| f32::from_le_bytes(c.try_into().unwrap()))
            .collect();
        assert_eq!((floats[0], floats[2]), (0.0, 2.0));
        assert!(floats[1].is_nan(), "a gap");
        assert_eq!(bytes.len(), at + 16, "a column ends at a multiple of 8");
    }
}
