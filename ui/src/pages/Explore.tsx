// Explore: ask in PromQL, see the answer as a chart or a table, find metrics. All of it stands in the address.
import "../css/explain.css";
import { useMemo, useRef, useState } from "preact/hooks";
import { labelKey } from "../api/window";
import { Chart } from "../charts/Chart";
import { withBands } from "../charts/band";
import { withCourses } from "../charts/cone";
import { markLines } from "../charts/marks";
import { colour, dash } from "../charts/palette";
import type { Line, PlotData } from "../charts/plot";
import { formatCount, formatDuration, formatValue, guessUnit, seriesName, sharedLabels } from "../lib/format";
import { t, type TextKey } from "../lib/text";
import { useSize, useVisible } from "../lib/visible";
import { Icon } from "../parts/Icon";
import { Empty, Loading } from "../parts/states";
import { WhyEmpty } from "../parts/WhyEmpty";
import { stale } from "../state/connection";
import { type PanelState, usePanel } from "../state/panels";
import { follow, hrefOf, patch, url } from "../state/url";
import { EXPLORE_TABS } from "../state/urlstate";
import { bandNote, bandsOf, useBands } from "./explore/usual";
import { aheadNote, COURSES_MAX, coursesOf, useAhead } from "./explore/ahead";
import { Explain, useExplain } from "./explore/Explain";
import { csvOf, save } from "./explore/csv";
import { Legend } from "./explore/Legend";
import { MetricBrowser } from "./explore/MetricBrowser";
import { Notes } from "./explore/Notes";
import { noteOf } from "./explore/position";
import { QueryBox } from "./explore/QueryBox";
import { ResultTable, useInstant } from "./explore/ResultTable";

const EXAMPLES: [TextKey, string][] = [
  ["ex.cpu", 'avg by (mode) (rate(node_cpu_seconds_total{mode!="idle"}[1m]))'],
  ["ex.memory", "node_memory_MemTotal_bytes - node_memory_MemAvailable_bytes"],
  ["ex.fs", "1 - node_filesystem_avail_bytes / node_filesystem_size_bytes"],
  ["ex.net", "rate(node_network_receive_bytes_total[1m])"],
  ["ex.load", "node_load1"],
];

/** A line for each series; `solo` and `hide` of the address decide what is drawn. */
function linesOf(state: PanelState, solo: string, hide: string[]): PlotData {
  const g = state.grids.get("q");
  if (!g) return { start: 0, step: 1, n: 0, lines: [] };
  const shared = sharedLabels(g.series.map((s) => s.labels));
  const lines = g.series.map((s, i): Line => {
    const name = seriesName(s.labels, shared);
    return { name, colour: colour(i), dash: dash(i), values: s.values, hidden: solo ? name !== solo : hide.includes(name) };
  });
  // A solo that the answer does not have would hide everything.
  if (solo && lines.every((l) => l.hidden)) for (const l of lines) l.hidden = hide.includes(l.name);
  if (lines.length > 0) lines.push(...markLines(g.marks, g.n, hide));
  return { start: g.start, step: g.step, n: g.n, lines };
}

const keysOf = (state: PanelState) => (state.grids.get("q")?.series ?? []).map((s) => labelKey(s.labels));

export function Explore() {
  const ref = useRef<HTMLDivElement>(null);
  const visible = useVisible(ref);
  const { width } = useSize(ref);
  const [again, setAgain] = useState(0);
  const [asTable, setAsTable] = useState(false);
  const { expr, tab, range, live, stacked, forecast, band, solo, hide } = url.value;
  const chart = tab === "chart";
  const asks = useMemo(() => (expr ? [{ id: "q", expr }] : []), [expr]);
  const state = usePanel({ asks, range, live, visible: visible && chart && width > 0, width, again, httpFirst: true });
  const instant = useInstant(expr, tab === "table", again);
  const explained = useExplain(expr, tab === "explain", again, width);
  const seen = useMemo(() => linesOf(state, solo, hide), [state, solo, hide]);
  const ahead = useAhead(expr, chart && forecast && !stacked && seen.n > 0, state.span, live, again);
  const usual = useBands(expr, chart && band && !stacked && seen.n > 0, state.span, live, again);
  const under = useMemo(() => withBands(seen, bandsOf(usual.answer, keysOf(state))), [seen, usual.answer]);
  const data = useMemo(() => withCourses(under, coursesOf(ahead.answer, keysOf(state)).slice(0, COURSES_MAX)), [under, ahead.answer]);
  const span = { from: state.span.from, to: Math.max(state.span.to, data.n > seen.n ? data.start + (data.n - 1) * data.step : 0) };
  const unit = guessUnit(expr, state.grids.get("q")?.series[0]?.unit);
  const run = (next: string) => {
    const text = next.trim();
    if (text === expr) setAgain(again + 1);
    else patch({ expr: text, solo: "", hide: [] });
  };
  const answers = {
    chart: { error: state.status === "error" ? state.error : "", busy: state.busy, notes: state.grids.get("q")?.warnings },
    table: { error: instant.error, busy: instant.busy, notes: instant.frame?.warnings },
    explain: { error: explained.error, busy: explained.busy, notes: explained.plan && [...explained.plan.warnings, ...explained.plan.infos] },
  };
  const answer = answers[tab];
  const message = expr && answer.error;
  const said = message ? "" : JSON.stringify(answer.notes ?? []);
  const notes = useMemo(() => (said ? (JSON.parse(said) as string[]).map(noteOf) : []), [said]);
  return (
    <div class={`explore ${stale.value ? "is-stale" : ""}`}>
      <h1 class="sr-only">{t("nav.explore")}</h1>
      <div class="explore-main" ref={ref}>
        <QueryBox value={expr} busy={answer.busy} error={message ? { expr, message } : null} notes={notes} onRun={run} />
        {!expr ? (
          <Start onPick={run} />
        ) : message ? null : (
          <section class="panel explore-result" aria-label={t("explore.view")}>
            <Tabs state={state} data={seen} />
            <Notes expr={expr} notes={notes} />
            <div id="explore-view" role="tabpanel" aria-label={t(`explore.${tab}`)}>
              {chart ? (
                <ChartView state={state} data={data} onTake={run}>
                  <Chart title={expr} data={data} span={span} unit={unit} stacked={stacked} asTable={asTable} onTable={() => setAsTable(!asTable)} explain={expr} />
                </ChartView>
              ) : tab === "table" ? (
                <ResultTable instant={instant} expr={expr} onTake={run} />
              ) : (
                <Explain of={explained} />
              )}
            </div>
            {chart && forecast && !stacked ? (
              <p class="soft explore-ahead" role="status">
                {aheadNote(ahead)}
              </p>
            ) : null}
            {chart && band && !stacked ? (
              <p class="soft explore-ahead" role="status">
                {bandNote(usual)}
              </p>
            ) : null}
            {chart && seen.lines.length > 0 ? <Legend lines={seen.lines} unit={unit} /> : null}
          </section>
        )}
      </div>
      <MetricBrowser onPick={run} />
    </div>
  );
}

interface ViewProps {
  state: PanelState;
  data: PlotData;
  onTake: (expr: string) => void;
  children: preact.ComponentChildren;
}

function ChartView({ state, data, onTake, children }: ViewProps) {
  if (state.grids.size === 0) return <Loading />;
  if (data.lines.length === 0 || data.n === 0) return state.busy ? <Loading /> : <WhyEmpty expr={url.value.expr} otherwise={t("explore.empty")} onTake={onTake} />;
  return <div class={`panel-body explore-chart ${state.busy ? "is-busy" : ""}`}>{data.lines.every((l) => l.hidden) ? <Empty>{t("explore.noseries")}</Empty> : children}</div>;
}

function Tabs({ state, data }: { state: PanelState; data: PlotData }) {
  const { tab, stacked, forecast, band } = url.value;
  const f = state.frames.get("q");
  const g = state.grids.get("q");
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
          <label class="check">
            <input type="checkbox" checked={stacked} onChange={(e) => patch({ stacked: e.currentTarget.checked }, "replace")} />
            {t("explore.stacked")}
          </label>
          <label class="check">
            <input type="checkbox" checked={forecast} disabled={stacked} onChange={(e) => patch({ forecast: e.currentTarget.checked }, "replace")} />
            {t("explore.forecast")}
          </label>
          <label class="check">
            <input type="checkbox" checked={band} disabled={stacked} onChange={(e) => patch({ band: e.currentTarget.checked }, "replace")} />
            {t("explore.band")}
          </label>
        </>
      ) : null}
      <a class="button explore-alert" href={hrefOf("files", { open: "+", q: url.value.expr })} onClick={follow}>
        <Icon name="alerts" size={15} />
        {t("explore.alert")}
      </a>
      {tab === "chart" ? (
        <button type="button" class="button button-icon" disabled={data.n === 0} aria-label={t("explore.csv")} title={t("explore.csv")} onClick={() => save("plimsoll.csv", csvOf(data))}>
          <Icon name="download" size={15} />
        </button>
      ) : null}
      {tab === "chart" && f && g && !f.error ? (
        <span class="soft num explore-cost">
          {t("explore.cost", { series: g.series.length, samples: formatCount(f.cost.samples), ms: formatValue(f.cost.ms, "short") })} · {t("explore.step", { d: formatDuration(g.step) })}
          {g.truncated > 0 ? ` · ${t("panel.truncated", { n: g.truncated })}` : ""}
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
