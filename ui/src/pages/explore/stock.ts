// What the store has, as the completion of the editor asks for it: names of metrics and labels, values, what metrics mean. Answers are
// kept for some minutes; what cannot be had is nothing to complete.
import type { PrometheusClient } from "@prometheus-io/codemirror-promql/dist/esm/client/prometheus";
import { get, type Query } from "../../api/rest";

const KEPT_MS = 300_000;
/** Answers that are kept; beyond that the oldest goes. */
const KEPT_MAX = 200;

const kept = new Map<string, { until: number; answer: Promise<unknown> }>();

function once<T>(path: string, query: Query, otherwise: T): Promise<T> {
  const key = JSON.stringify([path, query]);
  const known = kept.get(key);
  if (known && known.until > Date.now()) return known.answer as Promise<T>;
  const answer = get<{ data: T }>(`/api/v1/${path}`, query).then(
    (a) => a.data,
    () => {
      kept.delete(key);
      return otherwise;
    },
  );
  kept.delete(key);
  const [oldest] = kept.keys();
  if (oldest !== undefined && kept.size >= KEPT_MAX) kept.delete(oldest);
  kept.set(key, { until: Date.now() + KEPT_MS, answer });
  return answer;
}

const of = (metric: string | undefined): Query => ({ "match[]": metric });

export const stock: PrometheusClient = {
  labelNames: (metric) => once<string[]>("labels", of(metric), []),
  labelValues: (label, metric) => once<string[]>(`label/${encodeURIComponent(label)}/values`, of(metric), []),
  metricMetadata: () => once("metadata", {}, {}),
  metricNames: () => once<string[]>("label/__name__/values", {}, []),
  series: (metric) => once("series", of(metric), []),
  flags: () => Promise.resolve({}),
};
