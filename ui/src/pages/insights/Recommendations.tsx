// What to do: recommendations with the evidence behind them, through their life from proposed to verified or reverted, and
// what came of them.
import { useMemo, useState } from "preact/hooks";
import { decide, type Decision, fetchRecommendations, type RecommendationDoc, type RecommendationState } from "../../api/insight";
import { guessUnit } from "../../lib/format";
import { t } from "../../lib/text";
import { Icon } from "../../parts/Icon";
import { Empty, Loading } from "../../parts/states";
import { usePoll } from "../../state/poll";
import { follow, hrefOf, patch, url } from "../../state/url";
import { useSending } from "../alerting/form";
import { momentOf } from "../alerting/marks";
import { Asked, Beside, Chips, ClearFilter, FilterBox, ListPage, Section, testOf } from "../alerting/shell";
import { Confidence, EvidenceChart, ExploreLink, useName, valueText } from "./pieces";

const EVERY_MS = 15_000;
const STATES: RecommendationState[] = ["proposed", "accepted", "applied", "verified", "reverted", "dismissed"];

/** What follows from each state; the first is what is done most. */
const NEXT: Record<RecommendationState, Decision[]> = {
  proposed: ["accept", "apply", "dismiss"],
  accepted: ["apply", "dismiss"],
  applied: ["verify", "revert"],
  verified: ["revert"],
  reverted: [],
  dismissed: [],
};

export function Recommendations() {
  const { show, q, open } = url.value;
  const asked = usePoll("recommendations", (signal) => fetchRecommendations("", signal), EVERY_MS);
  const state = show || "proposed";
  const read = useMemo(() => testOf(q), [q]);
  const all = asked.data?.recommendations ?? [];
  const its = all.filter((r) => r.state === state);
  const rows = its.filter((r) => read.test({}, r.action, r.rule, r.expected_effect));
  return (
    <ListPage
      bar={
        <>
          <Chips label={t("rec.state")} value={show} choices={STATES.map((s, i) => ({ value: i ? s : "", label: t(`rec.state.${s}`), count: asked.data ? all.filter((r) => r.state === s).length : undefined }))} onPick={(s) => patch({ show: s })} />
          <FilterBox bad={read.bad} shown={rows.length} all={its.length} hint={t("ins.filter.hint")} />
        </>
      }
      beside={open ? <Detail id={open} all={asked.data ? all : null} onChange={asked.again} /> : null}
    >
      <section class="feed" aria-label={t("nav.recommendations")} tabIndex={0}>
        <Asked of={asked}>
          {() =>
            rows.length === 0 ? (
              <div class="panel">
                <Empty>
                  <strong>{t(q ? "al.filter.none" : "rec.empty")}</strong>
                  {q ? <ClearFilter /> : <span>{t("rec.empty.text")}</span>}
                </Empty>
              </div>
            ) : (
              <ul class="cards">
                {rows.map((r) => (
                  <li key={r.id} class={`panel card ${r.id === open ? "card-open" : ""}`}>
                    <header class="card-head">
                      <span class="badge">
                        <Icon name="insights" size={13} />
                        {t(`rec.state.${r.state}`)}
                      </span>
                      <h2>
                        <a class="card-link" href={hrefOf("recommendations", { ...url.value, open: r.id })} onClick={follow}>
                          {r.action}
                        </a>
                      </h2>
                      <Confidence value={r.confidence} />
                    </header>
                    <p class="card-facts">
                      <span>{t("rec.effect", { effect: r.expected_effect })}</span>
                      <span class="soft">{t("ins.since", { at: momentOf(r.at) })}</span>
                    </p>
                    <Outcome of={r} />
                    <Acts of={r} onChange={asked.again} />
                  </li>
                ))}
              </ul>
            )
          }
        </Asked>
      </section>
    </ListPage>
  );
}

function Acts({ of: r, onChange }: { of: RecommendationDoc; onChange: () => void }) {
  const sending = useSending();
  const who = useName();
  const next = NEXT[r.state] ?? [];
  if (next.length === 0) return null;
  return (
    <div class="acts card-acts">
      {next.map((to, i) => (
        <button type="button" key={to} class={`button ${i === 0 ? "button-main" : ""}`} aria-busy={sending.busy} onClick={() => who.withName((by) => sending.run(() => decide(r.id, to, by), onChange))}>
          {t(`rec.do.${to}`)}
        </button>
      ))}
      {who.ask}
      {sending.error ? (
        <span class="field-error" role="alert">
          {sending.error}
        </span>
      ) : null}
    </div>
  );
}

function Outcome({ of: r }: { of: RecommendationDoc }) {
  if (!r.outcome) return null;
  const unit = guessUnit(r.verify.query);
  return (
    <p class={`outcome ${r.outcome.holds ? "outcome-good" : "outcome-bad"}`}>
      <Icon name={r.outcome.holds ? "ok" : "warning"} size={15} />
      {t(r.outcome.holds ? "rec.outcome.holds" : "rec.outcome.fails", { before: valueText(r.outcome.before, unit), after: valueText(r.outcome.after, unit) })}
    </p>
  );
}

function Detail({ id, all, onChange }: { id: string; all: RecommendationDoc[] | null; onChange: () => void }) {
  const r = all?.find((x) => x.id === id);
  const [opened] = useState(Date.now);
  if (!r)
    return (
      <Beside label={t("rec.detail")} title={<span class="mono">{id}</span>}>
        {all ? <Empty>{t("rec.gone")}</Empty> : <Loading />}
      </Beside>
    );
  const applied = r.history.find((h) => h.to === "applied");
  return (
    <Beside label={t("rec.detail")} title={<span class="beside-name">{r.action}</span>}>
      <p class="said">{t("rec.effect", { effect: r.expected_effect })}</p>
      <Outcome of={r} />
      <Acts of={r} onChange={onChange} />
      <Section title={t("rec.check")}>
        <code class="expr mono">
          {r.verify.query} {r.verify.condition}
        </code>
        {r.verify_at ? <p class="soft num">{t("rec.check.at", { at: momentOf(r.verify_at) })}</p> : null}
      </Section>
      <Section title={t("ins.evidence")}>
        {r.evidence.map((e, k) => (
          <figure class="evidence" key={`${e.query} ${k}`}>
            <figcaption>{e.text}</figcaption>
            <EvidenceChart of={applied ? { ...e, to: new Date(opened).toISOString() } : e} title={e.text} {...(applied ? { shade: { from: Date.parse(applied.at), to: opened } } : {})} />
            <code class="expr mono">{e.query}</code>
          </figure>
        ))}
      </Section>
      {r.look_at ? (
        <Section title={t("rec.look")}>
          <code class="expr mono">{r.look_at}</code>
          <ExploreLink expr={r.look_at} />
        </Section>
      ) : null}
      <p>
        <a href={hrefOf("insights", { open: r.insight })} onClick={follow}>
          {t("rec.insight")}
        </a>
      </p>
      {r.history.length > 0 ? (
        <Section title={t("rec.history")}>
          <ol class="steps">
            {r.history.map((h) => (
              <li key={`${h.at} ${h.to}`} class={`step step-${h.to === "verified" ? "resolved" : "pending"}`}>
                <span class="num soft">{momentOf(h.at)}</span>
                <span>
                  {t(`rec.state.${h.to as RecommendationState}`)}, {h.by}
                  {h.note ? `: ${h.note}` : ""}
                </span>
              </li>
            ))}
          </ol>
        </Section>
      ) : null}
    </Beside>
  );
}
