// Which component shows which kind of panel.
import type { ComponentType } from "preact";
import type { Panel, PanelKind } from "../../api/dashboards";
import type { Span } from "../../lib/time";
import type { PanelState } from "../../state/panels";
import { AlertList, InsightList } from "./kinds/lists";
import { BarList, Gauge, LoadLines, Pie, Stat } from "./kinds/numbers";
import { HeatMap, Histogram, StateTimeline, StatusGrid } from "./kinds/cells";
import { TextPanel, Unsupported } from "./kinds/TextPanel";
import { TablePanel } from "./kinds/DataTable";
import { TimeSeries } from "./kinds/TimeSeries";
import type { Placed } from "./layout";
import type { Scope } from "./scope";
import type { Items } from "./series";

export interface KindProps {
  panel: Panel;
  placed: Placed;
  scope: Scope;
  all: Items;
  span: Span;
  /** what the panel is called */
  title: string;
  asTable: boolean;
  onTable: () => void;
  state: PanelState;
  /** its first query, as it was asked */
  expr: string | undefined;
  /** every query is asked for one instant */
  instant: boolean;
  /** the same series so many ms ago */
  past: { all: Items; back: number } | null;
  /** somebody points at a series, by its key, or at the whole (null) */
  onPick: (key: string | null, x: number, y: number) => void;
}

/** Kinds that ask nothing of the store by queries. */
export const RESTING: ReadonlySet<PanelKind> = new Set<PanelKind>(["text", "alerts", "insights", "row", "unsupported"]);

export const KINDS: Record<PanelKind, ComponentType<KindProps>> = {
  timeseries: TimeSeries,
  stat: Stat,
  gauge: Gauge,
  loadline: LoadLines,
  barlist: BarList,
  table: TablePanel,
  heatmap: HeatMap,
  histogram: Histogram,
  state_timeline: StateTimeline,
  status_grid: StatusGrid,
  pie: Pie,
  text: TextPanel,
  alerts: AlertList,
  insights: InsightList,
  row: TextPanel,
  unsupported: Unsupported,
};
