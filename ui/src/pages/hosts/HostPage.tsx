// The page of one host, made by itself: utilisation, saturation and errors of each resource, and what is known of it.
import { useMemo } from "preact/hooks";
import { formatDuration, formatValue } from "../../lib/format";
import { t } from "../../lib/text";
import { Empty, Failed, Loading } from "../../parts/states";
import { useCrumb } from "../../state/crumb";
import { type Figures, pick, useFigures, lastValue } from "../../state/figures";
import { overview } from "../../state/overview";
import { stale } from "../../state/connection";
import { follow, hrefOf } from "../../state/url";
import { Panels, Related, Ribbon, Sections } from "./Frame";
import { HostStateMark, worstText } from "./Hosts";
import { hostPanels } from "./panels";
import { hostRows } from "./rows";
import { factAsks, HOST_ASKS, type Level, levelOf, type UseFigure, type UseRow, useRows } from "./use";

const FACTS_MS = 15_000;

/** The worst of a row's figures. */
const rowLevel = (row: UseRow, of: Figures | null): Level => {
  const levels = [row.utilisation, row.saturation, row.errors].map((f) => (f ? levelOf(lastValue(of, f.id), f.marks) : "ok"));
  return levels.includes("critical") ? "critical" : levels.includes("warning") ? "warning" : "ok";
};

export function HostPage({ name }: { name: string }) {
  useCrumb(name);
  const rows = useMemo(() => useRows(name), [name]);
  const panels = useMemo(() => hostPanels(name), [name]);
  const asks = useMemo(
    () => [
      ...factAsks(name),
      ...rows.flatMap((r) => [r.utilisation, r.saturation, r.errors]).flatMap((f) => (f ? [{ id: f.id, expr: f.expr }] : [])),
      ...HOST_ASKS.map((a) => ({ id: a.id, expr: a.id === "up" ? `min by (instance, job) (up{instance=${JSON.stringify(name)}})` : `(${a.expr}) and on (instance) group by (instance) ({__name__=~"up|node_uname_info",instance=${JSON.stringify(name)}})` })),
    ],
    [name],
  );
  const asked = useFigures({ key: `host ${name}`, asks, spanMs: 60_000, points: 1, everyMs: FACTS_MS });
  const of = asked.data;
  if (!of) return asked.error ? <Failed message={asked.error} onRetry={asked.again} /> : <Loading />;
  const row = hostRows(new Map(HOST_ASKS.map((a) => [a.id, of.get(a.id) ?? []])), overview.value.doc?.alerts ?? []).find((r) => r.name === name);
  if (!row) return <Gone name={name} />;
  const host = Number.isFinite(lastValue(of, "cores")) || Number.isFinite(lastValue(of, "installed"));
  return (
    <div class={`hostpage ${stale.value ? "is-stale" : ""}`}>
      <Sections sections={host ? rows.map((r) => ({ id: r.id, title: t(`ho.r.${r.id}`), level: rowLevel(r, of), body: <Panels specs={panels[r.id]} /> })) : []}>
        <header class="panel host-head">
          <div class="host-title">
            <h1>{name}</h1>
            <HostStateMark state={row.state} />
            <span class="soft">{worstText(row.worst)}</span>
          </div>
          <Facts of={of} jobs={row.jobs} />
          <Ribbon by="instance" name={name} />
        </header>
        <Related by="instance" name={name} />
        {host ? (
          <UseTable rows={rows} of={of} />
        ) : (
          <section class="panel">
            <Empty>
              <span>{t("ho.only")}</span>
              {row.jobs.map((j) => (
                <a key={j} class="button" href={hrefOf("services", { open: j })} onClick={follow}>
                  {j}
                </a>
              ))}
            </Empty>
          </section>
        )}
      </Sections>
    </div>
  );
}

const Gone = ({ name }: { name: string }) => (
  <Empty>
    <strong>{t("ho.gone", { name })}</strong>
    <span>{t("ho.gone.text")}</span>
    <a class="button" href={hrefOf("hosts")} onClick={follow}>
      {t("ho.back")}
    </a>
  </Empty>
);

function Facts({ of, jobs }: { of: Figures; jobs: string[] }) {
  const uname = pick(of, "uname")?.labels;
  const os = pick(of, "os")?.labels["pretty_name"];
  const boot = lastValue(of, "boot");
  const cores = lastValue(of, "cores");
  const installed = lastValue(of, "installed");
  return (
    <dl class="host-facts">
      {uname || os ? (
        <div>
          <dt>{t("ho.fact.system")}</dt>
          <dd>{[os, uname && `${uname["sysname"] ?? ""} ${uname["release"] ?? ""} ${uname["machine"] ?? ""}`].filter(Boolean).join(" · ")}</dd>
        </div>
      ) : null}
      {Number.isFinite(boot) ? (
        <div>
          <dt>{t("ho.fact.up")}</dt>
          <dd class="num">{formatDuration(boot * 1000)}</dd>
        </div>
      ) : null}
      {Number.isFinite(cores) ? (
        <div>
          <dt>{t("ho.fact.cores")}</dt>
          <dd class="num">{cores}</dd>
        </div>
      ) : null}
      {Number.isFinite(installed) ? (
        <div>
          <dt>{t("col.memory")}</dt>
          <dd class="num">{formatValue(installed, "bytes")}</dd>
        </div>
      ) : null}
      <div>
        <dt>{t("ho.fact.jobs")}</dt>
        <dd>
          {jobs.map((j, i) => (
            <span key={j}>
              {i > 0 ? ", " : ""}
              <a href={hrefOf("services", { open: j })} onClick={follow}>
                {j}
              </a>
            </span>
          ))}
        </dd>
      </div>
    </dl>
  );
}

const UseTable = ({ rows, of }: { rows: UseRow[]; of: Figures }) => (
  <section class="panel use" aria-label={t("ho.use")}>
    <table class="table">
      <caption class="sr-only">{t("ho.use")}</caption>
      <thead>
        <tr>
          <th scope="col">{t("ho.use.resource")}</th>
          <th scope="col">{t("ho.use.u")}</th>
          <th scope="col">{t("ho.use.s")}</th>
          <th scope="col">{t("ho.use.e")}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((r) => (
          <tr key={r.id}>
            <th scope="row">{t(`ho.r.${r.id}`)}</th>
            <UseCell figure={r.utilisation} of={of} />
            <UseCell figure={r.saturation} of={of} />
            <UseCell figure={r.errors} of={of} />
          </tr>
        ))}
      </tbody>
    </table>
  </section>
);

function UseCell({ figure: f, of }: { figure: UseFigure | null; of: Figures }) {
  if (!f) return <td class="soft">{t("ho.use.none")}</td>;
  const v = lastValue(of, f.id);
  if (!Number.isFinite(v)) return <td class="soft">{t("ho.use.nodata")}</td>;
  return (
    <td>
      <a class={`use-value num share-${levelOf(v, f.marks)}`} href={hrefOf("explore", { expr: f.expr })} onClick={follow}>
        {formatValue(v, f.unit)}
      </a>{" "}
      <span class="soft">{t(f.text)}</span>
    </td>
  );
}
