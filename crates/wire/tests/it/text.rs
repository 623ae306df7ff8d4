//! Expositions and what must be read from them; `None` where the whole body is refused.

use plimsoll_model::LabelBuf;
use plimsoll_wire::text::{Format, Line, Scanner, TextWriter, parse_series};

use Format::{OpenMetrics as OM, Prometheus as TEXT};

fn read(body: &[u8], format: Format) -> Option<String> {
    let mut out = Vec::new();
    let mut scanner = Scanner::new(body, format);
    while let Some(line) = scanner.next_line().ok()? {
        let Line::Sample(s) = line else { continue };
        let pairs = parse_series(s.series, format, s.bound).ok()?;
        let mut labels = LabelBuf::new();
        labels.set(&mut pairs.iter().map(|(n, v)| (n.as_ref(), v.as_ref())).collect()).ok()?;
        let time = s.time.map(|t| format!(" @{t}")).unwrap_or_default();
        out.push(format!("{} {}{time}", labels.to_labels(), s.value));
    }
    Some(out.join("\n"))
}

#[track_caller]
fn check(format: Format, cases: &[(&str, Option<&str>)]) {
    for (body, want) in cases {
        assert_eq!(read(body.as_bytes(), format).as_deref(), *want, "{body:?}");
    }
}

#[test]
fn prometheus_text_that_is_good() {
    check(
        TEXT,
        &[
            ("", Some("")),
            ("m 1\n", Some("m 1")),
            ("m 1", Some("m 1")),
            ("\n\n\t m 1 \n\n", Some("m 1")),
            ("# just a comment\n#another\n# HELP x\n# TYPE x gauge\n#\nm 1\n", Some("m 1")),
            ("# HELP m a \\\\ b \\n c\n# TYPE m untyped\nm 1\n", Some("m 1")),
            ("m{a=\"1\",b=\"2\",} 3\n", Some("m{a=\"1\", b=\"2\"} 3")),
            ("m{} 3\n", Some("m 3")),
            ("m { a = \"1\" , b = \"2\" } \t 3 \n", Some("m{a=\"1\", b=\"2\"} 3")),
            ("m{a=\"x\\\\y\\\"z\\nw}\"} 1\n", Some("m{a=\"x\\\\y\\\"z\\nw}\"} 1")),
            ("m{a=\"Ünï ✓\"} 1\n", Some("m{a=\"Ünï ✓\"} 1")),
            ("m{a=\"\"} 1\n", Some("m 1")),
            ("a:b:c 1 1700000000123\n", Some("a:b:c 1 @1700000000123")),
            ("{\"my.metric\",a=\"b\"} 1\n", Some("my.metric{a=\"b\"} 1")),
            ("m{\"my.label\"=\"b\"} 1\n", Some("m{my.label=\"b\"} 1")),
            (
                "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh{le=\"1\"} 3\n",
                Some("h_bucket{le=\"1.0\"} 1\nh_bucket{le=\"+Inf\"} 2\nh{le=\"1\"} 3"),
            ),
            ("h_bucket{le=\"1\"} 1\n", Some("h_bucket{le=\"1\"} 1")),
            ("# TYPE s summary\ns{quantile=\"1\"} 1\n", Some("s{quantile=\"1.0\"} 1")),
        ],
    );
}

#[test]
fn prometheus_text_that_is_bad() {
    for body in [
        "m\n",
        "m{a=\"b\"}\n",
        "m 1 2 3\n",
        "m one\n",
        "1m 1\n",
        "m{1a=\"b\"} 1\n",
        "m{a=b} 1\n",
        "m{a=\"b\" 1\n",
        "m{a=\"b} 1\n",
        "m{a=\"b\",,c=\"d\"} 1\n",
        "m{,} 1\n",
        "m{a=\"1\",a=\"2\"} 1\n",
        "a 1\nb 2\n!!\n",
        "<html>hi</html>\n",
        "m{__name__=\"n\"} 1\n",
        "m 1 1.5\n",
        "m 1\r\n",
        "m 0x10\n",
        "m 1_000\n",
        "c 1e400\n",
        "# TYPE m nonsense\nm 1\n",
        "m 1 # {a=\"b\"} 1\n",
        "{} 1\n",
        "{a=\"b\"} 1\n",
        "m{\"\"=\"b\"} 1\n",
        "m{a:b=\"c\"} 1\n",
    ] {
        assert_eq!(read(body.as_bytes(), TEXT), None, "{body:?}");
    }
    assert_eq!(read(b"m{a=\"\xff\"} 1\n", TEXT), None);
}

#[test]
fn open_metrics_that_is_good() {
    check(
        OM,
        &[
            ("# EOF\n", Some("")),
            ("m 1\n# EOF", Some("m 1")),
            (
                "# TYPE c counter\n# HELP c A \\\"c\\\".\nc_total 5 1.5\nc_created 1.5\n# EOF\n",
                Some("c_total 5 @1500\nc_created 1.5"),
            ),
            ("c_total 5 # {trace_id=\"abc\"} 1 1.5\n# EOF\n", Some("c_total 5")),
            ("c_total 5 9.25 # {} 1\n# EOF\n", Some("c_total 5 @9250")),
            ("# TYPE g_bytes gauge\n# UNIT g_bytes bytes\ng_bytes 1\n# EOF\n", Some("g_bytes 1")),
            (
                "# TYPE h gaugehistogram\nh_bucket{le=\"1\"} 1\nh_gsum 3\n# EOF\n",
                Some("h_bucket{le=\"1.0\"} 1\nh_gsum 3"),
            ),
            ("m{a=\"x\\\\y\\\"z\\nw\"} 1\n# EOF\n", Some("m{a=\"x\\\\y\\\"z\\nw\"} 1")),
        ],
    );
}

#[test]
fn open_metrics_that_is_bad() {
    for body in [
        "m 1\n",
        "m 1\n# EOF\nn 1\n",
        "# TYPE g gauge\n# UNIT g bytes\ng 1\n# EOF\n",
        "# TYPE u untyped\nu 1\n# EOF\n",
        "m 1\n\n# EOF\n",
        "# a comment\nm 1\n# EOF\n",
        " m 1\n# EOF\n",
        "m  1\n# EOF\n",
        "m\t1\n# EOF\n",
        "m 1 NaN\n# EOF\n",
        "m 1 +Inf\n# EOF\n",
        "c_total 5 # {a=\"b\" 1\n# EOF\n",
        "c_total 5 # {a=\"b\"}\n# EOF\n",
        "m 1 \n# EOF\n",
    ] {
        assert_eq!(read(body.as_bytes(), OM), None, "{body:?}");
    }
}

#[test]
fn an_error_names_the_line() {
    let mut scanner = Scanner::new(b"a 1\nb two\n", TEXT);
    assert!(scanner.next_line().is_ok());
    assert_eq!(
        scanner.next_line().unwrap_err().to_string(),
        "line 2: \"b two\": value \"two\" is not a number"
    );
}

#[test]
fn what_is_written_is_read() {
    let mut w = TextWriter::new();
    w.family("my.metric", plimsoll_model::MetricKind::Counter, "a \"b\" \\ \n");
    w.sample("my.metric", &[("a", "x\\y\"z\nw"), ("b.c", "✓")], 1e21);
    let text = w.finish();
    assert_eq!(
        read(text.as_bytes(), TEXT).as_deref(),
        Some("my.metric{a=\"x\\\\y\\\"z\\nw\", b.c=\"✓\"} 1000000000000000000000")
    );
}
