// Where the series come from: metrics with the most series, labels with the most values, and which labels of one metric
// make its series.
import { fetchSeries } from "../../api/glance";
import { fetchCardinality, type Named } from "../../api/status";
import { formatCount, formatValue } from "../../lib/format";
import { t } from "../../lib/text";
import { Empty } from "../../parts/states";
import { usePoll } from "../../state/poll";
import { follow, hrefOf, patch, url } from "../../state/url";
import { Asked, FilterBox } from "../alerting/shell";
import { valuesOf } from "./found";

const ROWS_MAX = 100;
/** Series of one metric that are looked at. */
const SERIES_MAX = 20_000;

export function CardinalityView() {
  const { q, open } = url.value;
  const asked = usePoll("cardinality", (signal) => fetchCardinality(ROWS_MAX, signal), 30_000);
  const word = q.trim().toLowerCase();
  const passed = (all: Named[] | undefined) => (all ?? []).filter((x) => x.name.toLowerCase().includes(word));
  return (
    <>
      <div class="listpage-bar">
        <FilterBox bad="" hint={t("explore.metrics.filter")} />
      </div>
      <Asked of={asked}>
        {(d) => (
          <div class="status-three">
            <Bars title={t("st.d.metrics")} note={t("st.d.total", { n: formatCount(d.headStats.numSeries) })} rows={passed(d.seriesCountByMetricName)} all={d.headStats.numSeries} open={open} onOpen={(name) => patch({ open: name === open ? "" : name })} />
            <MetricLabels name={open} />
            <Bars title={t("st.d.labels")} rows={passed(d.labelValueCountByLabelName)} />
            {d.seriesCountBySource?.length ? <Bars title={t("st.d.sources")} rows={passed(d.seriesCountBySource)} all={d.headStats.numSeries} /> : null}
          </div>
        )}
      </Asked>
    </>
  );
}

interface BarsProps {
  title: string;
  note?: string;
  rows: Named[];
  /** what a row is a part of */
  all?: number;
  open?: string;
  onOpen?: (name: string) => void;
}

const Bars = ({ title, note, rows, all, open, onOpen }: BarsProps) => {
  const most = Math.max(1, ...rows.map((r) => r.value));
  return (
    <section class="panel bars" aria-label={title}>
      <header class="panel-head">
        <h2>{title}</h2>
        {note ? <span class="soft num">{note}</span> : null}
      </header>
      {rows.length === 0 ? (
        <Empty>{t("al.filter.none")}</Empty>
      ) : (
        <div class="bars-body" tabIndex={0}>
          <table class="table">
            <tbody>
              {rows.map((r) => (
                <tr key={r.name} class={open === r.name ? "bars-open" : ""}>
                  <th scope="row" class="mono wrap">
                    {onOpen ? (
                      <button type="button" class="plain" aria-expanded={open === r.name} title={t("st.d.open", { name: r.name })} onClick={() => onOpen(r.name)}>
                        {r.name}
                      </button>
                    ) : (
                      r.name
                    )}
                  </th>
                  <td class="num bars-cell" title={all ? t("st.d.share", { v: formatValue(r.value / all, "ratio") }) : undefined}>
                    <span class="cell-rail" aria-hidden="true">
                      <span class="cell-bar" style={{ width: `${((r.value / most) * 100).toFixed(1)}%` }} />
                    </span>
                    {formatCount(r.value)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
};

function MetricLabels({ name }: { name: string }) {
  const asked = usePoll(`labels ${name}`, async (signal) => (name ? valuesOf(await fetchSeries(`{__name__=${JSON.stringify(name)}}`, SERIES_MAX, signal)) : []), Number.POSITIVE_INFINITY);
  if (!name)
    return (
      <section class="panel bars">
        <Empty>{t("st.d.values.text")}</Empty>
      </section>
    );
  return (
    <Asked of={asked}>
      {(rows) => (
        <div class="bars-labels">
          <Bars title={t("st.d.values", { name })} rows={rows} />
          <p>
            <a class="button" href={hrefOf("explore", { expr: rows[0] ? `topk(20, count by (${rows[0].name}) ({__name__=${JSON.stringify(name)}}))` : name, tab: "table" })} onClick={follow}>
              {t("st.t.explore")}
            </a>
          </p>
        </div>
      )}
    </Asked>
  );
}
