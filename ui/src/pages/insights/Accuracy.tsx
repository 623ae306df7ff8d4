// How good analysis is: graded forecasts beside the naive guess, and how far confidence can be trusted.
import { type BinDoc, fetchInsights, fetchScoreboard, type HorizonDoc, type ScoredDoc } from "../../api/insight";
import { formatCount, formatDuration, formatValue, guessUnit } from "../../lib/format";
import { t } from "../../lib/text";
import { Icon } from "../../parts/Icon";
import { Empty } from "../../parts/states";
import { usePoll } from "../../state/poll";
import { follow, hrefOf } from "../../state/url";
import { momentOf } from "../alerting/marks";
import { Asked, ListPage, Section } from "../alerting/shell";
import { typeName } from "./Feed";
import { Bar, pct } from "./pieces";
import { type Grade, gradesOf } from "./score";

const EVERY_MS = 60_000;
/** Errors above twice the naive one fill the bar. */
const ERROR_FULL = 2;

export function Accuracy() {
  const asked = usePoll("scoreboard", fetchScoreboard, EVERY_MS);
  const insights = usePoll("reliability", (signal) => fetchInsights("all", "", signal), EVERY_MS);
  return (
    <ListPage>
      <div class="scroll accuracy" tabIndex={0}>
        <section class="panel" aria-label={t("ac.models")}>
          <Asked of={asked}>
            {({ forecasts, level }) => {
              const grades = gradesOf(forecasts);
              return (
                <div class="accuracy-part">
                  <h2>{t("ac.models")}</h2>
                  <p class="soft">{t("ac.note", { level: pct(level ?? 0.95) })}</p>
                  {grades.every((g) => g.n === 0) ? (
                    <Empty>
                      <strong>{t("ac.empty")}</strong>
                      <span>{t("ac.empty.text", { n: forecasts.length })}</span>
                    </Empty>
                  ) : (
                    <Grades of={grades} level={level ?? 0.95} />
                  )}
                  {forecasts.length > 0 ? <Series of={forecasts} level={level ?? 0.95} /> : null}
                </div>
              );
            }}
          </Asked>
        </section>
        <section class="panel" aria-label={t("ac.reliability")}>
          <Asked of={insights}>{({ reliability }) => <Reliability of={reliability ?? {}} />}</Asked>
        </section>
      </div>
    </ListPage>
  );
}

const Coverage = ({ value, level }: { value: number; level: number }) =>
  Number.isNaN(value) ? (
    <span class="soft">–</span>
  ) : (
    <>
      <Bar share={value} mark={level} />
      <span class="num">{pct(value)}</span>
    </>
  );

const Mistake = ({ value }: { value: number }) =>
  Number.isNaN(value) ? (
    <span class="soft">–</span>
  ) : (
    <>
      <Bar share={value / ERROR_FULL} mark={1 / ERROR_FULL} kind={value > 1 ? "bar-hot" : ""} />
      <span class="num">{value.toFixed(2)}</span>
      <span class={`mark ${value > 1 ? "mark-warning" : "mark-good"}`}>
        <Icon name={value > 1 ? "warning" : "ok"} size={13} />
        <span class="finds-more">{t(value > 1 ? "ac.worse" : "ac.better")}</span>
      </span>
    </>
  );

const Heads = ({ first }: { first: "ac.col.model" | "col.series" }) => (
  <thead>
    <tr>
      <th scope="col">{t(first)}</th>
      <th scope="col" class="num">
        {t("ac.col.horizon")}
      </th>
      <th scope="col" class="num">
        {t("ac.col.graded")}
      </th>
      <th scope="col">{t("ac.col.coverage")}</th>
      <th scope="col">{t("ac.col.error")}</th>
      <th scope="col" class="num finds-more">
        {t("ac.col.next")}
      </th>
    </tr>
  </thead>
);

const Grades = ({ of, level }: { of: Grade[]; level: number }) => (
  <table class="table finds">
    <Heads first="ac.col.model" />
    <tbody>
      {of.map((g) => (
        <tr key={`${g.model} ${g.seconds}`}>
          <th scope="row">{g.model}</th>
          <td class="num">{formatDuration(g.seconds * 1000)}</td>
          <td class="num">{formatCount(g.n)}</td>
          <td class="finds-score">
            <Coverage value={g.coverage} level={level} />
          </td>
          <td class="finds-score">
            <Mistake value={g.error} />
          </td>
          <td class="num soft finds-more">{t("ac.waiting", { n: formatCount(g.waiting) })}</td>
        </tr>
      ))}
    </tbody>
  </table>
);

const NOTHING: HorizonDoc = { seconds: 0, n: 0, coverage: null, error: null };

const Series = ({ of, level }: { of: ScoredDoc[]; level: number }) => (
  <Section title={t("ac.series")}>
    <table class="table finds">
      <Heads first="col.series" />
      <tbody>
        {of.map((f) => {
          const rows = f.horizons.length > 0 ? f.horizons : [NOTHING];
          return rows.map((h, i) => (
            <tr key={`${f.id} ${h.seconds}`}>
              {i === 0 ? (
                <th scope="rowgroup" rowSpan={rows.length} class="wrap">
                  <a href={hrefOf("explore", { expr: f.query, forecast: true })} onClick={follow}>
                    {f.series}
                  </a>
                  <span class="soft finds-text">{f.model}</span>
                </th>
              ) : null}
              <td class="num">{h.seconds ? formatDuration(h.seconds * 1000) : "–"}</td>
              <td class="num">{formatCount(h.n)}</td>
              <td class="finds-score">
                <Coverage value={h.coverage ?? Number.NaN} level={level} />
              </td>
              <td class="finds-score">
                <Mistake value={h.error ?? Number.NaN} />
                {h.mean_error == null || h.naive_error == null ? null : <span class="soft num finds-more">{t("ac.errors", { mean: formatValue(h.mean_error, guessUnit(f.query)), naive: formatValue(h.naive_error, guessUnit(f.query)) })}</span>}
              </td>
              <td class="num soft finds-more">{h.next ? momentOf(h.next.due) : "–"}</td>
            </tr>
          ));
        })}
      </tbody>
    </table>
  </Section>
);

/** A diagram for each type that was judged: what was claimed against what was right. */
function Reliability({ of }: { of: Record<string, BinDoc[]> }) {
  const judged = Object.entries(of).filter(([, bins]) => bins.some((b) => b.right + b.wrong > 0));
  return (
    <div class="accuracy-part">
      <h2>{t("ac.reliability")}</h2>
      <p class="soft">{t("ac.reliability.note")}</p>
      {judged.length === 0 ? <p>{t("ac.reliability.none")}</p> : null}
      <ul class="diagrams">
        {judged.map(([type, bins]) => (
          <Diagram key={type} type={type} bins={bins.filter((b) => b.right + b.wrong > 0)} />
        ))}
      </ul>
    </div>
  );
}

const SIDE = 120;

function Diagram({ type, bins }: { type: string; bins: BinDoc[] }) {
  const said = bins.map((b) => t("ac.reliability.bin", { claimed: pct(b.claimed), right: formatCount(b.right), n: formatCount(b.right + b.wrong) })).join("; ");
  return (
    <li class="diagram">
      <h3>{typeName(type)}</h3>
      <svg viewBox={`-4 -4 ${SIDE + 8} ${SIDE + 8}`} width={SIDE} height={SIDE} role="img" aria-label={t("ac.reliability.aria", { type: typeName(type), bins: said })}>
        <rect width={SIDE} height={SIDE} class="diagram-box" />
        <path d={`M0 ${SIDE}L${SIDE} 0`} class="diagram-line" />
        {bins.map((b) => (
          <circle key={b.claimed} cx={b.claimed * SIDE} cy={(1 - b.right / (b.right + b.wrong)) * SIDE} r={3 + Math.min(6, Math.sqrt(b.right + b.wrong))} class="diagram-dot" />
        ))}
      </svg>
      <span class="soft">{said}</span>
    </li>
  );
}
