// Every request of the UI goes through here; a failure becomes a sentence that a person can act on.
import { t } from "../lib/text";
import { decodeFrame, type Frame, FrameSplitter } from "./frame";
import type { Checked, FunctionRow, MetricMeta, OverviewDoc, Plan } from "./types";

export class ApiError extends Error {
  readonly status: number;
  readonly kind: string;
  /** the whole answer, when it was JSON */
  readonly body: unknown;
  constructor(message: string, status: number, kind: string, body?: unknown) {
    super(message);
    this.status = status;
    this.kind = kind;
    this.body = body;
  }
}

export async function request(path: string, init?: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { credentials: "same-origin", ...init });
  } catch (e) {
    if (e instanceof DOMException && e.name === "AbortError") throw e;
    throw new ApiError(t("error.unreachable"), 0, "unreachable");
  }
  if (response.ok) return response;
  throw await failure(response);
}

async function failure(response: Response): Promise<ApiError> {
  const body = await response.text().catch(() => "");
  try {
    // Ours and Prometheus' are objects with `error`; Alertmanager's a text, or an object with `message`.
    const json = JSON.parse(body) as string | { error?: string; errorType?: string; message?: string };
    const [message, kind] = typeof json === "string" ? [json, ""] : [json.error ?? json.message, json.errorType ?? ""];
    if (message) return new ApiError(message, response.status, kind, json);
  } catch {
    // Not JSON: the status line has to do.
  }
  return new ApiError(t("error.status", { status: response.status, path: new URL(response.url).pathname }), response.status, "");
}

export interface PanelQuery {
  id: string;
  expr: string;
  kind?: "range" | "instant";
  max_series?: number;
  step_ms?: number;
}

export interface PanelRequest {
  range: { from: number; to: number };
  width_px: number;
  queries: PanelQuery[];
}

/** One batch of panel queries; `onFrame` is called for each frame as it arrives. */
export async function queryPanels(body: PanelRequest, onFrame: (f: Frame) => void, signal?: AbortSignal): Promise<void> {
  const response = await request("/api/plimsoll/v1/panels/query", {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/vnd.plimsoll.frame" },
    body: JSON.stringify(body),
    signal: signal ?? null,
  });
  const splitter = new FrameSplitter();
  const reader = response.body?.getReader();
  if (!reader) throw new ApiError(t("error.cut"), response.status, "cut");
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    for (const bytes of splitter.push(value)) onFrame(decodeFrame(bytes));
  }
  if (!splitter.clean) throw new ApiError(t("error.cut"), response.status, "cut");
}

export async function fetchOverview(signal?: AbortSignal): Promise<OverviewDoc> {
  return (await request("/api/plimsoll/v1/overview", { signal: signal ?? null })).json();
}

/** What Prometheus' API answers. */
export async function promData<T>(path: string, signal?: AbortSignal): Promise<T> {
  const json = (await (await request(path, { signal: signal ?? null })).json()) as { data: T };
  return json.data;
}

export const fetchMetricNames = (signal?: AbortSignal) => promData<string[]>("/api/v1/label/__name__/values", signal);

export async function fetchMetadata(signal?: AbortSignal): Promise<Map<string, MetricMeta>> {
  const data = await promData<Record<string, MetricMeta[]>>("/api/v1/metadata", signal);
  return new Map(Object.entries(data ?? {}).flatMap(([k, v]) => (v?.[0] ? [[k, v[0]] as const] : [])));
}

const form = (fields: Record<string, string>, signal?: AbortSignal): RequestInit => ({ method: "POST", body: new URLSearchParams(fields), signal: signal ?? null });

/** Every function that a query may call. */
export async function fetchFunctions(signal?: AbortSignal): Promise<FunctionRow[]> {
  const json = (await (await request("/api/plimsoll/v1/query/functions", { signal: signal ?? null })).json()) as { functions?: FunctionRow[] };
  return json.functions ?? [];
}

/** Whether the text is an expression; nothing is evaluated. */
export async function checkQuery(query: string, signal?: AbortSignal): Promise<Checked> {
  return (await request("/api/plimsoll/v1/query/check", form({ query }, signal))).json();
}

/** How the query is evaluated over a span. */
export async function explainQuery(query: string, span: { from: number; to: number }, stepMs: number, signal?: AbortSignal): Promise<Plan> {
  const fields = { query, start: String(span.from / 1000), end: String(span.to / 1000), step: String(stepMs / 1000) };
  return (await request("/api/plimsoll/v1/query/explain", form(fields, signal))).json();
}

/** What is expected of one series; times in ms. Without times there is none, and `reason` says why. */
export interface Forecasted {
  labels: Record<string, string>;
  times: number[];
  mean: number[];
  lower: number[];
  upper: number[];
  accuracy: { n: number; coverage: number; mase?: number | null } | null;
  reason: string | null;
}

/** Forecasts of what a query gives, from `at` (ms; now when left out) as far as `horizon`. */
export async function forecastOf(body: { query: string; horizon: string; at?: number | undefined }, signal?: AbortSignal): Promise<Forecasted[]> {
  const response = await request("/api/plimsoll/v1/analysis/forecast", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...body, at: body.at === undefined ? undefined : new Date(body.at).toISOString() }),
    ...(signal ? { signal } : {}),
  });
  const { series } = (await response.json()) as { series: (Omit<Forecasted, "times"> & { times: string[] })[] };
  return series.map((s) => ({ ...s, times: s.times.map((at) => Date.parse(at)) }));
}
