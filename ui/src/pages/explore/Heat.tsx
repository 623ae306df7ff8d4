// The chart of Explore as a heat map: the one of dashboards, out of their chunk. Native histograms are asked for besides.
import { useEffect, useMemo, useState } from "preact/hooks";
import type { Panel } from "../../api/dashboards";
import type { Grid } from "../../api/window";
import { t } from "../../lib/text";
import { Loading } from "../../parts/states";
import { WhyEmpty } from "../../parts/WhyEmpty";
import { clock } from "../../state/connection";
import type { PanelState } from "../../state/panels";
import { fetchNative } from "./native";
import type { Row } from "./rows";

const PANEL: Panel = { id: 1, kind: "heatmap", title: "", at: { x: 0, y: 0, w: 24, h: 8 } };
const REFRESH_MS = 15_000;

type Board = Pick<typeof import("../Dashboards"), "HeatMap" | "itemsOf">;

interface Props {
  rows: Row[];
  state: PanelState;
  step: number;
  live: boolean;
  onTable: () => void;
  onTake: (expr: string) => void;
}

/** The first query that gives native histograms only. */
const nativeOf = (rows: Row[], state: PanelState) => rows.find((r) => state.grids.get(r.id)?.warnings.some((w) => w.startsWith("native histograms")) && !state.grids.get(r.id)?.series.length)?.expr ?? "";

function useNative({ rows, state, step, live }: Props): { grid: Grid | null; error: string; wanted: boolean } {
  const [answer, setAnswer] = useState<{ grid: Grid | null; error: string }>({ grid: null, error: "" });
  const expr = nativeOf(rows, state);
  const tick = live && expr ? Math.floor(clock.value / REFRESH_MS) : state.span.to;
  useEffect(() => {
    if (!expr) return;
    const abort = new AbortController();
    fetchNative(expr, state.span, step, abort.signal).then(
      (grid) => setAnswer({ grid, error: "" }),
      (e: Error) => abort.signal.aborted || setAnswer({ grid: null, error: e.message }),
    );
    return () => abort.abort();
  }, [expr, tick, step]);
  return { ...answer, wanted: expr !== "" };
}

/** The component, with what draws it. */
export const heatOf = (board: Board) =>
  function Heat(p: Props) {
    const { rows, state } = p;
    const native = useNative(p);
    const grids = native.wanted && native.grid ? new Map([["A", native.grid]]) : state.grids;
    const all = useMemo(() => board.itemsOf(PANEL, native.wanted ? [{ ref: "A", expr: rows[0]?.expr ?? "" }] : rows.map((r) => ({ ref: r.id, expr: r.expr })), grids), [rows, state.grids, native.grid, native.wanted]);
    const first = rows[0]?.expr ?? "";
    if (native.error) return <p class="field-error">{native.error}</p>;
    if (all.items.length === 0) return state.busy || (native.wanted && !native.grid) ? <Loading /> : <WhyEmpty expr={first} otherwise={t("explore.empty")} onTake={p.onTake} />;
    return (
      <>
        <div class={`panel-body explore-chart explore-heat ${state.busy ? "is-busy" : ""}`}>
          <board.HeatMap panel={PANEL} all={all} span={native.wanted ? { from: all.start - all.step / 2, to: all.start + (all.n - 0.5) * all.step } : state.span} title={first} onTable={p.onTable} />
        </div>
        {native.wanted ? <p class="soft explore-ahead">{t("ex.native")}</p> : null}
      </>
    );
  };
