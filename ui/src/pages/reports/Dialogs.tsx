// What is asked before a report is sent or deleted, and what came of it.
import { useState } from "preact/hooks";
import { deleteReport, fetchReportDiff, fetchReportVersions, type Finished, type ReportDoc, restoreReport, type SendResult, sendReport } from "../../api/reports";
import { t } from "../../lib/text";
import { Dialog } from "../../parts/Dialog";
import { Icon } from "../../parts/Icon";
import { follow, go, hrefOf } from "../../state/url";
import { Versions } from "../../parts/Versions";
import { FormFoot, useSending } from "../alerting/form";
import { Receivers, reportHref } from "./pieces";

export function SendDialog({ of: r, doc, receivers, onClose }: { of: ReportDoc; doc: Finished; receivers: string[]; onClose: () => void }) {
  const [to, setTo] = useState((r.schedule?.receivers ?? []).filter((x) => receivers.includes(x)));
  const [sent, setSent] = useState<SendResult[] | null>(null);
  const sending = useSending();
  const [none, setNone] = useState(false);
  const submit = (e: Event) => {
    e.preventDefault();
    setNone(to.length === 0);
    if (to.length === 0) return;
    let results: SendResult[] = [];
    sending.run(
      async () => {
        results = (await sendReport(r.id, to, doc)).results;
      },
      () => setSent(results),
    );
  };
  const list = (
    <a href={hrefOf("receivers")} onClick={follow}>
      {t("nav.receivers")}
    </a>
  );
  return (
    <Dialog title={t("rp.send.title", { title: r.title })} onClose={onClose}>
      {sent !== null ? (
        <div class="form">
          <ul class="rp-sent" role="status">
            {sent.map((x) => (
              <li key={`${x.receiver} ${x.integration}`} class={x.state === "sent" ? "up" : x.state === "waiting" ? "soft" : "old"}>
                <Icon name={x.state === "sent" ? "ok" : x.state === "waiting" ? "info" : "warning"} size={15} />
                <span>
                  <span class="strong">{x.receiver}</span>
                  {x.kind ? ` (${x.kind})` : ""}: {t(`rp.sent.${x.state}`)} {x.error}
                </span>
              </li>
            ))}
          </ul>
          <p>
            {t("rp.sent.see")} {list}
          </p>
          <footer class="form-foot">
            <span class="grow" />
            <button type="button" class="button button-main" onClick={onClose}>
              {t("common.close")}
            </button>
          </footer>
        </div>
      ) : receivers.length === 0 ? (
        <div class="form">
          <p>{t("rp.receivers.none")}</p>
          <p>{list}</p>
        </div>
      ) : (
        <form class="form" onSubmit={submit}>
          <p>{t("rp.send.text", { period: `${doc.period} (${doc.timezone})`, format: t(`rp.format.${r.format}`) })}</p>
          <Receivers all={receivers} value={to} onTake={setTo} />
          {none && to.length === 0 ? (
            <p class="form-error" role="alert">
              {t("rp.send.nobody")}
            </p>
          ) : null}
          <FormFoot sending={sending} label={t("rp.send")} onCancel={onClose} />
        </form>
      )}
    </Dialog>
  );
}

export function DeleteDialog({ of: r, onClose }: { of: ReportDoc; onClose: () => void }) {
  const sending = useSending();
  const submit = (e: Event) => {
    e.preventDefault();
    sending.run(
      () => deleteReport(r.id, r.version),
      () => {
        onClose();
        go(reportHref(""));
      },
    );
  };
  return (
    <Dialog title={t("rp.delete.title", { title: r.title })} onClose={onClose}>
      <form class="form" onSubmit={submit}>
        <p>{t("rp.delete.text")}</p>
        <FormFoot sending={sending} label={t("rp.delete")} onCancel={onClose} danger />
      </form>
    </Dialog>
  );
}

export const VersionsDialog = ({ of: r, onRestored, onClose }: { of: ReportDoc; onRestored: () => void; onClose: () => void }) => (
  <Dialog title={t("rp.versions", { title: r.title })} kind="dialog-wide" onClose={onClose}>
    <Versions
      id={`report ${r.id}`}
      version={r.version}
      load={(signal) => fetchReportVersions(r.id, signal)}
      none={t("rp.versions.none")}
      more={(v) => t("rp.versions.sections", { n: v.sections })}
      since={(n) => t("rp.versions.since", { n })}
      diff={(from, to, signal) => fetchReportDiff(r.id, from, to, signal)}
      restore={(n, author) => restoreReport(r.id, n, author)}
      onRestored={() => {
        onRestored();
        onClose();
      }}
    />
  </Dialog>
);
