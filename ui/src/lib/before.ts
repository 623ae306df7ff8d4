// Which earlier time charts also show: the period just before, or the same time a day or a week ago. Pure.
export const BEFORES = ["", "prev", "1d", "7d"] as const;
export type Before = (typeof BEFORES)[number];

const DAY_MS = 86_400_000;

export const readBefore = (text: string | null): Before => BEFORES.find((b) => b === text) ?? "";

/** How far back that is for a range of `spanMs`. */
export const backMs = (before: Before, spanMs: number) => ({ "": 0, prev: spanMs, "1d": DAY_MS, "7d": 7 * DAY_MS })[before];
