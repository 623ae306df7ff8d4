import { expect, it } from "vitest";
import type { RuleDoc, RuleGroupDoc } from "../../api/alertingTypes";
import { compile, parseFilter, type Test } from "../../lib/matchers";
import { alertCounts, listRules, ruleState } from "./ruleRows";

const rule = (name: string, more: Partial<RuleDoc> = {}): RuleDoc => ({ type: "alerting", name, query: "up == 0", health: "ok", state: "inactive", evaluationTime: 0, lastEvaluation: "", ...more });
const group = (name: string, ...rules: RuleDoc[]): RuleGroupDoc => ({ name, file: "a.yml", interval: 60, evaluationTime: 0, lastEvaluation: "", rules });
const test = (text: string) => compile(parseFilter(text)) as Test;
const groups = [
  group("api", rule("Slow", { state: "firing", labels: { severity: "page" } }), rule("Slow", { health: "err", lastError: "many-to-many" }), rule("job:up", { type: "recording" })),
  group("host", rule("Disk", { mode: "shadow", state: "pending" })),
];
const keys = (text: string, show = "") => listRules(groups, test(text), show as "").rows.map((r) => r.key);

it("lists groups with their rules, each with a key of its own", () => expect(keys("")).toEqual(["group/api/a.yml", "api/Slow/a.yml", "api/Slow/a.yml/2", "api/job%3Aup/a.yml", "group/host/a.yml", "host/Disk/a.yml"]));
it("leaves out groups of which nothing is shown", () => {
  expect(keys("", "shadow")).toEqual(["group/host/a.yml", "host/Disk/a.yml"]);
  expect(keys("many-to")).toEqual(["group/api/a.yml", "api/Slow/a.yml/2"]);
  expect(keys("severity=page group=api")).toEqual(["group/api/a.yml", "api/Slow/a.yml"]);
});
it("counts what passes the filter", () => expect(listRules(groups, test(""), "failing").counts).toEqual({ "": 4, firing: 1, pending: 1, failing: 1, shadow: 1 }));
it("has a word for what a rule does", () => {
  expect(groups[0]?.rules.map(ruleState)).toEqual(["firing", "failing", "recording"]);
  expect(alertCounts(rule("x", { alerts: [{ labels: {}, state: "firing", activeAt: "", value: "1" }, { labels: {}, state: "pending", activeAt: "", value: "1" }] }))).toEqual({ firing: 1, pending: 1 });
});
