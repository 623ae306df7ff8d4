// Time ranges as people and URLs write them: "now-15m", "now", "now-1d/d" (the day before today), or milliseconds since the epoch.
import type { Zone } from "./format";
import { type CalendarUnit, calendarStart, fromWall } from "./zone";

export interface TimeRange {
  from: string;
  to: string;
}

export interface Span {
  from: number;
  to: number;
}

const UNITS: Record<string, number> = { s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5, M: 2592e6, y: 31536e6 };
export const SPAN_MIN_MS = 10_000;
export const SPAN_MAX_MS = 5 * 365 * 864e5;

/** ms of "15m", "1h30m", "6M" (months of 30 days), "1y"; null when it is not a duration. */
export function parseDuration(s: string): number | null {
  if (!/^(\d+(\.\d+)?[smhdwMy])+$/.test(s)) return null;
  let ms = 0;
  for (const [, n, u] of s.matchAll(/(\d+(?:\.\d+)?)([smhdwMy])/g)) ms += Number(n) * (UNITS[u as string] ?? 0);
  return ms;
}

/** Where days begin, unless told: the zone of the page, which the address sets. */
export const wall: { zone: Zone } = { zone: "browser" };

/** `now/d`, `now-1w/w`, `now-1M/M`: a day, a week, a month, a year of the calendar. */
const CALENDAR = /^now(?:-(\d{1,4})([dwMy]))?\/([dwMy])$/;

/** The beginning of what the calendar names, or where it ends; null when it is none. */
function calendar(text: string, now: number, zone: Zone, end: boolean): number | null {
  const [, back, by, unit] = CALENDAR.exec(text) ?? [];
  if (!unit || (by && by !== unit)) return null;
  return calendarStart(now, unit as CalendarUnit, Number(end) - Number(back ?? 0), zone);
}

/** The instant that the text means at `now`; null when it means none. A day of the calendar means its beginning, or its `end`. */
export function parseInstant(s: string, now: number, end = false, zone = wall.zone): number | null {
  const text = s.trim();
  if (text === "now") return now;
  if (text.includes("/")) return calendar(text, now, zone, end);
  if (text.startsWith("now-")) {
    const ms = parseDuration(text.slice(4));
    return ms === null ? null : now - ms;
  }
  if (/^\d{10,14}$/.test(text)) return text.length <= 10 ? Number(text) * 1000 : Number(text);
  const at = fromWall(text, zone) ?? Date.parse(text);
  return Number.isNaN(at) ? null : at;
}

/** The range in ms, or null when it is none (unreadable, backwards, too short or too long). */
export function resolveRange(r: TimeRange, now: number, zone = wall.zone): Span | null {
  const from = parseInstant(r.from, now, false, zone);
  let to = parseInstant(r.to, now, true, zone);
  if (from === null || to === null || from < 0) return null;
  // Today has a length in its first seconds, too.
  if (r.from.startsWith("now") && r.from.includes("/") && to >= from) to = Math.max(to, from + SPAN_MIN_MS);
  const span = to - from;
  return span >= SPAN_MIN_MS && span <= SPAN_MAX_MS ? { from, to } : null;
}

/** How long a range that ends now is, or null for a fixed one. */
export function liveWindow(r: TimeRange): number | null {
  if (r.to !== "now" || !r.from.startsWith("now-")) return null;
  const ms = parseDuration(r.from.slice(4));
  return ms !== null && ms >= SPAN_MIN_MS && ms <= SPAN_MAX_MS ? ms : null;
}

/** The smallest multiple of 5 s that gives at most two elements a pixel. */
export function stepFor(spanMs: number, widthPx: number): number {
  const raw = spanMs / Math.max(50, 2 * widthPx);
  return Math.max(1, Math.ceil(raw / 5000)) * 5000;
}

/** A range moved by `part` of itself (negative = back), as fixed instants. */
export function shiftRange(r: TimeRange, part: number, now: number): TimeRange | null {
  const s = resolveRange(r, now);
  if (!s) return null;
  const by = Math.round((s.to - s.from) * part);
  if (s.to + by >= now) {
    const back = formatBack(s.to - s.from);
    if (back) return { from: `now-${back}`, to: "now" };
  }
  return { from: String(Math.round(s.from + by)), to: String(Math.round(s.to + by)) };
}

/** A range made longer (factor > 1) or shorter around its middle, or around now when it ends there. */
export function zoomRange(r: TimeRange, factor: number, now: number): TimeRange | null {
  const s = resolveRange(r, now);
  if (!s) return null;
  const span = Math.min(SPAN_MAX_MS, Math.max(SPAN_MIN_MS, (s.to - s.from) * factor));
  if (liveWindow(r) !== null) return { from: `now-${formatBack(span) ?? "15m"}`, to: "now" };
  const mid = (s.from + s.to) / 2;
  return { from: String(Math.round(mid - span / 2)), to: String(Math.round(Math.min(now, mid + span / 2))) };
}

/** "15m", "90s", "1h30m" of a number of ms, whole seconds. */
export function formatBack(ms: number): string | null {
  let s = Math.round(ms / 1000);
  if (s <= 0) return null;
  let out = "";
  for (const [u, size] of [["d", 86400], ["h", 3600], ["m", 60], ["s", 1]] as const) {
    const n = Math.floor(s / size);
    if (n > 0) out += `${n}${u}`;
    s -= n * size;
  }
  return out;
}
