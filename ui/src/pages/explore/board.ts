// The queries of Explore as a panel of a dashboard. Pure.
import type { Dashboard, Panel } from "../../api/dashboards";
import type { TimeRange } from "../../lib/time";
import type { UrlState } from "../../state/urlstate";
import type { Row } from "./rows";

const SIZE = { w: 12, h: 8 };
/** Letters of a title made of a query. */
const TITLE_MAX = 80;

export const titleOf = (rows: readonly Row[]) => {
  const text = (rows.find((r) => !r.off) ?? rows[0])?.expr.replace(/\s+/g, " ") ?? "";
  return text.length > TITLE_MAX ? `${text.slice(0, TITLE_MAX - 1)}…` : text;
};

export function panelOf(rows: readonly Row[], title: string, { tab, view }: Pick<UrlState, "tab" | "view">): Omit<Panel, "id" | "at"> {
  const queries = rows.map((r) => ({ ref: r.id, expr: r.expr, ...(tab === "table" ? { kind: "instant" as const } : {}), ...(r.off ? { hidden: true } : {}) }));
  if (tab === "table") return { kind: "table", title, queries };
  if (view === "heat") return { kind: "heatmap", title, queries };
  return { kind: "timeseries", title, queries, ...(view === "stacked" ? { style: { stack: "normal" as const, fill: 0.4 } } : view === "bars" ? { style: { draw: "bars" as const, fill: 0.5 } } : {}) };
}

/** A panel that has no place yet, but may have a size. */
export type Loose = Omit<Panel, "id" | "at"> & { at?: { w: number; h: number } };

/** The dashboard with the panel below all others. */
export function withPanel(d: Dashboard, { at, ...panel }: Loose): Dashboard {
  const id = Math.max(0, ...d.panels.map((p) => p.id)) + 1;
  const y = Math.max(0, ...d.panels.map((p) => p.at.y + p.at.h));
  return { ...d, panels: [...d.panels, { ...panel, id, at: { x: 0, y, w: at?.w ?? SIZE.w, h: at?.h ?? SIZE.h } }] };
}

export const newBoard = (title: string, time: TimeRange): Dashboard => ({ id: "", title, time, refresh: "live", panels: [] });
