//! Colours: Grafana's names as numbers, thresholds as severities where their colours say one.

use serde_json::Value;

use super::field::text;
use crate::dashboard::{Severity, Threshold};

const HUES: [(&str, [&str; 5]); 6] = [
    ("green", ["#37872d", "#56a64b", "#73bf69", "#96d98d", "#c8f2c2"]),
    ("yellow", ["#e0b400", "#f2cc0c", "#fade2a", "#ffee52", "#fff899"]),
    ("orange", ["#fa6400", "#ff780a", "#ff9830", "#ffb357", "#ffcb7d"]),
    ("red", ["#c4162a", "#e02f44", "#f2495c", "#ff7383", "#ffa6b0"]),
    ("blue", ["#1f60c4", "#3274d9", "#5794f2", "#8ab8ff", "#c0d8ff"]),
    ("purple", ["#8f3bb8", "#a352cc", "#b877d9", "#ca95e5", "#deb6f2"]),
];

/// A colour as CSS knows it: a name of Grafana's as numbers, all else as it is.
pub(super) fn colour(name: &str) -> String {
    let short = name.trim();
    let (shade, hue) = [("dark-", 0), ("semi-dark-", 1), ("light-", 3), ("super-light-", 4)]
        .into_iter()
        .find_map(|(mark, shade)| short.strip_prefix(mark).map(|hue| (shade, hue)))
        .unwrap_or((2, short));
    let known = HUES.iter().find(|(name, _)| *name == hue);
    if let Some((_, shades)) = known {
        return shades[shade].to_owned();
    }
    match short {
        "text" | "transparent" | "" => String::new(),
        other if other.len() <= 60 && is_css(other) => other.to_owned(),
        _ => String::new(),
    }
}

/// Whether a text is a colour and nothing else that CSS would do.
fn is_css(text: &str) -> bool {
    let inner = |t: &str| t.chars().all(|c| c.is_ascii_alphanumeric() || " ,.%/-".contains(c));
    if let Some(hex) = text.strip_prefix('#') {
        return matches!(hex.len(), 3 | 4 | 6 | 8) && hex.bytes().all(|b| b.is_ascii_hexdigit());
    }
    match text.split_once('(') {
        Some((name, rest)) => {
            matches!(name, "rgb" | "rgba" | "hsl" | "hsla")
                && rest.strip_suffix(')').is_some_and(inner)
        }
        None => text.bytes().all(|b| b.is_ascii_alphabetic()),
    }
}

fn severity(name: &str) -> Option<Severity> {
    match name {
        "green" | "rgba(50, 172, 45, 0.97)" | "#299c46" => Some(Severity::Ok),
        "blue" => Some(Severity::Info),
        "yellow" | "orange" | "rgba(237, 129, 40, 0.89)" | "#EAB839" => Some(Severity::Warning),
        "red" | "rgba(245, 54, 54, 0.9)" | "#d44a3a" => Some(Severity::Critical),
        _ => None,
    }
}

/// Thresholds of values with colours. Where each colour says another severity, that is said; else colours.
pub(super) fn thresholds(steps: &[(Option<f64>, String)]) -> Vec<Threshold> {
    let said: Vec<Option<Severity>> = steps.iter().map(|(_, name)| severity(name)).collect();
    let apart = said.iter().enumerate().all(|(i, s)| s.is_some() && !said[..i].contains(s));
    let one = |(i, (at, name)): (usize, &(Option<f64>, String))| Threshold {
        at: *at,
        severity: said[i].filter(|_| apart),
        colour: if apart { String::new() } else { colour(name) },
    };
    let mut all: Vec<Threshold> = steps.iter().enumerate().map(one).collect();
    all.sort_by(|a, b| {
        a.at.unwrap_or(f64::NEG_INFINITY).total_cmp(&b.at.unwrap_or(f64::NEG_INFINITY))
    });
    all
}

/// `{"mode", "steps": [{"color", "value"}]}`.
pub(super) fn steps(value: &Value) -> Vec<Threshold> {
    let list = value["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
    let step = |(i, s): (usize, &Value)| {
        // The first is the ground, whatever it says.
        let at = if i == 0 { None } else { super::field::number(&s["value"]) };
        (at, text(&s["color"]).to_owned())
    };
    thresholds(&list.iter().enumerate().map(step).collect::<Vec<_>>())
}

/// A threshold's colour as Grafana names it.
pub(super) fn theirs(t: &Threshold) -> String {
    match t.severity {
        Some(Severity::Ok) => "green".to_owned(),
        Some(Severity::Info) => "blue".to_owned(),
        Some(Severity::Warning) => "orange".to_owned(),
        Some(Severity::Critical) => "red".to_owned(),
        None if t.colour.is_empty() => "text".to_owned(),
        None => t.colour.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn colours_are_severities_where_they_tell_them_apart() {
        let of = |v: Value| steps(&v);
        let usual = of(
            json!({"steps": [{"color": "green", "value": null}, {"color": "orange", "value": 70}, {"color": "red", "value": 90}]}),
        );
        assert_eq!(
            usual.iter().map(|t| t.severity).collect::<Vec<_>>(),
            [Some(Severity::Ok), Some(Severity::Warning), Some(Severity::Critical)]
        );
        let alike = of(
            json!({"steps": [{"color": "yellow", "value": 0}, {"color": "orange", "value": 70}]}),
        );
        assert_eq!(
            (alike[0].at, alike[0].severity, alike[0].colour.as_str()),
            (None, None, "#fade2a")
        );
        assert_eq!(colour("semi-dark-red"), "#e02f44");
        assert_eq!(colour("rgba(1, 2, 3, 0.5)"), "rgba(1, 2, 3, 0.5)");
        assert_eq!(colour("red;background:url(x)"), "");
        assert_eq!(colour("url(http://x)"), "");
    }
}
