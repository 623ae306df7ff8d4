// The address as state: path and query string <-> a typed value. Pure; round trip is tested.
// What equals the default is left out, so that addresses stay short. Unknown parameters are dropped.
import type { Zone } from "../lib/format";
import type { TimeRange } from "../lib/time";
import { readZone } from "../lib/zone";
import { type Before, readBefore } from "../lib/before";
import { type PageName, type Place, PLACES, placeOf } from "./places";

export const EXPLORE_TABS = ["chart", "table", "explain"] as const;
export type ExploreTab = (typeof EXPLORE_TABS)[number];
/** How the chart of Explore is drawn. */
export const EXPLORE_VIEWS = ["lines", "stacked", "bars", "heat"] as const;
export type ExploreView = (typeof EXPLORE_VIEWS)[number];
/** Queries of Explore, by their places. */
export const LETTERS = "ABCDEF";

export interface UrlState {
  page: PageName | "missing";
  /** the path as it stood, for "missing" */
  path: string;
  range: TimeRange;
  live: boolean;
  zone: Zone;
  /** which earlier time charts also show; empty for none */
  before: Before;
  /** the first query of Explore */
  expr: string;
  /** the queries below it; one that is being written is empty */
  more: string[];
  /** letters of the queries that are hidden */
  off: string;
  tab: ExploreTab;
  view: ExploreView;
  /** whether the chart shows what is expected next */
  forecast: boolean;
  /** whether the chart shows what is usual */
  band: boolean;
  /** the only series that is shown; empty for all */
  solo: string;
  /** names of series that are hidden; on dashboards as pages/dashboards/off.ts writes them */
  hide: string[];
  /** lists: the filter, as it was written */
  q: string;
  /** lists: which part of the list, or which view; empty for the first */
  show: string;
  /** alerts: what they are grouped by; empty for the name */
  by: string;
  /** lists: what is open beside the list */
  open: string;
  /** a window of a chart that is to be explained: FROM~TO~QUERY, on any page; empty for none */
  why: string;
  /** what else a page keeps in its address (`Place.params`); empty values are left out */
  params: Record<string, string>;
  /** values of variables by name, as `v.NAME` */
  vars: Record<string, string[]>;
}

export const DEFAULT_RANGE: TimeRange = { from: "now-15m", to: "now" };
/** Bounds what we write into an address: 100 hidden series are enough to show the rest. */
export const HIDE_MAX = 100;

/** Bounds of what a page keeps in an address: variables, and values of one. */
export const VARS_MAX = 50;
export const VALUES_MAX = 200;

/** Letters of a window to explain, its query included. */
export const WHY_MAX = 4096;

const isPage = (p: UrlState["page"]): p is PageName => p !== "missing";
const placeFor = (p: UrlState["page"]): Place | undefined => (isPage(p) ? PLACES[p] : undefined);

export const defaultRange = (page: UrlState["page"]): TimeRange => placeFor(page)?.range ?? DEFAULT_RANGE;

export function defaultState(page: PageName): UrlState {
  return { page, path: PLACES[page].path, range: defaultRange(page), live: true, zone: "browser", before: "", expr: "", more: [], off: "", tab: "chart", view: "lines", forecast: false, band: false, solo: "", hide: [], q: "", show: "", by: "", open: "", why: "", params: {}, vars: {} };
}

/** Links of before say `stacked=1`. */
const readView = (p: URLSearchParams): ExploreView => EXPLORE_VIEWS.find((x) => x === p.get("view")) ?? (p.get("stacked") === "1" ? "stacked" : "lines");

/** `v.NAME=a&v.NAME=b`: the values chosen of each variable, in their order. Links made elsewhere write `var-NAME`. */
function readVars(p: URLSearchParams): Record<string, string[]> {
  const names = [...new Set([...p.keys()].filter((k) => /^(v\.|var-)\w+$/.test(k)))].slice(0, VARS_MAX);
  return Object.fromEntries(names.map((k) => [k.replace(/^(v\.|var-)/, ""), p.getAll(k).slice(0, VALUES_MAX)]));
}

export function parseUrl(path: string, search: string): UrlState {
  const p = new URLSearchParams(search);
  const clean = path.replace(/\/+$/, "") || "/";
  const { page, open, edit } = placeOf(clean);
  const usual = defaultRange(page ?? "missing");
  const base = { ...defaultState(page ?? "overview"), page: page ?? ("missing" as const), path: page ? PLACES[page].path : path };
  const place = page ? PLACES[page] : undefined;
  const [expr = "", ...more] = p.getAll("expr").slice(0, LETTERS.length);
  return {
    ...base,
    // A beginning without an end lasts until now, also where the page has no range of its own.
    range: { from: p.get("from") || usual.from, to: p.get("to") || usual.to || (p.get("from") ? "now" : "") },
    live: p.get("live") !== "0",
    zone: readZone(p.get("tz")),
    before: readBefore(p.get("cmp")),
    ...(page === "explore"
      ? {
          expr,
          more,
          off: [...LETTERS].filter((l, i) => i <= more.length && p.get("off")?.includes(l)).join(""),
          tab: EXPLORE_TABS.find((x) => x === p.get("tab")) ?? ("chart" as const),
          view: readView(p),
          forecast: p.get("forecast") === "1",
          band: p.get("band") === "1",
          solo: p.get("solo") ?? "",
        }
      : {}),
    hide: page === "explore" || place?.vars ? p.getAll("hide").filter(Boolean).slice(0, HIDE_MAX) : [],
    why: (p.get("why") ?? "").slice(0, WHY_MAX),
    params: { ...Object.fromEntries((place?.params ?? []).flatMap((k) => (p.get(k) ? [[k, p.get(k) as string]] : []))), ...(edit ? { edit: "1" } : {}) },
    vars: place?.vars ? readVars(p) : {},
    ...(place?.list ? { q: p.get("q") ?? "", show: p.get("show") ?? "", by: p.get("by") ?? "", open: open || (p.get("open") ?? "") } : {}),
  };
}

export function formatUrl(s: UrlState): string {
  const p = new URLSearchParams();
  if (s.page === "explore") {
    if (s.expr || s.more.length > 0) for (const x of [s.expr, ...s.more].slice(0, LETTERS.length)) p.append("expr", x);
    if (s.off) p.set("off", s.off);
    if (s.tab !== "chart") p.set("tab", s.tab);
    if (s.view !== "lines") p.set("view", s.view);
    if (s.forecast) p.set("forecast", "1");
    if (s.band) p.set("band", "1");
    if (s.solo) p.set("solo", s.solo);
  }
  const place = placeFor(s.page);
  if (s.page === "explore" || place?.vars) for (const k of s.hide.slice(0, HIDE_MAX)) p.append("hide", k);
  const inPath = place?.ids === "write" && s.open !== "";
  if (place?.list) for (const k of ["show", "q", "by", "open"] as const) if (s[k] && !(inPath && k === "open")) p.set(k, s[k]);
  const edits = inPath && place?.edits && s.params["edit"];
  for (const k of place?.params ?? []) if (s.params[k] && !(edits && k === "edit")) p.set(k, s.params[k] as string);
  if (s.why) p.set("why", s.why);
  if (place?.vars) for (const [k, values] of Object.entries(s.vars).slice(0, VARS_MAX)) for (const v of values.slice(0, VALUES_MAX)) p.append(`v.${k}`, v);
  const usual = defaultRange(s.page);
  if (s.range.from !== usual.from) p.set("from", s.range.from);
  if (s.range.to !== usual.to) p.set("to", s.range.to);
  if (!s.live) p.set("live", "0");
  if (s.zone !== "browser") p.set("tz", s.zone);
  if (s.before) p.set("cmp", s.before);
  const query = p.toString();
  const path = place ? place.path + (inPath ? `/${encodeURIComponent(s.open)}${edits ? "/edit" : ""}` : "") : s.path;
  return path + (query ? `?${query}` : "");
}
