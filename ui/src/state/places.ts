// The pages: one line each, from which the router, the navigation, the keyboard, the palette and the help are made.
// What a page is made of stands in parts/chunks.ts; its name in the catalogue of texts, as `nav.NAME`.
import type { TimeRange } from "../lib/time";

export interface Place {
  path: string;
  /** the letter after `g` */
  key: string;
  /** a link of its own in the navigation; other pages light up the page that they are part of */
  rail?: true;
  partOf?: string;
  /** a list: its address holds a filter, a part, a grouping and what is open */
  list?: true;
  /** whether `PATH/ID` is an address: read (then as what is open), or written too */
  ids?: "read" | "write";
  /** `PATH/ID/edit` is where what is open is changed: its parameter `edit` */
  edits?: true;
  /** further parameters that the page keeps in its address, as they are */
  params?: readonly string[];
  /** whether variables (`v.NAME`) stand in its address */
  vars?: true;
  /** reached by addresses only: no key, not in the palette */
  hidden?: true;
  /** what it shows unless told */
  range?: TimeRange;
}

const places = {
  overview: { path: "/", key: "o", rail: true },
  explore: { path: "/explore", key: "e", rail: true },
  // Without a range of its own: a dashboard says what it shows unless told.
  dashboards: { path: "/dashboards", key: "d", rail: true, list: true, ids: "write", params: ["panel", "edit", "kiosk", "folder", "rows", "tables", "marks"], vars: true, range: { from: "", to: "" } },
  short: { path: "/s", key: "", list: true, ids: "read", hidden: true },
  alerts: { path: "/alerts", key: "a", rail: true, list: true, ids: "read" },
  incidents: { path: "/incidents", key: "n", partOf: "alerts", list: true, ids: "read" },
  silences: { path: "/silences", key: "m", partOf: "alerts", list: true },
  history: { path: "/alerts/history", key: "h", partOf: "alerts", list: true, range: { from: "now-7d", to: "now" } },
  receivers: { path: "/alerts/receivers", key: "x", partOf: "alerts", list: true },
  rules: { path: "/rules", key: "l", rail: true, list: true },
  insights: { path: "/insights", key: "i", rail: true, list: true, ids: "write", params: ["type"] },
  anomalies: { path: "/insights/anomalies", key: "y", partOf: "insights", list: true, range: { from: "now-6h", to: "now" } },
  drift: { path: "/insights/drift", key: "b", partOf: "insights", list: true, range: { from: "now-24h", to: "now" } },
  recommendations: { path: "/insights/recommendations", key: "w", partOf: "insights", list: true, ids: "write" },
  risks: { path: "/insights/risks", key: "k", partOf: "insights", list: true },
  assessments: { path: "/insights/health", key: "j", partOf: "insights", list: true, range: { from: "now-24h", to: "now" } },
  capacity: { path: "/capacity", key: "c", partOf: "insights", list: true, params: ["kind", "host", "load", "ahead"] },
  compare: { path: "/compare", key: "p", partOf: "insights", list: true, params: ["a", "b", "match", "pair"] },
  accuracy: { path: "/insights/accuracy", key: "z", partOf: "insights", list: true },
  files: { path: "/rules/files", key: "f", partOf: "rules", list: true },
  hosts: { path: "/hosts", key: "u", rail: true, list: true, ids: "write", range: { from: "now-1h", to: "now" } },
  services: { path: "/services", key: "s", partOf: "hosts", list: true, ids: "write", range: { from: "now-1h", to: "now" } },
  // A report says what time it is about unless told.
  reports: { path: "/reports", key: "r", rail: true, list: true, ids: "write", edits: true, params: ["edit", "period", "base"], range: { from: "", to: "" } },
  status: { path: "/status", key: "t", rail: true, list: true },
} as const satisfies Record<string, Place>;

export type PageName = keyof typeof places;
export const PLACES: Record<PageName, Place> = places;
export const PAGE_NAMES = Object.keys(places) as PageName[];
/** The pages that people are told of. */
export const NAMED = PAGE_NAMES.filter((p) => !PLACES[p].hidden);

/** The groups of the navigation, in their order. A page of the rail that is in none of them stands at the end. */
const GROUPS: readonly (readonly string[])[] = [
  ["overview", "hosts", "explore", "dashboards"],
  ["alerts", "rules"],
  ["insights", "capacity", "compare"],
  ["reports", "status"],
];
const inRail = PAGE_NAMES.filter((p) => PLACES[p].rail);
const rest = inRail.filter((p) => !GROUPS.flat().includes(p));
/** The pages of the navigation by groups. */
export const RAIL_GROUPS: PageName[][] = [...GROUPS.map((g) => g.flatMap((name) => inRail.filter((p) => p === name))), rest].filter((g) => g.length > 0);
export const RAIL: PageName[] = RAIL_GROUPS.flat();
/** Telephones show these in the bar at the bottom; the others are under "more". */
const FIRST = ["overview", "dashboards", "explore", "alerts", "insights"];
export const BAR: PageName[] = FIRST.flatMap((name) => inRail.filter((p) => p === name)).slice(0, 4);

/** The page that the rail lights up for a page: itself, or the one that it is part of. */
export const headOf = (name: PageName): PageName => (PLACES[name].partOf as PageName | undefined) ?? name;

/** The page whose address a path is, what is open on it, and whether it is changed. Exact paths win over paths with an id. */
export function placeOf(path: string): { page: PageName | undefined; open: string; edit?: true } {
  const page = PAGE_NAMES.find((k) => PLACES[k].path === path);
  if (page) return { page, open: "" };
  const cut = path.lastIndexOf("/");
  if (path.slice(cut) === "/edit") {
    const of = placeOf(path.slice(0, cut));
    if (of.page && of.open && PLACES[of.page].edits) return { ...of, edit: true };
  }
  const list = PAGE_NAMES.find((k) => PLACES[k].ids && PLACES[k].path === path.slice(0, cut));
  try {
    const open = decodeURIComponent(path.slice(cut + 1));
    return { page: open ? list : undefined, open: list ? open : "" };
  } catch {
    return { page: undefined, open: "" };
  }
}

/** The page of that name, where there is one. */
export const placeNamed = (name: string): PageName | undefined => PAGE_NAMES.find((p) => p === name);
