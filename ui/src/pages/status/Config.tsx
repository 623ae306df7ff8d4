// The configuration that is in force: the file as it is read, values of flags, and the program; searched as one.
import { fetchBuild, fetchConfig, fetchFlags, fetchRuntime } from "../../api/status";
import { formatDateTime } from "../../lib/format";
import { t } from "../../lib/text";
import { Empty } from "../../parts/states";
import { usePoll } from "../../state/poll";
import { url, zone } from "../../state/url";
import { Asked, FilterBox } from "../alerting/shell";
import { foundLines } from "./found";

interface All {
  yaml: string;
  flags: Record<string, string>;
  runtime: Record<string, unknown>;
  build: Record<string, string>;
}

export function ConfigView() {
  const { q } = url.value;
  const asked = usePoll<All>(
    "configuration",
    async (signal) => {
      const [yaml, flags, runtime, build] = await Promise.all([fetchConfig(signal), fetchFlags(signal), fetchRuntime(signal), fetchBuild(signal)]);
      return { yaml, flags, runtime, build };
    },
    60_000,
  );
  return (
    <>
      <div class="listpage-bar">
        <FilterBox bad="" hint={t("st.c.filter")} />
      </div>
      <Asked of={asked}>{(all) => <Body all={all} q={q} />}</Asked>
    </>
  );
}

function Body({ all, q }: { all: All; q: string }) {
  const lines = foundLines(all.yaml, q);
  const word = q.trim().toLowerCase();
  const flags = Object.entries(all.flags).filter(([k, v]) => `${k}=${v}`.toLowerCase().includes(word));
  const time = (v: unknown) => {
    const at = Date.parse(String(v));
    return at > 0 ? formatDateTime(at, zone.value) : "–";
  };
  const runtime: [string, string][] = [
    [t("st.c.version"), `${all.build["revision"] || all.build["version"] || ""}`],
    [t("st.c.started"), time(all.runtime["startTime"])],
    [t("st.c.loaded"), all.runtime["reloadConfigSuccess"] === false ? t("st.c.loaded.bad") : time(all.runtime["lastConfigTime"])],
    [t("st.c.cpus"), String(all.runtime["GOMAXPROCS"] ?? "–")],
  ];
  return (
    <div class="status-columns">
      <section class="panel" aria-label={t("st.c.file")}>
        <header class="panel-head">
          <h2>{t("st.c.file")}</h2>
          {word && all.yaml ? <span class="soft num">{t("st.c.found", { n: lines.filter((l) => l.hit).length, all: all.yaml.split("\n").length })}</span> : null}
        </header>
        {all.yaml.trim() === "" ? (
          <Empty>
            <strong>{t("st.c.none")}</strong>
            <span>{t("st.c.none.text")}</span>
          </Empty>
        ) : lines.length === 0 ? (
          <Empty>{t("al.filter.none")}</Empty>
        ) : (
          <pre class="config mono" tabIndex={0}>
            {lines.map((l) => (
              <div key={l.n} class={l.hit ? "config-hit" : ""}>
                <span class="soft config-line num" aria-hidden="true">
                  {l.n}
                </span>
                {l.line || " "}
              </div>
            ))}
          </pre>
        )}
      </section>
      <div class="status-side">
        <Pairs title={t("st.c.flags")} rows={flags} />
        <Pairs title={t("st.c.runtime")} rows={runtime} />
      </div>
    </div>
  );
}

export const Pairs = ({ title, rows }: { title: string; rows: [string, string][] }) => (
  <section class="panel" aria-label={title}>
    <header class="panel-head">
      <h2>{title}</h2>
    </header>
    {rows.length === 0 ? (
      <Empty>{t("al.filter.none")}</Empty>
    ) : (
      <table class="table">
        <tbody>
          {rows.map(([k, v]) => (
            <tr key={k}>
              <th scope="row" class="wrap">
                {k}
              </th>
              <td class="mono wrap">{v}</td>
            </tr>
          ))}
        </tbody>
      </table>
    )}
  </section>
);
