// Native histograms over time as the buckets of a classic one, which a heat map draws. Frames have no place for them, so
// that they are asked for in Prometheus' JSON.
import { promData } from "../../api/http";
import type { Grid } from "../../api/window";
import type { Span } from "../../lib/time";

/** Rows of a heat map: more cannot be told from each other, neighbours are put together. */
export const ROWS_MAX = 40;

type Bucket = [rule: number, from: string, to: string, count: string];
export interface NativeSeries {
  histograms?: [seconds: number, h: { buckets?: Bucket[] }][];
}

/** Counts up to each bound, of all series together. Pure. */
export function bucketsOf(all: readonly NativeSeries[], from: number, to: number, step: number): Grid {
  const start = Math.ceil(from / step) * step;
  const n = Math.max(0, Math.floor((to - start) / step) + 1);
  const own = new Map<number, Float64Array>();
  const seen = new Uint8Array(n);
  for (const s of all)
    for (const [seconds, h] of s.histograms ?? []) {
      const at = Math.round((seconds * 1000 - start) / step);
      if (at < 0 || at >= n) continue;
      seen[at] = 1;
      for (const [, , upper, count] of h.buckets ?? []) {
        const bound = Number(upper.replace("+Inf", "Infinity"));
        const column = own.get(bound) ?? new Float64Array(n);
        column[at] = (column[at] as number) + Number(count);
        own.set(bound, column);
      }
    }
  const bounds = [...own.keys()].sort((a, b) => a - b);
  const each = Math.ceil(bounds.length / ROWS_MAX);
  const sum = Float64Array.from(seen, (x) => (x ? 0 : Number.NaN));
  const series: Grid["series"] = [];
  bounds.forEach((bound, i) => {
    const column = own.get(bound) as Float64Array;
    for (let k = 0; k < n; k++) sum[k] = (sum[k] as number) + (column[k] as number);
    if ((i + 1) % each && i < bounds.length - 1) return;
    const le = bound === Number.POSITIVE_INFINITY ? "+Inf" : String(Number(bound.toPrecision(3)));
    series.push({ key: `le=${le}`, labels: { le }, unit: "", values: sum.slice() });
  });
  return { start, step, n, series, truncated: 0, warnings: [] };
}

export async function fetchNative(query: string, span: Span, step: number, signal: AbortSignal): Promise<Grid> {
  const from = Math.ceil(span.from / step) * step;
  const { result } = await promData<{ result?: NativeSeries[] }>(`/api/v1/query_range?${new URLSearchParams({ query, start: String(from / 1000), end: String(span.to / 1000), step: String(step / 1000) })}`, signal);
  return bucketsOf(result ?? [], from, span.to, step);
}
