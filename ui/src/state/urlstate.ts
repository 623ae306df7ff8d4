// The address as state: path and query string <-> a typed value. Pure; round trip is tested.
// What equals the default is left out, so that addresses stay short. Unknown parameters are dropped.
import type { Zone } from "../lib/format";
import type { TimeRange } from "../lib/time";

export type PageName = "overview" | "explore";
export const EXPLORE_TABS = ["chart", "table", "explain"] as const;
export type ExploreTab = (typeof EXPLORE_TABS)[number];

export interface UrlState {
  page: PageName | "missing";
  /** the path as it stood, for "missing" */
  path: string;
  range: TimeRange;
  live: boolean;
  zone: Zone;
  expr: string;
  tab: ExploreTab;
  stacked: boolean;
  /** the only series that is shown; empty for all */
  solo: string;
  /** names of series that are hidden */
  hide: string[];
}

export const DEFAULT_RANGE: TimeRange = { from: "now-15m", to: "now" };
/** Bounds what we write into an address: 100 hidden series are enough to show the rest. */
export const HIDE_MAX = 100;

const PATHS: Record<PageName, string> = { overview: "/", explore: "/explore" };

export function defaultState(page: PageName): UrlState {
  return { page, path: PATHS[page], range: DEFAULT_RANGE, live: true, zone: "browser", expr: "", tab: "chart", stacked: false, solo: "", hide: [] };
}

export function parseUrl(path: string, search: string): UrlState {
  const p = new URLSearchParams(search);
  const clean = path.replace(/\/+$/, "") || "/";
  const page = (Object.keys(PATHS) as PageName[]).find((k) => PATHS[k] === clean);
  const base = { ...defaultState(page ?? "overview"), page: page ?? ("missing" as const), path: page ? PATHS[page] : path };
  return {
    ...base,
    range: { from: p.get("from") || DEFAULT_RANGE.from, to: p.get("to") || DEFAULT_RANGE.to },
    live: p.get("live") !== "0",
    zone: p.get("tz") === "utc" ? "utc" : "browser",
    ...(page === "explore"
      ? {
          expr: p.get("expr") ?? "",
          tab: EXPLORE_TABS.find((x) => x === p.get("tab")) ?? ("chart" as const),
          stacked: p.get("stacked") === "1",
          solo: p.get("solo") ?? "",
          hide: p.getAll("hide").filter(Boolean).slice(0, HIDE_MAX),
        }
      : {}),
  };
}

export function formatUrl(s: UrlState): string {
  const p = new URLSearchParams();
  if (s.page === "explore") {
    if (s.expr) p.set("expr", s.expr);
    if (s.tab !== "chart") p.set("tab", s.tab);
    if (s.stacked) p.set("stacked", "1");
    if (s.solo) p.set("solo", s.solo);
    for (const k of s.hide.slice(0, HIDE_MAX)) p.append("hide", k);
  }
  if (s.range.from !== DEFAULT_RANGE.from) p.set("from", s.range.from);
  if (s.range.to !== DEFAULT_RANGE.to) p.set("to", s.range.to);
  if (!s.live) p.set("live", "0");
  if (s.zone !== "browser") p.set("tz", s.zone);
  const query = p.toString();
  return (s.page === "missing" ? s.path : PATHS[s.page]) + (query ? `?${query}` : "");
}
