// History: what fired, for how long, who took it, and which rules make the most noise.
import { useMemo } from "preact/hooks";
import { EPISODES_MAX, fetchExpressions, fetchHistory } from "../../api/alerting";
import { type EpisodeDoc, msOf, numberOf } from "../../api/alertingTypes";
import { formatCount, formatDuration, formatValue } from "../../lib/format";
import { useNarrow } from "../../lib/media";
import { t } from "../../lib/text";
import { resolveRange } from "../../lib/time";
import { Icon } from "../../parts/Icon";
import { Empty } from "../../parts/states";
import { Cell, HeadCell, VirtualGrid } from "../../parts/VirtualGrid";
import { usePoll } from "../../state/poll";
import { follow, hrefOf, patch, url } from "../../state/url";
import { AlertChart } from "./AlertChart";
import { Fact } from "./AlertDetail";
import { beat, LabelText, measureOf, SeverityMark, StateMark, Time } from "./marks";
import { Asked, Beside, Chips, ClearFilter, FilterBox, ListPage, pickShow, Section, testOf } from "./shell";
import { labelsBut, lengthOf, nameOf, ruleKey } from "./standing";
import { StatisticsView } from "./Statistics";
import { Steps } from "./Steps";

const ROW_PX = 24;
const NARROW_PX = 52;
const REFRESH_MS = 15_000;
/** Rules change seldom. */
const RULES_MS = 60_000;
const DAY_MS = 86_400_000;

/** The time range of the page, as milliseconds. */
export function spanNow(): { from: number; to: number } {
  const now = Date.now();
  return resolveRange(url.value.range, now) ?? { from: now - 7 * DAY_MS, to: now };
}

export function History() {
  const { show, q } = url.value;
  const statistics = show === "statistics";
  const views = [
    { value: "", label: t("hi.episodes") },
    { value: "statistics", label: t("hi.statistics") },
  ];
  const chips = <Chips label={t("hi.view")} value={statistics ? show : ""} choices={views} onPick={pickShow} />;
  const read = useMemo(() => testOf(q), [q]);
  return statistics ? <StatisticsView chips={chips} read={read} /> : <Episodes chips={chips} read={read} />;
}

function Episodes({ chips, read }: { chips: preact.JSX.Element; read: ReturnType<typeof testOf> }) {
  const { range, open, q } = url.value;
  const polled = usePoll(`history ${range.from} ${range.to}`, (signal) => fetchHistory({ ...spanNow(), limit: EPISODES_MAX }, signal), REFRESH_MS);
  const expressions = usePoll("expressions", fetchExpressions, RULES_MS).data;
  const exprOf = (e: EpisodeDoc) => (e.rule !== null && typeof e.rule === "object" ? (expressions?.get(`${e.rule.file}\n${e.rule.group}\n${e.rule.name}`) ?? "") : "");
  const all = polled.data?.episodes ?? [];
  const { test, bad } = read;
  const rows = useMemo(() => all.filter((e) => test(e.labels, typeof e.rule === "string" ? e.rule : e.rule?.name, e.acknowledged_by ?? "")), [polled.data, test]);
  const current = open ? (all.find((e) => String(e.episode) === open) ?? all.find((e) => e.fingerprint === open)) : undefined;
  const onKey = (e: KeyboardEvent) => {
    if (e.key !== "Escape" || !open) return false;
    patch({ open: "" });
    return true;
  };
  return (
    <ListPage
      bar={
        <>
          <FilterBox bad={bad} shown={rows.length} all={all.length} />
          {chips}
        </>
      }
      beside={current ? <Detail key={current.episode} episode={current} expr={exprOf(current)} /> : null}
    >
      <section class="panel list" aria-label={t("hi.episodes")}>
        <Asked of={polled}>
          {(data) =>
            rows.length === 0 ? (
              <Empty>
                <strong>{t(q && all.length ? "al.filter.none" : "hi.empty")}</strong>
                {q && all.length ? <ClearFilter /> : <span>{t("hi.empty.text")}</span>}
              </Empty>
            ) : (
              <>
                <List rows={rows} version={expressions} open={current ? String(current.episode) : ""} onKey={onKey} exprOf={exprOf} />
                {data.truncated ? <p class="list-foot soft">{t("hi.truncated", { n: formatCount(all.length) })}</p> : null}
              </>
            )
          }
        </Asked>
      </section>
    </ListPage>
  );
}

const Head = () => (
  <>
    <HeadCell>{t("hi.col.fired")}</HeadCell>
    <HeadCell>{t("al.col.severity")}</HeadCell>
    <HeadCell>{t("al.col.alert")}</HeadCell>
    <HeadCell class="cell-value">{t("hi.col.lasted")}</HeadCell>
    <HeadCell class="cell-acked">{t("al.acknowledged")}</HeadCell>
    <HeadCell class="cell-value cell-peak">{t("hi.col.peak")}</HeadCell>
    <HeadCell class="cell-value cell-told">{t("hi.col.told")}</HeadCell>
  </>
);

/** Who acknowledged it, and how long after it fired. */
function ackedText(e: EpisodeDoc): string {
  if (!e.acknowledged_at) return "";
  const after = msOf(e.acknowledged_at) - msOf(e.fired_at ?? e.active_at);
  return [e.acknowledged_by, Number.isNaN(after) ? "" : t("hi.after", { d: formatDuration(Math.max(0, after)) })].filter(Boolean).join(", ");
}

export function Lasted({ episode: e }: { episode: EpisodeDoc }) {
  const ms = lengthOf(e, beat());
  if (ms === null) return <span class="soft">{t("hi.never")}</span>;
  if (e.resolved_at) return <>{formatDuration(ms)}</>;
  return <span class="goes-on">{t("hi.goes.on.for", { d: formatDuration(ms) })}</span>;
}

function List({ rows, version, open, onKey, exprOf }: { rows: EpisodeDoc[]; version: unknown; open: string; onKey: (e: KeyboardEvent) => boolean; exprOf: (e: EpisodeDoc) => string }) {
  const narrow = useNarrow();
  return (
    <VirtualGrid kind="grid-history" version={version} label={t("hi.episodes")} rows={rows} rowPx={narrow ? NARROW_PX : ROW_PX} keyOf={(e) => String(e.episode)} open={open} onOpen={(e) => patch({ open: String(e.episode) === open ? "" : String(e.episode) })} onKey={onKey} head={narrow ? undefined : <Head />} classOf={() => "row-episode"}>
      {(e) => (
        <>
          <Cell class="cell-fired">
            <Time at={e.fired_at ?? e.active_at} />
          </Cell>
          <Cell class="cell-severity">
            <SeverityMark severity={e.severity} />
          </Cell>
          <Cell class="cell-main">
            <span class="strong cell-name">{nameOf(e.labels)}</span>
            <span class="mono cell-labels">
              <LabelText labels={labelsBut(e.labels, new Set(["severity"]))} />
            </span>
          </Cell>
          <Cell class="cell-value cell-lasted num">
            <Lasted episode={e} />
          </Cell>
          <Cell class="cell-acked num">{ackedText(e)}</Cell>
          <Cell class="cell-value cell-peak num">{formatValue(numberOf(e.peak), measureOf(exprOf(e)).unit)}</Cell>
          <Cell class="cell-value cell-told num">{formatCount(e.notifications)}</Cell>
        </>
      )}
    </VirtualGrid>
  );
}

function Detail({ episode: e, expr }: { episode: EpisodeDoc; expr: string }) {
  const name = nameOf(e.labels);
  const rule = typeof e.rule === "object" ? e.rule : null;
  const { unit } = measureOf(expr, e.threshold);
  return (
    <Beside
      label={t("hi.detail", { name })}
      title={
        <>
          <SeverityMark severity={e.severity} />
          <span class="beside-name">{name}</span>
          <StateMark state={e.resolved_at ? "resolved" : "firing"} word={t(e.resolved_at ? "al.state.resolved" : "al.state.firing")} />
        </>
      }
    >
      {e.title && e.title !== name ? <p class="said">{e.title}</p> : null}
      <div class="acts">
        {e.resolved_at ? null : (
          <a class="button" href={hrefOf("alerts", { open: e.fingerprint })} onClick={follow}>
            <Icon name="alerts" size={15} />
            {t("hi.alert")}
          </a>
        )}
        {rule ? (
          <a class="button" href={hrefOf("rules", { open: ruleKey(rule) })} onClick={follow}>
            <Icon name="rules" size={15} />
            {t("al.rule")}
          </a>
        ) : null}
        {e.incident ? (
          <a class="button" href={hrefOf("incidents", { open: String(e.incident), show: "all" })} onClick={follow}>
            <Icon name="group" size={15} />
            {t("hi.incident")}
          </a>
        ) : null}
      </div>
      {expr ? <AlertChart expr={expr} {...(e.threshold === undefined ? {} : { threshold: e.threshold })} labels={e.labels} began={msOf(e.active_at)} {...(e.resolved_at ? { ended: msOf(e.resolved_at) } : {})} /> : null}
      <dl class="facts">
        <Fact name={t("al.began")}>
          <Time at={e.active_at} />
        </Fact>
        <Fact name={t("hi.col.fired")}>
          <Time at={e.fired_at} />
        </Fact>
        <Fact name={t("in.resolved")}>
          <Time at={e.resolved_at} />
        </Fact>
        <Fact name={t("hi.col.lasted")}>
          <span class="num">
            <Lasted episode={e} />
          </span>
        </Fact>
        {e.acknowledged_at ? <Fact name={t("al.acknowledged")}>{ackedText(e)}</Fact> : null}
        <Fact name={t("hi.col.peak")}>
          <span class="num">{formatValue(numberOf(e.peak), unit)}</span>
        </Fact>
        <Fact name={t("hi.col.told")}>
          <span class="num">{formatCount(e.notifications)}</span>
        </Fact>
      </dl>
      <Section title={t("al.timeline")}>
        <Steps episode={e} unit={unit} />
      </Section>
      <Section title={t("al.labels")}>
        <ul class="labels">
          {labelsBut(e.labels, new Set()).map(([k, v]) => (
            <li key={k} class="label-button mono">
              <span class="label-name">{k}=</span>
              {v}
            </li>
          ))}
        </ul>
      </Section>
    </Beside>
  );
}
