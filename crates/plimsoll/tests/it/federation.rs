//! `/federate`, remote read and OpenTelemetry, asked for as their clients do, and by real ones:
//! Debian's Prometheus, PyPI's opentelemetry-exporter-otlp-proto-http, prometheus-client and
//! prometheus-api-client.

use std::process::Command;
use std::time::Duration;

use plimsoll_model::{Labels, stale_nan};
use plimsoll_wire::remote_write::Encoder;
use serde_json::{Value, json};

use crate::http::Client;
use crate::peer;
use crate::plimsoll::{Home, Plimsoll, escape, series};
use crate::process::{Process, free_port, wait_for};

fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    since.as_millis() as i64
}

/// Labels, time in ms, value.
type Row<'r> = (&'r [(&'r str, &'r str)], i64, f64);

/// Sends one sample of each series.
fn write(server: &Plimsoll, rows: &[Row<'_>]) {
    let mut e = Encoder::new();
    for (labels, time, value) in rows {
        let labels = Labels::new(labels.iter().copied()).unwrap();
        e.series(labels.as_ref(), &[*time], &[*value]);
    }
    assert_eq!(server.write(&e.finish()).status, 204);
}

#[test]
fn the_newest_samples_are_federated() {
    let home = Home::new();
    let server = home.start(&["--bare"]);
    let now = now_ms();
    write(
        &server,
        &[
            (&[("__name__", "b"), ("instance", "i"), ("x", "2")], now - 1000, 1.5),
            (&[("__name__", "a"), ("x", "1")], now - 2000, f64::INFINITY),
            (&[("__name__", "a.dot"), ("x", "1")], now - 2000, 3.0),
            (&[("__name__", "gone"), ("x", "1")], now - 1000, stale_nan()),
            (&[("__name__", "old"), ("x", "1")], now - 400_000, 1.0),
        ],
    );
    let path = "/federate?match[]=%7Bx%3D%221%22%7D&match[]=b&match[]=a";
    let answer = server.get(path);
    let (b, a) = (now - 1000, now - 2000);
    assert_eq!(
        answer.text(),
        format!(
            "# TYPE a untyped\na{{x=\"1\",instance=\"\"}} +Inf {a}\n\
             # TYPE a_dot untyped\na_dot{{x=\"1\",instance=\"\"}} 3 {a}\n\
             # TYPE b untyped\nb{{instance=\"i\",x=\"2\"}} 1.5 {b}\n"
        )
    );
    assert!(answer.header("content-type").starts_with("text/plain; version=0.0.4"));
    let accept = [("accept", "text/plain;version=1.0.0;escaping=allow-utf-8")];
    let utf8 = server.client().request("GET", path, &accept, &[]).unwrap();
    assert!(utf8.text().contains("{\"a.dot\",x=\"1\",instance=\"\"} 3 "), "{}", utf8.text());
    assert_eq!(server.get("/federate?match[]=%7B%7D").status, 400);
    assert_eq!(server.get("/federate?match[]=a%7B").status, 400);
    assert_eq!(server.get("/federate").text(), "");
    server.stop();
}

#[test]
fn own_labels_go_with_what_others_get() {
    let home = Home::new();
    let config = home.write("p.yml", "serve: {external_labels: {site: north, x: ours}}\n");
    let server = home.start(&["--bare", "--config", &config.display().to_string()]);
    let now = now_ms();
    write(&server, &[(&[("__name__", "a"), ("x", "1")], now, 1.0)]);
    let told = server.get("/federate?match[]=a").text();
    assert!(told.contains("a{x=\"1\",site=\"north\",instance=\"\"} 1"), "{told}");
    assert!(server.query("a{site=\"north\"}").is_empty());
    // A reader elsewhere asks with the labels that it got.
    let is = |name: &[u8], value: &[u8]| field(3, &[field(2, name), field(3, value)].concat());
    let end = [&[0x10][..], &[0xff; 8], &[0x7f]].concat();
    let read = |site: &[u8]| {
        let matchers = [is(b"__name__", b"a"), is(b"site", site)].concat();
        let query = field(1, &[&end[..], &matchers].concat());
        let body = snap::raw::Encoder::new().compress_vec(&query).unwrap();
        let answer = server.client().post("/api/v1/read", &[], &body).unwrap();
        snap::raw::Decoder::new().decompress_vec(&answer.body).unwrap()
    };
    let has = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).any(|w| w == what);
    let found = read(b"north");
    assert!(has(&found, b"north") && has(&found, &1f64.to_le_bytes()), "{found:?}");
    assert!(!has(&found, b"ours") && !has(&read(b"south"), b"north"));
    server.stop();
}

/// The bytes of a field that holds a message.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2, content.len() as u8];
    out.extend(content);
    out
}

#[test]
fn reads_are_refused_with_their_reason_and_answered_in_both_forms() {
    let home = Home::new();
    let server = home.start(&["--bare"]);
    write(&server, &[(&[("__name__", "m"), ("x", "1")], now_ms(), 1.5)]);
    let matcher = [field(2, b"__name__"), field(3, b"m")].concat();
    // From 0 to the end of time.
    let end = [&[0x10][..], &[0xff; 8], &[0x7f]].concat();
    let query = field(1, &[end, field(3, &matcher)].concat());
    let send = |body: &[u8]| {
        let body = snap::raw::Encoder::new().compress_vec(body).unwrap();
        let headers = [("content-type", "application/x-protobuf"), ("content-encoding", "snappy")];
        server.client().post("/api/v1/read", &headers, &body).unwrap()
    };
    let samples = send(&query);
    assert_eq!((samples.status, samples.header("content-encoding").as_str()), (200, "snappy"));
    let plain = snap::raw::Decoder::new().decompress_vec(&samples.body).unwrap();
    assert!(plain.windows(8).any(|w| w == 1.5f64.to_le_bytes()), "{plain:?}");
    let streamed = send(&[&query[..], &[0x10, 1]].concat());
    assert_eq!(streamed.status, 200);
    assert_eq!(
        streamed.header("content-type"),
        "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse"
    );
    let length = usize::from(streamed.body[0]);
    assert_eq!(streamed.body.len(), length + 5);
    let nothing = send(&[0x10, 1]);
    assert_eq!((nothing.status, nothing.body.len()), (200, 0));
    assert_eq!(send(&[0x0a, 5]).status, 400);
    assert_eq!(server.client().post("/api/v1/read", &[], b"x").unwrap().status, 400);
    server.stop();
}

#[test]
fn opentelemetry_is_taken_point_by_point() {
    let home = Home::new();
    let server = home.start(&["--bare"]);
    let nanos = now_ms() * 1_000_000;
    let metric = |name: &str, temporality: u8| {
        format!(
            r#"{{"name":"{name}","unit":"By","sum":{{"aggregationTemporality":{temporality},
            "isMonotonic":true,"dataPoints":[{{"timeUnixNano":"{nanos}","asInt":"7"}}]}}}}"#
        )
    };
    let document = |metrics: &str| {
        format!(
            r#"{{"resourceMetrics":[{{"resource":{{"attributes":[{{"key":"service.name",
            "value":{{"stringValue":"shop"}}}},{{"key":"os","value":{{"stringValue":"linux"}}}}]}},
            "scopeMetrics":[{{"metrics":[{metrics}]}}]}}]}}"#
        )
    };
    let json = [("content-type", "application/json")];
    let post = |headers: &[(&str, &str)], body: &[u8]| {
        server.client().post("/api/v1/otlp/v1/metrics", headers, body).unwrap()
    };
    let both = document(&format!("{},{}", metric("sent", 2), metric("delta", 1)));
    let answer = post(&json, both.as_bytes());
    let told: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.status, &told["partialSuccess"]["rejectedDataPoints"]), (200, &json!("1")));
    let why = told["partialSuccess"]["errorMessage"].as_str().unwrap();
    assert!(why.contains("\"delta\"") && why.contains("cumulative"), "{why}");
    let found = server.query("sent_bytes_total{job=\"shop\"}");
    assert_eq!((found.len(), found[0].last()), (1, 7.0));
    assert_eq!(server.query("target_info{os=\"linux\"}").len(), 1);
    let unit = server.data("/api/v1/metadata?metric=sent_bytes_total");
    assert_eq!(unit["sent_bytes_total"][0]["unit"], "bytes");

    let protobuf =
        plimsoll_wire::otlp::from_json(document(&metric("b", 2)).as_bytes(), 1 << 20).unwrap();
    let kind = ("content-type", "application/x-protobuf");
    let answer = post(&[kind], &protobuf);
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(answer.header("content-type"), "application/x-protobuf");
    for (headers, body, status) in [
        (&json[..], &b"{"[..], 400),
        (&[kind], b"\xff", 400),
        (&[kind, ("content-encoding", "gzip")], b"x", 400),
        (&[kind, ("content-encoding", "br")], b"x", 415),
        (&[("content-type", "text/plain")], b"x", 415),
    ] {
        assert_eq!(post(headers, body).status, status, "{headers:?}");
    }
    let bad: Value = serde_json::from_slice(&post(&json, b"{").body).unwrap();
    assert_eq!(bad["code"], 3);
    server.stop();
}

/// An application that sends its metrics by OpenTelemetry.
const EXPORTER: &str = r#"
import sys
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider, Histogram
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
exporter = OTLPMetricExporter(endpoint=sys.argv[1], compression=Compression.Gzip)
reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3600000)
resource = Resource.create({"service.name": "shop", "service.instance.id": "i-1", "host.name": "h"})
view = View(instrument_name="wait", aggregation=ExponentialBucketHistogramAggregation())
provider = MeterProvider(metric_readers=[reader], resource=resource, views=[view])
meter = provider.get_meter("lib")
c = meter.create_counter("http.requests", description="Requests.")
c.add(3, {"http.method": "GET"}); c.add(4, {"http.method": "POST"})
meter.create_up_down_counter("queue.length").add(-2)
h = meter.create_histogram("latency", unit="ms", explicit_bucket_boundaries_advisory=[10, 100])
for v in (5, 50, 500): h.record(v)
w = meter.create_histogram("wait", unit="s")
for v in (0.5, 1.5, 3): w.record(v)
meter.create_gauge("temperature", unit="Cel").set(21.5)
assert provider.force_flush()
print("sent")
"#;

#[test]
fn the_opentelemetry_exporter_of_pypi_is_understood() {
    if !peer::slow("the OpenTelemetry exporter") {
        return;
    }
    let Some(python) = peer::python_with("opentelemetry.exporter.otlp.proto.http") else { return };
    let home = Home::new();
    let server = home.start(&["--bare"]);
    for path in ["/v1/metrics", "/api/v1/otlp/v1/metrics"] {
        let url = format!("http://127.0.0.1:{}{path}", server.port);
        let script = home.write("exporter.py", EXPORTER);
        let out = Command::new(&python).arg(script).arg(url).output().unwrap();
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.success() && said.is_empty(), "{said}");
    }
    let target = "{job=\"shop\",instance=\"i-1\"";
    for (expr, want) in [
        (format!("http_requests_total{target},http_method=\"POST\"}}"), 4.0),
        (format!("queue_length{target}}}"), -2.0),
        (format!("latency_milliseconds_bucket{target},le=\"100\"}}"), 2.0),
        (format!("latency_milliseconds_bucket{target},le=\"+Inf\"}}"), 3.0),
        (format!("latency_milliseconds_sum{target}}}"), 555.0),
        (format!("temperature_celsius{target}}}"), 21.5),
        (format!("target_info{target},host_name=\"h\"}}"), 1.0),
        ("count(target_info)".to_owned(), 1.0),
    ] {
        let found = server.query(&expr);
        assert_eq!(found.len(), 1, "{expr}: {found:?}");
        assert!((found[0].last() - want).abs() < 1e-9, "{expr}: {found:?}");
    }
    let told = server.data("/api/v1/metadata?metric=http_requests_total");
    assert_eq!(
        told["http_requests_total"][0],
        json!({ "type": "counter", "help": "Requests.", "unit": "" })
    );
    let names = server.data("/api/v1/label/__name__/values");
    assert!(names.as_array().unwrap().contains(&json!("wait_seconds")), "{names}");
    server.stop();
}

/// What people do with prometheus-api-client.
const API_CLIENT: &str = r#"
import sys, datetime
from prometheus_api_client import PrometheusConnect
prom = PrometheusConnect(url=sys.argv[1], disable_ssl=True)
assert prom.check_prometheus_connection()
assert prom.all_metrics() == ["m"], prom.all_metrics()
assert prom.get_label_names() == ["__name__", "i"], prom.get_label_names()
assert sorted(prom.get_label_values("i")) == ["0", "1"]
now = prom.get_current_metric_value(metric_name="m", label_config={"i": "1"})
assert now[0]["value"][1] == "1", now
begin = datetime.datetime.now() - datetime.timedelta(minutes=5)
data = prom.get_metric_range_data("m", start_time=begin, end_time=datetime.datetime.now())
assert len(data) == 2, data
r = prom.custom_query("sum(m)")
assert r[0]["value"][1] == "1", r
r = prom.custom_query_range("sum(m)", begin, datetime.datetime.now(), "15")
assert r[0]["values"][-1][1] == "1", r
print("fine")
"#;

#[test]
fn prometheus_api_client_of_pypi_works() {
    if !peer::slow("prometheus-api-client") {
        return;
    }
    let Some(python) = peer::python_with("prometheus_api_client") else { return };
    let home = Home::new();
    let server = home.start(&["--bare"]);
    let now = now_ms() - 2000;
    write(
        &server,
        &[
            (&[("__name__", "m"), ("i", "0")], now, 0.0),
            (&[("__name__", "m"), ("i", "1")], now, 1.0),
        ],
    );
    let script = home.write("client.py", API_CLIENT);
    let url = format!("http://127.0.0.1:{}", server.port);
    let out = Command::new(python).arg(script).arg(url).output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "{said}");
    server.stop();
}

#[test]
fn prometheus_reads_from_plimsoll_and_federates_it() {
    if !peer::slow("Prometheus reads from Plimsoll") {
        return;
    }
    let Some(program) = peer::program("prometheus") else { return };
    let home = Home::new();
    let server = home.start(&["--bare"]);
    let (now, port) = (now_ms() / 1000 * 1000, free_port());
    let mut e = Encoder::new();
    let times: Vec<i64> = (0..1000).map(|i| now - 600_000 + i * 500).collect();
    for i in 0..3 {
        let name = i.to_string();
        let labels = Labels::new([("__name__", "m"), ("i", &name), ("job", "far")]).unwrap();
        let floats: Vec<f64> = (0..1000)
            .map(|k| if k == 500 { stale_nan() } else { f64::from(k * (i + 1)) / 7.0 })
            .collect();
        e.series(labels.as_ref(), &times, &floats);
    }
    assert_eq!(server.write(&e.finish()).status, 204);
    let config = format!(
        "global: {{scrape_interval: 1s}}\nremote_read:\n- url: http://127.0.0.1:{0}/api/v1/read\n  \
         read_recent: true\nscrape_configs:\n- job_name: federate\n  honor_labels: true\n  \
         metrics_path: /federate\n  params: {{'match[]': ['m']}}\n  static_configs: \
         [{{targets: ['127.0.0.1:{0}']}}]\n",
        server.port
    );
    let file = home.write("prometheus.yml", &config);
    let mut command = Command::new(program);
    command.arg(format!("--config.file={}", file.display()));
    command.arg(format!("--storage.tsdb.path={}", home.path("prometheus").display()));
    command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    command.arg("--enable-feature=native-histograms");
    let prometheus = Process::start(&mut command, &home.path("prometheus.log"));
    peer::listens(port);
    let path = |expr: &str, at: i64| {
        format!("/api/v1/query?query={}&time={}", escape(expr), at as f64 / 1000.0)
    };
    let ask = |expr: &str, at: i64| -> Value {
        let answer = Client::new(port).get(&path(expr, at)).unwrap();
        // It answers in words until it is ready.
        serde_json::from_slice(&answer.body).unwrap_or_default()
    };
    // Prometheus holds nothing of that time: it reads all of it here, as streamed chunks.
    let expr = "m{i=~\"0|2\"}[5m]";
    let read = wait_for(Duration::from_secs(30), || {
        let found = ask(expr, now - 200_000);
        (found["data"]["result"].as_array()?.len() == 2).then_some(found)
    });
    let theirs = series(&read.unwrap_or_else(|| panic!("{}", prometheus.log()))["data"]["result"]);
    let mut ours = server.query_at(expr, now - 200_000);
    ours.sort_by(|a, b| a.labels.cmp(&b.labels));
    assert!(ours[0].points.len() > 500);
    for (our, their) in ours.iter().zip(&theirs) {
        assert_eq!(our.labels, their.labels);
        // One of both ends belongs to the range there, as it was before version 3.
        let inside: Vec<_> = their.points.iter().filter(|p| p.0 > now - 500_000).copied().collect();
        assert_eq!(our.points, inside);
    }
    let federated = wait_for(Duration::from_secs(30), || {
        let found = ask("up{job=\"federate\"} == 1", now_ms());
        (found["data"]["result"].as_array()?.len() == 1).then_some(())
    });
    assert!(federated.is_some(), "{}", prometheus.log());
    prometheus.stop(Duration::from_secs(30));
    server.stop();
}

#[test]
fn promtool_asks() {
    if !peer::slow("promtool asks") {
        return;
    }
    let Some(program) = peer::program("promtool") else { return };
    let home = Home::new();
    let server = home.start(&["--bare"]);
    write(&server, &[(&[("__name__", "m"), ("i", "0")], now_ms() - 1000, 2.5)]);
    let url = format!("http://127.0.0.1:{}", server.port);
    let ask = |args: &[&str]| {
        let args = args.iter().map(|a| if *a == "URL" { url.as_str() } else { a });
        let out = Command::new(&program).arg("query").args(args).output().unwrap();
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.success(), "{said}");
        String::from_utf8_lossy(&out.stdout).into_owned()
    };
    let instant = ask(&["instant", "URL", "m"]);
    assert!(instant.starts_with("m{i=\"0\"} => 2.5 @["), "{instant}");
    let range = ask(&["range", "--step=15s", "URL", "count(m)"]);
    assert!(range.starts_with("{} =>\n1 @["), "{range}");
    assert_eq!(ask(&["series", "--match=m", "URL"]).trim(), r#"{__name__="m", i="0"}"#);
    assert_eq!(ask(&["labels", "URL", "i"]).trim(), "0");
    server.stop();
}
