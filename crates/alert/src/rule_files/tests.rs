//! Files, versions and what is left when something fails, on a simulated disk.

use super::*;
use plimsoll_records::SimRecords;
use plimsoll_world::{CrashKind, Fault, FaultPlan, Op, Sim, World};

struct Scene {
    sim: Sim,
    records: Arc<SimRecords>,
    files: RuleFiles,
}

fn scene() -> Scene {
    let (world, sim) = World::simulated(5, 1_000);
    // The store has made its directory before.
    world.disk.create_dir_all(Path::new("/data")).unwrap();
    world.disk.sync_dir(Path::new("/")).unwrap();
    let records = Arc::new(SimRecords::default());
    let files = RuleFiles::new(
        Arc::clone(&world.disk),
        Arc::clone(&records) as Arc<dyn Records>,
        Arc::clone(&world.clock),
        Path::new("/data"),
    );
    Scene { sim, records, files }
}

impl Scene {
    fn put(&self, text: &str, expected: Option<u64>) -> Result<u64, RuleFileError> {
        let edit = RuleFileEdit {
            name: "web".to_owned(),
            text: Some(text.to_owned()),
            author: "ann".to_owned(),
            comment: format!("{} bytes", text.len()),
            expected,
        };
        self.change(&edit)
    }

    fn change(&self, edit: &RuleFileEdit) -> Result<u64, RuleFileError> {
        let problem = || Problem {
            file: "web.yml".to_owned(),
            line: 3,
            key: "groups".to_owned(),
            message: "bad".to_owned(),
        };
        let check = |text: Option<&str>| {
            if text == Some("bad") { Err(vec![problem()]) } else { Ok(()) }
        };
        self.files.change(edit, check, |()| {}).map(|f| f.version)
    }

    fn by_hand(&self, text: &str) {
        let path = self.files.path("web");
        let _old = self.sim.disk.remove(&path);
        let file = self.sim.disk.open(&path, Open::CreateNew).unwrap();
        file.write_all_at(text.as_bytes(), 0).unwrap();
    }

    fn on_disk(&self) -> Option<String> {
        read_text(&self.sim.disk, &self.files.path("web"), 1 << 20).ok()
    }
}

#[test]
fn every_version_is_kept_with_its_author_and_difference() {
    let s = scene();
    assert_eq!(s.put("a\n", Some(0)).unwrap(), 1);
    assert_eq!(s.put("b\n", Some(1)).unwrap(), 2);
    assert_eq!(s.put("b\n", Some(1)).unwrap(), 2, "what is there already makes no version");
    let refused = s.put("c\n", Some(1));
    assert!(matches!(refused, Err(RuleFileError::Conflict { found: 2, expected: 1 })));
    assert!(matches!(s.put("bad", None), Err(RuleFileError::Wrong(p)) if p.len() == 1));
    assert_eq!(s.on_disk().as_deref(), Some("b\n"));
    s.by_hand("c\n");
    let now = s.files.read("web", None).unwrap();
    assert_eq!((now.version, now.author.as_str(), now.text.as_str()), (3, BY_HAND, "c\n"));
    assert_eq!(s.files.read("web", Some(1)).unwrap().text, "a\n");
    let remove = RuleFileEdit { name: "web".to_owned(), ..RuleFileEdit::default() };
    assert_eq!(s.change(&remove).unwrap(), 4);
    assert!(matches!(s.change(&remove), Err(RuleFileError::NotFound(_))));
    assert!(matches!(s.files.read("web", None), Err(RuleFileError::NotFound(_))));
    assert!(s.files.list().unwrap().is_empty());
    let seen: Vec<(u64, String, String)> = s
        .files
        .versions("web")
        .unwrap()
        .into_iter()
        .map(|v| (v.file.version, v.file.author, v.diff.unwrap().lines().skip(3).collect()))
        .collect();
    let of = |n, author: &str, diff: &str| (n, author.to_owned(), diff.to_owned());
    assert_eq!(
        seen,
        [of(4, "", "-c"), of(3, BY_HAND, "-b+c"), of(2, "ann", "-a+b"), of(1, "ann", "+a")]
    );
    assert_eq!(s.put("new\n", Some(0)).unwrap(), 5, "its history goes on");
}

#[test]
fn the_oldest_versions_go() {
    let s = scene();
    for i in 0..VERSIONS_KEPT + 5 {
        s.put(&format!("{i}\n"), None).unwrap();
    }
    let versions = s.files.versions("web").unwrap();
    assert_eq!(versions.len(), VERSIONS_KEPT as usize);
    assert_eq!(versions.last().unwrap().diff, None, "the one before is gone");
    assert!(versions[0].diff.is_some());
}

#[test]
fn names_and_sizes_are_bounded() {
    let s = scene();
    for name in ["", "../x", "A", "a.b", "a/b", &"x".repeat(65)] {
        let edit = RuleFileEdit { name: name.to_owned(), ..RuleFileEdit::default() };
        assert!(matches!(s.change(&edit), Err(RuleFileError::Name(_))), "{name:?}");
    }
    let large = "x".repeat(FILE_BYTES_MAX + 1);
    assert!(matches!(s.put(&large, None), Err(RuleFileError::Limit { .. })));
    s.put("a", None).unwrap();
    s.by_hand(&large);
    let listed = s.files.list().unwrap();
    assert!(listed[0].unreadable.as_ref().is_some_and(|w| w.contains("at most")), "{listed:?}");
    assert_eq!(s.put("a", None).unwrap(), 2, "a good text takes the place of an unreadable one");
}

#[test]
fn a_thousand_files_are_enough() {
    let s = scene();
    let edit = |i: usize| RuleFileEdit {
        name: format!("f{i}"),
        text: Some(String::new()),
        ..RuleFileEdit::default()
    };
    for i in 0..FILES_MAX {
        s.change(&edit(i)).unwrap();
    }
    let more = s.change(&edit(FILES_MAX));
    assert!(matches!(more, Err(RuleFileError::Limit { what: "files", .. })), "{more:?}");
    assert_eq!(s.files.list().unwrap().len(), FILES_MAX);
}

#[test]
fn when_a_step_fails_the_file_is_as_it_was() {
    let s = scene();
    s.put("a\n", None).unwrap();
    for op in [Op::Create, Op::Write, Op::Sync, Op::Rename, Op::SyncDir] {
        s.sim.disk.fail(FaultPlan::new(op, 1, Fault::Io));
        assert!(s.put("b\n", None).is_err(), "{op:?}");
        s.sim.disk.heal();
        assert_eq!(s.on_disk().as_deref(), Some("a\n"), "{op:?}");
        assert_eq!(s.files.versions("web").unwrap().len(), 1, "{op:?}");
    }
    s.records.fail_after(Some(0));
    assert!(s.put("b\n", None).is_err());
    s.records.fail_after(None);
    assert_eq!(s.on_disk().as_deref(), Some("a\n"));
    assert_eq!(s.put("b\n", Some(1)).unwrap(), 2);
}

#[test]
fn a_crash_at_any_point_keeps_what_was_acknowledged_and_no_half_of_a_file() {
    let (old, new) = ("a: 1\n".repeat(1_000), "b: 2\n".repeat(900));
    for n in 0..20 {
        for kind in [CrashKind::ProcessKill, CrashKind::PowerCut { seed: n }] {
            let mut s = scene();
            s.put(&old, None).unwrap();
            s.sim.disk.set_crash_after(s.sim.disk.operations() + n);
            let acknowledged = s.put(&new, None).is_ok();
            let world = s.sim.reboot(kind);
            let disk = Arc::clone(&world.disk);
            let records = Arc::clone(&s.records) as Arc<dyn Records>;
            s.files = RuleFiles::new(disk, records, Arc::clone(&world.clock), Path::new("/data"));
            let files = s.files.list().unwrap();
            assert_eq!(files.len(), 1, "{n} {kind:?}");
            let text = &files[0].text;
            assert!(*text == new || (!acknowledged && *text == old), "{n} {kind:?}");
            assert_eq!(s.files.versions("web").unwrap()[0].file.version, files[0].version);
            s.put("next\n", Some(files[0].version)).unwrap();
        }
    }
}
