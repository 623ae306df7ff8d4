//! Questions that were quick last time are answered on the thread that read them; the answer is the same,
//! also when the same question has become a large one.

use plimsoll_model::Labels;
use plimsoll_wire::remote_write::Encoder;

use crate::plimsoll::{Home, Plimsoll, escape};

/// A round time in the past, ms.
const END: i64 = 1_700_000_000_000;

fn write(server: &Plimsoll, series: i64, samples: i64) {
    let mut e = Encoder::new();
    for s in 0..series {
        let name = s.to_string();
        let labels = Labels::new([("__name__", "m"), ("s", &name)]).unwrap();
        let times: Vec<i64> = (0..samples).map(|i| END - (samples - i) * 10 + 10).collect();
        e.series(labels.as_ref(), &times, &vec![1.0; times.len()]);
    }
    assert_eq!(server.write(&e.finish()).status, 204);
}

fn at_once(server: &Plimsoll) -> f64 {
    let text = server.get("/metrics").text();
    let line = text.lines().find_map(|l| l.strip_prefix("plimsoll_serve_queries_at_once_total "));
    line.and_then(|n| n.parse().ok()).unwrap()
}

#[test]
fn what_was_quick_is_answered_at_once_and_within_bounds() {
    let home = Home::new();
    let server = home.start(&["--bare", "--retention=unlimited"]);
    write(&server, 1, 100);
    let query = escape("sum(count_over_time(m[1h]))");
    let path = format!("/api/v1/query?query={query}&time={}", END / 1000);
    let answer = |path: &str| {
        let answer = server.get(path);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.text()
    };
    let first = answer(&path);
    assert!(first.contains("\"100\""), "{first}");
    // Nothing is cheaper than this; a machine that is too slow for it a hundred times is no machine.
    let one = answer("/api/v1/query?query=1&time=1");
    assert!((0..100).all(|_| answer("/api/v1/query?query=1&time=1") == one));
    assert!(at_once(&server) > 0.0, "never answered at once");
    assert!((0..20).all(|_| answer(&path) == first));
    // The question is the same, and now has more samples than may be read at once.
    write(&server, 40, 3000);
    let before = at_once(&server);
    assert!(answer(&path).contains("\"120000\""));
    assert_eq!(at_once(&server), before);
    for path in ["/api/v1/labels", "/api/v1/label/s/values", "/api/v1/series?match[]=m"] {
        let first = answer(path);
        assert!((0..20).all(|_| answer(path) == first));
    }
    server.stop();
}
