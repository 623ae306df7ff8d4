//! What is said about wrong configurations, line by line.

use super::*;

#[track_caller]
fn problems(text: &str) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("plimsoll.yml");
    std::fs::write(&path, text).unwrap();
    let options = Options { config: Some(path.clone()), ..Options::default() };
    let found = load(&options).err().unwrap_or_default();
    let prefix = path.display().to_string();
    found.iter().map(|p| p.to_string().replace(&prefix, "f")).collect()
}

#[test]
fn no_file_is_a_configuration() {
    let config = load(&Options::default()).unwrap();
    assert_eq!(config.listen.to_string(), LISTEN);
    assert!(config.collect.host.is_some());
    assert!(config.groups.iter().all(|g| g.file == "(default rules)"));
    assert!(config.groups.iter().any(|g| g.name == "host"));
    assert_eq!(config.listen_note, "no login is needed on loopback");
}

#[test]
fn sizes_of_caches_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("p.yml");
    std::fs::write(&path, "query: {kept_selections: 1MiB, result_cache: 0}").unwrap();
    let config = load(&Options { config: Some(path), ..Options::default() }).unwrap();
    assert_eq!((config.query.kept_selections, config.result_cache), (1 << 20, 0));
    assert_eq!(problems("query: {kept_selections: many}").len(), 1);
}

#[test]
fn bare_has_nothing_of_its_own() {
    let config = load(&Options { bare: true, ..Options::default() }).unwrap();
    assert!(config.collect.host.is_none() && config.collect.own.is_none());
    assert!(config.groups.is_empty());
    assert!(!config.analysis.enabled);
}

#[test]
fn every_problem_is_told_with_line_and_key() {
    let found = problems(
        "serve:\n  listen: 0.0.0.0:80\nstore:\n  retention: 5sec\n  wal: {sync: sometimes}\ncollect:\n  scrape:\n  - job_name: a\n    scrape_interval: soon\n  - job_nmae: b\n    sample_limit: many\n    relabel_configs:\n    - {action: drop}\n    - {actoin: keep}\nstroe: {}\nalert:\n  rule_files: [missing.yml]\n",
    );
    let all = found.join("\n");
    for part in [
        "f line 2: serve.listen: 0.0.0.0:80 is reachable from other machines",
        "f line 4: store.retention: \"5sec\" is not a duration",
        "f line 5: store.wal.sync: \"sometimes\" is neither os, fsync nor never",
        "f line 9: collect.scrape[0].scrape_interval: ",
        "f line 10: collect.scrape[1].job_nmae: unknown field `job_nmae`",
        "f line 11: collect.scrape[1].sample_limit: invalid type",
        "f line 14: collect.scrape[1].relabel_configs[1]: unknown field `actoin`",
        "f line 15: stroe: unknown key; did you mean store?",
        "missing.yml",
    ] {
        assert!(all.contains(part), "{part}\nnot in\n{all}");
    }
}

#[test]
fn a_key_that_needs_a_restart_is_named() {
    let old = load(&Options::default()).unwrap();
    let listen = Some("127.0.0.1:1".to_owned());
    let new = load(&Options { listen, retention: Some("1d".into()), ..Options::default() });
    assert_eq!(needs_restart(&old, &new.unwrap()), ["serve.listen", "store"]);
}

#[test]
fn a_prometheus_file_is_taken_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("r.yml"),
        "groups:\n- name: g\n  rules:\n  - {record: a, expr: up}\n",
    )
    .unwrap();
    let path = dir.path().join("prometheus.yml");
    std::fs::write(
        &path,
        "global: {scrape_interval: 20s, external_labels: {a: b}}\nrule_files: ['*.yml']\nremote_read: []\nscrape_configs:\n- job_name: j\n  static_configs: [{targets: ['h:1']}]\n  kubernetes_sd_configs: []\n",
    )
    .unwrap();
    let found = load(&Options { prometheus_config: Some(path), bare: true, ..Options::default() });
    let problems = found.as_ref().err().map(|p| format!("{p:?}")).unwrap_or_default();
    assert!(
        problems.contains("prometheus.yml") && problems.contains("scrape_configs"),
        "{problems}"
    );
    std::fs::remove_file(dir.path().join("prometheus.yml")).unwrap();
    let path = dir.path().join("p.yaml");
    std::fs::write(
        &path,
        "global: {scrape_interval: 20s, external_labels: {a: b}}\nrule_files: ['*.yml']\nremote_read: []\nscrape_configs:\n- job_name: j\n  static_configs: [{targets: ['h:1']}]\n  kubernetes_sd_configs: []\n",
    )
    .unwrap();
    let config = load(&Options { prometheus_config: Some(path), bare: true, ..Options::default() });
    let config = config.unwrap_or_else(|p| panic!("{p:?}"));
    assert_eq!(config.collect.scrape[0].interval, Duration::from_secs(20));
    assert_eq!(config.groups[0].interval_ms, 60_000);
    assert_eq!(config.external_labels, Labels::new([("a", "b")]).unwrap());
    assert_eq!(config.alert.external_labels.get("a"), Some("b"));
    assert_eq!(config.unsupported.len(), 2, "{:?}", config.unsupported);
}

#[test]
fn texts_of_a_scrape_job_are_what_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("prometheus.yml");
    std::fs::write(
        &path,
        "scrape_configs:\n- job_name: on\n  params: {v: [1.10]}\n  sample_limit: 7\n  \
         static_configs: [{targets: [a], labels: {version: 1.10, country: no}}]\n  \
         relabel_configs: [{source_labels: [version], regex: 1.10, target_label: y, replacement: 0x1F}]\n",
    )
    .unwrap();
    let config = load(&Options { prometheus_config: Some(path), bare: true, ..Options::default() });
    let job = config.unwrap_or_else(|p| panic!("{p:?}")).collect.scrape.remove(0);
    assert_eq!((job.job.as_str(), job.samples_max), ("on", 7));
    assert_eq!(job.params["v"], ["1.10"]);
    let labels = &job.groups[0].1;
    assert_eq!((labels["version"].as_str(), labels["country"].as_str()), ("1.10", "no"));
    let mut labels = plimsoll_collect::scrape::relabel::LabelMap(labels.clone());
    assert!(plimsoll_collect::scrape::relabel::apply(&job.relabel, &mut labels));
    assert_eq!(labels.0["y"], "0x1F");
}

#[test]
fn an_own_alert_takes_the_place_of_the_default_one() {
    let dir = tempfile::tempdir().unwrap();
    let rules = "groups:\n- name: g\n  rules:\n  - {alert: TargetDown, expr: up == 0, for: 9m}\n";
    std::fs::write(dir.path().join("r.yml"), rules).unwrap();
    let path = dir.path().join("p.yml");
    std::fs::write(&path, "alert: {rule_files: [r.yml], default_rules: [targets, tls]}\n").unwrap();
    let config = load(&Options { config: Some(path), ..Options::default() });
    let groups = config.unwrap_or_else(|p| panic!("{p:?}")).groups;
    let rules: Vec<(&str, &str)> = groups
        .iter()
        .flat_map(|g| g.rules.iter().map(|r| (g.file.rsplit('/').next().unwrap(), r.name.as_str())))
        .collect();
    let of = |name: &str| -> Vec<&str> {
        rules.iter().filter(|(_, n)| *n == name).map(|(file, _)| *file).collect()
    };
    assert_eq!(of("TargetDown"), ["r.yml"]);
    assert_eq!(of("JobDown"), ["(default rules)"]);
    assert_eq!(of("TlsCertificateEnds"), ["(default rules)"]);
    assert!(of("HostDiskFull").is_empty());
}

#[test]
fn otlp_is_read_from_both_files() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("p.yaml");
    let section = "otlp:\n  translation_strategy: NoTranslation\n  promote_resource_attributes: [a]\n  label_name_underscore_sanitization: false\n";
    std::fs::write(&path, section).unwrap();
    let from = |options| load(&options).unwrap_or_else(|p| panic!("{p:?}")).otlp;
    let theirs = from(Options { prometheus_config: Some(path.clone()), ..Options::default() });
    let ours = from(Options {
        config: Some(path.clone()),
        features: vec!["otlp-native-delta-ingestion".into()],
        ..Options::default()
    });
    assert_eq!(theirs.strategy, plimsoll_wire::otlp::Strategy::NoTranslation);
    assert_eq!(theirs.promoted, ["a"]);
    assert!(!theirs.label_rules.key_prefix && !theirs.keep_delta && ours.keep_delta);
    std::fs::write(&path, "otlp: {translation_strategy: Some, ignore_resource_attributes: [b]}")
        .unwrap();
    let problems =
        load(&Options { config: Some(path), ..Options::default() }).map(|_| ()).unwrap_err();
    let told = format!("{problems:?}");
    assert!(told.contains("otlp.translation_strategy") && told.contains("NoTranslation"), "{told}");
    assert!(told.contains("otlp.ignore_resource_attributes"), "{told}");
}

#[test]
fn alertmanagers_of_others_are_read_from_a_prometheus_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("p.yaml");
    let text = "global: {external_labels: {region: eu, replica: r}}\nalerting:\n  alert_relabel_configs: \
                [{regex: replica, action: labeldrop}]\n  alertmanagers:\n  - scheme: https\n    \
                path_prefix: /am\n    timeout: 3s\n    static_configs: [{targets: ['a:1', 'b:2']}]\n    \
                basic_auth: {username: u, password: p}\n    dns_sd_configs: []\n";
    std::fs::write(&path, text).unwrap();
    let options =
        Options { prometheus_config: Some(path.clone()), bare: true, ..Options::default() };
    let config = load(&options).unwrap_or_else(|p| panic!("{p:?}"));
    let forward = config.alert.forward;
    let urls: Vec<&str> = forward.alertmanagers.iter().map(|a| a.url.as_str()).collect();
    assert_eq!(urls, ["https://a:1/am/api/v2/alerts", "https://b:2/am/api/v2/alerts"]);
    assert_eq!(forward.alertmanagers[0].timeout, Duration::from_secs(3));
    assert_eq!(config.unsupported.len(), 1, "{:?}", config.unsupported);
    let pair = |n: &str, v: &str| (n.to_owned(), v.to_owned());
    let mut labels = [pair("region", "eu"), pair("replica", "r")].into();
    assert!(forward.relabel.unwrap()(&mut labels));
    assert_eq!(labels, [pair("region", "eu")].into());
    let wrong = "alerting:\n  alert_relabel_configs: [{action: nothing}]\n  alertmanagers:\n  - {scheme: \
                 ftp, api_version: v1, static_configs: [{targets: [a/b]}], unknown: 1}\n";
    std::fs::write(&path, wrong).unwrap();
    let told = format!("{:?}", load(&options).err().unwrap());
    for part in [
        "alerting.alert_relabel_configs[0].action",
        "alerting.alertmanagers[0].scheme",
        "alerting.alertmanagers[0].api_version",
        "alerting.alertmanagers[0].static_configs[0].targets",
        "alerting.alertmanagers[0].unknown",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn an_alertmanager_file_takes_the_place_of_our_routes() {
    let dir = tempfile::tempdir().unwrap();
    let am = dir.path().join("am.yml");
    std::fs::write(
        &am,
        "route: {receiver: a}\nreceivers: [{name: a, webhook_configs: [{url: 'http://h'}]}, {name: \
         b, webex_configs: [{room_id: x}]}]\n",
    )
    .unwrap();
    let ours = dir.path().join("plimsoll.yml");
    std::fs::write(&ours, "alert: {alertmanager_config: am.yml}\n").unwrap();
    let options = Options { config: Some(ours.clone()), bare: true, ..Options::default() };
    let config = load(&options).unwrap_or_else(|p| panic!("{p:?}"));
    assert_eq!(config.alert.routing.routes[0].group_wait_ms, 30_000);
    assert_eq!(config.unsupported.len(), 2, "{:?}", config.unsupported);
    std::fs::write(&ours, "alert: {alertmanager_config: am.yml, receivers: [{name: c}]}\n")
        .unwrap();
    assert!(format!("{:?}", load(&options).err()).contains("receivers come from"));
    let options = Options { alertmanager_config: Some(am), bare: true, ..Options::default() };
    assert_eq!(load(&options).unwrap().alert.routing.receivers.len(), 2);
}

#[test]
fn templates_of_notifications_are_read_and_checked() {
    let dir = tempfile::tempdir().unwrap();
    let am = dir.path().join("am.yml");
    let text = "templates: ['*.tmpl', 'none/x.tmpl']\nroute: {receiver: a}\nreceivers:\n- name: a\n  slack_configs:\n  - \
                {api_url: 'http://s', channel: c, title: '{{ template \"own\" . }}'}\n";
    std::fs::write(&am, text).unwrap();
    let file = dir.path().join("t.tmpl");
    let load = || {
        load(&Options { alertmanager_config: Some(am.clone()), bare: true, ..Options::default() })
    };
    for (template, part) in [
        ("{{ define \"own\" }}{{ .Statsu }}{{ end }}", "did you mean Status?"),
        ("{{ define \"own\" }}\n{{ if }}{{ end }}", "t.tmpl line 2: templates: "),
        ("{{ define \"owm\" }}{{ end }}", "did you mean owm?"),
    ] {
        std::fs::write(&file, template).unwrap();
        let problems = load().err().unwrap_or_default();
        let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(shown.iter().any(|p| p.contains(part)), "{shown:?}");
    }
    std::fs::write(&file, "{{ define \"own\" }}{{ .Status }}{{ end }}").unwrap();
    assert!(load().is_ok());
}
