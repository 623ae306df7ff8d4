// Overview: is this host fine, what is it doing now, how full is it, and what is heading for trouble.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { AlertRow, OverviewDoc, Reason } from "../api/types";
import { formatCount, formatDuration, formatValue } from "../lib/format";
import { formatMatcher } from "../lib/matchers";
import { t, type TextKey } from "../lib/text";
import { Icon, type IconName } from "../parts/Icon";
import { LoadLine } from "../parts/LoadLine";
import { Panel, type PanelSpec } from "../parts/Panel";
import { Empty, Failed, Loading } from "../parts/states";
import { clock, stale } from "../state/connection";
import { overview, retryOverview } from "../state/overview";
import { follow, hrefOf } from "../state/url";

const HOST = 'job="host"';
const PANELS: PanelSpec[] = [
  {
    id: "cpu",
    title: t("over.cpu"),
    note: t("over.cpu.note"),
    unit: "ratio",
    stacked: true,
    order: ["user", "system", "iowait", "steal", "softirq", "irq", "nice"],
    asks: [{ id: "cpu", expr: `avg by (mode) (rate(node_cpu_seconds_total{${HOST},mode!="idle"}[1m]))` }],
  },
  {
    id: "memory",
    title: t("over.memory"),
    note: t("over.memory.note"),
    unit: "bytes",
    area: true,
    asks: [
      { id: "used", name: t("over.memory.used"), expr: `node_memory_MemTotal_bytes{${HOST}} - node_memory_MemAvailable_bytes{${HOST}}` },
      { id: "total", name: t("over.memory.total"), reference: true, expr: `node_memory_MemTotal_bytes{${HOST}}` },
    ],
  },
  {
    id: "disk",
    title: t("over.disk"),
    note: t("over.disk.note"),
    unit: "bytes/s",
    area: true,
    asks: [
      { id: "read", name: t("over.disk.read"), expr: `sum(rate(node_disk_read_bytes_total{${HOST}}[1m]))` },
      { id: "written", name: t("over.disk.written"), expr: `sum(rate(node_disk_written_bytes_total{${HOST}}[1m]))` },
    ],
  },
  {
    id: "net",
    title: t("over.net"),
    note: t("over.net.note"),
    unit: "bytes/s",
    area: true,
    asks: [
      { id: "in", name: t("over.net.in"), expr: `sum(rate(node_network_receive_bytes_total{${HOST},device!="lo"}[1m]))` },
      { id: "out", name: t("over.net.out"), expr: `sum(rate(node_network_transmit_bytes_total{${HOST},device!="lo"}[1m]))` },
    ],
  },
];

const FIRST_MINUTE_MS = 60_000;
/** The analysis gives no score in its first quarter of an hour, and full ones only after this time. */
const LEARN_MS = 2.5 * 3_600_000;
const upFor = (doc: OverviewDoc | null) => (doc ? doc.now - doc.started_at : 0);

type Later = typeof import("./overview/Parts");

/** How long the first document may keep the rest waiting. */
const LATER_MS = 1_000;

/** What arrives after the first picture; null until then, and for good when it does not come. */
function useLater(): Later | null {
  const [later, setLater] = useState<Later | null>(null);
  const first = overview.value.doc !== null;
  useEffect(() => {
    // After the frame that the document made.
    const timer = setTimeout(() => import("./overview/Parts").then(setLater, () => {}), first ? 50 : LATER_MS);
    return () => clearTimeout(timer);
  }, [first]);
  return later;
}

export function Overview() {
  const { doc, error } = overview.value;
  const later = useLater();
  return (
    <div class={`overview ${stale.value ? "is-stale" : ""}`}>
      <h1 class="sr-only">{t("nav.overview")}</h1>
      {doc ? <Health doc={doc} /> : <div class="panel health">{error ? <Failed message={error} onRetry={retryOverview} /> : <Loading />}</div>}
      <section class="panel over-now" aria-label={t("over.now")}>
        {later ? <later.Now /> : <Loading />}
      </section>
      <div class="over-charts">
        {PANELS.map((p) => (
          <Panel key={p.id} spec={p} />
        ))}
      </div>
      <div class="over-side">
        <Block title={t("over.resources")} rows={doc?.resources} empty={t(upFor(doc) < FIRST_MINUTE_MS ? "over.resources.soon" : "over.resources.empty")} kind="loads">
          {(all) => 
            all.map((r) => (
              <a key={r.id} class="load-link" href={hrefOf("capacity", { open: r.id })} onClick={follow}>
                <LoadLine resource={r} />
              </a>
            ))
          }
        </Block>
        <Block title={t("over.alerts")} rows={doc?.alerts} empty={t("over.alerts.empty")} count={doc ? doc.alerts.length + beyond(doc.alerts) : 0}>
          {(all) => [...alike(all, (a) => `${a.severity} ${a.state} ${a.name}`)].map(([key, same]) => <Alert key={key} same={same} now={doc?.now ?? 0} />)}
        </Block>
      </div>
      <div class="over-more">
        {later ? <later.Below /> : null}
        <Block title={t("over.processes")} rows={doc?.processes} note={t("over.processes.note")} empty={t("over.processes.empty")}>
          {(all) => <Processes rows={all} />}
        </Block>
        <Block title={t("over.anomalies")} rows={doc?.anomalies} empty={t(upFor(doc) < LEARN_MS ? "over.anomalies.soon" : "over.anomalies.empty")}>
          {(all) => <Anomalies rows={all} />}
        </Block>
        <Block title={t("over.targets")} rows={doc?.targets} empty={t("over.targets.empty")}>
          {(all) => <Targets rows={all} />}
        </Block>
      </div>
      {doc?.notes?.length ? <p class="notes soft">{doc.notes.join(" · ")}</p> : null}
    </div>
  );
}

/** Rows in their order, those with one key together. */
function alike<T>(rows: T[], key: (row: T) => string): Map<string, T[]> {
  const out = new Map<string, T[]>();
  for (const r of rows) out.set(key(r), [...(out.get(key(r)) ?? []), r]);
  return out;
}

/** How many more there are that the document leaves out. */
const beyond = (rows: readonly { more?: number }[]) => rows.reduce((n, r) => n + (r.more ?? 0), 0);

interface BlockProps<T> {
  title: string;
  rows: T[] | undefined;
  empty: string;
  kind?: string;
  note?: string;
  count?: number;
  children: (rows: T[]) => ComponentChildren;
}

function Block<T>({ title, rows, empty, kind = "", note, count, children }: BlockProps<T>) {
  return (
    <section class={`panel block ${kind}`} aria-label={title}>
      <header class="panel-head">
        <h2>{title}</h2>
        {note ? <span class="soft panel-note">{note}</span> : null}
        {count ? <span class="badge">{formatCount(count)}</span> : null}
      </header>
      <div class="block-body">{!rows ? overview.value.error ? <Empty>{t("over.unknown")}</Empty> : <Loading /> : rows.length === 0 ? <Empty>{empty}</Empty> : children(rows)}</div>
    </section>
  );
}

const LATE_MS = 15_000;
/** More would push the charts off the screen; the alerts beside them are complete. */
const REASONS_MAX = 4;
const HEALTH_ICON: Record<string, IconName> = { healthy: "ok", warning: "warning", critical: "critical", learning: "learning" };

function Health({ doc }: { doc: OverviewDoc }) {
  const state = doc.health?.state ?? "learning";
  // A rule that fires for many is one reason, and the worst speaks for all.
  const worst = [...(doc.health?.reasons ?? [])].sort((a, b) => Number(b.severity === "critical") - Number(a.severity === "critical"));
  const reasons = [...alike(worst, (r) => r.link || r.text).values()];
  const age = doc.collected_ago_ms === null ? null : doc.collected_ago_ms + Math.max(0, clock.value - overview.value.at);
  return (
    <section class={`panel health health-${state}`} aria-label={t("health.title")}>
      <div class="health-state">
        <Icon name={HEALTH_ICON[state] ?? "learning"} size={26} />
        <div>
          <div class="health-word">{t(`health.${state}` as TextKey)}</div>
          <div class="soft health-host">{doc.hostname}</div>
        </div>
      </div>
      <div class="health-reasons">
        {reasons.length === 0 ? (
          <Quiet doc={doc} state={state} />
        ) : (
          <ul>
            {reasons.slice(0, REASONS_MAX).map(([r, ...more]) =>
              r ? (
                <li key={r.link || r.text}>
                  <ReasonLine reason={r} more={more.length + beyond([r, ...more])} alert={doc.alerts.find((a) => (a.summary || a.name) === r.text)} />
                </li>
              ) : null,
            )}
            {reasons.length > REASONS_MAX ? <li class="soft">{t("health.more", { n: reasons.length - REASONS_MAX })}</li> : null}
          </ul>
        )}
      </div>
      <ul class="health-facts soft num">
        <li class={age !== null && age > LATE_MS ? "late" : ""}>{age === null ? t("health.collected.none") : t("health.collected", { ago: formatDuration(age) })}</li>
        <li>{t("health.series", { n: formatCount(doc.series) })}</li>
        <li>{t("health.rate", { n: formatCount(doc.samples_per_second) })}</li>
        <li>{t("health.up", { d: formatDuration(doc.now - doc.started_at) })}</li>
        <li>{t("health.version", { v: doc.version })}</li>
        <li>
          <a href={hrefOf("reports", { open: "daily", range: { from: "", to: "" } })} onClick={follow}>
            {t("report.daily")}
          </a>
        </li>
      </ul>
    </section>
  );
}

/** Without a reason to worry: whether one may be on its way. */
function Quiet({ doc, state }: { doc: OverviewDoc; state: string }) {
  const pending = doc.alerts.filter((a) => a.state === "pending").length;
  if (state === "learning" || pending === 0) return <span class="soft">{t(state === "learning" ? "health.learning.text" : "health.fine")}</span>;
  return (
    <a class="reason" href={hrefOf("alerts")} onClick={follow}>
      <Icon name="clock" size={15} />
      {t("health.pending", { n: pending })}
    </a>
  );
}

const SEVERITIES = ["critical", "warning", "info"] as const;
const severityOf = (word: string) => SEVERITIES.find((x) => x === word) ?? "warning";
const alertsOf = (name: string) => hrefOf("alerts", { q: formatMatcher({ name: "alertname", value: name, isRegex: false, isEqual: true }) });

function ReasonLine({ reason: r, more, alert }: { reason: Reason; more: number; alert: AlertRow | undefined }) {
  const severity = severityOf(alert?.severity ?? r.severity);
  const inside = r.link?.startsWith("/") && !r.link.startsWith("//");
  const href = alert ? alertsOf(alert.name) : inside ? r.link : undefined;
  return (
    <a class={`reason reason-${severity}`} href={href} onClick={href ? follow : undefined}>
      <Icon name={severity} size={15} />
      <span class="sr-only">{severity}: </span>
      {r.text} {more ? t("health.more", { n: more }) : ""}
    </a>
  );
}

/** A long name may be broken where a word begins, not in the middle of one. */
const humps = (name: string) => name.split(/(?=[A-Z][a-z])|(?<=_)/).flatMap((part, i) => (i ? [<wbr key={i} />, part] : [part]));

/** Alerts of one rule in one state. */
function Alert({ same, now }: { same: AlertRow[]; now: number }) {
  const a = same[0] as AlertRow;
  const severity = severityOf(a.severity);
  const since = Math.min(...same.map((x) => x.since));
  const n = same.length + beyond(same);
  return (
    <article class={`alert alert-${severity} alert-${a.state}`}>
      <Icon name={severity} size={16} />
      <div class="alert-text">
        <div>
          <a class="strong alert-name" href={alertsOf(a.name)} onClick={follow}>
            {humps(a.name)}
          </a>{" "}
          <span class="soft">{a.severity}</span>
        </div>
        <div class="alert-summary">
          {a.summary} {n > 1 && a.summary ? <span class="soft">{t("health.more", { n: n - 1 })}</span> : null}
        </div>
      </div>
      <div class="alert-state num">
        <div>
          {n > 1 ? formatCount(n) : ""} {t(a.state === "firing" ? "alert.firing" : "alert.pending")}
        </div>
        <div class="soft">{t("alert.since", { d: formatDuration(Math.max(0, now - since)) })}</div>
      </div>
    </article>
  );
}

/** Shorter bars are dust. */
const BAR_PART_MIN = 0.03;
const CellBar = ({ part, hot }: { part: number; hot?: boolean }) =>
  part < BAR_PART_MIN ? null : (
    <span class="cell-rail" aria-hidden="true">
      <span class={`cell-bar ${hot ? "cell-bar-hot" : ""}`} style={{ width: `${(Math.min(1, part) * 100).toFixed(1)}%` }} />
    </span>
  );

const Processes = ({ rows }: { rows: OverviewDoc["processes"] }) => (
  <table class="table">
    <thead>
      <tr>
        <th scope="col">{t("col.name")}</th>
        <th scope="col" class="num">
          {t("col.cpu")}
        </th>
        <th scope="col" class="num">
          {t("col.memory")}
        </th>
      </tr>
    </thead>
    <tbody>
      {rows.map((p) => (
        <tr key={p.name}>
          <th scope="row" class="clip">
            {p.name}
          </th>
          <td class="num">
            <CellBar part={p.cpu_ratio} />
            {(p.cpu_ratio * 100).toFixed(1)} %
          </td>
          <td class="num">{p.rss_bytes > 0 ? formatValue(p.rss_bytes, "bytes") : "–"}</td>
        </tr>
      ))}
    </tbody>
  </table>
);

const esc = (v: string) => JSON.stringify(v);
const selector = (name: string, labels: Record<string, string>) => {
  const inner = Object.entries(labels ?? {})
    .filter(([k]) => k !== "__name__")
    .map(([k, v]) => `${k}=${esc(v)}`)
    .join(",");
  return inner ? `${name}{${inner}}` : name;
};

const Anomalies = ({ rows }: { rows: OverviewDoc["anomalies"] }) => (
  <table class="table">
    <thead>
      <tr>
        <th scope="col">{t("col.series")}</th>
        <th scope="col" class="num">
          {t("col.score")}
        </th>
      </tr>
    </thead>
    <tbody>
      {rows.map((a) => {
        const name = selector(a.series, a.labels);
        return (
          <tr key={name}>
            <th scope="row" class="wrap">
              <a href={hrefOf("explore", { expr: /^[a-zA-Z_:][\w:]*$/.test(a.series) ? name : a.series })} onClick={follow}>
                {name}
              </a>
            </th>
            <td class="num">
              <CellBar part={a.score} hot />
              {a.score.toFixed(2)}
            </td>
          </tr>
        );
      })}
    </tbody>
  </table>
);

const Targets = ({ rows }: { rows: OverviewDoc["targets"] }) => (
  <table class="table">
    <thead>
      <tr>
        <th scope="col">{t("col.instance")}</th>
        <th scope="col">{t("col.state")}</th>
        <th scope="col" class="num">
          {t("col.samples")}
        </th>
        <th scope="col" class="num">
          {t("col.took")}
        </th>
      </tr>
    </thead>
    <tbody>
      {rows.map((x) => (
        <tr key={`${x.job}/${x.instance}`}>
          <th scope="row" class="wrap">
            {x.job} <span class="soft">{x.instance}</span>
            {x.last_error ? <div class="target-error">{x.last_error}</div> : null}
          </th>
          <td>
            {x.up === null ? (
              <span class="waiting soft">
                <Icon name="learning" size={14} /> {t("target.waiting")}
              </span>
            ) : (
              <span class={x.up ? "up" : "down"}>
                <Icon name={x.up ? "ok" : "critical"} size={14} /> {t(x.up ? "target.up" : "target.down")}
              </span>
            )}
          </td>
          <td class="num">{formatCount(x.samples)}</td>
          <td class="num">{x.last_ms > 0 ? formatValue(x.last_ms / 1000, "seconds") : "–"}</td>
        </tr>
      ))}
    </tbody>
  </table>
);
