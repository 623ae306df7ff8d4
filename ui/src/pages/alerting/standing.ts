// How bad alerts are, where they stand, and what they are called. Pure.
import { type AlertDoc, type EpisodeDoc, msOf, type RuleRef } from "../../api/alertingTypes";
import type { Labels } from "../../api/frame";

const CRITICAL = /^(critical|crit|page|fatal|emergency|error|high|p1|sev1)$/i;
const INFO = /^(info|information|notice|low|none|debug|p[45])$/i;

export type Level = "critical" | "warning" | "info";
export const LEVELS: Level[] = ["critical", "warning", "info"];
const levels = new Map<string, Level>();
/** Severities whose level is kept: people use few. */
const KEPT_MAX = 200;

/** How bad a severity is; what we do not know counts as a warning. */
export function levelOf(severity: string): Level {
  let level = levels.get(severity);
  if (!level) {
    level = CRITICAL.test(severity) ? "critical" : INFO.test(severity) ? "info" : "warning";
    if (levels.size >= KEPT_MAX) levels.clear();
    levels.set(severity, level);
  }
  return level;
}

export type Standing = "firing" | "pending" | "acknowledged" | "silenced";
export const STANDINGS: Standing[] = ["firing", "pending", "acknowledged", "silenced"];

/** Where an alert stands, for lists and their chips. What is muted in any way counts as silenced. */
export function standingOf(a: AlertDoc): Standing {
  if (a.state === "pending") return "pending";
  if (a.silenced_by?.length || a.inhibited_by?.length) return "silenced";
  return a.acknowledged ? "acknowledged" : "firing";
}

/** Labels but the name, and those that need no saying. */
export const labelsBut = (labels: Labels, but: ReadonlySet<string>): [string, string][] =>
  Object.entries(labels ?? {})
    .filter(([k]) => k !== "alertname" && !but.has(k))
    .sort(([a], [b]) => a.localeCompare(b));

export const nameOf = (labels: Labels | undefined): string => labels?.["alertname"] ?? "";

/** What a summary says; else the description. */
export const summaryOf = (annotations: Labels | undefined): string => annotations?.["summary"] ?? annotations?.["message"] ?? annotations?.["description"] ?? "";

/** How long an episode has fired, ms; null when it never did. */
export function lengthOf(e: EpisodeDoc, now: number): number | null {
  if (!e.fired_at) return null;
  return Math.max(0, (e.resolved_at ? msOf(e.resolved_at) : now) - msOf(e.fired_at));
}

/** How the page of rules names one in the address. */
export const ruleKey = (r: RuleRef): string => [r.group, r.name, r.file].map(encodeURIComponent).join("/");
