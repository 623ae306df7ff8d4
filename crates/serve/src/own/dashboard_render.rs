//! `/api/plimsoll/v1/dashboards/{id}/render` and `…/panels/{n}.svg`: a dashboard as a report, a panel as a picture.
//!
//! Variables are resolved and queries asked by the code that answers the browser, for the steps that it asks for, so that
//! both show the same numbers. Each takes a place among the reports that are made at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::response::Response;
use jiff::tz::TimeZone;
use plimsoll_model::TimeRange;
use plimsoll_show::dashboard::{Dashboard, Edge, OPTIONS_MAX, instant};
use plimsoll_show::figure::{SIDE_MAX, SIDE_MIN, Theme};
use plimsoll_show::report::{Board, Boards, OutputFormat, Report, Window, board, panel, report_of};
use serde_json::Value;

use super::dashboard_data::resolved;
use super::dashboards::failure;
use super::report_data::gather;
use super::reports::{document_of, file, file_name, format, place, rendered};
use crate::app::App;
use crate::metrics::count;
use crate::params::Params;
use crate::prom::{ask, blocking};
use crate::reply::Failure;
use crate::routes::Call;

/// What stands before the name of a variable.
const VARIABLE: &str = "var-";
/// The largest area of a PNG, in units of the picture; it has four pixels for each.
const PNG_AREA_MAX: f64 = 4e6;
/// A column of the grid on a screen, px; a row of it with the gap below, and the gap.
const COLUMN_PX: f64 = 50.0;
const ROW_PX: f64 = 38.0;
const GAP_PX: f64 = 8.0;

/// Values of variables by their names.
type Chosen = BTreeMap<String, Vec<String>>;

/// A dashboard in a form.
pub async fn render(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let id = call.captured.first().cloned().unwrap_or_default();
    let params = &call.params;
    known(params, &["format", "from", "to", "tz"])?;
    let format = format(params, OutputFormat::Pdf)?;
    let zone = zone(params)?;
    let _place = place(&app).await?;
    let dashboard = dashboard(&app, &id).await?;
    let window = window(&app, &dashboard, params, zone)?;
    let chosen = chosen(params, &dashboard)?;
    let board = shown(&app, dashboard, chosen, &window, None).await?;
    let zone = window.zone.iana_name().unwrap_or("UTC");
    let report = report_of(&id, &board.title, zone);
    let document = document_of(&app, &report, &window, vec![Some(Ok(board))]).await?;
    let name = file_name(&report, &window, format);
    let bytes = rendered(&app, document, format).await?;
    Ok(file(bytes, format.media(), &name, format == OutputFormat::Csv))
}

/// A panel as `{n}.svg` or `{n}.png`.
pub async fn picture(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let captured = |i: usize| call.captured.get(i).cloned().unwrap_or_default();
    let (id, name) = (captured(0), captured(1));
    let params = &call.params;
    known(params, &["width", "height", "theme", "from", "to", "tz"])?;
    let Some((key, ending @ ("svg" | "png"))) = name.rsplit_once('.') else {
        let message =
            format!("there is no picture {name:?}: ask for a panel's number and .svg or .png");
        return Err(Failure::not_found(message));
    };
    let is_png = ending == "png";
    let theme = match params.get("theme") {
        None | Some("light") => Theme::Light,
        Some("dark") => Theme::Dark,
        Some(other) => {
            return Err(Failure::parameter("theme", format!("{other:?}; write light or dark")));
        }
    };
    let (width, height) = (side(params, "width")?, side(params, "height")?);
    let zone = zone(params)?;
    let _place = place(&app).await?;
    let dashboard = dashboard(&app, &id).await?;
    let number = key.split('~').next().unwrap_or_default();
    let at = dashboard.panels.iter().find(|p| p.id.to_string() == number).map(|p| p.at);
    let Some(at) = at else { return Err(no_panel(&dashboard, key)) };
    let on_screen = |sides: f64| sides.clamp(SIDE_MIN, SIDE_MAX);
    let width = width.unwrap_or_else(|| on_screen(f64::from(at.w) * COLUMN_PX));
    let height = height.unwrap_or_else(|| on_screen(f64::from(at.h) * ROW_PX - GAP_PX));
    if is_png && width * height > PNG_AREA_MAX {
        let message = format!(
            "{width} x {height}: a PNG has at most {PNG_AREA_MAX} units of area; ask for less, or for .svg"
        );
        return Err(Failure::parameter("width", message));
    }
    let window = window(&app, &dashboard, params, zone)?;
    let values = chosen(params, &dashboard)?;
    let board = shown(&app, dashboard.clone(), values, &window, Some(width as i64)).await?;
    let Some(panel) = board.panel(key).cloned() else { return Err(no_panel(&dashboard, key)) };
    if panel.panel["kind"] == "row" {
        let message = format!("panel {key:?} is a row: ask for one of the panels under it");
        return Err(Failure::bad_data(message));
    }
    let answers = gather(&app, panel::needs(&panel, "0")).await;
    let began = app.clock.mono();
    let drawn = blocking(move || {
        let (figure, _) = panel::figure(&panel, "0", &answers);
        let scene = figure.draw(width, height, theme);
        if is_png { scene.png() } else { Ok(scene.svg().into_bytes()) }
    });
    let drawn = drawn.await?;
    let took = app.clock.mono().saturating_sub(began);
    count(&app.metrics.report_us, u64::try_from(took.as_micros()).unwrap_or(0));
    let counter = if drawn.is_ok() { &app.metrics.reports } else { &app.metrics.reports_failed };
    count(counter, 1);
    let bytes = drawn.map_err(|e| Failure::execution(e.to_string()))?;
    let media = if is_png { "image/png" } else { "image/svg+xml" };
    let plain: String =
        key.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(100).collect();
    Ok(file(bytes, media, &format!("{id}-{plain}.{ending}"), false))
}

fn no_panel(dashboard: &Dashboard, key: &str) -> Failure {
    const LISTED_MAX: usize = 20;
    let all = dashboard.panels.iter().take(LISTED_MAX).map(|p| p.id.to_string());
    let all: Vec<String> = all.collect();
    let more = if dashboard.panels.len() > LISTED_MAX { ", …" } else { "" };
    let id = &dashboard.id;
    Failure::not_found(format!(
        "there is no panel {key:?} in dashboard {id}: it has {}{more}",
        all.join(", ")
    ))
}

/// The dashboards of a report's sections; why there is none where there is none.
pub(super) async fn boards(app: &Arc<App>, report: &Report, window: &Window) -> Boards {
    let mut boards = Boards::with_capacity(report.sections.len());
    for section in &report.sections {
        let Some(id) = &section.dashboard else {
            boards.push(None);
            continue;
        };
        let values = section.variables.iter().map(|(name, value)| (name.clone(), texts(value)));
        let made = match dashboard(app, id).await {
            Ok(dashboard) => shown(app, dashboard, values.collect(), window, None).await,
            Err(e) => Err(e),
        };
        boards.push(Some(made.map_err(|e| e.message)));
    }
    boards
}

/// The values of a variable as a report has them: a text, a number, or a list of them.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::String(text) => vec![text.clone()],
        Value::Array(all) => all.iter().flat_map(texts).take(OPTIONS_MAX).collect(),
        other => vec![other.to_string()],
    }
}

async fn dashboard(app: &Arc<App>, id: &str) -> Result<Dashboard, Failure> {
    let (door, id) = (Arc::clone(app), id.to_owned());
    let found = blocking(move || door.dashboards.get(&id, None)).await?;
    found.map(|(dashboard, _)| dashboard).map_err(|e| failure(&e))
}

/// A dashboard with what is chosen of its variables.
async fn shown(
    app: &Arc<App>,
    dashboard: Dashboard,
    values: Chosen,
    window: &Window,
    width_px: Option<i64>,
) -> Result<Board, Failure> {
    let window = window.clone();
    ask(app, &Params::default(), move |app, cx| {
        let range = TimeRange::new(window.from, window.until);
        let made = resolved(app, cx, &dashboard.variables, &values, range);
        let features = &app.engine.config().features;
        Ok(board(&dashboard, &made, &window, width_px, features))
    })
    .await
}

/// Refuses what would be passed over: a mistyped name would give other numbers than those that are wanted.
fn known(params: &Params, names: &[&str]) -> Result<(), Failure> {
    let unknown = params.pairs().find(|(n, _)| !names.contains(n) && !n.starts_with(VARIABLE));
    match unknown {
        None => Ok(()),
        Some((name, _)) => {
            let message = format!("is not known here; write {} or var-NAME", names.join(", "));
            Err(Failure::parameter(name, message))
        }
    }
}

/// What is chosen by `var-NAME=…`, as often as there are values.
fn chosen(params: &Params, dashboard: &Dashboard) -> Result<Chosen, Failure> {
    let mut out = Chosen::new();
    for (key, value) in params.pairs() {
        let Some(name) = key.strip_prefix(VARIABLE) else { continue };
        if !dashboard.variables.iter().any(|v| v.name == name) {
            let names: Vec<&str> = dashboard.variables.iter().map(|v| v.name.as_str()).collect();
            let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            let message = format!("the dashboard has no such variable; it has {names}");
            return Err(Failure::parameter(key, message));
        }
        let values = out.entry(name.to_owned()).or_default();
        if values.len() >= OPTIONS_MAX {
            let message = format!("more than {OPTIONS_MAX} values; write $__all for all");
            return Err(Failure::parameter(key, message));
        }
        values.push(value.to_owned());
    }
    Ok(out)
}

fn zone(params: &Params) -> Result<TimeZone, Failure> {
    let Some(name) = params.get("tz") else { return Ok(TimeZone::UTC) };
    TimeZone::get(name).map_err(|_| {
        Failure::parameter(
            "tz",
            format!("no time zone {name:?} is known here; write Europe/Berlin, UTC"),
        )
    })
}

/// From when to when: as the request says, else as the dashboard does.
fn window(
    app: &App,
    dashboard: &Dashboard,
    params: &Params,
    zone: TimeZone,
) -> Result<Window, Failure> {
    let now = app.now();
    let time = |name: &str, usual: &str, edge| {
        let text = params.get(name).unwrap_or(usual);
        instant(text, now, &zone, edge).map_err(|e| Failure::parameter(name, e))
    };
    let from = time("from", &dashboard.time.from, Edge::From)?;
    let until = time("to", &dashboard.time.to, Edge::To)?;
    Window::new(from, until, zone).map_err(|e| Failure::parameter("from", e))
}

/// A side of a picture.
fn side(params: &Params, name: &str) -> Result<Option<f64>, Failure> {
    let Some(text) = params.get(name) else { return Ok(None) };
    match text.parse::<f64>() {
        Ok(side) if (SIDE_MIN..=SIDE_MAX).contains(&side) => Ok(Some(side.round())),
        _ => {
            let message = format!("{text:?}; write a number from {SIDE_MIN} to {SIDE_MAX}");
            Err(Failure::parameter(name, message))
        }
    }
}
