// What the status page asks: targets, sizes, limits, configuration. Prometheus' documents but for two requests of ours.
import type { Labels } from "./frame";
import { getJson } from "./glance";
import { request } from "./http";

export interface Target {
  labels: Labels;
  discoveredLabels?: Labels;
  scrapePool: string;
  scrapeUrl: string;
  lastError: string;
  lastScrape: string;
  /** seconds */
  lastScrapeDuration: number;
  health: "up" | "down" | "unknown";
  scrapeInterval: string;
  scrapeTimeout?: string;
}

export interface Named {
  name: string;
  value: number;
}

export interface Limit {
  limit: string;
  /** 0 for none */
  max: number;
  used: number;
  refused: number;
  near: boolean;
}

export interface Cardinality {
  headStats: { numSeries: number };
  seriesCountByMetricName: Named[];
  labelValueCountByLabelName: Named[];
  seriesCountBySource?: Named[];
  limits?: Limit[];
}

const data = <T>(path: string, signal: AbortSignal, query: Record<string, string | number> = {}) => getJson<{ data: T }>(`/api/v1/${path}`, query, signal).then((x) => x.data);

export const fetchTargets = (signal: AbortSignal) => data<{ activeTargets: Target[] }>("targets", signal, { state: "active" }).then((x) => x.activeTargets ?? []);
export const fetchCardinality = (limit: number, signal: AbortSignal) => data<Cardinality>("status/tsdb", signal, { limit });
export const fetchConfig = (signal: AbortSignal) => data<{ yaml: string }>("status/config", signal).then((x) => x.yaml ?? "");
export const fetchFlags = (signal: AbortSignal) => data<Record<string, string>>("status/flags", signal);
export const fetchRuntime = (signal: AbortSignal) => data<Record<string, unknown>>("status/runtimeinfo", signal);
export const fetchBuild = (signal: AbortSignal) => data<Record<string, string>>("status/buildinfo", signal);
export const fetchOwnStatus = (signal: AbortSignal) => getJson<{ notes?: string[]; version?: string }>("/api/plimsoll/v1/status", {}, signal);

export interface Sample {
  metric: Labels;
  value?: [number, string];
  histogram?: unknown;
}

/** The newest samples of a selector, at most `limit`. */
export const fetchSamples = (selector: string, limit: number, signal: AbortSignal) => data<{ result: Sample[] }>("query", signal, { query: selector, limit }).then((x) => x.result ?? []);

/** Writes the head to parts, or merges them; answers when it is done. */
export const storageDo = (what: "flush" | "merge") => request(`/api/plimsoll/v1/storage/${what}`, { method: "POST" });
