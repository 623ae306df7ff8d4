//! What fuzzers call: any bytes are read, checked and run, and survived.

use std::sync::Arc;

use plimsoll_model::Labels;

use super::{
    AlertData, Data, Kind, Limits, Queries, Sample, Surroundings, Template, Templates, Values,
};

struct Few;

impl Queries for Few {
    fn query(&self, text: &str) -> Result<Vec<Sample>, String> {
        let labels = Labels::new([("instance", text)]).map_err(|e| e.to_string())?;
        Ok(vec![Sample { labels, value: text.len() as f64 }; text.len() % 4])
    }
}

/// Reads bytes as the text of a rule, of a receiver and of a file, and shows what can be shown.
pub fn fuzz_template(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Ok(labels) = Labels::new([("job", "a<b"), ("instance", "h:1")]) else { return };
    let surroundings = Surroundings::default();
    let values = Values {
        labels: &labels,
        value: 1.5,
        at: 0,
        surroundings: &surroundings,
        queries: Some(&Few),
        reached: None,
    };
    if let Ok(template) = Template::parse(&text) {
        let shown = template.show("X", &values);
        assert!(shown.len() <= 2 * Limits::RULE.output_bytes.max(text.len() + 1_000));
    }
    let mut templates = Templates::empty();
    let alert = AlertData { status: "firing".to_owned(), ..AlertData::default() };
    let data = Arc::new(Data { alerts: vec![Arc::new(alert)], ..Data::default() });
    let limits = Limits { queries: 0, ..Limits::RULE };
    for kind in [Kind::Text, Kind::Html] {
        let _result = templates.expand_within(&text, kind, &data, 0, limits);
    }
    let _result = templates.add("fuzz", &text);
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEDS: [&str; 9] = [
        "{{ if gt $value 0.5 }}{{ $labels.job | title }}{{ else if .Value }}x{{ else }}{{ end }}",
        "{{ range $i, $e := query \"two\" | sortByLabel \"instance\" }}{{ $e.Labels.instance }}{{ break }}{{ else }}{{ end }}",
        "{{ define \"a\" }}{{ template \"a\" . }}{{ end }}{{ template \"a\" (args 1 `x`) }}{{ block \"b\" . }}{{ end }}",
        "a {{- /* x */ -}} b {{ printf \"%[1]*.3d|%q|%+v|%-08.3f\" 5 'a' $labels 2.5 }}",
        "{{ $x := slice \"abcdef\" 1 3 }}{{ range 9 }}{{ $x = print $x . }}{{ continue }}{{ end }}{{ index $x 1 }}",
        "{{ with .CommonLabels.Remove (stringSlice \"a\") }}{{ .SortedPairs.Names | join \",\" }}{{ end }}",
        "<a href=\"{{ .ExternalURL }}\" title='{{ .Status }}' {{ .Receiver }}>{{ (index .Alerts 0).StartsAt.Format \"Jan _2 15:04:05.000\" }}</a>",
        "{{ reReplaceAll \"(a+)[^b\\\\d]\" \"${1}$2\" \"aab\" }}{{ parseDuration \"1h\" | toDuration }}{{ toTime 1e9 }}",
        "{{ date \"Mon\" (tz \"UTC\" (index .Alerts 0).EndsAt) }}{{ . | toJson }}{{ since (index .Alerts 0).StartsAt }}",
    ];
    const PARTS: [&str; 24] = [
        "{{",
        "}}",
        "{{-",
        " -}}",
        "(",
        ")",
        "|",
        "\"",
        "`",
        "'",
        "$",
        ".",
        ":=",
        "{{end}}",
        "{{else}}",
        "{{range 9}}",
        "{{if .}}",
        "/*",
        "*/",
        "\\",
        "%",
        "9999999",
        "é",
        "\u{0}",
    ];

    fn next(state: &mut u64) -> usize {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        (*state >> 11) as usize
    }

    #[test]
    fn mutated_templates_are_survived() {
        let rounds = if std::env::var_os("PLIMSOLL_SLOW").is_some() { 300_000 } else { 3_000 };
        let mut state = 0x9e37_79b9_7f4a_7c15;
        for round in 0..rounds {
            let mut bytes = SEEDS[round % SEEDS.len()].as_bytes().to_vec();
            for _ in 0..=next(&mut state) % 4 {
                let at = next(&mut state) % (bytes.len() + 1);
                match next(&mut state) % 5 {
                    0 => bytes.truncate(at),
                    1 => bytes
                        .splice(at..at, PARTS[next(&mut state) % PARTS.len()].bytes())
                        .for_each(drop),
                    2 => bytes.push(next(&mut state) as u8),
                    3 => {
                        let end = (at + next(&mut state) % 9).min(bytes.len());
                        bytes.drain(at..end);
                    }
                    _ => {
                        let other = SEEDS[next(&mut state) % SEEDS.len()].as_bytes();
                        let from = next(&mut state) % other.len();
                        let to = (from + next(&mut state) % 20).min(other.len());
                        bytes.splice(at..at, other[from..to].iter().copied()).for_each(drop);
                    }
                }
            }
            fuzz_template(&bytes);
        }
    }

    #[test]
    fn bytes_that_are_no_template_are_survived() {
        let mut state = 1;
        for _ in 0..500 {
            let bytes: Vec<u8> =
                (0..next(&mut state) % 200).map(|_| next(&mut state) as u8).collect();
            fuzz_template(&bytes);
        }
        fuzz_template(&"{{(".repeat(1_000).into_bytes());
        fuzz_template(&"{{range .}}".repeat(1_000).into_bytes());
        fuzz_template(&"{{if 1}}{{else}}".repeat(1_000).into_bytes());
    }
}
