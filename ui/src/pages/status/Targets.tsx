// What is scraped: whether it answers, its last error, and the newest samples of the one that is open.
import { fetchSamples, fetchTargets, type Target } from "../../api/status";
import { formatDuration, formatValue, seriesName } from "../../lib/format";
import { useNarrow } from "../../lib/media";
import { t } from "../../lib/text";
import { Icon, type IconName } from "../../parts/Icon";
import { Empty } from "../../parts/states";
import { Cell, HeadCell, VirtualGrid } from "../../parts/VirtualGrid";
import { clock } from "../../state/connection";
import { usePoll } from "../../state/poll";
import { follow, hrefOf, patch, url } from "../../state/url";
import { Asked, Beside, ClearFilter, FilterBox, Section, testOf } from "../alerting/shell";

const ICON: Record<Target["health"], IconName> = { up: "ok", down: "critical", unknown: "learning" };
const RANK: Record<Target["health"], number> = { down: 0, unknown: 1, up: 2 };
/** Before the first scrape it is the year 1. */
const scrapedAt = (x: Target) => {
  const at = Date.parse(x.lastScrape);
  return at > 0 ? at : null;
};
const ago = (x: Target) => {
  const at = scrapedAt(x);
  return at === null ? t("st.t.never") : t("health.collected", { ago: formatDuration(Math.max(0, clock.value - at)) }).replace(/^\w+ /, "");
};
const keyOf = (x: Target) => `${x.scrapePool} ${x.scrapeUrl}`;

const Health = ({ target: x }: { target: Target }) => (
  <span class={x.health === "unknown" ? "waiting soft" : x.health}>
    <Icon name={ICON[x.health]} size={14} /> {t(`st.t.${x.health}`)}
  </span>
);

export function Targets() {
  const { q, open } = url.value;
  const asked = usePoll("targets", fetchTargets);
  const read = testOf(q);
  const all = asked.data ?? [];
  const rows = all.filter((x) => read.test({ ...x.labels, health: x.health }, x.scrapeUrl, x.lastError)).sort((a, b) => RANK[a.health] - RANK[b.health] || keyOf(a).localeCompare(keyOf(b)));
  const current = all.find((x) => keyOf(x) === open);
  const narrow = useNarrow();
  return (
    <>
      <div class="listpage-bar">
        <FilterBox bad={read.bad} shown={rows.length} all={all.length} hint={t("st.t.filter")} />
      </div>
      <div class={`split ${current ? "split-open" : ""}`}>
        <div class="split-list">
          <section class="panel list" aria-label={t("st.targets")}>
            <Asked of={asked}>
              {() =>
                rows.length === 0 ? (
                  <Empty>
                    <strong>{t(all.length ? "al.filter.none" : "st.t.empty")}</strong>
                    {all.length ? <ClearFilter /> : <span>{t("st.t.empty.text")}</span>}
                  </Empty>
                ) : (
                  <VirtualGrid
                    kind="grid-targets"
                    label={t("st.targets")}
                    rows={rows}
                    rowPx={narrow ? 58 : 40}
                    keyOf={keyOf}
                    classOf={() => "row-target"}
                    open={open}
                    onOpen={(x) => patch({ open: keyOf(x) === open ? "" : keyOf(x) })}
                    onKey={(e) => {
                      if (e.key !== "Escape" || !open) return false;
                      patch({ open: "" });
                      return true;
                    }}
                    version={Math.floor(clock.value / 1000)}
                    head={narrow ? undefined : <Head />}
                  >
                    {(x) => (
                      <>
                        <Cell class="cell-state">
                          <Health target={x} />
                        </Cell>
                        <Cell class="cell-name" title={x.scrapeUrl}>
                          <span class="strong">{x.labels["job"]}</span> <span class="soft">{x.labels["instance"]}</span>
                        </Cell>
                        <Cell class="cell-when num">{ago(x)}</Cell>
                        <Cell class="cell-took num">{formatValue(x.lastScrapeDuration || Number.NaN, "seconds")}</Cell>
                        <Cell class={`cell-error ${x.lastError ? "target-error" : "soft"}`} title={x.lastError}>
                          {x.lastError || t("st.t.fine")}
                        </Cell>
                      </>
                    )}
                  </VirtualGrid>
                )
              }
            </Asked>
          </section>
        </div>
        {current ? (
          <div class="split-beside">
            <Detail key={open} target={current} />
          </div>
        ) : null}
      </div>
    </>
  );
}

const Head = () => (
  <>
    <HeadCell>{t("col.state")}</HeadCell>
    <HeadCell>{t("st.t.target")}</HeadCell>
    <HeadCell>{t("st.t.last")}</HeadCell>
    <HeadCell class="cell-took">{t("col.took")}</HeadCell>
    <HeadCell>{t("st.t.error")}</HeadCell>
  </>
);

const PREVIEW_MAX = 100;

function Detail({ target: x }: { target: Target }) {
  const selector = `{${["job", "instance"].map((k) => `${k}=${JSON.stringify(x.labels[k] ?? "")}`).join(",")}}`;
  const samples = usePoll(`samples ${selector}`, (signal) => fetchSamples(selector, PREVIEW_MAX, signal), 15_000);
  const said = new Set(Object.keys(x.labels));
  return (
    <Beside label={t("st.t.target")} title={<span class="mono beside-name">{x.scrapeUrl}</span>}>
      <p>
        <Health target={x} />{" "}
        <span class="soft">
          {ago(x)}, {formatValue(x.lastScrapeDuration || Number.NaN, "seconds")}, {t("st.t.every", { d: x.scrapeInterval })}
        </span>
      </p>
      {x.lastError ? <p class="target-error target-said">{x.lastError}</p> : null}
      <div class="acts">
        <a class="button" href={hrefOf("explore", { expr: selector, tab: "table" })} onClick={follow}>
          <Icon name="explore" size={15} />
          {t("st.t.explore")}
        </a>
        <a class="button" href={hrefOf("hosts", { open: x.labels["instance"] ?? "" })} onClick={follow}>
          <Icon name="hosts" size={15} />
          {t("st.t.host")}
        </a>
      </div>
      <Section title={t("st.t.labels")}>
        <ul class="labels">
          {Object.entries(x.labels).map(([k, v]) => (
            <li key={k} class="label-button mono">
              {k}={v}
            </li>
          ))}
        </ul>
      </Section>
      <Section title={t("st.t.preview")}>
        <Asked of={samples}>
          {(all) =>
            all.length === 0 ? (
              <p class="soft">{t("st.t.preview.empty")}</p>
            ) : (
              <>
                <table class="table samples">
                  <tbody>
                    {all.slice(0, PREVIEW_MAX).map((s) => (
                      <tr key={JSON.stringify(s.metric)}>
                        <th scope="row" class="mono wrap">
                          {seriesName(s.metric, said)}
                        </th>
                        <td class="num mono">{s.value?.[1] ?? "{…}"}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
                {all.length >= PREVIEW_MAX ? <p class="soft">{t("st.t.preview.more", { n: PREVIEW_MAX })}</p> : null}
              </>
            )
          }
        </Asked>
      </Section>
    </Beside>
  );
}
