// Bounded resources as rows: what is left, when they are full, and the same under another load; and as CSV. Pure.
import type { CapacityDoc, DaysDoc } from "../../api/insight";
import type { Resource } from "../../api/types";

const DAY_MS = 86_400_000;

/** As the load line wants it. */
export function resourceOf(c: CapacityDoc): Resource {
  const [, seen, of] = /(\d+) m of (\d+) m/.exec(c.text) ?? [];
  return {
    id: c.id,
    title: c.title,
    unit: c.unit,
    used: c.used,
    limit: c.limit,
    ratio: c.ratio,
    warning: c.warning,
    critical: c.critical,
    defaults: c.defaults ?? false,
    forecast: { state: c.state, text: c.text, ...(c.days ? { days: { p10: c.days.p10, p50: c.days.p50, p90: c.days.p90 } } : {}), ...(seen && of ? { learned_ratio: Number(seen) / Number(of) } : {}) },
  };
}

export const hostOf = (c: CapacityDoc): string => c.labels["instance"] ?? c.labels["namespace"] ?? c.labels["job"] ?? "";

export type SortKey = "soon" | "full" | "headroom" | "name";

/** Soonest breach first, those without one by how full they are. */
export function sorted(all: CapacityDoc[], by: SortKey): CapacityDoc[] {
  const soon = (c: CapacityDoc) => c.days?.p50 ?? Number.POSITIVE_INFINITY;
  const left = (c: CapacityDoc) => (c.safe_load > 0 ? c.headroom / c.limit : Number.POSITIVE_INFINITY);
  const compare: Record<SortKey, (a: CapacityDoc, b: CapacityDoc) => number> = {
    soon: (a, b) => (soon(a) === soon(b) ? b.ratio - a.ratio : soon(a) - soon(b)),
    full: (a, b) => b.ratio - a.ratio,
    headroom: (a, b) => left(a) - left(b),
    name: (a, b) => a.title.localeCompare(b.title),
  };
  return [...all].sort(compare[by]);
}

/** The instants of a breach: even chances, and one in ten on either side. `late` is null where it may never be. */
export function datesOf(days: DaysDoc | null, now: number): { early: number; even: number; late: number | null } | null {
  if (!days) return null;
  const at = (d: number) => now + d * DAY_MS;
  return { early: at(days.p10), even: at(days.p50), late: days.p90 === null ? null : at(days.p90) };
}

/** Cells that a spreadsheet would take for a formula begin with an apostrophe. */
function cell(v: string | number | null | undefined): string {
  if (v === null || v === undefined || (typeof v === "number" && !Number.isFinite(v))) return "";
  if (typeof v === "number") return String(v);
  const safe = /^[=+\-@\t\r]/.test(v) ? `'${v}` : v;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

const COLUMNS = ["id", "kind", "title", "host", "unit", "used", "limit", "ratio", "safe_load", "headroom", "level", "state", "days_p10", "days_p50", "days_p90", "full_on", "what_if_load", "what_if_ratio", "what_if_days_p50", "query_used", "query_limit"];

export function csvOf(all: CapacityDoc[], now: number): string {
  const rows = all.map((c) => {
    const dates = datesOf(c.days, now);
    return [c.id, c.kind, c.title, hostOf(c), c.unit, c.used, c.limit, c.ratio, c.safe_load, c.headroom, c.level, c.state, c.days?.p10, c.days?.p50, c.days?.p90, dates ? new Date(dates.even).toISOString() : "", c.what_if?.load, c.what_if?.ratio, c.what_if?.days?.p50, c.queries[0], c.queries[1]].map(cell).join(",");
  });
  return `${[COLUMNS.join(","), ...rows].join("\r\n")}\r\n`;
}

/** How far ahead to look so that the breach is in the picture: one of the horizons that are offered. */
export const HORIZONS: [string, number][] = [
  ["1h", 1 / 24],
  ["6h", 0.25],
  ["1d", 1],
  ["7d", 7],
  ["30d", 30],
];
export function horizonFor(days: DaysDoc | null): string {
  const want = days?.p90 ?? days?.p50 ?? 1;
  return (HORIZONS.find(([, d]) => d >= want) ?? HORIZONS.at(-1))?.[0] ?? "1d";
}
