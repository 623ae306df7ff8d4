//! The calls that Grafana's Prometheus data source makes, replayed, and the rest of Prometheus' HTTP
//! contract: every field that a client reads is checked, and the order where streaming clients need it.

use plimsoll_model::{Labels, Metadata, MetricKind};
use plimsoll_wire::remote_write::Encoder;
use serde_json::{Value, json};

use crate::http::Answer;
use crate::plimsoll::{Home, Plimsoll, escape};

/// 2025-11-21 00:00 UTC, ms.
const T: i64 = 1_763_683_200_000;
/// The same in seconds, as Grafana writes it.
const TS: &str = "1763683200";

const RULES: &str = "groups:\n- name: f\n  interval: 1h\n  rules: [{record: 'job:b', expr: up}]\n- name: g\n  interval: 1h\n  rules:\n  - {record: 'job:up', expr: up}\n  \
                     - {alert: Always, expr: vector(1), labels: {a: b}, annotations: {c: d}}\n";

/// A server with a few series, an exemplar, metadata and rules.
fn started() -> (Home, Plimsoll) {
    let home = Home::new();
    home.write("rules.yml", RULES);
    let file = home.write("plimsoll.yml", "alert:\n  rule_files: [rules.yml]\n");
    let config = file.to_str().unwrap();
    let server = home.start(&["--bare", "--retention=unlimited", "--config", config]);
    let mut e = Encoder::new();
    for i in 0..200 {
        let i = i.to_string();
        let labels = Labels::new([("__name__", "up"), ("i", &i), ("my.label", "x_y")]).unwrap();
        e.series(labels.as_ref(), &[T - 60_000, T - 30_000, T], &[1.0, f64::NAN, f64::INFINITY]);
    }
    e.metadata(&Metadata {
        metric: "up".into(),
        kind: MetricKind::Gauge,
        help: "Is it?".into(),
        unit: String::new(),
    });
    assert_eq!(server.write(&e.finish()).status, 204);
    let nanos = T * 1_000_000;
    let otlp = format!(
        r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"name":"test","sum":{{
        "aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{{"timeUnixNano":"{nanos}",
        "asInt":5,"attributes":[{{"key":"a","value":{{"stringValue":"b"}}}}],"exemplars":[{{
        "timeUnixNano":"{nanos}","asDouble":0.5,"traceId":"0af7651916cd43dd8448eb211c80319c"}}]
        }}]}}}}]}}]}}]}}"#
    );
    let kind = [("content-type", "application/json")];
    let answer = server.client().post("/v1/metrics", &kind, otlp.as_bytes()).unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, "{}"));
    (home, server)
}

fn post(server: &Plimsoll, path: &str, pairs: &[(&str, &str)]) -> Answer {
    let form = [("content-type", "application/x-www-form-urlencoded")];
    server.client().post(path, &form, query(pairs).as_bytes()).unwrap()
}

fn get(server: &Plimsoll, path: &str, pairs: &[(&str, &str)]) -> Answer {
    server.get(&format!("{path}?{}", query(pairs)))
}

fn query(pairs: &[(&str, &str)]) -> String {
    let all: Vec<String> =
        pairs.iter().map(|(n, v)| format!("{}={}", escape(n), escape(v))).collect();
    all.join("&")
}

#[track_caller]
fn parsed(answer: &Answer) -> Value {
    assert_eq!(answer.header("content-type"), "application/json", "{}", answer.text());
    serde_json::from_slice(&answer.body).unwrap()
}

#[track_caller]
fn data(answer: &Answer) -> Value {
    let mut json = parsed(answer);
    assert_eq!((answer.status, &json["status"]), (200, &json!("success")), "{json}");
    json["data"].take()
}

#[test]
fn saving_the_data_source_tests_it() {
    let (_home, server) = started();
    let expected = r#"{"status":"success","data":{"resultType":"scalar","result":[4,"2"]}}"#;
    let pairs = [("query", "1+1"), ("time", "4"), ("timeout", "60s"), ("custom", "ignored")];
    for answer in [post(&server, "/api/v1/query", &pairs), get(&server, "/api/v1/query", &pairs)] {
        assert_eq!((answer.status, answer.text().as_str()), (200, expected));
    }
    let info = data(&server.get("/api/v1/status/buildinfo"));
    for key in ["version", "revision", "branch", "buildUser", "buildDate", "goVersion"] {
        assert!(info[key].is_string(), "{key}: {info}");
    }
    let version: Vec<u32> =
        info["version"].as_str().unwrap().split('.').map(|n| n.parse().unwrap()).collect();
    assert!(version.len() == 3 && version >= vec![2, 24, 0], "{version:?}");
    assert!(info.get("features").is_none());
    server.stop();
}

#[test]
fn panels_and_tables_are_asked_for() {
    let (_home, server) = started();
    let range = [
        ("query", "up{i=\"1\"}"),
        ("start", "1763683140"),
        ("end", "1763683200.000"),
        ("step", "30"),
    ];
    let answer = post(&server, "/api/v1/query_range", &range);
    let begin = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"#;
    assert!(answer.text().starts_with(begin), "{}", answer.text());
    assert_eq!(
        data(&answer)["result"],
        json!([{
            "metric": { "__name__": "up", "i": "1", "my.label": "x_y" },
            "values": [[1_763_683_140, "1"], [1_763_683_170, "NaN"], [1_763_683_200, "+Inf"]],
        }])
    );
    let vector = data(&post(&server, "/api/v1/query", &[("query", "test_total"), ("time", TS)]));
    assert_eq!(vector["resultType"], "vector");
    assert_eq!(vector["result"][0]["value"], json!([1_763_683_200, "5"]));
    let text = data(&post(&server, "/api/v1/query", &[("query", "'a'"), ("time", "1.5")]));
    assert_eq!(text, json!({ "resultType": "string", "result": [1.5, "a"] }));
    let noted = parsed(&post(&server, "/api/v1/query", &[("query", "rate(up[5m])"), ("time", TS)]));
    assert!(noted["infos"][0].as_str().unwrap().contains("metric might not be a counter"));
    server.stop();
}

#[test]
fn a_query_is_explained() {
    let (_home, server) = started();
    let path = "/api/plimsoll/v1/query/explain";
    let text = "sum(up) / count(up)";
    let range = [("query", text), ("start", "1763683140"), ("end", TS), ("step", "30")];
    let told = parsed(&post(&server, path, &range));
    assert_eq!((&told["query"], &told["totals"]["steps"]), (&json!(text), &json!(3)));
    assert_eq!((&told["cached_steps"], &told["totals"]["series"]), (&json!(0), &json!(1)));
    let tree = &told["tree"];
    assert_eq!((&tree["kind"], &tree["name"]), (&json!("operator"), &json!("/")));
    let up = &tree["children"][0]["children"][0];
    assert_eq!((&up["name"], &up["at"]), (&json!("up"), &json!([4, 6])));
    let read = &up["read"];
    assert!(read["samples"].as_u64().unwrap() > 0, "{told}");
    assert_eq!(read["samples"], told["totals"]["samples"]);
    assert_eq!((&read["tier"], &read["to_ms"]), (&json!("raw"), &json!(T)));
    assert_eq!(read["why"], "a selector without a range needs single samples");
    assert_eq!(tree["children"][1]["children"][0]["same_as"], json!([4, 6]));
    assert!(told["totals"]["wall_ms"].as_f64().unwrap() >= up["wall_ms"].as_f64().unwrap());

    let now = parsed(&get(&server, path, &[("query", "rate(up[5m])"), ("time", TS)]));
    assert_eq!(now["totals"]["steps"], 1);
    assert!(now["infos"][0].as_str().unwrap().contains("metric might not be a counter"));
    for (pairs, message) in [
        (&[("query", "sum(")][..], "parse error"),
        (&[("query", "up"), ("start", "5")][..], "invalid parameter \"end\""),
    ] {
        let refused = get(&server, path, pairs);
        assert_eq!(refused.status, 400);
        assert!(refused.text().replace("\\", "").contains(message), "{}", refused.text());
    }
    server.stop();
}

#[test]
fn an_editor_learns_what_is_wrong_and_which_functions_there_are() {
    let (_home, server) = started();
    let check =
        |text: &str| parsed(&post(&server, "/api/plimsoll/v1/query/check", &[("query", text)]));
    assert_eq!(check("trend(up[5m])"), json!({ "valid": true, "type": "instant vector" }));
    let wrong = check("up +\nanomaly_scor(up[1h])");
    assert_eq!((&wrong["valid"], &wrong["error"]["line"]), (&json!(false), &json!(2)));
    assert_eq!(wrong["error"]["suggestion"], "anomaly_score");
    assert_eq!((&wrong["error"]["at"], &wrong["error"]["column"]), (&json!([5, 17]), &json!(1)));

    let path = "/api/plimsoll/v1/query/functions";
    let list = parsed(&get(&server, path, &[]));
    let rows = list["functions"].as_array().unwrap();
    let ours: Vec<&str> =
        rows.iter().filter(|r| r["ours"] == true).filter_map(|r| r["name"].as_str()).collect();
    let forecasts = ["forecast", "forecast_lower", "forecast_upper"];
    let others = ["seasonal_baseline", "time_to_breach", "trend"];
    assert_eq!(ours, [&["anomaly_score"][..], &forecasts, &others].concat());
    assert!(rows.iter().all(|r| !r["doc"].as_str().unwrap().is_empty()));
    server.stop();
}

#[test]
fn native_histograms_are_drawn() {
    let (_home, server) = started();
    let nanos = T * 1_000_000;
    let otlp = format!(
        r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"name":"h","exponentialHistogram":{{
        "aggregationTemporality":2,"dataPoints":[{{"timeUnixNano":"{nanos}","count":"4","sum":5.5,
        "scale":0,"zeroCount":"1","zeroThreshold":0.25,"positive":{{"offset":-1,"bucketCounts":
        ["1","2"]}}}}]}}}}]}}]}}]}}"#
    );
    let kind = [("content-type", "application/json")];
    let answer = server.client().post("/v1/metrics", &kind, otlp.as_bytes()).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let histogram = json!({
        "count": "4",
        "sum": "5.5",
        "buckets": [[3, "-0.25", "0.25", "1"], [0, "0.5", "1", "1"], [0, "1", "2", "2"]],
    });
    let vector = data(&post(&server, "/api/v1/query", &[("query", "h"), ("time", TS)]));
    assert_eq!(vector["result"][0]["histogram"], json!([1_763_683_200, histogram]));
    let range = [("query", "h"), ("start", TS), ("end", TS), ("step", "15")];
    let matrix = data(&post(&server, "/api/v1/query_range", &range));
    assert_eq!(
        matrix["result"],
        json!([{ "metric": { "__name__": "h" }, "histograms": [[1_763_683_200, histogram]] }])
    );
    server.stop();
}

#[test]
fn statistics_limits_and_lookback_follow_their_parameters() {
    let (_home, server) = started();
    let ask = |more: &[(&str, &str)]| {
        let pairs = [&[("query", "up"), ("time", TS)], more].concat();
        parsed(&post(&server, "/api/v1/query", &pairs))
    };
    let all = ask(&[("stats", "all")]);
    let stats = &all["data"]["stats"];
    for key in ["evalTotalTime", "innerEvalTime", "execQueueTime", "execTotalTime"] {
        assert!(stats["timings"][key].as_f64().unwrap() >= 0.0, "{stats}");
    }
    for key in ["resultSortTime", "queryPreparationTime"] {
        assert!(stats["timings"][key].is_number(), "{stats}");
    }
    assert!(stats["samples"]["totalQueryableSamples"].as_u64().unwrap() >= 200, "{stats}");
    assert!(stats["samples"]["peakSamples"].as_u64().unwrap() >= 200, "{stats}");
    assert!(ask(&[])["data"].get("stats").is_none());
    let cut = ask(&[("limit", "3")]);
    assert_eq!(cut["data"]["result"].as_array().unwrap().len(), 3);
    assert_eq!(cut["warnings"], json!(["results truncated due to limit"]));
    let later = |delta: &str| {
        let pairs = [("query", "count(up)"), ("time", "1763683260"), ("lookback_delta", delta)];
        data(&post(&server, "/api/v1/query", &pairs))["result"].as_array().unwrap().len()
    };
    assert_eq!((later("1m"), later("2m")), (0, 1));
    server.stop();
}

#[test]
fn exemplars_are_toggled_and_shown() {
    let (_home, server) = started();
    let probe = [("query", "test"), ("start", "1763683200000"), ("end", "1763686800000")];
    for answer in [
        post(&server, "/api/v1/query_exemplars", &probe),
        get(&server, "/api/v1/query_exemplars", &probe),
    ] {
        assert_eq!(answer.text(), r#"{"status":"success","data":[]}"#);
    }
    let pairs = [("query", "rate(test_total[5m])"), ("start", "1763683100"), ("end", "1763683300")];
    let answer = post(&server, "/api/v1/query_exemplars", &pairs);
    assert_eq!(
        answer.text(),
        "{\"status\":\"success\",\"data\":[{\"seriesLabels\":{\"__name__\":\"test_total\",\"a\":\"b\"},\
         \"exemplars\":[{\"labels\":{\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\"},\
         \"value\":\"0.5\",\"timestamp\":1763683200}]}]}"
    );
    server.stop();
}

#[test]
fn the_editor_asks_for_names_and_values() {
    let (_home, server) = started();
    let when = [("start", "1763683140"), ("end", "1763683260")];
    let with = |more: &[(&'static str, &'static str)]| [&when[..], more].concat();
    let names = get(&server, "/api/v1/label/__name__/values", &with(&[("limit", "40000")]));
    assert_eq!(data(&names), json!(["test_total", "up"]));
    let cut = parsed(&get(&server, "/api/v1/label/i/values", &with(&[("limit", "2")])));
    assert_eq!(cut["data"], json!(["0", "1"]));
    assert_eq!(cut["warnings"], json!(["results truncated due to limit"]));
    for answer in [
        post(&server, "/api/v1/labels", &with(&[("limit", "40000")])),
        get(&server, "/api/v1/labels", &with(&[("match[]", "up"), ("match[]", "test_total")])),
    ] {
        assert_eq!(data(&answer), json!(["__name__", "a", "i", "my.label"]));
    }
    let escaped = get(&server, "/api/v1/label/U__my_2e_label/values", &with(&[("match[]", "up")]));
    assert_eq!(data(&escaped), json!(["x_y"]));
    let all = with(&[("match[]", "{__name__!=\"\"}"), ("limit", "40000")]);
    for answer in [post(&server, "/api/v1/series", &all), get(&server, "/api/v1/series", &all)] {
        let series = data(&answer);
        assert_eq!(series.as_array().unwrap().len(), 201);
        assert_eq!(series[0], json!({ "__name__": "test_total", "a": "b" }));
    }
    let other = [("match[]", "up"), ("start", "1"), ("end", "2")];
    assert_eq!(data(&get(&server, "/api/v1/series", &other)), json!([]));
    let told = data(&server.get("/api/v1/metadata"));
    assert_eq!(told["up"], json!([{ "type": "gauge", "help": "Is it?", "unit": "" }]));
    assert_eq!(told["test_total"][0]["type"], "counter");
    assert_eq!(data(&server.get("/api/v1/metadata?limit=1")).as_object().unwrap().len(), 1);
    server.stop();
}

#[test]
fn rules_alerts_and_the_rest_of_the_state_are_told() {
    let (_home, server) = started();
    let groups = data(&server.get("/api/v1/rules"));
    let group = &groups["groups"][1];
    assert_eq!((&group["name"], &group["interval"]), (&json!("g"), &json!(3600.0)), "{group}");
    assert!(group["file"].as_str().unwrap().ends_with("rules.yml"));
    for (i, kind) in ["recording", "alerting"].iter().enumerate() {
        let rule = &group["rules"][i];
        assert_eq!(rule["type"], *kind);
        for key in ["name", "query", "health", "lastEvaluation"] {
            assert!(rule[key].is_string(), "{key}: {rule}");
        }
        assert!(rule["evaluationTime"].is_number());
    }
    assert!(group["rules"][1]["state"].is_string() && group["rules"][1]["alerts"].is_array());
    let alerting = data(&server.get("/api/v1/rules?type=alert"));
    assert_eq!(alerting["groups"][0]["rules"].as_array().unwrap().len(), 1);
    let counted = |filter: &str| {
        let groups = data(&server.get(&format!("/api/v1/rules?{filter}")));
        let of = |g: &Value| g["rules"].as_array().unwrap().len();
        groups["groups"].as_array().unwrap().iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(counted("rule_group[]=g"), [2]);
    assert_eq!(counted("rule_name[]=Always"), [1]);
    assert_eq!(counted("match[]=%7Ba%3D%22b%22%7D"), [1]);
    assert_eq!(counted("match[]=%7Ba%3D%22c%22%7D"), [0; 0]);
    let page = data(&server.get("/api/v1/rules?group_limit=1&exclude_alerts=true"));
    assert_eq!(page["groups"].as_array().unwrap().len(), 1);
    let token = page["groupNextToken"].as_str().unwrap();
    let last = format!("/api/v1/rules?group_limit=1&exclude_alerts=true&group_next_token={token}");
    let last = data(&server.get(&last));
    assert_eq!((&last["groups"][0]["name"], last.get("groupNextToken")), (&json!("g"), None));
    assert!(last["groups"][0]["rules"][1].get("alerts").is_none());
    assert_eq!(server.get("/api/v1/rules?group_next_token=x").status, 400);
    assert_eq!(server.get("/api/v1/rules?group_limit=1&group_next_token=x").status, 400);
    assert!(data(&server.get("/api/v1/alerts"))["alerts"].is_array());
    let none = json!({ "activeAlertmanagers": [], "droppedAlertmanagers": [] });
    assert_eq!(data(&server.get("/api/v1/alertmanagers")), none);
    assert_eq!(data(&server.get("/api/v1/notifications")), json!([]));
    assert_eq!(data(&server.get("/api/v1/status/walreplay"))["state"], "done");
    assert_eq!(data(&server.get("/api/v1/scrape_pools")), json!({ "scrapePools": [] }));
    assert!(data(&server.get("/api/v1/targets"))["activeTargets"].is_array());
    let nothing = server.get("/api/v1/targets/metadata?match_target=%7Bjob%3D%22a%22%7D");
    assert_eq!((nothing.status, parsed(&nothing)["errorType"].clone()), (404, json!("not_found")));
    for status in ["config", "flags", "runtimeinfo", "tsdb"] {
        assert!(data(&server.get(&format!("/api/v1/status/{status}"))).is_object(), "{status}");
    }
    server.stop();
}

#[test]
fn queries_are_formatted_and_parsed() {
    let (_home, server) = started();
    let pairs = [("query", "sum  by(a)(rate(up[5m]))")];
    let format = post(&server, "/api/v1/format_query", &pairs);
    assert_eq!(data(&format), json!("sum by (a) (rate(up[5m]))"));
    for answer in
        [post(&server, "/api/v1/parse_query", &pairs), get(&server, "/api/v1/parse_query", &pairs)]
    {
        let tree = data(&answer);
        assert_eq!((&tree["type"], &tree["op"]), (&json!("aggregation"), &json!("sum")));
        assert_eq!(tree["expr"]["args"][0]["range"], json!(300_000));
    }
    assert_eq!(get(&server, "/api/v1/parse_query", &[("query", "sum(")]).status, 400);
    server.stop();
}

#[test]
fn what_goes_wrong_has_its_status() {
    let (_home, server) = started();
    #[track_caller]
    fn check(answer: &Answer, status: u16, kind: &str) {
        let json = parsed(answer);
        assert_eq!((answer.status, &json["status"]), (status, &json!("error")), "{json}");
        assert_eq!((&json["errorType"], json["error"].is_string()), (&json!(kind), true), "{json}");
    }
    check(&post(&server, "/api/v1/query", &[("query", "up{")]), 400, "bad_data");
    check(&post(&server, "/api/v1/query", &[("query", "up"), ("time", "x")]), 400, "bad_data");
    let twice = [("query", "up + on(x) up"), ("time", TS)];
    check(&post(&server, "/api/v1/query", &twice), 422, "execution");
    let at_once = [("query", "count(up)"), ("time", TS), ("timeout", "0")];
    check(&post(&server, "/api/v1/query", &at_once), 503, "timeout");
    check(&server.get("/api/v1/nosuch"), 404, "not_found");
    check(&server.get("/api/v1/series"), 400, "bad_data");
    check(&get(&server, "/api/v1/labels", &[("limit", "-1")]), 400, "bad_data");
    let wrong = server.post("/api/v1/status/buildinfo");
    assert_eq!((wrong.status, wrong.header("allow").as_str()), (405, "GET"));
    server.stop();
}

#[test]
fn answers_are_packed_for_who_asks_and_open_to_pages() {
    let (_home, server) = started();
    let path = "/api/v1/series?match[]=up";
    let plain = server.get(path);
    assert_eq!(plain.header("content-encoding"), "");
    for (accepted, name, magic) in [
        ("gzip", "gzip", &[0x1f, 0x8b][..]),
        ("gzip, deflate, br, zstd", "zstd", &[0x28, 0xb5, 0x2f, 0xfd]),
    ] {
        let headers = [("accept-encoding", accepted)];
        let packed = server.client().request("GET", path, &headers, &[]).unwrap();
        assert_eq!(packed.header("content-encoding"), name);
        assert!(packed.header("vary").contains("Accept-Encoding"));
        assert!(packed.body.starts_with(magic) && packed.body.len() < plain.body.len() / 4);
    }
    let page = [("origin", "http://elsewhere.example")];
    let answer = server.client().request("GET", "/api/v1/labels", &page, &[]).unwrap();
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("access-control-allow-methods"), "GET, POST, OPTIONS");
    assert_eq!(answer.header("access-control-expose-headers"), "Date");
    assert!(answer.header("vary").contains("Origin"));
    let answer = server.client().request("OPTIONS", "/api/v1/query", &page, &[]).unwrap();
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    assert_eq!(
        answer.header("access-control-allow-headers"),
        "Accept, Authorization, Content-Type, Origin"
    );
    // What changes something is not open.
    for path in ["/api/v1/write", "/v1/metrics", "/api/v1/admin/tsdb/snapshot"] {
        let answer = server.client().request("POST", path, &page, &[]).unwrap();
        assert_eq!(answer.status, 403, "{path}");
    }
    let own = server.client().request("GET", "/metrics", &page, &[]).unwrap();
    assert_eq!(own.header("access-control-allow-origin"), "");
    server.stop();
}

#[test]
fn names_that_are_not_ours_are_refused() {
    let home = Home::new();
    let server = home.start(&["--bare", "--allowed-host", "mon.example"]);
    let ask = |host: &str| {
        let headers = [("host", host)];
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", server.port)).unwrap();
        let head: String = headers.iter().map(|(n, v)| format!("{n}: {v}\r\n")).collect();
        let request = format!("GET /api/v1/labels HTTP/1.1\r\n{head}connection: close\r\n\r\n");
        std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
        let mut answer = String::new();
        std::io::Read::read_to_string(&mut stream, &mut answer).unwrap();
        answer
    };
    for good in ["mon.example", "MON.example:80", "localhost:1", "127.0.0.1", "[::1]:7546"] {
        assert!(ask(good).starts_with("HTTP/1.1 200"), "{good}: {}", ask(good));
    }
    let refused = ask("evil.example");
    assert!(refused.starts_with("HTTP/1.1 403") && refused.contains("serve.allowed_hosts"));
    server.stop();
}
