//! What the library promises: versions, the lock, shadows, bounds.

use super::*;
use crate::dashboard::{At, Panel, PanelQuery};
use plimsoll_records::SimRecords;

fn library() -> Library {
    Library::open(Arc::new(SimRecords::new()), Features::default()).unwrap()
}

fn board(title: &str, expr: &str) -> Dashboard {
    let query =
        PanelQuery { letter: "A".to_owned(), expr: expr.to_owned(), ..PanelQuery::default() };
    let at = At { x: 0, y: 0, w: 12, h: 8 };
    let panel =
        Panel { id: 1, title: "p".to_owned(), at, queries: vec![query], ..Panel::default() };
    Dashboard {
        title: title.to_owned(),
        panels: vec![panel],
        refresh: "30s".to_owned(),
        ..Dashboard::default()
    }
}

fn edit(id: &str, dashboard: Option<Dashboard>, expected: Option<u64>) -> DashboardEdit {
    let author = "ann".to_owned();
    DashboardEdit {
        id: id.to_owned(),
        dashboard,
        author,
        expected,
        now_ms: 1_000,
        ..DashboardEdit::default()
    }
}

#[test]
fn versions_are_counted_locked_and_kept() {
    let all = library();
    assert_eq!(all.change(edit("a", Some(board("one", "x")), Some(0))).unwrap().version, 1);
    let second = all.change(edit("a", Some(board("two", "y")), Some(1))).unwrap();
    assert_eq!((second.version, second.title.as_str()), (2, "two"));
    let late = all.change(edit("a", Some(board("three", "z")), Some(1)));
    assert!(matches!(late, Err(DashboardError::Conflict { found: 2, expected: 1 })));
    assert_eq!(all.get("a", Some(1)).unwrap().0.title, "one");
    assert_eq!(all.get("a", None).unwrap().0.title, "two");
    assert_eq!(all.versions("a").unwrap().iter().map(|v| v.version).collect::<Vec<_>>(), [2, 1]);
    assert!(matches!(all.get("a", Some(9)), Err(DashboardError::NotFound(_))));
    assert_eq!(all.read_series().len(), 1);
    all.change(edit("a", None, Some(2))).unwrap();
    assert!(matches!(all.get("a", None), Err(DashboardError::NotFound(_))));
    assert_eq!(all.get("a", Some(2)).unwrap().0.title, "two", "a removal loses nothing");
    assert!(all.versions("a").unwrap()[0].removed && all.read_series().is_empty());
    assert_eq!(all.change(edit("a", Some(board("four", "x")), Some(0))).unwrap().version, 4);
    let counts = all.counts();
    assert_eq!((counts.kept, counts.changes, counts.refused), (1, 4, 1));
}

#[test]
fn what_the_api_makes_shadows_what_we_ship() {
    let all = library();
    let shipped = all.get("system", None).unwrap();
    assert_eq!((shipped.1.origin, shipped.1.version), (Origin::Template, 0));
    assert!(matches!(all.change(edit("system", None, None)), Err(DashboardError::ReadOnly(_))));
    all.change(edit("system", Some(board("mine", "x")), Some(0))).unwrap();
    assert_eq!(all.get("system", None).unwrap().1.origin, Origin::Api);
    assert_eq!(all.list().iter().filter(|e| e.id == "system").count(), 1);
    assert_eq!(all.get("system", Some(0)).unwrap().1.origin, Origin::Template);
    all.change(edit("system", None, Some(1))).unwrap();
    assert_eq!(all.get("system", None).unwrap().0, shipped.0);
}

#[test]
fn it_is_there_again_after_a_restart() {
    let records: Arc<dyn Records> = Arc::new(SimRecords::new());
    let all = Library::open(Arc::clone(&records), Features::default()).unwrap();
    all.change(edit("a", Some(board("one", "x{a=\"b\"}")), None)).unwrap();
    let again = Library::open(records, Features::default()).unwrap();
    assert_eq!(again.get("a", None).unwrap().0, all.get("a", None).unwrap().0);
    assert_eq!(again.read_series(), all.read_series());
}

#[test]
fn what_is_wrong_or_too_much_is_refused() {
    let all = library();
    let wrong = all.change(edit("a", Some(board("", "x")), None));
    assert!(matches!(&wrong, Err(DashboardError::Wrong(p)) if p[0].path == "title"), "{wrong:?}");
    assert!(matches!(
        all.change(edit("A b", Some(board("x", "x")), None)),
        Err(DashboardError::Id(_))
    ));
    let long = DashboardEdit { author: "a".repeat(300), ..edit("a", Some(board("x", "x")), None) };
    assert!(matches!(all.change(long), Err(DashboardError::Limit { .. })));
    let mut many = board("x", "x");
    many.panels = vec![many.panels[0].clone(); 501];
    assert!(matches!(all.change(edit("a", Some(many), None)), Err(DashboardError::Wrong(_))));
}

#[test]
fn layouts_and_links_are_bounded() {
    let all = library();
    let place = super::super::Place { id: 1, at: At { x: 0, y: 0, w: 6, h: 4 } };
    let layout = Layout { layout: vec![place], ..Layout::default() };
    assert!(matches!(all.keep_layout("a", "ann", &layout, 1), Err(DashboardError::NotFound(_))));
    all.change(edit("a", Some(board("one", "x")), None)).unwrap();
    all.keep_layout("a", "ann", &layout, 1).unwrap();
    assert_eq!(all.layout("a", "ann").unwrap(), Some(layout.clone()));
    assert_eq!(all.layout("a", "bob").unwrap(), None);
    let large = Layout { layout: vec![place; 5_000], ..Layout::default() };
    assert!(matches!(all.keep_layout("a", "ann", &large, 1), Err(DashboardError::Limit { .. })));
    all.change(edit("a", None, None)).unwrap();
    assert_eq!(all.layout("a", "ann").unwrap(), None, "a layout goes with its dashboard");
    for bad in ["https://x.y/", "//x.y", "/\\x.y", "x", "/a\nb"] {
        assert!(matches!(all.keep_link(bad, "n", 1), Err(DashboardError::Body(_))), "{bad}");
    }
    for n in 0..3_i64 {
        all.keep_link(&format!("/explore?n={n}"), &format!("l{n}"), n).unwrap();
    }
    assert_eq!(all.link("l1").unwrap().as_deref(), Some("/explore?n=1"));
    assert_eq!(all.link("no").unwrap(), None);
    let long = format!("/{}", "x".repeat(20_000));
    assert!(matches!(all.keep_link(&long, "l", 1), Err(DashboardError::Limit { .. })));
}

#[test]
fn a_title_makes_a_name() {
    assert_eq!(slug("Node Exporter: Full (v2)"), "node-exporter-full-v2");
    assert_eq!(slug("\u{e9}\u{e9}"), "dashboard");
    assert!(is_dashboard_id(&slug(&"x y".repeat(200))));
}
