//! Evidence in words: for the services' fields, for mails, for templates, as JSON.

use std::collections::BTreeMap;

use plimsoll_model::{SECOND_MS, Timestamp, show_duration_ms};
use serde_json::{Value, json};

use super::{Exhibit, Picture, PictureKind, Reading};
use crate::notify::escaped;
use crate::route::payload::rfc3339;

/// Bytes of all fields together.
const FIELDS_BYTES_MAX: usize = 6_000;
/// The place in an HTML text where evidence is put, if it is there.
const SLOT: &str = "<tr id=\"plimsoll-evidence\"></tr>";

/// A line of evidence: what it is, and what it says.
pub type Field = (&'static str, String);

impl Exhibit {
    /// Its figures as fields, the most important first.
    pub fn fields(&self) -> Vec<Field> {
        let mut out = Vec::new();
        match self.readings.as_slice() {
            [only] => self.one(only, &mut out),
            many => {
                let lines: Vec<String> = many.iter().map(|r| self.line(r)).collect();
                if !lines.is_empty() {
                    out.push(("Values", lines.join("\n") + &self.more()));
                }
                if !self.condition.is_empty() {
                    out.push(("Condition", self.condition.clone()));
                }
            }
        }
        if self.fired_30d > 0 {
            let times = if self.fired_30d == 1 {
                "once".to_owned()
            } else {
                format!("{} times", self.fired_30d)
            };
            out.push(("Fired in 30 days", times));
        }
        if !self.last.is_empty() {
            let lines: Vec<String> =
                self.last.iter().map(|h| format!("{} {}", moment(h.at), h.what)).collect();
            out.push(("Before", lines.join("\n")));
        }
        let findings = &self.findings;
        if !findings.causes.is_empty() {
            let all = findings.causes.iter().enumerate();
            let lines: Vec<String> = all
                .map(|(i, c)| format!("{}. {} ({:.0} %)", i + 1, c.text, c.score * 100.0))
                .collect();
            out.push(("Likely causes", lines.join("\n")));
        }
        if !findings.changes.is_empty() {
            let lines: Vec<String> =
                findings.changes.iter().map(|h| format!("{} {}", moment(h.at), h.what)).collect();
            out.push(("What changed", lines.join("\n")));
        }
        out.extend(findings.forecast.clone().map(|text| ("Forecast", text)));
        out.extend(findings.recommendation.clone().map(|text| ("Do first", text)));
        let mut room = FIELDS_BYTES_MAX;
        out.retain(|(name, value)| {
            let fits = name.len() + value.len() <= room;
            room -= if fits { name.len() + value.len() } else { 0 };
            fits
        });
        out
    }

    fn one(&self, reading: &Reading, out: &mut Vec<Field>) {
        let show = |value: f64| self.unit.show(value);
        if let Some(value) = reading.value {
            let limit = match self.condition.as_str() {
                "" => String::new(),
                condition => format!(" (alerts {condition})"),
            };
            out.push(("Now", show(value) + &limit));
        }
        out.extend(reading.day_ago.map(|v| ("A day ago", show(v))));
        out.extend(reading.week_ago.map(|v| ("A week ago", show(v))));
        out.push(match reading.until {
            None => {
                let lasts = match self.at - reading.since {
                    ms if ms < SECOND_MS => "just now".to_owned(),
                    ms => show_duration_ms(ms),
                };
                ("Firing since", format!("{} UTC ({lasts})", moment(reading.since)))
            }
            Some(end) => {
                let lasted = show_duration_ms(end - reading.since);
                ("Fired", format!("{} to {} UTC ({lasted})", moment(reading.since), moment(end)))
            }
        });
        if self.others > 0 {
            let plural = if self.others == 1 { "" } else { "s" };
            out.push(("Others", format!("{} more alert{plural} in this message", self.others)));
        }
    }

    /// A reading among several.
    fn line(&self, reading: &Reading) -> String {
        let show = |value: Option<f64>| value.map(|v| self.unit.show(v));
        let now = show(reading.value).unwrap_or_else(|| "no value".to_owned());
        let mut out = format!("{}: {now}", reading.name);
        let past: Vec<String> = [("a day ago", reading.day_ago), ("a week ago", reading.week_ago)]
            .into_iter()
            .filter_map(|(when, v)| Some(format!("{when} {}", show(v)?)))
            .collect();
        if !past.is_empty() {
            out.push_str(&format!(" ({})", past.join(", ")));
        }
        if reading.until.is_some() {
            out.push_str(", over");
        }
        out
    }

    fn more(&self) -> String {
        if self.others > 0 { format!("\nand {} more", self.others) } else { String::new() }
    }

    /// As lines of text, links included.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for (name, value) in self.fields() {
            let value = value.replace('\n', "\n  ");
            let gap = if value.contains('\n') { "\n  " } else { " " };
            out.push_str(&format!("{name}:{gap}{value}\n"));
        }
        for link in &self.links {
            out.push_str(&format!("{}: {}\n", link.title, link.url));
        }
        out
    }

    /// As rows of a table in a mail; `chart` is the address of the picture.
    fn rows(&self, chart: Option<&str>) -> String {
        const CELL: &str = "padding: 5px 0; vertical-align: top; border-bottom: 1px solid #e6ebee;";
        let mut out = String::new();
        if let Some(src) = chart {
            out.push_str(&format!(
                "<tr><td style=\"padding: 8px 0 0;\"><img src=\"{}\" width=\"640\" alt=\"{}\" style=\"display: \
                 block; width: 100%; max-width: 640px; height: auto; border: 0;\"></td></tr>\n",
                attribute(src),
                attribute(&self.caption),
            ));
        }
        out.push_str(
            "<tr><td style=\"padding: 8px 16px 4px;\"><table role=\"presentation\" style=\"width: 100%; \
             border-collapse: collapse; font-size: 14px; line-height: 1.45;\">\n",
        );
        for (name, value) in self.fields() {
            let value = escaped(&value).replace('\n', "<br>");
            out.push_str(&format!(
                "<tr><td style=\"{CELL} padding-right: 16px; width: 1%; white-space: nowrap; color: \
                 #53626d;\">{name}</td><td style=\"{CELL} color: #14202a;\">{value}</td></tr>\n"
            ));
        }
        out.push_str("</table></td></tr>\n");
        if !self.links.is_empty() {
            out.push_str("<tr><td style=\"padding: 8px 16px 12px;\">");
            for (i, link) in self.links.iter().enumerate() {
                let look = if i == 0 {
                    "color: #ffffff; background: #0b6c83; border: 1px solid #0b6c83;"
                } else {
                    "color: #0b6c83; background: #ffffff; border: 1px solid #b9d6dd;"
                };
                out.push_str(&format!(
                    "<a href=\"{}\" style=\"display: inline-block; margin: 4px 8px 4px 0; padding: 7px 14px; \
                     border-radius: 6px; text-decoration: none; font-weight: bold; {look}\">{}</a>",
                    attribute(&link.url),
                    escaped(&link.title),
                ));
            }
            out.push_str("</td></tr>\n");
        }
        out
    }

    /// For receivers that read JSON.
    pub fn json(&self, external_url: &str) -> Value {
        let url = |kind| self.picture.as_ref().map(|p: &Picture| p.url(external_url, kind));
        let happened = |all: &[super::Happened]| -> Value {
            all.iter().map(|h| json!({ "at": rfc3339(h.at), "what": h.what })).collect()
        };
        let readings = self.readings.iter().map(|r| {
            json!({
                "name": r.name,
                "fingerprint": format!("{:016x}", r.fingerprint),
                "value": r.value,
                "day_ago": r.day_ago,
                "week_ago": r.week_ago,
                "since": rfc3339(r.since),
                "until": r.until.map(rfc3339),
            })
        });
        let causes = self
            .findings
            .causes
            .iter()
            .map(|c| json!({ "text": c.text, "score": c.score, "url": c.url }));
        json!({
            "chart_png_url": url(PictureKind::Png),
            "chart_svg_url": url(PictureKind::Svg),
            "unit": self.unit.as_str(),
            "condition": self.condition,
            "alerts": readings.collect::<Vec<_>>(),
            "fired_times_30d": self.fired_30d,
            "last": happened(&self.last),
            "runbook": self.runbook,
            "links": self.links.iter().map(|l| json!({ "title": l.title, "url": l.url })).collect::<Vec<_>>(),
            "causes": causes.collect::<Vec<_>>(),
            "changes": happened(&self.findings.changes),
            "forecast": self.findings.forecast,
            "recommendation": self.findings.recommendation,
        })
    }

    /// What templates see as `.Evidence`.
    pub fn words(&self, external_url: &str) -> BTreeMap<String, String> {
        let only = match self.readings.as_slice() {
            [only] => Some(only),
            _ => None,
        };
        let show = |value: Option<f64>| value.map(|v| self.unit.show(v));
        let url = |kind| self.picture.as_ref().map(|p| p.url(external_url, kind));
        let all = [
            ("Text", Some(self.text())),
            ("ChartPNG", url(PictureKind::Png)),
            ("ChartSVG", url(PictureKind::Svg)),
            ("Value", show(only.and_then(|r| r.value))),
            ("DayAgo", show(only.and_then(|r| r.day_ago))),
            ("WeekAgo", show(only.and_then(|r| r.week_ago))),
            ("Condition", Some(self.condition.clone())),
            ("FiredTimes", Some(self.fired_30d.to_string())),
            ("Runbook", Some(self.runbook.clone())),
        ];
        all.into_iter().filter_map(|(n, v)| Some((n.to_owned(), v?))).collect()
    }
}

/// An HTML text with the evidence in its slot, else at the end of its body; without evidence the slot is
/// taken out.
pub fn slot(html: &str, exhibit: Option<&Exhibit>, chart: Option<&str>) -> String {
    let Some(exhibit) = exhibit else {
        return html.replace(&format!("{SLOT}\n"), "").replace(SLOT, "");
    };
    let rows = exhibit.rows(chart);
    if html.contains(SLOT) {
        return html.replacen(SLOT, &rows, 1);
    }
    let table = format!(
        "<table role=\"presentation\" style=\"max-width: 640px; width: 100%; margin: 0 auto; background: \
         #ffffff; font-family: sans-serif;\">\n{rows}</table>\n"
    );
    match html.rfind("</body>") {
        Some(at) => format!("{}{table}{}", &html[..at], &html[at..]),
        None => format!("{html}\n{table}"),
    }
}

fn attribute(text: &str) -> String {
    escaped(text).replace('"', "&quot;")
}

/// A time in a few characters: `21 Nov 14:03`.
fn moment(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at)
        .map_or_else(|_| "?".to_owned(), |t| t.strftime("%-d %b %H:%M").to_string())
}
