// A window of a chart as it stands in the address: FROM~TO~QUERY, times in ms. Pure.
import type { Span } from "../lib/time";

/** What the server takes; ms. */
export const WINDOW_MIN_MS = 60_000;
export const WINDOW_MAX_MS = 7 * 86_400_000;

/** Null when it is none; a window shorter than the server takes is made longer around its middle. */
export function windowIn(text: string, now: number): { span: Span; query: string } | null {
  const [, a, b, query] = /^(\d+)~(\d+)~([\s\S]+)$/.exec(text) ?? [];
  if (!a || !b || !query?.trim()) return null;
  let [from, to] = [Number(a), Math.min(Number(b), now)];
  if (to - from < WINDOW_MIN_MS) {
    const middle = (from + to) / 2;
    [from, to] = [middle - WINDOW_MIN_MS / 2, Math.min(now, middle + WINDOW_MIN_MS / 2)];
    from = to - WINDOW_MIN_MS;
  }
  return Number(b) > Number(a) && to > from && to - from <= WINDOW_MAX_MS ? { span: { from: Math.round(from), to: Math.round(to) }, query } : null;
}
