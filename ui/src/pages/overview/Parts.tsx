// The part of Overview that arrives after its first picture: golden signals, hosts and services, insights,
// recommendations and changes.
import "../../css/overview.css";
import "../../lib/textOverview";
import type { ComponentChildren } from "preact";
import { type ChangeHead, fetchChanges, fetchInsights, fetchRecommendations, type InsightHead, type RecommendationHead } from "../../api/glance";
import { formatMoment, formatValue } from "../../lib/format";
import { t } from "../../lib/text";
import { Icon, type IconName } from "../../parts/Icon";
import { Spark } from "../../parts/Spark";
import { Empty, Failed, Loading } from "../../parts/states";
import { clock } from "../../state/connection";
import { type Figures, pick, useFigures, lastValue } from "../../state/figures";
import { overview } from "../../state/overview";
import { placeNamed } from "../../state/places";
import { type Polled, usePoll } from "../../state/poll";
import { follow, hrefOf, zone } from "../../state/url";
import { type HostState, hostRows, STATES } from "../hosts/rows";
import { HOST_ASKS, levelOf } from "../hosts/use";
import { change, changeText, GOLDEN, type Golden, lastWeek, meanOf } from "./golden";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const POINTS = 60;

export function Now() {
  const now = useFigures({ key: "golden", asks: [...GOLDEN, { id: "unusual", expr: 'max(plimsoll_anomaly_rate{by="instance"})' }], spanMs: HOUR_MS, points: POINTS });
  const then = useFigures({ key: "golden week", asks: GOLDEN.map((g) => ({ id: g.id, expr: lastWeek(g) })), spanMs: HOUR_MS, points: 1, everyMs: 300_000 });
  const shown = GOLDEN.filter((g) => Number.isFinite(lastValue(now.data, g.id)));
  if (!now.data) return now.error ? <Failed message={now.error} onRetry={now.again} /> : <Loading />;
  return (
    <ul class="golden">
      {shown.map((g) => (
        <Tile key={g.id} of={g} now={now.data as Figures} then={then.data} />
      ))}
    </ul>
  );
}

function Tile({ of: g, now, then }: { of: Golden; now: Figures; then: Figures | null }) {
  const figure = pick(now, g.id);
  const v = figure?.last ?? Number.NaN;
  const c = then ? change(meanOf(figure), lastValue(then, g.id)) : null;
  const level = levelOf(v, g.marks);
  // Before there is a last week, the line under the number says what the number is of.
  const week = c === null ? "" : Math.abs(c) < 0.005 ? t("ov.week.same") : t("ov.week", { v: changeText(c) });
  const note = t(`ov.${g.id}.note`);
  const much = c !== null && Math.abs(c) >= 0.2 && !g.neutral;
  return (
    <li class={`golden-tile golden-${level}`}>
      <a class="golden-link" href={hrefOf("explore", { expr: g.expr, range: { from: "now-1h", to: "now" } })} onClick={follow} title={note}>
        <span class="golden-name">
          {level === "ok" ? null : <Icon name={level} size={13} />}
          {t(`ov.${g.id}`)} {week ? <span class="soft">{note}</span> : null}
        </span>
        <span class="golden-row">
          <span class="golden-value num">{formatValue(v, g.unit)}</span>
          <Spark values={figure?.values ?? []} floor={0} />
        </span>
        <span class={`golden-week num ${much ? "golden-much" : "soft"}`}>{week || note}</span>
      </a>
    </li>
  );
}

const ICON: Record<HostState, IconName> = { ok: "ok", warning: "warning", critical: "critical", unknown: "learning" };
/** More cells than this are not told apart. */
const CELLS_MAX = 240;
/** Up to so many cells have their names written. */
const NAMED_MAX = 24;

interface CellOf {
  name: string;
  state: HostState;
  href: string;
}

const Cells = ({ cells }: { cells: CellOf[] }) => (
  <ul class={`spots ${cells.length > NAMED_MAX ? "spots-small" : ""}`}>
    {cells.slice(0, CELLS_MAX).map((c) => {
      const label = t("ov.cell", { name: c.name, state: t(`ov.state.${c.state}`) });
      return (
        <li key={c.name}>
          <a class={`spot spot-${c.state}`} href={c.href} title={label} aria-label={label} onClick={follow}>
            <Icon name={ICON[c.state]} size={12} />
            {cells.length > NAMED_MAX ? null : <span class="spot-word">{c.name}</span>}
          </a>
        </li>
      );
    })}
    {cells.length > CELLS_MAX ? <li class="soft">{t("ov.more", { n: cells.length - CELLS_MAX })}</li> : null}
  </ul>
);

function Strip() {
  const asked = useFigures({ key: "overview hosts", asks: [...HOST_ASKS, { id: "jobs", expr: "min by (job) (up)" }], spanMs: 60_000, points: 1 });
  const of = asked.data;
  const alerts = overview.value.doc?.alerts ?? [];
  const hosts = of ? hostRows(of, alerts) : [];
  const count = Object.fromEntries(STATES.map((s) => [s, hosts.filter((h) => h.state === s).length]));
  const jobs = (of?.get("jobs") ?? []).map((f): CellOf => {
    const name = f.labels["job"] ?? "";
    const mine = alerts.filter((a) => a.state === "firing" && a.labels["job"] === name);
    const state: HostState = f.last === 0 || mine.some((a) => a.severity === "critical") ? "critical" : mine.length ? "warning" : "ok";
    return { name, state, href: hrefOf("services", { open: name }) };
  });
  return (
    <section class="panel over-strip" aria-label={t("nav.hosts")}>
      <div>
        <Head title={t("nav.hosts")} href={hrefOf("hosts")} note={of ? t("ov.hosts.counts", count) : ""} />
        {of ? hosts.length ? <Cells cells={hosts.map((h) => ({ name: h.name, state: h.state, href: hrefOf("hosts", { open: h.name }) }))} /> : <Empty>{t("ov.hosts.none")}</Empty> : asked.error ? <Failed message={asked.error} onRetry={asked.again} /> : <Loading />}
      </div>
      <div>
        <Head title={t("nav.services")} href={hrefOf("services")} />
        {of ? jobs.length ? <Cells cells={jobs.sort((a, b) => a.name.localeCompare(b.name))} /> : <Empty>{t("ov.services.none")}</Empty> : null}
      </div>
    </section>
  );
}

const Head = ({ title, href, note }: { title: string; href?: string | undefined; note?: string }) => (
  <header class="panel-head">
    <h2>
      {href ? (
        <a class="head-link" href={href} onClick={follow}>
          {title}
        </a>
      ) : (
        title
      )}
    </h2>
    {note ? <span class="soft panel-note">{note}</span> : null}
  </header>
);

interface ListProps<T> {
  title: string;
  note?: string;
  page?: string;
  of: Polled<T[]>;
  empty: string;
  children: (row: T) => ComponentChildren;
}

const ROWS = 5;

function List<T extends { id?: string }>({ title, note, page, of, empty, children }: ListProps<T>) {
  const place = page ? placeNamed(page) : undefined;
  return (
    <section class="panel block" aria-label={title}>
      <Head title={title} href={place && hrefOf(place)} note={note ?? ""} />
      {of.data === null ? of.error ? <Failed message={of.error} onRetry={of.again} /> : <Loading /> : of.data.length === 0 ? <Empty>{empty}</Empty> : <ol class="heads">{of.data.slice(0, ROWS).map((row, i) => <li key={row.id ?? i}>{children(row)}</li>)}</ol>}
    </section>
  );
}

const openAt = (page: string, open: string) => {
  const place = placeNamed(page);
  return place && hrefOf(place, { open });
};

const Title = ({ href, text }: { href: string | undefined; text: string }) =>
  href ? (
    <a href={href} onClick={follow}>
      {text}
    </a>
  ) : (
    <span>{text}</span>
  );

const effect = (e: unknown) => (typeof e === "string" ? e : e && typeof e === "object" && "text" in e ? String((e as { text: unknown }).text) : "");

export function Below() {
  const insights = usePoll<InsightHead[]>("overview insights", (signal) => fetchInsights(ROWS, signal), 15_000);
  const recommendations = usePoll<RecommendationHead[]>("overview recommendations", (signal) => fetchRecommendations(ROWS, signal), 15_000);
  const changes = usePoll<ChangeHead[]>("overview changes", async (signal) => (await fetchChanges(Date.now() - DAY_MS, Date.now(), 20, signal)).reverse(), 30_000);
  return (
    <>
      <List title={t("nav.insights")} note={t("ov.insights.note")} page="insights" of={insights} empty={t("ov.insights.empty")}>
        {(i) => (
          <>
            <Title href={openAt("insights", i.id)} text={i.title} />
            <span class="soft num head-sure">{t("ov.insights.sure", { pct: formatValue(i.confidence, "ratio") })}</span>
          </>
        )}
      </List>
      <List title={t("nav.recommendations")} page="recommendations" of={recommendations} empty={t("ov.recommendations.empty")}>
        {(r) => (
          <>
            <Title href={openAt("recommendations", r.id)} text={r.action} />
            {effect(r.expected_effect) ? <span class="soft head-more">{effect(r.expected_effect)}</span> : null}
          </>
        )}
      </List>
      <List title={t("ov.changes")} note={t("ov.changes.note")} of={changes as Polled<(ChangeHead & { id?: string })[]>} empty={t("ov.changes.empty")}>
        {(c) => (
          <>
            <Title href={c.query ? hrefOf("explore", { expr: c.query }) : undefined} text={c.text} />
            <span class="soft num head-sure">{formatMoment(Date.parse(c.at), clock.peek(), zone.value)}</span>
          </>
        )}
      </List>
      <Strip />
    </>
  );
}
