//! Pages as people get them: a real mail server (aiosmtpd), and a Slack that takes what is posted.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::listener::{answer, serve, take_request};
use crate::load::{body, now_ms};
use crate::peer;
use crate::plimsoll::{Home, Plimsoll};
use crate::process::{Process, free_port, wait_for};

const PATIENCE: Duration = Duration::from_secs(60);
const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// A mail server in a process of its own.
pub struct MailServer {
    pub port: u16,
    pub dir: PathBuf,
    _process: Process,
}

impl MailServer {
    pub fn start(home: &Home, mode: &str) -> Option<Self> {
        let python = peer::python_with("aiosmtpd, cryptography")?;
        let (port, dir) = (free_port(), home.path(mode));
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/smtp_double.py");
        let mut command = Command::new(python);
        command.arg(script).arg(&dir).arg(port.to_string()).arg(mode);
        let process = Process::start(&mut command, &home.path(&format!("{mode}.log")));
        peer::listens(port);
        Some(Self { port, dir, _process: process })
    }

    /// The n-th mail.
    #[track_caller]
    pub fn mail(&self, n: usize) -> Value {
        let file = self.dir.join(format!("{n}.json"));
        let found = wait_for(PATIENCE, || std::fs::read_to_string(&file).ok());
        serde_json::from_str(&found.expect("no mail arrived")).unwrap()
    }
}

const RULES: &str = "\
groups:
- name: disks
  interval: 1s
  rules:
  - alert: HostDiskFull
    expr: disk_used_ratio > 0.9
    labels: {severity: critical}
    annotations:
      summary: 'The disk of {{ $labels.instance }} is {{ $value | humanizePercentage }} full'
      description: 'Writes will fail when nothing is left. Old logs are the usual reason.'
      runbook_url: https://runbooks.example.org/disk-full
";

/// Samples of a week ago, a day ago, and of the hours until now, which end in a breach.
fn history(server: &Plimsoll, instance: &str) {
    let now = now_ms();
    let (mut times, mut values) = (Vec::new(), Vec::new());
    for back in [7 * DAY, DAY, 0] {
        for minute in (0..=400).rev() {
            let at = now - back - minute * MINUTE;
            let wave = 0.02 * ((at / MINUTE) as f64 / 17.0).sin();
            let rise = if back == 0 { (110 - minute.min(110)) as f64 * 0.0045 } else { 0.0 };
            times.push(at);
            values.push((0.52 + wave + rise).min(0.985));
        }
    }
    let pairs = [("__name__", "disk_used_ratio"), ("instance", instance), ("mountpoint", "/var")];
    let answer = server.write(&body(&pairs, &times, &values));
    assert!(answer.status < 300, "{}: {}", answer.status, answer.text());
}

fn text_of<'a>(mail: &'a Value, kind: &str) -> &'a str {
    let part = mail["parts"].as_array().unwrap().iter().find(|p| p["type"] == kind);
    part.unwrap_or_else(|| panic!("no {kind}: {mail}"))["text"].as_str().unwrap()
}

#[test]
fn a_page_shows_its_chart_in_mail_and_slack() {
    if !peer::slow("a page in a real mail server and a fake Slack") {
        return;
    }
    let home = Home::new();
    let Some(mails) = MailServer::start(&home, "plain") else { return };
    let (told, posted) = std::sync::mpsc::channel();
    let told = std::sync::Mutex::new(told);
    let slack = serve(move |stream| {
        if let Some(body) = take_request(&stream) {
            let _test_over = told.lock().unwrap().send(body);
            answer(stream, "200 OK", "text/plain", b"ok");
        }
    });
    home.write("rules.yml", RULES);
    let am = format!(
        "global: {{smtp_from: 'plimsoll@example.org', smtp_smarthost: '127.0.0.1:{}', smtp_require_tls: false}}\n\
         route: {{receiver: team, group_by: [alertname], group_wait: 0s}}\nreceivers:\n- name: team\n  \
         email_configs: [{{to: 'ann@example.org'}}]\n  slack_configs: [{{api_url: 'http://127.0.0.1:{slack}/hook'}}]\n",
        mails.port
    );
    let am = home.write("am.yml", &am);
    let config = home.write("plimsoll.yml", "alert:\n  rule_files: [rules.yml]\n");
    let (am, config) = (am.to_str().unwrap(), config.to_str().unwrap());
    let server = home.start(&["--bare", "--config", config, "--alertmanager-config", am]);
    history(&server, "web-1");

    let mail = mails.mail(0);
    let types: Vec<&str> =
        mail["parts"].as_array().unwrap().iter().map(|p| p["type"].as_str().unwrap()).collect();
    assert_eq!(
        types,
        ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"]
    );
    let plain = text_of(&mail, "text/plain");
    for wanted in [
        "Now: 98.5 % (alerts > 90 %)",
        "A day ago: 5",
        "A week ago: 5",
        "Firing since:",
        "https://runbooks.example.org/disk-full",
    ] {
        assert!(plain.contains(wanted), "{wanted:?} is not in {plain}");
    }
    let html = text_of(&mail, "text/html");
    let picture = &mail["parts"][4];
    let cid = picture["id"].as_str().unwrap().trim_matches(['<', '>']);
    assert!(html.contains(&format!("src=\"cid:{cid}\"")), "{html}");
    let png = std::fs::read(mails.dir.join(picture["file"].as_str().unwrap())).unwrap();
    assert!(png.starts_with(b"\x89PNG") && png.len() > 10_000, "{} bytes", png.len());

    let message = posted.recv_timeout(PATIENCE).unwrap();
    let message: Value = serde_json::from_slice(&message).unwrap();
    let attachment = &message["attachments"][0];
    let fields: BTreeMap<&str, &str> = attachment["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| (f["title"].as_str().unwrap(), f["value"].as_str().unwrap()))
        .collect();
    assert!(fields["Now"].starts_with("98.5 %"), "{fields:?}");
    assert!(
        fields["A week ago"].starts_with('5') && fields["Links"].contains("Runbook"),
        "{fields:?}"
    );
    let url = attachment["image_url"].as_str().unwrap();
    let path = &url[url.find("/api/").unwrap()..];
    let picture = server.get(path);
    assert_eq!((picture.status, picture.body == png), (200, true), "the same picture");
    let svg = server.get(&path.replace(".png", ".svg"));
    assert!(svg.text().contains("HostDiskFull · web-1"), "{}", svg.text());
    assert_eq!(server.get("/api/plimsoll/v1/evidence/0000.png").status, 404);

    let alerts: Value = serde_json::from_slice(&server.get("/api/v2/alerts").body).unwrap();
    let fingerprint = alerts[0]["fingerprint"].as_str().unwrap();
    let path = format!("/api/plimsoll/v1/alerts/{fingerprint}/evidence");
    let shown: Value = serde_json::from_slice(&server.get(&path).body).unwrap();
    assert!((shown["value"].as_f64().unwrap() - 0.985).abs() < 1e-9, "{shown}");
    assert_eq!(shown["chart_svg_url"], format!("{path}.svg"));
    assert_eq!(server.get(&format!("{path}.svg")).status, 200);
    assert_eq!(server.get("/api/plimsoll/v1/alerts/0000000000000000/evidence").status, 404);
    assert_eq!(server.get("/api/plimsoll/v1/alerts/x/evidence").status, 400);
    keep(&mails.dir);
    server.stop();
}

/// Lets a person look at what arrived.
fn keep(dir: &std::path::Path) {
    let Some(to) = std::env::var_os("PLIMSOLL_PICTURES") else { return };
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        std::fs::copy(entry.path(), PathBuf::from(&to).join(entry.file_name())).unwrap();
    }
}

#[test]
fn mail_goes_over_tls_with_a_login() {
    if !peer::slow("mail over STARTTLS and TLS with a login") {
        return;
    }
    let home = Home::new();
    let Some(starttls) = MailServer::start(&home, "starttls") else { return };
    let Some(tls) = MailServer::start(&home, "tls") else { return };
    let ca = |server: &MailServer| server.dir.join("ca.pem").to_str().unwrap().to_owned();
    let receiver = |name: &str, server: &MailServer, password: &str, tls: &str, implicit: bool| {
        format!(
            "- name: {name}\n  email_configs:\n  - {{to: ann@example.org, from: p@example.org, smarthost: \
             'localhost:{}', auth_username: plimsoll, auth_password: '{password}', force_implicit_tls: {implicit}, \
             tls_config: {{{tls}}}}}\n",
            server.port
        )
    };
    let right = "correct horse";
    let trusted = [format!("ca_file: '{}'", ca(&starttls)), format!("ca_file: '{}'", ca(&tls))];
    let mut am = "route: {receiver: starttls}\nreceivers:\n".to_owned();
    am += &receiver("starttls", &starttls, right, &trusted[0], false);
    am += &receiver("tls", &tls, right, &trusted[1], true);
    am += &receiver("anything", &starttls, right, "insecure_skip_verify: true", false);
    am += &receiver("named", &tls, right, &format!("{}, server_name: other", trusted[1]), true);
    am += &receiver("untrusted", &starttls, right, "", false);
    am += &receiver("password", &tls, "wrong", &trusted[1], true);
    let am = home.write("am.yml", &am);
    let server = home.start(&["--bare", "--alertmanager-config", am.to_str().unwrap()]);
    let tried = |name: &str| {
        let answer = server.post(&format!("/api/plimsoll/v1/receivers/{name}/test"));
        let answer: Value = serde_json::from_slice(&answer.body).unwrap();
        answer["channels"][0]["error"].as_str().unwrap_or("delivered").to_owned()
    };
    for name in ["starttls", "tls", "anything"] {
        assert_eq!(tried(name), "delivered", "{name}");
    }
    for (server, n) in [(&starttls, 0), (&tls, 0), (&starttls, 1)] {
        let mail = server.mail(n);
        assert_eq!((&mail["tls"], &mail["login"]), (&true.into(), &"plimsoll".into()), "{mail}");
    }
    for (name, wanted) in
        [("named", "certificate"), ("untrusted", "certificate"), ("password", "login: ")]
    {
        let told = tried(name);
        assert!(told.contains(wanted), "{name}: {told}");
    }
    server.stop();
}
