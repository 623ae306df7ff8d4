// All dashboards by folder: templates that come with Plimsoll, files, and those that people made.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { type DashboardRow, fetchDashboards, restoreDashboard } from "../../api/dashboards";
import { formatMoment } from "../../lib/format";
import { t } from "../../lib/text";
import { Icon } from "../../parts/Icon";
import { Empty, Failed, Loading } from "../../parts/states";
import { clock, stale } from "../../state/connection";
import { offerFilter } from "../../state/filter";
import { offerKeys } from "../../state/pagekeys";
import { usePoll } from "../../state/poll";
import { userName } from "../../state/prefs";
import { follow, hrefOf, patch, url, zone } from "../../state/url";
import { useSending } from "../alerting/form";
import { ImportDialog } from "./ImportDialog";
import { removed } from "./removed";

/** Rows that are shown; the search finds the others. */
const ROWS_MAX = 500;
const POLL_MS = 30_000;

const folderOf = (d: DashboardRow) => d.folder || (d.source === "template" ? t("da.folder.templates") : t("da.folder.none"));

function matching(all: readonly DashboardRow[], q: string, tag: string, folder: string): DashboardRow[] {
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  return all.filter((d) => {
    const text = `${d.title} ${d.id} ${d.description ?? ""} ${(d.tags ?? []).join(" ")} ${folderOf(d)}`.toLowerCase();
    return words.every((w) => text.includes(w)) && (!tag || d.tags?.includes(tag)) && (!folder || folderOf(d) === folder);
  });
}

export function List() {
  const asked = usePoll("dashboards", (signal) => fetchDashboards(signal), POLL_MS);
  const [importing, setImporting] = useState(false);
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => offerFilter(() => box.current?.focus()), []);
  useEffect(
    () =>
      offerKeys((e) => {
        if (e.key !== "n") return false;
        patch({ open: "+" });
        return true;
      }),
    [],
  );
  const { q, by: tag, params } = url.value;
  const folder = params["folder"] ?? "";
  const all = asked.data?.dashboards ?? [];
  const rows = useMemo(() => matching(all, q, tag, folder), [asked.data, q, tag, folder]);
  const tags = useMemo(() => [...new Set(all.flatMap((d) => d.tags ?? []))].sort().slice(0, 30), [asked.data]);
  const folders = useMemo(() => [...new Set(all.map(folderOf))].sort(), [asked.data]);
  const groups = useMemo(() => {
    const by = new Map<string, DashboardRow[]>();
    for (const d of rows.slice(0, ROWS_MAX)) by.set(folderOf(d), [...(by.get(folderOf(d)) ?? []), d]);
    // What people made comes before what came with the program.
    const ours = (name: string) => Number((by.get(name) ?? []).every((d) => d.source === "template"));
    return [...by].sort(([a], [b]) => ours(a) - ours(b) || a.localeCompare(b));
  }, [rows]);
  return (
    <div class={`dash-list ${stale.value ? "is-stale" : ""}`}>
      <h1 class="sr-only">{t("nav.dashboards")}</h1>
      <header class="dash-list-head">
        <div class="filter">
          <Icon name="search" size={15} />
          <input ref={box} class="input filter-input" type="search" aria-label={t("da.search")} placeholder={t("da.search")} value={q} onInput={(e) => patch({ q: e.currentTarget.value }, "replace")} onKeyDown={(e) => e.key === "Escape" && e.currentTarget.blur()} spellcheck={false} autocomplete="off" />
          <span class="filter-said soft num" role="status">
            {asked.data ? t("da.count", { n: rows.length }) : ""}
          </span>
        </div>
        {folders.length > 1 ? (
          <select class="input" aria-label={t("da.folder")} value={folder} onChange={(e) => patch({ params: { ...params, folder: e.currentTarget.value } }, "replace")}>
            <option value="">{t("da.folder.all")}</option>
            {folders.map((f) => (
              <option key={f} value={f}>
                {f}
              </option>
            ))}
          </select>
        ) : null}
        <span class="grow" />
        <button type="button" class="button" onClick={() => setImporting(true)}>
          <Icon name="download" size={15} />
          {t("da.import")}
        </button>
        <a class="button button-main" href={hrefOf("dashboards", { open: "+" })} onClick={follow} title="n">
          <Icon name="plus" size={15} />
          {t("da.new")}
        </a>
      </header>
      {removed.value ? <Removed of={removed.value} onBack={asked.again} /> : null}
      {tags.length ? (
        <div class="chips" role="group" aria-label={t("da.tags")}>
          {tags.map((x) => (
            <button type="button" key={x} class="button chip-button" aria-pressed={tag === x} onClick={() => patch({ by: tag === x ? "" : x }, "replace")}>
              {x}
            </button>
          ))}
        </div>
      ) : null}
      {asked.data === null ? (
        asked.error ? (
          <Failed message={asked.error} onRetry={asked.again} />
        ) : (
          <Loading />
        )
      ) : rows.length === 0 ? (
        <Empty>
          <p>{all.length ? t("da.list.nomatch") : t("da.list.none")}</p>
          {all.length ? (
            <button type="button" class="button" onClick={() => patch({ q: "", by: "", params: {} })}>
              {t("da.list.clear")}
            </button>
          ) : null}
        </Empty>
      ) : (
        groups.map(([name, of]) => (
          <section key={name} class="dash-folder" aria-label={name}>
            <h2>{name}</h2>
            <ul>
              {of.map((d) => (
                <Row key={d.id} row={d} />
              ))}
            </ul>
          </section>
        ))
      )}
      {rows.length > ROWS_MAX || asked.data?.truncated ? <p class="soft">{t("da.list.more", { n: Math.max(0, rows.length - ROWS_MAX) })}</p> : null}
      {importing ? <ImportDialog folders={folders} onClose={() => setImporting(false)} /> : null}
    </div>
  );
}

/** Until the page is left: a removal is a version like any other, and the one before it can be made the newest again. */
function Removed({ of, onBack }: { of: NonNullable<typeof removed.value>; onBack: () => void }) {
  const sending = useSending();
  const restore = () =>
    sending.run(
      () => restoreDashboard(of.id, of.version, userName.value),
      () => {
        removed.value = null;
        onBack();
        patch({ open: of.id });
      },
    );
  return (
    <div class="dash-removed" role="status">
      <Icon name="trash" size={15} />
      <span class="grow">
        {t("da.removed", { title: of.title || of.id })} {sending.error ? <span class="field-error">{sending.error}</span> : null}
      </span>
      <button type="button" class="button" aria-busy={sending.busy} onClick={restore}>
        <Icon name="undo" size={15} />
        {t("da.removed.back")}
      </button>
      <button type="button" class="button button-icon" aria-label={t("common.close")} onClick={() => (removed.value = null)}>
        <Icon name="close" size={15} />
      </button>
    </div>
  );
}

const Row = ({ row: d }: { row: DashboardRow }) => (
  <li class={`dash-row ${d.available === false ? "dash-off" : ""}`}>
    <a href={hrefOf("dashboards", { open: d.id })} onClick={follow} class="dash-link">
      <span class="strong">{d.title || d.id}</span>
      {d.description ? <span class="soft dash-about">{d.description}</span> : null}
    </a>
    <span class="dash-marks">
      {d.source === "api" ? null : (
        <span class="badge" title={t(`da.source.${d.source}.text`)}>
          {t(`da.source.${d.source}`)}
        </span>
      )}
      {d.available === false ? (
        <span class="badge" title={(d.missing ?? []).join(", ")}>
          {t("da.missing", { n: (d.missing ?? []).length })}
        </span>
      ) : null}
      {(d.tags ?? []).map((x) => (
        <button type="button" key={x} class="badge dash-tag" onClick={() => patch({ by: x }, "replace")} aria-label={t("da.tag.only", { tag: x })}>
          {x}
        </button>
      ))}
    </span>
    <span class="soft num dash-panels">{t("da.panels", { n: d.panels })}</span>
    <span class="soft num dash-when">{d.changed_at ? `${formatMoment(Date.parse(d.changed_at), clock.value, zone.value)}${d.author ? ` · ${d.author}` : ""}` : ""}</span>
  </li>
);
