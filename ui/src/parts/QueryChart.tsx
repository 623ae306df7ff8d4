// A chart of a few queries over a span of its own, for findings: with a shaded span, limits, and a forecast or a band that
// the page brings along. It asks when it is seen.
import "../css/querychart.css";
import type { ComponentChildren } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import { resample } from "../api/window";
import { Chart } from "../charts/Chart";
import { colour, dash } from "../charts/palette";
import { youngSince } from "../charts/young";
import type { Line, PlotData } from "../charts/plot";
import { guessUnit, seriesName, sharedLabels, type Unit } from "../lib/format";
import { t } from "../lib/text";
import type { Span, TimeRange } from "../lib/time";
import { useSize, useVisible } from "../lib/visible";
import { type Ask, type PanelState, usePanel } from "../state/panels";
import { Failed, Loading } from "./states";
import { WhyEmpty } from "./WhyEmpty";

/** Limits are not amounts: grey, 3:1 on both backgrounds. */
const LIMIT_COLOUR = "#7f8b93";

export interface Limit {
  name: string;
  value: number;
  colour?: string;
}

interface Props {
  title: string;
  asks: (Ask & { name?: string; reference?: boolean })[];
  range: TimeRange;
  live?: boolean;
  unit?: Unit | undefined;
  shades?: Span[];
  limits?: Limit[];
  /** more lines, made of what was answered */
  more?: (data: PlotData) => PlotData;
  area?: boolean;
  small?: boolean;
  /** where windows are not to be explained: in the explanation itself */
  noWhy?: boolean;
  children?: ComponentChildren;
}

function linesOf(p: Props, state: PanelState): PlotData {
  const grid = resample(p.asks.flatMap((a) => {
    const g = state.grids.get(a.id);
    return g ? [{ ...g, series: g.series.map((s) => ({ ...s, key: `${a.id}/${s.key}` })) }] : [];
  }));
  const shared = sharedLabels(grid.series.map((s) => s.labels));
  const lines = grid.series.map((s, i): Line => {
    const a = p.asks.find((x) => s.key.startsWith(`${x.id}/`));
    const reference = a?.reference ? { reference: true, colour: LIMIT_COLOUR } : {};
    return { name: a?.name ?? seriesName(s.labels, shared), colour: colour(i), dash: dash(i), values: s.values, hidden: false, ...reference };
  });
  if (lines.length > 0)
    for (const l of p.limits ?? []) lines.push({ name: l.name, colour: l.colour ?? LIMIT_COLOUR, dash: [], values: new Float64Array(grid.n).fill(l.value), hidden: false, reference: true });
  const data: PlotData = { start: grid.start, step: grid.step, n: grid.n, lines, ...(p.shades ? { shades: p.shades } : {}) };
  return p.more ? p.more(data) : data;
}

export function QueryChart(p: Props) {
  const ref = useRef<HTMLDivElement>(null);
  const visible = useVisible(ref);
  const { width } = useSize(ref);
  const [asTable, setAsTable] = useState(false);
  const [again, setAgain] = useState(0);
  const key = JSON.stringify(p.asks);
  const asks = useMemo(() => p.asks, [key]);
  const state = usePanel({ asks, range: p.range, live: p.live ?? false, visible: visible && width > 0, width, again, httpFirst: true });
  const data = useMemo(() => linesOf(p, state), [state, key, JSON.stringify([p.shades, p.limits]), p.more]);
  const drawn = data.n > 0 && data.lines.length > 0;
  const first = p.asks[0]?.expr ?? "";
  const unit = p.unit ?? guessUnit(first, state.grids.get(p.asks[0]?.id ?? "")?.series[0]?.unit);
  const end = data.n > 0 ? data.start + (data.n - 1) * data.step : 0;
  // What is young is shown alone, as in panels: it would be a sliver otherwise.
  const young = drawn ? youngSince(data, state.span) : null;
  const span = { from: young ? Math.min(young.from, ...(p.shades ?? []).map((s) => s.from)) : state.span.from, to: Math.max(state.span.to, end) };
  // A span that covers all that is seen says nothing.
  const shown = useMemo(() => (data.shades ? { ...data, shades: data.shades.filter((s) => s.from > span.from || s.to < data.start + (data.n - 1) * data.step) } : data), [data, span.from]);
  return (
    <div class={`query-chart ${p.small ? "query-chart-small" : ""} ${state.busy && drawn ? "is-busy" : ""}`} ref={ref}>
      {state.status === "error" && !drawn ? (
        <Failed title={t("panel.failed")} message={state.error} onRetry={() => setAgain(again + 1)} />
      ) : drawn ? (
        <Chart title={p.title} data={shown} span={span} unit={unit} area={p.area ?? false} asTable={asTable} onTable={() => setAsTable(!asTable)} explain={p.noWhy ? undefined : first} />
      ) : state.busy ? (
        <Loading />
      ) : (
        <WhyEmpty expr={first} otherwise={t("panel.empty")} />
      )}
      {p.children}
    </div>
  );
}
