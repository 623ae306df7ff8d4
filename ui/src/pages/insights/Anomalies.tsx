// What behaves unusually now: hosts and services with many unusual series, the series one by one with their scores, those
// that stopped, and of an open one the past with what was expected of it.
import { useMemo } from "preact/hooks";
import { type AnomalyDoc, type AnomalyList, fetchAnomalies } from "../../api/insight";
import { formatCount, formatValue, guessUnit, type Unit } from "../../lib/format";
import { t } from "../../lib/text";
import { Empty } from "../../parts/states";
import { usePoll } from "../../state/poll";
import { patch, url } from "../../state/url";
import { ageOf, momentOf } from "../alerting/marks";
import { Asked, Beside, Chips, ClearFilter, FilterBox, ListPage, Section, testOf } from "../alerting/shell";
import { BandChart } from "./BandChart";
import { Bar, ExploreLink, Labels, pct, valueText } from "./pieces";
import { queryOf } from "./series";

const LEAST = ["0.1", "0.3", "0.5"];
/** What is shown in the browser elsewhere: the level `annotate`. */
const USUAL = "0.3";
const EVERY_MS = 10_000;

export const keyOf = (a: { series: string; labels: Record<string, string> }) => `${a.series}|${JSON.stringify(Object.entries(a.labels).sort())}`;

/** A series from its key, also when it is not unusual any more; null when it is none. */
export function seriesOf(key: string): { series: string; labels: Record<string, string> } | null {
  const cut = key.indexOf("|");
  try {
    return cut < 0 ? null : { series: key.slice(0, cut), labels: Object.fromEntries(JSON.parse(key.slice(cut + 1)) as [string, string][]) };
  } catch {
    return null;
  }
}

export function Anomalies() {
  const { q, show, open } = url.value;
  const least = show || USUAL;
  const asked = usePoll(`anomalies ${least}`, (signal) => fetchAnomalies(Number(least), signal), EVERY_MS);
  const read = useMemo(() => testOf(q), [q]);
  const all = asked.data?.anomalies ?? [];
  const rows = all.filter((a) => read.test(a.labels, a.series));
  return (
    <ListPage
      bar={
        <>
          <Chips label={t("an.least")} value={show} choices={LEAST.map((v) => ({ value: v === USUAL ? "" : v, label: `≥ ${v}` }))} onPick={(v) => patch({ show: v })} />
          <FilterBox bad={read.bad} shown={rows.length} all={all.length} hint={t("ins.filter.hint")} />
        </>
      }
      beside={open ? <Detail id={open} of={asked.data} /> : null}
    >
      <section class="panel list" aria-label={t("an.list")}>
        <Asked of={asked}>
          {(data) => (
            <>
              <div class="scroll" tabIndex={0}>
                <Groups of={data} />
                {rows.length === 0 ? (
                  <Empty>
                    <strong>{t(q ? "al.filter.none" : "an.empty")}</strong>
                    {q ? <ClearFilter /> : <span>{data.watched.series === 0 ? t("an.soon") : t("an.empty.text", { n: formatCount(data.watched.series) })}</span>}
                  </Empty>
                ) : (
                  <Rows rows={rows} open={open} />
                )}
                <Stopped of={data} />
              </div>
              <footer class="list-foot soft num">
                {t("an.watched", { n: formatCount(data.watched.series), max: formatCount(data.watched.max), bytes: formatValue(data.watched.bytes, "bytes"), most: formatValue(data.watched.bytes_max, "bytes") })}
                {data.watched.left_out > 0 ? ` · ${t("an.left", { n: formatCount(data.watched.left_out) })}` : ""}
                {data.watched.set_aside?.length ? ` · ${t("an.aside", { n: data.watched.set_aside.length })}` : ""}
              </footer>
            </>
          )}
        </Asked>
      </section>
    </ListPage>
  );
}

const Groups = ({ of }: { of: AnomalyList }) => {
  const some = of.groups.filter((g) => g.anomalous > 0);
  if (some.length === 0) return null;
  return (
    <ul class="groups" aria-label={t("nav.assessments")}>
      {some.map((g) => (
        <li key={`${g.by} ${g.name}`} class={`group ${g.anomalous >= 3 && g.rate >= 0.01 ? "group-much" : ""}`}>
          <button type="button" class="plain strong" onClick={() => patch({ q: `${g.by}="${g.name}"` })}>
            {g.name}
          </button>
          <Bar share={g.rate} />
          <span class="soft num">
            {t("an.group", { anomalous: formatCount(g.anomalous), series: formatCount(g.series) })} · {pct(g.rate)}
          </span>
        </li>
      ))}
    </ul>
  );
};

const unitOfSeries = (a: { series: string; labels: Record<string, string> }): Unit => {
  const { query, unit } = queryOf(a.series, a.labels);
  return unit ?? guessUnit(query);
};

const Rows = ({ rows, open }: { rows: AnomalyDoc[]; open: string }) => (
  <table class="table finds">
    <thead>
      <tr>
        <th scope="col">{t("col.score")}</th>
        <th scope="col">{t("col.series")}</th>
        <th scope="col" class="num">
          {t("col.value")}
        </th>
        <th scope="col" class="num finds-more">
          {t("an.col.expected")}
        </th>
        <th scope="col" class="finds-more">
          {t("an.col.level")}
        </th>
        <th scope="col" class="num finds-more">
          {t("an.col.at")}
        </th>
      </tr>
    </thead>
    <tbody>
      {rows.map((a) => {
        const key = keyOf(a);
        const unit = unitOfSeries(a);
        return (
          <tr key={key} class={key === open ? "at" : ""}>
            <td class="finds-score">
              <Bar share={a.score} kind={a.score >= 0.5 ? "bar-hot" : ""} />
              <span class="num">{a.score.toFixed(2)}</span>
            </td>
            <th scope="row" class="wrap">
              <button type="button" class="plain strong" aria-expanded={key === open} onClick={() => patch({ open: key === open ? "" : key })}>
                {a.series}
              </button>{" "}
              <Labels labels={a.labels} />
            </th>
            <td class="num">{valueText(a.value, unit)}</td>
            <td class="num soft finds-more">{valueText(a.expected, unit)}</td>
            <td class="finds-more">{t(`an.level.${a.level}`)}</td>
            <td class="num soft finds-more">{momentOf(a.at)}</td>
          </tr>
        );
      })}
    </tbody>
  </table>
);

const Stopped = ({ of }: { of: AnomalyList }) =>
  of.stopped.length === 0 ? null : (
    <section class="stopped" aria-label={t("an.stopped")}>
      <h3>{t("an.stopped")}</h3>
      <ul>
        {of.stopped.map((s) => (
          <li key={keyOf(s)}>
            <button type="button" class="plain strong" onClick={() => patch({ open: keyOf(s) })}>
              {s.series}
            </button>{" "}
            <Labels labels={s.labels} /> <span class="soft num">{t("an.stopped.since", { d: ageOf(s.since) })}</span>
          </li>
        ))}
      </ul>
    </section>
  );

function Detail({ id, of }: { id: string; of: AnomalyList | null }) {
  const s = seriesOf(id);
  const a = of?.anomalies.find((x) => keyOf(x) === id);
  if (!s) return null;
  const { query, unit } = queryOf(s.series, s.labels);
  const { range } = url.value;
  return (
    <Beside label={t("an.detail", { name: s.series })} title={<span class="beside-name">{s.series}</span>} tools={<ExploreLink expr={query} range={range} />}>
      <Labels labels={s.labels} />
      {a ? (
        <p class="num">
          {t("col.score")} <strong>{a.score.toFixed(2)}</strong> · {t("col.value")} <strong>{valueText(a.value, unitOfSeries(a))}</strong> · {t("an.col.expected")} {valueText(a.expected, unitOfSeries(a))}
        </p>
      ) : null}
      <Section title={t("band.title")}>
        <BandChart query={query} unit={unit} title={s.series} />
        <code class="expr mono">{query}</code>
      </Section>
    </Beside>
  );
}
