// For work on the UI only: made-up alerts, silences, incidents, history and rules for dev/server.mjs.
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const iso = (ms) => (ms === null ? null : new Date(ms).toISOString());
const born = Date.now();

const RULES = [
  { file: "ops.yml", group: "api", name: "ManyErrors", expr: 'sum by (job, instance) (rate(http_requests_total{code=~"5.."}[5m])) / sum by (job, instance) (rate(http_requests_total[5m])) > 0.01', for: 120, severity: "critical", kind: "threshold", summary: (l) => `${l.job} on ${l.instance} answers with errors` },
  { file: "ops.yml", group: "api", name: "SlowAnswers", expr: "histogram_quantile(0.95, sum by (le, job) (rate(http_request_duration_seconds_bucket[5m]))) > 0.8", for: 300, severity: "warning", kind: "threshold", summary: (l) => `95 % of answers of ${l.job} come within a second and more` },
  { file: "(default rules)", group: "host", name: "HostDiskFull", expr: "1 - node_filesystem_avail_bytes / node_filesystem_size_bytes > 0.9", for: 60, severity: "critical", kind: "threshold", summary: (l) => `${l.mountpoint} on ${l.instance} is 93 % full` },
  { file: "(default rules)", group: "host", name: "HostDiskFilling", expr: 'plimsoll_time_to_limit_seconds{resource="disk",quantile="0.5"} < 86400', for: 30, severity: "warning", kind: "prediction", summary: (l) => `${l.mountpoint} on ${l.instance} will be full in 11 h` },
  { file: "ops.yml", group: "backup", name: "BackupOld", expr: "time() - backup_last_success_timestamp_seconds > 129600", for: 0, severity: "info", kind: "threshold", summary: (l) => `the last backup of ${l.job} is 38 h old` },
  { file: "trial.yml", group: "trial", name: "QueueGrows", expr: "deriv(queue_length[15m]) > 2", for: 600, severity: "warning", kind: "trend", mode: "shadow", summary: () => "the queue grows" },
];
const byName = Object.fromEntries(RULES.map((r) => [r.name, r]));

let made = 0;
function alert(name, labels, more = {}) {
  const rule = byName[name];
  const id = (++made * 2654435761).toString(16).padStart(16, "0").slice(-16);
  const fired = more.state === "pending" ? null : born - (more.age ?? 20 * MINUTE);
  return {
    fingerprint: id,
    episode: `e${made}`,
    state: "firing",
    labels: { alertname: name, severity: rule.severity, ...labels },
    annotations: { summary: rule.summary(labels), description: "What it means for people who use the service, in one sentence.", runbook_url: "https://runbooks.example/all" },
    value: more.value ?? 0.032,
    threshold: null,
    severity: rule.severity,
    kind: rule.kind,
    active_at: iso((fired ?? born) - rule.for * 1000),
    fired_at: iso(fired),
    acknowledged: null,
    silenced_by: [],
    inhibited_by: [],
    receivers: ["ops-slack", "pager"],
    rule: { file: rule.file, group: rule.group, name },
    expr: rule.expr,
    generator_url: "",
    incident: more.incident ?? null,
    ...Object.fromEntries(Object.entries(more).filter(([k]) => !["age", "incident"].includes(k))),
  };
}

function few() {
  const all = [
    ...["web-1", "web-2", "web-3"].map((instance, i) => alert("ManyErrors", { instance, job: "checkout", env: "prod" }, { value: 0.041 - i * 0.011, age: (12 + i) * MINUTE, incident: "i-41" })),
    alert("HostDiskFull", { instance: "db-1", mountpoint: "/data", device: "/dev/vdb", job: "host" }, { value: 0.931, age: 3 * HOUR, incident: "i-40" }),
    alert("SlowAnswers", { job: "search", env: "prod" }, { value: 1.24, age: 42 * MINUTE, incident: "i-41", acknowledged: { by: "ana", at: iso(born - 20 * MINUTE), note: "index is being rebuilt, done by noon" } }),
    alert("HostDiskFilling", { instance: "db-2", mountpoint: "/", job: "host" }, { value: 39_600, age: 26 * HOUR, incident: "i-39" }),
    alert("HostDiskFilling", { instance: "db-3", mountpoint: "/var/lib/containers", job: "host" }, { value: 71_000, age: 90 * MINUTE, incident: "i-39" }),
    alert("ManyErrors", { instance: "canary-1", job: "checkout", env: "staging" }, { state: "pending", value: 0.013 }),
    alert("BackupOld", { job: "ledger-backup", env: "prod" }, { value: 137_200, age: 2.4 * HOUR, silenced_by: ["5c1f3a52-1d0e-4d13-9a0e-6d0bb0c0f001"] }),
    alert("SlowAnswers", { job: "report", env: "prod" }, { value: 0.97, age: 8 * MINUTE }),
  ];
  all[9].inhibited_by = [all[0].fingerprint];
  return all;
}

const thousands = () => Array.from({ length: 10_000 }, (_, i) => alert(RULES[i % 5].name, { instance: `host-${i % 997}`, job: ["checkout", "search", "ledger"][i % 3], mountpoint: `/data${i % 11}`, pod: `pod-${i}` }, { age: (i * 7919) % DAY, value: (i % 100) / 50, ...(i % 9 === 0 ? { state: "pending" } : {}) }));

const silence = (id, matchers, from, to, comment, windows) => ({ id, matchers: matchers.map(([name, value, isRegex = false]) => ({ name, value, isRegex, isEqual: true })), startsAt: iso(from), endsAt: iso(to), updatedAt: iso(from), createdBy: "ana", comment, ...(windows ? { windows } : {}) });

export function alerting(scene) {
  const empty = scene === "empty" || scene === "first";
  const alerts = empty ? [] : scene === "many" ? thousands() : few();
  let silences = empty
    ? []
    : [
        silence("5c1f3a52-1d0e-4d13-9a0e-6d0bb0c0f001", [["alertname", "BackupOld"], ["job", "ledger-backup"]], born - HOUR, born + 5 * HOUR, "the new vault is being filled, ticket 4711"),
        silence("5c1f3a52-1d0e-4d13-9a0e-6d0bb0c0f002", [["env", "staging"]], born - 40 * DAY, born + 300 * DAY, "nightly load tests", [{ times: [{ start_time: "01:00", end_time: "04:00" }], weekdays: ["monday:friday"], location: "Europe/Berlin" }]),
        silence("5c1f3a52-1d0e-4d13-9a0e-6d0bb0c0f003", [["instance", "db-(1|2)", true], ["severity", "critical|warning", true]], born + 9 * HOUR, born + 11 * HOUR, "disk swap"),
        silence("5c1f3a52-1d0e-4d13-9a0e-6d0bb0c0f004", [["job", "search"]], born - 2 * DAY, born - 1.9 * DAY, "reindex"),
      ];
  const stateOf = (s) => ({ ...s, status: { state: Date.parse(s.endsAt) <= Date.now() ? "expired" : Date.parse(s.startsAt) > Date.now() ? "pending" : "active" } });
  const takes = (ms, labels) => ms.every((m) => (m.isRegex ? new RegExp(`^(?:${m.value})$`).test(labels[m.name] ?? "") : (labels[m.name] ?? "") === m.value) === m.isEqual);
  const notes = [];
  const episode = (a, back = 0, long = 14 * MINUTE) => {
    const fired = Date.parse(a.fired_at ?? a.active_at) - back;
    const over = back ? fired + long : null;
    return {
      episode: `${a.episode}-${back}`, fingerprint: a.fingerprint, rule: a.rule, labels: a.labels, severity: a.severity, kind: a.kind,
      active_at: iso(fired - 2 * MINUTE), fired_at: iso(fired), acknowledged_at: a.acknowledged && !back ? a.acknowledged.at : null, acknowledged_by: a.acknowledged && !back ? a.acknowledged.by : null,
      resolved_at: iso(over), peak: Number(a.value) * 1.3, value: a.value, threshold: null, notifications: 2,
      transitions: [{ at: iso(fired - 2 * MINUTE), from: "inactive", to: "pending", value: a.value }, { at: iso(fired), from: "pending", to: "firing", value: a.value }, ...(over ? [{ at: iso(over), from: "firing", to: "resolved", value: null }] : [])],
    };
  };
  const history = () => alerts.filter((a) => a.fired_at).slice(0, 300).flatMap((a, i) => [episode(a), ...Array.from({ length: (i * 3) % 5 }, (_, k) => episode(a, (k + 1) * (7 + i) * HOUR, (5 + k * 9) * MINUTE))]).sort((a, b) => Date.parse(b.fired_at) - Date.parse(a.fired_at));
  const incident = (id, title, state, severity, of, opened, resolved = null) => ({ id, title, state, severity, group_labels: { alertname: title }, receivers: ["ops-slack", "pager"], opened_at: iso(born - opened), acknowledged_at: state === "acknowledged" ? iso(born - opened + 4 * MINUTE) : null, acknowledged_by: state === "acknowledged" ? "ana" : null, resolved_at: iso(resolved && born - resolved), alerts: of, firing: resolved ? 0 : of });
  const incidents = empty ? [] : [
    incident("i-41", "ManyErrors on checkout", "open", "critical", 4, 14 * MINUTE),
    incident("i-40", "HostDiskFull on db-1", "acknowledged", "critical", 1, 3 * HOUR),
    incident("i-39", "HostDiskFilling", "open", "warning", 2, 26 * HOUR),
    incident("i-38", "SlowAnswers of report", "resolved", "warning", 3, 2 * DAY, 2 * DAY - 40 * MINUTE),
  ];
  const EXAMPLE = 'groups:\n  - name: api\n    interval: 15s\n    rules:\n      # five in a hundred is what the contract allows\n      - alert: ManyErrors\n        expr: sum by (job) (rate(http_requests_total{code=~"5.."}[5m])) > 0.01\n        for: 2m\n        labels:\n          severity: critical\n';
  const versions = [
    { version: 2, author: "ana", changed_at: iso(born - 3 * HOUR), comment: "less noise", diff: '--- ops.yml version 1\n+++ ops.yml version 2\n@@ -5,4 +5,4 @@\n       - alert: ManyErrors\n         expr: sum by (job) (rate(http_requests_total{code=~"5.."}[5m])) > 0.01\n-        for: 30s\n+        for: 2m\n         labels:\n' },
    { version: 1, author: "ben", changed_at: iso(born - 9 * DAY), comment: "first rules", diff: EXAMPLE.split("\n").map((l) => `+${l}`).join("\n") },
  ];
  const texts = { "ops.yml": EXAMPLE, "trial.yml": EXAMPLE.replace("ManyErrors", "QueueGrows").replace("- alert", "- mode: shadow\n        alert") };
  const saved = { "ops.yml": versions, "trial.yml": versions };
  const diff = (a, b) => `--- before\n+++ after\n${b.split("\n").map((l, i) => (l === a.split("\n")[i] ? ` ${l}` : `${i in a.split("\n") && a ? `-${a.split("\n")[i]}\n` : ""}+${l}`)).join("\n")}`;
  const problemsOf = (text) => text.split("\n").flatMap((l, i) => (/^\s*(foo|fro):/.test(l) ? [{ line: i + 1, key: "groups[0].rules[0].fro", message: "unknown key; did you mean for?" }] : []));
  const groups = () => {
    const named = new Map();
    for (const r of empty ? [] : RULES) {
      const key = `${r.file}/${r.group}`;
      if (!named.has(key)) named.set(key, { name: r.group, file: r.file, interval: 15, evaluationTime: 0.0021, lastEvaluation: iso(Date.now() - 4000), limit: 0, rules: [] });
      const its = alerts.filter((a) => a.labels.alertname === r.name);
      named.get(key).rules.push({ type: "alerting", name: r.name, query: r.expr, duration: r.for, keepFiringFor: 0, health: "ok", evaluationTime: 0.0007, lastEvaluation: iso(Date.now() - 4000), labels: { severity: r.severity }, annotations: { summary: "{{ $labels.instance }} …", runbook_url: "https://runbooks.example/all" }, state: its.some((a) => a.fired_at) ? "firing" : its.length ? "pending" : "inactive", ...(r.mode ? { mode: r.mode } : {}), alerts: its.slice(0, 50).map((a) => ({ labels: a.labels, annotations: a.annotations, state: a.state, activeAt: a.active_at, value: String(a.value) })) });
    }
    const api = named.get("ops.yml/api");
    api?.rules.push({ type: "recording", name: "job:http_requests:rate5m", query: "sum by (job) (rate(http_requests_total[5m]))", health: "ok", evaluationTime: 0.0004, lastEvaluation: iso(Date.now() - 4000), labels: {} });
    api?.rules.push({ type: "alerting", name: "Unreadable", query: "http_requests_total / on (job) http_workers", duration: 0, health: "err", lastError: "found duplicate series for the match group {job=\"checkout\"} on the right hand-side of the operation; many-to-many matching not allowed: matching labels must be unique on one side", evaluationTime: 0.0003, lastEvaluation: iso(Date.now() - 4000), labels: { severity: "warning" }, annotations: {}, state: "inactive", alerts: [] });
    return [...named.values()];
  };
  const backtest = (start, end, name) => {
    const week = 7 * DAY;
    const span = end - start;
    const episodes = Array.from({ length: Math.ceil(span / (19 * HOUR)) }, (_, i) => ({ labels: { alertname: name, instance: `web-${(i * 7) % 4}`, job: "checkout" }, annotations: {}, pending_since: start + i * 19 * HOUR, firing_since: start + i * 19 * HOUR + 2 * MINUTE, resolved_at: Math.min(end, start + i * 19 * HOUR + (20 + ((i * 37) % 90)) * MINUTE), value: 0.02, max: 0.05, min: 0.01 }));
    const cells = [0.005, 0.01, 0.02, 0.05].flatMap((threshold, i) => [0, 60_000, 120_000, 300_000, 900_000].map((for_ms, k) => ({ threshold, for_ms, fired: 60 - i * 15 - k * 3, pages: 40 - i * 10 - k * 2, per_week: Math.max(0, 31 - i * 8.5 - k * 1.9), firing_ms: (12 - i * 3 - k * 0.4) * HOUR, best: (i === 1 && k === 3) || (i === 2 && k === 1) })));
    return { start, end, complete: true, lag_ms: 0, method: "columns", rules: [{ group: "api", rule: name, expr: "", interval_ms: 15_000, for_ms: 120_000, keep_firing_for_ms: 0, until: end, evaluations: Math.round(span / 15_000), failures: 0, failure: null, alerts: 4, episodes_total: episodes.length + 6, pages: { fired: episodes.length, count: episodes.length, per_week: (episodes.length * week) / span, low: (episodes.length * 0.6 * week) / span, high: (episodes.length * 1.6 * week) / span, level: 0.95, firing_ms: 9 * HOUR }, episodes, curve: { op: ">", threshold: 0.01, for_ms: 120_000, cells }, no_curve: null }] };
  };

  /** The answer to a request: a document, `{status, …}` for a failure, undefined for a path of somebody else's. */
  return (method, path, query, text) => {
    const json = () => JSON.parse(text || "{}");
    const own = path.startsWith("/api/plimsoll/v1/") ? path.slice("/api/plimsoll/v1".length) : "";
    if (path === "/api/v2/alerts" && method === "POST") {
      for (const { labels, annotations } of json()) {
        if (alerts.some((a) => JSON.stringify(a.labels) === JSON.stringify(labels))) continue;
        const id = `i-${labels.alertname}`;
        if (!incidents.some((i) => i.id === id)) incidents.unshift(incident(id, labels.alertname, "open", labels.severity, 1, 0));
        alerts.push({ ...alert("BackupOld", {}, { age: 1000, incident: id }), labels, annotations, severity: labels.severity, rule: null, expr: "", kind: "posted" });
      }
      return {};
    }
    if (path === "/api/v1/rules") return { status: "success", data: { groups: groups() } };
    if (path === "/api/v2/silences" && method === "GET") return silences.map(stateOf);
    if (path === "/api/v2/silences") {
      const wish = json();
      const id = wish.id ?? `new-${silences.length}`;
      silences = [...silences.filter((s) => s.id !== id), { ...wish, id, updatedAt: iso(Date.now()) }];
      for (const a of alerts) a.silenced_by = silences.filter((s) => stateOf(s).status.state === "active" && takes(s.matchers, a.labels)).map((s) => s.id);
      return { silenceID: id };
    }
    if (path.startsWith("/api/v2/silence/")) {
      const id = decodeURIComponent(path.split("/").pop());
      silences = silences.map((s) => (s.id === id ? { ...s, endsAt: iso(Date.now() - 1) } : s));
      return {};
    }
    if (own === "/silences/preview") return { alerts: alerts.filter((a) => takes(json().matchers, a.labels)) };
    if (own === "/rules/backtest") {
      const f = new URLSearchParams(text);
      return backtest(Number(f.get("start")) * 1000, Number(f.get("end")) * 1000, f.get("rule"));
    }
    if (own === "/alerts") return [{ total: alerts.length, counts: {} }, ...alerts].map((x) => `${JSON.stringify(x)}\n`).join("");
    if (own === "/alerts/history") {
      const rule = query.get("rule");
      const fingerprint = query.get("fingerprint");
      return { episodes: history().filter((e) => (!fingerprint || e.fingerprint === fingerprint) && (!rule || e.rule?.name === rule)), truncated: false };
    }
    if (own === "/alerts/statistics") {
      const rules = (empty ? [] : RULES).map((r, i) => ({ rule: { file: r.file, group: r.group, name: r.name }, episodes: 48 - i * 8, firing_seconds: 40_000 / (i + 1), mean_to_acknowledge_seconds: i % 2 ? null : 240 + i * 60, mean_to_resolve_seconds: 1900 / (i + 1), notifications: 96 - i * 16, flapping: i === 1, pages_per_week: 24 - i * 4 }));
      return { rules, totals: { episodes: 168, firing_seconds: 98_000, mean_to_acknowledge_seconds: 310, mean_to_resolve_seconds: 1240, notifications: 336, pages_per_week: 84 } };
    }
    const [, fingerprint, what] = /^\/alerts\/([^/]+)\/(acknowledge|evidence)$/.exec(own) ?? [];
    const one = alerts.find((a) => a.fingerprint === fingerprint);
    if (fingerprint && !one) return { code: 404, error: "no such alert" };
    if (what === "acknowledge") {
      if (one.state !== "firing") return { code: 409, error: "the alert does not fire" };
      one.acknowledged = method === "DELETE" ? null : { by: json().by, at: iso(Date.now()), note: json().note ?? "" };
      return one;
    }
    if (what === "evidence") return { chart_svg_url: null, value: one.value, day_ago: Number(one.value) / 4, week_ago: Number(one.value) / 5, since: one.active_at, fired_times_30d: 7, last: [], runbook: null, links: [{ title: "Dashboard", url: "https://dash.example/checkout" }], causes: [{ text: "release 42 of checkout went out 3 minutes before", score: 0.81, url: "" }], changes: [{ at: iso(born - 17 * MINUTE), what: "deployment of checkout, version 42" }], forecast: null };
    if (own === "/incidents") return { incidents: incidents.filter((i) => query.get("state") === "all" || i.state !== "resolved") };
    const [, id, act] = /^\/incidents\/([^/]+)(?:\/(acknowledge|notes))?$/.exec(own) ?? [];
    const i = incidents.find((x) => x.id === id);
    if (id && !i) return { code: 404, error: "no such incident" };
    if (act === "notes") {
      notes.push({ at: iso(Date.now()), what: "note", text: json().text, by: json().by, fingerprint: null });
      return i;
    }
    if (act === "acknowledge") {
      i.state = method === "DELETE" ? "open" : "acknowledged";
      i.acknowledged_at = method === "DELETE" ? null : iso(Date.now());
      i.acknowledged_by = method === "DELETE" ? null : json().by;
      return i;
    }
    if (i) {
      const its = alerts.filter((a) => a.incident === id);
      const opened = Date.parse(i.opened_at);
      const timeline = [
        { at: i.opened_at, what: "fired", text: `${i.title} began to fire`, by: null, fingerprint: its[0]?.fingerprint ?? null },
        { at: iso(opened + 3000), what: "notified", text: "ops-slack (slack), after 0.4 s", by: null, fingerprint: null },
        { at: iso(opened + 3000), what: "notified", text: "pager (pagerduty), after 0.7 s", by: null, fingerprint: null },
        ...(i.acknowledged_at ? [{ at: i.acknowledged_at, what: "acknowledged", text: "looking at it", by: i.acknowledged_by, fingerprint: null }] : []),
        ...notes,
      ];
      return { ...i, alerts: its.map((a) => episode(a)), timeline };
    }
    if (own === "/rules/files") return { files: empty ? [] : [{ name: "(default rules)", editable: false, version: null, author: null, changed_at: null, groups: 1, rules: 5 }, ...Object.keys(texts).map((name) => ({ name, editable: true, version: saved[name][0].version, author: saved[name][0].author, changed_at: saved[name][0].changed_at, groups: 1, rules: 3 }))] };
    if (own === "/rules/check") return { problems: problemsOf(json().text) };
    const [, file, list] = /^\/rules\/files\/([^/]+)(\/versions)?$/.exec(own) ?? [];
    const name = file && decodeURIComponent(file);
    if (list) return { versions: saved[name] ?? [] };
    if (name && method === "PUT") {
      const problems = problemsOf(json().text);
      if (problems.length) return { code: 400, error: "the file has problems", problems };
      saved[name] = [{ version: (saved[name]?.[0]?.version ?? 0) + 1, author: json().author, changed_at: iso(Date.now()), comment: json().comment, diff: diff(texts[name] ?? "", json().text), text: json().text }, ...(saved[name] ?? [])];
      texts[name] = json().text;
      return { version: saved[name][0].version };
    }
    if (name && method === "DELETE") {
      delete texts[name];
      return {};
    }
    if (name) return { name, text: saved[name]?.find((v) => String(v.version) === query.get("version"))?.text ?? texts[name] ?? "# the rules that come with the program\ngroups: []\n", version: saved[name]?.[0].version ?? null, author: "ana", changed_at: versions[0].changed_at, editable: name in texts };
    return undefined;
  };
}
