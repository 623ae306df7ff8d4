// One resource: how full, how likely it is to be full within which time, its past with the course that is expected and the
// limit above it, what another load would mean, and the queries behind all of it.
import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { forecastOf, type Forecasted } from "../../api/http";
import type { CapacityDoc } from "../../api/insight";
import { withCourses } from "../../charts/cone";
import { MARK_COLOURS } from "../../charts/marks";
import type { PlotData } from "../../charts/plot";
import { formatDuration, formatValue, type Unit } from "../../lib/format";
import { t } from "../../lib/text";
import { Icon } from "../../parts/Icon";
import { LoadLine } from "../../parts/LoadLine";
import { QueryChart } from "../../parts/QueryChart";
import { follow, hrefOf, patch, url } from "../../state/url";
import { Beside, Chips, Section } from "../alerting/shell";
import { ExploreLink, Labels, pct, unitOf } from "../insights/pieces";
import { HORIZONS, horizonFor, resourceOf } from "./rows";
import { When, whenText } from "./when";

const DAY_MS = 86_400_000;
/** A course that ends before this part of what was asked is said to do so. */
const SHORTER = 0.9;
const CHANCES = ["hour", "day", "week", "month"] as const;

export function Detail({ of: c, now }: { of: CapacityDoc; now: number }) {
  const unit = unitOf(c.unit);
  const amount = (v: number) => formatValue(v, unit);
  const used = c.queries[0] ?? "";
  const limit = c.queries[1] ?? "";
  return (
    <Beside
      label={t("cap.detail", { title: c.title })}
      title={<span class="beside-name">{c.title}</span>}
      tools={
        used && limit ? (
          <a class="button" href={hrefOf("files", { open: "+", q: `(${used}) / (${limit}) > ${c.warning}` })} onClick={follow}>
            <Icon name="alerts" size={15} />
            {t("cap.alert")}
          </a>
        ) : undefined
      }
    >
      <LoadLine resource={resourceOf(c)} then={c.what_if?.ratio} safe={c.limit > 0 ? c.safe_load / c.limit : undefined} />
      <p class="cap-cell">
        <When days={c.days} state={c.state} now={now} />
      </p>
      {c.what_if ? (
        <p class="what-if-on">
          <strong>{t("cap.whatif", { x: c.what_if.load })}</strong>: {t("cap.whatif.text", { pct: pct(c.what_if.ratio), when: whenText(c.what_if.days, c.state, now) })}
        </p>
      ) : null}
      <Course key={c.id} of={c} unit={unit} />
      <dl class="facts">
        <Fact name={t("cap.facts.used")} value={`${amount(c.used)} (${pct(c.ratio)})`} />
        <Fact name={t("cap.facts.limit")} value={amount(c.limit)} />
        <Fact name={t("cap.facts.safe")} value={amount(c.safe_load)} />
        <Fact name={t("cap.facts.headroom")} value={amount(c.headroom)} />
        <Fact name={t("cap.facts.driver")} value={t(`cap.driver.${c.driver}`)} />
      </dl>
      {c.probability ? (
        <Section title={t("cap.chances")}>
          <dl class="cap-chances">
            {CHANCES.map((w) => (
              <Fact key={w} name={t(`cap.chance.${w}`)} value={pct(c.probability?.[w] ?? 0)} />
            ))}
          </dl>
        </Section>
      ) : null}
      <Section title={t("cap.queries")}>
        <div class="cap-queries">
          {c.queries.map((q) => (
            <div key={q}>
              <code class="expr mono">{q}</code>
              <ExploreLink expr={q} />
            </div>
          ))}
        </div>
        <Labels labels={c.labels} />
      </Section>
    </Beside>
  );
}

const Fact = ({ name, value }: { name: string; value: string }) => (
  <div>
    <dt>{name}</dt>
    <dd class="num">{value}</dd>
  </div>
);

/** The course as far ahead as was asked, or as the past allows; the last refusal where it allows none. */
async function courseOf(query: string, horizon: string, signal: AbortSignal): Promise<Forecasted | null> {
  let refused: Forecasted | null = null;
  const from = HORIZONS.findIndex(([name]) => name === horizon);
  for (const [, days] of HORIZONS.slice(0, Math.max(1, from + 1)).reverse()) {
    const [first] = await forecastOf({ query, horizon: `${Math.round(days * 86_400)}s` }, signal);
    if (first && first.times.length > 0) return first;
    refused ??= first ?? null;
  }
  return refused;
}

/** The past, the expected course with its cone, and the limit. */
function Course({ of: c, unit }: { of: CapacityDoc; unit: Unit }) {
  const { params } = url.value;
  // Of the first minutes a day shows nothing: its points are minutes apart.
  const young = useMemo(() => c.state === "learning", [c.id]);
  const horizon = params["ahead"] || (young ? "1h" : horizonFor(c.days));
  const days = HORIZONS.find(([name]) => name === horizon)?.[1] ?? 1;
  const [forecast, setForecast] = useState<{ of: Forecasted | null; error: string; busy: boolean }>({ of: null, error: "", busy: true });
  const query = c.queries[0] ?? "";
  useEffect(() => {
    const abort = new AbortController();
    setForecast({ of: null, error: "", busy: true });
    courseOf(query, horizon, abort.signal).then(
      (of) => setForecast({ of, error: "", busy: false }),
      (e: Error) => abort.signal.aborted || setForecast({ of: null, error: e.message, busy: false }),
    );
    return () => abort.abort();
  }, [query, horizon]);
  // The picture stays still while it is looked at: it begins as long ago as it looks ahead.
  const range = useMemo(() => ({ from: String(Date.now() - days * DAY_MS), to: String(Date.now()) }), [c.id, horizon]);
  const answer = forecast.of;
  const more = useCallback(
    (data: PlotData) => (answer && answer.times.length > 0 ? withCourses(data, [{ line: 0, times: answer.times, mean: answer.mean, lower: answer.lower, upper: answer.upper }]) : data),
    [answer],
  );
  const limits = [
    { name: t("cap.chart.limit"), value: c.limit },
    { name: t("cap.chart.critical"), value: c.limit * c.critical, colour: MARK_COLOURS.critical },
    { name: t("cap.chart.warning"), value: c.limit * c.warning, colour: MARK_COLOURS.warning },
  ];
  const a = answer?.accuracy;
  const reach = answer?.times.length ? (answer.times.at(-1) ?? 0) - (answer.times[0] ?? 0) : Number.POSITIVE_INFINITY;
  const shorter = reach < SHORTER * days * DAY_MS ? ` ${t("cap.forecast.shorter", { d: formatDuration(reach) })}` : "";
  const said = forecast.error || (forecast.busy ? t("forecast.busy") : answer?.reason && answer.times.length === 0 ? t("cap.forecast.none", { reason: answer.reason }) : a ? t("cap.forecast.accuracy", { n: a.n, coverage: Math.round(a.coverage * 100), error: (a.mase ?? Number.NaN).toFixed(2) }) : answer ? t("cap.forecast.untested") : "");
  return (
    <Section title={t("cap.chart")} note={<Chips label={t("cap.ahead")} value={horizon} choices={HORIZONS.map(([name]) => ({ value: name, label: name }))} onPick={(v) => patch({ params: { ...params, ahead: v } }, "replace")} />}>
      <div class="cap-chart">
        <QueryChart title={c.title} asks={[{ id: "used", expr: query, name: t("cap.chart.used") }]} range={range} unit={unit} limits={limits} more={more} />
      </div>
      <p class="soft" role="status">
        {said}
        {shorter}
      </p>
    </Section>
  );
}
