//! Documents in JSON, and the series that they become.

use plimsoll_model::{LabelBuf, MetricKind, is_stale};

use super::*;
use crate::remote_write::labels_text;

const LIMITS: Limits = Limits { body_bytes: 1 << 20, samples: 1_000 };

/// A request of these metrics, with a resource.
fn document(resource: &str, metrics: &str) -> String {
    format!(
        r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"scope":{{"name":"lib","version":"1"}},
        "metrics":[{metrics}]}}],"resource":{{"attributes":[{resource}]}}}}]}}"#
    )
}

const SERVICE: &str = r#"
    {"key":"service.name","value":{"stringValue":"shop"}},
    {"key":"service.namespace","value":{"stringValue":"web"}},
    {"key":"service.instance.id","value":{"stringValue":"i-1"}},
    {"key":"host.name","value":{"stringValue":"h"}}"#;

/// Every sample as a line: labels, time, start, value; then what was refused.
fn lines(json: &str, settings: &Settings) -> Vec<String> {
    let mut request = Request::default();
    let body = from_json(json.as_bytes(), 1 << 20).unwrap();
    let outcome = decode(&body, settings, &LIMITS, &mut request).unwrap();
    let rows = request.rows();
    assert_eq!(rows.len(), outcome.point_of.len());
    let mut out = Vec::new();
    for row in &rows {
        use plimsoll_model::DecodeLabels as _;
        assert!(row.has_shape());
        let mut labels = LabelBuf::new();
        crate::remote_write::LabelFields.decode(row.raw, &mut labels).unwrap();
        let start = row.starts.first().map(|s| format!(" since {s}")).unwrap_or_default();
        let value = match row.histograms.first() {
            Some(h) => {
                h.check().unwrap();
                format!("{}/{}@{}", h.count(), h.sum, h.schema)
            }
            None if is_stale(row.floats[0]) => "stale".to_owned(),
            None => row.floats[0].to_string(),
        };
        out.push(format!("{} {}{start} {value}", labels_text(row.raw), row.times[0]));
        out.extend(row.exemplars.iter().map(|e| format!("  {} {} {}", e.labels, e.time, e.value)));
    }
    out.extend(outcome.why.map(|why| format!("{} rejected: {why}", outcome.rejected)));
    out
}

#[track_caller]
fn check(metrics: &str, expected: &[&str]) {
    let found = lines(&document("", metrics), &Settings::default());
    assert_eq!(found, expected);
}

#[test]
fn gauges_and_sums_are_series() {
    check(
        r#"{"name":"room.temp","unit":"Cel","gauge":{"dataPoints":[
            {"timeUnixNano":"5000000","startTimeUnixNano":"1000000","asDouble":21.5,
             "attributes":[{"key":"room.name","value":{"stringValue":"a"}}]},
            {"timeUnixNano":"5000000","flags":1}]}}"#,
        &["room_temp_celsius{room_name=\"a\"} 5 21.5", "room_temp_celsius 5 stale"],
    );
    check(
        r#"{"name":"hits","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[
            {"timeUnixNano":"5000000","startTimeUnixNano":"1000000","asInt":"7","exemplars":[
            {"timeUnixNano":"4000000","asInt":1,"traceId":"0102","spanId":"00",
             "filteredAttributes":[{"key":"k","value":{"boolValue":true}}]}]}]}},
           {"name":"open","sum":{"aggregationTemporality":2,"dataPoints":[
            {"timeUnixNano":"5000000","asInt":3}]}}"#,
        &["hits_total 5 since 1 7", "  {k=\"true\", trace_id=\"0102\"} 4 1", "open 5 3"],
    );
}

#[test]
fn histograms_become_classic_or_native() {
    let explicit = r#"{"name":"d","unit":"s","histogram":{"aggregationTemporality":2,"dataPoints":[
        {"timeUnixNano":"5000000","count":"6","sum":9.5,"bucketCounts":["1","2","3"],
         "explicitBounds":[0.5,1],"attributes":[{"key":"le","value":{"stringValue":"x"}}],
         "exemplars":[{"timeUnixNano":"1000000","asDouble":0.7},
                      {"timeUnixNano":"1000000","asDouble":5}]}]}}"#;
    check(
        explicit,
        &[
            "d_seconds_sum 5 9.5",
            "d_seconds_count 5 6",
            "d_seconds_bucket{le=\"0.5\"} 5 1",
            "d_seconds_bucket{le=\"1\"} 5 3",
            "  {} 1 0.7",
            "d_seconds_bucket{le=\"+Inf\"} 5 6",
            "  {} 1 5",
        ],
    );
    let settings = Settings { custom_buckets: true, ..Settings::default() };
    assert_eq!(
        lines(&document("", explicit), &settings),
        ["d_seconds{le=\"x\"} 5 6/9.5@-53", "  {} 1 0.7", "  {} 1 5"]
    );
    check(
        r#"{"name":"e","exponentialHistogram":{"aggregationTemporality":2,"dataPoints":[
            {"timeUnixNano":"5000000","startTimeUnixNano":"1000000","count":"4","sum":3.5,
             "scale":10,"zeroCount":"1","positive":{"offset":-4,"bucketCounts":["1","0","2"]}}]}}"#,
        &["e 5 since 1 4/3.5@8"],
    );
}

#[test]
fn summaries_are_their_quantiles() {
    check(
        r#"{"name":"s","summary":{"dataPoints":[{"timeUnixNano":"5000000","count":"4","sum":3.5,
            "quantileValues":[{"quantile":0.5,"value":1.5},{"quantile":1,"value":9}]}]}}"#,
        &["s_sum 5 3.5", "s_count 5 4", "s{quantile=\"0.5\"} 5 1.5", "s{quantile=\"1\"} 5 9"],
    );
}

#[test]
fn the_resource_names_the_target() {
    let gauge = r#"{"name":"g","gauge":{"dataPoints":[
        {"timeUnixNano":"5000000000","asInt":1,"attributes":[
            {"key":"job","value":{"stringValue":"mine"}},
            {"key":"host.name","value":{"stringValue":"point"}}]},
        {"timeUnixNano":"400000000000","asInt":2}]}}"#;
    let json = document(SERVICE, gauge);
    assert_eq!(
        lines(&json, &Settings::default()),
        [
            "g{host_name=\"point\", instance=\"i-1\", job=\"web/shop\"} 5000 1",
            "g{instance=\"i-1\", job=\"web/shop\"} 400000 2",
            "target_info{host_name=\"h\", instance=\"i-1\", job=\"web/shop\"} 5000 1",
            "target_info{host_name=\"h\", instance=\"i-1\", job=\"web/shop\"} 155000 1",
            "target_info{host_name=\"h\", instance=\"i-1\", job=\"web/shop\"} 305000 1",
            "target_info{host_name=\"h\", instance=\"i-1\", job=\"web/shop\"} 400000 1",
        ]
    );
    let settings = Settings {
        promoted: vec!["host.name".into()],
        promote_scope: true,
        strategy: Strategy::NoTranslation,
        ..Settings::default()
    };
    let promoted = lines(&json, &settings);
    assert!(promoted[0].contains("{host.name=\"point\""), "{promoted:?}");
    assert!(promoted[1].contains("{host.name=\"h\""), "{promoted:?}");
    assert!(promoted[1].contains("otel_scope_name=\"lib\", otel_scope_version=\"1\""));
    assert!(!promoted[2].contains("otel_scope") && promoted[2].contains("host.name=\"h\""));
}

#[test]
fn a_point_that_cannot_be_told_costs_nothing_of_the_others() {
    check(
        r#"{"name":"d","sum":{"aggregationTemporality":1,"isMonotonic":true,"dataPoints":[
            {"timeUnixNano":"5000000","asInt":1},{"timeUnixNano":"6000000","asInt":1}]}},
           {"name":"good","gauge":{"dataPoints":[{"timeUnixNano":"5000000","asInt":1},
            {"asInt":1},{"timeUnixNano":"5000000"}]}},
           {"name":"é","gauge":{"dataPoints":[{"timeUnixNano":"5000000","asInt":1}]}},
           {"name":"h","histogram":{"aggregationTemporality":2,"dataPoints":[
            {"timeUnixNano":"5000000","count":1,"bucketCounts":["1"],"explicitBounds":[1,2]},
            {"timeUnixNano":"5000000","count":1,"bucketCounts":[1,0,0],"explicitBounds":[2,1]}]}},
           {"name":"x","exponentialHistogram":{"aggregationTemporality":2,"dataPoints":[
            {"timeUnixNano":"5000000","count":1,"scale":-5},
            {"timeUnixNano":"5000000","count":7,"sum":1,"scale":0}]}}"#,
        &[
            "good 5 1",
            "9 rejected: invalid temporality and type combination for metric \"d\": temporality \
             delta is not kept; let the exporter send cumulative values",
        ],
    );
    let settings = Settings { keep_delta: true, ..Settings::default() };
    let delta = r#"{"name":"d","sum":{"aggregationTemporality":1,"isMonotonic":true,
        "dataPoints":[{"timeUnixNano":"5000000","asInt":1}]}}"#;
    assert_eq!(lines(&document("", delta), &settings), ["d_total 5 1"]);
}

#[test]
fn metadata_is_told_once() {
    let metric = r#"{"name":"d","unit":"By/s","description":"Helps.","gauge":{"dataPoints":[
        {"timeUnixNano":"5000000","asInt":1}]}}"#;
    let body = from_json(document("", &format!("{metric},{metric}")).as_bytes(), 1 << 20).unwrap();
    let mut request = Request::default();
    decode(&body, &Settings::default(), &LIMITS, &mut request).unwrap();
    let [told] = request.metadata() else { panic!("one") };
    assert_eq!((told.metric.as_str(), told.kind), ("d_bytes_per_second", MetricKind::Gauge));
    assert_eq!((told.help.as_str(), told.unit.as_str()), ("Helps.", "bytes_per_second"));
}

#[test]
fn there_are_limits() {
    let point = r#"{"timeUnixNano":"5000000","asInt":1}"#;
    let many = vec![point; 1_001].join(",");
    let gauge = format!(r#"{{"name":"g","gauge":{{"dataPoints":[{many}]}}}}"#);
    let body = from_json(document("", &gauge).as_bytes(), 1 << 20).unwrap();
    let mut request = Request::default();
    let e = decode(&body, &Settings::default(), &LIMITS, &mut request).unwrap_err();
    assert!(matches!(e, Error::Limit { .. }), "{e}");
    assert_eq!(request.rows().len(), 0);
    let limits = Limits { body_bytes: 10, ..LIMITS };
    assert!(decode(&body, &Settings::default(), &limits, &mut request).is_err());
    assert!(decode(b"\x0a\x05", &Settings::default(), &LIMITS, &mut request).is_err());
}
