// Two periods of time: as they stand in the address (FROM~TO, ms), the usual pairs, and those around a change. Pure.
import type { Zone } from "../../lib/format";
import type { Span } from "../../lib/time";
import { fromWall, wallText } from "../../lib/zone";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** What the server takes; ms. */
export const PERIOD_MIN_MS = 60_000;
export const PERIOD_MAX_MS = 7 * DAY_MS;

export interface Pair {
  a: Span;
  b: Span;
}

export const PAIRS = ["hour", "yesterday", "day", "week"] as const;
export type PairName = (typeof PAIRS)[number];

/** The usual pairs, ending at `now`: how long, and how long before. */
const USUAL: Record<PairName, [number, number]> = { hour: [HOUR_MS, HOUR_MS], yesterday: [HOUR_MS, DAY_MS], day: [DAY_MS, DAY_MS], week: [7 * DAY_MS, 7 * DAY_MS] };

export function pairOf(name: PairName, now: number): Pair {
  const [long, ago] = USUAL[name];
  return { a: { from: now - ago - long, to: now - ago }, b: { from: now - long, to: now } };
}

/** As long before a change as there is after it: an hour at most, five minutes at least. */
export function around(at: number, now: number): Pair {
  const long = Math.min(HOUR_MS, Math.max(5 * 60_000, now - at));
  return { a: { from: at - long, to: at }, b: { from: at, to: Math.max(at, Math.min(now, at + long)) } };
}

export const textOf = (s: Span): string => `${Math.round(s.from)}~${Math.round(s.to)}`;

/** Null when it is none. */
function spanIn(text: string | undefined): Span | null {
  const [, a, b] = /^(\d+)~(\d+)$/.exec(text ?? "") ?? [];
  return Number(b) >= Number(a) ? { from: Number(a), to: Number(b) } : null;
}

/** Null when it is none, or not one that the server takes. */
export function periodIn(text: string | undefined): Span | null {
  const span = spanIn(text);
  const long = span ? span.to - span.from : 0;
  return long >= PERIOD_MIN_MS && long <= PERIOD_MAX_MS ? span : null;
}

/** The change that is too young to be compared: what is since then is shorter than the server takes. Else null. */
export function tooYoung(b: string | undefined, pair: string | undefined): { at: number; from: number } | null {
  const span = spanIn(b);
  return span && String(span.from) === pair && span.to - span.from < PERIOD_MIN_MS ? { at: span.from, from: span.from + PERIOD_MIN_MS } : null;
}

/** How great an effect is, by the usual marks for Cliff's delta. */
export function sizeOf(delta: number): "large" | "medium" | "small" | "little" {
  const d = Math.abs(delta);
  return d >= 0.474 ? "large" : d >= 0.33 ? "medium" : d >= 0.147 ? "small" : "little";
}

/** For a field of date and time: what a clock in the zone shows, to the minute. */
export const fieldOf = (ms: number, zone: Zone): string => (Math.abs(ms) < 8e15 ? wallText(ms, zone).slice(0, 16).replace(" ", "T") : "");
export const fromField = (text: string, zone: Zone): number => fromWall(text, zone) ?? Number.NaN;
