// Rule files: those that are kept here, written, checked while they are written, saved with a comment, compared with
// what they were, and restored; and those that lie elsewhere, to be read.
import { useMemo, useState } from "preact/hooks";
import { fetchFile, fetchFiles } from "../../api/alerting";
import type { RuleFileDoc, RuleFileText } from "../../api/alertingTypes";
import { t } from "../../lib/text";
import { Icon } from "../../parts/Icon";
import { Empty } from "../../parts/states";
import { Cell, VirtualGrid } from "../../parts/VirtualGrid";
import { usePoll } from "../../state/poll";
import { patch, url } from "../../state/url";
import { drafts } from "./drafts";
import { FileEditor } from "./FileEditor";
import { FileVersions } from "./FileVersions";
import { Time } from "./marks";
import { Asked, Beside, Chips, ListPage, pickShow } from "./shell";

const ROW_PX = 46;
const REFRESH_MS = 15_000;
/** What stands in the address for a file that has no name yet. No file can be called so. */
const NEW = "+";

export function Files() {
  const polled = usePoll("files", fetchFiles, REFRESH_MS);
  const { open } = url.value;
  const files = polled.data?.files ?? [];
  const current = files.find((f) => f.name === open || f.path === open);
  const rows = useMemo(() => [...files].sort((a, b) => Number(b.editable) - Number(a.editable) || a.name.localeCompare(b.name)), [polled.data]);
  const onKey = (e: KeyboardEvent) => {
    if (e.key !== "Escape" || !open) return false;
    patch({ open: "", show: "" });
    return true;
  };
  return (
    <ListPage
      wide
      tools={
        <button type="button" class="button button-main" onClick={() => patch({ open: NEW, show: "", q: "" })}>
          <Icon name="plus" size={15} />
          <span class="new-label">{t("fi.new")}</span>
        </button>
      }
      beside={
        open === NEW ? (
          <Beside label={t("fi.new")} title={t("fi.new")} full>
            <FileEditor key={NEW} file={null} taken={files.map((f) => f.name)} onSaved={polled.again} />
          </Beside>
        ) : open && (current || polled.data) ? (
          <OneFile key={open} name={current?.name ?? open} doc={current} onChange={polled.again} />
        ) : null
      }
    >
      <section class="panel list" aria-label={t("nav.files")}>
        <Asked of={polled}>
          {() =>
            rows.length === 0 ? (
              <Empty>
                <strong>{t("fi.empty")}</strong>
                <span>{t("fi.empty.text")}</span>
              </Empty>
            ) : (
              <List rows={rows} open={current?.name ?? ""} onKey={onKey} />
            )
          }
        </Asked>
      </section>
    </ListPage>
  );
}

function List({ rows, open, onKey }: { rows: RuleFileDoc[]; open: string; onKey: (e: KeyboardEvent) => boolean }) {
  return (
    <VirtualGrid kind="grid-files" label={t("nav.files")} rows={rows} rowPx={ROW_PX} keyOf={(f) => f.name} open={open} onOpen={(f) => patch({ open: f.name === open ? "" : f.name, show: "", q: "" })} onKey={onKey} classOf={() => "row-file"}>
      {(f) => (
        <>
          <Cell class="cell-main" title={f.path}>
            <span class="strong">{f.name}</span>
          </Cell>
          <Cell class="cell-marks">
            <Unsaved name={f.name} />
            {f.in_force === false ? <span class="badge badge-stale">{t("fi.stopped")}</span> : null}
            {f.editable ? null : <span class="badge">{t("fi.readonly")}</span>}
          </Cell>
          <Cell class="soft cell-file num">
            {t("fi.counts", { groups: f.groups, rules: f.rules })}
            {f.version ? ` · ${t("fi.version", { n: f.version })}` : ""}
            {f.author ? ` · ${t("fi.by", { by: f.author })}` : ""}
            {f.changed_at ? " · " : ""}
            {f.changed_at ? <Time at={f.changed_at} /> : null}
          </Cell>
        </>
      )}
    </VirtualGrid>
  );
}

const Unsaved = ({ name }: { name: string }) => (drafts.value.has(name) ? <span class="badge badge-stale">{t("fi.unsaved")}</span> : null);

function OneFile({ name, doc, onChange }: { name: string; doc: RuleFileDoc | undefined; onChange: () => void }) {
  const [saved, setSaved] = useState(0);
  // Asked for once, and after each saving: a text that changes by itself would be pulled from under the cursor.
  const asked = usePoll(`file ${name} ${saved}`, (signal) => fetchFile(name, undefined, signal), Number.POSITIVE_INFINITY);
  const versions = url.value.show === "versions" && doc?.editable === true;
  const views = [
    { value: "", label: t("fi.edit") },
    { value: "versions", label: t("fi.versions") },
  ];
  return (
    <Beside label={t("fi.detail", { name })} title={<span class="beside-name">{name}</span>} tools={doc?.editable ? <Chips label={t("fi.view")} value={versions ? "versions" : ""} choices={views} onPick={pickShow} /> : null} full>
      {asked.data === null && asked.status === 404 ? (
        <Empty>{t("fi.gone")}</Empty>
      ) : (
        <Asked of={asked}>
          {(file: RuleFileText) =>
            versions ? (
              <FileVersions key={saved} name={name} current={file.version ?? 0} />
            ) : (
              <>
                {doc?.in_force === false ? <p class="field-error">{t("fi.stopped.text", { why: doc.unreadable ?? "" })}</p> : null}
                <FileEditor
                  key={`${name} ${saved}`}
                  file={file}
                  taken={[]}
                  onSaved={() => {
                    setSaved((n) => n + 1);
                    onChange();
                  }}
                />
              </>
            )
          }
        </Asked>
      )}
    </Beside>
  );
}
