// One alert: what it says, how it got here, who hears of it, and what mutes it.
import type { ComponentChildren } from "preact";
import { fetchEvidence, fetchHistory, fetchSilences, takeBack } from "../../api/alerting";
import { type AlertDoc, msOf, numberOf } from "../../api/alertingTypes";
import { formatDateTime, formatValue } from "../../lib/format";
import { withMatcher } from "../../lib/matchers";
import { t } from "../../lib/text";
import { Icon } from "../../parts/Icon";
import { Empty, Loading } from "../../parts/states";
import { userName } from "../../state/prefs";
import { usePoll } from "../../state/poll";
import { follow, hrefOf, patch, url, zone } from "../../state/url";
import { AlertChart } from "./AlertChart";
import type { Doing } from "./Alerts";
import { useSending } from "./form";
import { Lasted } from "./History";
import { ageOf, AlertState, measureOf, SeverityMark, Time, ValueText } from "./marks";
import { Beside, Section } from "./shell";
import { labelsBut, nameOf, ruleKey, standingOf, summaryOf } from "./standing";
import { Steps } from "./Steps";

/** Episodes of one alert that are asked for. */
const EPISODES = 20;
/** What changes seldom is asked for seldom. */
const SLOW_MS = 30_000;

interface Props {
  fingerprint: string;
  alert: AlertDoc | undefined;
  /** all of them, to name those that inhibit it */
  alerts: AlertDoc[];
  onDo: (d: Doing) => void;
  onChange: () => void;
}

export function AlertDetail({ fingerprint, alert: a, alerts, onDo, onChange }: Props) {
  const sending = useSending();
  if (!a)
    return (
      <Beside label={t("al.detail", { name: fingerprint })} title={<span class="mono">{fingerprint}</span>}>
        <Empty>
          {t("al.gone")}
          <a class="button" href={hrefOf("history", { open: fingerprint })} onClick={follow}>
            {t("al.gone.history")}
          </a>
        </Empty>
      </Beside>
    );
  const standing = standingOf(a);
  const summary = summaryOf(a.annotations);
  const description = a.annotations["description"] ?? "";
  const runbook = a.annotations["runbook_url"] ?? a.annotations["runbook"] ?? "";
  return (
    <Beside
      label={t("al.detail", { name: nameOf(a.labels) })}
      title={
        <>
          <SeverityMark severity={a.severity} />
          <span class="beside-name">{nameOf(a.labels)}</span>
          <AlertState alert={a} />
        </>
      }
    >
      {summary ? <p class="said">{summary}</p> : null}
      {description && description !== summary ? <p class="soft said">{description}</p> : null}
      <div class="acts">
        {a.acknowledged ? (
          <button type="button" class="button" aria-busy={sending.busy} onClick={() => sending.run(() => takeBack(a.fingerprint, userName.value), onChange)}>
            <Icon name="ok" size={15} />
            {t("al.takeback")}
          </button>
        ) : standing !== "pending" ? (
          <button type="button" class="button button-main" title="a" onClick={() => onDo({ what: "acknowledge", alert: a })}>
            <Icon name="ok" size={15} />
            {t("al.acknowledge")}
          </button>
        ) : null}
        <button type="button" class="button" title="s" onClick={() => onDo({ what: "silence", alert: a })}>
          <Icon name="mute" size={15} />
          {t("al.silence")}
        </button>
        <Outside href={runbook} label={t("al.runbook")} />
        {a.expr ? (
          <a class="button" href={hrefOf("explore", { expr: a.expr })} onClick={follow}>
            <Icon name="explore" size={15} />
            {t("nav.explore")}
          </a>
        ) : null}
        {a.rule ? (
          <a class="button" href={hrefOf("rules", { open: ruleKey(a.rule) })} onClick={follow}>
            <Icon name="rules" size={15} />
            {t("al.rule")}
          </a>
        ) : null}
        {a.incident !== null && a.incident !== undefined ? (
          <a class="button" href={hrefOf("incidents", { open: String(a.incident) })} onClick={follow}>
            <Icon name="group" size={15} />
            {t("hi.incident")}
          </a>
        ) : null}
      </div>
      {sending.error ? <p class="field-error">{sending.error}</p> : null}
      {a.expr ? <AlertChart expr={a.expr} {...(a.threshold === undefined ? {} : { threshold: a.threshold })} labels={a.labels} began={msOf(a.active_at)} /> : <p class="soft">{t("al.chart.posted")}</p>}
      <dl class="facts">
        {a.expr ? (
          <Fact name={t("col.value")}>
            <span class="num strong">
              <ValueText value={a.value} expr={a.expr} {...(a.threshold === undefined ? {} : { threshold: a.threshold })} />
            </span>
          </Fact>
        ) : null}
        <Fact name={t("al.began")}>
          <Time at={a.active_at} /> <span class="soft">{t("al.since", { d: ageOf(a.active_at) })}</span>
        </Fact>
        {a.fired_at ? (
          <Fact name={t("al.fired")}>
            <Time at={a.fired_at} /> <span class="soft">{t("al.since", { d: ageOf(a.fired_at) })}</span>
          </Fact>
        ) : null}
        {a.acknowledged ? (
          <Fact name={t("al.acknowledged")}>
            {t("al.acked.by", { by: a.acknowledged.by, ago: ageOf(a.acknowledged.at) })}
            {a.acknowledged.note ? <q class="note">{a.acknowledged.note}</q> : null}
          </Fact>
        ) : null}
        <Fact name={t("nav.receivers")}>{a.receivers.some(Boolean) ? a.receivers.filter(Boolean).join(", ") : <span class="soft">{t("al.receivers.none")}</span>}</Fact>
        {a.kind ? <Fact name={t("al.kind")}>{a.kind}</Fact> : null}
        {a.expr ? (
          <Fact name={t("al.expr")} wide>
            <code class="mono expr">{a.expr}</code>
          </Fact>
        ) : null}
      </dl>
      <EvidencePart alert={a} />
      <Mutes alert={a} alerts={alerts} />
      <History fingerprint={a.fingerprint} expr={a.expr} />
      <Section title={t("al.labels")}>
        <ul class="labels">
          {labelsBut(a.labels, new Set()).map(([k, v]) => (
            <li key={k}>
              <button type="button" class="label-button mono" title={t("al.label.filter", { label: `${k}=${v}` })} onClick={() => patch({ q: withMatcher(url.value.q, k, v) })}>
                <span class="label-name">{k}=</span>
                {v}
              </button>
            </li>
          ))}
        </ul>
      </Section>
    </Beside>
  );
}

export const Fact = ({ name, wide, children }: { name: string; wide?: boolean; children: ComponentChildren }) => (
  <div class={wide ? "fact-wide" : ""}>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
);

/** A link that leaves this server; only of the kinds that a browser may follow. */
function Outside({ href, label }: { href: string; label: string }) {
  if (!/^https?:\/\//i.test(href)) return null;
  return (
    <a class="button" href={href} target="_blank" rel="noreferrer">
      <Icon name="book" size={15} />
      {label}
    </a>
  );
}

function EvidencePart({ alert: a }: { alert: AlertDoc }) {
  const { data } = usePoll(`evidence ${a.fingerprint}`, (signal) => fetchEvidence(a.fingerprint, signal), SLOW_MS);
  if (!data) return null;
  const { unit } = measureOf(a.expr, a.threshold);
  // Alerts of other programs have no values.
  const rows: [string, string][] = a.expr
    ? [
        [t("al.evidence.now"), formatValue(numberOf(data.value ?? a.value), unit)],
        [t("al.evidence.day"), formatValue(numberOf(data.day_ago), unit)],
        [t("al.evidence.week"), formatValue(numberOf(data.week_ago), unit)],
      ]
    : [];
  if (data.fired_times_30d !== null && data.fired_times_30d !== undefined) rows.push([t("al.evidence.fired"), t("al.evidence.times", { n: data.fired_times_30d })]);
  return (
    <Section title={t("al.evidence")}>
      <dl class="then">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd class="num">{value}</dd>
          </div>
        ))}
      </dl>
      {data.forecast ? <p>{data.forecast}</p> : null}
      {data.causes?.length || data.changes?.length ? (
        <ul class="mutes">
          {data.causes.map((c) => (
            <li key={c.text}>
              <span class="soft num">{formatValue(c.score, "ratio")}</span>
              {c.text}
            </li>
          ))}
          {data.changes.map((c) => (
            <li key={`${c.at} ${c.what}`}>
              <Time at={c.at} />
              {c.what}
            </li>
          ))}
        </ul>
      ) : null}
    </Section>
  );
}

function Mutes({ alert: a, alerts }: { alert: AlertDoc; alerts: AlertDoc[] }) {
  const silenced = a.silenced_by ?? [];
  const { data } = usePoll(silenced.length ? "silences" : "", (signal) => (silenced.length ? fetchSilences(signal) : Promise.resolve([])), SLOW_MS);
  const inhibitors = (a.inhibited_by ?? []).map((f) => alerts.find((x) => x.fingerprint === f) ?? f);
  if (silenced.length === 0 && inhibitors.length === 0) return <Section title={t("al.mutes")}>{a.acknowledged ? <p>{t("al.mutes.acked")}</p> : <p class="soft">{t(a.receivers.some(Boolean) ? "al.mutes.none" : "al.mutes.nobody")}</p>}</Section>;
  return (
    <Section title={t("al.mutes")}>
      <ul class="mutes">
        {silenced.map((id) => {
          const s = data?.find((x) => x.id === id);
          return (
            <li key={id}>
              <span class="mutes-icon">
                <Icon name="mute" size={14} />
              </span>
              <div>
                <a href={hrefOf("silences", { open: id })} onClick={follow}>
                  {t("al.mutes.silence", { id: id.slice(0, 8), by: s?.createdBy ?? "…", until: s ? formatDateTime(Date.parse(s.endsAt), zone.value) : "…" })}
                </a>
                {s?.comment ? <q class="note">{s.comment}</q> : null}
              </div>
            </li>
          );
        })}
        {inhibitors.map((x) => {
          const fingerprint = typeof x === "string" ? x : x.fingerprint;
          return (
            <li key={fingerprint}>
              <span class="mutes-icon">
                <Icon name="mute" size={14} />
              </span>
              <a href={hrefOf("alerts", { open: fingerprint })} onClick={follow}>
                {t("al.mutes.inhibited", { name: typeof x === "string" ? x : nameOf(x.labels) })}
              </a>
            </li>
          );
        })}
      </ul>
    </Section>
  );
}

function History({ fingerprint, expr }: { fingerprint: string; expr: string }) {
  const asked = usePoll(`history ${fingerprint}`, (signal) => fetchHistory({ fingerprint, limit: EPISODES }, signal), SLOW_MS);
  if (!asked.data) return asked.error ? null : <Loading />;
  const [now, ...earlier] = asked.data.episodes;
  const { unit } = measureOf(expr);
  return (
    <>
      <Section title={t("al.timeline")}>{now ? <Steps episode={now} unit={unit} /> : <p class="soft">{t("al.timeline.none")}</p>}</Section>
      <Section title={t("al.earlier")}>
        {earlier.length === 0 ? (
          <p class="soft">{t("al.earlier.none")}</p>
        ) : (
          <ul class="earlier num">
            {earlier.map((e) => (
              <li key={e.episode}>
                <Time at={e.fired_at ?? e.active_at} />
                <span>
                  <Lasted episode={e} />
                </span>
                <span class="soft">{`${t("hi.col.peak")} ${formatValue(numberOf(e.peak), unit)}`}</span>
              </li>
            ))}
          </ul>
        )}
      </Section>
    </>
  );
}
