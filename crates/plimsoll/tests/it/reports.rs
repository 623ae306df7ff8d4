//! Reports of the real process: a PDF is read with Debian's pdftotext, and has every number of the JSON,
//! with no word over another or beyond the page.

use std::collections::HashSet;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::dashboards::ask;
use crate::listener::{Webhook, answer, serve, take_request};
use crate::load::{body, now_ms};
use crate::mail::MailServer;
use crate::peer;
use crate::plimsoll::{Home, Plimsoll, binary};
use crate::process::{free_port, wait_for};

const MINUTE: i64 = 60_000;
const API: &str = "/api/plimsoll/v1/reports";

fn history(server: &Plimsoll) {
    let now = now_ms() / MINUTE * MINUTE;
    let times: Vec<i64> = (0..180).map(|i| now - (180 - i) * MINUTE).collect();
    for target in 0..40 {
        let instance = format!("web-{target}.example.org:9100");
        let up = |i: i64| f64::from(u8::from(target != 3 || !(40..60).contains(&i)));
        let values: Vec<f64> = (0..180).map(up).collect();
        let pairs = [("__name__", "up"), ("instance", &*instance), ("job", "node")];
        assert!(server.write(&body(&pairs, &times, &values)).status < 300);
        let load = |i: i64| 0.4 + 0.3 * ((i + target) as f64 / 9.0).sin();
        let values: Vec<f64> = (0..180).map(load).collect();
        let pairs = [("__name__", "load_ratio"), ("instance", &*instance), ("job", "node")];
        assert!(server.write(&body(&pairs, &times, &values)).status < 300);
    }
}

fn report() -> Value {
    let panel = |kind: &str, expr: &str| {
        let over_time = matches!(kind, "timeseries" | "heatmap" | "state_timeline");
        let asked = if over_time { "range" } else { "instant" };
        json!({"kind": "panel", "title": kind, "panel": {
            "id": 1, "kind": kind, "title": format!("A {kind}"), "unit": "ratio", "min": 0, "max": 1,
            "thresholds": [{"at": null, "severity": "ok"}, {"at": 0.6, "severity": "warning"}],
            "queries": [{"ref": "A", "expr": expr, "kind": asked, "legend": "{{instance}}"}], "style": {"fill": 0.2}}})
    };
    let few = "topk(5, load_ratio)";
    let mut sections = vec![
        json!({"kind": "text", "text": "# Words\nOf **one** paragraph.\n\n- a list\n- of two"}),
        json!({"kind": "summary"}),
        json!({"kind": "availability", "target": 0.999, "limit": 100}),
        json!({"kind": "incidents"}),
        json!({"kind": "capacity"}),
        json!({"kind": "top", "expr": "load_ratio", "unit": "ratio", "limit": 15}),
    ];
    for kind in
        ["timeseries", "stat", "gauge", "barlist", "table", "loadline", "heatmap", "state_timeline"]
    {
        sections.push(panel(kind, few));
    }
    json!({"id": "test", "title": "A test", "period": "3h", "sections": sections})
}

fn rendered(server: &Plimsoll, format: &str, to: &str) -> Vec<u8> {
    let body = json!({"report": report(), "format": format, "to": to}).to_string();
    let path = format!("{API}/render");
    let answer = server.client().request(
        "POST",
        &path,
        &[("content-type", "application/json")],
        body.as_bytes(),
    );
    let answer = answer.unwrap();
    assert_eq!(answer.status, 200, "{format}: {}", answer.text());
    answer.body
}

/// All texts of numbers in a document.
pub fn numbers(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            if let (Some(n), Some(text)) = (map.get("value"), map.get("text"))
                && n.is_number()
            {
                out.push(text.as_str().unwrap().to_owned());
            }
            map.values().for_each(|v| numbers(v, out));
        }
        Value::Array(all) => all.iter().for_each(|v| numbers(v, out)),
        _ => {}
    }
}

/// A word of a page: left, top, right, bottom, text.
type Word = ([f64; 4], String);

/// The words of each page with its width and height.
fn words(pdf: &Path, pdftotext: &Path) -> Vec<(f64, f64, Vec<Word>)> {
    let out = Command::new(pdftotext).arg("-bbox").arg(pdf).arg("-").output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success() && said.is_empty(), "{said}");
    let text = String::from_utf8(out.stdout).unwrap();
    let number = |line: &str, key: &str| -> f64 {
        let (_, rest) = line.split_once(&format!("{key}=\"")).unwrap();
        rest.split_once('"').unwrap().0.parse().unwrap()
    };
    let mut pages: Vec<(f64, f64, Vec<Word>)> = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with("<page") {
            pages.push((number(line, "width"), number(line, "height"), Vec::new()));
        } else if line.starts_with("<word") {
            let word = line.split_once('>').unwrap().1.trim_end_matches("</word>");
            let at = ["xMin", "yMin", "xMax", "yMax"].map(|key| number(line, key));
            let word = word.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
            pages.last_mut().unwrap().2.push((at, word));
        }
    }
    pages
}

#[test]
fn a_pdf_has_every_number_of_the_json_and_no_word_over_another() {
    let home = Home::new();
    let server = home.start(&["--bare"]);
    history(&server);
    let to = (now_ms() / 1000).to_string();
    // The server's own numbers go on changing: those that are the same before and after are in all forms.
    let counted = || {
        let document: Value = serde_json::from_slice(&rendered(&server, "json", &to)).unwrap();
        let mut found = Vec::new();
        numbers(&document["sections"], &mut found);
        found
    };
    let before = counted();
    let forms = ["pdf", "html", "png", "csv", "md"].map(|format| rendered(&server, format, &to));
    let [pdf, html, png, csv, md] = forms;
    let after: HashSet<String> = counted().into_iter().collect();
    let wanted: Vec<String> = before.into_iter().filter(|n| after.contains(n)).collect();
    assert!(pdf.starts_with(b"%PDF-1.7") && png.starts_with(b"\x89PNG"));
    assert!(wanted.len() > 250, "{} numbers", wanted.len());
    for (bytes, begin) in [(html, "<!doctype html>"), (csv, "section,block,item"), (md, "# A test")]
    {
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.starts_with(begin), "{begin}");
        for number in &wanted {
            assert!(text.contains(number.as_str()), "{number:?} is not in the file of {begin}");
        }
    }
    if let Some(pdftotext) = peer::program("pdftotext") {
        let file = home.path("report.pdf");
        std::fs::write(&file, &pdf).unwrap();
        let pages = words(&file, &pdftotext);
        assert!(pages.len() > 2, "{} pages", pages.len());
        let known: HashSet<&str> =
            pages.iter().flat_map(|p| p.2.iter().map(|(_, word)| word.as_str())).collect();
        for word in wanted.iter().flat_map(|n| n.split_whitespace()) {
            assert!(known.contains(word), "{word:?} is not in the PDF");
        }
        for (n, (width, height, words)) in pages.iter().enumerate() {
            for (i, (a, word)) in words.iter().enumerate() {
                let inside = a[0] >= 0.0 && a[1] >= 0.0 && a[2] <= *width && a[3] <= *height;
                assert!(inside, "page {}: {word:?} leaves it: {a:?}", n + 1);
                for (b, other) in &words[i + 1..] {
                    let wide = a[2].min(b[2]) - a[0].max(b[0]);
                    let high = a[3].min(b[3]) - a[1].max(b[1]);
                    assert!(
                        wide < 1.0 || high < 2.5,
                        "page {}: {word:?} {a:?} and {other:?} {b:?} overlap",
                        n + 1
                    );
                }
            }
        }
    }
    server.stop();
}

#[test]
fn a_report_is_kept_sent_and_written_by_the_command_line() {
    let home = Home::new();
    let hook = Webhook::start();
    let am = format!(
        "route: {{receiver: team}}\nreceivers:\n- name: team\n  webhook_configs: [{{url: 'http://127.0.0.1:{}/'}}]\n",
        hook.port
    );
    let am = home.write("am.yml", &am);
    let server = home.start(&["--bare", "--alertmanager-config", am.to_str().unwrap()]);
    let send = |method: &str, path: &str, body: Value| {
        let headers = [("content-type", "application/json")];
        let answer =
            server.client().request(method, path, &headers, body.to_string().as_bytes()).unwrap();
        let doc: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        (answer.status, doc)
    };
    let mut own = report();
    own["schedule"] = json!({"cron": "0 8 * * MON", "receivers": ["team"]});
    assert_eq!(
        send("POST", API, json!({"report": own})),
        (201, json!({"id": "test", "version": 1}))
    );
    assert_eq!(send("POST", API, json!({"report": own})).0, 409);
    own["schedule"]["cron"] = json!("0 8 * *");
    let (status, doc) = send("PUT", &format!("{API}/test"), json!({"report": own, "version": 1}));
    assert!(status == 400 && doc["error"].as_str().unwrap().contains("schedule.cron"), "{doc}");
    let (_, doc) = send("GET", &format!("{API}/test"), Value::Null);
    assert!(doc["next_at"].as_str().unwrap().contains("T08:00:00"), "{doc}");

    assert_eq!(send("POST", &format!("{API}/test/send"), json!({"receivers": ["nobody"]})).0, 400);
    let (status, doc) = send("POST", &format!("{API}/test/send"), json!({}));
    assert_eq!((status, &doc["messages"]), (200, &json!(1)), "{doc}");
    let told = wait_for(Duration::from_secs(30), || hook.taken().pop()).expect("nothing is sent").1;
    assert_eq!((&told["version"], &told["report"]), (&json!("plimsoll/report/1"), &json!("test")));
    assert_eq!(told["document"]["sections"].as_array().unwrap().len(), 14);

    let file = home.path("daily.pdf");
    let url = format!("http://127.0.0.1:{}", server.port);
    let ask = |more: &[&str]| {
        Command::new(binary()).args(["report", "--server", &url]).args(more).output().unwrap()
    };
    let out = ask(&["daily", "--output", file.to_str().unwrap()]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert!(std::fs::read(&file).unwrap().starts_with(b"%PDF-"));
    let out = ask(&["nothing"]);
    assert!(!out.status.success() && String::from_utf8_lossy(&out.stderr).contains("no report"));
    assert_eq!(send("DELETE", &format!("{API}/test"), Value::Null).0, 200);
    assert_eq!(send("GET", &format!("{API}/test"), Value::Null).0, 404);
    server.stop();
}

#[test]
fn versions_of_a_report_are_told_compared_and_taken_back() {
    let home = Home::new();
    let server = home.start(&["--bare"]);
    let at = |rest: &str| format!("{API}/test{rest}");
    let mut own = report();
    let first = json!({"report": own, "author": "ann", "note": "a start"});
    assert_eq!(ask(&server, "POST", API, &first).0, 201);
    own["title"] = json!("Another");
    let second = json!({"report": own, "version": 1, "author": "ben", "note": "a name"});
    assert_eq!(ask(&server, "PUT", &at(""), &second), (200, json!({"id": "test", "version": 2})));

    let (status, told) = ask(&server, "GET", &at("/versions"), &Value::Null);
    let rows = |told: &Value| -> Vec<Value> {
        let all = told["versions"].as_array().unwrap().iter();
        all.map(|v| json!([v["version"], v["author"], v["note"], v["sections"]])).collect()
    };
    assert_eq!(status, 200, "{told}");
    assert_eq!(rows(&told), [json!([2, "ben", "a name", 14]), json!([1, "ann", "a start", 14])]);
    assert!(told["versions"][0]["at"].as_str().unwrap().ends_with('Z'), "{told}");

    let (_, told) = ask(&server, "GET", &at("/diff?from=1&to=2"), &Value::Null);
    let lines: Vec<&str> = told["diff"].as_str().unwrap().lines().skip(2).collect();
    let changed: Vec<&&str> = lines.iter().filter(|l| l.starts_with(['-', '+'])).collect();
    assert_eq!(changed, [&"-title: A test", &"+title: Another"], "{told}");
    assert_eq!(ask(&server, "GET", &at("/diff?from=1"), &Value::Null).0, 400);
    assert_eq!(ask(&server, "GET", &at("/diff?from=1&to=9"), &Value::Null).0, 404);
    let (_, old) = ask(&server, "GET", &at("?version=1"), &Value::Null);
    assert_eq!((&old["title"], &old["version"]), (&json!("A test"), &json!(1)));

    let wish = |expected: u64| json!({"version": 1, "expected": expected, "author": "cat"});
    assert_eq!(ask(&server, "POST", &at("/restore"), &wish(1)).0, 409, "somebody else changed it");
    let (status, told) = ask(&server, "POST", &at("/restore"), &wish(2));
    assert_eq!((status, told), (200, json!({"id": "test", "version": 3})));
    let (_, told) = ask(&server, "GET", &at("/versions"), &Value::Null);
    assert_eq!(rows(&told)[0], json!([3, "cat", "version 1 again", 14]));
    // What is part of the program is version 0 of what takes its place.
    let (_, told) = ask(&server, "GET", &format!("{API}/daily/versions"), &Value::Null);
    assert_eq!(told, json!({"versions": []}));
    let (_, told) = ask(&server, "GET", &format!("{API}/daily?version=0"), &Value::Null);
    assert_eq!(told["source"], "built-in");
    assert_eq!(ask(&server, "GET", &format!("{API}/none/versions"), &Value::Null).0, 404);
    server.stop();
}

#[test]
fn a_report_sent_now_tells_what_each_receiver_said() {
    let home = Home::new();
    let (one, other) = (Webhook::start(), Webhook::start());
    let refuses = serve(|stream| {
        if take_request(&stream).is_some() {
            answer(stream, "404 Not Found", "text/plain", b"no such hook");
        }
    });
    let mails = MailServer::start(&home, "plain");
    let smtp = mails.as_ref().map_or_else(free_port, |m| m.port);
    let hook = |name: &str, port: u16| {
        format!("- name: {name}\n  webhook_configs: [{{url: 'http://127.0.0.1:{port}/'}}]\n")
    };
    let am = format!(
        "global: {{smtp_from: 'plimsoll@example.org', smtp_smarthost: '127.0.0.1:{smtp}', smtp_require_tls: false}}\n\
         route: {{receiver: one}}\nreceivers:\n- name: mail\n  email_configs: [{{to: 'ann@example.org'}}]\n{}{}{}{}",
        hook("one", one.port),
        hook("other", other.port),
        hook("refuses", refuses),
        hook("dead", free_port()),
    );
    let am = home.write("am.yml", &am);
    let server = home.start(&["--bare", "--alertmanager-config", am.to_str().unwrap()]);
    let receivers = json!({"receivers": ["one", "other", "mail", "refuses", "dead", "nobody"]});
    let (status, told) = ask(&server, "POST", &format!("{API}/daily/send"), &receivers);
    assert_eq!((status, &told["messages"]), (200, &json!(5)), "{told}");
    let result = |receiver: &str| {
        let all = told["results"].as_array().unwrap();
        let found: Vec<&Value> = all.iter().filter(|r| r["receiver"] == receiver).collect();
        assert_eq!(found.len(), 1, "{receiver}: {told}");
        let text = |key: &str| found[0][key].as_str().unwrap().to_owned();
        (text("kind"), text("state"), text("error"))
    };
    let sent = |kind: &str| (kind.to_owned(), "sent".to_owned(), String::new());
    assert_eq!([result("one"), result("other")], [sent("webhook"), sent("webhook")]);
    // Both have a webhook: each got it once.
    assert_eq!((one.taken().len(), other.taken().len()), (1, 1));
    if let Some(mails) = &mails {
        assert_eq!(result("mail"), sent("email"));
        assert!(mails.mail(0)["subject"].as_str().unwrap().contains("Daily report"));
    }
    let (kind, state, error) = result("refuses");
    assert_eq!((&*kind, &*state), ("webhook", "failed"), "{error}");
    assert!(error.contains("404") && error.contains("no such hook"), "{error}");
    let (_, state, error) = result("dead");
    assert!(state == "retried" && !error.is_empty(), "{told}");
    let (kind, state, error) = result("nobody");
    assert!(kind.is_empty() && state == "failed" && error.contains("no such receiver"), "{told}");
    server.stop();
}
