// Whether a query would read very many series. The server tells which metrics have the most; of those it is asked exactly.
import { signal } from "@preact/signals";
import type { Labels } from "../../api/frame";
import { promData } from "../../api/http";
import type { Cardinality } from "../../api/status";
import { metricNames } from "../../parts/WhyEmpty";
import { askOnce } from "../../state/panels";
import { selectorOf } from "./rows";

/** From so many series on people are asked first. A chart shows far fewer, and a frame holds no more. */
export const MANY = 1_000;
const KEEP_MS = 60_000;
const WINDOW_MS = 300_000;

/** The metrics with the most series, as the server tells. */
export const largest = signal<ReadonlyMap<string, number>>(new Map());
let askedAt = Number.NEGATIVE_INFINITY;

export async function wantLargest(): Promise<void> {
  if (Date.now() - askedAt < KEEP_MS) return;
  askedAt = Date.now();
  try {
    const { seriesCountByMetricName: all } = await promData<Cardinality>("/api/v1/status/tsdb");
    largest.value = new Map((all ?? []).map((x) => [x.name, x.value]));
  } catch {
    // What is not known is not warned of.
    askedAt = Number.NEGATIVE_INFINITY;
  }
}

/** What begins like this gives few series, however many it reads. */
const GATHERED = /^\s*(sum|avg|min|max|count|topk|bottomk|quantile|stddev|stdvar|group|count_values|limitk|limit_ratio|histogram_quantile)\b/;

/** How many series of one selector exist now; NaN when it cannot be told. */
export async function countOf(selector: string, signal: AbortSignal): Promise<number> {
  const now = Date.now();
  const f = await askOnce({ expr: `count(${selector})`, kind: "instant" }, { from: now - WINDOW_MS, to: now }, 800, signal);
  return f.error ? Number.NaN : (f.columns[0]?.[0] ?? 0);
}

/** Label sets of the last hour, at most `limit`. */
export const seriesOf = (selector: string, limit: number, signal: AbortSignal) => promData<Labels[]>(`/api/v1/series?${new URLSearchParams({ "match[]": selector, limit: String(limit), start: String(Math.floor(Date.now() / 1000) - 3600) })}`, signal);

/** Series that a query reads and does not gather, when they are very many; else 0. */
export async function readsMany(expr: string): Promise<number> {
  if (GATHERED.test(expr)) return 0;
  let most = 0;
  for (const name of metricNames(expr)) {
    if ((largest.value.get(name) ?? 0) < MANY) continue;
    const n = await countOf(selectorOf(expr, name), new AbortController().signal).catch(() => 0);
    if (n >= MANY) most = Math.max(most, n);
  }
  return most;
}
