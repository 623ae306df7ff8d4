// Series of a known course, sent as a program with OpenTelemetry would: what the journeys of analysis look at.
import { base } from "./browser.mjs";

/** Posts gauges: `series` of {name, labels, points: [[ms, value]…]}. */
export async function postGauges(job, series) {
  const attributes = (labels) => Object.entries(labels).map(([key, value]) => ({ key, value: { stringValue: String(value) } }));
  const metrics = series.map((s) => ({ name: s.name, gauge: { dataPoints: s.points.map(([at, v]) => ({ timeUnixNano: `${Math.round(at)}000000`, asDouble: v, attributes: attributes(s.labels ?? {}) })) } }));
  const body = { resourceMetrics: [{ resource: { attributes: attributes({ "service.name": job, "service.instance.id": "e2e" }) }, scopeMetrics: [{ metrics }] }] };
  const answer = await fetch(`${base}/v1/metrics`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`posting ${job}: ${answer.status} ${await answer.text()}`);
}

/** Points every `stepMs` from `back` ago until now. */
export const course = (backMs, stepMs, value) => {
  const now = Date.now();
  const n = Math.floor(backMs / stepMs);
  return Array.from({ length: n + 1 }, (_, i) => [now - (n - i) * stepMs, value(i / n, i)]);
};
