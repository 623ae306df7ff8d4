//! Scrapes: the cache as a pure machine, and whole pools against targets that misbehave.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_collect::config::{Defaults, ScrapeConfig, WrittenScrape};
use plimsoll_collect::own::{Expose, Own, OwnConfig, ProcessMetrics, Registry};
use plimsoll_collect::scrape::{Cache, Report, Terms};
use plimsoll_collect::{CollectConfig, Collector, Parts};
use plimsoll_model::SourceId;
use plimsoll_net::{HttpClient, HttpConfig};
use plimsoll_wire::text::Format;
use plimsoll_world::SystemClock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::sink::Remember;

fn terms() -> Terms {
    Terms {
        labels: vec![("instance".into(), "i".into()), ("job".into(), "j".into())],
        honor_timestamps: true,
        samples_max: 100,
        ..Terms::default()
    }
}

struct Bench {
    cache: Cache,
    sink: Remember,
    terms: Terms,
    now: i64,
}

impl Bench {
    fn new(terms: Terms) -> Self {
        Self { cache: Cache::default(), sink: Remember::default(), terms, now: 0 }
    }

    fn scrape(&mut self, body: &str) -> Result<Report, String> {
        self.now += 1000;
        let outcome = self.cache.absorb(body.as_bytes(), Format::Prometheus, self.now, &self.terms);
        if outcome.is_err() {
            self.cache.fail(self.now);
        }
        let source = SourceId::new("j");
        self.cache.submit(self.now, &[], &source, &self.sink).wait().unwrap();
        outcome
    }

    #[track_caller]
    fn has(&self, want: &[&str]) {
        let got: Vec<String> = self
            .sink
            .last("")
            .iter()
            .map(|s| s.replace("instance=\"i\", job=\"j\"", "I"))
            .collect();
        assert_eq!(got, want);
    }
}

#[test]
fn target_labels_win_unless_theirs_are_honoured() {
    let body = "m{job=\"mine\",instance=\"x\",exported_job=\"y\"} 1\n";
    let mut b = Bench::new(terms());
    b.scrape(body).unwrap();
    b.has(&["m{exported_exported_job=\"mine\", exported_instance=\"x\", exported_job=\"y\", I} 1"]);
    let mut b = Bench::new(Terms { honor_labels: true, ..terms() });
    b.scrape(body).unwrap();
    b.has(&["m{exported_job=\"y\", instance=\"x\", job=\"mine\"} 1"]);
}

#[test]
fn the_first_of_duplicates_wins_in_any_spelling() {
    let mut b = Bench::new(terms());
    let report =
        b.scrape("m{a=\"1\",b=\"2\"} 1\nm{b=\"2\",a=\"1\"} 2\nm{a=\"1\",b=\"2\"} 3\n").unwrap();
    assert_eq!(report, Report { scraped: 3, kept: 1, added: 1 });
    b.has(&["m{a=\"1\", b=\"2\", I} 1"]);
}

#[test]
fn what_vanishes_or_fails_goes_stale_and_comes_back() {
    let mut b = Bench::new(terms());
    b.scrape("a 1\nb 2\nt 3 500\n").unwrap();
    assert_eq!(b.scrape("a 1\n").unwrap(), Report { scraped: 1, kept: 1, added: 0 });
    b.has(&["a{I} 1", "b{I} stale", "t{I} 3"]);
    b.scrape("a 1\nnew 1\n!!\n").unwrap_err();
    b.has(&["a{I} stale", "b{I} stale", "t{I} 3"]);
    b.scrape("a 4\nb 5\n").unwrap();
    b.has(&["a{I} 4", "b{I} 5", "t{I} 3"]);
    b.scrape("junk").unwrap_err();
    b.scrape("junk").unwrap_err();
    assert_eq!(b.sink.series.lock()["a{instance=\"i\", job=\"j\"}"].len(), 5);
}

#[test]
fn limits_lose_the_scrape_and_say_which() {
    let many: String = (0..101).map(|i| format!("m{{i=\"{i}\"}} 1\n")).collect();
    let long = format!("m{{a=\"{}\"}} 1\n", "x".repeat(40));
    let tight = Terms { labels_max: 4, label_value_bytes_max: 30, ..terms() };
    for (body, limit) in [
        (many.as_str(), "sample_limit = 100"),
        (&long, "label_value_length_limit = 30"),
        ("m{a=\"1\",b=\"2\"} 1\n", "label_limit = 4"),
    ] {
        let e = Bench::new(tight.clone()).scrape(body).unwrap_err();
        assert!(e.contains(limit), "{e}");
    }
}

#[test]
fn metric_relabelling_drops_and_renames() {
    let written: WrittenScrape = serde_saphyr::from_str(
        "job_name: j\nmetric_relabel_configs:\n- {source_labels: [__name__], regex: 'go_.*', action: drop}\n\
         - {regex: 'tmp_(.*)', action: labelmap}\n- {regex: 'tmp_.*', action: labeldrop}\n",
    )
    .unwrap();
    let config = written.check(Defaults::default(), "scrape").ok().unwrap();
    let mut b = Bench::new(Terms { metric_relabel: config.metric_relabel, ..terms() });
    let report = b.scrape("go_x 1\nm{tmp_a=\"1\"} 2\n").unwrap();
    assert_eq!(report, Report { scraped: 2, kept: 1, added: 1 });
    b.has(&["m{a=\"1\", I} 2"]);
}

#[test]
fn metadata_is_told_once_until_it_changes() {
    let mut b = Bench::new(terms());
    for help in ["one", "one", "two"] {
        b.scrape(&format!("# TYPE m counter\n# HELP m {help}\nm 1\n")).unwrap();
    }
    let told: Vec<String> = b.sink.metadata.lock().iter().map(|m| m.help.clone()).collect();
    assert_eq!(told, ["one", "two"]);
}

#[test]
fn own_metrics_are_kept_like_a_targets() {
    let registry = Arc::new(Registry::new());
    registry.register(Arc::new(ProcessMetrics) as Arc<dyn Expose>);
    let sink = Remember::default();
    let mut own = Own::new(registry, &OwnConfig::new("me:1"));
    own.collect(1000, &sink).unwrap().wait().unwrap();
    let found = sink.last("process_resident_memory_bytes{instance=\"me:1\", job=\"plimsoll\"}");
    assert_eq!(found.len(), 1);
}

async fn target<F, T>(talk: F) -> String
where
    F: Fn(TcpStream) -> T + Send + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 4096];
            let _request = stream.read(&mut head).await;
            tokio::spawn(talk(stream));
        }
    });
    address
}

fn job(name: &str, address: &str) -> ScrapeConfig {
    let defaults =
        Defaults { interval: Duration::from_millis(300), timeout: Duration::from_millis(250) };
    let mut config = ScrapeConfig::new(name, &[address], defaults);
    config.body_bytes_max = 4 << 20;
    config.samples_max = 50_000;
    config
}

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_targets_harm_only_themselves() {
    let good = target(|mut s| async move {
        let _sent = s.write_all(format!("{HEAD}m 1\n").as_bytes()).await;
    })
    .await;
    let hangs = target(|s| async move {
        std::future::pending::<()>().await;
        drop(s);
    })
    .await;
    let garbage = target(|mut s| async move {
        let _sent = s.write_all(&[0xff; 5000]).await;
    })
    .await;
    let endless = target(|mut s| async move {
        let mut sent = s.write_all(HEAD.as_bytes()).await;
        while sent.is_ok() {
            sent = s.write_all(&[b'#'; 1 << 16]).await;
        }
    })
    .await;
    let million = target(|mut s| async move {
        let mut sent = s.write_all(HEAD.as_bytes()).await;
        let mut i = 0;
        while i < 1_000_000 && sent.is_ok() {
            let part: String = (i..i + 1000).map(|i| format!("m{{i=\"{i}\"}} 1\n")).collect();
            sent = s.write_all(part.as_bytes()).await;
            i += 1000;
        }
    })
    .await;
    let jobs = [
        ("good", &good),
        ("hangs", &hangs),
        ("garbage", &garbage),
        ("endless", &endless),
        ("million", &million),
    ];
    let sink = Arc::new(Remember::default());
    let parts = Parts {
        clock: Arc::new(SystemClock::default()),
        client: Arc::new(HttpClient::new(HttpConfig::default())),
        sink: Arc::clone(&sink) as Arc<dyn plimsoll_model::SampleSink>,
        registry: Arc::new(Registry::new()),
    };
    let config = CollectConfig {
        scrape: jobs.iter().map(|(n, a)| job(n, a)).collect(),
        ..CollectConfig::default()
    };
    let collector = Collector::start(config.clone(), parts).ok().unwrap();
    let ups = || -> BTreeMap<String, String> {
        let all = sink.last("up{");
        all.iter()
            .map(|s| {
                let job = s.split("job=\"").nth(1).unwrap().split('"').next().unwrap();
                (job.to_owned(), s.rsplit(' ').next().unwrap().to_owned())
            })
            .collect()
    };
    while ups().len() < 5 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for (job, up) in ups() {
        assert_eq!(up, if job == "good" { "1" } else { "0" }, "{job}");
    }
    assert_eq!(sink.last("m{").len(), 1, "only the good target's series are stored");
    for t in collector.status().targets {
        assert_eq!(t.last_error.is_empty(), t.pool == "good", "{}: {}", t.pool, t.last_error);
    }
    // A reload keeps the good target and retires the others.
    let mut smaller = config;
    smaller.scrape.truncate(1);
    collector.apply(collector.prepare(smaller).ok().unwrap());
    while ups().values().filter(|v| *v == "stale").count() < 4 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(collector.status().targets.len(), 1);
    assert_eq!(ups()["good"], "1");
    collector.stop(Duration::from_secs(5)).await;
    assert!(collector.status().targets.is_empty());
}
