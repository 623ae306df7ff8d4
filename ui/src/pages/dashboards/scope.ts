// What every panel of a dashboard is told: the values of variables, filters for all queries, marks on the time axis.
import type { Happening } from "../../charts/plot";
import type { Panel } from "../../api/dashboards";
import { parseDuration, resolveRange, type TimeRange } from "../../lib/time";
import { url } from "../../state/url";
import { addMatchers, builtIn, interpolate, type Target, type Values } from "./interpolate";

export interface Scope {
  id: string;
  /** values are known, so that queries can be asked */
  ready: boolean;
  values: Values;
  /** the names of all variables, filters too */
  names: readonly string[];
  /** matchers that go into every selector */
  filters: string[];
  happenings: Happening[];
  /** counts up when everything is to be asked again */
  again: number;
}

/** How often sources are asked, when nobody says. */
export const SCRAPE_MS = 15_000;

/** The time that a panel shows: that of the page, or its own, or that of the page moved back. */
export function rangeOf(panel: Panel, range: TimeRange): TimeRange {
  const { from, shift } = panel.time ?? {};
  const back = shift ? parseDuration(shift) : null;
  const own: TimeRange = from && parseDuration(from) !== null ? { from: `now-${from}`, to: "now" } : range;
  if (!back) return own;
  const named = own.from.includes("/") ? resolveRange(own, Date.now()) : null;
  if (named) return { from: String(named.from - back), to: String(named.to - back) };
  const moved = (text: string) => {
    if (text === "now") return `now-${back / 1000}s`;
    const ms = text.startsWith("now-") ? parseDuration(text.slice(4)) : null;
    return ms !== null ? `now-${(ms + back) / 1000}s` : /^\d+$/.test(text) ? String(Number(text) - back) : text;
  };
  return { from: moved(own.from), to: moved(own.to) };
}

export interface Asked {
  ref: string;
  expr: string;
  step_ms: number;
}

/** A text with what is chosen. */
export const chosenText = (text: string, scope: Scope, own: Values): string => interpolate(text, { ...scope.values, ...own }, "text");

/** A text of a panel with its variables and its times; intervals only where the step is told. */
export function fill(text: string, scope: Scope, own: Values, target: Target = "text", range: TimeRange = url.value.range, step_ms = 0): string {
  if (!/[$[]/.test(text)) return text;
  const now = Date.now();
  const span = resolveRange(range, now) ?? { from: now - 3_600_000, to: now };
  const times = Object.entries(builtIn({ ...span, step_ms, scrape_ms: SCRAPE_MS, dashboard: scope.id })).filter(([name]) => step_ms || !name.includes("interval"));
  return interpolate(text, { ...Object.fromEntries(times), ...scope.values, ...own }, target);
}

/** The expression with the choices of now. */
export const chosenIn = (expr: string, scope: Scope, own: Values): string => addMatchers(interpolate(expr, { ...scope.values, ...own }, "expr"), scope.filters);

/** The expression as it is asked. */
export function expression(expr: string, scope: Scope, own: Values, span: { from: number; to: number }, step_ms: number, least_ms: number | null = null): string {
  const values = { ...scope.values, ...own, ...builtIn({ ...span, step_ms, least_ms, scrape_ms: SCRAPE_MS, dashboard: scope.id }) };
  return addMatchers(interpolate(expr, values, "expr"), scope.filters);
}
