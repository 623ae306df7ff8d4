// Rules: what is watched, whether it works, what it found; and for one rule what it would have done over the past.
import { useMemo } from "preact/hooks";
import { fetchHistory, fetchRules } from "../../api/alerting";
import { type EpisodeDoc, msOf, type RuleDoc, type RuleGroupDoc } from "../../api/alertingTypes";
import { formatCount, formatDuration, formatValue } from "../../lib/format";
import { useNarrow } from "../../lib/media";
import { t } from "../../lib/text";
import { Icon } from "../../parts/Icon";
import { Empty, Loading } from "../../parts/states";
import { Cell, HeadCell, VirtualGrid } from "../../parts/VirtualGrid";
import { POLL_MS, usePoll } from "../../state/poll";
import { follow, hrefOf, patch, url } from "../../state/url";
import { Fact } from "./AlertDetail";
import { Backtest } from "./Backtest";
import { Lasted } from "./History";
import { ageOf, LabelText, SeverityMark, StateMark, Time } from "./marks";
import { alertCounts, isShadow, listRules, RULE_SHOWS, type RuleRow, ruleState } from "./ruleRows";
import { Asked, Beside, Chips, ClearFilter, FilterBox, ListPage, pickShow, Section, testOf } from "./shell";
import { labelsBut, nameOf } from "./standing";

const ROW_PX = 26;
const NARROW_PX = 52;
/** Alerts of a rule that its page shows; the list has them all. */
const ALERTS_SHOWN = 20;
const EPISODES_SHOWN = 20;
/** Rules of one name share their past: so many are asked for to find those of one of them. */
const EPISODES_ASKED = 1000;
const MONTH_MS = 30 * 86_400_000;

export function Rules() {
  const polled = usePoll("rules", (signal) => fetchRules(signal), POLL_MS);
  const { q, open } = url.value;
  const show = RULE_SHOWS.find((s) => s === url.value.show) ?? "";
  const { test, bad } = useMemo(() => testOf(q), [q]);
  const listed = useMemo(() => listRules(polled.data ?? [], test, show), [polled.data, test, show]);
  const current = useMemo(() => (open ? listRules(polled.data ?? [], () => true, "").rows.find((r) => r.kind === "rule" && r.key === open) : undefined), [polled.data, open]);
  const onKey = (e: KeyboardEvent) => {
    if (e.key !== "Escape" || !open) return false;
    patch({ open: "" });
    return true;
  };
  return (
    <ListPage
      bar={
        <>
          <FilterBox bad={bad} shown={listed.counts[""]} all={listed.total} />
          <Chips label={t("ru.show")} value={show} choices={RULE_SHOWS.map((s) => ({ value: s, label: t(s === "" ? "ru.all" : `ru.${s}`), count: polled.data ? listed.counts[s] : undefined }))} onPick={pickShow} />
        </>
      }
      beside={open && polled.data ? current?.kind === "rule" ? <RuleDetail key={open} group={current.group} rule={current.rule} /> : <Gone /> : null}
    >
      <section class="panel list" aria-label={t("nav.rules")}>
        <Asked of={polled}>{(groups) => (listed.rows.length === 0 ? <NoRules any={groups.length > 0} /> : <List rows={listed.rows} open={open} onKey={onKey} />)}</Asked>
      </section>
    </ListPage>
  );
}

const Gone = () => (
  <Beside label={t("ru.detail", { name: "" })} title="">
    <Empty>{t("ru.gone")}</Empty>
  </Beside>
);

const NoRules = ({ any }: { any: boolean }) =>
  any ? (
    <Empty>
      {t("al.filter.none")}
      <ClearFilter />
    </Empty>
  ) : (
    <Empty>
      <strong>{t("ru.empty")}</strong>
      <span>{t("ru.empty.text")}</span>
    </Empty>
  );

const Head = () => (
  <>
    <HeadCell>{t("col.state")}</HeadCell>
    <HeadCell>{t("al.rule")}</HeadCell>
    <HeadCell class="cell-alerts">
      {t("nav.alerts")}
    </HeadCell>
    <HeadCell class="cell-last">
      {t("col.last")}
    </HeadCell>
    <HeadCell class="cell-took">
      {t("col.took")}
    </HeadCell>
  </>
);

function List({ rows, open, onKey }: { rows: RuleRow[]; open: string; onKey: (e: KeyboardEvent) => boolean }) {
  const narrow = useNarrow();
  return (
    <VirtualGrid kind="grid-rules" label={t("nav.rules")} rows={rows} rowPx={narrow ? NARROW_PX : ROW_PX} keyOf={(r) => r.key} open={open} onOpen={(r) => r.kind === "rule" && patch({ open: r.key === open ? "" : r.key })} onKey={onKey} head={narrow ? undefined : <Head />} classOf={(r) => (r.kind === "group" ? "row-group row-rulegroup" : "row-rule")}>
      {(r) => (r.kind === "group" ? <GroupCells group={r.group} shown={r.shown} /> : <RuleCells rule={r.rule} />)}
    </VirtualGrid>
  );
}

const GroupCells = ({ group, shown }: { group: RuleGroupDoc; shown: number }) => (
  <Cell class="cell-group">
    <span class="strong">{group.name}</span>
    <span class="soft">{group.file}</span>
    <span class="soft num">{t("ru.group", { d: formatDuration(group.interval * 1000), n: shown })}</span>
    <span class="soft num wide">{t("ru.group.took", { d: formatValue(group.evaluationTime, "seconds") })}</span>
  </Cell>
);

function RuleCells({ rule: r }: { rule: RuleDoc }) {
  const state = ruleState(r);
  const { firing, pending } = alertCounts(r);
  return (
    <>
      <Cell class="cell-state">
        <StateMark state={state} word={t(`ru.state.${state as "firing"}`)} />
      </Cell>
      <Cell class="cell-main" title={r.lastError || r.query}>
        <span class="strong cell-name">{r.name}</span>
        {isShadow(r) ? <Shadow /> : null}
        {r.kind ? <span class="badge badge-kind">{r.kind}</span> : null}
        <span class={`mono cell-labels ${r.lastError ? "field-error" : "soft"}`}>{r.lastError || r.query}</span>
      </Cell>
      <Cell class="cell-alerts num">
        {firing ? <span class="count count-firing">{t("al.n.firing", { n: formatCount(firing) })}</span> : null}
        {pending ? <span class="count count-pending">{t("al.n.pending", { n: formatCount(pending) })}</span> : null}
      </Cell>
      <Cell class="cell-last num">
        {r.health === "unknown" ? "–" : ageOf(r.lastEvaluation)}
      </Cell>
      <Cell class="cell-took num">
        {formatValue(r.evaluationTime, "seconds")}
      </Cell>
    </>
  );
}

const Shadow = () => (
  <span class="badge badge-shadow" title={t("ru.shadow.text")}>
    <Icon name="shadow" size={12} />
    {t("ru.shadow.badge")}
  </span>
);

function RuleDetail({ group, rule: r }: { group: RuleGroupDoc; rule: RuleDoc }) {
  const state = ruleState(r);
  const alerting = r.type === "alerting";
  const severity = r.labels?.["severity"] ?? "";
  return (
    <Beside
      label={t("ru.detail", { name: r.name })}
      title={
        <>
          {severity && !severity.includes("{{") ? <SeverityMark severity={severity} /> : null}
          <span class="beside-name">{r.name}</span>
          {isShadow(r) ? <Shadow /> : null}
          <StateMark state={state} word={t(`ru.state.${state as "firing"}`)} />
        </>
      }
    >
      {r.lastError ? (
        <div class="query-error">
          <Icon name="critical" size={16} />
          <div>
            <div class="strong">{t("ru.error")}</div>
            {r.lastError}
          </div>
        </div>
      ) : null}
      {isShadow(r) ? <p class="soft said">{t("ru.shadow.text")}</p> : null}
      {r.noData ? <p class="soft said">{t("ru.nodata")}</p> : null}
      <code class="mono expr">{r.query}</code>
      <div class="acts">
        <a class="button" href={hrefOf("explore", { expr: r.query })} onClick={follow}>
          <Icon name="explore" size={15} />
          {t("nav.explore")}
        </a>
        <a class="button" href={hrefOf("files", { open: group.file })} onClick={follow}>
          <Icon name="edit" size={15} />
          {t("ru.file.edit")}
        </a>
      </div>
      <dl class="facts">
        {alerting ? <Fact name={t("ru.for")}>{r.duration ? formatDuration(r.duration * 1000) : t("ru.for.no")}</Fact> : null}
        {alerting && r.keepFiringFor ? <Fact name={t("ru.keep")}>{formatDuration(r.keepFiringFor * 1000)}</Fact> : null}
        {r.kind ? <Fact name={t("al.kind")}>{r.kind}</Fact> : null}
        <Fact name={t("ru.every")}>{t("ru.every.d", { d: formatDuration(group.interval * 1000) })}</Fact>
        <Fact name={t("ru.last")}>{r.health === "unknown" ? "–" : t("ru.last.took", { ago: ageOf(r.lastEvaluation), d: formatValue(r.evaluationTime, "seconds") })}</Fact>
        <Fact name={t("ru.group.of")}>{group.name}</Fact>
        <Fact name={t("ru.file")}>{group.file}</Fact>
        {Object.keys(r.labels ?? {}).length ? (
          <Fact name={t("ru.labels")} wide>
            <span class="mono">
              <LabelText labels={Object.entries(r.labels ?? {})} />
            </span>
          </Fact>
        ) : null}
      </dl>
      {alerting ? (
        <>
          <AlertsNow rule={r} />
          <Backtest group={group.name} rule={r} />
          <Episodes group={group} rule={r} />
        </>
      ) : null}
      {Object.keys(r.annotations ?? {}).length ? (
        <Section title={t("ru.annotations")}>
          <dl class="texts">
            {Object.entries(r.annotations ?? {}).map(([k, v]) => (
              <div key={k}>
                <dt>{k}</dt>
                <dd>{v}</dd>
              </div>
            ))}
          </dl>
        </Section>
      ) : null}
    </Beside>
  );
}

function AlertsNow({ rule: r }: { rule: RuleDoc }) {
  const alerts = r.alerts ?? [];
  return (
    <Section
      title={t("ru.alerts")}
      note={
        alerts.length && !isShadow(r) ? (
          <a href={hrefOf("alerts", { q: `alertname=${r.name}` })} onClick={follow}>
            {t("ru.alerts.all")}
          </a>
        ) : null
      }
    >
      {alerts.length === 0 ? (
        <p class="soft">{t("ru.alerts.none")}</p>
      ) : (
        <ul class="earlier">
          {alerts.slice(0, ALERTS_SHOWN).map((a) => (
            <li key={JSON.stringify(a.labels)}>
              <StateMark state={a.state} word={t(`al.state.${a.state as "firing"}`)} />
              <span class="mono">
                <LabelText labels={labelsBut(a.labels, new Set(Object.keys(r.labels ?? {})))} />
              </span>
              <span class="soft num">{ageOf(a.activeAt)}</span>
            </li>
          ))}
          {alerts.length > ALERTS_SHOWN ? <li class="soft">{t("health.more", { n: formatCount(alerts.length - ALERTS_SHOWN) })}</li> : null}
        </ul>
      )}
    </Section>
  );
}

/** What it did, not what it would have done. */
function Episodes({ group, rule: r }: { group: RuleGroupDoc; rule: RuleDoc }) {
  const ask = (signal: AbortSignal) => fetchHistory({ rule: r.name, from: Date.now() - MONTH_MS, limit: EPISODES_ASKED }, signal);
  const asked = usePoll(`episodes ${group.file} ${group.name} ${r.name}`, ask, 6 * POLL_MS);
  if (!asked.data) return asked.error ? null : <Loading />;
  // Labels that are templates can have any value.
  const fixed = Object.entries(r.labels ?? {}).filter(([, v]) => !v.includes("{{"));
  const its = (e: EpisodeDoc) => typeof e.rule !== "object" || e.rule === null || (e.rule.group === group.name && e.rule.file === group.file);
  const own = asked.data.episodes.filter((e) => its(e) && fixed.every(([k, v]) => e.labels[k] === v)).slice(0, EPISODES_SHOWN);
  return (
    <Section title={t("hi.episodes")}>
      {own.length === 0 ? (
        <p class="soft">{t("ru.episodes.none")}</p>
      ) : (
        <ul class="earlier num">
          {own.map((e) => (
            <li key={e.episode}>
              <Time at={Number.isNaN(msOf(e.fired_at)) ? e.active_at : e.fired_at} />
              <span>
                <Lasted episode={e} />
              </span>
              <span class="mono soft">
                <LabelText labels={labelsBut(e.labels, new Set(Object.keys(r.labels ?? {}))).filter(([, v]) => v !== nameOf(e.labels))} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}
