// Times that have names: those of the calendar; and which earlier time charts also show: the period just before, or the same time
// a day or a week ago. Pure.
export const BEFORES = ["", "prev", "1d", "7d"] as const;
export type Before = (typeof BEFORES)[number];

const DAY_MS = 86_400_000;

export const readBefore = (text: string | null): Before => BEFORES.find((b) => b === text) ?? "";

/** How far back that is for a range of `spanMs`. */
export const backMs = (before: Before, spanMs: number) => ({ "": 0, prev: spanMs, "1d": DAY_MS, "7d": 7 * DAY_MS })[before];

export const CALENDAR = [
  { name: "today", from: "now/d", to: "now" },
  { name: "yesterday", from: "now-1d/d", to: "now-1d/d" },
  { name: "week", from: "now/w", to: "now" },
  { name: "lastweek", from: "now-1w/w", to: "now-1w/w" },
  { name: "month", from: "now/M", to: "now" },
  { name: "lastmonth", from: "now-1M/M", to: "now-1M/M" },
] as const;
