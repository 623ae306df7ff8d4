// What the pages that look at everything at once need of the rest: the heads of insights, recommendations, changes,
// assessments and capacity. Each field may be absent.
import type { Labels } from "./frame";
import { request } from "./http";

const OWN = "/api/plimsoll/v1";

export async function getJson<T>(path: string, query: Record<string, string | number | undefined> = {}, signal?: AbortSignal): Promise<T> {
  const all = new URLSearchParams(Object.entries(query).flatMap(([k, v]) => (v === undefined ? [] : [[k, String(v)]])));
  const text = all.toString();
  return (await request(path + (text ? `?${text}` : ""), { signal: signal ?? null })).json();
}

export interface InsightHead {
  id: string;
  type: string;
  title: string;
  description?: string;
  confidence: number;
  rank?: number;
  labels?: Labels;
  first_at?: string;
  last_at?: string;
}

export interface RecommendationHead {
  id: string;
  state: string;
  action: string;
  expected_effect?: unknown;
  confidence: number;
  labels?: Labels;
}

export interface ChangeHead {
  at: string;
  kind: string;
  text: string;
  labels?: Labels;
  query?: string;
}

export interface AssessmentHead {
  by: string;
  name: string;
  from: string;
  to: string;
  state: "normal" | "degraded" | "bad";
  reasons?: { text: string; query?: string }[];
  basis?: string;
}

export interface CapacityHead {
  id: string;
  kind: string;
  title: string;
  labels?: Labels;
  ratio: number | null;
  state?: string;
  text?: string;
}

export const fetchInsights = (limit: number, signal: AbortSignal) => getJson<{ insights?: InsightHead[] }>(`${OWN}/insights`, { state: "new", limit }, signal).then((x) => x.insights ?? []);
export const fetchRecommendations = (limit: number, signal: AbortSignal) => getJson<{ recommendations?: RecommendationHead[] }>(`${OWN}/recommendations`, { state: "proposed", limit }, signal).then((x) => x.recommendations ?? []);
export const fetchChanges = (from: number, to: number, limit: number, signal: AbortSignal) =>
  getJson<{ changes?: ChangeHead[] }>(`${OWN}/analysis/changes`, { from: new Date(from).toISOString(), to: new Date(to).toISOString(), in_data: "false", limit }, signal).then((x) => x.changes ?? []);
export const fetchAssessments = (by: "instance" | "job", name: string | undefined, from: number, signal: AbortSignal) =>
  getJson<{ assessments?: AssessmentHead[] }>(`${OWN}/assessments`, { by, name, from: new Date(from).toISOString(), limit: 1000 }, signal).then((x) => x.assessments ?? []);
export const fetchCapacity = (signal: AbortSignal) => getJson<{ resources?: CapacityHead[] }>(`${OWN}/capacity`, {}, signal).then((x) => x.resources ?? []);

/** Series that match, as label sets; at most `limit`. */
export const fetchSeries = (match: string, limit: number, signal: AbortSignal) => getJson<{ data?: Labels[] }>("/api/v1/series", { "match[]": match, limit, start: Math.floor(Date.now() / 1000) - 3600 }, signal).then((x) => x.data ?? []);
