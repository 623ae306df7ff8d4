// Which time the chart of an alert shows. Pure.
import { formatBack, type TimeRange } from "../../lib/time";

/** What is shown before an alert began, as a part of how long it has gone on; and the bounds of all of it. */
const LEAD_PART = 0.3;
const SPAN_MIN_MS = 15 * 60_000;
const SPAN_MAX_MS = 7 * 86_400_000;

/** A range that shows how it began and all of it since. */
export function rangeSince(beganMs: number, now: number): TimeRange {
  const age = Math.max(0, now - beganMs);
  const span = Math.min(SPAN_MAX_MS, Math.max(SPAN_MIN_MS, age * (1 + LEAD_PART)));
  return { from: `now-${formatBack(Math.ceil(span / 60_000) * 60_000) ?? "15m"}`, to: "now" };
}

/** The time from shortly before it began to shortly after it was over. */
export function rangeOf(beganMs: number, endedMs: number): TimeRange {
  const around = Math.max((SPAN_MIN_MS - (endedMs - beganMs)) / 2, (endedMs - beganMs) * LEAD_PART);
  return { from: String(Math.round(Math.max(beganMs - around, endedMs - SPAN_MAX_MS))), to: String(Math.round(endedMs + around)) };
}
