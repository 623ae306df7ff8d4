// The feed of findings: each a claim in one sentence, its evidence drawn, how sure it is, what it means, and a word of
// whoever reads it. One that is open shows all its evidence, what may have caused it, and what to do.
import { useMemo, useState } from "preact/hooks";
import { askAgain, fetchInsight, fetchInsights, fetchRecommendations, type InsightDoc, judgeInsight } from "../../api/insight";
import { formatCount, guessUnit } from "../../lib/format";
import { t, type TextKey } from "../../lib/text";
import { Icon } from "../../parts/Icon";
import { ReportMenu } from "../../parts/ReportMenu";
import { Empty, Loading } from "../../parts/states";
import { type Polled, usePoll } from "../../state/poll";
import { follow, hrefOf, patch, url } from "../../state/url";
import { useSending } from "../alerting/form";
import { ageOf, momentOf, wordOf } from "../alerting/marks";
import { Asked, Beside, Chips, ClearFilter, FilterBox, ListPage, Section, testOf } from "../alerting/shell";
import { Causes } from "./Causes";
import { Confidence, EvidenceChart, ExploreLink, Labels, rangeOfEvidence, TYPE_ICONS, useName, valueText } from "./pieces";

const EVERY_MS = 15_000;
/** Cards that are made at once; each has a chart. */
const CARDS = 20;
const STATES = ["new", "acknowledged", "dismissed", "expired"] as const;

export const typeName = (type: string) => wordOf("ins.type", type);
const spanOf = (i: InsightDoc) => ({ from: Date.parse(i.first_at), to: Math.max(Date.parse(i.last_at), Date.parse(i.evidence[0]?.to ?? i.last_at)) });

/** The time to look at for causes: around the first sight of it, within what the server takes. */
export function windowOf(i: InsightDoc): { from: number; to: number } {
  const first = Date.parse(i.first_at);
  return { from: first - 30 * 60_000, to: Math.min(Date.now(), Math.max(first + 10 * 60_000, Math.min(Date.parse(i.last_at), first + 3_600_000))) };
}

export function Feed() {
  const { show, q, open, params } = url.value;
  const asked = usePoll("insights", (signal) => fetchInsights("all", "", signal), EVERY_MS);
  const [many, setMany] = useState(CARDS);
  const state = show || "new";
  const type = params["type"] ?? "";
  const read = useMemo(() => testOf(q), [q]);
  const all = asked.data?.insights ?? [];
  const types = [...new Set(all.map((i) => i.type))].sort();
  const inType = all.filter((i) => !type || i.type === type);
  const rows = inType.filter((i) => i.state === state && read.test(i.labels, i.title, i.description, i.type));
  // Nobody has counted before there is an answer.
  const count = (s: string) => (asked.data ? inType.filter((i) => i.state === s).length : undefined);
  return (
    <ListPage
      tools={<ReportMenu id="weekly" />}
      bar={
        <>
          <Chips label={t("ins.state")} value={show} choices={STATES.map((s, i) => ({ value: i ? s : "", label: t(`ins.state.${s}`), count: count(s) }))} onPick={(s) => patch({ show: s })} />
          <label class="by">
            {t("ins.type")}
            <select class="input" value={type} onChange={(e) => patch({ params: { ...params, type: e.currentTarget.value } })}>
              <option value="">{t("ins.type.all")}</option>
              {[...new Set([...types, ...(type ? [type] : [])])].map((x) => (
                <option key={x} value={x}>
                  {typeName(x)}
                </option>
              ))}
            </select>
          </label>
          <FilterBox bad={read.bad} shown={rows.length} all={inType.filter((i) => i.state === state).length} hint={t("ins.filter.hint")} />
        </>
      }
      beside={open ? <Detail id={open} of={asked} /> : null}
    >
      <section class="feed" aria-label={t("nav.insights")} tabIndex={0}>
        <Asked of={asked}>
          {() =>
            rows.length === 0 ? (
              <div class="panel">
                <Empty>
                  <strong>{t(q ? "al.filter.none" : all.length ? "ins.empty.state" : "ins.empty")}</strong>
                  {q ? <ClearFilter /> : all.length ? null : <span>{t("ins.empty.text")}</span>}
                </Empty>
              </div>
            ) : (
              <>
                <ul class="cards">
                  {rows.slice(0, many).map((i) => (
                    <Card key={i.id} of={i} onChange={asked.again} />
                  ))}
                </ul>
                {rows.length > many ? (
                  <button type="button" class="button" onClick={() => setMany(many + CARDS)}>
                    {t("ins.more", { n: formatCount(Math.min(CARDS, rows.length - many)) })}
                  </button>
                ) : null}
              </>
            )
          }
        </Asked>
      </section>
    </ListPage>
  );
}

function Card({ of: i, onChange }: { of: InsightDoc; onChange: () => void }) {
  const first = i.evidence[0];
  return (
    <li class={`panel card card-${i.state} ${url.value.open === i.id ? "card-open" : ""}`}>
      <Head of={i} />
      <p class="card-text">{i.description}</p>
      {first ? <EvidenceChart of={first} title={i.title} shade={spanOf(i)} small /> : null}
      <Facts of={i} />
      <Words of={i} onChange={onChange}>
        <a class="button" href={hrefOf("insights", { ...url.value, open: i.id })} onClick={follow} aria-label={t("ins.open", { title: i.title })}>
          <Icon name="explain" size={15} />
          {t("ins.why")}
        </a>
      </Words>
    </li>
  );
}

const Head = ({ of: i }: { of: InsightDoc }) => (
  <header class="card-head">
    <span class={`badge badge-type type-${i.type}`}>
      <Icon name={TYPE_ICONS[i.type] ?? "info"} size={13} />
      {typeName(i.type)}
    </span>
    <h2>{i.title}</h2>
    <Confidence value={i.confidence} note={t("ins.confidence.note")} />
  </header>
);

const Facts = ({ of: i }: { of: InsightDoc }) => (
  <p class="card-facts">
    {i.impact?.text && i.impact.text !== i.description ? <strong>{i.impact.text}</strong> : null}
    <span class="soft">{t("ins.since", { at: momentOf(i.first_at) })}</span>
    <span class="soft">{t("ins.seen", { n: i.count, ago: ageOf(i.last_at) })}</span>
  </p>
);

function Words({ of: i, onChange, children }: { of: InsightDoc; onChange: () => void; children?: preact.ComponentChildren }) {
  const sending = useSending();
  const who = useName();
  const judge = (word: "acknowledge" | "dismiss") => who.withName((by) => sending.run(() => judgeInsight(i.id, word, by), onChange));
  const said = i.acknowledged ?? i.dismissed;
  return (
    <div class="acts card-acts">
      {said ? (
        <span class="soft card-said">
          <Icon name={i.acknowledged ? "useful" : "close"} size={14} />
          {t(i.acknowledged ? "ins.useful.by" : "ins.useless.by", { by: said.by })}
          {said.note ? `: ${said.note}` : ""}
        </span>
      ) : i.state === "new" ? (
        <>
          <button type="button" class="button" aria-busy={sending.busy} onClick={() => judge("acknowledge")}>
            <Icon name="useful" size={15} />
            {t("ins.useful")}
          </button>
          <button type="button" class="button" aria-busy={sending.busy} onClick={() => judge("dismiss")}>
            <Icon name="close" size={15} />
            {t("ins.useless")}
          </button>
        </>
      ) : null}
      {children}
      {who.ask}
      {sending.error ? (
        <span class="field-error" role="alert">
          {sending.error}
        </span>
      ) : null}
    </div>
  );
}

function Detail({ id, of }: { id: string; of: Polled<{ insights: InsightDoc[] }> }) {
  const known = of.data?.insights.find((i) => i.id === id);
  const alone = usePoll(`insight ${known ? "" : id}`, (signal) => (known ? Promise.resolve(known) : fetchInsight(id, signal)), Number.POSITIVE_INFINITY);
  const i = known ?? alone.data;
  if (!i)
    return (
      <Beside label={t("ins.detail", { title: id })} title={<span class="mono">{id}</span>}>
        {alone.busy || of.busy ? <Loading /> : <Empty>{t("ins.gone")}</Empty>}
      </Beside>
    );
  return <Open key={i.id} of={i} onChange={of.again} />;
}

function Open({ of: i, onChange }: { of: InsightDoc; onChange: () => void }) {
  const [again, setAgain] = useState<InsightDoc | null>(null);
  const sending = useSending();
  const advice = usePoll(`advice ${i.id}`, (signal) => (i.recommendations.length ? fetchRecommendations("", signal) : Promise.resolve({ recommendations: [], truncated: false })), Number.POSITIVE_INFINITY);
  const its = advice.data?.recommendations.filter((r) => i.recommendations.includes(r.id)) ?? [];
  const evidence = again?.evidence ?? i.evidence;
  const first = i.evidence[0];
  const window = useMemo(() => windowOf(i), [i.id]);
  return (
    <Beside
      label={t("ins.detail", { title: i.title })}
      title={
        <>
          <Icon name={TYPE_ICONS[i.type] ?? "info"} size={16} />
          <span class="beside-name">{i.title}</span>
          <Confidence value={i.confidence} note={t("ins.confidence.note")} />
        </>
      }
    >
      <p class="said">{i.description}</p>
      <Facts of={i} />
      <Words of={i} onChange={onChange}>
        {first ? <ExploreLink expr={first.query} range={rangeOfEvidence(first)} /> : null}
        {i.may_page ? <span class="badge">{t("ins.page")}</span> : null}
      </Words>
      {its.length > 0 ? (
        <Section title={t("ins.advice")}>
          <ul class="advice">
            {its.map((r) => (
              <li key={r.id}>
                <a href={hrefOf("recommendations", { open: r.id, show: r.state === "proposed" ? "" : r.state })} onClick={follow}>
                  {r.action}
                </a>
                <span class="soft"> {t(`rec.state.${r.state}` as TextKey)}</span>
              </li>
            ))}
          </ul>
        </Section>
      ) : null}
      <Section
        title={t("ins.evidence")}
        note={
          <button type="button" class="plain" aria-busy={sending.busy} onClick={() => sending.run(() => askAgain(i.id).then(setAgain), () => undefined)}>
            {t("ins.again")}
          </button>
        }
      >
        {sending.error ? <p class="field-error">{sending.error}</p> : null}
        {evidence.map((e, k) => (
          <figure class="evidence" key={`${e.query} ${k}`}>
            <figcaption>
              {e.text}
              <span class="soft num">
                {" "}
                {t("ins.evidence.value", { value: valueText(e.value, guessUnit(e.query)) })}
                {again ? `, ${t("ins.evidence.again", { value: valueText(e.again, guessUnit(e.query)) })}` : ""}
              </span>
            </figcaption>
            <EvidenceChart of={e} title={e.text || i.title} shade={spanOf(i)} />
            <code class="expr mono">{e.query}</code>
          </figure>
        ))}
      </Section>
      {first ? (
        <Section title={t("ins.causes")}>
          <Causes query={first.query} window={window} />
        </Section>
      ) : null}
      <Section title={t("ins.labels")}>
        <Labels labels={i.labels} />
      </Section>
    </Beside>
  );
}
