// What the server says about alerts, silences, incidents and rules. A page treats every field as possibly absent.
import type { Labels } from "./frame";

/** A number; texts where JSON has none for it ("NaN", "+Inf"). */
export type Value = number | string | null;
/** Milliseconds since 1970, or an ISO time. */
export type Instant = number | string;

export interface RuleRef {
  file: string;
  group: string;
  name: string;
}

export interface AlertDoc {
  fingerprint: string;
  episode?: string | number;
  state: string;
  labels: Labels;
  annotations: Labels;
  value: Value;
  threshold?: Value;
  severity: string;
  kind?: string;
  active_at: Instant;
  fired_at: Instant | null;
  acknowledged: { by: string; at: Instant; note?: string | null } | null;
  silenced_by: string[];
  inhibited_by: string[];
  receivers: string[];
  rule: RuleRef | null;
  expr: string;
  generator_url?: string;
  incident: string | number | null;
}

export interface AlertList {
  alerts: AlertDoc[];
  total: number;
  /** false while the rest is on its way */
  whole: boolean;
}

export interface Transition {
  at: Instant;
  from: string;
  to: string;
  value: Value;
}

/** A message about an episode, and what became of it. */
export interface Receipt {
  at: Instant;
  receiver: string;
  integration: string;
  said: string;
  outcome: string;
  ended_at: Instant | null;
}

export interface EpisodeDoc {
  episode: string | number;
  /** its summary, or what the server makes of it */
  title?: string;
  state?: string;
  fingerprint: string;
  rule: RuleRef | string | null;
  labels: Labels;
  severity: string;
  kind?: string;
  active_at: Instant;
  fired_at: Instant | null;
  acknowledged_at: Instant | null;
  acknowledged_by: string | null;
  resolved_at: Instant | null;
  peak: Value;
  value: Value;
  threshold?: Value;
  notifications: number;
  transitions: Transition[];
  receipts?: Receipt[];
  incident?: string | number | null;
}

export interface RuleStatistics {
  rule: RuleRef | string | null;
  episodes: number;
  firing_seconds: number;
  mean_to_acknowledge_seconds: number | null;
  mean_to_resolve_seconds: number | null;
  notifications: number;
  flapping: boolean;
  pages_per_week: number;
  pages?: number;
}

export interface Statistics {
  rules: RuleStatistics[];
  totals: Partial<RuleStatistics>;
}

export interface Matcher {
  name: string;
  value: string;
  isRegex: boolean;
  isEqual: boolean;
}

/** When within its span a silence mutes; Alertmanager's time intervals. */
export interface Window {
  times?: { start_time: string; end_time: string }[];
  weekdays?: string[];
  days_of_month?: string[];
  months?: string[];
  years?: string[];
  location?: string;
}

export interface SilenceDoc {
  id: string;
  status: { state: string };
  matchers: Matcher[];
  startsAt: string;
  endsAt: string;
  updatedAt: string;
  createdBy: string;
  comment: string;
  windows?: Window[];
}

/** What is sent to make or change a silence. */
export interface SilenceWish {
  id?: string;
  matchers: Matcher[];
  startsAt: string;
  endsAt: string;
  createdBy: string;
  comment: string;
  windows?: Window[];
}

/** An alert as Alertmanager's API tells it. */
export interface NoticeDoc {
  fingerprint: string;
  labels: Labels;
  annotations: Labels;
  startsAt: string;
  receivers: { name: string }[];
  status: { state: string; silencedBy: string[]; inhibitedBy: string[] };
  generatorURL?: string;
}

export interface RuleDoc {
  type: "alerting" | "recording";
  name: string;
  query: string;
  health: string;
  lastError?: string;
  evaluationTime: number;
  lastEvaluation: string;
  labels?: Labels;
  /** of alerting rules */
  annotations?: Labels;
  duration?: number;
  keepFiringFor?: number;
  state?: string;
  mode?: string;
  /** trend, anomaly and so on; absent for what Prometheus has */
  kind?: string;
  /** its expression gave nothing to judge */
  noData?: boolean;
  alerts?: { labels: Labels; annotations?: Labels; state: string; activeAt: string; value: string }[];
}

export interface RuleGroupDoc {
  name: string;
  file: string;
  interval: number;
  evaluationTime: number;
  lastEvaluation: string;
  rules: RuleDoc[];
}

export interface BacktestEpisode {
  labels: Labels;
  pending_since: Instant;
  firing_since: Instant | null;
  resolved_at: Instant | null;
  value: Value;
  max: Value;
  min: Value;
}

export interface CurveCell {
  threshold: number;
  for_ms: number;
  fired: number;
  pages: number;
  per_week: number;
  firing_ms: number;
  best: boolean;
}

export interface RuleBacktest {
  group: string;
  rule: string;
  expr: string;
  evaluations: number;
  failures: number;
  failure: [Instant, string] | null;
  alerts: number;
  until: Instant | null;
  episodes_total: number;
  pages: { fired: number; count: number; per_week: number; low: number; high: number; level: number; firing_ms: number };
  episodes: BacktestEpisode[];
  curve: { op: string; threshold: number; for_ms: number; cells: CurveCell[] } | null;
  no_curve: string | null;
}

export interface BacktestReport {
  start: Instant;
  end: Instant;
  complete: boolean;
  method: string;
  rules: RuleBacktest[];
}

export interface IncidentDoc {
  id: string | number;
  title: string;
  state: string;
  severity: string;
  group_labels: Labels;
  receivers: string[];
  opened_at: Instant;
  acknowledged_at: Instant | null;
  acknowledged_by?: string | null;
  resolved_at: Instant | null;
  alerts: number;
  firing: number;
}

export interface TimelineEntry {
  at: Instant;
  what: string;
  text: string;
  by: string | null;
  fingerprint: string | null;
}

export type IncidentView = Omit<IncidentDoc, "alerts"> & { alerts: EpisodeDoc[]; timeline: TimelineEntry[]; timeline_left_out?: number };

export interface RuleFileDoc {
  name: string;
  path?: string;
  /** whether what runs is what is in it */
  in_force?: boolean;
  unreadable?: string | null;
  editable: boolean;
  version: number | null;
  author: string | null;
  changed_at: Instant | null;
  groups: number;
  rules: number;
}

export interface RuleFileText {
  name: string;
  text: string;
  version: number | null;
  author: string | null;
  changed_at: Instant | null;
  editable: boolean;
}

export interface RuleFileVersion {
  version: number;
  author: string | null;
  changed_at: Instant;
  comment: string | null;
  removed?: boolean;
  diff: string;
}

export interface Problem {
  line: number;
  key: string;
  message: string;
}

export interface Evidence {
  value: Value;
  day_ago: Value;
  week_ago: Value;
  fired_times_30d: number | null;
  /** what may have caused it, the most likely first; score from 0 to 1 */
  causes: { text: string; score: number; url: string }[];
  changes: { at: Instant; what: string }[];
  forecast: string | null;
}

/** Milliseconds of an instant; NaN of none. */
export const msOf = (at: Instant | null | undefined): number => (typeof at === "number" ? at : at ? Date.parse(at) : Number.NaN);

/** A value as a number; NaN of none. */
export const numberOf = (v: Value | undefined): number => {
  if (typeof v === "number") return v;
  if (typeof v !== "string" || v === "") return Number.NaN;
  return Number(v.replace(/^([+-]?)Inf$/, "$1Infinity"));
};
