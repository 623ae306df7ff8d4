// Alerts as the standard APIs tell them: values and rules from Prometheus', silences and receivers from Alertmanager's.
import type { AlertDoc, AlertList, NoticeDoc, RuleGroupDoc } from "./alertingTypes";
import { labelKey } from "./window";

export function joined(groups: readonly RuleGroupDoc[], notices: readonly NoticeDoc[]): AlertList {
  const told = new Map(notices.map((n) => [labelKey(n.labels), n]));
  const alerts: AlertDoc[] = [];
  for (const group of groups)
    for (const rule of group.rules) {
      if (rule.mode === "shadow") continue;
      for (const a of rule.alerts ?? []) {
        const key = labelKey(a.labels);
        const notice = told.get(key);
        told.delete(key);
        alerts.push(docOf(a.labels, notice, { state: a.state, value: a.value, active_at: a.activeAt, annotations: a.annotations ?? {}, expr: rule.query, rule: { file: group.file, group: group.name, name: rule.name } }));
      }
    }
  for (const n of told.values()) alerts.push(docOf(n.labels, n, { state: "firing", value: null, active_at: n.startsAt, annotations: n.annotations, expr: "", rule: null }));
  return { alerts, total: alerts.length };
}

function docOf(labels: AlertDoc["labels"], n: NoticeDoc | undefined, own: Pick<AlertDoc, "state" | "value" | "active_at" | "annotations" | "expr" | "rule">): AlertDoc {
  return {
    ...own,
    labels,
    fingerprint: n?.fingerprint ?? labelKey(labels),
    severity: labels["severity"] ?? "",
    fired_at: own.state === "firing" ? (n?.startsAt ?? own.active_at) : null,
    acknowledged: null,
    silenced_by: n?.status.silencedBy ?? [],
    inhibited_by: n?.status.inhibitedBy ?? [],
    receivers: (n?.receivers ?? []).map((r) => r.name).filter(Boolean),
    incident: null,
  };
}
