//! A report that is due: a mail with the PDF through a real mail server (aiosmtpd), a webhook with the data, once each,
//! and both with the same numbers.

use std::collections::HashSet;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::dashboards::ask;
use crate::listener::Webhook;
use crate::load::{body, now_ms};
use crate::mail::MailServer;
use crate::peer;
use crate::plimsoll::Home;
use crate::process::wait_for;
use crate::reports::numbers;

const REPORTS: &str = "/api/plimsoll/v1/reports";
const MINUTE: i64 = 60_000;
/// A schedule of every minute is due within one; it is looked at every 10 s.
const PATIENCE: Duration = Duration::from_secs(120);

/// The words of a PDF.
fn words(pdf: &Path, pdftotext: &Path) -> HashSet<String> {
    let out = Command::new(pdftotext).arg("-layout").arg(pdf).arg("-").output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success() && said.is_empty(), "{said}");
    let text = String::from_utf8(out.stdout).unwrap();
    text.split_whitespace().map(ToOwned::to_owned).collect()
}

#[test]
fn a_report_that_is_due_goes_out_by_mail_and_to_a_webhook() {
    if !peer::slow("a scheduled report through a real mail server") {
        return;
    }
    let home = Home::new();
    let Some(mails) = MailServer::start(&home, "plain") else { return };
    let hook = Webhook::start();
    let am = format!(
        "global: {{smtp_from: 'plimsoll@example.org', smtp_smarthost: '127.0.0.1:{}', smtp_require_tls: false}}\n\
         route: {{receiver: team}}\nreceivers:\n- name: team\n  email_configs: [{{to: 'ann@example.org'}}]\n  \
         webhook_configs: [{{url: 'http://127.0.0.1:{}/'}}]\n",
        mails.port, hook.port
    );
    let am = home.write("am.yml", &am);
    let server = home.start(&["--bare", "--alertmanager-config", am.to_str().unwrap()]);
    let now = now_ms() / MINUTE * MINUTE;
    let times: Vec<i64> = (0..120).map(|i| now - (120 - i) * MINUTE).collect();
    for target in 0..12 {
        let instance = format!("web-{target}:9100");
        let load = |i: usize| 0.4 + 0.3 * ((i + target) as f64 / 9.0).sin();
        let values: Vec<f64> = (0..120).map(load).collect();
        let pairs = [("__name__", "load_ratio"), ("instance", &*instance), ("job", "node")];
        assert!(server.write(&body(&pairs, &times, &values)).status < 300);
    }
    let report = json!({
        "id": "minutely", "title": "Every minute", "period": "2h", "format": "pdf",
        "sections": [
            {"kind": "text", "text": "What the hosts did."},
            {"kind": "top", "title": "Load a while ago", "expr": "load_ratio offset 10m", "unit": "ratio", "limit": 12},
            {"kind": "panel", "title": "Load", "panel": {"id": 1, "kind": "timeseries", "title": "Load by host", "unit": "ratio",
             "queries": [{"ref": "A", "expr": "load_ratio{instance=~\"web-[0-2]:9100\"}", "legend": "{{instance}}"}]}},
            {"kind": "dashboard", "dashboard": "health"},
        ],
        "schedule": {"cron": "* * * * *", "receivers": ["team"]},
    });
    let (status, made) = ask(&server, "POST", REPORTS, &json!({"report": report}));
    assert_eq!(status, 201, "{made}");
    let began = now_ms();

    let told = wait_for(PATIENCE, || hook.taken().into_iter().next()).expect("no webhook").1;
    let mail = mails.mail(0);
    let (status, _) = ask(&server, "DELETE", &format!("{REPORTS}/minutely"), &Value::Null);
    assert_eq!(status, 200);
    assert_eq!(mail["to"], json!(["ann@example.org"]));
    assert!(mail["subject"].as_str().unwrap().contains("Every minute"), "{mail}");
    let parts = mail["parts"].as_array().unwrap();
    let part = |kind: &str| {
        parts.iter().find(|p| p["type"] == kind).unwrap_or_else(|| panic!("no {kind}: {mail}"))
    };
    assert!(part("text/plain")["text"].as_str().unwrap().contains("/reports/minutely/render?"));
    let enclosed = part("application/pdf");
    let name = enclosed["name"].as_str().unwrap();
    assert!(name.starts_with("minutely-") && name.ends_with(".pdf"), "{name}");
    let file = mails.dir.join(enclosed["file"].as_str().unwrap());
    let pdf = std::fs::read(&file).unwrap();
    assert!(pdf.starts_with(b"%PDF-1.7") && pdf.len() > 10_000, "{} bytes", pdf.len());

    assert_eq!(
        (&told["version"], &told["report"]),
        (&json!("plimsoll/report/1"), &json!("minutely"))
    );
    let document = &told["document"];
    assert!(document["to"].as_i64().unwrap() % MINUTE == 0, "it is about the time when it was due");
    assert!(document["to"].as_i64().unwrap() > began - MINUTE, "{document}");
    let titles: Vec<&str> = document["sections"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|s| s["within"] == false)
        .map(|s| s["title"].as_str().unwrap())
        .collect();
    assert_eq!(titles, ["", "Load a while ago", "Load", "Application health"]);
    if let Some(pdftotext) = peer::program("pdftotext") {
        let known = words(&file, &pdftotext);
        let mut wanted = Vec::new();
        numbers(&document["sections"], &mut wanted);
        assert!(wanted.len() >= 12, "{wanted:?}");
        for word in wanted.iter().flat_map(|n| n.split_whitespace()) {
            assert!(known.contains(word), "{word:?} is not in the PDF");
        }
    }
    server.stop();
}
