// All services (jobs): how many of their targets answer, and each one's page of rate, errors and duration.
import { useMemo } from "preact/hooks";
import { fetchSeries } from "../../api/glance";
import { formatCount, formatValue } from "../../lib/format";
import { t } from "../../lib/text";
import { Icon } from "../../parts/Icon";
import type { PanelSpec } from "../../parts/Panel";
import { Empty, Failed, Loading } from "../../parts/states";
import { Cell, HeadCell, VirtualGrid } from "../../parts/VirtualGrid";
import { stale } from "../../state/connection";
import { useCrumb } from "../../state/crumb";
import { type Figures, useFigures, lastValue } from "../../state/figures";
import { overview } from "../../state/overview";
import { usePoll } from "../../state/poll";
import { follow, go, hrefOf, url } from "../../state/url";
import { Asked, Chips, ClearFilter, FilterBox, ListPage, pickShow, testOf } from "../alerting/shell";
import { Panels, type PageSection, Related, Ribbon, Sections } from "./Frame";
import { HostStateMark, STATE_ICON } from "./Hosts";
import { candidates, type Red, redOf } from "./red";
import { type HostState, STATES } from "./rows";
import { quoted } from "./use";

const LIST_ASKS = [
  { id: "targets", expr: "count by (job) (up)" },
  { id: "up", expr: "sum by (job) (up)" },
  { id: "samples", expr: "sum by (job) (scrape_samples_scraped)" },
  { id: "unusual", expr: 'plimsoll_anomaly_rate{by="job"}' },
];

interface ServiceRow {
  name: string;
  up: number;
  targets: number;
  samples: number;
  unusual: number;
  alerts: number;
  state: HostState;
}

/** Jobs that others sent have no `up`; they are known by name. */
function serviceRows(of: Figures, jobs: string[]): ServiceRow[] {
  const firing = (overview.value.doc?.alerts ?? []).filter((a) => a.state === "firing");
  const rank: Record<HostState, number> = { critical: 0, warning: 1, unknown: 2, ok: 3 };
  const rows = jobs.map((name): ServiceRow => {
    const [targets, up] = [lastValue(of, "targets", { job: name }), lastValue(of, "up", { job: name })];
    const mine = firing.filter((a) => a.labels["job"] === name);
    const down = Number.isFinite(targets) ? targets - up : 0;
    const state: HostState = (targets > 0 && down * 2 >= targets) || mine.some((a) => a.severity === "critical") ? "critical" : down > 0 || mine.length > 0 ? "warning" : "ok";
    return { name, targets, up, samples: lastValue(of, "samples", { job: name }), unusual: lastValue(of, "unusual", { job: name }), alerts: mine.length, state };
  });
  return rows.sort((a, b) => rank[a.state] - rank[b.state] || a.name.localeCompare(b.name, undefined, { numeric: true }));
}

const HOUR_MS = 3_600_000;

export function ServiceList() {
  const { q, show } = url.value;
  const asked = useFigures({ key: "services", asks: [...LIST_ASKS, { id: "jobs", expr: 'group by (job) ({__name__=~"up|process_start_time_seconds|target_info|.*requests_total"})' }], spanMs: HOUR_MS, points: 1 });
  const jobs = asked.data ? [...new Set(["jobs", "targets"].flatMap((id) => (asked.data?.get(id) ?? []).map((f) => f.labels["job"] ?? "")))].filter(Boolean) : [];
  const all = asked.data ? serviceRows(asked.data, jobs) : [];
  const read = testOf(q);
  const passed = all.filter((r) => read.test({ job: r.name, name: r.name, state: r.state }, r.name));
  const rows = passed.filter((r) => !show || r.state === show);
  return (
    <ListPage
      bar={
        <>
          <FilterBox bad={read.bad} shown={rows.length} all={all.length} hint={t("se.filter")} />
          <Chips
            label={t("ho.show")}
            value={show}
            choices={[{ value: "", label: t("ho.all"), count: asked.data ? passed.length : undefined }, ...STATES.filter((s) => s !== "unknown").map((s) => ({ value: s as string, label: t(`ho.state.${s}`), icon: STATE_ICON[s], kind: `host-${s}`, count: asked.data ? passed.filter((r) => r.state === s).length : undefined }))]}
            onPick={pickShow}
          />
        </>
      }
    >
      <section class="panel list" aria-label={t("nav.services")}>
        <Asked of={asked}>
          {() =>
            rows.length === 0 ? (
              <Empty>
                <strong>{t(all.length ? "al.filter.none" : "se.empty")}</strong>
                {all.length ? q ? <ClearFilter /> : null : <span>{t("se.empty.text")}</span>}
              </Empty>
            ) : (
              <VirtualGrid
                kind="grid-services"
                label={t("nav.services")}
                rows={rows}
                rowPx={40}
                keyOf={(r) => r.name}
                classOf={() => "row-service"}
                onOpen={(r) => go(hrefOf("services", { open: r.name }))}
                version={asked.at}
                head={
                  <>
                    <HeadCell>{t("se.col.name")}</HeadCell>
                    <HeadCell>{t("col.state")}</HeadCell>
                    <HeadCell class="cell-up">{t("se.col.up")}</HeadCell>
                    <HeadCell class="cell-samples">{t("col.samples")}</HeadCell>
                    <HeadCell class="cell-unusual">{t("se.col.unusual")}</HeadCell>
                  </>
                }
              >
                {(r) => (
                  <>
                    <Cell class="cell-name" title={r.name}>
                      <a class="strong" href={hrefOf("services", { open: r.name })} onClick={follow} tabIndex={-1}>
                        {r.name}
                      </a>
                    </Cell>
                    <Cell>
                      <HostStateMark state={r.state} />
                    </Cell>
                    <Cell class="cell-up num">{Number.isFinite(r.targets) ? `${r.up} / ${r.targets}` : "–"}</Cell>
                    <Cell class="cell-samples num">{Number.isFinite(r.samples) ? formatCount(r.samples) : "–"}</Cell>
                    <Cell class="cell-unusual num">{formatValue(r.unusual, "ratio")}</Cell>
                  </>
                )}
              </VirtualGrid>
            )
          }
        </Asked>
      </section>
    </ListPage>
  );
}

/** Series that are looked at to find what tells of requests. */
const SERIES_MAX = 5_000;

function redPanels(red: Red): PanelSpec[] {
  const out: PanelSpec[] = [{ id: "rate", title: t("se.rate"), note: t("se.rate.note", { metric: red.metric }), unit: "ops/s", area: true, asks: [{ id: "r", name: t("se.rate"), expr: red.rate }] }];
  if (red.errors) out.push({ id: "errors", title: t("se.errors"), note: t("se.errors.note"), unit: "ratio", area: true, asks: [{ id: "e", name: t("se.errors"), expr: red.errors }] });
  if (red.durations.length) out.push({ id: "duration", title: t("se.duration"), note: t(red.durations.length > 1 ? "se.duration.note" : "se.duration.mean"), unit: "seconds", asks: red.durations.map((d) => ({ id: d.name, name: d.name, expr: d.expr })) });
  if (red.by) out.push({ id: "by", title: t("se.by", { label: red.by.label }), note: t("se.by.note"), unit: "ops/s", asks: [{ id: "by", expr: red.by.rate }] });
  return out;
}

const processPanels = (job: string): PanelSpec[] => {
  const j = `job=${quoted(job)}`;
  return [
    { id: "p.cpu", title: t("se.process.cpu"), note: t("se.process.cpu.note"), unit: "short", asks: [{ id: "c", expr: `sum by (instance) (rate(process_cpu_seconds_total{${j}}[2m]))` }] },
    { id: "p.memory", title: t("se.process.memory"), note: t("se.process.memory.note"), unit: "bytes", asks: [{ id: "m", expr: `sum by (instance) (process_resident_memory_bytes{${j}})` }] },
    { id: "p.fds", title: t("se.process.fds"), note: t("se.process.fds.note"), unit: "ratio", asks: [{ id: "f", expr: `max by (instance) (process_open_fds{${j}} / process_max_fds{${j}})` }] },
  ];
};

export function ServicePage({ name }: { name: string }) {
  useCrumb(name);
  const asked = usePoll(`red ${name}`, (signal) => fetchSeries(candidates(name), SERIES_MAX, signal), 60_000);
  const figures = useFigures({
    key: `service ${name}`,
    asks: [
      { id: "any", expr: `count({job=${quoted(name)}})` },
      { id: "process", expr: `count(process_cpu_seconds_total{job=${quoted(name)}})` },
      { id: "up", expr: `up{job=${quoted(name)}}` },
      { id: "took", expr: `scrape_duration_seconds{job=${quoted(name)}}` },
      { id: "samples", expr: `scrape_samples_scraped{job=${quoted(name)}}` },
    ],
    spanMs: 60_000,
    points: 1,
  });
  const names = JSON.stringify(asked.data ?? null);
  const red = useMemo(() => (asked.data ? redOf(name, asked.data) : null), [name, names]);
  const specs = useMemo(() => (red ? redPanels(red) : []), [red]);
  const process = useMemo(() => processPanels(name), [name]);
  const failed = figures.error || asked.error;
  if (!asked.data || !figures.data) return failed ? <Failed message={failed} onRetry={asked.again} /> : <Loading />;
  const of = figures.data;
  if (!of.get("any")?.length)
    return (
      <Empty>
        <strong>{t("se.gone", { name })}</strong>
        <a class="button" href={hrefOf("services")} onClick={follow}>
          {t("se.back")}
        </a>
      </Empty>
    );
  const row = serviceRows(new Map([["targets", [{ labels: { job: name }, last: of.get("up")?.length || Number.NaN, values: new Float64Array() }]], ["up", [{ labels: { job: name }, last: (of.get("up") ?? []).reduce((n, f) => n + f.last, 0), values: new Float64Array() }]]]), [name])[0];
  const sections: PageSection[] = [{ id: "red", title: t("se.red"), body: red ? <Requests red={red} specs={specs} /> : <NoRequests name={name} /> }];
  if (of.get("process")?.length) sections.push({ id: "process", title: t("se.process"), body: <Panels specs={process} /> });
  if (of.get("up")?.length) sections.push({ id: "targets", title: t("se.targets"), body: <ServiceTargets of={of} /> });
  return (
    <div class={`hostpage ${stale.value ? "is-stale" : ""}`}>
      <Sections sections={sections}>
        <header class="panel host-head">
          <div class="host-title">
            <h1>{name}</h1>
            {row ? <HostStateMark state={row.state} /> : null}
            {row && Number.isFinite(row.targets) ? (
              <span class="soft num">
                {t("se.col.up")}: {row.up} / {row.targets}
              </span>
            ) : null}
          </div>
          <Ribbon by="job" name={name} />
        </header>
        <Related by="job" name={name} />
      </Sections>
    </div>
  );
}

const Requests = ({ red, specs }: { red: Red; specs: PanelSpec[] }) => (
  <>
    <Panels specs={specs} />
    {red.errors ? null : <p class="soft section-note">{t("se.errors.none", { metric: red.metric })}</p>}
    {red.durations.length ? null : <p class="soft section-note">{t("se.duration.none", { metric: red.metric })}</p>}
  </>
);

const NoRequests = ({ name }: { name: string }) => (
  <section class="panel">
    <Empty>
      <strong>{t("se.none")}</strong>
      <span>{t("se.none.text")}</span>
      <a class="button" href={hrefOf("explore", { expr: `count by (__name__) ({job=${quoted(name)}})`, tab: "table" })} onClick={follow}>
        {t("se.none.explore")}
      </a>
    </Empty>
  </section>
);

const TARGETS_MAX = 200;
const ServiceTargets = ({ of }: { of: Figures }) => (
  <section class="panel">
    <div class="stats" tabIndex={0}>
      <table class="table">
        <thead>
          <tr>
            <th scope="col">{t("col.instance")}</th>
            <th scope="col">{t("col.state")}</th>
            <th scope="col" class="num">
              {t("se.targets.col.took")}
            </th>
            <th scope="col" class="num">
              {t("col.samples")}
            </th>
          </tr>
        </thead>
        <tbody>
          {[...(of.get("up") ?? [])]
            .sort((a, b) => a.last - b.last)
            .slice(0, TARGETS_MAX)
            .map((f) => {
              const instance = f.labels["instance"] ?? "";
              return (
                <tr key={instance}>
                  <th scope="row">
                    <a href={hrefOf("hosts", { open: instance })} onClick={follow}>
                      {instance}
                    </a>
                  </th>
                  <td>
                    <span class={f.last ? "up" : "down"}>
                      <Icon name={f.last ? "ok" : "critical"} size={14} /> {t(f.last ? "target.up" : "target.down")}
                    </span>
                  </td>
                  <td class="num">{formatValue(lastValue(of, "took", { instance }), "seconds")}</td>
                  <td class="num">{formatValue(lastValue(of, "samples", { instance }), "short")}</td>
                </tr>
              );
            })}
        </tbody>
      </table>
    </div>
  </section>
);
