// All hosts: how each is, what is worst about it, and its page one click away.
import { formatValue } from "../../lib/format";
import { useNarrow } from "../../lib/media";
import { t } from "../../lib/text";
import { Icon, type IconName } from "../../parts/Icon";
import { Spark } from "../../parts/Spark";
import { Empty } from "../../parts/states";
import { Cell, HeadCell, VirtualGrid } from "../../parts/VirtualGrid";
import { useFigures } from "../../state/figures";
import { overview } from "../../state/overview";
import { roomy } from "../../state/prefs";
import { follow, go, hrefOf, url } from "../../state/url";
import { Asked, Chips, ClearFilter, FilterBox, ListPage, pickShow, testOf } from "../alerting/shell";
import { type HostRow, type HostState, hostRows, STATES, type Worst } from "./rows";
import { FULL, HOST_ASKS, levelOf, WAITS } from "./use";

const HOUR_MS = 3_600_000;
const POINTS = 60;
const HOSTS_MAX = 1000;
const DENSE_PX = 38;
const ROOMY_PX = 50;
const NARROW_PX = 62;

export const STATE_ICON: Record<HostState, IconName> = { ok: "ok", warning: "warning", critical: "critical", unknown: "learning" };

export const HostStateMark = ({ state }: { state: HostState }) => (
  <span class={`host-state host-${state}`}>
    <Icon name={STATE_ICON[state]} size={15} />
    {t(`ho.state.${state}`)}
  </span>
);

const ratio = (v: number) => formatValue(v, "ratio");

export function worstText(w: Worst): string {
  if (w.what === "down") return t("ho.worst.down", { jobs: (w.jobs ?? []).join(", ") });
  if (w.what === "alerts") return t("ho.worst.alerts", { n: w.n ?? 0 });
  return t(`ho.worst.${w.what}`, { v: ratio(w.v ?? Number.NaN) });
}

const Share = ({ v, marks }: { v: number; marks?: { warning: number; critical: number } }) => (
  <span class={`share share-${levelOf(v, marks)}`}>
    <span class="share-rail" aria-hidden="true">
      {Number.isFinite(v) ? <span class="share-bar" style={{ width: `${(Math.min(1, Math.max(0, v)) * 100).toFixed(1)}%` }} /> : null}
    </span>
    <span class="num">{ratio(v)}</span>
  </span>
);

export function HostList() {
  const { q, show } = url.value;
  const asked = useFigures({ key: "hosts", asks: HOST_ASKS, spanMs: HOUR_MS, points: POINTS, seriesMax: HOSTS_MAX });
  const read = testOf(q);
  const all = asked.data ? hostRows(asked.data, overview.value.doc?.alerts ?? []) : [];
  const passed = all.filter((r) => r.jobs.concat("").some((job) => read.test({ instance: r.name, name: r.name, job, state: r.state }, r.name)));
  const rows = passed.filter((r) => !show || r.state === show);
  const count = (s: HostState) => passed.filter((r) => r.state === s).length;
  const narrow = useNarrow();
  return (
    <ListPage
      bar={
        <>
          <FilterBox bad={read.bad} shown={rows.length} all={all.length} hint={t("ho.filter")} />
          <Chips
            label={t("ho.show")}
            value={show}
            choices={[{ value: "", label: t("ho.all"), count: asked.data ? passed.length : undefined }, ...STATES.map((s) => ({ value: s as string, label: t(`ho.state.${s}`), icon: STATE_ICON[s], kind: `host-${s}`, count: asked.data ? count(s) : undefined }))]}
            onPick={pickShow}
          />
        </>
      }
    >
      <section class="panel list" aria-label={t("nav.hosts")}>
        <Asked of={asked}>
          {() =>
            rows.length === 0 ? (
              <Empty>
                <strong>{t(all.length ? "al.filter.none" : "ho.empty")}</strong>
                {all.length ? q ? <ClearFilter /> : null : <span>{t("ho.empty.text")}</span>}
              </Empty>
            ) : (
              <VirtualGrid
                kind="grid-hosts"
                label={t("nav.hosts")}
                rows={rows}
                rowPx={narrow ? NARROW_PX : roomy.value ? ROOMY_PX : DENSE_PX}
                keyOf={(r) => r.name}
                classOf={() => "row-host"}
                onOpen={(r) => go(hrefOf("hosts", { open: r.name }))}
                head={narrow ? undefined : <Head />}
                version={asked.at}
              >
                {(r) => <Row row={r} />}
              </VirtualGrid>
            )
          }
        </Asked>
      </section>
    </ListPage>
  );
}

const Head = () => (
  <>
    <HeadCell>{t("ho.col.name")}</HeadCell>
    <HeadCell>{t("col.state")}</HeadCell>
    <HeadCell>{t("ho.col.cpu")}</HeadCell>
    <HeadCell>{t("col.memory")}</HeadCell>
    <HeadCell>{t("ho.col.disk")}</HeadCell>
    <HeadCell>{t("ho.col.waits")}</HeadCell>
    <HeadCell>{t("ho.col.worst")}</HeadCell>
  </>
);

const Row = ({ row: r }: { row: HostRow }) => (
  <>
    <Cell class="cell-name" title={[r.name, ...r.jobs].join(" · ")}>
      <a class="strong" href={hrefOf("hosts", { open: r.name })} onClick={follow} tabIndex={-1}>
        {r.name}
      </a>{" "}
      <span class="soft">{r.jobs.join(", ")}</span>
    </Cell>
    <Cell class="cell-host-state">
      <HostStateMark state={r.state} />
    </Cell>
    <Cell class="cell-cpu">
      <span class="host-cpu soft">{t("ho.col.cpu")}</span>
      <Spark values={r.spark} floor={0} />
      <span class="num">{ratio(r.cpu)}</span>
    </Cell>
    <Cell class="cell-memory">
      <Share v={r.memory} marks={FULL} />
    </Cell>
    <Cell class="cell-disk">
      <Share v={r.disk} marks={FULL} />
    </Cell>
    <Cell class="cell-waits">
      <Share v={r.pressure} marks={WAITS} />
    </Cell>
    <Cell class={`cell-worst host-${r.worst.what === "none" ? "none" : r.state}`}>{worstText(r.worst)}</Cell>
  </>
);
