// What an alert's expression measured, with the number that it is compared with.
import { useMemo, useRef, useState } from "preact/hooks";
import { resample } from "../../api/window";
import { Chart } from "../../charts/Chart";
import { colour, dash } from "../../charts/palette";
import type { Line, PlotData } from "../../charts/plot";
import { formatValue, seriesName, sharedLabels } from "../../lib/format";
import { t } from "../../lib/text";
import { useSize, useVisible } from "../../lib/visible";
import { Empty, Failed, Loading } from "../../parts/states";
import { type PanelState, usePanel } from "../../state/panels";
import { page, url } from "../../state/url";
import { defaultRange } from "../../state/urlstate";
import { type Measured, measureOf } from "./marks";
import { rangeOf, rangeSince } from "./range";
import { Chips } from "./shell";

/** Grey, 3:1 on both backgrounds, as the limits of panels. */
const LIMIT_COLOUR = "#7f8b93";
const CHOICES = ["1h", "6h", "1d", "7d"] as const;
/** The series of the alert, or all of them when none has its labels; and the threshold. */
function linesOf(state: PanelState, m: Measured, labels: Record<string, string>): PlotData {
  const grid = resample([...state.grids.values()]);
  const its = grid.series.filter((s) => Object.entries(s.labels).every(([k, v]) => k === "__name__" || labels[k] === v));
  const shown = its.length > 0 ? its : grid.series;
  const shared = sharedLabels(shown.map((s) => s.labels));
  const lines = shown.map((s, i): Line => ({ name: seriesName(s.labels, shared), colour: colour(i), dash: dash(i), values: s.values, hidden: false }));
  if (grid.n > 0 && lines.length > 0 && Number.isFinite(m.threshold))
    lines.push({ name: t("al.chart.threshold"), colour: LIMIT_COLOUR, dash: [], values: new Float64Array(grid.n).fill(m.threshold), hidden: false, reference: true });
  return { start: grid.start, step: grid.step, n: grid.n, lines };
}

interface Props {
  expr: string;
  threshold?: number | string | null;
  labels: Record<string, string>;
  /** ms */
  began: number;
  /** ms; of one that is over */
  ended?: number;
}

export function AlertChart({ expr, threshold, labels, began, ended }: Props) {
  const ref = useRef<HTMLDivElement>(null);
  const visible = useVisible(ref);
  const { width } = useSize(ref);
  const [chosen, setChosen] = useState("");
  const [asTable, setAsTable] = useState(false);
  const [again, setAgain] = useState(0);
  const m = measureOf(expr, threshold);
  const since = useMemo(() => (ended === undefined ? rangeSince(began, Date.now()) : rangeOf(began, ended)), [began, ended]);
  // A part of the chart that was drawn over is in the address, as on every page.
  const { range, live } = url.value;
  const usual = defaultRange(page.value);
  const zoomed = ended === undefined && (range.from !== usual.from || range.to !== usual.to);
  const shown = chosen ? { from: `now-${chosen}`, to: "now" } : zoomed ? range : since;
  const asks = useMemo(() => [{ id: "alert", expr: m.left }], [m.left]);
  const state = usePanel({ asks, range: shown, live, visible: visible && width > 0, width, again, httpFirst: true });
  const data = useMemo(() => linesOf(state, m, labels), [state, m, labels]);
  const drawn = data.n > 0 && data.lines.length > 0;
  return (
    <div class="alert-chart" ref={ref}>
      <div class="panel-body">
        {state.status === "error" && !drawn ? (
          <Failed message={state.error} onRetry={() => setAgain(again + 1)} />
        ) : drawn ? (
          <Chart title={m.left} data={data} span={state.span} unit={m.unit} asTable={asTable} onTable={() => setAsTable(!asTable)} />
        ) : state.busy ? (
          <Loading />
        ) : (
          <Empty>{t("al.chart.empty")}</Empty>
        )}
      </div>
      <footer class="alert-chart-foot">
        <span class="soft num">{Number.isFinite(m.threshold) ? `${t("al.chart.threshold")} ${m.op} ${formatValue(m.threshold, m.unit)}` : ""}</span>
        {ended === undefined ? <Chips label={t("al.chart.range")} value={chosen} choices={[{ value: "", label: t("al.chart.since") }, ...CHOICES.map((c) => ({ value: c, label: c }))]} onPick={setChosen} /> : null}
      </footer>
    </div>
  );
}
