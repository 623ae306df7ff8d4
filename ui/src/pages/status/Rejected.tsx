// What was not taken, by reason, with what can be done about it; and the limits that are in force with how much is used.
import { fetchCardinality } from "../../api/status";
import { formatCount, formatValue } from "../../lib/format";
import { t } from "../../lib/text";
import { Icon } from "../../parts/Icon";
import { Empty } from "../../parts/states";
import { useFigures, lastValue } from "../../state/figures";
import { usePoll } from "../../state/poll";
import { Asked } from "../alerting/shell";

const REASONS = [
  ["too_old", 'plimsoll_store_refused_samples_total{reason="too_old"}'],
  ["too_new", 'plimsoll_store_refused_samples_total{reason="too_new"}'],
  ["labels", 'plimsoll_store_refused_samples_total{reason="labels"}'],
  ["series_limit", 'plimsoll_store_refused_samples_total{reason="series_limit"}'],
  ["shape", 'plimsoll_store_refused_samples_total{reason="shape"}'],
  ["duplicate", "plimsoll_store_duplicate_samples_total"],
  ["queue", "plimsoll_store_queue_full_total"],
  ["written", "plimsoll_serve_refused_samples_total"],
  ["histograms", "plimsoll_serve_skipped_histograms_total"],
  ["exemplars", "plimsoll_serve_skipped_exemplars_total"],
  ["connections", "plimsoll_serve_refused_connections_total"],
  ["queries", "plimsoll_serve_queries_refused_total"],
] as const;

const ASKS = REASONS.flatMap(([id, metric]) => [
  { id: `${id}.all`, expr: `sum(${metric})` },
  { id: `${id}.day`, expr: `sum(increase(${metric}[1d]))` },
]);

export function Rejected() {
  const asked = useFigures({ key: "rejected", asks: ASKS, spanMs: 60_000, points: 1, everyMs: 15_000 });
  return (
    <section class="panel" aria-label={t("st.rejected")}>
      <Asked of={asked}>
        {(of) => {
          const rows = REASONS.map(([id]) => ({ id, all: lastValue(of, `${id}.all`), day: lastValue(of, `${id}.day`) }));
          if (rows.every((r) => !Number.isFinite(r.all))) return <Empty>{t("st.p.own.off")}</Empty>;
          const any = rows.some((r) => r.all > 0);
          return (
            <>
              {any ? null : (
                <p class="up rejected-none">
                  <Icon name="ok" size={15} /> {t("st.r.none")}
                </p>
              )}
              <div class="stats" tabIndex={0}>
                <table class="table">
                  <caption class="sr-only">{t("st.r.samples")}</caption>
                  <thead>
                    <tr>
                      <th scope="col">{t("st.r.reason")}</th>
                      <th scope="col" class="num">
                        {t("st.r.day")}
                      </th>
                      <th scope="col" class="num">
                        {t("st.r.all")}
                      </th>
                      <th scope="col">{t("st.r.what")}</th>
                    </tr>
                  </thead>
                  <tbody>
                    {rows.map((r) => (
                      <tr key={r.id}>
                        <th scope="row" class="wrap">
                          {t(`st.r.${r.id}`)}
                        </th>
                        <td class={`num ${r.day > 0.5 ? "down" : ""}`}>{Number.isFinite(r.day) ? formatCount(Math.round(r.day)) : "–"}</td>
                        <td class="num">{Number.isFinite(r.all) ? formatCount(r.all) : "–"}</td>
                        <td class="soft">{t(`st.r.${r.id}.do`)}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            </>
          );
        }}
      </Asked>
    </section>
  );
}

export function Limits() {
  const asked = usePoll("limits", (signal) => fetchCardinality(1, signal), 15_000);
  return (
    <section class="panel" aria-label={t("st.limits")}>
      <Asked of={asked}>
        {(d) => (
          <div class="stats" tabIndex={0}>
            <table class="table">
              <caption class="sr-only">{t("st.limits")}</caption>
              <thead>
                <tr>
                  <th scope="col">{t("st.l.name")}</th>
                  <th scope="col">{t("st.l.used")}</th>
                  <th scope="col" class="num">
                    {t("st.l.max")}
                  </th>
                  <th scope="col" class="num">
                    {t("st.l.refused")}
                  </th>
                </tr>
              </thead>
              <tbody>
                {(d.limits ?? []).map((l) => (
                  <tr key={l.limit}>
                    <th scope="row" class="mono wrap">
                      {l.limit}
                    </th>
                    <td class="num">
                      {l.max > 0 ? (
                        <span class={`used used-${l.near ? "warning" : "ok"}`}>
                          <span class="used-rail" aria-hidden="true">
                            <span class="used-bar" style={{ width: `${Math.min(100, (l.used / l.max) * 100).toFixed(1)}%` }} />
                          </span>
                          {formatCount(l.used)} ({formatValue(l.used / l.max, "ratio")}) {l.near ? t("st.l.near") : ""}
                        </span>
                      ) : (
                        formatCount(l.used)
                      )}
                    </td>
                    <td class="num">{l.max > 0 ? formatCount(l.max) : t("st.l.none")}</td>
                    <td class={`num ${l.refused > 0 ? "down" : ""}`}>{formatCount(l.refused)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Asked>
    </section>
  );
}
