import { describe, expect, it } from "vitest";
import type { AlertDoc } from "../../api/alertingTypes";
import { compile, parseFilter, type Test } from "../../lib/matchers";
import { type GroupBy, list, rowKey } from "./groups";

let made = 0;
const alert = (name: string, more: Partial<AlertDoc> = {}, labels: Record<string, string> = {}): AlertDoc => ({
  fingerprint: String(++made).padStart(16, "0"),
  state: "firing",
  labels: { alertname: name, ...labels },
  annotations: {},
  value: 1,
  severity: "warning",
  active_at: 1000,
  fired_at: 2000,
  acknowledged: null,
  silenced_by: [],
  inhibited_by: [],
  receivers: [],
  rule: null,
  expr: "",
  incident: null,
  ...more,
});
const all = compile(parseFilter("")) as Test;
const names = (alerts: AlertDoc[], by: GroupBy = "name", show = "", folded: string[] = []) =>
  list(alerts, all, show, by, new Set(folded)).rows.map((r) => (r.kind === "group" ? `# ${r.group.name} ${r.group.alerts.length}` : `${r.inside ? "  " : ""}${r.alert.labels["alertname"]} ${r.alert.labels["i"] ?? ""}`.trimEnd()));

describe("the list of alerts", () => {
  const some = [
    alert("Quiet", { severity: "info" }),
    alert("Slow", { state: "pending", severity: "critical" }),
    alert("Disk", {}, { i: "1", job: "a" }),
    alert("Muted", { severity: "critical", silenced_by: ["x"] }),
    alert("Disk", { severity: "critical" }, { i: "2", job: "a" }),
    alert("Known", { severity: "critical", acknowledged: { by: "ana", at: 1 } }),
  ];
  it("puts what fires first, and the worst of it first; one alone has no heading", () => {
    expect(names(some)).toEqual(["# Disk 2", "  Disk 2", "  Disk 1", "Quiet", "Known", "Slow", "Muted"]);
  });
  it("says once what the alerts of a group have in common", () => {
    const [first] = list(some, all, "", "name", new Set()).rows;
    expect(first?.kind === "group" && [...first.group.shared].sort()).toEqual(["alertname", "job"]);
  });
  it("counts by standing what passes the filter, whichever part is shown", () => {
    const l = list(some, compile(parseFilter("job=a or")) as Test, "", "name", new Set());
    expect([l.shown, l.passed]).toEqual([0, 0]);
    const m = list(some, all, "silenced", "none", new Set());
    expect([m.rows.length, m.shown, m.passed, m.counts]).toEqual([1, 1, 6, { firing: 3, pending: 1, acknowledged: 1, silenced: 1 }]);
  });
  it("folds groups, and groups by other things", () => {
    expect(names(some, "name", "firing", ["Disk"])).toEqual(["# Disk 2", "Quiet"]);
    expect(names(some, "severity", "firing")).toEqual(["# critical 1", "  Disk 2", "# warning 1", "  Disk 1", "# info 1", "  Quiet"]);
  });
  it("has a key for every row, in an order that does not depend on that of the answer", () => {
    const many = Array.from({ length: 500 }, (_, i) => alert(`A${i % 7}`, { severity: ["critical", "warning"][i % 2] ?? "", fired_at: i % 5 }, { i: String(i) }));
    const keys = list(many, all, "", "name", new Set()).rows.map(rowKey);
    expect(new Set(keys).size).toBe(507);
    expect(list([...many].reverse(), all, "", "name", new Set()).rows.map(rowKey)).toEqual(keys);
  });
});
