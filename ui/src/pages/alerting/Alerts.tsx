// Alerts: what fires and what is about to, dense, grouped, filtered, by keyboard; one of them open beside the list.
import { useMemo, useState } from "preact/hooks";
import { ALERTS_MAX, fetchAlerts, fetchIncidents } from "../../api/alerting";
import type { AlertDoc } from "../../api/alertingTypes";
import { formatCount } from "../../lib/format";
import { useNarrow } from "../../lib/media";
import { t } from "../../lib/text";
import { Icon } from "../../parts/Icon";
import { Empty, Loading } from "../../parts/states";
import { Cell, HeadCell, VirtualGrid } from "../../parts/VirtualGrid";
import { roomy, setRoomy } from "../../state/prefs";
import { POLL_MS, usePoll } from "../../state/poll";
import { follow, hrefOf, patch, url } from "../../state/url";
import { AcknowledgeDialog } from "./AcknowledgeDialog";
import { AlertDetail } from "./AlertDetail";
import { countsOf, GROUPINGS, type Group, type GroupBy, type Listed, list, type Row, rowKey, worstOf } from "./groups";
import { ageOf, AlertState, LabelText, SeverityMark, ValueText } from "./marks";
import { Asked, Chips, ClearFilter, FilterBox, ListPage, pickShow, testOf } from "./shell";
import { SilenceDialog } from "./SilenceDialog";
import { exactly } from "./silence";
import { labelsBut, nameOf, STANDINGS, standingOf, summaryOf } from "./standing";

/** Heights of rows, px: dense shows thirty and more on a screen of 900; telephones have two lines a row. */
const DENSE_PX = 22;
const ROOMY_PX = 32;
const NARROW_PX = 52;

export type Doing = { what: "acknowledge" | "silence"; alert: AlertDoc } | null;

export function Alerts() {
  const polled = usePoll("alerts", fetchAlerts);
  const { q, show, open } = url.value;
  const by: GroupBy = GROUPINGS.find((x) => x === url.value.by) ?? "name";
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  const [doing, setDoing] = useState<Doing>(null);
  const titles = useTitles(by === "incident");
  const { test, bad } = useMemo(() => testOf(q), [q]);
  const alerts = polled.data?.alerts ?? [];
  const whole = polled.data?.whole ?? false;
  const listed = useMemo(() => list(alerts, test, show, by, folded), [polled.data, test, show, by, folded]);
  const current = open ? alerts.find((a) => a.fingerprint === open) : undefined;
  const fold = (g: Group) => {
    const next = new Set(folded);
    if (!next.delete(g.key)) next.add(g.key);
    setFolded(next);
  };
  const onOpen = (r: Row) => (r.kind === "group" ? fold(r.group) : patch({ open: r.alert.fingerprint === open ? "" : r.alert.fingerprint }));
  const onKey = (e: KeyboardEvent, r: Row | undefined) => {
    const alert = r?.kind === "alert" ? r.alert : current;
    if (e.key === "Escape" && open) patch({ open: "" });
    else if (e.key === "a" && alert?.state === "firing") setDoing({ what: "acknowledge", alert });
    else if (e.key === "s" && alert) setDoing({ what: "silence", alert });
    else return false;
    return true;
  };
  const done = () => {
    setDoing(null);
    polled.again();
  };
  const chips = [
    { value: "", label: t("al.all"), count: whole ? listed.passed : undefined },
    ...STANDINGS.map((s) => ({ value: s, label: t(`al.${s}`), count: whole ? listed.counts[s] : undefined, kind: `chip-${s}` })),
  ];
  return (
    <ListPage
      tools={<Tools by={by} />}
      bar={
        <>
          <FilterBox bad={bad} {...(whole ? { shown: listed.passed, all: alerts.length } : {})} />
          <Chips label={t("al.show")} value={show} choices={chips} onPick={pickShow} />
        </>
      }
      beside={open && (whole || current) ? <AlertDetail key={open} fingerprint={open} alert={current} alerts={alerts} onDo={setDoing} onChange={polled.again} /> : null}
    >
      <section class="panel list" aria-label={t("nav.alerts")}>
        <Asked of={polled}>
          {(data) =>
            listed.rows.length === 0 && !whole ? (
              <Loading />
            ) : listed.rows.length === 0 ? (
              <NoAlerts any={alerts.length > 0} show={show} filtered={q !== "" && listed.passed === 0} />
            ) : (
              <>
                <List listed={listed} whole={whole} titles={titles} open={whole ? open : ""} onOpen={onOpen} onKey={onKey} onDo={setDoing} />
                {whole && data.total > alerts.length ? <p class="list-foot soft">{t("al.more", { n: formatCount(data.total - Math.min(alerts.length, ALERTS_MAX)) })}</p> : null}
              </>
            )
          }
        </Asked>
      </section>
      {doing?.what === "acknowledge" ? <AcknowledgeDialog alert={doing.alert} onClose={() => setDoing(null)} onDone={done} /> : null}
      {doing?.what === "silence" ? <SilenceDialog from={{ matchers: exactly(doing.alert.labels) }} onClose={() => setDoing(null)} onDone={done} /> : null}
    </ListPage>
  );
}

const Tools = ({ by }: { by: GroupBy }) => (
  <>
    <label class="by">
      <span class="soft">{t("al.by")}</span>
      <select class="input" aria-label={t("al.by")} value={by} onChange={(e) => patch({ by: e.currentTarget.value === "name" ? "" : e.currentTarget.value })}>
        {GROUPINGS.map((g) => (
          <option key={g} value={g}>
            {t(`al.by.${g}`)}
          </option>
        ))}
      </select>
    </label>
    <button type="button" class="button button-icon density" aria-label={t(roomy.value ? "al.dense" : "al.roomy")} title={t(roomy.value ? "al.dense" : "al.roomy")} aria-pressed={roomy.value} onClick={() => setRoomy(!roomy.value)}>
      <Icon name="group" />
    </button>
  </>
);

function NoAlerts({ any, show, filtered }: { any: boolean; show: string; filtered: boolean }) {
  if (filtered)
    return (
      <Empty>
        {t("al.filter.none")}
        <ClearFilter />
      </Empty>
    );
  if (any && show) return <Empty>{t("al.empty.show", { state: show })}</Empty>;
  return (
    <Empty>
      <strong>{t("over.alerts.empty")}</strong>
      <span>{t("al.empty.text")}</span>
      <a class="button" href={hrefOf("rules")} onClick={follow}>
        {t("al.empty.rules")}
      </a>
    </Empty>
  );
}

const Head = () => (
  <>
    <HeadCell>{t("al.col.severity")}</HeadCell>
    <HeadCell>{t("col.state")}</HeadCell>
    <HeadCell>{t("al.col.alert")}</HeadCell>
    <HeadCell class="cell-value">
      {t("col.value")}
    </HeadCell>
    <HeadCell class="cell-since">
      {t("al.col.since")}
    </HeadCell>
  </>
);

/** What incidents are called, when that is wanted. */
function useTitles(wanted: boolean): ReadonlyMap<string, string> {
  const { data } = usePoll(wanted ? "titles" : "", (signal) => (wanted ? fetchIncidents("open", signal) : Promise.resolve({ incidents: [] })), 3 * POLL_MS);
  return useMemo(() => new Map((data?.incidents ?? []).map((i) => [String(i.id), i.title])), [data]);
}

interface ListProps {
  listed: Listed;
  /** false while more are on their way: groups have no counts yet */
  whole: boolean;
  titles: ReadonlyMap<string, string>;
  open: string;
  onOpen: (r: Row) => void;
  onKey: (e: KeyboardEvent, r: Row | undefined) => boolean;
  onDo: (d: Doing) => void;
}

function List({ listed, whole, titles, open, onOpen, onKey, onDo }: ListProps) {
  const narrow = useNarrow();
  const rowPx = narrow ? NARROW_PX : roomy.value ? ROOMY_PX : DENSE_PX;
  return (
    <VirtualGrid kind="grid-alerts" version={titles} label={t("nav.alerts")} rows={listed.rows} rowPx={rowPx} keyOf={rowKey} open={open} onOpen={onOpen} onKey={onKey} head={narrow ? undefined : <Head />} classOf={(r) => (r.kind === "group" ? "row-group" : `row-alert row-${standingOf(r.alert)} ${r.inside ? "row-inside" : ""}`)}>
      {(r, hot) => (r.kind === "group" ? <GroupRow group={r.group} whole={whole} titles={titles} folded={r.folded} onFold={() => onOpen(r)} /> : <AlertRow row={r} hot={hot} onDo={onDo} />)}
    </VirtualGrid>
  );
}

function GroupRow({ group, whole, titles, folded, onFold }: { group: Group; whole: boolean; titles: ReadonlyMap<string, string>; folded: boolean; onFold: () => void }) {
  const by = url.value.by;
  const name = by === "incident" ? (group.key ? (titles.get(group.key) ?? t("al.incident", { id: group.key })) : t("al.incident.no")) : group.name;
  const common = labelsBut(group.alerts[0]?.labels ?? {}, new Set(Object.keys(group.alerts[0]?.labels ?? {}).filter((k) => !group.shared.has(k) || k === "severity")));
  return (
    <>
      <Cell class="cell-severity">
        <button type="button" class="fold" tabIndex={-1} aria-expanded={!folded} aria-label={t(folded ? "al.unfold" : "al.fold", { name })} onClick={onFold}>
          <Icon name="chevron" size={14} />
        </button>
        <SeverityMark severity={worstOf(group)} />
      </Cell>
      <Cell class="cell-group">
        <span class="strong">{name}</span>
        {(whole ? countsOf(group) : []).map(([s, n]) => (
          <span key={s} class={`count num count-${s}`}>
            {t(`al.n.${s}`, { n: formatCount(n) })}
          </span>
        ))}
        {whole && group.alerts.length > 1 ? (
          <span class="soft cell-labels mono">
            <LabelText labels={common} />
          </span>
        ) : null}
      </Cell>
    </>
  );
}

function AlertRow({ row, hot, onDo }: { row: Row & { kind: "alert" }; hot: boolean; onDo: (d: Doing) => void }) {
  const { alert: a, group, inside } = row;
  const named = !inside || url.value.by !== "";
  const labels = labelsBut(a.labels, new Set(["severity", ...(inside ? group.shared : [])]));
  const summary = summaryOf(a.annotations);
  return (
    <>
      <Cell class="cell-severity">
        <SeverityMark severity={a.severity} />
      </Cell>
      <Cell class="cell-state">
        <AlertState alert={a} />
      </Cell>
      <Cell class="cell-main" title={summary}>
        {named ? <span class="strong cell-name">{nameOf(a.labels)}</span> : null}
        <span class="mono cell-labels">
          <LabelText labels={labels} />
        </span>
        <span class="soft cell-summary">{summary}</span>
      </Cell>
      <Cell class="cell-value num">
        <ValueText value={a.value} expr={a.expr} {...(a.threshold === undefined ? {} : { threshold: a.threshold })} />
      </Cell>
      <Cell class="cell-since num">
        {ageOf(a.fired_at ?? a.active_at)}
      </Cell>
      {hot ? <Acts alert={a} onDo={onDo} /> : null}
    </>
  );
}


/** What can be done with the row that is pointed at, or has the cursor. */
const Acts = ({ alert: a, onDo }: { alert: AlertDoc; onDo: (d: Doing) => void }) => (
  <Cell class="row-acts">
    {standingOf(a) === "firing" ? (
      <button type="button" class="button button-icon" tabIndex={-1} aria-label={t("al.acknowledge")} title={`${t("al.acknowledge")} (a)`} onClick={() => onDo({ what: "acknowledge", alert: a })}>
        <Icon name="ok" size={14} />
      </button>
    ) : null}
    <button type="button" class="button button-icon" tabIndex={-1} aria-label={t("al.silence")} title={`${t("al.silence")} (s)`} onClick={() => onDo({ what: "silence", alert: a })}>
      <Icon name="mute" size={14} />
    </button>
  </Cell>
);
