//! Tables of templates and what they show, from the documentation of Go, Prometheus and Alertmanager.

use std::collections::BTreeMap;

use super::*;

struct Fake;

impl Queries for Fake {
    fn query(&self, text: &str) -> Result<Vec<Sample>, String> {
        let sample = |pairs: &[(&str, &str)], value| Sample {
            labels: Labels::new(pairs.iter().copied()).unwrap(),
            value,
        };
        match text {
            "none" => Ok(Vec::new()),
            "two" => Ok(vec![
                sample(&[("__name__", "m"), ("instance", "b")], 21.0),
                sample(&[("__name__", "m"), ("instance", "a"), ("__value__", "s")], 11.5),
            ]),
            other => Err(format!("bad query {other}")),
        }
    }
}

fn expanded(text: &str, value: f64) -> Result<String, String> {
    let labels = Labels::new([
        ("__name__", "up"),
        ("instance", "a.example:90"),
        ("job", "api"),
        ("mount", "/"),
    ])
    .unwrap();
    let surroundings = Surroundings {
        external_labels: Labels::new([("region", "eu")]).unwrap(),
        external_url: Arc::from("http://host:1/p"),
    };
    let values = Values {
        labels: &labels,
        value,
        at: 1_435_065_584_128,
        surroundings: &surroundings,
        queries: Some(&Fake),
        reached: None,
    };
    let template = Template::parse(text).map_err(|e| e.to_string())?;
    template.expand("X", &values).map_err(|e| e.to_string())
}

#[track_caller]
fn shows(text: &str, value: f64, wanted: &str) {
    match expanded(text, value) {
        Ok(found) => assert_eq!(found, wanted, "{text}"),
        Err(e) => panic!("{text}: {e}"),
    }
}

#[track_caller]
fn fails(text: &str, part: &str) {
    match expanded(text, 1.0) {
        Ok(found) => panic!("{text} gave {found:?}"),
        Err(e) => assert!(e.contains(part), "{text}: {e}"),
    }
}

#[test]
fn annotations_show_labels_and_values() {
    shows("{{ $labels.job }} is at {{ $value }}", 0.5, "api is at 0.5");
    shows("{{$labels.instance | stripPort}} {{ .Labels.gone }}!", 1.0, "a.example !");
    shows("{{ $value }} {{ .Value }}", 1_234_567.0, "1.234567e+06 1.234567e+06");
    shows("{{ $value | humanize }}B", 1_234_567.0, "1.235MB");
    shows("{{ $externalLabels.region }} {{ $externalURL }}", 1.0, "eu http://host:1/p");
    shows(
        "{{ .ExternalLabels.region }} {{ externalURL }} {{ pathPrefix }}",
        1.0,
        "eu http://host:1/p /p",
    );
    shows("{{ $labels }}", 1.0, "map[__name__:up instance:a.example:90 job:api mount:/]");
    shows("no action }} here", 1.0, "no action }} here");
}

#[test]
fn white_space_is_cut_as_go_cuts_it() {
    shows("a  {{- $labels.mount -}}  b", 0.0, "a/b");
    shows("a \n\t{{- 1 -}}\r\n b", 0.0, "a1b");
    shows("a {{-1}} b", 0.0, "a -1 b");
    shows("{{/* why */}}x {{- /* not */ -}} y", 0.0, "xy");
    shows("{{\n\t\"a\"\n|\nprintf\n\"%s\"\n}}", 0.0, "a");
    shows("a {{- \"b\" }} c", 0.0, "ab c");
    shows("{{ \"x\" -}} ", 0.0, "x");
    fails("{{ /* x */ }}", "unexpected \"/\" in command");
    fails("{{/* x }}", "unclosed comment");
    fails("{{/* x */ }}", "comment ends before closing delimiter");
}

#[test]
fn control_goes_as_in_go() {
    for (text, wanted) in [
        ("{{if true}}a{{else}}b{{end}}", "a"),
        ("{{if 0}}a{{else if \"\"}}b{{else if 0.0}}c{{else}}d{{end}}", "d"),
        ("{{if not $labels.gone}}a{{end}}", "a"),
        ("{{with $labels.job}}{{.}}{{else}}none{{end}}", "api"),
        ("{{with $labels.gone}}{{.}}{{else with $labels.job}}{{.}}2{{end}}", "api2"),
        ("{{with $x := 3}}{{$x}}{{.}}{{end}}", "33"),
        ("{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}", "2"),
        ("{{$x := 1}}{{if true}}{{$x := 2}}{{end}}{{$x}}", "1"),
        (
            "{{range $i, $e := query \"two\"}}{{$i}}{{$e.Labels.instance}}={{$e.Value}};{{end}}",
            "0b=21;1a=11.5;",
        ),
        ("{{range query \"none\"}}x{{else}}nothing{{end}}", "nothing"),
        (
            "{{range $n, $v := $labels}}{{$n}}={{$v}},{{end}}",
            "__name__=up,instance=a.example:90,job=api,mount=/,",
        ),
        ("{{range 3}}{{.}}{{end}}", "012"),
        (
            "{{range $i := 5}}{{if eq $i 3}}{{break}}{{end}}{{if eq $i 1}}{{continue}}{{end}}{{$i}}{{end}}",
            "02",
        ),
        ("{{$s := \"\"}}{{range 3}}{{$s = print $s .}}{{end}}{{$s}}", "012"),
        ("{{define \"t\"}}<{{.}}{{$}}>{{end}}{{template \"t\" $labels.job}}", "<apiapi>"),
        ("{{block \"b\" 7}}[{{.}}]{{end}}", "[7]"),
        (
            "{{define \"t\"}}{{.arg0}}-{{.arg1}}{{end}}{{template \"t\" (args 1 $labels.job)}}",
            "1-api",
        ),
        ("{{range query \"two\" | sortByLabel \"instance\"}}{{.Labels.instance}}{{end}}", "ab"),
        (
            "{{with query \"two\"}}{{. | first | value}} {{. | first | label \"instance\"}}{{end}}",
            "21 b",
        ),
        ("{{index (query \"two\") 1 | strvalue}}", "s"),
        ("{{(index (query \"two\") 1).Labels.instance}}", "a"),
        ("{{$x := query \"two\"}}{{len $x}}{{(first $x).Value}}", "221"),
        ("{{\"a\" | printf \"%s%s\" \"b\"}}", "ba"),
        (
            "{{$}}",
            "{map[__name__:up instance:a.example:90 job:api mount:/] map[region:eu] http://host:1/p 1}",
        ),
    ] {
        shows(text, 1.0, wanted);
    }
}

#[test]
fn functions_of_go() {
    for (text, wanted) in [
        ("{{and 1 0 2}} {{and 1 2}} {{or 0 \"\" 3}} {{or 0 \"\"}}", "0 2 3 "),
        (
            "{{or true (first (query \"none\"))}} {{and false (first (query \"none\"))}}",
            "true false",
        ),
        ("{{1 | and 2}} {{0 | or 0}}", "1 0"),
        ("{{eq 1 1}} {{eq 1 2 3 1}} {{eq \"a\" \"b\"}} {{ne 1 2}}", "true true false true"),
        ("{{lt 1 2}} {{le 2 2}} {{gt \"b\" \"a\"}} {{ge 1.5 2.0}}", "true true true false"),
        ("{{gt $value 0.5}}", "true"),
        ("{{len \"abc\"}} {{len $labels}}", "3 4"),
        ("{{index $labels \"job\"}} {{index \"abc\" 1}}", "api 98"),
        ("{{slice \"abcdef\" 1 3}} {{slice \"abc\" 1}} {{slice \"abc\"}}", "bc bc abc"),
        ("{{print 1 2 \"a\" 3 4.5}}|{{println \"a\" 1}}", "1 2a3 4.5|a 1\n"),
        (
            "{{html \"<a href='x'>\"}} {{js \"it's <b>\"}} {{urlquery \"a b&c\"}}",
            "&lt;a href=&#39;x&#39;&gt; it\\'s \\u003Cb\\u003E a+b%26c",
        ),
        ("{{not 0}} {{not \"a\"}}", "true false"),
        (
            "{{'a'}} {{0x10}} {{0b11}} {{0o17}} {{1_000}} {{1e3}} {{-5}} {{+5}} {{.5}}",
            "97 16 3 15 1000 1000 -5 5 0.5",
        ),
        ("{{\"\\u00e9\\t\\x41\\101\\\"\"}} {{`a\"b`}}", "é\tAA\" a\"b"),
        ("{{true}} {{(1)}} {{print nil}}", "true 1 <nil>"),
    ] {
        shows(text, 1.0, wanted);
    }
}

#[test]
fn printf_prints_as_go_does() {
    for (text, wanted) in [
        ("{{printf \"%.2f of %s\" $value $labels.job}}", "0.33 of api"),
        ("{{$value | printf \"%.1f%%\"}}", "0.3%"),
        (
            "{{printf \"%5d|%-5d|%05d|%+d|%x|%X|%o|%b|%c|%U\" 42 42 42 42 255 255 8 5 65 65}}",
            "   42|42   |00042|+42|ff|FF|10|101|A|U+0041",
        ),
        (
            "{{printf \"%8.3f|%-8.1f|%08.2f|%+.1e|%g|%G\" 3.14159 2.5 -2.5 12345.678 1e21 1e-7}}",
            "   3.142|2.5     |-0002.50|+1.2e+04|1e+21|1E-07",
        ),
        (
            "{{printf \"%q %v %10s|%-10s|%.2s|%x\" \"a\\\"b\" \"c\" \"d\" \"e\" \"fgh\" \"hi\"}}",
            "\"a\\\"b\" c          d|e         |fg|6869",
        ),
        ("{{printf \"%t %v\" true false}}", "true false"),
        ("{{printf \"%T %T %T %T\" 1 1.0 \"a\" true}}", "int float64 string bool"),
        (
            "{{printf \"%d\" \"a\"}} {{printf \"%s\" 1}} {{printf \"%d\" 1.5}}",
            "%!d(string=a) %!s(int=1) %!d(float64=1.5)",
        ),
        (
            "{{printf \"%d %d\" 1}} {{printf \"%d\" 1 2}} {{printf \"%\"}} {{printf \"%z\" 1}}",
            "1 %!d(MISSING) 1%!(EXTRA int=2) %!(NOVERB) %!z(int=1)",
        ),
        (
            "{{printf \"%[2]d %[1]d\" 1 2}} {{printf \"%*d\" 5 1}} {{printf \"%.*f\" 1 2.25}}",
            "2 1     1 2.2",
        ),
        (
            "{{printf \"%v\" $labels.gone}}|{{printf \"%5t\" true}}|{{printf \"%6.2f%%\" 12.345}}",
            "| true| 12.35%",
        ),
        ("{{printf \"%s\" (toDuration 90)}}", "1m30s"),
        (
            "{{printf \"%+d\" -1}} {{printf \"% d\" 5}} {{printf \"%#x\" 255}} {{printf \"%08b\" 5}}",
            "-1  5 0xff 00000101",
        ),
        ("{{printf \"%v %s\" nil nil}}", "<nil> %!s(<nil>)"),
    ] {
        shows(text, 1.0 / 3.0, wanted);
    }
}

#[test]
fn functions_of_prometheus() {
    for (text, wanted) in [
        (
            "{{humanize 0.0}}:{{humanize 1}}:{{humanize \"1234567\"}}:{{humanize .12}}",
            "0:1:1.235M:120m",
        ),
        ("{{humanize1024 1048576}}:{{humanize1024 .12}}", "1Mi:0.12"),
        (
            "{{humanizeDuration 899.99}}:{{humanizeDuration 3661}}:{{humanizeDuration 0.0001}}",
            "14m 59s:1h 1m 1s:100us",
        ),
        ("{{humanizePercentage 0.1234567}} {{humanizePercentage -0.22222}}", "12.35% -22.22%"),
        ("{{humanizeTimestamp 1435065584.128}}", "2015-06-23 13:19:44.128 +0000 UTC"),
        (
            "{{(toTime 1435065584.128).Year}} {{(1435065584 | toTime).Format \"02 Jan 15:04\"}}",
            "2015 23 Jun 13:19",
        ),
        ("{{toDuration 3600.5}} {{(toDuration 90).Minutes}}", "1h0m0.5s 1.5"),
        ("{{now}} {{(now | toTime).Unix}}", "1.435065584128e+09 1435065584"),
        ("{{parseDuration \"1h30m\"}} {{parseDurationTime \"90s\"}}", "5400 1m30s"),
        ("{{title \"aa bb CC\"}} {{toUpper \"aé\"}} {{toLower \"AÉ\"}}", "Aa Bb CC AÉ aé"),
        ("{{reReplaceAll \"(a)b\" \"x$1\" \"ab\"}} {{match \"a+\" \"caa\"}}", "xa true"),
        (
            "{{stripPort \"a:9\"}} {{stripDomain \"a.b.c:9\"}} {{urlQueryEscape \"a b/c\"}}",
            "a a:9 a+b%2Fc",
        ),
        (
            "{{graphLink \"up{a=\\\"b\\\"}\"}} {{tableLink \"up\"}}",
            "/graph?g0.expr=up%7Ba%3D%22b%22%7D&g0.tab=0 /graph?g0.expr=up&g0.tab=1",
        ),
        ("{{safeHtml \"<b>\"}}", "<b>"),
        ("{{with args 1 2}}{{.arg0}}{{.arg1}}{{.arg2}}{{end}}", "12<no value>"),
    ] {
        shows(text, 1.0, wanted);
    }
}

#[test]
fn errors_are_said_as_prometheus_says_them() {
    let before = BEFORE_RULES.len();
    let at = |column: usize, rest: &str| {
        format!(
            "error executing template __alert_X: template: __alert_X:1:{}: {rest}",
            before + column
        )
    };
    for (text, wanted) in [
        (
            "{{ query \"none\" | first }}",
            at(
                18,
                "executing \"__alert_X\" at <first>: error calling first: first() called on vector with no elements",
            ),
        ),
        (
            "{{ \"x\" | humanize }}",
            at(
                9,
                "executing \"__alert_X\" at <humanize>: error calling humanize: strconv.ParseFloat: parsing \"x\": invalid syntax",
            ),
        ),
        (
            "{{ toUpper $value }}",
            at(
                11,
                "executing \"__alert_X\" at <$value>: wrong type for value; expected string; got float64",
            ),
        ),
        (
            "{{ if gt $value 5 }}{{ end }}",
            at(
                6,
                "executing \"__alert_X\" at <gt $value 5>: error calling gt: incompatible types for comparison",
            ),
        ),
        (
            "{{ range $value }}{{ end }}",
            at(9, "executing \"__alert_X\" at <$value>: range can't iterate over 1"),
        ),
    ] {
        assert_eq!(expanded(text, 1.0).unwrap_err(), wanted);
    }
    assert!(expanded("a\n{{ query \"bad\" }}", 1.0).unwrap_err().contains("__alert_X:2:3: "));
    fails(
        "{{ reReplaceAll \"a(\" \"\" \"\" }}",
        "error calling reReplaceAll: regexp: Compile(`a(`): ",
    );
    fails(
        "{{ humanizeTimestamp 1e100 }}",
        "1e+100 cannot be represented as a nanoseconds timestamp",
    );
}

#[test]
fn what_is_wrong_is_told_when_it_is_read() {
    for (text, part) in [
        (
            "{{ $label.job }}",
            "line 1, column 4: undefined variable \"$label\"; did you mean $labels?",
        ),
        (
            "a\n{{ $value | humanise }}",
            "line 2, column 13: function \"humanise\" not defined; did you mean humanize?",
        ),
        ("{{ .Lables.job }}", "column 4: can't evaluate field Lables in type struct"),
        ("{{ .Lables.job }}", "did you mean Labels?"),
        ("{{ humanize }}", "wrong number of args for humanize: want 1 got 0"),
        ("{{ 1 | humanize 2 }}", "wrong number of args for humanize: want 1 got 2"),
        ("{{ printf }}", "wrong number of args for printf: want at least 1 got 0"),
        (
            "{{ (query \"a\" | first).Vale }}",
            "can't evaluate field Vale in type *template.sample; did you mean Value?",
        ),
        ("{{ range query \"a\" }}{{ .Label }}{{ end }}", "did you mean Labels?"),
        ("{{ template \"x\" }}{{ define \"y\" }}{{ end }}", "template \"x\" not defined"),
        ("{{ define \"y\" }}{{ .Foo }}{{ end }}{{ template \"y\" . }}", "can't evaluate field Foo"),
        ("{{ $value.x }}", "can't evaluate field x in type float64"),
        ("{{ $value 1 }}", "can't give argument to non-function $value"),
        ("{{ if $value }}", "unexpected EOF"),
        ("{{ end }}", "unexpected {{end}}"),
        ("{{ else }}", "unexpected {{else}}"),
        ("{{ }}", "missing value for command"),
        ("{{", "unclosed action"),
        ("{{ \"é }}", "unterminated quoted string"),
        ("{{ `abc }}", "unterminated raw quoted string"),
        ("{{ (1 }}", "unclosed left paren"),
        ("{{ 1) }}", "unexpected right paren"),
        ("{{ 1 | 2 }}", "non executable command in pipeline stage 2"),
        ("{{ 1 | }}", "missing value for command"),
        ("{{ break }}", "outside {{range}}"),
        ("{{ $x = 1 }}", "undefined variable \"$x\""),
        ("{{ 1.5.5 }}", "bad number syntax"),
        ("{{ call 1 }}", "function \"call\" not defined"),
        ("{{ 99999999999999999999 }}", "integer overflow"),
        ("{{ \"\\q\" }}", "invalid syntax"),
        ("{{ define \"a\" }}{{ $value }}{{ end }}", "undefined variable \"$value\""),
        ("{{ a b }}", "function \"a\" not defined"),
        ("{{ 3x }}", "bad number syntax"),
    ] {
        let e = Template::parse(text).err().map_or_else(|| panic!("{text}"), |e| e.to_string());
        assert!(e.contains(part), "{text}: {e}");
    }
}

#[test]
fn every_bound_is_named() {
    fails("{{range 20000}}{{end}}", "range over 20000 elements, the limit is 10000");
    fails("{{range 10000}}{{range 10000}}{{end}}{{end}}", "steps, the limit");
    fails("{{range 10000}}xxxxxxxxxx{{end}}", "output above 65536 bytes, the limit");
    fails(
        "{{$x := \"xxxxxxxx\"}}{{range 100}}{{$x = print $x $x}}{{end}}",
        "65536 bytes, the limit",
    );
    fails("{{define \"a\"}}{{template \"a\"}}{{end}}{{template \"a\"}}", "nested deeper than 120");
    fails("{{printf \"%999999d\" 1}}", "65536 bytes, the limit");
    fails("{{$x := args 1}}{{range 100}}{{$x = args $x}}{{end}}", "args inside each other");
    fails("{{range 20}}{{query \"none\"}}{{end}}", "more than 10 queries, the limit");
    fails("{{reReplaceAll \"a{1000}{1000}\" \"\" \"\"}}", "the limit");
    fails("{{$x := printf \"%30000d\" 1}}{{reReplaceAll \" \" $x $x}}", "65536 bytes, the limit");
    fails(&"{{if 1}}".repeat(60), "nested deeper than 50");
    fails(&format!("{{{{ {}1{} }}}}", "(".repeat(60), ")".repeat(60)), "nested deeper than 50");
    fails(&format!("{{{{1}}}}{}", "x".repeat(2 << 20)), "longer than 1048576 bytes");
    let chain = format!("{{{{if 0}}}}{}{{{{end}}}}", "{{else if 0}}".repeat(5_000));
    shows(&chain, 1.0, "");
}

fn data() -> Arc<Data> {
    let map = |pairs: &[(&str, &str)]| -> Arc<BTreeMap<String, String>> {
        Arc::new(pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect())
    };
    let alert = |instance: &str, status: &str| AlertData {
        status: status.to_owned(),
        labels: map(&[("alertname", "Down"), ("instance", instance), ("job", "<api>")]),
        annotations: map(&[("summary", "it is <b>down</b>"), ("link", "javascript:alert(1)")]),
        starts_at_ms: 1_435_065_584_000,
        ends_at_ms: (status == "resolved").then_some(1_435_065_644_500),
        generator_url: "http://host:1/explore?a=b&c".to_owned(),
        fingerprint: "0123456789abcdef".to_owned(),
    };
    Arc::new(Data {
        receiver: "team".to_owned(),
        status: "firing".to_owned(),
        alerts: vec![Arc::new(alert("a", "firing")), Arc::new(alert("b", "resolved"))],
        notification_reason: String::new(),
        group_labels: map(&[("alertname", "Down")]),
        common_labels: map(&[("alertname", "Down"), ("job", "<api>")]),
        common_annotations: map(&[("summary", "it is <b>down</b>")]),
        external_url: "http://host:1".to_owned(),
        group_key: "{}:{alertname=\"Down\"}".to_owned(),
        truncated_alerts: 0,
        evidence: map(&[("Value", "97 %")]),
    })
}

#[track_caller]
fn notifies(text: &str, wanted: &str) {
    let found = Templates::standard().expand(text, Kind::Text, &data(), 1_435_065_704_000);
    assert_eq!(found.unwrap_or_else(|e| panic!("{text}: {e}")), wanted, "{text}");
}

#[test]
fn notifications_see_their_alerts() {
    for (text, wanted) in [
        (
            "{{ .Status }} {{ .Receiver }} {{ .ExternalURL }} {{ len .Alerts }}",
            "firing team http://host:1 2",
        ),
        ("{{ range .Alerts.Firing }}{{ .Labels.instance }}{{ end }}", "a"),
        ("{{ .Alerts.Resolved | len }} {{ (index .Alerts 0).Fingerprint }}", "1 0123456789abcdef"),
        ("{{ .CommonLabels.SortedPairs.Names | join \",\" }}", "alertname,job"),
        (
            "{{ range .CommonLabels.SortedPairs }}{{ .Name }}={{ .Value }};{{ end }}",
            "alertname=Down;job=<api>;",
        ),
        (
            "{{ with .CommonLabels.Remove .GroupLabels.Names }}{{ .Values | join \" \" }}{{ end }}",
            "<api>",
        ),
        ("{{ .CommonLabels.Remove (stringSlice \"job\" \"x\") }}", "alertname=Down"),
        (
            "{{ .GroupLabels }} {{ .CommonLabels.SortedPairs }}",
            "alertname=Down alertname=Down, job=<api>",
        ),
        ("{{ (index .Alerts 0).StartsAt.Format \"2006-01-02 15:04:05\" }}", "2015-06-23 13:19:44"),
        (
            "{{ $a := index .Alerts 1 }}{{ $a.EndsAt.Sub $a.StartsAt }} {{ $a.StartsAt.Unix }}",
            "1m0.5s 1435065584",
        ),
        (
            "{{ (index .Alerts 0).EndsAt.IsZero }} {{ (index .Alerts 0).EndsAt }}",
            "true 0001-01-01 00:00:00 +0000 UTC",
        ),
        (
            "{{ $a := index .Alerts 0 }}{{ since $a.StartsAt }} {{ since $a.StartsAt | humanizeDuration }}",
            "2m0s 2m 0s",
        ),
        ("{{ date \"15:04 MST\" (tz \"Europe/Paris\" (index .Alerts 0).StartsAt) }}", "15:19 CEST"),
        (
            "{{ \"aa bb CC\" | title }}|{{ trimSpace \" a \" }}|{{ urlUnescape \"a+b%20c\" }}",
            "Aa Bb Cc|a|a b c",
        ),
        (
            "{{ .GroupLabels | toJson }} {{ toJson \"<\\n\" }} {{ toJson 1.5 }}",
            "{\"alertname\":\"Down\"} \"\\u003c\\n\" 1.5",
        ),
        (
            "{{ (index .Alerts 0).StartsAt.Weekday }} {{ (index .Alerts 0).StartsAt.Month }}",
            "Tuesday June",
        ),
        ("{{ ((index .Alerts 0).StartsAt.Add 60000000000).Minute }}", "20"),
        (
            "{{ range $i, $a := .Alerts }}{{ if $i }}, {{ end }}{{ $a.Labels.instance }}{{ end }}",
            "a, b",
        ),
        ("{{ safeUrl \"x\" }}{{ safeHtml \"<\" }}{{ .TruncatedAlerts }}", "x<0"),
        ("{{ template \"slack.default.title\" . }}", "[FIRING:1] Down (<api>)"),
        ("{{ template \"__alertmanagerURL\" . }}", "http://host:1/alerts"),
    ] {
        notifies(text, wanted);
    }
}

#[test]
fn all_standard_templates_can_be_shown() {
    let templates = Templates::standard();
    templates.check_all().unwrap();
    let names: Vec<&str> = STANDARD_NAMES.to_vec();
    for name in names {
        let text = format!("{{{{ template {name:?} . }}}}");
        templates.check(&text).unwrap();
        for kind in [Kind::Text, Kind::Html] {
            templates.expand(&text, kind, &data(), 0).unwrap();
        }
    }
}

/// Names that configurations refer to.
const STANDARD_NAMES: [&str; 28] = [
    "__subject",
    "slack.default.title",
    "slack.default.username",
    "slack.default.fallback",
    "slack.default.pretext",
    "slack.default.titlelink",
    "slack.default.text",
    "slack.default.footer",
    "pagerduty.default.description",
    "pagerduty.default.client",
    "pagerduty.default.clientURL",
    "opsgenie.default.message",
    "opsgenie.default.description",
    "opsgenie.default.source",
    "victorops.default.state_message",
    "pushover.default.title",
    "pushover.default.message",
    "sns.default.subject",
    "telegram.default.message",
    "discord.default.title",
    "discord.default.message",
    "webex.default.message",
    "msteams.default.title",
    "msteams.default.text",
    "msteamsv2.default.text",
    "jira.default.summary",
    "email.default.subject",
    "email.default.html",
];

#[test]
fn mail_is_escaped_by_its_place() {
    let templates = Templates::standard();
    let shown = |text: &str| templates.expand(text, Kind::Html, &data(), 0).unwrap();
    let mail = shown("{{ template \"email.default.html\" . }}");
    assert!(mail.contains("it is &lt;b&gt;down&lt;/b&gt;"), "{mail}");
    assert!(mail.contains("<a href=\"http://host:1/explore?a=b&amp;c\""), "{mail}");
    assert!(mail.contains("<a href=\"http://host:1/alerts\""), "{mail}");
    assert!(!mail.contains("<api>") && !mail.contains("ZgotmplZ"), "{mail}");
    let link = shown("<a href=\"{{ (index .Alerts 0).Annotations.link }}\">");
    assert_eq!(link, "<a href=\"#ZgotmplZ\">");
    assert_eq!(shown("{{ safeHtml .CommonAnnotations.summary }}"), "it is <b>down</b>");
    assert_eq!(shown("<p title='{{ .CommonLabels.job }}'>"), "<p title='&lt;api&gt;'>");
}

#[test]
fn files_add_templates_and_are_checked() {
    let mut templates = Templates::standard();
    templates.add("own.tmpl", "{{ define \"own\" }}{{ .Status }}!{{ end }}").unwrap();
    templates
        .add("own2.tmpl", "{{ define \"slack.default.title\" }}{{ template \"own\" . }}{{ end }}")
        .unwrap();
    templates.check_all().unwrap();
    let shown =
        templates.expand("{{ template \"slack.default.title\" . }}", Kind::Text, &data(), 0);
    assert_eq!(shown.unwrap(), "firing!");
    let e =
        templates.add("bad.tmpl", "x\n{{ define \"b\" }}{{ humanise 1 }}{{ end }}").unwrap_err();
    assert_eq!((e.file.as_str(), e.line), ("bad.tmpl", 2));
    for (text, part) in [
        ("{{ .Alert }}", "can't evaluate field Alert in type *template.Data; did you mean Alerts?"),
        ("{{ range .Alerts }}{{ .Label.x }}{{ end }}", "did you mean Labels?"),
        ("{{ .Alerts.Fireing }}", "did you mean Firing?"),
        ("{{ template \"slack.default.titel\" . }}", "did you mean slack.default.title?"),
        ("{{ humanize 1 }}", "function \"humanize\" not defined"),
        ("{{ .CommonLabels.Remove }}", "wrong number of args for Remove: want 1 got 0"),
        ("{{ (index .Alerts 0).StartsAt.Fromat \"x\" }}", "did you mean Format?"),
        ("{{ $labels.x }}", "undefined variable"),
    ] {
        let e = templates.check(text).unwrap_err().to_string();
        assert!(e.contains(part), "{text}: {e}");
    }
}

#[test]
fn a_failing_notification_has_a_plain_text() {
    let templates = Templates::standard();
    let e =
        templates.expand("{{ reReplaceAll \"(\" \"\" \"\" }}", Kind::Text, &data(), 0).unwrap_err();
    let text = plain(&data(), &e);
    assert!(text.starts_with("[FIRING] 2 alerts\nfiring: alertname=Down, instance=a"), "{text}");
    assert!(text.contains("error expanding template: template: "), "{text}");
}
