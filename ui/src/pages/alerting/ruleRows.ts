// The list of rules as rows: groups with their rules, filtered. Pure.
import type { RuleDoc, RuleGroupDoc } from "../../api/alertingTypes";
import type { Test } from "../../lib/matchers";

export type RuleShow = "" | "firing" | "pending" | "failing" | "shadow";
export const RULE_SHOWS: RuleShow[] = ["", "firing", "pending", "failing", "shadow"];

export type RuleRow = { kind: "group"; key: string; group: RuleGroupDoc; shown: number } | { kind: "rule"; key: string; group: RuleGroupDoc; rule: RuleDoc };

/** What a rule is doing, in one word. */
export function ruleState(r: RuleDoc): string {
  if (r.health === "err") return "failing";
  if (r.health === "unknown") return "unknown";
  return r.type === "recording" ? "recording" : (r.state ?? "inactive");
}

export const isShadow = (r: RuleDoc): boolean => r.mode === "shadow";

const is: Record<Exclude<RuleShow, "">, (r: RuleDoc) => boolean> = {
  firing: (r) => r.state === "firing",
  pending: (r) => r.state === "pending",
  failing: (r) => r.health === "err",
  shadow: isShadow,
};

export function listRules(groups: readonly RuleGroupDoc[], test: Test, show: RuleShow): { rows: RuleRow[]; counts: Record<RuleShow, number>; total: number } {
  const rows: RuleRow[] = [];
  const counts: Record<RuleShow, number> = { "": 0, firing: 0, pending: 0, failing: 0, shadow: 0 };
  let total = 0;
  for (const group of groups) {
    const place = [group.name, group.file].map(encodeURIComponent);
    const inside: RuleRow[] = [];
    const seen = new Map<string, number>();
    for (const rule of group.rules) {
      total++;
      // Rules of one group may have one name: those after the first get their number.
      const nth = (seen.get(rule.name) ?? 0) + 1;
      seen.set(rule.name, nth);
      if (!test({ ...rule.labels, alertname: rule.type === "alerting" ? rule.name : "", group: group.name, file: group.file }, rule.name, rule.query, rule.lastError)) continue;
      for (const s of RULE_SHOWS) if (s === "" || is[s](rule)) counts[s]++;
      if (show !== "" && !is[show](rule)) continue;
      inside.push({ kind: "rule", key: [place[0], encodeURIComponent(rule.name), place[1], ...(nth > 1 ? [nth] : [])].join("/"), group, rule });
    }
    if (inside.length) rows.push({ kind: "group", key: `group/${place.join("/")}`, group, shown: inside.length }, ...inside);
  }
  return { rows, counts, total };
}

/** Alerts of a rule, by their state. */
export const alertCounts = (r: RuleDoc): { firing: number; pending: number } => {
  const firing = (r.alerts ?? []).filter((a) => a.state === "firing").length;
  return { firing, pending: (r.alerts ?? []).length - firing };
};
