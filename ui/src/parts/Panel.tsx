// A panel: title, what it aggregates, one chart of one or more queries, and a legend with the last values.
import { useMemo, useRef, useState } from "preact/hooks";
import { type Grid, resample } from "../api/window";
import { Chart, Swatch } from "../charts/Chart";
import { colour, dash } from "../charts/palette";
import { youngSince } from "../charts/young";
import { markLines } from "../charts/marks";
import type { Line, PlotData } from "../charts/plot";
import { formatClock, formatValue, seriesName, sharedLabels, type Unit } from "../lib/format";
import { t } from "../lib/text";
import { liveWindow } from "../lib/time";
import { useSize, useVisible } from "../lib/visible";
import { startedWithin } from "../state/overview";
import { type Ask, fine, usePanel } from "../state/panels";
import { type Past, usePast } from "../state/past";
import { follow, hrefOf, url, zone } from "../state/url";
import { Icon } from "./Icon";
import { Failed, Loading } from "./states";
import { WhyEmpty } from "./WhyEmpty";

export interface PanelSpec {
  id: string;
  title: string;
  note: string;
  unit: Unit;
  asks: (Ask & { name?: string; reference?: boolean })[];
  stacked?: boolean;
  area?: boolean;
  /** label values in the order in which they are stacked and coloured; others follow */
  order?: string[];
}

/** Limits are not amounts: grey, 3:1 on both backgrounds. */
const REFERENCE_COLOUR = "#7f8b93";

type PanelData = ReturnType<typeof usePanel>;

/** Marks the keys of series of the earlier time. */
const BEFORE = "~";

const gridsOf = (spec: PanelSpec, state: PanelData, mark: string, shift: number): Grid[] =>
  spec.asks.flatMap((a) => {
    const g = state.grids.get(a.id);
    if (!g || (mark && a.reference)) return [];
    return [{ ...g, start: g.start + shift, series: g.series.map((s) => ({ ...s, key: `${mark}${a.id}/${s.key}` })) }];
  });

/** The same series earlier, thin and dashed in their colours; of a stack only the sum. */
function beforeLines(spec: PanelSpec, lines: Line[], keys: string[], earlier: Grid["series"], n: number): Line[] {
  if (earlier.length === 0) return [];
  if (spec.stacked) {
    const sum = new Float64Array(n).fill(Number.NaN);
    for (const s of earlier) for (let i = 0; i < n; i++) if (Number.isFinite(s.values[i])) sum[i] = (Number.isFinite(sum[i]) ? (sum[i] as number) : 0) + (s.values[i] as number);
    return [{ name: t("panel.before.total"), colour: REFERENCE_COLOUR, dash: [], values: sum, hidden: false, reference: true }];
  }
  return earlier.flatMap((s): Line[] => {
    const now = lines[keys.indexOf(s.key.slice(BEFORE.length))];
    return now ? [{ name: t("panel.before", { name: now.name }), colour: now.colour, dash: [], values: s.values, hidden: false, reference: true }] : [];
  });
}

/** The lines of all asks on one grid; a named ask names its single series. */
function linesOf(spec: PanelSpec, state: PanelData, past: Past | null): PlotData {
  const marked = gridsOf(spec, state, "", 0);
  // What was before is drawn on the times of now, and never stretches the picture.
  const then = past && marked.length > 0 ? gridsOf(spec, past.state, BEFORE, past.back) : [];
  const all = resample([...marked, ...then]);
  const earlier = all.series.filter((s) => s.key.startsWith(BEFORE));
  const grid = { ...all, series: all.series.filter((s) => !s.key.startsWith(BEFORE)) };
  const shared = sharedLabels(grid.series.map((s) => s.labels));
  const place = (s: (typeof grid.series)[number]) => {
    const at = (spec.order ?? []).findIndex((v) => Object.values(s.labels).includes(v));
    return at < 0 ? (spec.order ?? []).length : at;
  };
  const sorted = spec.order ? [...grid.series].sort((a, b) => place(a) - place(b) || a.key.localeCompare(b.key)) : grid.series;
  const lines = sorted.map((s, i): Line => {
    const a = spec.asks.find((x) => s.key.startsWith(`${x.id}/`));
    return {
      name: a?.name ?? seriesName(s.labels, shared),
      colour: a?.reference ? REFERENCE_COLOUR : colour(i),
      dash: dash(i),
      values: s.values,
      hidden: false,
      ...(a?.reference ? { reference: true } : {}),
    };
  });
  if (lines.length > 0 && !spec.stacked) lines.push(...markLines(grid.marks, grid.n));
  if (lines.length > 0) lines.push(...beforeLines(spec, lines, sorted.map((s) => s.key), earlier, grid.n));
  return { start: grid.start, step: grid.step, n: grid.n, lines };
}

/** A rate needs two samples, so that its panel is empty for the first seconds of a server's life. */
const FIRST_SECONDS_MS = 30_000;

/** Ranges this short show every sample. */
const FINE_MS = 30 * 60_000;

export function Panel({ spec }: { spec: PanelSpec }) {
  const ref = useRef<HTMLElement>(null);
  const visible = useVisible(ref);
  const { width } = useSize(ref);
  const [asTable, setAsTable] = useState(false);
  const [again, setAgain] = useState(0);
  const { range, live } = url.value;
  const window = liveWindow(range);
  const asks = useMemo(() => (window !== null && window <= FINE_MS ? spec.asks.map(fine) : spec.asks), [spec, window]);
  const state = usePanel({ asks, range, live, visible: visible && width > 0, width, again });
  const past = usePast(asks, range, visible && width > 0, width);
  const data = useMemo(() => linesOf(spec, state, past), [spec, state, past]);
  const truncated = [...state.grids.values()].reduce((n, g) => n + g.truncated, 0);
  const toggle = () => setAsTable(!asTable);
  const young = live ? youngSince(data, state.span) : null;
  const span = young ? { from: young.from, to: state.span.to } : state.span;
  const drawn = data.n > 0 && data.lines.length > 0;
  return (
    <section class="panel" ref={ref} aria-label={spec.title} data-expr={spec.asks[0]?.expr}>
      <header class="panel-head">
        <h2>{spec.title}</h2>
        <span class="soft panel-note">{young ? `${spec.note}, ${t("panel.since", { at: formatClock(young.first, zone.value, true) })}` : spec.note}</span>
        <span class="panel-tools">
          <button type="button" class="button button-icon" aria-label={t(asTable ? "panel.chart" : "panel.table", { title: spec.title })} onClick={toggle} disabled={!drawn}>
            <Icon name={asTable ? "chart" : "table"} size={16} />
          </button>
          <a class="button button-icon" aria-label={t("panel.alert", { title: spec.title })} href={hrefOf("files", { open: "+", q: spec.asks[0]?.expr ?? "" })} onClick={follow}>
            <Icon name="alerts" size={16} />
          </a>
          <a class="button button-icon" aria-label={t("panel.explore", { title: spec.title })} href={hrefOf("explore", { expr: spec.asks[0]?.expr ?? "", view: spec.stacked ? "stacked" : "lines" })} onClick={follow}>
            <Icon name="explore" size={16} />
          </a>
        </span>
      </header>
      <div class="panel-body">
        {state.status === "error" && !drawn ? (
          <Failed title={t("panel.failed")} message={state.error} onRetry={() => setAgain(again + 1)} />
        ) : drawn ? (
          <Chart title={spec.title} data={data} span={span} unit={spec.unit} stacked={spec.stacked ?? false} area={spec.area ?? false} asTable={asTable} onTable={toggle} explain={spec.asks[0]?.expr} />
        ) : state.status === "loading" ? (
          <Loading />
        ) : (
          <WhyEmpty expr={spec.asks[0]?.expr ?? ""} otherwise={t(startedWithin(FIRST_SECONDS_MS) && /\brate\(/.test(spec.asks[0]?.expr ?? "") ? "panel.soon" : "panel.empty")} />
        )}
      </div>
      <footer class="panel-legend">
        {drawn ? data.lines.map((l) => <Chip key={l.name} line={l} unit={spec.unit} />) : null}
        {truncated > 0 ? <span class="soft">{t("panel.truncated", { n: truncated })}</span> : null}
      </footer>
    </section>
  );
}

function lastOf(values: ArrayLike<number>): number {
  for (let i = values.length - 1; i >= 0; i--) if (Number.isFinite(values[i])) return values[i] as number;
  return Number.NaN;
}

const Chip = ({ line, unit }: { line: Line; unit: Unit }) => (
  <span class="chip">
    <Swatch colour={line.colour} />
    {line.name} <span class="num strong">{formatValue(lastOf(line.values), unit)}</span>
  </span>
);
