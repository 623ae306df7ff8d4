// Where a chart begins whose data are younger than the range that was asked for. Pure.
import type { Span } from "../lib/time";
import type { PlotData } from "./plot";

/** Data younger than this part of the range is shown alone: the first minutes of a host would be a sliver otherwise. */
const YOUNG_PART = 0.8;
const YOUNG_SPAN_MIN_MS = 60_000;

/** The first sample and where to begin when all samples lie in the newest part of the range; null to show the whole range. */
export function youngSince(data: PlotData, span: Span): { first: number; from: number } | null {
  let first = data.n;
  for (const l of data.lines.filter((l) => !l.reference)) for (let i = 0; i < first; i++) if (Number.isFinite(l.values[i])) first = i;
  const at = data.start + first * data.step;
  if (first >= data.n || at < span.to - (span.to - span.from) * YOUNG_PART) return null;
  return { first: at, from: Math.max(span.from, Math.min(at, span.to - YOUNG_SPAN_MIN_MS)) };
}
