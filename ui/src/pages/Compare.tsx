// Two periods compared: this week with the last, before and after a deployment. What differs beyond chance, ranked, each
// drawn with both periods over each other. The address holds the periods as they are, so that a link shows the same again.
import "../css/rules.css";
import "../css/insights.css";
import "../css/compare.css";
import "../lib/textAlerting";
import "../lib/textInsight";
import "../lib/textCapacity";
import { useEffect, useState } from "preact/hooks";
import { type CompareAnswer, type DifferenceDoc, fetchChanges, fetchCompare, hasSamples } from "../api/insight";
import { formatClock, formatCount, formatDateTime, formatMoment, formatValue, guessUnit, seriesName } from "../lib/format";
import { t } from "../lib/text";
import type { Span } from "../lib/time";
import { CopyLink } from "../parts/CopyLink";
import { Icon } from "../parts/Icon";
import { Empty, Failed, Loading } from "../parts/states";
import { type Polled, usePoll } from "../state/poll";
import { patch, url, zone } from "../state/url";
import { Beside, Chips, ListPage, Section } from "./alerting/shell";
import { Overlay } from "./compare/Overlay";
import { around, fieldOf, fromField, type Pair, pairOf, PAIRS, type PairName, periodIn, sizeOf, textOf, tooYoung } from "./compare/periods";
import { ExploreLink, Labels, pct, valueText } from "./insights/pieces";

const DIFFERENCES = 100;
const CHANGES = 50;
const CHANGES_BACK_MS = 7 * 86_400_000;
const TOLD = new Set(["restart", "deployment", "configuration"]);

const nameOf = (d: DifferenceDoc) => seriesName({ __name__: d.metric, ...d.labels });
const keyOf = (d: DifferenceDoc) => `${d.metric} ${d.what} ${d.query}`;
/** B by A, as people say it. */
const change = (ratio: number | null): string => (ratio === null || !Number.isFinite(ratio) ? "–" : `${ratio > 1 ? "+" : ""}${pct(ratio - 1)}`);

function take(pair: Pair, name: string, how: "push" | "replace" = "push"): void {
  patch({ open: "", params: { ...url.value.params, a: textOf(pair.a), b: textOf(pair.b), pair: name } }, how);
}

export function Compare() {
  const { params, open } = url.value;
  const [a, b] = [periodIn(params["a"]), periodIn(params["b"])];
  const match = params["match"] ?? "";
  const pair = a && b ? { a, b } : null;
  const young = tooYoung(params["b"], params["pair"]);
  const asked = usePoll<CompareAnswer | null>(`compare ${params["a"]} ${params["b"]} ${match}`, (signal) => (pair ? fetchCompare(pair.a, pair.b, match ? [match] : [], DIFFERENCES, signal) : Promise.resolve(null)), Number.POSITIVE_INFINITY);
  const opened = asked.data?.differences.find((d) => keyOf(d) === open);
  return (
    <ListPage tools={pair ? <CopyLink /> : null} bar={<Pairs />} beside={opened && pair ? <Detail of={opened} pair={pair} /> : null}>
      <Periods key={`${params["a"]} ${params["b"]} ${match} ${zone.value}`} pair={pair} match={match} bad={!pair && !young && Boolean(params["a"] || params["b"])} />
      <section class="panel list" aria-label={t("cmp.list")}>
        {pair ? (
          <Answer of={asked} pair={pair} match={match} />
        ) : young ? (
          <TooYoung key={young.at} {...young} />
        ) : (
          <Empty>
            <strong>{t("cmp.start")}</strong>
            <span>{t("cmp.start.text")}</span>
          </Empty>
        )}
      </section>
    </ListPage>
  );
}

/** A change of which there is not yet enough to compare: it is compared as soon as there is. */
function TooYoung({ at, from }: { at: number; from: number }) {
  useEffect(() => {
    const timer = setTimeout(() => take(around(at, Math.max(from, Date.now())), String(at), "replace"), from - Date.now());
    return () => clearTimeout(timer);
  }, []);
  return (
    <Empty>
      <strong>{t("cmp.young")}</strong>
      <span>{t("cmp.young.text", { at: formatClock(from, zone.value, true) })}</span>
    </Empty>
  );
}

/** Why nothing is told to differ: nothing does, or one of the periods has nothing in it. */
function Nothing({ pair, match }: { pair: Pair; match: string }) {
  const { data, error } = usePoll("compare samples", (signal) => Promise.all([hasSamples(pair.a, match, signal), hasSamples(pair.b, match, signal)]), Number.POSITIVE_INFINITY);
  if (!data && !error) return <Loading />;
  const missing = data?.[0] === false ? "a" : data?.[1] === false ? "b" : null;
  if (!missing) return <Empty>{t("cmp.none")}</Empty>;
  return (
    <Empty>
      <strong>{t("cmp.missing", { name: t(`cmp.${missing}`) })}</strong>
      <span>{t("cmp.missing.text")}</span>
    </Empty>
  );
}

/** One instant for both ends: a window a millisecond longer than seven days is refused. */
const changesUntil = (now: number, signal: AbortSignal) => fetchChanges({ from: now - CHANGES_BACK_MS, to: now }, CHANGES, false, signal);

function Pairs() {
  const { pair = "" } = url.value.params;
  const changes = usePoll("compare changes", (signal) => changesUntil(Date.now(), signal), Number.POSITIVE_INFINITY);
  const told = (changes.data?.changes ?? []).filter((c) => TOLD.has(c.kind)).reverse();
  const chosen = told.find((c) => String(Date.parse(c.at)) === pair);
  return (
    <div class="pairs">
      <Chips label={t("cmp.pair")} value={pair} choices={PAIRS.map((p) => ({ value: p, label: t(`cmp.pair.${p}`) }))} onPick={(p) => take(pairOf(p as PairName, Date.now()), p)} />
      <select
        class="input"
        aria-label={t("cmp.change")}
        value={chosen ? pair : ""}
        disabled={told.length === 0}
        onChange={(e) => {
          const at = Number(e.currentTarget.value);
          if (at) take(around(at, Date.now()), String(at));
        }}
      >
        <option value="">{changes.error ? t("over.unknown") : changes.busy ? t("state.loading") : told.length === 0 ? t("cmp.change.none") : t("cmp.change.pick")}</option>
        {told.map((c) => (
          <option key={`${c.at} ${c.text}`} value={String(Date.parse(c.at))}>
            {`${formatMoment(Date.parse(c.at), Date.now(), zone.value)} ${c.text}`}
          </option>
        ))}
      </select>
    </div>
  );
}

function Periods({ pair, match, bad }: { pair: Pair | null; match: string; bad: boolean }) {
  const at = zone.value;
  const first = pair ?? pairOf("hour", Date.now());
  const [fields, setFields] = useState({ a: { from: fieldOf(first.a.from, at), to: fieldOf(first.a.to, at) }, b: { from: fieldOf(first.b.from, at), to: fieldOf(first.b.to, at) } });
  const [only, setOnly] = useState(match);
  const [wrong, setWrong] = useState(bad);
  const edit = (which: "a" | "b", end: "from" | "to", text: string) => setFields({ ...fields, [which]: { ...fields[which], [end]: text } });
  const submit = (e: Event) => {
    e.preventDefault();
    // A field that was not touched keeps its seconds.
    const read = (which: "a" | "b"): Span => {
      const now = (end: "from" | "to") => (pair && fields[which][end] === fieldOf(pair[which][end], at) ? pair[which][end] : fromField(fields[which][end], at));
      return { from: now("from"), to: now("to") };
    };
    const [a, b] = [textOf(read("a")), textOf(read("b"))];
    if (!periodIn(a) || !periodIn(b)) return setWrong(true);
    patch({ open: "", params: { ...url.value.params, a, b, match: only.trim(), ...(pair && a === textOf(pair.a) && b === textOf(pair.b) ? {} : { pair: "" }) } });
  };
  return (
    <form class="panel periods" onSubmit={submit}>
      {(["a", "b"] as const).map((which) => (
        <fieldset class="period" key={which}>
          <legend>{t(`cmp.${which}.name`)}</legend>
          {(["from", "to"] as const).map((end) => (
            <label key={end}>
              {t(`cmp.${end}`)}
              <input class="input" type="datetime-local" value={fields[which][end]} onInput={(e) => edit(which, end, e.currentTarget.value)} />
            </label>
          ))}
        </fieldset>
      ))}
      <div class="match">
        <label>
          {t("cmp.match")}
          <input class="input mono" value={only} placeholder={t("cmp.match.hint")} spellcheck={false} onInput={(e) => setOnly(e.currentTarget.value)} />
        </label>
        <button type="submit" class="button button-main">
          {t("cmp.run")}
        </button>
      </div>
      {wrong ? (
        <p class="field-error" role="alert">
          {t("cmp.bad")}
        </p>
      ) : null}
    </form>
  );
}

function Answer({ of, pair, match }: { of: Polled<CompareAnswer | null>; pair: Pair; match: string }) {
  const { open } = url.value;
  if (of.error) return <Failed message={of.error} onRetry={of.again} />;
  const answer = of.data;
  if (!answer)
    return (
      <>
        <p class="compare-said soft" role="status">
          {t("cmp.busy")}
        </p>
        <Loading />
      </>
    );
  const rows = answer.differences;
  return (
    <>
      <p class="compare-said soft num" role="status">
        {t("cmp.looked", { n: formatCount(answer.looked_at), found: rows.length, more: answer.truncated ? t("cmp.more") : "" })} {t("cmp.a")}: {formatDateTime(pair.a.from, zone.value)} – {formatDateTime(pair.a.to, zone.value)}. {t("cmp.b")}: {formatDateTime(pair.b.from, zone.value)} – {formatDateTime(pair.b.to, zone.value)}.
      </p>
      {answer.truncated && rows.every((d) => d.what === "appeared") ? (
        <p class="old" role="status">
          <Icon name="warning" size={14} />
          {t("cmp.empty.a")}
        </p>
      ) : null}
      {rows.length === 0 ? (
        <Nothing pair={pair} match={match} />
      ) : (
        <div class="scroll" tabIndex={0}>
          <table class="table finds diffs">
            <thead>
              <tr>
                <th scope="col">{t("col.series")}</th>
                <th scope="col">{t("cmp.col.effect")}</th>
                <th scope="col" class="num finds-more">
                  {t("cmp.col.a")}
                </th>
                <th scope="col" class="num finds-more">
                  {t("cmp.col.b")}
                </th>
                <th scope="col" class="num">
                  {t("cmp.col.change")}
                </th>
                {open ? null : (
                  <th scope="col" class="diff-chart">
                    {t("cmp.col.chart")}
                  </th>
                )}
              </tr>
            </thead>
            <tbody>
              {rows.map((d) => (
                <Row key={keyOf(d)} of={d} pair={pair} open={open} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

const Effect = ({ value }: { value: number }) => {
  const half = Math.min(1, Math.abs(value)) * 50;
  const size = sizeOf(value);
  return (
    <span title={t("cmp.effect", { d: value.toFixed(2), pct: pct((1 + Math.abs(value)) / 2) })}>
      <span class={`effect effect-${size}`} aria-hidden="true">
        <span class="effect-fill" style={value < 0 ? { right: "50%", width: `${half}%` } : { left: "50%", width: `${half}%` }} />
      </span>{" "}
      <span class="num">
        {value > 0 ? "+" : ""}
        {value.toFixed(2)}
      </span>{" "}
      <span class="soft diff-words finds-more">{t(`cmp.size.${size}`)}</span>
    </span>
  );
};

function Row({ of: d, pair, open }: { of: DifferenceDoc; pair: Pair; open: string }) {
  const key = keyOf(d);
  const unit = guessUnit(d.query);
  return (
    <tr class={key === open ? "at" : ""}>
      <th scope="row" class="wrap">
        <button type="button" class="plain strong" aria-expanded={key === open} onClick={() => patch({ open: key === open ? "" : key })}>
          {d.metric}
        </button>{" "}
        <span class="badge">{t(`cmp.what.${d.what}`)}</span>
        <div>
          <Labels labels={d.labels} />
        </div>
      </th>
      <td>{d.what === "appeared" || d.what === "gone" ? "–" : <Effect value={d.effect} />}</td>
      <td class="num finds-more">{valueText(d.a.median, unit)}</td>
      <td class="num finds-more">{valueText(d.b.median, unit)}</td>
      <td class="num">{change(d.change_ratio)}</td>
      {open ? null : (
        <td class="diff-chart">
          <Overlay query={d.query} pair={pair} title={t("cmp.chart", { name: nameOf(d) })} unit={unit} small />
        </td>
      )}
    </tr>
  );
}

const STATS = ["n", "mean", "median", "p95"] as const;

function Detail({ of: d, pair }: { of: DifferenceDoc; pair: Pair }) {
  const unit = guessUnit(d.query);
  const fixed = (s: Span) => ({ from: String(s.from), to: String(s.to) });
  return (
    <Beside label={t("cmp.detail", { name: d.metric })} title={<span class="beside-name mono">{d.metric}</span>}>
      <p class="said">{d.text}</p>
      <Labels labels={d.labels} />
      <Section title={t("cmp.col.chart")}>
        <Overlay key={d.query} query={d.query} pair={pair} title={t("cmp.chart", { name: nameOf(d) })} unit={unit} />
        <code class="expr mono">{d.query}</code>
        <div class="acts">
          <ExploreLink expr={d.query} range={fixed(pair.a)}>
            {t("cmp.explore.a")}
          </ExploreLink>
          <ExploreLink expr={d.query} range={fixed(pair.b)}>
            {t("cmp.explore.b")}
          </ExploreLink>
          <button type="button" class="button" onClick={() => patch({ why: `${pair.b.from}~${pair.b.to}~${d.query}` })}>
            <Icon name="explain" size={15} />
            {t("ins.why")}
          </button>
        </div>
      </Section>
      <table class="table">
        <thead>
          <tr>
            <th scope="col">{t("cmp.stat")}</th>
            <th scope="col" class="num">
              {t("cmp.a.name")}
            </th>
            <th scope="col" class="num">
              {t("cmp.b.name")}
            </th>
          </tr>
        </thead>
        <tbody>
          {STATS.map((s) => (
            <tr key={s}>
              <th scope="row">{t(`cmp.stat.${s}`)}</th>
              <td class="num">{s === "n" ? formatCount(d.a.n) : valueText(d.a[s], unit)}</td>
              <td class="num">{s === "n" ? formatCount(d.b.n) : valueText(d.b[s], unit)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p>
        <Effect value={d.effect} />
      </p>
      <p class="soft num">{t("cmp.chance", { p: formatValue(d.p_value, "short"), q: formatValue(d.q_value, "short") })}</p>
    </Beside>
  );
}
