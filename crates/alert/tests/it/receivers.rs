//! Every kind of receiver against a server that records what it gets.

use std::sync::Arc;
use std::time::Duration;

use expect_test::expect_file;
use parking_lot::Mutex;
use plimsoll_alert::config::{Integration, read_file};
use plimsoll_alert::notify::{Making, Outcome, Outgoing, Tools};
use plimsoll_alert::{Notice, Notification, Routing, Templates};
use plimsoll_net::{HttpClient, HttpConfig};
use plimsoll_world::RealDisk;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

pub const CONFIG: &str = r#"
global: {opsgenie_api_key: key-o, opsgenie_api_url: 'http://ADDR/opsgenie/', pagerduty_url: 'http://ADDR/pagerduty', telegram_api_url: 'http://ADDR/telegram'}
route: {receiver: all}
receivers:
- name: all
  discord_configs: [{webhook_url: 'http://ADDR/discord', username: plimsoll}]
  email_configs:
  - to: 'Ann <ann@example.org>, bob@example.org'
    from: plimsoll@example.org
    smarthost: MAIL
    require_tls: false
    headers: {X-Team: '{{ .CommonLabels.team }}', Subject: 'Grüße: {{ .CommonLabels.alertname }}'}
    threading: {enabled: true}
  msteams_configs: [{webhook_url: 'http://ADDR/teams'}]
  msteamsv2_configs: [{webhook_url: 'http://ADDR/teams2'}]
  ntfy_configs: [{url: 'http://ADDR/', topic: 'alerts-{{ .CommonLabels.team }}', token: key-n}]
  opsgenie_configs:
  - tags: 'a, {{ .CommonLabels.team }}'
    priority: '{{ if eq .CommonLabels.severity "critical" }}P1{{ else }}P3{{ end }}'
    responders: [{type: team, name: '{{ .CommonLabels.team }}'}, {type: teams, name: 'x,y'}, {type: user, username: '{{ .CommonLabels.nobody }}'}]
  pagerduty_configs:
  - routing_key: key-p
    severity: '{{ .CommonLabels.severity }}'
    details: {runbook: '{{ .CommonAnnotations.runbook }}', nested: {n: 1, t: '{{ .Status }}'}}
    links: [{href: 'http://x/{{ .Status }}', text: open}, {text: nowhere}]
    images: [{src: 'http://x/i.png', alt: chart}]
  - service_key: key-p1
    url: http://ADDR/pagerduty1
  slack_configs:
  - api_url: http://ADDR/slack
    channel: '#ops'
    fields: [{title: team, value: '{{ .CommonLabels.team }}', short: true}]
    actions: [{type: button, text: open, url: '{{ .ExternalURL }}'}]
  - app_token: key-s
    app_url: http://ADDR/slackapp
    channel: C1
  telegram_configs: [{bot_token: key-t, chat_id: -42, message_thread_id: 7}]
  webhook_configs: [{url: 'http://ADDR/webhook'}]
  exec_configs: [{program: /bin/cat}]
"#;

/// What a server does with a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mood {
    Takes,
    Refuses,
    Breaks,
    IsBusy,
    Babbles,
    Hangs,
}

#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub head: String,
    pub body: String,
}

/// Speaks enough HTTP to record requests.
pub async fn http_double(mood: Mood) -> (String, Arc<Mutex<Vec<Seen>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let kept = Arc::clone(&kept);
            tokio::spawn(async move {
                _ = serve_http(stream, mood, &kept).await;
            });
        }
    });
    (addr, seen)
}

async fn serve_http(stream: TcpStream, mood: Mood, seen: &Mutex<Vec<Seen>>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let length = head.to_lowercase();
    let length = length.split("content-length: ").nth(1).unwrap_or("0").lines().next().unwrap();
    let mut body = vec![0; length.parse().unwrap_or(0)];
    stream.read_exact(&mut body).await?;
    let is_telegram = head.contains("/telegram");
    seen.lock().push(Seen { head, body: String::from_utf8_lossy(&body).into_owned() });
    let (status, extra, body) = match mood {
        Mood::Takes if is_telegram => ("200 OK", "", r#"{"ok":true}"#),
        Mood::Takes => ("200 OK", "", ""),
        Mood::Refuses => ("400 Bad Request", "", "no such thing"),
        Mood::Breaks => ("503 Service Unavailable", "", "later"),
        Mood::IsBusy => ("429 Too Many Requests", "retry-after: 7\r\n", "slow down"),
        Mood::Babbles => {
            stream.get_mut().write_all(b"\x00\xff\x00 what\r\n\r\n").await?;
            return Ok(());
        }
        Mood::Hangs => std::future::pending().await,
    };
    let len = body.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {len}\r\n{extra}connection: close\r\n\r\n{body}"
    );
    stream.get_mut().write_all(answer.as_bytes()).await
}

/// Speaks enough SMTP to record mails.
pub async fn smtp_double(mood: Mood) -> (String, Arc<Mutex<Vec<Seen>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let kept = Arc::clone(&kept);
            tokio::spawn(async move {
                _ = serve_smtp(stream, mood, &kept).await;
            });
        }
    });
    (addr, seen)
}

async fn serve_smtp(stream: TcpStream, mood: Mood, seen: &Mutex<Vec<Seen>>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    match mood {
        Mood::Hangs => std::future::pending::<()>().await,
        Mood::Babbles => {
            // Without an end, until nobody reads any more.
            loop {
                stream.get_mut().write_all(&[b'x'; 4096]).await?;
            }
        }
        _ => stream.get_mut().write_all(b"220 double\r\n").await?,
    }
    let mut one = Seen::default();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        one.head.push_str(&line);
        let answer = match (line.get(..4).unwrap_or("").to_uppercase().as_str(), mood) {
            ("EHLO", _) => "250-double\r\n250 8BITMIME\r\n",
            ("RCPT", Mood::Refuses) => "550 nobody here\r\n",
            ("RCPT", Mood::Breaks | Mood::IsBusy) => "451 not now\r\n",
            ("DATA", _) => {
                stream.get_mut().write_all(b"354 go\r\n").await?;
                while !one.body.ends_with("\r\n.\r\n") {
                    stream.read_line(&mut one.body).await?;
                }
                seen.lock().push(one.clone());
                "250 taken\r\n"
            }
            ("QUIT", _) => "221 bye\r\n",
            _ => "250 ok\r\n",
        };
        stream.get_mut().write_all(answer.as_bytes()).await?;
    }
}

fn alert(instance: &str, ends_at: Option<i64>) -> Notice {
    let pairs = |all: &[(&str, &str)]| {
        all.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
    };
    Notice {
        labels: pairs(&[
            ("alertname", "DiskFull"),
            ("instance", instance),
            ("severity", "critical"),
            ("team", "storage"),
        ]),
        annotations: pairs(&[("summary", "97 % of <b>/</b> & full"), ("runbook", "http://run/1")]),
        starts_at: 1_763_700_000_000,
        ends_at,
        generator_url: "http://plimsoll:7546/explore?expr=up".to_owned(),
        ..Notice::default()
    }
}

pub fn notification(fires: bool) -> Notification {
    let end = if fires { None } else { Some(1_763_700_600_000) };
    Notification {
        receiver: "all".into(),
        integration: String::new(),
        group_key: "{}:{alertname=\"DiskFull\"}".into(),
        group_id: "{}:{alertname=\"DiskFull\"}".into(),
        group_labels: [("alertname".to_owned(), "DiskFull".to_owned())].into(),
        alerts: vec![alert("a:9100", end), alert("b:9100", Some(1_763_700_600_000))],
        at: 1_763_700_660_000,
        key: "k1".into(),
        is_repeat: false,
    }
}

pub fn routing(text: &str, http: &str, mail: &str) -> Arc<Routing> {
    let text = text.replace("ADDR", http).replace("MAIL", mail);
    read_file("am.yml", &text, &["/bin/cat".into(), "/bin/sh".into()]).unwrap().routing
}

pub fn tools() -> Tools {
    let client = Arc::new(HttpClient::new(HttpConfig::default()));
    Tools { client, disk: Arc::new(RealDisk), gallery: None }
}

fn message(integration: &Integration, n: &Notification) -> serde_json::Value {
    let templates = Templates::standard();
    let making =
        Making { external_url: "http://plimsoll:7546", templates: &templates, exhibit: None };
    integration.channel.make(n, &making).unwrap()
}

async fn send(integration: &Integration, n: &Notification) -> Outcome {
    let message = message(integration, n);
    let idempotency_key = format!("0123-k1-{}", integration.name());
    integration.channel.send(Outgoing { idempotency_key, message }, &tools()).await
}

#[tokio::test]
async fn messages_are_as_the_services_want_them() {
    let routing = routing(CONFIG, "127.0.0.1:1", "127.0.0.1:1");
    let mut told = String::new();
    for integration in &routing.receivers[0].integrations {
        for fires in [true, false] {
            let message = message(integration, &notification(fires));
            let message = serde_json::to_string_pretty(&message).unwrap();
            let state = if fires { "firing" } else { "resolved" };
            told.push_str(&format!("{} {state}\n{message}\n\n", integration.name()));
        }
    }
    assert!(!told.contains("key-"), "a secret is in a message that is kept");
    expect_file!["messages.txt"].assert_eq(&told);
}

#[tokio::test]
async fn every_kind_is_delivered() {
    let (http, requests) = http_double(Mood::Takes).await;
    let (mail, mails) = smtp_double(Mood::Takes).await;
    let routing = routing(CONFIG, &http, &mail);
    for integration in &routing.receivers[0].integrations {
        for fires in [true, false] {
            let outcome = send(integration, &notification(fires)).await;
            assert_eq!(outcome, Outcome::Delivered, "{}", integration.name());
        }
    }
    let mut told = String::new();
    for Seen { head, body } in requests.lock().iter() {
        let wanted = ["authorization", "idempotency-key", "content-type"];
        let (first, rest) = head.split_once("\r\n").unwrap();
        told.push_str(first);
        for line in rest.lines().filter(|l| wanted.iter().any(|w| l.to_lowercase().starts_with(w)))
        {
            told.push_str(&format!("\n  {line}"));
        }
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        for key in ["routing_key", "service_key", "chat_id"] {
            if let Some(value) = body.get(key) {
                told.push_str(&format!("\n  {key}: {value}"));
            }
        }
        told.push('\n');
    }
    for Seen { head, body } in mails.lock().iter() {
        told.push_str(&format!("{head}{body}\n").replace('\r', ""));
    }
    expect_file!["requests.txt"].assert_eq(&told);
}

#[tokio::test]
async fn what_a_receiver_answers_decides_what_follows() {
    for mood in [Mood::Refuses, Mood::Breaks, Mood::IsBusy, Mood::Babbles] {
        let (http, _) = http_double(mood).await;
        let (mail, _) = smtp_double(mood).await;
        let routing = routing(CONFIG, &http, &mail);
        for integration in &routing.receivers[0].integrations {
            let name = integration.name();
            if name == "exec/0" {
                continue;
            }
            let outcome = send(integration, &notification(true)).await;
            let is_right = match mood {
                Mood::Refuses => matches!(outcome, Outcome::GivenUp(_)),
                Mood::IsBusy if name != "email/0" => {
                    matches!(&outcome, Outcome::Busy(_, wait) if *wait == Duration::from_secs(7))
                }
                _ => matches!(outcome, Outcome::Failed(_)),
            };
            assert!(is_right, "{name} {mood:?}: {outcome:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_hangs_is_left() {
    let (http, _) = http_double(Mood::Hangs).await;
    let (mail, _) = smtp_double(Mood::Hangs).await;
    let routing = routing(CONFIG, &http, &mail);
    for integration in &routing.receivers[0].integrations {
        if integration.channel.kind() != "exec" {
            let outcome = send(integration, &notification(true)).await;
            assert!(matches!(outcome, Outcome::Failed(_)), "{}: {outcome:?}", integration.name());
        }
    }
}

#[tokio::test]
async fn programs_say_by_their_end_how_it_went() {
    let of = |script: &str, more: &str| {
        let text = format!(
            "route: {{receiver: a}}\nreceivers:\n- name: a\n  exec_configs:\n  - program: /bin/sh\n    args: [-c, {script:?}]\n{more}"
        );
        routing(&text, "", "")
    };
    let n = notification(true);
    for (script, more, wanted) in [
        (r#"test "$(env | grep -c ^HOME)" = 0 && grep -q '"version":"4"'"#, "", "Delivered"),
        ("exit 75", "", "Failed"),
        ("echo no such pager >&2; exit 3", "", "GivenUp"),
        ("kill -9 $$", "", "Failed"),
        ("exec sleep 1000", "    timeout: 50ms\n", "Failed"),
    ] {
        let routing = of(script, more);
        let outcome = send(&routing.receivers[0].integrations[0], &n).await;
        assert!(format!("{outcome:?}").starts_with(wanted), "{script}: {outcome:?}");
    }
    let text = "route: {receiver: a}\nreceivers: [{name: a, exec_configs: [{program: /bin/rm}]}]\n";
    let told = read_file("am.yml", text, &[]).unwrap_err()[0].to_string();
    assert!(told.contains("add it to alert.exec_allowed"), "{told}");
}

#[tokio::test]
async fn an_error_in_a_template_holds_no_page_back() {
    let broken = r#"{{ index .CommonLabels.alertname 99 }}"#;
    let text = format!(
        "route: {{receiver: a}}\nreceivers:\n- name: a\n  slack_configs: [{{api_url: 'http://ADDR/', title: '{broken}', text: 'fine'}}]\n  \
         telegram_configs: [{{bot_token: t, chat_id: 1, message: '{broken}'}}]\n  \
         pagerduty_configs: [{{routing_key: t, description: '{broken}'}}]\n"
    );
    let routing = routing(&text, "h", "");
    for integration in &routing.receivers[0].integrations {
        let message = message(integration, &notification(true)).to_string();
        assert!(message.contains("(error expanding template: "), "{message}");
        assert!(message.contains("[FIRING] 2 alerts"), "{message}");
    }
}

#[test]
fn texts_are_cut_to_what_services_take() {
    let long = "ü".repeat(60_000);
    let text = format!(
        "route: {{receiver: a}}\nreceivers:\n- name: a\n  \
         discord_configs: [{{webhook_url: 'http://h', title: {long}, message: {long}, content: {long}}}]\n  \
         ntfy_configs: [{{topic: t, message: {long}}}]\n  \
         opsgenie_configs: [{{api_key: k, message: {long}, description: {long}}}]\n  \
         pagerduty_configs: [{{routing_key: k, description: {long}, details: {{x: \"{}\"}}}}]\n  \
         slack_configs: [{{api_url: 'http://h', title: {long}, text: {long}}}]\n  \
         telegram_configs: [{{bot_token: k, chat_id: 1, message: {long}}}]\n",
        "z".repeat(600_000),
    );
    let routing = routing(&text, "h", "");
    let of = |i: usize| message(&routing.receivers[0].integrations[i], &notification(true));
    let chars = |v: &serde_json::Value| v.as_str().unwrap().chars().count();
    let discord = &of(0);
    let embed = &discord["embeds"][0];
    let lengths =
        [chars(&embed["title"]), chars(&embed["description"]), chars(&discord["content"])];
    assert_eq!(lengths, [256, 4096, 2000]);
    let ntfy = of(1);
    let ntfy = ntfy["message"].as_str().unwrap();
    assert!(ntfy.len() <= 4096 && ntfy.ends_with('…'), "{}", ntfy.len());
    let opsgenie = of(2);
    assert_eq!(chars(&opsgenie["body"]["message"]), 130);
    assert_eq!(chars(&opsgenie["body"]["description"]), 15_000);
    let pagerduty = of(3);
    assert_eq!(chars(&pagerduty["payload"]["summary"]), 1024);
    assert!(pagerduty["payload"]["custom_details"]["error"].is_string());
    let slack = of(4);
    assert_eq!(chars(&slack["attachments"][0]["title"]), 1024);
    assert_eq!(chars(&slack["attachments"][0]["text"]), 40_000);
    assert_eq!(chars(&of(5)["text"]), 4096);
}
