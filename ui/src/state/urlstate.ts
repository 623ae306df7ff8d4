// The address as state: path and query string <-> a typed value. Pure; round trip is tested.
// What equals the default is left out, so that addresses stay short. Unknown parameters are dropped.
import type { Zone } from "../lib/format";
import type { TimeRange } from "../lib/time";

export type PageName = "overview" | "explore" | "alerts" | "incidents" | "silences" | "history" | "rules" | "files";
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
  /** whether the chart shows what is expected next */
  forecast: boolean;
  /** the only series that is shown; empty for all */
  solo: string;
  /** names of series that are hidden */
  hide: string[];
  /** pages of alerting: the filter, as it was written */
  q: string;
  /** pages of alerting: which part of the list, or which view; empty for the first */
  show: string;
  /** alerts: what they are grouped by; empty for the name */
  by: string;
  /** pages of alerting: what is open beside the list */
  open: string;
}

export const DEFAULT_RANGE: TimeRange = { from: "now-15m", to: "now" };
/** Bounds what we write into an address: 100 hidden series are enough to show the rest. */
export const HIDE_MAX = 100;

const PATHS: Record<PageName, string> = {
  overview: "/",
  explore: "/explore",
  alerts: "/alerts",
  incidents: "/incidents",
  silences: "/silences",
  history: "/alerts/history",
  rules: "/rules",
  files: "/rules/files",
};
export const PAGE_NAMES = Object.keys(PATHS) as PageName[];
const isPage = (p: UrlState["page"]): p is PageName => p !== "missing";
/** Pages that have a list and something open beside it. */
const isList = (p: UrlState["page"]) => isPage(p) && p !== "overview" && p !== "explore";

/** What a page shows unless told: what is over takes days to be worth a list. */
const RANGES: Partial<Record<PageName, TimeRange>> = { history: { from: "now-7d", to: "now" } };
export const defaultRange = (page: UrlState["page"]): TimeRange => (isPage(page) ? RANGES[page] : undefined) ?? DEFAULT_RANGE;

export function defaultState(page: PageName): UrlState {
  return { page, path: PATHS[page], range: defaultRange(page), live: true, zone: "browser", expr: "", tab: "chart", stacked: false, forecast: false, solo: "", hide: [], q: "", show: "", by: "", open: "" };
}

/** Addresses that messages carry: `/incidents/ID` and `/alerts/FINGERPRINT` are their lists with one of them open. */
function placeOf(path: string): { page: PageName | undefined; open: string } {
  const page = PAGE_NAMES.find((k) => PATHS[k] === path);
  if (page) return { page, open: "" };
  const [, list, id] = /^\/(incidents|alerts)\/([^/]+)$/.exec(path) ?? [];
  try {
    return { page: list as "incidents" | "alerts" | undefined, open: decodeURIComponent(id ?? "") };
  } catch {
    return { page: undefined, open: "" };
  }
}

export function parseUrl(path: string, search: string): UrlState {
  const p = new URLSearchParams(search);
  const clean = path.replace(/\/+$/, "") || "/";
  const { page, open } = placeOf(clean);
  const usual = defaultRange(page ?? "missing");
  const base = { ...defaultState(page ?? "overview"), page: page ?? ("missing" as const), path: page ? PATHS[page] : path };
  return {
    ...base,
    range: { from: p.get("from") || usual.from, to: p.get("to") || usual.to },
    live: p.get("live") !== "0",
    zone: p.get("tz") === "utc" ? "utc" : "browser",
    ...(page === "explore"
      ? {
          expr: p.get("expr") ?? "",
          tab: EXPLORE_TABS.find((x) => x === p.get("tab")) ?? ("chart" as const),
          stacked: p.get("stacked") === "1",
          forecast: p.get("forecast") === "1",
          solo: p.get("solo") ?? "",
          hide: p.getAll("hide").filter(Boolean).slice(0, HIDE_MAX),
        }
      : {}),
    ...(page && isList(page) ? { q: p.get("q") ?? "", show: p.get("show") ?? "", by: p.get("by") ?? "", open: open || (p.get("open") ?? "") } : {}),
  };
}

export function formatUrl(s: UrlState): string {
  const p = new URLSearchParams();
  if (s.page === "explore") {
    if (s.expr) p.set("expr", s.expr);
    if (s.tab !== "chart") p.set("tab", s.tab);
    if (s.stacked) p.set("stacked", "1");
    if (s.forecast) p.set("forecast", "1");
    if (s.solo) p.set("solo", s.solo);
    for (const k of s.hide.slice(0, HIDE_MAX)) p.append("hide", k);
  }
  if (isList(s.page)) for (const k of ["show", "q", "by", "open"] as const) if (s[k]) p.set(k, s[k]);
  const usual = defaultRange(s.page);
  if (s.range.from !== usual.from) p.set("from", s.range.from);
  if (s.range.to !== usual.to) p.set("to", s.range.to);
  if (!s.live) p.set("live", "0");
  if (s.zone !== "browser") p.set("tz", s.zone);
  const query = p.toString();
  return (s.page === "missing" ? s.path : PATHS[s.page]) + (query ? `?${query}` : "");
}
