// Time zones: the browser's, UTC, or any that Intl knows by name. What a clock on the wall shows, and back. Pure.
import type { Zone } from "./format";

const M = 60_000;
const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: string): Intl.DateTimeFormat | null {
  const known = formats.get(zone);
  if (known) return known;
  try {
    const made = new Intl.DateTimeFormat("en-US", { timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" });
    formats.set(zone, made);
    return made;
  } catch {
    return null;
  }
}

/** The zone that an address names: the browser's where it is none that Intl knows. */
export function readZone(text: string | null): Zone {
  if (!text || text.length > 64) return "browser";
  if (text.toLowerCase() === "utc") return "utc";
  return format(text) ? text : "browser";
}

/** The name that Intl has for a zone. */
export const zoneName = (zone: Zone) => (zone === "utc" ? "UTC" : zone === "browser" ? undefined : zone);

/** ms ahead of UTC at that instant in the zone. */
export function zoneOffset(ms: number, zone: Zone): number {
  if (zone === "utc") return 0;
  const f = zone === "browser" ? null : format(zone);
  if (!f) return -new Date(ms).getTimezoneOffset() * M;
  const at: Record<string, number> = {};
  for (const { type, value } of f.formatToParts(ms)) at[type] = Number(value);
  return Date.UTC(at["year"] ?? 0, (at["month"] ?? 1) - 1, at["day"], at["hour"], at["minute"], at["second"]) - Math.floor(ms / 1000) * 1000;
}

/** `2026-01-31 10:00:00`: what a clock in the zone shows. */
export const wallText = (ms: number, zone: Zone) => new Date(ms + zoneOffset(ms, zone)).toISOString().slice(0, 19).replace("T", " ");

/** The instant at which a clock in the zone shows the text; null when it is no date and time, or says its zone itself. */
export function fromWall(text: string, zone: Zone): number | null {
  const s = text.trim();
  if (!/^\d{4}-\d\d-\d\d([ T]\d\d?:\d\d(:\d\d)?)?$/.test(s)) return null;
  const shown = Date.parse(`${s.length > 10 ? s.replace(" ", "T").replace(/T(\d):/, "T0$1:") : `${s}T00:00`}Z`);
  return Number.isNaN(shown) ? null : instantOf(shown, zone);
}

/** The instant at which a clock in the zone shows what a clock of UTC shows at `shown`. */
function instantOf(shown: number, zone: Zone): number {
  // Twice: the offset is that of the instant, which is not known before.
  const near = shown - zoneOffset(shown, zone);
  return shown - zoneOffset(near, zone);
}

export type CalendarUnit = "d" | "w" | "M" | "y";

/** Where the day, week (from Monday), month or year begins that is `by` of them after that of `now`, in the zone. */
export function calendarStart(now: number, unit: CalendarUnit, by: number, zone: Zone): number {
  const wall = new Date(now + zoneOffset(now, zone));
  const [y, m, d] = [wall.getUTCFullYear(), wall.getUTCMonth(), wall.getUTCDate()];
  const monday = d - ((wall.getUTCDay() + 6) % 7);
  const shown = unit === "d" ? Date.UTC(y, m, d + by) : unit === "w" ? Date.UTC(y, m, monday + 7 * by) : unit === "M" ? Date.UTC(y, m + by, 1) : Date.UTC(y + by, 0, 1);
  return instantOf(shown, zone);
}

/** All zones to choose from. */
export const zones = (): string[] => Intl.supportedValuesOf("timeZone");
