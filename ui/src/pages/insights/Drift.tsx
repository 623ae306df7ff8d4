// What drifts: series with a slope that chance does not explain, the most important first.
import { useMemo } from "preact/hooks";
import { fetchTrends, type TrendDoc } from "../../api/insight";
import { formatValue, guessUnit, type Unit } from "../../lib/format";
import { t } from "../../lib/text";
import { Icon } from "../../parts/Icon";
import { QueryChart } from "../../parts/QueryChart";
import { Empty } from "../../parts/states";
import { usePoll } from "../../state/poll";
import { patch, url } from "../../state/url";
import { momentOf } from "../alerting/marks";
import { Asked, Beside, ClearFilter, FilterBox, ListPage, testOf } from "../alerting/shell";
import { keyOf, seriesOf } from "./Anomalies";
import { ExploreLink, Labels, pct } from "./pieces";
import { queryOf } from "./series";

const EVERY_MS = 30_000;
const DAY_MS = 86_400_000;

const signed = (v: number, unit: Unit) => `${v > 0 ? "+" : ""}${formatValue(v, unit)}`;
const unitFor = (s: { series: string; labels: Record<string, string> }): Unit => {
  const { query, unit } = queryOf(s.series, s.labels);
  return unit ?? guessUnit(query);
};

export function Drift() {
  const { q, open } = url.value;
  const asked = usePoll("trends", fetchTrends, EVERY_MS);
  const read = useMemo(() => testOf(q), [q]);
  const all = asked.data?.trends ?? [];
  const rows = all.filter((x) => read.test(x.labels, x.series));
  return (
    <ListPage bar={<FilterBox bad={read.bad} shown={rows.length} all={all.length} hint={t("ins.filter.hint")} />} beside={open ? <Detail id={open} of={all} /> : null}>
      <section class="panel list" aria-label={t("dr.list")}>
        <Asked of={asked}>
          {() =>
            rows.length === 0 ? (
              <Empty>
                <strong>{t(q ? "al.filter.none" : "dr.empty")}</strong>
                {q ? <ClearFilter /> : <span>{t("dr.empty.text")}</span>}
              </Empty>
            ) : (
              <div class="scroll" tabIndex={0}>
                <table class="table finds">
                  <thead>
                    <tr>
                      <th scope="col">{t("col.series")}</th>
                      <th scope="col" class="num">
                        {t("dr.col.hour")}
                      </th>
                      <th scope="col" class="num finds-more">
                        {t("dr.col.interval")}
                      </th>
                      <th scope="col" class="num">
                        {t("dr.col.share")}
                      </th>
                      <th scope="col" class="num finds-more">
                        {t("dr.col.since")}
                      </th>
                    </tr>
                  </thead>
                  <tbody>
                    {rows.map((x) => (
                      <Row key={keyOf(x)} of={x} open={open} />
                    ))}
                  </tbody>
                </table>
              </div>
            )
          }
        </Asked>
      </section>
    </ListPage>
  );
}

function Row({ of: x, open }: { of: TrendDoc; open: string }) {
  const key = keyOf(x);
  const unit = unitFor(x);
  return (
    <tr class={key === open ? "at" : ""}>
      <th scope="row" class="wrap">
        <Icon name={x.per_hour > 0 ? "up" : "down"} size={13} />{" "}
        <button type="button" class="plain strong" aria-expanded={key === open} onClick={() => patch({ open: key === open ? "" : key })}>
          {x.series}
        </button>{" "}
        <Labels labels={x.labels} />
      </th>
      <td class="num">{signed(x.per_hour, unit)}</td>
      <td class="num soft finds-more">
        {signed(x.interval[0], unit)} … {signed(x.interval[1], unit)}
      </td>
      <td class="num">{x.share === null ? "–" : `${x.share > 0 ? "+" : ""}${pct(x.share)}`}</td>
      <td class="num soft finds-more">{momentOf(x.since)}</td>
    </tr>
  );
}

function Detail({ id, of }: { id: string; of: TrendDoc[] }) {
  const s = seriesOf(id);
  if (!s) return null;
  const x = of.find((y) => keyOf(y) === id);
  const { query, unit } = queryOf(s.series, s.labels);
  const since = x ? Date.parse(x.since) : Number.NaN;
  const from = Number.isNaN(since) ? Date.now() - DAY_MS : since;
  const range = { from: String(from - (Date.now() - from) / 4), to: String(Date.now()) };
  const shades = Number.isNaN(since) ? [] : [{ from: since, to: Date.now() }];
  return (
    <Beside label={t("dr.detail", { name: s.series })} title={<span class="beside-name">{s.series}</span>} tools={<ExploreLink expr={query} range={url.value.range} />}>
      <Labels labels={s.labels} />
      <Frozen key={id} range={range} title={s.series} query={query} unit={unit} shades={shades} />
      <code class="expr mono">{query}</code>
    </Beside>
  );
}

/** The chart of the moment at which it was opened: a picture that is compared must not wander. */
function Frozen({ range, shades, title, query, unit }: { range: { from: string; to: string }; shades: { from: number; to: number }[]; title: string; query: string; unit: Unit | undefined }) {
  const first = useMemo(() => ({ range, shades }), [query]);
  return <QueryChart title={title} asks={[{ id: "d", expr: query }]} range={first.range} shades={first.shades} unit={unit} />;
}
