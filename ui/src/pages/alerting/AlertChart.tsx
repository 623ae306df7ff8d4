// What an alert's expression measured, with the number that it is compared with.
import { useMemo, useRef, useState } from "preact/hooks";
import { resample } from "../../api/window";
import { Chart } from "../../charts/Chart";
import { colour, dash } from "../../charts/palette";
import type { Line, PlotData } from "../../charts/plot";
import { formatValue, seriesName, sharedLabels } from "../../lib/format";
import { t } from "../../lib/text";
import { formatBack, type TimeRange } from "../../lib/time";
import { useSize, useVisible } from "../../lib/visible";
import { Empty, Failed, Loading } from "../../parts/states";
import { type PanelState, usePanel } from "../../state/panels";
import { url } from "../../state/url";
import { DEFAULT_RANGE } from "../../state/urlstate";
import { type Measured, measureOf } from "./marks";
import { Chips } from "./shell";

/** Grey, 3:1 on both backgrounds, as the limits of panels. */
const LIMIT_COLOUR = "#7f8b93";
const CHOICES = ["1h", "6h", "1d", "7d"] as const;
/** What is shown before an alert began, as a part of how long it has gone on; and the bounds of all of it. */
const LEAD_PART = 0.3;
const SPAN_MIN_MS = 15 * 60_000;
const SPAN_MAX_MS = 7 * 86_400_000;

/** A range that shows how it began and all of it since. */
export function rangeSince(beganMs: number, now: number): TimeRange {
  const age = Math.max(0, now - beganMs);
  const span = Math.min(SPAN_MAX_MS, Math.max(SPAN_MIN_MS, age * (1 + LEAD_PART)));
  return { from: `now-${formatBack(Math.ceil(span / 60_000) * 60_000) ?? "15m"}`, to: "now" };
}

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
}

export function AlertChart({ expr, threshold, labels, began }: Props) {
  const ref = useRef<HTMLDivElement>(null);
  const visible = useVisible(ref);
  const { width } = useSize(ref);
  const [chosen, setChosen] = useState("");
  const [asTable, setAsTable] = useState(false);
  const [again, setAgain] = useState(0);
  const m = measureOf(expr, threshold);
  const since = useMemo(() => rangeSince(began, Date.now()), [began]);
  // A part of the chart that was drawn over is in the address, as on every page.
  const { range, live } = url.value;
  const zoomed = range.from !== DEFAULT_RANGE.from || range.to !== DEFAULT_RANGE.to;
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
        <Chips label={t("al.chart.range")} value={chosen} choices={[{ value: "", label: t("al.chart.since") }, ...CHOICES.map((c) => ({ value: c, label: c }))]} onPick={setChosen} />
      </footer>
    </div>
  );
}
