// What analysis says: insights and what to do about them, anomalies, drift, risks, assessments, forecasts and how good they
// were, capacity, and the questions about the past. Pages treat every field as possibly absent; times are ISO texts.
import type { Labels } from "./frame";
import { get, OWN, send } from "./rest";

/** Rows that a page holds of one list. */
export const ROWS_MAX = 500;

export interface EvidenceDoc {
  query: string;
  from: string;
  to: string;
  /** seconds */
  step: number;
  value: number | null;
  text: string;
  /** what the query gives when asked again */
  again?: number | null;
}

export interface WordDoc {
  by: string;
  at: string;
  note?: string | null;
}

export type InsightState = "new" | "acknowledged" | "dismissed" | "expired";

export interface InsightDoc {
  id: string;
  type: string;
  state: InsightState;
  title: string;
  description: string;
  /** 0 to 1 */
  confidence: number;
  claimed?: number;
  may_page?: boolean;
  impact: { text: string; value: number | null; unit: string; query: string; at?: string };
  evidence: EvidenceDoc[];
  recommendations: string[];
  labels: Labels;
  first_at: string;
  last_at: string;
  expires_at: string;
  count: number;
  acknowledged: WordDoc | null;
  dismissed: WordDoc | null;
}

/** How often claims of a confidence were right: one bin. */
export interface BinDoc {
  claimed: number;
  right: number;
  wrong: number;
}

export interface InsightList {
  insights: InsightDoc[];
  truncated: boolean;
  reliability?: Record<string, BinDoc[]>;
}

export const fetchInsights = (state: string, type: string, signal: AbortSignal) => get<InsightList>(`${OWN}/insights`, { state, type, limit: ROWS_MAX }, signal);
export const fetchInsight = (id: string, signal: AbortSignal) => get<InsightDoc>(`${OWN}/insights/${encodeURIComponent(id)}`, {}, signal);
/** Asks the queries of its evidence again. */
export const askAgain = (id: string, signal?: AbortSignal) => get<InsightDoc>(`${OWN}/insights/${encodeURIComponent(id)}`, { again: "true" }, signal);
export const judgeInsight = (id: string, word: "acknowledge" | "dismiss", by: string, note = "") => send<InsightDoc>("POST", `${OWN}/insights/${encodeURIComponent(id)}/${word}`, { by, note });

export type RecommendationState = "proposed" | "accepted" | "applied" | "verified" | "reverted" | "dismissed";
export type Decision = "accept" | "apply" | "verify" | "revert" | "dismiss";

export interface RecommendationDoc {
  id: string;
  rule: string;
  state: RecommendationState;
  action: string;
  insight: string;
  evidence: EvidenceDoc[];
  look_at: string | null;
  expected_effect: string;
  confidence: number;
  verify: { query: string; condition: string };
  verify_at: string | null;
  outcome: { at: string; before: number | null; after: number | null; holds: boolean } | null;
  at: string;
  history: { at: string; by: string; from: string; to: string; note?: string | null }[];
}

export const fetchRecommendations = (state: string, signal: AbortSignal) => get<{ recommendations: RecommendationDoc[]; truncated: boolean }>(`${OWN}/recommendations`, { state, limit: ROWS_MAX }, signal);
export const decide = (id: string, to: Decision, by: string, note = "") => send<RecommendationDoc>("POST", `${OWN}/recommendations/${encodeURIComponent(id)}/${to}`, { by, note });

export interface RiskDoc {
  id: string;
  resource: string;
  title: string;
  labels: Labels;
  probability: { hour: number; day: number; week: number; month: number } | number[];
  impact: number;
  score: number;
  text: string;
  query: string;
  value: number | null;
  unit: string;
}
export const fetchRisks = (signal: AbortSignal) => get<{ risks: RiskDoc[]; truncated: boolean }>(`${OWN}/risks`, { limit: ROWS_MAX }, signal);

export interface HorizonDoc {
  seconds: number;
  n: number;
  coverage: number | null;
  /** by that of "it stays as it is" */
  error: number | null;
  /** in the unit of the series */
  mean_error?: number | null;
  naive_error?: number | null;
  open?: number;
  next?: { due: string; mean: number; lower: number; upper: number } | null;
}
export interface ScoredDoc {
  id: string;
  series: string;
  labels: Labels;
  query: string;
  model: string;
  issued: string | null;
  missed?: number;
  horizons: HorizonDoc[];
}
export interface Scoreboard {
  forecasts: ScoredDoc[];
  /** the share that intervals are made to hold */
  level: number;
  truncated: boolean;
}
export const fetchScoreboard = (signal: AbortSignal) => get<Scoreboard>(`${OWN}/forecasts`, { limit: ROWS_MAX }, signal);

export type Standing = "normal" | "degraded" | "bad";
export interface AssessmentDoc {
  by: "instance" | "job";
  name: string;
  from: string;
  to: string;
  state: Standing;
  basis: string;
  reasons: { text: string; query: string; at: string; value: number | null }[];
}
/** The most that the server tells at once. */
const ASSESSMENTS_MAX = 10_000;
export const fetchAssessments = (from: number, to: number, signal: AbortSignal) =>
  get<{ assessments: AssessmentDoc[]; truncated: boolean }>(`${OWN}/assessments`, { from: new Date(from).toISOString(), to: new Date(to).toISOString(), limit: ASSESSMENTS_MAX }, signal);

export interface AnomalyDoc {
  series: string;
  labels: Labels;
  score: number;
  value: number | null;
  expected: number | null;
  at: string;
  level: "annotate" | "notify" | "page";
  basis?: string;
}
export interface GroupDoc {
  by: string;
  name: string;
  rate: number;
  series: number;
  anomalous: number;
  since: string | null;
}
export interface StoppedDoc {
  series: string;
  labels: Labels;
  since: string;
}
export interface AnomalyList {
  anomalies: AnomalyDoc[];
  groups: GroupDoc[];
  stopped: StoppedDoc[];
  watched: { series: number; max: number; bytes: number; bytes_max: number; left_out: number; set_aside?: { series: string; labels: Labels; reason: string }[] };
  truncated: boolean;
}
export const fetchAnomalies = (least: number, signal: AbortSignal) => get<AnomalyList>(`${OWN}/anomalies`, { min_score: least, limit: ROWS_MAX }, signal);

/** Values of a series with what was expected of them; times in ms. */
export interface BandDoc {
  labels: Labels;
  times: number[];
  value: (number | null)[];
  expected: (number | null)[];
  lower: (number | null)[];
  upper: (number | null)[];
  score: (number | null)[];
}
export async function fetchBands(query: string, span: { from: number; to: number }, stepS: number, signal?: AbortSignal): Promise<BandDoc[]> {
  const ask = { query, from: new Date(span.from).toISOString(), to: new Date(span.to).toISOString(), step: `${Math.max(1, Math.round(stepS))}s` };
  const { series } = await get<{ series: (Omit<BandDoc, "times"> & { times: string[] })[] }>(`${OWN}/anomalies/band`, ask, signal);
  return series.map((s) => ({ ...s, times: s.times.map((at) => Date.parse(at)) }));
}

export interface TrendDoc {
  series: string;
  labels: Labels;
  per_hour: number;
  interval: [number, number];
  since: string;
  share: number | null;
}
export const fetchTrends = (signal: AbortSignal) => get<{ trends: TrendDoc[]; truncated: boolean }>(`${OWN}/trends`, { limit: ROWS_MAX }, signal);

export interface RelatedDoc {
  labels: Labels;
  metric: string;
  as?: string;
  score: number;
  p_value: number;
  q_value?: number;
  effect: number;
  direction: "up" | "down" | "appeared" | "gone";
  onset: string;
  lag_seconds: number;
  correlation: number | null;
  usual?: [number, number];
  now?: number;
  text: string;
  query: string;
  from: string;
  to: string;
}
export interface RelatedAnswer {
  focus: { query: string; labels: Labels; onset: string; usual: [number, number] | number | null; now: number | null; deviates: number };
  related: RelatedDoc[];
  looked_at: number;
  left?: number;
  set_aside_count?: number;
  truncated: boolean;
  took_ms: number;
}
const times = (span: { from: number; to: number }) => ({ from: new Date(span.from).toISOString(), to: new Date(span.to).toISOString() });
export const fetchRelated = (query: string, span: { from: number; to: number }, limit: number, signal: AbortSignal) => send<RelatedAnswer>("POST", `${OWN}/analysis/related`, { query, ...times(span), limit }, signal);

export interface ChangeDoc {
  at: string;
  kind: "restart" | "deployment" | "configuration" | "level_shift" | "appeared" | "gone";
  text: string;
  labels: Labels;
  score: number;
  query: string;
}
export const fetchChanges = (span: { from: number; to: number }, limit: number, inData: boolean, signal: AbortSignal) =>
  get<{ changes: ChangeDoc[]; truncated: boolean }>(`${OWN}/analysis/changes`, { ...times(span), limit, in_data: String(inData) }, signal);

/** Whether anything is known of a time. */
export const hasSamples = async (span: { from: number; to: number }, match: string, signal: AbortSignal) =>
  (await get<{ data: unknown[] }>("/api/v1/series", { "match[]": match || '{__name__=~".+"}', start: span.from / 1000, end: span.to / 1000, limit: 1 }, signal)).data.length > 0;

interface PeriodDoc {
  n: number;
  mean: number | null;
  median: number | null;
  p95: number | null;
}
export interface DifferenceDoc {
  labels: Labels;
  metric: string;
  as?: string;
  a: PeriodDoc;
  b: PeriodDoc;
  effect: number;
  p_value: number;
  q_value: number;
  change_ratio: number | null;
  what: "level" | "spread" | "rate" | "appeared" | "gone";
  text: string;
  query: string;
}
export interface CompareAnswer {
  differences: DifferenceDoc[];
  looked_at: number;
  left?: number;
  truncated: boolean;
}
export const fetchCompare = (a: { from: number; to: number }, b: { from: number; to: number }, match: string[], limit: number, signal: AbortSignal) =>
  send<CompareAnswer>("POST", `${OWN}/analysis/compare`, { a: times(a), b: times(b), ...(match.length ? { match } : {}), limit }, signal);

export interface DaysDoc {
  p05?: number;
  p10: number;
  p50: number;
  /** null: it may never be */
  p90: number | null;
  p95?: number | null;
}
export interface CapacityDoc {
  id: string;
  kind: string;
  title: string;
  unit: string;
  used: number;
  limit: number;
  ratio: number;
  warning: number;
  critical: number;
  defaults?: boolean;
  safe_load: number;
  headroom: number;
  state: "learning" | "ok" | "none";
  level: "safe" | "beyond" | "warning" | "critical";
  days: DaysDoc | null;
  probability?: { hour: number; day: number; week: number; month: number } | null;
  text: string;
  driver: "stock" | "load" | "date";
  labels: Labels;
  queries: string[];
  what_if: { load: number; used: number; ratio: number; days: DaysDoc | null } | null;
}
export const fetchCapacity = (load: number | undefined, signal: AbortSignal) => get<{ resources: CapacityDoc[]; truncated: boolean }>(`${OWN}/capacity`, { load }, signal);
