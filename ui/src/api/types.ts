// The overview document, the answers about queries and the Prometheus answers that the pages read. A page treats every field as possibly absent.
export type Severity = "info" | "warning" | "critical";
export type HealthState = "healthy" | "warning" | "critical" | "learning";

export interface Reason {
  severity: Severity;
  text: string;
  link?: string;
  /** how many more of its kind there are that the document leaves out */
  more?: number;
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
  /** how many more of its rule, severity and state there are that the document leaves out */
  more?: number;
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

/** A function of the query language. */
export interface FunctionRow {
  name: string;
  /** types: scalar, string, instant vector, range vector */
  args: string[];
  args_min: number;
  /** null: any number */
  args_max: number | null;
  returns: string;
  doc: string;
  /** Prometheus does not have it */
  ours: boolean;
  experimental: boolean;
  /** false: it needs a switch that is off */
  on: boolean;
}

/** Whether a text is an expression. */
export interface Checked {
  valid: boolean;
  error?: {
    message: string;
    line: number;
    /** in bytes, from 1 */
    column: number;
    /** bytes of the query, from and to */
    at: [number, number];
    suggestion?: string;
  };
}

export interface PlanRead {
  series: number;
  samples: number;
  from_ms: number;
  to_ms: number;
  tier: string;
  series_by_tier: number;
  why: string;
}

export interface PlanNode {
  kind: string;
  name: string;
  /** bytes of the query, from and to */
  at: [number, number];
  evaluated: number;
  wall_ms: number;
  own_ms: number;
  series: number;
  same_as?: [number, number];
  read?: PlanRead;
  children?: PlanNode[];
}

export interface Plan {
  query: string;
  tree: PlanNode;
  totals: { steps: number; series: number; samples: number; bytes_peak: number; wall_ms: number };
  cached_steps: number;
  warnings: string[];
  infos: string[];
}
