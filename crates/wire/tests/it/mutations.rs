//! Good input, damaged byte by byte: every parser must come back.

use plimsoll_model::Labels;
use plimsoll_wire::{fuzz, remote_write::Encoder};

/// A small generator with a fixed seed, so that a failure repeats.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n.max(1) as u64) as usize
    }
}

fn mutate(good: &[u8], rounds: usize, run: fn(&[u8])) {
    let mut dice = Dice(0x5eed);
    for cut in 0..good.len().min(500) {
        run(&good[..cut]);
    }
    for _ in 0..rounds {
        let mut bytes = good.to_vec();
        for _ in 0..=dice.below(4) {
            let at = dice.below(bytes.len());
            match dice.below(4) {
                0 => bytes[at] ^= 1 << dice.below(8),
                1 => bytes[at] = dice.below(256) as u8,
                2 => drop(bytes.remove(at)),
                _ => bytes.insert(at, b"{}\"\\\n #=,\x00\xff"[dice.below(11)]),
            }
            if bytes.is_empty() {
                break;
            }
        }
        run(&bytes);
    }
}

#[test]
fn text_survives_damage() {
    let body = "# HELP h a \\\\ b\n# TYPE h histogram\nh_bucket{le=\"1\",x=\"a\\\"b\"} 1 1700000000000\n\
                h_count 2\n{\"my.metric\",\"l.m\"=\"v\"} NaN\nc_total 5 # {trace_id=\"abc\"} 1 1.5\n\
                # UNIT g_bytes bytes\n# EOF\n";
    mutate(body.as_bytes(), 20_000, fuzz::text);
}

#[test]
fn remote_write_survives_damage() {
    let labels = Labels::new([("__name__", "up"), ("job", "a"), ("instance", "é")]).unwrap();
    let mut e = Encoder::new();
    for i in 0..4 {
        e.series(labels.as_ref(), &[i, i + 1], &[1.0, -2.5]);
    }
    e.metadata(&plimsoll_model::Metadata { metric: "up".into(), ..Default::default() });
    let compressed = e.finish();
    let mut plain = Vec::new();
    plimsoll_wire::remote_write::uncompress(&compressed, 1 << 20, &mut plain).unwrap();
    mutate(&compressed, 20_000, fuzz::remote_write);
    mutate(&plain, 20_000, fuzz::write_request);
}

/// A length-delimited field.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2, content.len() as u8];
    out.extend(content);
    out
}

/// Two series with start timestamps, an exemplar, metadata and a histogram.
fn version_two() -> Vec<u8> {
    let symbols = ["", "__name__", "up", "job", "é", "help"];
    let mut out: Vec<u8> = symbols.iter().flat_map(|s| field(4, s.as_bytes())).collect();
    let value = [&[0x09][..], &1.5f64.to_le_bytes()].concat();
    let sample = field(2, &[&value[..], &[0x10, 9, 0x18, 3]].concat());
    let exemplar = field(4, &[&field(1, &[3, 4])[..], &[0x18, 9]].concat());
    let spans = field(11, &[0x08, 0, 0x10, 2]);
    let histogram = [&[0x08, 3, 0x20, 0][..], &spans, &field(12, &[2, 2]), &[0x78, 9]].concat();
    let metadata = field(5, &[0x08, 1, 0x18, 5]);
    let parts = [field(1, &[1, 2, 3, 4]), sample, field(3, &histogram), exemplar, metadata];
    for _ in 0..2 {
        out.extend(field(5, &parts.concat()));
    }
    out
}

#[test]
fn remote_write_2_survives_damage() {
    mutate(&version_two(), 20_000, fuzz::write_request);
}

/// A read request of one query with two matchers.
fn read_request() -> Vec<u8> {
    let matcher = |op: u8, name: &str, value: &str| {
        let parts = [vec![0x08, op], field(2, name.as_bytes()), field(3, value.as_bytes())];
        field(3, &parts.concat())
    };
    let hints = field(4, &[0x08, 1]);
    let parts = [vec![0x08, 1, 0x10, 100], matcher(0, "job", "a"), matcher(2, "x", "b|c+"), hints];
    [field(1, &parts.concat()), vec![0x10, 1, 0x10, 0]].concat()
}

#[test]
fn remote_read_survives_damage() {
    mutate(&read_request(), 20_000, fuzz::read_request);
}

/// Every kind of metric that OpenTelemetry has.
const OTLP: &str = r#"{"resourceMetrics":[{"resource":{"attributes":[
    {"key":"service.name","value":{"stringValue":"a"}},{"key":"l","value":{"arrayValue":{"values":[
    {"intValue":"-1"},{"kvlistValue":{"values":[{"key":"k","value":{"bytesValue":"aGk="}}]}}]}}}]},
    "scopeMetrics":[{"scope":{"name":"s","attributes":[{"key":"x","value":{"boolValue":true}}]},
    "metrics":[{"name":"g.é","unit":"By/s","gauge":{"dataPoints":[{"timeUnixNano":"5000000","asInt":1}]}},
    {"name":"s","sum":{"aggregationTemporality":1,"isMonotonic":true,"dataPoints":[{"timeUnixNano":
    "5000000","startTimeUnixNano":1,"asDouble":1.5,"exemplars":[{"traceId":"0102","asDouble":1}]}]}},
    {"name":"h","histogram":{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":"5000000",
    "count":"3","sum":1,"bucketCounts":[1,2],"explicitBounds":[0.5]}]}},
    {"name":"e","exponentialHistogram":{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":
    "5000000","count":2,"scale":9,"positive":{"offset":-2,"bucketCounts":["1",0,0,0,0,0,1]}}]}},
    {"name":"q","summary":{"dataPoints":[{"timeUnixNano":"5000000","count":1,"quantileValues":
    [{"quantile":0.5,"value":"NaN"}]}]}}]}]}]}"#;

#[test]
fn otlp_survives_damage() {
    mutate(OTLP.as_bytes(), 20_000, fuzz::otlp_json);
    let protobuf = plimsoll_wire::otlp::from_json(OTLP.as_bytes(), 1 << 20).unwrap();
    mutate(&protobuf, 20_000, fuzz::otlp);
}
