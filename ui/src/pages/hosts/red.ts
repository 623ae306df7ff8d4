// Which metrics tell the rate, the errors and the duration of a service's requests. Found by name and labels among the
// series of the job; what is not there is null. Pure.
import { quoted } from "./use";

type Labels = Record<string, string>;

export interface Red {
  rate: string;
  /** share of requests that failed; null when nothing tells */
  errors: string | null;
  /** quantiles, or one mean */
  durations: { name: string; expr: string }[];
  /** the same rate by what is asked for; null without such a label */
  by: { label: string; rate: string } | null;
  /** the metric it was read from */
  metric: string;
}

/** Names of what a service was asked; the earlier the better. */
const ASKED = [/^http_server_request_duration_seconds(_count|_bucket)$/, /^http_requests?_total$/, /^http_server_requests?(_total|_seconds_count|_seconds_bucket)$/, /^http_request_duration_seconds(_count|_bucket)$/, /^grpc_server_handled_total$/, /^rpc_server_duration\w*(_count|_bucket)$/, /(^|_)(http|https|grpc|rpc|api)_.*requests?_total$/, /(^|_)requests?_total$/, /(^|_)(queries|calls)_total$/, /(http|grpc|rpc|request|query)\w*_(duration|latency|time)\w*_(count|bucket)$/];
const NOT_SERVED = /client|scrape|outgoing|upstream|_gc_|compaction|discovery|remote_storage/;

const CODES = ["code", "status", "status_code", "http_status", "http_status_code", "http_response_status_code", "response_code", "class"];
const OUTCOMES = ["outcome", "result"];
const WHERE = ["handler", "route", "http_route", "path", "uri", "endpoint", "grpc_method", "rpc_method", "url", "kind", "method"];

/** A match for `/api/v1/series` that gives the candidates of a job. */
export const candidates = (job: string) => `{job=${quoted(job)},__name__=~".*(request|handled|quer(y|ies)|calls|rpc|http|latency).*"}`;

export function redOf(job: string, series: Labels[]): Red | null {
  const names = new Set(series.map((s) => s["__name__"] ?? ""));
  const served = [...names].filter((n) => !NOT_SERVED.test(n)).sort();
  const found = ASKED.flatMap((re) => served.filter((n) => re.test(n)))[0];
  if (!found) return null;
  const base = found.replace(/_(total|count|bucket)$/, "");
  const metric = found.endsWith("_bucket") ? `${base}_count` : found;
  const labels = new Set(series.filter((s) => s["__name__"] === found).flatMap((s) => Object.keys(s)));
  const j = `job=${quoted(job)}`;
  const rate = (name: string, more = "") => `sum(rate(${name}{${j}${more}}[2m]))`;
  return { metric, rate: rate(metric), errors: errorsOf(metric, labels, names, rate, series), durations: durationsOf(base, names, j), by: byOf(metric, labels, j) };
}

function errorsOf(metric: string, labels: Set<string>, names: Set<string>, rate: (n: string, more?: string) => string, series: Labels[]): string | null {
  const code = CODES.find((c) => labels.has(c));
  const failed = (what: string) => `(${rate(metric, what)} or vector(0)) / ${rate(metric)}`;
  if (code) {
    // Services that are not HTTP name the outcome under the same labels.
    const values = series.map((s) => s[code] ?? "").filter(Boolean);
    const numeric = values.some((v) => /^\d/.test(v));
    return failed(numeric ? `,${code}=~"5.*"` : `,${code}=~"(?i)(error|fail|internal|unavailable|unknown).*"`);
  }
  if (labels.has("grpc_code")) return failed(',grpc_code=~"Unknown|DeadlineExceeded|Unimplemented|Internal|Unavailable|DataLoss"');
  const outcome = OUTCOMES.find((o) => labels.has(o));
  if (outcome) return failed(`,${outcome}=~"(?i)(error|fail).*"`);
  const stem = metric.replace(/_?(requests?|queries|calls)?_(total|count)$/, "");
  const counter = [...names].filter((n) => n.startsWith(stem) && /(errors?|failures?|failed)_total$/.test(n)).sort()[0];
  return counter ? `(${rate(counter)} or vector(0)) / ${rate(metric)}` : null;
}

function durationsOf(base: string, names: Set<string>, j: string): Red["durations"] {
  const stem = base.replace(/_(requests?|handled)$/, "");
  const near = (n: string) => !NOT_SERVED.test(n) && (n.startsWith(`${base}_`) || n.startsWith(stem));
  const bucket = [...names].filter((n) => n.endsWith("_bucket") && /(duration|latency|seconds|time|handling)/.test(n) && near(n)).sort((a, b) => a.length - b.length)[0];
  if (bucket) return [0.5, 0.95, 0.99].map((q) => ({ name: `p${q * 100}`, expr: `histogram_quantile(${q}, sum by (le) (rate(${bucket}{${j}}[2m])))` }));
  const mean = (sum: string, count: string) => [{ name: "mean", expr: `sum(rate(${sum}{${j}}[2m])) / sum(rate(${count}{${j}}[2m]))` }];
  const sum = [...names].filter((n) => n.endsWith("_sum") && /(duration|latency|seconds|time)/.test(n) && near(n) && names.has(n.replace(/_sum$/, "_count"))).sort((a, b) => a.length - b.length)[0];
  if (sum) return mean(sum, sum.replace(/_sum$/, "_count"));
  const spent = `${base.replace(/s$/, "")}_seconds_total`;
  return names.has(spent) && names.has(`${base}_total`) ? mean(spent, `${base}_total`) : [];
}

function byOf(metric: string, labels: Set<string>, j: string): Red["by"] {
  const label = WHERE.find((w) => labels.has(w));
  return label ? { label, rate: `topk(10, sum by (${label}) (rate(${metric}{${j}}[2m])))` } : null;
}
