// The overview document and the Prometheus answers that the pages read. A page treats every field as possibly absent.
export type Severity = "info" | "warning" | "critical";
export type HealthState = "healthy" | "warning" | "critical" | "learning";

export interface Reason {
  severity: Severity;
  text: string;
  link?: string;
}

export interface Forecast {
  state: "ok" | "none" | "learning";
  text: string;
  learned_ratio?: number;
  /** null: beyond the horizon */
  days?: { p50: number | null; p10: number | null; p90: number | null };
}

export interface Resource {
  id: string;
  title: string;
  unit: string;
  used: number;
  limit: number;
  ratio: number;
  warning: number;
  critical: number;
  defaults?: boolean;
  forecast: Forecast;
}

/** Processes of one name, taken together. */
export interface ProcessRow {
  name: string;
  cpu_ratio: number;
  rss_bytes: number;
}

export interface AlertRow {
  name: string;
  state: "firing" | "pending";
  severity: string;
  since: number;
  value: number | null;
  summary: string;
  labels: Record<string, string>;
}

export interface AnomalyRow {
  series: string;
  score: number;
  labels: Record<string, string>;
}

export interface TargetRow {
  job: string;
  instance: string;
  /** null before the first scrape has ended */
  up: boolean | null;
  last_error: string;
  last_ms: number;
  samples: number;
}

export interface OverviewDoc {
  now: number;
  started_at: number;
  version: string;
  hostname: string;
  health: { state: HealthState; reasons: Reason[] };
  collected_ago_ms: number | null;
  series: number;
  samples_per_second: number;
  resources: Resource[];
  processes: ProcessRow[];
  alerts: AlertRow[];
  anomalies: AnomalyRow[];
  targets: TargetRow[];
  notes: string[];
}

export interface MetricMeta {
  type: string;
  help: string;
  unit: string;
}
