// A rule replayed over the past: pages per week with their interval, other thresholds and `for` as a table, and when it
// would have fired, drawn as a band of time.
import { useEffect, useRef, useState } from "preact/hooks";
import { backtest, backtestText } from "../../api/alerting";
import { type BacktestReport, type CurveCell, msOf, type RuleBacktest, type RuleDoc } from "../../api/alertingTypes";
import { formatCount, formatDateTime, formatDay, formatDuration, formatValue, type Unit } from "../../lib/format";
import { t } from "../../lib/text";
import { Icon } from "../../parts/Icon";
import { zone } from "../../state/url";
import { measureOf, rate } from "./marks";
import { Chips, Section } from "./shell";
import { labelsBut } from "./standing";

const PERIODS: Record<string, number> = { "1d": 1, "7d": 7, "30d": 30 };
const DAY_MS = 86_400_000;
/** Lines of the band: alerts of different labels that fired most. */
const LANES_MAX = 12;

interface State {
  busy: boolean;
  error: string;
  report: BacktestReport | null;
}

/** One rule that runs. */
export const Backtest = ({ group, rule }: { group: string; rule: RuleDoc }) => (
  <Section title={t("bt.title")} note={<span class="soft">{t("bt.note")}</span>}>
    <Replay ask={(ms, signal) => backtest({ group, name: rule.name }, ms, signal).then((r) => ({ ...r, rules: r.rules.filter((x) => x.expr === rule.query) }))} />
  </Section>
);

/** The rules of a text that may not run yet. */
export const BacktestText = ({ text, auto = false }: { text: string; auto?: boolean }) => (
  <details class="bt-text" open={auto}>
    <summary>{t("bt.text")}</summary>
    <Replay ask={(ms, signal) => backtestText(text, ms, signal)} first={auto ? "30d" : "7d"} auto={auto ? text : ""} />
  </details>
);

/** A text is replayed by itself when it has rested for this long. */
const REST_MS = 1000;

interface ReplayProps {
  ask: (ms: number, signal: AbortSignal) => Promise<BacktestReport>;
  first?: string;
  /** replayed by itself whenever this changes; empty for never */
  auto?: string;
}

function Replay({ ask, first = "7d", auto = "" }: ReplayProps) {
  const [period, setPeriod] = useState(first);
  const [state, setState] = useState<State>({ busy: false, error: "", report: null });
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);
  const run = (p: string) => {
    setPeriod(p);
    running.current?.abort();
    const abort = new AbortController();
    running.current = abort;
    setState({ busy: true, error: "", report: null });
    ask((PERIODS[p] ?? 7) * DAY_MS, abort.signal).then(
      (report) => abort.signal.aborted || setState({ busy: false, error: "", report }),
      (e: Error) => abort.signal.aborted || setState({ busy: false, error: e.message, report: null }),
    );
  };
  useEffect(() => {
    if (!auto) return;
    const timer = setTimeout(() => run(period), REST_MS);
    return () => clearTimeout(timer);
  }, [auto]);
  const { report } = state;
  return (
    <>
      <div class="bt-ask">
        <Chips label={t("bt.period")} value={period} choices={Object.keys(PERIODS).map((p) => ({ value: p, label: p }))} onPick={run} />
        <button type="button" class="button" aria-busy={state.busy} onClick={() => run(period)}>
          <Icon name="play" size={14} />
          {t("bt.run")}
        </button>
      </div>
      <div role="status">
        {state.busy ? <p class="soft">{t("bt.busy")}</p> : null}
        {state.error ? <p class="field-error">{state.error}</p> : null}
        {report && report.rules.length === 0 ? <p class="soft">{t("bt.none")}</p> : null}
        {report?.rules.map((r) => (
          <div key={`${r.group} ${r.rule}`}>
            {report.rules.length > 1 ? <h4 class="bt-rule">{r.rule}</h4> : null}
            <Answer report={report} of={r} unit={measureOf(r.expr).unit} />
          </div>
        ))}
      </div>
    </>
  );
}

function Answer({ report, of: r, unit }: { report: BacktestReport; of: RuleBacktest; unit: Unit }) {
  const { pages } = r;
  return (
    <div class="bt">
      <div class="bt-rate">
        <span class="bt-number num">{rate(pages.per_week)}</span>
        <div>
          <div class="strong">{t("bt.pages")}</div>
          <div class="soft num">{t("bt.interval", { level: Math.round(pages.level * 100), low: rate(pages.low), high: rate(pages.high) })}</div>
        </div>
      </div>
      <p class="num">{t("bt.facts", { pages: pages.count, fired: pages.fired, all: formatCount(r.episodes_total), d: formatDuration(pages.firing_ms) })}</p>
      {report.complete ? null : <p class="field-error">{t("bt.incomplete", { at: r.until === null ? "–" : formatDateTime(msOf(r.until), zone.value) })}</p>}
      {r.failure ? <p class="field-error">{t("bt.failures", { n: r.failures, at: formatDateTime(msOf(r.failure[0]), zone.value), why: r.failure[1] })}</p> : null}
      <Band report={report} of={r} />
      {r.curve ? <Curve curve={r.curve} unit={unit} /> : r.no_curve ? <p class="soft">{t("bt.curve.none", { why: r.no_curve })}</p> : null}
    </div>
  );
}

const pct = (part: number) => `${(part * 100).toFixed(3)}%`;

/** Time from left to right, a line for each alert, a mark for each time that it fired. */
function Band({ report, of: r }: { report: BacktestReport; of: RuleBacktest }) {
  const [start, end] = [msOf(report.start), msOf(report.end)];
  const lanes = new Map<string, { label: string; spans: [number, number][] }>();
  for (const e of r.episodes) {
    const from = msOf(e.firing_since);
    if (Number.isNaN(from)) continue;
    const label = labelsBut(e.labels, new Set(["severity"])).map(([k, v]) => `${k}=${v}`).join(" ");
    const lane = lanes.get(label) ?? { label, spans: [] };
    lane.spans.push([from, e.resolved_at === null ? end : msOf(e.resolved_at)]);
    lanes.set(label, lane);
  }
  if (lanes.size === 0) return <p class="soft">{t("bt.episodes.none")}</p>;
  const shown = [...lanes.values()].sort((a, b) => b.spans.length - a.spans.length).slice(0, LANES_MAX);
  return (
    <figure class="bt-band" aria-label={t("bt.episodes")}>
      <figcaption class="soft">{t("bt.episodes")}</figcaption>
      {shown.map(({ label, spans }) => (
        <div key={label} class="bt-lane">
          <span class="mono clip" title={label}>
            {label || r.rule}
          </span>
          <div class="bt-track">
            {spans.map(([from, to]) => (
              <span key={from} class="bt-span" style={{ left: pct((from - start) / (end - start)), width: pct((to - from) / (end - start)) }} title={t("bt.episode", { from: formatDateTime(from, zone.value), to: formatDateTime(to, zone.value), labels: label })} />
            ))}
          </div>
        </div>
      ))}
      <div class="bt-lane bt-axis soft num">
        <span>{lanes.size > LANES_MAX ? t("health.more", { n: lanes.size - LANES_MAX }) : ""}</span>
        <div>
          <span>{formatDay(start, zone.value)}</span>
          <span>{formatDay(end, zone.value)}</span>
        </div>
      </div>
    </figure>
  );
}

function Curve({ curve, unit }: { curve: NonNullable<RuleBacktest["curve"]>; unit: Unit }) {
  const thresholds = [...new Set(curve.cells.map((c) => c.threshold))].sort((a, b) => a - b);
  const fors = [...new Set(curve.cells.map((c) => c.for_ms))].sort((a, b) => a - b);
  const cells = new Map(curve.cells.map((c) => [`${c.threshold} ${c.for_ms}`, c]));
  const most = Math.max(1e-9, ...curve.cells.map((c) => c.per_week));
  return (
    <div class="bt-curve" tabIndex={0}>
      <table class="table">
        <caption class="soft">{t("bt.curve")}</caption>
        <thead>
          <tr>
            <th scope="col">{t("bt.curve.row", { op: curve.op })}</th>
            {fors.map((f) => (
              <th scope="col" class="num" key={f}>
                {f === 0 ? t("bt.curve.at.once") : t("alert.since", { d: formatDuration(f) })}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {thresholds.map((x) => (
            <tr key={x}>
              <th scope="row" class="num">
                {formatValue(x, unit)}
              </th>
              {fors.map((f) => (
                <Cell key={f} cell={cells.get(`${x} ${f}`)} own={x === curve.threshold && f === curve.for_ms} most={most} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <p class="soft">{t("bt.curve.key")}</p>
    </div>
  );
}

/** Darker means more pages: five steps. */
const STEPS = 5;

function Cell({ cell, own, most }: { cell: CurveCell | undefined; own: boolean; most: number }) {
  if (!cell) return <td />;
  const step = cell.per_week === 0 ? 0 : Math.max(1, Math.ceil((cell.per_week / most) * STEPS));
  return (
    <td class={`num heat heat-${step} ${own ? "heat-own" : ""}`} title={own ? t("bt.curve.own") : cell.best ? t("bt.curve.best") : undefined}>
      <span class="heat-rate">
        {rate(cell.per_week)}
        {cell.best ? <strong> !</strong> : null}
        {own ? <span class="sr-only"> {t("bt.curve.own")}</span> : null}
      </span>
      <span class="soft heat-firing">{cell.firing_ms ? formatDuration(cell.firing_ms) : "–"}</span>
    </td>
  );
}
