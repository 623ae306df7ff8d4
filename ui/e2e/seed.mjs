// Series of a known course, sent as a program with OpenTelemetry would: what the journeys of analysis look at.
import { base } from "./browser.mjs";

const attributes = (labels) => Object.entries(labels).map(([key, value]) => ({ key, value: { stringValue: String(value) } }));
const nanos = (at) => `${Math.round(at)}000000`;

async function post(job, metrics) {
  const body = { resourceMetrics: [{ resource: { attributes: attributes({ "service.name": job, "service.instance.id": "e2e" }) }, scopeMetrics: [{ metrics }] }] };
  const answer = await fetch(`${base}/v1/metrics`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`posting ${job}: ${answer.status} ${await answer.text()}`);
}

/** Posts gauges: `series` of {name, labels, points: [[ms, value]…]}. */
export const postGauges = (job, series) =>
  post(job, series.map((s) => ({ name: s.name, gauge: { dataPoints: s.points.map(([at, v]) => ({ timeUnixNano: nanos(at), asDouble: v, attributes: attributes(s.labels ?? {}) })) } })));

/** Posts counts that grow, as a classic histogram with these bounds: `counts` of one more bucket than bounds at each time. */
export const postHistogram = (job, name, bounds, points) =>
  post(job, [{ name, histogram: { aggregationTemporality: 2, dataPoints: points.map(([at, counts]) => ({ startTimeUnixNano: nanos(points[0][0] - 1000), timeUnixNano: nanos(at), explicitBounds: bounds, bucketCounts: counts.map(String), count: String(counts.reduce((a, b) => a + b, 0)), sum: 1 })) } }]);

/** The same as a native one of scale 0: buckets up to 2, 4, 8… */
export const postNative = (job, name, points) =>
  post(job, [{ name, exponentialHistogram: { aggregationTemporality: 2, dataPoints: points.map(([at, counts]) => ({ startTimeUnixNano: nanos(points[0][0] - 1000), timeUnixNano: nanos(at), scale: 0, zeroCount: "0", positive: { offset: 0, bucketCounts: counts.map(String) }, count: String(counts.reduce((a, b) => a + b, 0)), sum: 1 })) } }]);

/** Points every `stepMs` from `back` ago until now. */
export const course = (backMs, stepMs, value) => {
  const now = Date.now();
  const n = Math.floor(backMs / stepMs);
  return Array.from({ length: n + 1 }, (_, i) => [now - (n - i) * stepMs, value(i / n, i)]);
};
