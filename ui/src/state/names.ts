// The metric names and their metadata, fetched once when first wanted and again after a minute.
import { signal } from "@preact/signals";
import { fetchMetadata, fetchMetricNames } from "../api/http";
import type { MetricMeta } from "../api/types";

export interface MetricNames {
  status: "loading" | "ready" | "error";
  names: string[];
  meta: ReadonlyMap<string, MetricMeta>;
  error: string;
}

const KEEP_MS = 60_000;
export const metrics = signal<MetricNames>({ status: "loading", names: [], meta: new Map(), error: "" });
let askedAt = Number.NEGATIVE_INFINITY;

export async function wantMetrics(force = false): Promise<void> {
  if (!force && Date.now() - askedAt < KEEP_MS) return;
  askedAt = Date.now();
  try {
    const [names, meta] = await Promise.all([fetchMetricNames(), fetchMetadata().catch(() => new Map<string, MetricMeta>())]);
    metrics.value = { status: "ready", names: names ?? [], meta, error: "" };
    if (!names?.length) askedAt = Number.NEGATIVE_INFINITY;
  } catch (e) {
    askedAt = Number.NEGATIVE_INFINITY;
    metrics.value = { ...metrics.value, status: metrics.value.names.length ? "ready" : "error", error: e instanceof Error ? e.message : String(e) };
  }
}
