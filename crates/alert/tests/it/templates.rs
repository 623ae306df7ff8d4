//! Templates of rules beside Debian's promtool: each of some hundred gives the same text, errors too.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use plimsoll_alert::{Queries, Surroundings, Template, TemplateSample, Values};
use plimsoll_model::Labels;

/// Values that functions are tried with.
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "0.5",
    "-0.5",
    "0.3333333333333333",
    "12.345",
    "59.99",
    "60",
    "61",
    "-61",
    "899.99",
    "999.99",
    "999.999",
    "1000",
    "1023",
    "1024",
    "1048576",
    "3600",
    "3661",
    "86400",
    "90061",
    "1234567",
    "-1234567.8",
    "123456",
    "100000",
    "1000000",
    "1e-5",
    "0.0001",
    "1e-7",
    "1e21",
    "1e300",
    "1435065584.128",
    "123456789012345",
];
/// What is done with each.
const WITH_NUMBERS: &[&str] = &[
    "{{ $value }}",
    "{{ .Value | humanize }}",
    "{{ humanize1024 $value }}",
    "{{ humanizeDuration $value }}",
    "{{ humanizePercentage $value }}",
    "{{ humanizeTimestamp $value }}",
    "{{ ($value | toTime).Format \"2006-01-02T15:04:05.000Z07:00 Mon Jan _2 3:04PM\" }}",
    "{{ printf \"%v|%f|%e|%g|%E|%G|%F\" $value $value $value $value $value $value $value }}",
    "{{ printf \"%.0f|%.1f|%.3e|%.3g|%.0g|%.10g\" $value $value $value $value $value $value }}",
    "{{ printf \"%10.2f|%-10.2f|%010.2f|%+.2f|% .2f|%+v\" $value $value $value $value $value $value }}",
    "{{ printf \"%d|%s|%q|%t|%x\" $value $value $value $value $labels.case }}",
    "{{ printf \"%T %[1]v %5.1[1]f\" $value }}",
    "{{ print $value $value }}|{{ println $value \"a\" }}",
    "{{ if gt $value 60.0 }}high{{ else if lt $value 0.0 }}low{{ else }}ok{{ end }}",
    "{{ if eq $value 1.0 60.0 }}one{{ end }}{{ if ne $value 0.0 }}not{{ end }}",
    "{{ if $value }}set{{ else }}unset{{ end }}{{ not $value }}",
    "{{ with $value }}{{ . }}{{ end }}",
    "{{ and $value 2 }} {{ or $value 2 }}",
    "{{ urlquery $value }} {{ html $value }} {{ js $value }}",
    "{{ $x := $value }}{{ $x = 2 }}{{ $x }}",
    "{{ range query \"sort(two)\" }}{{ .Labels.instance }}={{ .Value | humanize }};{{ end }}",
    "{{ le $value 1 }}",
];
/// The others.
const TEMPLATES: &[&str] = &[
    "plain",
    "",
    "a }} b",
    "{{ $labels.job }} {{ .Labels.job }} {{ $labels.gone }}|",
    "{{ $labels }}",
    "{{ $externalLabels.region }} {{ $externalURL }} {{ .ExternalURL }}",
    "{{ $externalLabels }}",
    "a  {{- $labels.mount -}}  b",
    "a \n\t{{- 1 -}}\n\n b",
    "a {{-1}} b",
    "a {{- \"b\" }} c",
    "{{/* why */}}x {{- /* not */ -}} y",
    "{{- \"a\" -}}",
    "{{\n\"a\"\n|\nprintf\n\"%s\"\n}}",
    "{{if true}}a{{else}}b{{end}}",
    "{{if 0}}a{{else if \"\"}}b{{else if 0.0}}c{{else}}d{{end}}",
    "{{if not $labels.gone}}a{{end}}",
    "{{with $labels.job}}{{.}}{{else}}none{{end}}",
    "{{with $labels.gone}}{{.}}{{else}}none{{end}}",
    "{{with $x := 3}}{{$x}}{{.}}{{end}}",
    "{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}",
    "{{$x := 1}}{{if true}}{{$x := 2}}{{end}}{{$x}}",
    "{{range $i, $e := query \"sort(two)\"}}{{$i}}{{$e.Labels.instance}}={{$e.Value}};{{end}}",
    "{{range query \"none\"}}x{{else}}nothing{{end}}",
    "{{range $n, $v := $labels}}{{$n}}={{$v}},{{end}}",
    "{{range $v := $labels}}{{$v}},{{end}}",
    "{{range $labels}}{{.}},{{end}}",
    "{{range $i, $e := query \"sort(two)\"}}{{if $i}}{{break}}{{end}}{{$i}}{{end}}",
    "{{range $i, $e := query \"sort(two)\"}}{{if $i}}{{continue}}{{end}}{{$i}}{{end}}",
    "{{define \"t\"}}<{{.}}{{$}}>{{end}}{{template \"t\" $labels.job}}",
    "{{define \"t\"}}<{{.}}>{{end}}{{template \"t\"}}",
    "{{block \"b\" 7}}[{{.}}]{{end}}",
    "{{define \"t\"}}{{.arg0}}-{{.arg1}}{{.arg2}}{{end}}{{template \"t\" (args 1 $labels.job)}}",
    "{{args 1 \"a\" 2.5 true}}",
    "{{range $k, $v := args 1 \"b\"}}{{$k}}{{$v}}{{end}}",
    "{{range query \"sort(two)\" | sortByLabel \"instance\"}}{{.Labels.instance}}{{end}}",
    "{{with query \"sort(two)\" | sortByLabel \"instance\"}}{{. | first | value}} {{. | first | label \"instance\"}}{{end}}",
    "{{(query \"sort(two)\" | first).Labels}}",
    "{{query \"sort(two)\" | len}}",
    "{{len (query \"none\")}}",
    "{{query \"none\" | first}}",
    "{{ query \"none\" | first | value }}",
    "{{$x := query \"sort(two)\" | sortByLabel \"instance\"}}{{(first $x).Value}}{{(index $x 1).Value}}",
    "{{ (index (query \"sort(two)\") 5).Value }}",
    "{{strvalue (first (query \"sort(two)\"))}}",
    "{{\"a\" | printf \"%s%s\" \"b\"}}",
    "{{$}}",
    "{{and 1 0 2}} {{and 1 2}} {{or 0 \"\" 3}} {{or 0 \"\"}}",
    "{{or true (first (query \"none\"))}} {{and false (first (query \"none\"))}}",
    "{{1 | and 2}} {{0 | or 0}}",
    "{{eq 1 1}} {{eq 1 2 3 1}} {{eq \"a\" \"b\"}} {{ne 1 2}} {{eq true true}}",
    "{{eq 1 1.0}}",
    "{{eq 1 \"1\"}}",
    "{{eq $labels $labels}}",
    "{{eq 1}}",
    "{{lt 1 2}} {{le 2 2}} {{gt \"b\" \"a\"}} {{ge 1.5 2.0}} {{lt \"a\" \"b\"}}",
    "{{lt 1 1.5}}",
    "{{lt true false}}",
    "{{lt $labels 1}}",
    "{{len \"abc\"}} {{len $labels}}",
    "{{len 3}}",
    "{{index $labels \"job\"}} {{index \"abc\" 1}} {{index $labels \"gone\"}}|",
    "{{index \"abc\" 5}}",
    "{{index $labels 1}}",
    "{{index 1 1}}",
    "{{index \"abc\" \"a\"}}",
    "{{slice \"abcdef\" 1 3}} {{slice \"abc\" 1}} {{slice \"abc\"}}",
    "{{slice \"abc\" 2 1}}",
    "{{slice \"abc\" 0 9}}",
    "{{slice $labels 1}}",
    "{{print 1 2 \"a\" 3 4.5}}|{{println \"a\" 1}}|{{print}}|{{print true false}}",
    "{{html \"<a href='x'>&\\\"\"}} {{html 1 \"<\"}}",
    "{{js \"it's <b> \\\"x\\\" = & \\\\ \\n\"}}",
    "{{urlquery \"a b&c/d?e=f~\"}}",
    "{{not 0}} {{not \"a\"}} {{not nil}}",
    "{{'a'}} {{0x10}} {{0b11}} {{0o17}} {{017}} {{1_000}} {{1e3}} {{-5}} {{+5}} {{.5}} {{1.}}",
    "{{\"\\u00e9\\t\\x41\\101\\\"\"}} {{`a\"b`}}",
    "{{true}} {{(1)}} {{print nil}} {{((\"a\"))}}",
    "{{printf \"%d %d\" 1}} {{printf \"%d\" 1 2}} {{printf \"%\"}} {{printf \"%z\" 1}} {{printf \"%!\" 1}}",
    "{{printf \"%5d|%-5d|%05d|%+d|%x|%X|%o|%b|%c|%U|%q\" 42 42 42 42 255 255 8 5 65 65 65}}",
    "{{printf \"%#x|%#o|%O|% d|%+05d|%.3d|%8.3d\" 255 8 8 5 7 5 5}}",
    "{{printf \"%q %v %10s|%-10s|%.2s|%x|%X|% x\" \"a\\\"b\" \"c\" \"d\" \"e\" \"fgh\" \"hi\" \"hi\" \"hi\"}}",
    "{{printf \"%q\" \"é\\t\\n\\x00\\u200b ü\"}}",
    "{{printf \"%t %v %5t|%q\" true false true true}}",
    "{{printf \"%T %T %T %T %T %T\" 1 1.0 \"a\" true $labels (query \"sort(two)\")}}",
    "{{printf \"%d\" \"a\"}} {{printf \"%s\" 1}} {{printf \"%d\" 1.5}} {{printf \"%s\" true}} {{printf \"%f\" 1}}",
    "{{printf \"%[2]d %[1]d\" 1 2}} {{printf \"%*d\" 5 1}} {{printf \"%.*f\" 1 2.25}} {{printf \"%-*d|\" 5 1}}",
    "{{printf \"%[3]d\" 1 2}} {{printf \"%[x]d\" 1}} {{printf \"%*d\" \"a\" 1}} {{printf \"%.*d\" \"a\" 1}}",
    "{{printf \"%v %s %d\" nil nil nil}}",
    "{{printf \"%s\" $labels}}",
    "{{printf \"%q\" $labels}}",
    "{{printf \"%v\" $labels.gone}}|{{printf \"%6.2f%%\" 12.345}}|{{printf \"%c\" 233}}",
    "{{printf \"%s %s\" (args 1) (args \"a\")}}",
    "{{printf 1}}",
    "{{humanize \"1234567\"}} {{humanize 5}} {{humanize \"0x10\"}}",
    "{{humanize \"x\"}}",
    "{{humanize true}}",
    "{{humanize $labels}}",
    "{{humanize nil}}",
    "{{humanize \"1e400\"}}",
    "{{humanize \"NaN\"}} {{humanize \"+Inf\"}} {{humanize \"-inf\"}} {{humanizeDuration \"NaN\"}} {{humanizePercentage \"Inf\"}}",
    "{{humanizeTimestamp \"NaN\"}} {{humanizeTimestamp \"Inf\"}}",
    "{{humanizeTimestamp 1e20}}",
    "{{toTime \"NaN\"}}",
    "{{(toTime 1435065584.128).Year}} {{(1435065584 | toTime).Format \"02 Jan 15:04\"}} {{(toTime 0).Weekday}}",
    "{{toTime 1435065584.5}} {{(toTime 10).Unix}} {{(toTime 10).IsZero}} {{(toTime 10).Month}}",
    "{{(toTime 100).Sub (toTime 10.5)}} {{((toTime 100).Sub (toTime 10)).Minutes}}",
    "{{((toTime 100).Add 1000000000).Unix}} {{((toTime 0).AddDate 1 1 1).Format \"2006-01-02\"}}",
    "{{(toTime 100).Before (toTime 10)}} {{(toTime 100).After (toTime 10)}} {{(toTime 1).YearDay}}",
    "{{parseDuration \"1h30m\"}} {{parseDuration \"5d\"}} {{parseDuration \"0\"}} {{parseDuration \"1y2w3d4h5m6s7ms\"}}",
    "{{parseDuration \"x\"}}",
    "{{parseDuration \"\"}}",
    "{{title \"aa bb CC\"}} {{toUpper \"aé\"}} {{toLower \"AÉ\"}}",
    "{{reReplaceAll \"(a)b\" \"x$1\" \"ab\"}} {{reReplaceAll \"a*\" \"-\" \"baac\"}} {{reReplaceAll \"(?P<n>a)\" \"${n}1\" \"ba\"}}",
    "{{reReplaceAll \"localhost:(.*)\" \"my.domain:$1\" \"localhost:3000\"}} {{reReplaceAll \"\\\\d+\" \"#\" \"a12b3\"}}",
    "{{reReplaceAll \"(a)\" \"$1x\" \"ab\"}}|{{reReplaceAll \"(a)\" \"${1}x$$\" \"ab\"}}",
    "{{match \"a+\" \"caa\"}} {{match \"^a\" \"ba\"}} {{match `\\w+` \"é\"}} {{match \"[[:digit:]]\" \"a1\"}}",
    "{{match \"(\" \"a\"}}",
    "{{stripPort \"a:9\"}} {{stripPort \"[::1]:9\"}} {{stripPort \"::1\"}} {{stripPort \"a\"}} {{stripPort \"1.2.3.4:http\"}}",
    "{{stripDomain \"a.b.c:9\"}} {{stripDomain \"a.b\"}} {{stripDomain \"1.2.3.4:5\"}} {{stripDomain \"[::1]:5\"}} {{stripDomain \"a\"}}",
    "{{graphLink \"up{a=\\\"b\\\"} > 1\"}} {{tableLink \"up\"}}",
    "{{safeHtml \"<b>\"}} {{safeHtml \"a\" | printf \"%s %T\" 1}}",
    "{{toUpper $value}}",
    "{{toUpper 5}}",
    "{{toUpper nil}}",
    "{{toUpper (safeHtml \"a\")}}",
    "{{toUpper true}}",
    "{{first \"a\"}}",
    "{{first $labels}}",
    "{{label 1 (first (query \"sort(two)\"))}}",
    "{{query 5}}",
    "{{range $value}}{{end}}",
    "{{range \"abc\"}}{{end}}",
    "{{range $labels.gone}}{{end}}",
    "{{nil}}",
    "{{ if (query \"none\") }}a{{ else }}b{{ end }}{{ if $labels }}c{{ end }}",
    "a\nb {{ toUpper 5 }}",
    "{{ toUpper\n 5 }}",
    "{{define \"x\"}}\n{{ toUpper 5 }}{{end}}{{template \"x\"}}",
    "{{with $labels}}{{.job}}{{$.Value}}{{end}}",
    "{{range query \"sort(two)\" | sortByLabel \"instance\"}}{{$.Labels.job}}{{.Labels.instance}}{{$value}} {{end}}",
    "{{$a := \"x\"}}{{range query \"sort(two)\"}}{{$a = print $a \"y\"}}{{end}}{{$a}}",
    "{{ printf \"%s has %v\" .Labels.job .Value | title }}",
    "{{ $labels.instance | stripPort | toUpper | printf \"%-12s|\" }}",
    "{{ define \"a\" }}{{ end }}x",
    "{{ $labels.job }}{{ \"\\n\" }}{{ $labels.mount | printf \"%q\" }}",
    "{{ query \"1 + 1\" | first | value }} {{ query \"vector(3)\" | first | value }}",
];

struct Fake;

impl Queries for Fake {
    fn query(&self, text: &str) -> Result<Vec<TemplateSample>, String> {
        let sample = |pairs: &[(&str, &str)], value| TemplateSample {
            labels: Labels::new(pairs.iter().copied()).unwrap(),
            value,
        };
        Ok(match text {
            "sort(two)" => vec![
                sample(&[("__name__", "two"), ("instance", "a")], 11.5),
                sample(&[("__name__", "two"), ("instance", "b")], 21.0),
            ],
            "1 + 1" => vec![sample(&[], 2.0)],
            "vector(3)" => vec![sample(&[], 3.0)],
            _ => Vec::new(),
        })
    }
}

/// A template, the number of its value, and what it gives here.
struct Case {
    template: String,
    number: usize,
    shown: String,
}

fn cases() -> Vec<Case> {
    // Above an i64 of seconds Prometheus shows what is left of an overflow.
    let fits = |t: &str, n: usize| !(30..=31).contains(&n) || !t.contains("humanizeDuration");
    let over = |(n, _): (usize, _)| {
        WITH_NUMBERS.iter().filter(move |t| fits(t, n)).map(move |t| ((*t).to_owned(), n))
    };
    let mut all: Vec<(String, usize)> = NUMBERS.iter().enumerate().flat_map(over).collect();
    all.extend(TEMPLATES.iter().map(|t| ((*t).to_owned(), 1)));
    let surroundings = Surroundings {
        external_labels: Labels::new([("region", "eu")]).unwrap(),
        external_url: Arc::from("http://host:1/p"),
    };
    let shown = |(i, (text, number)): (usize, (String, usize))| {
        let case = number.to_string();
        let pairs = [
            ("__name__", "m"),
            ("case", &case),
            ("instance", "a.example:90"),
            ("job", "api"),
            ("mount", "/"),
        ];
        let labels = Labels::new(pairs).unwrap();
        let values = Values {
            labels: &labels,
            value: NUMBERS[number].parse().unwrap(),
            at: 60_000,
            surroundings: &surroundings,
            queries: Some(&Fake),
            reached: None,
        };
        let template = Template::parse(&text).unwrap_or_else(|e| panic!("{text}: {e}"));
        let shown = template.show(&format!("T{i}"), &values);
        Case { template: text, number, shown }
    };
    all.into_iter().enumerate().map(shown).collect()
}

#[test]
fn promtool_shows_the_same() {
    let cases = cases();
    let program = ["/usr/bin/promtool", "/usr/local/bin/promtool"].map(PathBuf::from);
    let Some(program) = program.into_iter().find(|p| p.is_file()) else {
        println!("skipped: promtool is not installed");
        return;
    };
    let quoted = |text: &str| serde_json::to_string(text).unwrap();
    let mut rules = "groups:\n- name: g\n  rules:\n".to_owned();
    let mut tests = "rule_files: [rules.yml]\nevaluation_interval: 1m\ntests:\n- interval: 1m\n  \
                     external_labels: {region: eu}\n  external_url: http://host:1/p\n  input_series:\n"
        .to_owned();
    for (i, number) in NUMBERS.iter().enumerate() {
        let series = format!("m{{case=\"{i}\",instance=\"a.example:90\",job=\"api\",mount=\"/\"}}");
        let _ = writeln!(tests, "  - {{series: {}, values: '{number} {number}'}}", quoted(&series));
    }
    tests.push_str("  - {series: 'two{instance=\"b\"}', values: '21 21'}\n");
    tests
        .push_str("  - {series: 'two{instance=\"a\"}', values: '11.5 11.5'}\n  alert_rule_test:\n");
    for (i, case) in cases.iter().enumerate() {
        let n = case.number;
        let _ = writeln!(
            rules,
            "  - {{alert: T{i}, expr: 'm{{case=\"{n}\"}}', annotations: {{t: {}}}}}",
            quoted(&case.template)
        );
        let _ = writeln!(
            tests,
            "  - eval_time: 1m\n    alertname: T{i}\n    exp_alerts:\n    - exp_labels: {{case: '{n}', instance: \
             'a.example:90', job: api, mount: /}}\n      exp_annotations: {{t: {}}}",
            quoted(&case.shown)
        );
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("rules.yml"), rules).unwrap();
    std::fs::write(dir.path().join("tests.yml"), tests).unwrap();
    let ran = Command::new(program).args(["test", "rules", "tests.yml"]).current_dir(&dir).output();
    let ran = ran.unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "of {} templates some differ: {said}", cases.len());
}
