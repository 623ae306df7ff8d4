// What a rule file was: each version with who changed it, why, and what; any of them can be taken back into the editor.
import { useState } from "preact/hooks";
import { fetchFile, fetchVersions } from "../../api/alerting";
import { msOf, type RuleFileVersion } from "../../api/alertingTypes";
import { formatDateTime } from "../../lib/format";
import { t } from "../../lib/text";
import { Diff } from "../../parts/Diff";
import { usePoll } from "../../state/poll";
import { patch, zone } from "../../state/url";
import { keepDraft } from "./drafts";
import { useSending } from "./form";
import { Asked } from "./shell";

/** Versions that are open when the page comes. */
const OPEN = 1;

export function FileVersions({ name, current }: { name: string; current: number }) {
  const asked = usePoll(`versions ${name}`, (signal) => fetchVersions(name, signal), Number.POSITIVE_INFINITY);
  return (
    <Asked of={asked}>
      {({ versions }) => (
        <ol class="versions">
          {versions.map((v, i) => (
            <Version key={v.version} name={name} of={v} current={current} open={i < OPEN} />
          ))}
        </ol>
      )}
    </Asked>
  );
}

function Version({ name, of: v, current, open }: { name: string; of: RuleFileVersion; current: number; open: boolean }) {
  const sending = useSending();
  const [shown, setShown] = useState(open);
  const restore = () =>
    sending.run(
      () => fetchFile(name, v.version, new AbortController().signal).then(({ text }) => keepDraft(name, { text, base: current, comment: t("fi.restore.comment", { n: v.version }) })),
      () => patch({ show: "" }),
    );
  return (
    <li class="version">
      <div class="version-head">
        <span class="strong num">{t("fi.version", { n: v.version })}</span>
        {v.version === current ? <span class="badge">{t("fi.current")}</span> : null}
        {v.removed ? <span class="badge">{t("fi.removed")}</span> : null}
        <span class="soft num">
          {formatDateTime(msOf(v.changed_at), zone.value)}
          {v.author ? ` · ${v.author}` : ""}
        </span>
        {v.comment ? <q>{v.comment}</q> : null}
        <span class="grow" />
        {v.version !== current && !v.removed ? (
          <button type="button" class="button button-small" aria-busy={sending.busy} aria-label={`${t("fi.restore")}: ${t("fi.version", { n: v.version })}`} onClick={restore}>
            {t("fi.restore")}
          </button>
        ) : null}
      </div>
      {sending.error ? <p class="field-error">{sending.error}</p> : null}
      <details open={shown} onToggle={(e) => setShown(e.currentTarget.open)}>
        <summary>{t("fi.diff")}</summary>
        {shown ? <Diff text={v.diff} none={t("fi.same")} /> : null}
      </details>
    </li>
  );
}
