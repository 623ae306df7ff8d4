//! Where thresholds come from, the rules and lines that they make, and what is kept.

use super::*;
use crate::rules::RuleKind;
use plimsoll_model::Labels;
use plimsoll_query::parse;
use plimsoll_records::SimRecords;
use plimsoll_world::World;

struct Scene {
    records: Arc<SimRecords>,
    world: World,
    registry: Registry,
}

fn entry(id: &str, settings: Settings) -> (Subject, Settings) {
    (Subject::read(id).unwrap(), settings)
}

fn marks(warning: f64, critical: f64) -> Settings {
    Settings { warning: Some(warning), critical: Some(critical), ..Settings::default() }
}

fn scene(configured: &[(Subject, Settings)]) -> Scene {
    let (world, _) = World::simulated(1, 5_000);
    let records = Arc::new(SimRecords::default());
    let registry = open(&records, &world, configured);
    Scene { records, world, registry }
}

fn open(records: &Arc<SimRecords>, world: &World, configured: &[(Subject, Settings)]) -> Registry {
    let records = Arc::clone(records) as Arc<dyn Records>;
    Registry::open(records, Arc::clone(&world.clock), Features::default(), configured).unwrap()
}

impl Scene {
    fn set(&self, id: &str, settings: Option<Settings>) -> Result<u64, MetricError> {
        let edit = MetricEdit {
            id: id.to_owned(),
            settings,
            author: "ann".to_owned(),
            ..MetricEdit::default()
        };
        self.registry.change(&edit).map(|k| k.version)
    }

    fn marks(&self, id: &str) -> (Option<f64>, Option<f64>, &'static str) {
        let metrics = self.registry.metrics();
        let found = metrics.iter().find(|m| m.subject.id == id).unwrap();
        let marks = found.marks.clone().unwrap();
        (marks.warning, marks.critical, marks.source.as_str())
    }

    /// Expressions of the rules with their severity.
    fn rules(&self) -> Vec<(String, String)> {
        let groups = self.registry.groups(5_000);
        assert!(groups.iter().all(|g| g.file == REGISTRY_FILE));
        let rules = groups.iter().flat_map(|g| &g.rules);
        let severity = |r: &crate::rules::Rule| r.labels[0].1.to_string();
        rules.map(|r| (severity(r), r.query.text().to_owned())).collect()
    }

    fn lines(&self, expr: &str, instance: &str) -> Vec<(Option<f64>, Option<f64>, &'static str)> {
        let expr = parse(expr, &Features::default()).unwrap();
        let labels = Labels::new([("instance", instance)]).unwrap();
        let lines = self.registry.lines(&expr, [labels.as_ref()].into_iter());
        lines.iter().map(|l| (l.marks.warning, l.marks.critical, l.marks.source.as_str())).collect()
    }
}

#[test]
fn the_api_wins_over_the_configuration_and_that_over_us() {
    let s = scene(&[entry("node_load1", marks(2.0, 4.0)), entry("mine", marks(1.0, 2.0))]);
    assert_eq!(s.marks("node_load5"), (Some(1.5), Some(3.0), "default"));
    assert_eq!(s.marks("node_load1"), (Some(2.0), Some(4.0), "configuration"));
    assert_eq!(s.set("node_load1", Some(marks(5.0, 6.0))).unwrap(), 1);
    assert_eq!(s.marks("node_load1"), (Some(5.0), Some(6.0), "api"));
    let texts = Settings { owner: Some("ann".to_owned()), ..Settings::default() };
    assert_eq!(s.set("node_load1", Some(texts)).unwrap(), 2);
    assert_eq!(s.marks("node_load1"), (Some(2.0), Some(4.0), "configuration"), "texts only");
    assert_eq!(s.set("node_load1", None).unwrap(), 3);
    assert!(matches!(s.set("node_load1", None), Err(MetricError::NotFound(_))));
    s.registry.configure(&[]);
    assert_eq!(s.marks("node_load1"), (Some(1.5), Some(3.0), "default"));
    let versions = s.registry.versions("node_load1").unwrap();
    assert_eq!(
        versions.iter().map(|v| (v.version, v.removed)).collect::<Vec<_>>(),
        [(3, true), (2, false), (1, false)]
    );
}

#[test]
fn entries_survive_a_restart_and_versions_are_expected() {
    let s = scene(&[]);
    s.set("a{ x='y' }", Some(marks(1.0, 2.0))).unwrap();
    let edit = |expected| MetricEdit {
        id: "a{x=\"y\"}".to_owned(),
        settings: Some(marks(3.0, 4.0)),
        expected: Some(expected),
        ..MetricEdit::default()
    };
    let refused = s.registry.change(&edit(0));
    assert!(matches!(refused, Err(MetricError::Conflict { found: 1, expected: 0 })));
    s.registry.change(&edit(1)).unwrap();
    let again = open(&s.records, &s.world, &[]);
    let metrics = again.metrics();
    let kept = metrics.iter().find_map(|m| m.kept.clone()).unwrap();
    assert_eq!((kept.version, kept.id.as_str()), (2, "a{x=\"y\"}"));
    s.records.fail_after(Some(0));
    assert!(matches!(s.registry.change(&edit(2)), Err(MetricError::Records(_))));
    assert_eq!(s.marks("a{x=\"y\"}"), (Some(3.0), Some(4.0), "api"), "nothing was done");
}

#[test]
fn only_thresholds_of_people_make_rules() {
    let s = scene(&[]);
    assert_eq!(s.rules(), []);
    s.set("up", Some(Settings { critical: Some(1.0), ..Settings::default() })).unwrap();
    s.set("m", Some(marks(3.0, 1.0))).unwrap();
    let rule = |severity: &str, expr: &str| (severity.to_owned(), expr.to_owned());
    assert_eq!(
        s.rules(),
        [rule("critical", "(m) < 1"), rule("warning", "(m) < 3"), rule("critical", "(up) < 1"),]
    );
    let group = &s.registry.groups(5_000)[0];
    assert_eq!((group.name.as_str(), group.rules[0].name.as_str()), ("m", "threshold:m"));
    let RuleKind::Alert { for_ms, annotations, .. } = &group.rules[0].kind else { panic!("alert") };
    assert_eq!(*for_ms, FOR_MS);
    let text = |name: &str| {
        annotations.iter().find(|(n, _)| n == name).map(|(_, t)| t.to_string()).unwrap_or_default()
    };
    assert_eq!((text("threshold"), text("threshold_source")), ("1".to_owned(), "api".to_owned()));
    assert!(text("summary").contains("below the critical threshold 1"), "{}", text("summary"));
}

#[test]
fn what_we_ship_says_what_is_compared_and_matchers_narrow_it() {
    let s = scene(&[]);
    let id = "node_filefd_allocated{instance=\"db\"}";
    s.set("node_filefd_allocated", Some(marks(0.5, 0.6))).unwrap();
    s.set(id, Some(marks(0.7, 0.75))).unwrap();
    let narrow = format!("({id} / node_filefd_maximum)");
    let rules = s.rules();
    let of = |n: usize| rules[n].1.as_str();
    assert_eq!(
        of(0),
        format!("(node_filefd_allocated / node_filefd_maximum) > 0.6 unless {narrow}")
    );
    assert_eq!(of(2), format!("{narrow} > 0.75"));
    let own = Settings { expr: Some("node_filefd_allocated".to_owned()), ..marks(1e6, 2e6) };
    s.set("node_filefd_allocated", Some(own)).unwrap();
    assert!(s.rules()[0].1.starts_with("(node_filefd_allocated) > 2000000 unless"));
}

#[test]
fn charts_get_the_lines_of_what_they_show() {
    let s = scene(&[]);
    let share = "1 - node_memory_MemAvailable_bytes{job=\"host\"} / node_memory_MemTotal_bytes";
    assert_eq!(s.lines(share, "a"), [(Some(0.8), Some(0.9), "default")]);
    let percent = s.lines(&format!("100 * ({share})"), "a");
    assert_eq!(percent, [(Some(80.0), Some(90.0), "default")]);
    assert_eq!(s.lines("node_memory_MemAvailable_bytes", "a"), []);
    s.set("m{instance=\"a\"}", Some(marks(1.0, 2.0))).unwrap();
    assert_eq!(s.lines("m", "a"), [(Some(1.0), Some(2.0), "api")]);
    assert_eq!(s.lines("m{x=\"y\"}", "b"), [], "no series of this chart is meant");
}

#[test]
fn the_load_line_takes_what_people_set_for_the_share_in_use() {
    let s = scene(&[]);
    let labels = |instance: &str| vec![("instance".to_owned(), instance.to_owned())];
    let of = |instance: &str| {
        let found = s.registry.marks_of("node_filesystem_avail_bytes", &labels(instance));
        found.and_then(|m| m.critical)
    };
    assert_eq!(of("a"), None, "ours are what it has anyway");
    s.set("node_filesystem_avail_bytes", Some(marks(0.6, 0.7))).unwrap();
    s.set("node_filesystem_avail_bytes{instance=\"b\",fstype=\"xfs\"}", Some(marks(0.4, 0.5)))
        .unwrap();
    assert_eq!((of("a"), of("b")), (Some(0.7), Some(0.5)));
    let bytes =
        Settings { expr: Some("node_filesystem_avail_bytes".to_owned()), ..marks(9.0, 8.0) };
    s.set("node_filesystem_avail_bytes", Some(bytes)).unwrap();
    assert_eq!(of("a"), None, "bytes are no share");
}

#[test]
fn entries_are_checked_and_bounded() {
    let s = scene(&[]);
    let wrong = |settings: Settings| -> Vec<&str> {
        match s.set("m", Some(settings)) {
            Err(MetricError::Wrong(wrong)) => wrong.into_iter().map(|(key, _)| key).collect(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(wrong(marks(f64::NAN, 1.0)), ["warning"]);
    let above = Settings { direction: Some(Direction::Above), ..marks(2.0, 1.0) };
    assert_eq!(wrong(above), ["critical"]);
    assert_eq!(wrong(Settings { expr: Some("sum(".to_owned()), ..marks(1.0, 2.0) }), ["expr"]);
    assert_eq!(wrong(Settings { help: Some("x".repeat(5_000)), ..marks(1.0, 2.0) }), ["help"]);
    assert_eq!(wrong(Settings { for_ms: Some(-1), ..marks(1.0, 2.0) }), ["for"]);
    let braces = Settings { help: Some("{{ $nothing }} {{{".to_owned()), ..marks(1.0, 2.0) };
    s.set("m", Some(braces)).unwrap();
    assert_eq!(s.rules().len(), 2, "texts are not templates");
    assert!(matches!(s.set("{a='b'}", None), Err(MetricError::Name(..))));
    let kept = |i: usize| KeptMetric {
        id: format!("m{i}"),
        settings: Settings::default(),
        version: 1,
        author: String::new(),
        changed_ms: 0,
        comment: String::new(),
        removed: false,
    };
    let changes: Vec<Change> = (1..ENTRIES_MAX).map(|i| put(&kept(i), 0).unwrap()).collect();
    s.records.apply(&changes).unwrap();
    let full = Scene { registry: open(&s.records, &s.world, &[]), ..s };
    assert_eq!(full.registry.len(), ENTRIES_MAX);
    assert!(matches!(full.set("more", Some(Settings::default())), Err(MetricError::Limit { .. })));
    full.set("m", Some(marks(1.0, 2.0))).unwrap();
}
