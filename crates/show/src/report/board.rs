//! A dashboard that becomes part of a report: its panels where they stand, copies for the values of variables included,
//! with all that is chosen filled into titles, texts and expressions, as the browser fills it in.
//!
//! Steps are those of a window of [`BOARD_PX`], so that rates and newest values are the ones on the screen. A panel with a
//! time of its own counts it back from the end of the report's. Limits are those of [`crate::dashboard::place`].

use std::cell::RefCell;

use plimsoll_model::parse_duration_ms;
use plimsoll_query::Features;
use serde_json::Value as Json;

use super::panel::{step_ms, times};
use super::period::Window;
use crate::dashboard::interpolate::{Builtins, Chosen, INTERVAL_MIN_MS, Target, interpolate};
use crate::dashboard::{
    COLUMNS, Dashboard, Panel, Placed, Resolved, Values, VariableKind, chosen_of, place,
    with_filters,
};

/// How wide a dashboard is on the screen of which it has the steps, px.
pub const BOARD_PX: i64 = 1_200;
/// What times are marked with while filters look for their places: a number that nobody writes.
const FIRST_MARK: usize = 900_000_001;
/// How often sources are asked, when nobody says.
const SCRAPE_MS: i64 = 15_000;
/// The least step, ms: how often this host is read.
const STEP_MS: i64 = 5_000;
/// Panels that are narrower than so many columns share the width of a page evenly.
const NARROW: u32 = 6;
/// Of those, how many stand beside each other at most.
const BESIDE_MAX: usize = 4;

/// A dashboard as it is shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Board {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What is shown, from the top to the bottom.
    pub panels: Vec<BoardPanel>,
    /// What is missing, and why.
    pub notes: Vec<String>,
}

/// A panel as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct BoardPanel {
    /// The panel's number, and `~` with each value that this copy is for.
    pub key: String,
    /// As dashboards have it, with all that is chosen filled in; each query has `step_ms`.
    pub panel: Json,
    /// Its time.
    pub window: Window,
    /// The step of its chart, ms.
    pub step_ms: i64,
    /// Its share of the width of a page.
    pub width: f64,
}

/// A dashboard for a time. `resolved` holds its variables in their order. Steps fit a panel of `width_px`, or each panel
/// where it stands.
pub fn board(
    dashboard: &Dashboard,
    resolved: &[Resolved],
    window: &Window,
    width_px: Option<i64>,
    features: &Features,
) -> Board {
    let mut values = Values::new();
    let (mut filters, mut notes) = (Vec::new(), Vec::new());
    for (v, made) in dashboard.variables.iter().zip(resolved) {
        if let Some(why) = &made.error {
            notes.push(format!("the values of {}: {why}", v.name));
        }
        match v.kind {
            VariableKind::Adhoc => filters.extend(made.current.iter().cloned()),
            _ => drop(values.insert(v.name.clone(), chosen_of(v, made))),
        }
    }
    let (placed, left_out) = place(&dashboard.panels, &values);
    if left_out > 0 {
        notes.push(format!("{left_out} panels are left out: choose fewer values of the variables"));
    }
    let scope = Scope { id: &dashboard.id, values, filters, features };
    let shares = shares(&placed);
    let panels = placed.iter().zip(shares).map(|(p, share)| {
        let px = width_px.unwrap_or(i64::from(p.at.w) * BOARD_PX / i64::from(COLUMNS));
        scope.panel(p, window, px, share)
    });
    let panels = panels.collect();
    let title = scope.text(&dashboard.title, &Values::new(), &Builtins::default());
    Board { id: dashboard.id.clone(), title, panels, notes }
}

impl Board {
    /// The panel of this key, or the first copy of the panel with this number.
    pub fn panel(&self, key: &str) -> Option<&BoardPanel> {
        let number = |p: &&BoardPanel| p.key.split('~').next() == Some(key);
        self.panels.iter().find(|p| p.key == key).or_else(|| self.panels.iter().find(number))
    }
}

/// The least step of an expression without one of its own, ms: a window of one step is as long as the step, so that sums
/// over it count each sample once.
fn least_of(expr: &str) -> Option<i64> {
    expr.contains("__interval").then_some(INTERVAL_MIN_MS)
}

impl BoardPanel {
    /// A panel that stands for itself, beside no variables.
    pub fn alone(panel: &Json, window: &Window) -> Self {
        let mut panel = panel.clone();
        let step = step_ms(window);
        for key in ["title", "text"] {
            if let Some(text) = panel[key].as_str().map(|t| times(t, window)) {
                panel[key] = text.into();
            }
        }
        let queries = panel.get_mut("queries").and_then(Json::as_array_mut);
        for query in queries.into_iter().flatten() {
            // What is no mapping is passed over.
            if let (Some(expr), true) = (query["expr"].as_str(), query.is_object()) {
                let least = least_of(expr).unwrap_or(0);
                query["expr"] = times(expr, window).into();
                query["step_ms"] = step.max(least).into();
            }
        }
        Self { key: "1".to_owned(), panel, window: window.clone(), step_ms: step, width: 1.0 }
    }
}

/// What every panel is filled in with.
struct Scope<'d> {
    id: &'d str,
    values: Values,
    filters: Vec<String>,
    features: &'d Features,
}

impl Scope<'_> {
    fn value(&self, name: &str, own: &Values, builtins: &Builtins) -> Option<Chosen> {
        let kept = own.get(name).or_else(|| self.values.get(name));
        kept.cloned().or_else(|| builtins.value(name))
    }

    fn text(&self, text: &str, own: &Values, builtins: &Builtins) -> String {
        interpolate(text, Target::Text, &|name: &str| self.value(name, own, builtins))
    }

    fn expr(&self, expr: &str, own: &Values, builtins: &Builtins) -> String {
        let filled = interpolate(expr, Target::Expr, &|name: &str| self.value(name, own, builtins));
        with_filters(&filled, &self.filters, self.features)
    }

    /// An expression with what is chosen, times as they are written: what its series are called where nothing else
    /// tells them apart.
    fn called(&self, expr: &str, own: &Values, builtins: &Builtins) -> String {
        let times = RefCell::new(Vec::new());
        let value = |name: &str| {
            let kept = own.get(name).or_else(|| self.values.get(name)).cloned();
            kept.or_else(|| {
                builtins.value(name)?;
                // A number of seconds can stand wherever a time can, so that filters find their places.
                let mut times = times.borrow_mut();
                let mark = (FIRST_MARK + times.len()).to_string();
                let braces = format!("${{{name}}}");
                let is_in_braces = expr.contains(&braces);
                times.push((mark.clone(), if is_in_braces { braces } else { format!("${name}") }));
                Some(Chosen { values: vec![mark], ..Chosen::default() })
            })
        };
        let filled = interpolate(expr, Target::Expr, &value);
        let filtered = with_filters(&filled, &self.filters, self.features);
        times
            .into_inner()
            .iter()
            .fold(filtered, |text, (mark, as_written)| text.replace(mark.as_str(), as_written))
    }

    fn panel(&self, placed: &Placed<'_>, window: &Window, px: i64, width: f64) -> BoardPanel {
        let own = &placed.own;
        let window = time_of(placed.panel, window);
        let usual = step_for(window.span_ms(), px);
        let builtins = |step_ms: i64, least_ms: Option<i64>| Builtins {
            from_ms: window.from,
            to_ms: window.until,
            step_ms,
            least_ms,
            scrape_ms: SCRAPE_MS,
            dashboard: self.id.to_owned(),
        };
        let of_texts = builtins(usual, None);
        let mut panel = serde_json::to_value(placed.panel).unwrap_or_default();
        for key in ["title", "description", "text", "match"] {
            if let Some(text) = panel[key].as_str().map(|t| self.text(t, own, &of_texts)) {
                panel[key] = text.into();
            }
        }
        for (i, query) in placed.panel.queries.iter().enumerate() {
            let chosen = |name: &str| own.get(name).or_else(|| self.values.get(name)).cloned();
            let own_step = interpolate(&query.step, Target::Text, &chosen);
            let least = parse_duration_ms(&own_step).or_else(|| least_of(&query.expr));
            let step = usual.max(least.unwrap_or(0));
            panel["queries"][i]["expr"] =
                self.expr(&query.expr, own, &builtins(step, least)).into();
            panel["queries"][i]["step_ms"] = step.into();
            // Names are made of what is chosen, as in the browser, not of times and widths.
            panel["queries"][i]["called"] = self.called(&query.expr, own, &of_texts).into();
        }
        BoardPanel { key: placed.key.clone(), panel, window, step_ms: usual, width }
    }
}

/// The smallest multiple of [`STEP_MS`] that gives at most two points a pixel of a chart, whose width counts in steps of
/// 200 px.
fn step_for(span_ms: i64, px: i64) -> i64 {
    let px = px.clamp(200, 10_000).div_euclid(200) * 200 + if px % 200 > 0 { 200 } else { 0 };
    let points = px * 2 * STEP_MS;
    (span_ms.max(1) + points - 1).div_euclid(points).max(1) * STEP_MS
}

/// The time of a panel: the report's, or its own up to the same end, moved back where it says so.
fn time_of(panel: &Panel, window: &Window) -> Window {
    let Some(own) = &panel.time else { return window.clone() };
    let length = |text: &str| {
        let text = text.strip_prefix("now-").unwrap_or(text);
        parse_duration_ms(text).filter(|ms| *ms > 0)
    };
    let mut until = window.until;
    let mut from = length(&own.from).map_or(window.from, |ms| until.saturating_sub(ms));
    if let Some(back) = length(&own.shift) {
        (from, until) = (from.saturating_sub(back), until.saturating_sub(back));
    }
    Window::new(from, until, window.zone.clone()).unwrap_or_else(|_| window.clone())
}

/// How much of a page's width each panel gets: what it has of the grid, but numbers that stand beside each other in
/// little room share it evenly.
fn shares(placed: &[Placed<'_>]) -> Vec<f64> {
    let mut out = Vec::with_capacity(placed.len());
    for line in placed.chunk_by(|a, b| a.at.y == b.at.y) {
        let narrow = line.iter().filter(|p| p.at.w < NARROW).count();
        let lines = narrow.div_ceil(BESIDE_MAX).max(1);
        let even = 1.0 / narrow.div_ceil(lines).max(2) as f64;
        let wide = |p: &Placed<'_>| p.at.w.clamp(NARROW, COLUMNS);
        let all = line.iter().map(wide).sum::<u32>().max(COLUMNS);
        out.extend(line.iter().map(|p| match narrow == line.len() {
            true => even,
            false => f64::from(wide(p)) / f64::from(all),
        }));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dashboard::{At, Choice, PanelKind, PanelQuery, PanelTime, Repeat, Variable};
    use jiff::tz::TimeZone;

    fn dashboard() -> Dashboard {
        let host = Variable {
            name: "host".to_owned(),
            kind: VariableKind::Query,
            multi: true,
            ..Variable::default()
        };
        let filter =
            Variable { name: "f".to_owned(), kind: VariableKind::Adhoc, ..Variable::default() };
        let query = |expr: &str, step: &str| PanelQuery {
            letter: "A".to_owned(),
            expr: expr.to_owned(),
            step: step.to_owned(),
            ..PanelQuery::default()
        };
        let panel = |id, at, title: &str, queries| Panel {
            id,
            kind: PanelKind::Timeseries,
            at,
            title: title.to_owned(),
            queries,
            ..Panel::default()
        };
        let repeated = Panel {
            repeat: Some(Repeat { by: "host".to_owned(), ..Repeat::default() }),
            ..panel(
                1,
                At { x: 0, y: 0, w: 24, h: 8 },
                "CPU of $host",
                vec![query("rate(cpu{h=~\"$host\"}[$__rate_interval])", "")],
            )
        };
        let own = Panel {
            time: Some(PanelTime { from: "2h".to_owned(), shift: "1d".to_owned() }),
            ..panel(
                2,
                At { x: 0, y: 8, w: 24, h: 8 },
                "$__range $nobody",
                vec![query("sum(x) / $__interval_ms", "5m")],
            )
        };
        Dashboard {
            id: "shop".to_owned(),
            title: "Shop of $host".to_owned(),
            variables: vec![host, filter],
            panels: vec![repeated, own],
            ..Dashboard::default()
        }
    }

    fn resolved(filters: &[&str]) -> Vec<Resolved> {
        let choice = |t: &str| Choice { text: t.to_owned(), value: t.to_owned() };
        vec![
            Resolved {
                name: "host".to_owned(),
                options: vec![choice("a"), choice("b.c"), choice("d")],
                current: vec!["a".to_owned(), "b.c".to_owned()],
                ..Resolved::default()
            },
            Resolved {
                name: "f".to_owned(),
                current: filters.iter().map(|f| (*f).to_owned()).collect(),
                error: Some("not now".to_owned()),
                ..Resolved::default()
            },
        ]
    }

    fn made(filters: &[&str]) -> Board {
        let window = Window::new(86_400_000 * 9, 86_400_000 * 9 + 6 * 3_600_000, TimeZone::UTC);
        board(&dashboard(), &resolved(filters), &window.unwrap(), None, &Features::default())
    }

    #[test]
    fn what_is_chosen_stands_in_titles_and_expressions() {
        let b = made(&["job=\"x\""]);
        assert_eq!(
            (b.title.as_str(), &b.notes[..]),
            ("Shop of a + b.c", &["the values of f: not now".to_owned()][..])
        );
        let found: Vec<(&str, &str, &str)> = b
            .panels
            .iter()
            .map(|p| {
                let text =
                    |v: &Json| v.as_str().map(ToOwned::to_owned).unwrap_or_default().leak() as &str;
                (p.key.as_str(), text(&p.panel["title"]), text(&p.panel["queries"][0]["expr"]))
            })
            .collect();
        assert_eq!(
            found,
            [
                ("1~a", "CPU of a", "rate(cpu{job=\"x\",h=~\"a\"}[1m])"),
                ("1~b.c", "CPU of b.c", "rate(cpu{job=\"x\",h=~\"b\\\\.c\"}[1m])"),
                ("2", "7200s $nobody", "sum(x{job=\"x\"}) / 300000"),
            ]
        );
        let called: Vec<&str> =
            b.panels.iter().map(|p| p.panel["queries"][0]["called"].as_str().unwrap()).collect();
        assert_eq!(
            called,
            [
                "rate(cpu{job=\"x\",h=~\"a\"}[$__rate_interval])",
                "rate(cpu{job=\"x\",h=~\"b\\\\.c\"}[$__rate_interval])",
                "sum(x{job=\"x\"}) / $__interval_ms",
            ]
        );
        assert_eq!(least_of("increase(x[$__interval])"), Some(15_000));
        assert_eq!(least_of("rate(x[$__rate_interval])"), None);
        assert_eq!(b.panel("1").map(|p| p.key.as_str()), Some("1~a"));
        assert_eq!(b.panel("1~b.c").map(|p| p.key.as_str()), Some("1~b.c"));
        assert!(b.panel("3").is_none() && b.panel("").is_none());
    }

    #[test]
    fn a_panel_has_its_own_time_and_the_step_of_the_screen() {
        let b = made(&[]);
        let [cpu, _, own] = &b.panels[..] else { panic!("{b:?}") };
        // 600 px: six hours are cut into 1,200 pieces of at least 18 s.
        assert_eq!((cpu.step_ms, cpu.width), (20_000, 0.5));
        assert_eq!(own.window.span_ms(), 2 * 3_600_000);
        assert_eq!(own.window.until, cpu.window.until - 86_400_000);
        assert_eq!((own.step_ms, &own.panel["queries"][0]["step_ms"]), (5_000, &300_000.into()));
        assert_eq!(step_for(3_600_000, 800), 5_000);
        assert_eq!(step_for(86_400_000, 601), 55_000);
    }

    #[test]
    fn narrow_panels_share_a_line_evenly() {
        let at =
            |x, w| Panel { id: u64::from(x) + 1, at: At { x, y: 0, w, h: 4 }, ..Panel::default() };
        let share = |panels: &[Panel]| shares(&place(panels, &Values::new()).0);
        let six: Vec<Panel> = (0..6).map(|i| at(i * 4, 4)).collect();
        assert_eq!(share(&six), [1.0 / 3.0; 6]);
        assert_eq!(share(&[at(0, 4), at(4, 20)]), [6.0 / 26.0, 20.0 / 26.0]);
        assert_eq!(share(&[at(0, 8), at(8, 16)]), [8.0 / 24.0, 16.0 / 24.0]);
        assert_eq!(share(&[at(0, 3)]), [0.5]);
    }
}
