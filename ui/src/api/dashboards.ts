// Dashboards as the server tells and takes them (docs/format/dashboard.md), and the requests about them. A page treats every field of a document
// that may be left out as possibly absent.
import { request } from "./http";
import { get as ask, OWN, send } from "./rest";

export type PanelKind = "timeseries" | "stat" | "gauge" | "loadline" | "barlist" | "table" | "heatmap" | "histogram" | "state_timeline" | "status_grid" | "pie" | "text" | "alerts" | "insights" | "row" | "unsupported";
export type Level = "ok" | "info" | "warning" | "critical";
export type Reduce = "last" | "mean" | "max" | "min" | "sum" | "count" | "range" | "first";
export type Draw = "line" | "bars" | "points";

/** A place in the grid of 24 columns; a row is 30 px high, with 8 px between rows. */
export interface At {
  x: number;
  y: number;
  w: number;
  h: number;
}

export interface PanelQuery {
  ref: string;
  expr: string;
  legend?: string;
  kind?: "range" | "instant";
  hidden?: boolean;
  step?: string;
}

export interface Threshold {
  /** null: below all others */
  at: number | null;
  severity?: Level;
  colour?: string;
}

export interface Mapping {
  kind: "value" | "range" | "regex" | "special";
  value?: string;
  from?: number;
  to?: number;
  text?: string;
  colour?: string;
}

export interface Style {
  draw?: Draw;
  fill?: number;
  width?: number;
  stack?: "none" | "normal" | "percent";
  axis?: "linear" | "log2" | "log10";
  gaps?: "connect" | "gap";
  legend?: "list" | "table" | "hidden";
  legend_values?: string[];
  legend_at?: "bottom" | "right";
  orientation?: "auto" | "horizontal" | "vertical";
  sparkline?: boolean;
  text?: "value" | "name" | "both" | "none";
  colour?: "value" | "background" | "none";
  steps?: boolean;
  donut?: boolean;
}

export interface OverrideSet {
  unit?: string;
  decimals?: number;
  min?: number;
  max?: number;
  colour?: string;
  axis?: "left" | "right";
  hidden?: boolean;
  draw?: Draw;
  dash?: boolean;
  title?: string;
  thresholds?: Threshold[];
  mappings?: Mapping[];
  stack?: "none" | "normal" | "percent";
  fill?: number;
  width?: number;
  negative?: boolean;
}

export interface Override {
  match: { by: "name" | "regex" | "query" | "type"; value: string };
  set: OverrideSet;
}

export interface Transform {
  kind: string;
  options?: Record<string, unknown>;
}

export interface Link {
  title?: string;
  url: string;
}

export interface Panel {
  id: number;
  kind: PanelKind;
  title: string;
  description?: string;
  at: At;
  collapsed?: boolean;
  queries?: PanelQuery[];
  unit?: string;
  decimals?: number;
  min?: number;
  max?: number;
  reduce?: Reduce;
  thresholds?: Threshold[];
  thresholds_mode?: "absolute" | "percent";
  style?: Style;
  mappings?: Mapping[];
  overrides?: Override[];
  transforms?: Transform[];
  repeat?: { by: string; direction?: "h" | "v"; max?: number };
  text?: string;
  links?: Link[];
  time?: { from?: string; shift?: string };
  match?: string;
  grafana?: unknown;
}

export type VariableKind = "query" | "custom" | "interval" | "text" | "constant" | "datasource" | "adhoc";

export interface Variable {
  name: string;
  label?: string;
  description?: string;
  kind: VariableKind;
  query?: string;
  regex?: string;
  sort?: "none" | "text" | "number" | "text_desc" | "number_desc";
  multi?: boolean;
  include_all?: boolean;
  all_value?: string;
  current?: string[];
  hide?: "no" | "label" | "variable";
}

export interface Annotation {
  name: string;
  kind: "alerts" | "changes" | "anomalies" | "query";
  query?: string;
  enabled: boolean;
  colour?: string;
}

export interface Dashboard {
  id: string;
  title: string;
  description?: string;
  folder?: string;
  tags?: string[];
  version?: number;
  time: { from: string; to: string };
  refresh?: string;
  variables?: Variable[];
  annotations?: Annotation[];
  panels: Panel[];
  links?: Link[];
  extra?: Record<string, unknown>;
}

export interface DashboardRow {
  id: string;
  title: string;
  description?: string;
  folder?: string;
  tags?: string[];
  version: number;
  source: "template" | "file" | "api";
  panels: number;
  changed_at: string | null;
  author: string | null;
  available: boolean;
  missing?: string[];
}

export interface Problem {
  path: string;
  value?: unknown;
  text: string;
  remedy?: string;
  /** where it stands in a YAML text, from 1 */
  line?: number;
}

export interface DashboardAnswer {
  dashboard: Dashboard;
  version: number;
  source: "template" | "file" | "api";
  editable: boolean;
  author: string | null;
  changed_at: string | null;
  problems?: Problem[];
}

export interface DashboardVersion {
  version: number;
  author: string | null;
  at: string;
  note: string | null;
  panels: number;
}

export interface Option {
  text: string;
  value: string;
}

export interface Resolved {
  name: string;
  options: Option[];
  current: string[];
  truncated?: boolean;
  error?: string;
}

export type Fit = "exact" | "approximate" | "unsupported";

export interface ImportReport {
  exact: number;
  approximate: number;
  unsupported: number;
  panels: { id: number; title: string; type: string; result: Fit; notes: string[] }[];
  variables: { name: string; result: Fit; notes: string[] }[];
  notes: string[];
}

export interface ImportAnswer {
  dashboard: Dashboard;
  report: ImportReport;
  saved: { id: string; version: number } | null;
}

export interface Overlay {
  layout: { id: number; at: At }[];
}

/** Stands for all values of a variable. */
export const ALL = "$__all";
export const COLUMNS = 24;

const at = (id: string, rest = "") => `${OWN}/dashboards/${encodeURIComponent(id)}${rest}`;
const get = <T>(path: string, signal?: AbortSignal) => ask<T>(path, {}, signal);

export interface Saved {
  id: string;
  version: number;
}

export interface Signed {
  author?: string;
  note?: string;
}

export const fetchDashboards = (signal?: AbortSignal) => get<{ dashboards: DashboardRow[]; truncated: boolean }>(`${OWN}/dashboards`, signal);
export const fetchDashboard = (id: string, version: number | null, signal?: AbortSignal) => get<DashboardAnswer>(at(id, version === null ? "" : `?version=${version}`), signal);
export const fetchYaml = async (id: string) => (await request(at(id, "?format=yaml"))).text();
export const createDashboard = (dashboard: Dashboard, by: Signed) => send<Saved>("POST", `${OWN}/dashboards`, { dashboard, ...by });
export const saveDashboard = (id: string, dashboard: Dashboard, version: number, by: Signed) => send<Saved>("PUT", at(id), { dashboard, version, ...by });
export const deleteDashboard = (id: string, version: number) => send<unknown>("DELETE", at(id, `?version=${version}`));
export const fetchDashboardVersions = (id: string, signal?: AbortSignal) => get<{ versions: DashboardVersion[] }>(at(id, "/versions"), signal);
export const fetchDiff = (id: string, from: number, to: number, signal?: AbortSignal) => get<{ diff: string }>(at(id, `/diff?from=${from}&to=${to}`), signal);
export const restoreDashboard = (id: string, version: number, author: string) => send<Saved>("POST", at(id, "/restore"), { version, author });
export const checkDashboard = (what: { dashboard: Dashboard } | { yaml: string }, signal?: AbortSignal) => send<{ ok: boolean; problems: Problem[]; dashboard?: Dashboard; yaml?: string }>("POST", `${OWN}/dashboards/check`, what, signal);
export const importGrafana = (what: { grafana: unknown; id?: string; folder?: string; save?: boolean; author?: string }) => send<ImportAnswer>("POST", `${OWN}/dashboards/import`, what);
export const resolveVariables = (variables: Variable[], values: Record<string, string[]>, from: number, to: number, signal?: AbortSignal) => send<{ variables: Resolved[] }>("POST", `${OWN}/dashboards/variables`, { variables, values, from, to }, signal);
export const fetchLayout = (id: string, user: string, signal?: AbortSignal) => get<Overlay>(at(id, `/layouts/${encodeURIComponent(user)}`), signal);
export const saveLayout = (id: string, user: string, layout: Overlay) => send<unknown>("PUT", at(id, `/layouts/${encodeURIComponent(user)}`), layout);
export const deleteLayout = (id: string, user: string) => send<unknown>("DELETE", at(id, `/layouts/${encodeURIComponent(user)}`));
export const shorten = (url: string) => send<{ id: string }>("POST", `${OWN}/links`, { url });
export const fetchLink = (id: string, signal?: AbortSignal) => get<{ url: string }>(`${OWN}/links/${encodeURIComponent(id)}`, signal);
