// The risk register: what may break, how likely within which time, and how bad that would be.
import { useMemo } from "preact/hooks";
import { fetchRisks, type RiskDoc } from "../../api/insight";
import { t } from "../../lib/text";
import { Empty } from "../../parts/states";
import { usePoll } from "../../state/poll";
import { follow, hrefOf, url } from "../../state/url";
import { Asked, ClearFilter, FilterBox, ListPage, testOf } from "../alerting/shell";
import { Bar, pct } from "./pieces";

const EVERY_MS = 30_000;
const WITHIN = ["hour", "day", "week", "month"] as const;
/** Left out where there is little room. */
const MORE = new Set<string>(["hour", "month"]);
/** From here on a chance is shown darker. */
const STEPS = [0.01, 0.1, 0.3, 0.6];

const chance = (r: RiskDoc, at: number): number => (Array.isArray(r.probability) ? (r.probability[at] ?? 0) : (r.probability[WITHIN[at] ?? "hour"] ?? 0));
const heat = (p: number) => STEPS.filter((s) => p >= s).length;

export function Risks() {
  const { q } = url.value;
  const asked = usePoll("risks", fetchRisks, EVERY_MS);
  const read = useMemo(() => testOf(q), [q]);
  const all = asked.data?.risks ?? [];
  const rows = all.filter((r) => read.test(r.labels, r.title, r.text, r.resource));
  return (
    <ListPage bar={<FilterBox bad={read.bad} shown={rows.length} all={all.length} hint={t("ins.filter.hint")} />}>
      <section class="panel list" aria-label={t("risk.list")}>
        <Asked of={asked}>
          {() =>
            rows.length === 0 ? (
              <Empty>
                <strong>{t(q ? "al.filter.none" : "risk.empty")}</strong>
                {q ? <ClearFilter /> : null}
              </Empty>
            ) : (
              <div class="scroll" tabIndex={0}>
                <table class="table finds">
                  <caption class="soft">{t("risk.note")}</caption>
                  <thead>
                    <tr>
                      <th scope="col">{t("risk.col.resource")}</th>
                      <th scope="col">{t("risk.col.score")}</th>
                      {WITHIN.map((w) => (
                        <th scope="col" class={`num ${MORE.has(w) ? "finds-more" : ""}`} key={w}>
                          {t(`risk.col.${w}`)}
                        </th>
                      ))}
                      <th scope="col" class="num finds-more">
                        {t("risk.col.impact")}
                      </th>
                    </tr>
                  </thead>
                  <tbody>
                    {rows.map((r) => (
                      <tr key={r.id}>
                        <th scope="row" class="wrap">
                          <a href={hrefOf("explore", { expr: r.query })} onClick={follow}>
                            {r.title || r.resource}
                          </a>
                          <span class="soft finds-text">{r.text}</span>
                        </th>
                        <td class="finds-score">
                          <Bar share={r.score} kind={r.score >= 0.5 ? "bar-hot" : ""} />
                          <span class="num">{r.score.toFixed(2)}</span>
                        </td>
                        {WITHIN.map((w, i) => (
                          <td key={w} class={`num heat heat-${heat(chance(r, i))} ${MORE.has(w) ? "finds-more" : ""}`}>
                            {pct(chance(r, i))}
                          </td>
                        ))}
                        <td class="num finds-more">{r.impact.toFixed(1)}</td>
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
