// Explore: ask in PromQL, see the answer as a chart or a table, find metrics. All of it stands in the address.
import "../css/explain.css";
import "../css/explore.css";
import "../lib/textExplore";
import type { ComponentType } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Chart } from "../charts/Chart";
import { withBands } from "../charts/band";
import { withCourses } from "../charts/cone";
import type { PlotData } from "../charts/plot";
import { formatCount, formatDuration, formatValue } from "../lib/format";
import { t, type TextKey } from "../lib/text";
import { resolveRange } from "../lib/time";
import { useSize, useVisible } from "../lib/visible";
import { Icon } from "../parts/Icon";
import { Empty, Failed, Loading } from "../parts/states";
import { metricNames, WhyEmpty } from "../parts/WhyEmpty";
import { stale } from "../state/connection";
import { type Ask, type PanelState, usePanel } from "../state/panels";
import { follow, hrefOf, patch, url } from "../state/url";
import { EXPLORE_TABS, EXPLORE_VIEWS, LETTERS } from "../state/urlstate";
import { panelOf, titleOf } from "./explore/board";
import { bandNote, bandsOf, useBands } from "./explore/usual";
import { aheadNote, COURSES_MAX, coursesOf, useAhead } from "./explore/ahead";
import { Explain, useExplain } from "./explore/Explain";
import { csvOf, save } from "./explore/csv";
import { keepAsked } from "./explore/earlier";
import { Legend } from "./explore/Legend";
import { wantLargest } from "./explore/many";
import { MetricBrowser } from "./explore/MetricBrowser";
import { Notes } from "./explore/Notes";
import { type Note, noteOf } from "./explore/position";
import { QueryRows, type Queries, useQueries } from "./explore/QueryRows";
import { ResultTable, useInstant } from "./explore/ResultTable";
import { drawnOf, type Row, selectorOf, shownOf, stepOf } from "./explore/rows";

const EXAMPLES: [TextKey, string][] = [
  ["ex.cpu", 'avg by (mode) (rate(node_cpu_seconds_total{mode!="idle"}[1m]))'],
  ["ex.memory", "node_memory_MemTotal_bytes - node_memory_MemAvailable_bytes"],
  ["ex.fs", "1 - node_filesystem_avail_bytes / node_filesystem_size_bytes"],
  ["ex.net", "rate(node_network_receive_bytes_total[1m])"],
  ["ex.load", "node_load1"],
];

/** Pieces that arrive when they are first wanted. */
const pieces = () => import("./explore/Pieces");
const heat = () => Promise.all([pieces(), import("./Dashboards")]).then(([{ heatOf }, board]) => heatOf(board));
const earlierDialog = () => pieces().then((m) => m.EarlierDialog);
const boardDialog = () => pieces().then((m) => m.BoardDialog);

function Later<P extends object>({ load, of, quiet }: { load: () => Promise<ComponentType<P>>; of: P; quiet?: boolean }) {
  const [it, setIt] = useState<{ of: ComponentType<P> } | null>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => void load().then((c) => setIt({ of: c }), () => setFailed(true)), []);
  if (failed) return <Failed message={t("error.unreachable")} onRetry={() => location.reload()} />;
  return it ? <it.of {...of} /> : quiet ? null : <Loading />;
}

const PERIOD_MIN_MS = 60_000;
const PERIOD_MAX_MS = 7 * 86_400_000;
/** The selector of a query, over what is shown and the time before it; periods that the comparison does not take are left out. */
function compareHref(expr: string, range: typeof url.value.range): string {
  const span = resolveRange(range, Math.floor(Date.now() / 60_000) * 60_000);
  const long = span ? span.to - span.from : 0;
  const periods: Record<string, string> = span && long >= PERIOD_MIN_MS && long <= PERIOD_MAX_MS ? { a: `${span.from - long}~${span.from}`, b: `${span.from}~${span.to}` } : {};
  return hrefOf("compare", { params: { ...periods, match: selectorOf(expr, metricNames(expr)[0]) } });
}

export function Explore() {
  const ref = useRef<HTMLDivElement>(null);
  const visible = useVisible(ref);
  const { width } = useSize(ref);
  const [again, setAgain] = useState(0);
  const [asTable, setAsTable] = useState(false);
  const [dialog, setDialog] = useState<"earlier" | "board" | null>(null);
  const { tab, range, live, view, forecast, band, solo, hide } = url.value;
  const chart = tab === "chart";
  const queries = useQueries(
    () => setAgain((n) => n + 1),
    () => setDialog("earlier"),
  );
  const { rows } = queries;
  const key = JSON.stringify(rows);
  const shown = useMemo(() => shownOf(rows), [key]);
  const wide = Math.ceil(width / 200) * 200;
  const asks = useMemo(() => {
    const now = Date.now();
    const step_ms = stepOf(view, resolveRange(range, now) ?? { from: now - 900_000, to: now }, wide);
    return shown.map(({ id, expr }): Ask => ({ id, expr, ...(step_ms ? { step_ms } : {}) }));
  }, [shown, view, range.from, range.to, wide]);
  const expr = shown[0]?.expr ?? "";
  const written = rows.filter((r) => r.expr);
  const state = usePanel({ asks, range, live, visible: visible && chart && width > 0, width, again, httpFirst: true });
  const instant = useInstant(shown, tab === "table", again);
  const explained = useExplain(expr, tab === "explain", again, width);
  const { data: seen, unit, keys, left } = useMemo(() => drawnOf(shown, state.grids, { view, solo, hide }), [state, shown, view, solo, hide]);
  const plain = chart && view === "lines" && seen.n > 0;
  const ahead = useAhead(expr, plain && forecast, state.span, live, again);
  const usual = useBands(expr, plain && band, state.span, live, again);
  const under = useMemo(() => withBands(seen, bandsOf(usual.answer, keys)), [seen, usual.answer]);
  const data = useMemo(() => withCourses(under, coursesOf(ahead.answer, keys).slice(0, COURSES_MAX)), [under, ahead.answer]);
  const span = { from: state.span.from, to: Math.max(state.span.to, data.n > seen.n ? data.start + (data.n - 1) * data.step : 0) };
  useEffect(() => void wantLargest(), []);
  useEffect(() => {
    const asked = rows.flatMap((r) => r.expr || []);
    if (asked.length > 0) keepAsked(asked);
  }, [JSON.stringify(rows.map((r) => r.expr))]);

  const first = shown[0]?.id;
  const errorIn: Record<typeof tab, (row: Row) => string> = {
    chart: (r) => (state.status === "error" ? (state.frames.get(r.id)?.error?.message ?? (r.id === first && ![...state.frames.values()].some((f) => f.error) ? state.error || t("error.cut") : "")) : ""),
    table: (r) => instant.frames.get(r.id)?.error?.message ?? (r.id === first ? instant.error : ""),
    explain: (r) => (r.id === first ? explained.error : ""),
  };
  const errorOf = (r: Row) => (r.expr && !r.off ? errorIn[tab](r) : "");
  const busy = { chart: state.busy, table: instant.busy, explain: explained.busy }[tab];
  const told = shown.map((r) => {
    if (errorOf(r)) return [];
    if (tab === "explain") return r.id === first && explained.plan ? [...explained.plan.warnings, ...explained.plan.infos] : [];
    return (chart ? state.grids.get(r.id)?.warnings : instant.frames.get(r.id)?.warnings) ?? [];
  });
  const said = JSON.stringify(told);
  const notes = useMemo(() => (JSON.parse(said) as string[][]).map((all) => all.filter((x) => view !== "heat" || !x.startsWith("native histograms")).map(noteOf)), [said, view]);
  const notesOf = (row: Row) => notes[shown.indexOf(shown.find((r) => r.id === row.id) as Row)] ?? NO_NOTES;
  const failed = shown.length > 0 && shown.every(errorOf);
  const take = (text: string) => queries.run(LETTERS.indexOf(first ?? "A"), text, true);
  return (
    <div class={`explore ${stale.value ? "is-stale" : ""}`}>
      <h1 class="sr-only">{t("nav.explore")}</h1>
      <div class="explore-main" ref={ref}>
        <QueryRows of={queries} outcomes={{ busy, errorOf, notesOf }} />
        <Actions queries={queries} expr={expr} onDialog={setDialog} />
        {rows.every((r) => !r.expr) ? (
          <Start onPick={queries.pick} />
        ) : failed ? null : (
          <section class="panel explore-result" aria-label={t("explore.view")}>
            <Tabs state={state} data={seen} shown={shown} />
            {shown.map((r) => (
              <Notes key={r.id} expr={r.expr} of={rows.length > 1 ? r.id : ""} notes={notesOf(r)} />
            ))}
            <div id="explore-view" role="tabpanel" aria-label={t(`explore.${tab}`)}>
              {shown.length === 0 ? (
                <Empty>{t("ex.all.off")}</Empty>
              ) : chart && view === "heat" ? (
                <Later load={heat} of={{ rows: shown, state, step: asks[0]?.step_ms ?? 5_000, live, onTable: () => patch({ tab: "table" }), onTake: take }} />
              ) : chart ? (
                <ChartView state={state} data={data} expr={expr} onTake={take}>
                  <Chart title={shown.map((r) => r.expr).join(", ")} data={data} span={span} unit={unit} stacked={view === "stacked"} asTable={asTable} onTable={() => setAsTable(!asTable)} explain={expr} />
                </ChartView>
              ) : tab === "table" ? (
                <ResultTable instant={instant} rows={shown} onTake={take} />
              ) : (
                <Explain of={explained} />
              )}
            </div>
            {chart && view !== "heat" && left.length > 0 ? (
              <p class="soft explore-ahead" role="status">
                {t("ex.left", { n: left.length, ids: left.join(", ") })}
              </p>
            ) : null}
            {plain && forecast ? (
              <p class="soft explore-ahead" role="status">
                {aheadNote(ahead)}
              </p>
            ) : null}
            {plain && band ? (
              <p class="soft explore-ahead" role="status">
                {bandNote(usual)}
              </p>
            ) : null}
            {chart && view !== "heat" && shown.length > 0 && seen.lines.length > 0 ? <Legend lines={seen.lines} unit={unit} /> : null}
          </section>
        )}
      </div>
      <MetricBrowser onPick={queries.pick} />
      {dialog === "earlier" ? <Later quiet load={earlierDialog} of={{ onPick: (all: string[]) => patch({ expr: all[0] ?? "", more: all.slice(1, LETTERS.length), off: "", solo: "", hide: [] }), onClose: () => setDialog(null) }} /> : null}
      {dialog === "board" ? <Later quiet load={boardDialog} of={{ title: titleOf(written), panelOf: (title: string) => panelOf(written, title, url.value), onClose: () => setDialog(null) }} /> : null}
    </div>
  );
}

const NO_NOTES: Note[] = [];

/** What can be done with the queries. */
function Actions({ queries, expr, onDialog }: { queries: Queries; expr: string; onDialog: (d: "earlier" | "board") => void }) {
  const full = queries.rows.length >= LETTERS.length;
  return (
    <div class="explore-actions">
      <button type="button" class="button" disabled={full} title={full ? t("ex.add.most", { n: LETTERS.length }) : "n"} onClick={queries.add}>
        <Icon name="plus" size={15} />
        {t("ex.add")}
      </button>
      <button type="button" class="button" title="h" onClick={() => onDialog("earlier")}>
        <Icon name="clock" size={15} />
        {t("ex.history")}
      </button>
      <span class="grow" />
      {expr ? (
        <>
          <a class="button" href={hrefOf("files", { open: "+", q: expr })} onClick={follow}>
            <Icon name="alerts" size={15} />
            {t("explore.alert")}
          </a>
          <button type="button" class="button" onClick={() => onDialog("board")}>
            <Icon name="dashboards" size={15} />
            {t("ex.board")}
          </button>
          <a class="button" title={t("ex.compare.text")} href={compareHref(expr, url.value.range)} onClick={follow}>
            <Icon name="before" size={15} />
            {t("ex.compare")}
          </a>
        </>
      ) : null}
    </div>
  );
}

interface ViewProps {
  state: PanelState;
  data: PlotData;
  expr: string;
  onTake: (expr: string) => void;
  children: preact.ComponentChildren;
}

function ChartView({ state, data, expr, onTake, children }: ViewProps) {
  if (state.grids.size === 0) return <Loading />;
  if (data.lines.length === 0 || data.n === 0) return state.busy ? <Loading /> : <WhyEmpty expr={expr} otherwise={t("explore.empty")} onTake={onTake} />;
  return <div class={`panel-body explore-chart ${state.busy ? "is-busy" : ""}`}>{data.lines.every((l) => l.hidden) ? <Empty>{t("explore.noseries")}</Empty> : children}</div>;
}

function Tabs({ state, data, shown }: { state: PanelState; data: PlotData; shown: Row[] }) {
  const { tab, view, forecast, band } = url.value;
  const answers = shown.flatMap((r) => {
    const [f, g] = [state.frames.get(r.id), state.grids.get(r.id)];
    return f && g && !f.error ? [{ f, g }] : [];
  });
  const sum = (of: (a: (typeof answers)[number]) => number) => answers.reduce((n, a) => n + of(a), 0);
  const truncated = sum(({ g }) => g.truncated);
  const onKeyDown = (e: KeyboardEvent) => {
    if (e.key !== "ArrowLeft" && e.key !== "ArrowRight") return;
    e.preventDefault();
    e.stopPropagation();
    const by = e.key === "ArrowRight" ? 1 : EXPLORE_TABS.length - 1;
    const next = EXPLORE_TABS[(EXPLORE_TABS.indexOf(tab) + by) % EXPLORE_TABS.length] ?? "chart";
    patch({ tab: next });
    document.getElementById(`tab-${next}`)?.focus();
  };
  return (
    <header class="panel-head tabs">
      <div role="tablist" aria-label={t("explore.view")} onKeyDown={onKeyDown}>
        {EXPLORE_TABS.map((x) => (
          <button type="button" key={x} id={`tab-${x}`} class="button" role="tab" aria-selected={tab === x} aria-controls="explore-view" tabIndex={tab === x ? 0 : -1} onClick={() => patch({ tab: x })}>
            <Icon name={x} size={15} />
            {t(`explore.${x}`)}
          </button>
        ))}
      </div>
      {tab === "chart" ? (
        <>
          <select class="input" aria-label={t("ex.view")} value={view} onChange={(e) => patch({ view: EXPLORE_VIEWS.find((x) => x === e.currentTarget.value) ?? "lines" }, "replace")}>
            {EXPLORE_VIEWS.map((x) => (
              <option key={x} value={x}>
                {t(`ex.view.${x}`)}
              </option>
            ))}
          </select>
          {view === "lines" ? (
            <>
              <label class="check">
                <input type="checkbox" checked={forecast} onChange={(e) => patch({ forecast: e.currentTarget.checked }, "replace")} />
                {t("explore.forecast")}
              </label>
              <label class="check">
                <input type="checkbox" checked={band} onChange={(e) => patch({ band: e.currentTarget.checked }, "replace")} />
                {t("explore.band")}
              </label>
            </>
          ) : null}
        </>
      ) : null}
      {tab === "explain" && shown[1] ? <span class="soft">{t("ex.of", { id: shown[0]?.id ?? "" })}</span> : null}
      {tab === "chart" ? (
        <button type="button" class="button button-icon" disabled={data.n === 0} aria-label={t("explore.csv")} title={t("explore.csv")} onClick={() => save("plimsoll.csv", csvOf(data))}>
          <Icon name="download" size={15} />
        </button>
      ) : null}
      {tab === "chart" && answers[0] ? (
        <span class="soft num explore-cost">
          {t("explore.cost", { series: sum(({ g }) => g.series.length), samples: formatCount(sum(({ f }) => f.cost.samples)), ms: formatValue(sum(({ f }) => f.cost.ms), "short") })} · {t("explore.step", { d: formatDuration(answers[0].g.step) })}
          {truncated > 0 ? ` · ${t("panel.truncated", { n: truncated })}` : ""}
        </span>
      ) : null}
    </header>
  );
}

const Start = ({ onPick }: { onPick: (expr: string) => void }) => (
  <section class="panel start">
    <h2>{t("explore.start")}</h2>
    <p class="soft">{t("explore.start.text")}</p>
    <h3>{t("explore.examples")}</h3>
    <ul>
      {EXAMPLES.map(([key, expr]) => (
        <li key={key}>
          <button type="button" class="example" onClick={() => onPick(expr)}>
            <span>{t(key)}</span>
            <code class="mono">{expr}</code>
          </button>
        </li>
      ))}
    </ul>
  </section>
);
