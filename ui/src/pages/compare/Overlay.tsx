// One series in both periods, laid over each other: A in grey, moved to where B is.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Grid, gridOf } from "../../api/window";
import { Chart } from "../../charts/Chart";
import { colour } from "../../charts/palette";
import type { Line, PlotData } from "../../charts/plot";
import type { Unit } from "../../lib/format";
import { t } from "../../lib/text";
import { type Span, stepFor } from "../../lib/time";
import { useSize, useVisible } from "../../lib/visible";
import { Empty, Failed, Loading } from "../../parts/states";
import { askOnce } from "../../state/panels";
import type { Pair } from "./periods";

/** 3:1 on both backgrounds. */
const BEFORE = "#7f8b93";
/** Series of one query that are drawn. */
const SERIES = 3;

interface Props {
  query: string;
  pair: Pair;
  title: string;
  unit: Unit;
  small?: boolean;
}

export function dataOf(a: Grid, b: Grid, pair: Pair): PlotData {
  const step = Math.max(1, b.n > 0 ? b.step : a.step);
  const n = Math.max(1, Math.floor(Math.max(pair.a.to - pair.a.from, pair.b.to - pair.b.from) / step) + 1);
  const place = (g: Grid, span: Span, values: Float64Array): Float64Array => {
    const out = new Float64Array(n).fill(Number.NaN);
    for (let i = 0; i < g.n; i++) {
      const at = Math.round((g.start + i * g.step - span.from) / step);
      if (at >= 0 && at < n) out[at] = values[i] ?? Number.NaN;
    }
    return out;
  };
  const lines = (g: Grid, span: Span, name: "cmp.a" | "cmp.b", of: string, dash: number[]): Line[] =>
    g.series.slice(0, SERIES).map((s, i) => ({ name: g.series.length > 1 ? `${t(name)} ${i + 1}` : t(name), colour: name === "cmp.a" ? of : colour(i), dash, values: place(g, span, s.values), hidden: false }));
  return { start: pair.b.from, step, n, lines: [...lines(a, pair.a, "cmp.a", BEFORE, [5, 3]), ...lines(b, pair.b, "cmp.b", "", [])] };
}

export function Overlay({ query, pair, title, unit, small }: Props) {
  const ref = useRef<HTMLDivElement>(null);
  const visible = useVisible(ref);
  const { width } = useSize(ref);
  const [asTable, setAsTable] = useState(false);
  const [state, setState] = useState<{ a: Grid; b: Grid } | null>(null);
  const [error, setError] = useState("");
  const [again, setAgain] = useState(0);
  const wide = Math.max(200, Math.ceil(width / 200) * 200);
  const step_ms = stepFor(Math.max(pair.a.to - pair.a.from, pair.b.to - pair.b.from), wide);
  const seen = visible && width > 0;
  const key = `${query} ${pair.a.from} ${pair.a.to} ${pair.b.from} ${pair.b.to} ${step_ms} ${again}`;
  useEffect(() => {
    if (!seen) return;
    const abort = new AbortController();
    const ask = (span: Span) => askOnce({ expr: query, kind: "range", max_series: SERIES, step_ms }, span, wide, abort.signal);
    Promise.all([ask(pair.a), ask(pair.b)]).then(
      ([a, b]) => {
        if (abort.signal.aborted) return;
        const failed = a.error ?? b.error;
        setError(failed?.message ?? "");
        if (!failed) setState({ a: gridOf(a), b: gridOf(b) });
      },
      (e: Error) => abort.signal.aborted || setError(e.message || t("error.cut")),
    );
    return () => abort.abort();
  }, [key, seen]);
  const data = useMemo(() => (state ? dataOf(state.a, state.b, pair) : null), [state]);
  return (
    <div class={`query-chart ${small ? "query-chart-small" : ""}`} ref={ref}>
      {error ? (
        <Failed message={error} onRetry={() => setAgain(again + 1)} />
      ) : !data ? (
        <Loading />
      ) : data.lines.length === 0 ? (
        <Empty>{t("cmp.chart.empty")}</Empty>
      ) : (
        <Chart title={title} data={data} span={{ from: data.start, to: data.start + (data.n - 1) * data.step }} unit={unit} asTable={asTable} onTable={() => setAsTable(!asTable)} explain={small ? undefined : query} />
      )}
    </div>
  );
}
