// One report as it is now: about which time, as which file, to whom.
import { useEffect, useState } from "preact/hooks";
import { fetchFile, type Finished, finish, finishDraft, FORMATS, type Format, type ReportDoc } from "../../api/reports";
import { t } from "../../lib/text";
import { resolveRange } from "../../lib/time";
import { openDialog } from "../../parts/dialogs";
import { Icon } from "../../parts/Icon";
import { useCrumb } from "../../state/crumb";
import { offerKeys } from "../../state/pagekeys";
import { usePoll } from "../../state/poll";
import { follow, go, patch, url } from "../../state/url";
import { Asked } from "../alerting/shell";
import { DeleteDialog, SendDialog, VersionsDialog } from "./Dialogs";
import { Document } from "./Document";
import { LastTime, NEW, NextTime, Origin, PERIODS, periodName, reportHref } from "./pieces";

/** Stands for the time that the address tells. */
const CHOSEN = "chosen";

function save(blob: Blob, name: string): void {
  const a = document.createElement("a");
  a.href = URL.createObjectURL(blob);
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 1000);
}

/** The files are of the time that is shown, so that they have its numbers. */
function Download({ id, of }: { id: string; of: Finished | null }) {
  const [busy, setBusy] = useState<Format | null>(null);
  const [error, setError] = useState("");
  const get = (format: Format) => {
    if (!of || busy) return;
    setBusy(format);
    setError("");
    fetchFile(id, format, of)
      .then(({ blob, name }) => save(blob, name))
      .catch((e: Error) => setError(e.message))
      .then(() => setBusy(null));
  };
  return (
    <div class="rp-files" role="group" aria-label={t("rp.download")}>
      <Icon name="download" size={15} />
      {FORMATS.map((f) => (
        <button type="button" key={f} class="button button-small" aria-label={t("rp.download.as", { format: t(`rp.format.${f}`) })} aria-busy={busy === f} disabled={!of} onClick={() => get(f)}>
          {t(`rp.format.${f}`)}
        </button>
      ))}
      <span role="status" class={error ? "field-error" : "soft"}>
        {error || (busy ? t("rp.download.busy") : "")}
      </span>
    </div>
  );
}

export function View({ of: r, receivers, onChanged }: { of: ReportDoc; receivers: string[]; onChanged: () => void }) {
  const { params, range } = url.value;
  const period = range.from ? CHOSEN : (params["period"] ?? "");
  useCrumb(r.title);
  const asked = usePoll(
    `report ${r.id} ${r.version} ${period} ${range.from} ${range.to}`,
    (signal) => {
      const span = resolveRange(range, Date.now());
      if (range.from) return span ? finish(r.id, span, signal) : Promise.reject(new Error(t("rp.period.bad", { ...range })));
      return period ? finishDraft({ ...r, period }, signal) : finish(r.id, null, signal);
    },
    Number.POSITIVE_INFINITY,
  );
  const [open, setOpen] = useState<"send" | "delete" | "versions" | null>(null);
  const edit = reportHref(r.id, { edit: "1" });
  const pick = (next: string) => {
    if (next !== CHOSEN) return patch({ range: { from: "", to: "" }, params: { ...params, period: next } });
    // What is shown is where choosing begins.
    const shown = asked.data ? { from: String(asked.data.from), to: String(asked.data.to) } : { from: "now-24h", to: "now" };
    patch({ range: shown, params: { ...params, period: "" } });
    openDialog("time");
  };
  const close = () => setOpen(null);
  useEffect(
    () =>
      offerKeys((e) => {
        if (e.key === "e") go(edit);
        return e.key === "e";
      }),
    [edit],
  );
  return (
    <>
      <div class="rp-bar">
        <label class="by">
          {t("rp.about")}
          <select class="input" value={period} onChange={(e) => pick(e.currentTarget.value)}>
            <option value="">{t("rp.period.own", { period: periodName(r.period) })}</option>
            {PERIODS.map((p) => (
              <option key={p} value={p}>
                {periodName(p)}
              </option>
            ))}
            <option value={CHOSEN}>{t("rp.period.chosen")}</option>
          </select>
        </label>
        <Download id={r.id} of={asked.data} />
        <span class="grow" />
        <a class="button" href={edit} onClick={follow} title="e">
          <Icon name="edit" size={15} />
          {t("rp.edit")}
        </a>
        <a class="button button-icon" href={reportHref(NEW, { base: r.id })} onClick={follow} aria-label={t("rp.copy")} title={t("rp.copy")}>
          <Icon name="copy" size={16} />
        </a>
        {r.source === "api" ? (
          <button type="button" class="button" onClick={() => setOpen("versions")}>
            {t("fi.versions")}
          </button>
        ) : null}
        {r.source === "api" ? (
          <button type="button" class="button" onClick={() => setOpen("delete")}>
            <Icon name="trash" size={15} />
            {t("rp.delete")}
          </button>
        ) : null}
        <button type="button" class="button button-main" disabled={!asked.data} onClick={() => setOpen("send")}>
          {t("rp.send")}
        </button>
      </div>
      <p class="rp-meta">
        <Origin of={r} />
        {r.schedule ? (
          <>
            <span>
              <span class="soft">{t("rp.col.next")}</span> <NextTime of={r} />
            </span>
            <span>
              <span class="soft">{t("rp.col.to")}</span> {r.schedule.receivers.join(", ")}
            </span>
            <span>
              <span class="soft">{t("rp.col.last")}</span> <LastTime of={r} />
            </span>
          </>
        ) : (
          <NextTime of={r} />
        )}
      </p>
      <Asked of={asked}>{(d) => <Document of={d} />}</Asked>
      {open === "send" && asked.data ? <SendDialog of={r} doc={asked.data} receivers={receivers} onClose={close} /> : null}
      {open === "versions" ? <VersionsDialog of={r} onRestored={onChanged} onClose={close} /> : null}
      {open === "delete" ? <DeleteDialog of={r} onClose={close} /> : null}
    </>
  );
}
