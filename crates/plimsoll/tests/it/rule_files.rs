//! Rule files through the API and the command line: applied at once, kept with their history, there after
//! `kill -9`.

use std::process::{Command, Output};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::plimsoll::{Home, Plimsoll, binary, escape};
use crate::process::wait_for;

const FILES: &str = "/api/plimsoll/v1/rules/files";

fn rules(expr: &str) -> String {
    format!("groups:\n- name: g\n  rules:\n  - alert: A\n    expr: {expr}\n")
}

/// Status and document of a request.
#[track_caller]
fn ask(server: &Plimsoll, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let headers = [("content-type", "application/json")];
    let answer = server.client().request(method, path, &headers, &bytes).unwrap();
    let document = serde_json::from_slice(&answer.body)
        .unwrap_or_else(|e| panic!("{path}: {e}: {}", answer.text()));
    (answer.status, document)
}

/// Expressions of the rules that run, by file name.
fn running(server: &Plimsoll) -> Vec<(String, String)> {
    let data = server.data("/api/v1/rules");
    let groups = data["groups"].as_array().unwrap().iter();
    let rules = groups.flat_map(|g| {
        let file = g["file"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        let rules = g["rules"].as_array().unwrap().iter();
        rules.map(move |r| (file.clone(), r["query"].as_str().unwrap().to_owned()))
    });
    rules.collect()
}

fn web(expr: &str) -> Vec<(String, String)> {
    vec![("web.yml".to_owned(), expr.to_owned())]
}

#[test]
fn a_file_is_put_changed_and_removed_and_every_version_is_kept() {
    let home = Home::new();
    let server = home.start(&["--bare"]);
    let path = format!("{FILES}/web");
    let put = json!({"text": rules("up > 1"), "author": "ann", "comment": "first", "expected_version": 0});
    let (status, done) = ask(&server, "PUT", &path, &put);
    assert_eq!((status, &done["version"]), (200, &json!(1)), "{done}");
    assert_eq!(running(&server), web("up > 1"));
    assert_eq!(std::fs::read_to_string(home.path("data/rules/web.yml")).unwrap(), rules("up > 1"));
    let (status, done) =
        ask(&server, "PUT", &path, &json!({"text": rules("sum("), "author": "bob"}));
    assert_eq!(status, 400, "{done}");
    assert_eq!(done["problems"][0]["line"], 5, "{done}");
    assert_eq!(done["problems"][0]["key"], "groups[0].rules[0].expr");
    let (status, done) =
        ask(&server, "POST", "/api/plimsoll/v1/rules/check", &json!({"text": rules("sum(")}));
    assert_eq!((status, &done["problems"][0]["line"]), (200, &json!(5)));
    let stale = json!({"text": rules("up > 2"), "expected_version": 0});
    let (status, done) = ask(&server, "PUT", &path, &stale);
    assert_eq!((status, &done["version"]), (409, &json!(1)), "{done}");
    assert_eq!(running(&server), web("up > 1"), "what is refused changes nothing");
    assert_eq!(std::fs::read_to_string(home.path("data/rules/web.yml")).unwrap(), rules("up > 1"));
    let (status, _) =
        ask(&server, "PUT", &path, &json!({"text": rules("up > 2"), "author": "bob"}));
    assert_eq!((status, running(&server)), (200, web("up > 2")));
    let (_, versions) = ask(&server, "GET", &format!("{path}/versions"), &Value::Null);
    assert_eq!(versions["versions"][0]["author"], "bob");
    let diff = versions["versions"][0]["diff"].as_str().unwrap();
    assert!(diff.contains("-    expr: up > 1\n+    expr: up > 2\n"), "{diff}");
    assert_eq!(versions["versions"][1]["comment"], "first");
    let (_, old) = ask(&server, "GET", &format!("{path}?version=1"), &Value::Null);
    assert_eq!(old["text"], rules("up > 1"));
    for name in ["..%2Fx", "Web", "a.b", &"x".repeat(65)] {
        let (status, done) = ask(&server, "PUT", &format!("{FILES}/{name}"), &json!({"text": ""}));
        assert_eq!(status, 400, "{name}: {done}");
    }
    let large = json!({"text": "# ".to_owned() + &"x".repeat(1 << 20)});
    assert_eq!(ask(&server, "PUT", &path, &large).0, 413);
    let (status, _) =
        ask(&server, "DELETE", &format!("{path}?author=eve&comment=gone"), &Value::Null);
    assert_eq!((status, running(&server)), (200, Vec::new()));
    assert!(!home.path("data/rules/web.yml").exists());
    assert_eq!(ask(&server, "GET", &path, &Value::Null).0, 404);
    let (_, versions) = ask(&server, "GET", &format!("{path}/versions"), &Value::Null);
    assert_eq!(
        (&versions["versions"][0]["removed"], &versions["versions"][0]["author"]),
        (&json!(true), &json!("eve"))
    );
    server.stop();
}

#[test]
fn what_was_acknowledged_is_there_after_a_kill_and_runs() {
    let home = Home::new();
    let mut server = home.start(&["--bare"]);
    for i in 1..4 {
        let body = json!({"text": rules(&format!("up > {i}")), "author": "ann"});
        let (status, done) = ask(&server, "PUT", &format!("{FILES}/web"), &body);
        assert_eq!((status, &done["version"]), (200, &json!(i)));
        server.process.kill();
        server = home.start(&["--bare"]);
        assert_eq!(running(&server), web(&format!("up > {i}")));
        let (_, file) = ask(&server, "GET", &format!("{FILES}/web"), &Value::Null);
        assert_eq!((&file["version"], &file["author"]), (&json!(i), &json!("ann")));
    }
    server.stop();
}

#[test]
fn changes_by_hand_are_noted_and_apply_with_a_reload() {
    let home = Home::new();
    home.write("data/rules/web.yml", &rules("up > 1"));
    let server = home.start(&["--bare"]);
    assert_eq!(running(&server), web("up > 1"));
    home.write("data/rules/web.yml", &rules("up > 2"));
    let (_, list) = ask(&server, "GET", FILES, &Value::Null);
    let file = &list["files"][0];
    assert_eq!((&file["version"], &file["author"]), (&json!(2), &json!("file")), "{list}");
    assert_eq!((&file["in_force"], &file["editable"]), (&json!(false), &json!(true)));
    assert_eq!(running(&server), web("up > 1"), "not before a reload");
    server.process.signal(Signal::HUP);
    let applied = wait_for(std::time::Duration::from_secs(20), || {
        (running(&server) == web("up > 2")).then_some(())
    });
    assert!(applied.is_some(), "{}", server.process.log());
    home.write("data/rules/web.yml", &rules("sum("));
    let answer = server.client().post("/-/reload", &[], &[]).unwrap();
    assert!(answer.status >= 400 && answer.text().contains("web.yml line 5"), "{}", answer.text());
    assert_eq!(running(&server), web("up > 2"), "the running set stays");
    let body = json!({"text": rules("up > 3"), "author": "ann"});
    assert_eq!(ask(&server, "PUT", &format!("{FILES}/web"), &body).1["version"], 4);
    assert_eq!(running(&server), web("up > 3"));
    server.stop();
}

#[test]
fn files_that_are_kept_elsewhere_are_shown_and_not_changed() {
    let home = Home::new();
    let file = home.write("own.yml", &rules("up > 7"));
    let config = home.write("p.yml", "alert: {rule_files: [own.yml]}\n");
    let server = home.start(&["--config", config.to_str().unwrap()]);
    let (_, list) = ask(&server, "GET", FILES, &Value::Null);
    let files = list["files"].as_array().unwrap();
    let names: Vec<&str> = files.iter().map(|f| f["name"].as_str().unwrap()).collect();
    assert!(names.iter().any(|n| n.starts_with("(default rules")), "{names:?}");
    let name = names.iter().find(|n| n.ends_with("own.yml")).unwrap();
    let path = format!("{FILES}/{}", escape(name));
    let (_, shown) = ask(&server, "GET", &path, &Value::Null);
    assert_eq!((&shown["text"], &shown["editable"]), (&json!(rules("up > 7")), &json!(false)));
    assert_eq!(ask(&server, "PUT", &path, &json!({"text": ""})).0, 409);
    assert_eq!(std::fs::read_to_string(file).unwrap(), rules("up > 7"));
    let default = names.iter().find(|n| n.starts_with("(default rules")).unwrap();
    let (_, shown) = ask(&server, "GET", &format!("{FILES}/{}", escape(default)), &Value::Null);
    assert!(shown["text"].as_str().unwrap().contains("groups:"), "{shown}");
    assert_eq!(
        ask(&server, "GET", &format!("{FILES}/{}", escape("/etc/hostname")), &Value::Null).0,
        400
    );
    server.stop();
}

fn run(server: &Plimsoll, args: &[&str]) -> Output {
    let url = format!("http://127.0.0.1:{}", server.port);
    Command::new(binary()).arg("rules").args(args).args(["--server", &url]).output().unwrap()
}

#[test]
fn the_command_line_pushes_pulls_and_tells_the_history() {
    let home = Home::new();
    let server = home.start(&["--bare"]);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let file = home.write("web.yml", &rules("up > 1")).display().to_string();
    let out = run(&server, &["push", &file, "--author", "ann", "--comment", "why"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    assert_eq!(text(&out.stdout), "web: version 1\n");
    home.write("web.yml", &rules("up >"));
    let out = run(&server, &["push", &file]);
    assert!(
        !out.status.success() && text(&out.stderr).contains("line 5: groups[0].rules[0].expr: ")
    );
    home.write("web.yml", &rules("up > 2"));
    assert!(run(&server, &["push", &file, "--expected-version", "1"]).status.success());
    assert_eq!(text(&run(&server, &["pull", "web"]).stdout), rules("up > 2"));
    assert_eq!(text(&run(&server, &["pull", "web", "--version", "1"]).stdout), rules("up > 1"));
    let said = text(&run(&server, &["history", "web"]).stdout);
    assert!(said.contains("+    expr: up > 2") && said.contains("\"ann\"\n    why\n"), "{said}");
    let said = text(&run(&server, &["list"]).stdout);
    assert!(said.starts_with("web: 1 rules in 1 groups, version 2 of 2"), "{said}");
    assert!(!run(&server, &["pull", "nothing"]).status.success());
    server.stop();
}
