// Which rules make the most noise: episodes, pages a week, how long until somebody takes them and until they are over.
import { fetchStatistics } from "../../api/alerting";
import type { RuleStatistics } from "../../api/alertingTypes";
import { formatCount, formatDuration } from "../../lib/format";
import { formatMatcher } from "../../lib/matchers";
import { t } from "../../lib/text";
import { Icon } from "../../parts/Icon";
import { Empty } from "../../parts/states";
import { usePoll } from "../../state/poll";
import { patch, url } from "../../state/url";
import { spanNow } from "./History";
import { rate } from "./marks";
import { Asked, ClearFilter, FilterBox, ListPage, type testOf } from "./shell";

const REFRESH_MS = 30_000;
/** Rows beyond this are of rules that hardly ever fire. */
const ROWS_MAX = 500;

const seconds = (s: number | null | undefined) => (s === null || s === undefined ? "–" : formatDuration(s * 1000));
const nameOf = (s: RuleStatistics) => (typeof s.rule === "string" ? s.rule : (s.rule?.name ?? ""));
const placeOf = (s: RuleStatistics) => (typeof s.rule === "object" && s.rule ? [s.rule.group, s.rule.file].filter(Boolean).join(" · ") : "");

export function StatisticsView({ chips, read }: { chips: preact.JSX.Element; read: ReturnType<typeof testOf> }) {
  const { range } = url.value;
  const asked = usePoll(
    `statistics ${range.from} ${range.to}`,
    (signal) => {
      const { from, to } = spanNow();
      return fetchStatistics(from, to, signal);
    },
    REFRESH_MS,
  );
  const all = asked.data?.rules ?? [];
  const rows = all.filter((s) => read.test({ alertname: nameOf(s), ...(typeof s.rule === "object" && s.rule ? { group: s.rule.group, file: s.rule.file } : {}) }));
  const most = Math.max(1e-9, ...rows.map((r) => r.pages_per_week));
  return (
    <ListPage
      bar={
        <>
          <FilterBox bad={read.bad} shown={rows.length} all={all.length} hint={t("hi.statistics.hint")} />
          {chips}
        </>
      }
    >
      <section class="panel list" aria-label={t("hi.statistics")}>
        <Asked of={asked}>
          {({ totals }) =>
            rows.length === 0 ? (
              <Empty>
                <strong>{t(all.length ? "al.filter.none" : "hi.empty")}</strong>
                {all.length ? <ClearFilter /> : <span>{t("hi.empty.text")}</span>}
              </Empty>
            ) : (
              <div class="stats" tabIndex={0}>
                <dl class="then stats-totals">
                  <Total name={t("hi.episodes")} value={formatCount(totals.episodes ?? 0)} />
                  <Total name={t("bt.pages")} value={rate(totals.pages_per_week ?? 0)} />
                  <Total name={t("hi.total.mtta")} value={seconds(totals.mean_to_acknowledge_seconds)} />
                  <Total name={t("hi.total.mttr")} value={seconds(totals.mean_to_resolve_seconds)} />
                  <Total name={t("hi.total.firing")} value={seconds(totals.firing_seconds)} />
                </dl>
                <table class="table">
                  <thead>
                    <tr>
                      <th scope="col">{t("al.rule")}</th>
                      <th scope="col" class="num">
                        {t("hi.col.pages")}
                      </th>
                      <th scope="col" class="num">
                        {t("hi.episodes")}
                      </th>
                      <th scope="col" class="num">
                        {t("hi.col.firing")}
                      </th>
                      <th scope="col" class="num">
                        {t("hi.col.mtta")}
                      </th>
                      <th scope="col" class="num">
                        {t("hi.col.mttr")}
                      </th>
                    </tr>
                  </thead>
                  <tbody>
                    {rows.slice(0, ROWS_MAX).map((s) => (
                      <tr key={`${nameOf(s)} ${placeOf(s)}`}>
                        <th scope="row" class="wrap">
                          <button type="button" class="plain strong" title={t("hi.rule.episodes")} onClick={() => patch({ show: "", q: formatMatcher({ name: "alertname", value: nameOf(s), isRegex: false, isEqual: true }) })}>
                            {nameOf(s) || t("hi.posted")}
                          </button>
                          <span class="soft stats-place">{placeOf(s)}</span>
                          {s.flapping ? (
                            <span class="badge badge-flapping" title={t("hi.flapping.text")}>
                              <Icon name="warning" size={12} />
                              {t("hi.flapping")}
                            </span>
                          ) : null}
                        </th>
                        <td class="num">
                          <span class="cell-rail" aria-hidden="true">
                            <span class="cell-bar" style={{ width: `${((s.pages_per_week / most) * 100).toFixed(1)}%` }} />
                          </span>
                          {rate(s.pages_per_week)}
                        </td>
                        <td class="num">{formatCount(s.episodes)}</td>
                        <td class="num">{seconds(s.firing_seconds)}</td>
                        <td class="num">{seconds(s.mean_to_acknowledge_seconds)}</td>
                        <td class="num">{seconds(s.mean_to_resolve_seconds)}</td>
                      </tr>
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

const Total = ({ name, value }: { name: string; value: string }) => (
  <div>
    <dt>{name}</dt>
    <dd class="num">{value}</dd>
  </div>
);
