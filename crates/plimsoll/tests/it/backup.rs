//! In and out of the store by the command line: import, export, snapshot, restore, verify,
//! encryption.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use crate::peer;
use crate::plimsoll::{Home, Plimsoll, binary};

#[track_caller]
fn run(arguments: &[&str]) -> Output {
    Command::new(binary()).args(arguments).output().unwrap()
}

/// The command's standard output; it must succeed.
#[track_caller]
fn done(arguments: &[&str]) -> String {
    let out = run(arguments);
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "{arguments:?}: {said}");
    String::from_utf8(out.stdout).unwrap()
}

/// The command's error output; it must fail.
#[track_caller]
fn fails(arguments: &[&str]) -> String {
    let out = run(arguments);
    assert!(!out.status.success(), "{arguments:?} succeeded");
    String::from_utf8_lossy(&out.stderr).into_owned()
}

/// Counters, gauges and odd values of the last days, whole minutes; sorted as export sorts. Ask once: the next
/// minute gives others.
fn open_metrics(days: i64) -> String {
    let now = crate::load::now_ms() / 60_000 * 60;
    let mut text = String::new();
    for series in ["cpu_total{cpu=\"0\"}", "cpu_total{cpu=\"a \\\"b\\\",c\"}", "temperature"] {
        for i in 0..days * 288 {
            let time = now - (days * 288 - i) * 300;
            let value = match i % 97 {
                7 if series == "temperature" => "NaN".to_owned(),
                _ if series == "temperature" => format!("{}", (i % 40) as f64 / 8.0 - 2.0),
                _ => i.to_string(),
            };
            text.push_str(&format!("{series} {value} {time}.000\n"));
        }
    }
    text + "# EOF\n"
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn what_goes_in_comes_out_in_either_format() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let given = open_metrics(3);
    fs::write(at("a.om"), &given).unwrap();
    let said = done(&["import", "--data-dir", text(&at("one")), text(&at("a.om"))]);
    assert!(said.starts_with("2592 samples stored, 0 duplicates"), "{said}");
    let csv = done(&["export", "--data-dir", text(&at("one")), "--format", "csv"]);
    assert_eq!(csv.lines().count(), 2593);
    fs::write(at("a.csv"), &csv).unwrap();
    done(&["import", "--data-dir", text(&at("two")), text(&at("a.csv"))]);
    let back = done(&["export", "--data-dir", text(&at("two"))]);
    assert_eq!(back, given);
    let two = at("two");
    let some = ["export", "--data-dir", text(&two), "--match", "temperature"];
    assert_eq!(done(&some).lines().count(), 865);

    fs::write(at("bad.csv"), "timestamp,value,metric\n1,x,m\n").unwrap();
    let e = fails(&["import", "--data-dir", text(&at("two")), text(&at("bad.csv"))]);
    assert!(e.contains("bad.csv") && e.contains("line 2"), "{e}");
    let e = fails(&["import", "--data-dir", text(&at("two")), text(&at("what.bin"))]);
    assert!(e.contains("--format"), "{e}");
}

#[test]
fn blocks_of_a_prometheus_are_taken_over() {
    if !peer::slow("blocks of a Prometheus") {
        return;
    }
    let Some(promtool) = peer::program("promtool") else { return };
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let given = open_metrics(2);
    fs::write(at("a.om"), &given).unwrap();
    let made = Command::new(promtool)
        .args(["tsdb", "create-blocks-from", "openmetrics", text(&at("a.om")), text(&at("blocks"))])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    done(&["import", "--data-dir", text(&at("store")), text(&at("blocks"))]);
    assert_eq!(done(&["export", "--data-dir", text(&at("store"))]), given);
}

#[test]
fn a_snapshot_of_an_encrypted_server_is_restored_verified_and_rekeyed() {
    let home = Home::new();
    let key = |name: &str, digit: &str| {
        let path = home.write(name, &digit.repeat(64));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        path
    };
    let (old, new) = (key("old.key", "a"), key("new.key", "b"));
    let section = format!("store:\n  encryption:\n    key_file: {}\n", text(&old));
    let config = home.write("c.yml", &section);
    let given = open_metrics(1);
    let samples = home.write("a.om", &given);
    let server = home.start(&["--bare", "--config", text(&config)]);
    let url = format!("http://127.0.0.1:{}", server.port);
    done(&["import", "--server", &url, text(&samples)]);
    let name = done(&["snapshot", "--server", &url]);
    let snapshot = home.path("data").join(name.trim());
    assert!(server.process.stop(Duration::from_secs(30)).success());

    let back = home.path("back");
    done(&["restore", text(&snapshot), "--data-dir", text(&back)]);
    let verify = ["verify", "--data-dir", text(&back), "--key-file", text(&old)];
    let said = done(&verify);
    assert!(said.contains("0 problems"), "{said}");
    let rekey = ["rekey", "--data-dir", text(&back), "--key-file", text(&old)];
    done(&[&rekey[..], &["--new-key-file", text(&new)]].concat());
    let export = |key: &Path| run(&["export", "--data-dir", text(&back), "--key-file", text(key)]);
    let wrong = String::from_utf8_lossy(&export(&old).stderr).into_owned();
    assert!(wrong.contains("wrong key"), "{wrong}");
    assert_eq!(String::from_utf8_lossy(&export(&new).stdout), given);
    let e = fails(&["verify", "--data-dir", text(&back)]);
    assert!(e.contains("is encrypted"), "{e}");
}

/// The state of detectors tells what a series looked like: it is sealed as the series are.
#[test]
fn checkpoints_of_analysis_are_sealed_with_the_rest() {
    let home = Home::new();
    let path = home.write("a.key", &"c".repeat(64));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    let section = format!("store:\n  encryption:\n    key_file: {}\n", text(&path));
    let config = home.write("c.yml", &section);
    let heads = |server: Plimsoll| {
        assert!(server.process.stop(Duration::from_secs(30)).success());
        let files = fs::read_dir(home.path("data").join("analysis")).unwrap();
        let states = files.map(|f| f.unwrap().path());
        let states = states.filter(|p| p.extension().is_some_and(|e| e == "state"));
        states.map(|p| fs::read(p).unwrap()[..8].to_vec()).collect::<Vec<_>>()
    };
    let sealed = heads(home.start(&["--config", text(&config)]));
    assert!(!sealed.is_empty() && sealed.iter().all(|h| h == b"PLMSEAL1"), "{sealed:?}");
    // It is opened again, and the next one sealed too.
    let again = heads(home.start(&["--config", text(&config)]));
    assert!(!again.is_empty() && again.iter().all(|h| h == b"PLMSEAL1"), "{again:?}");
}
