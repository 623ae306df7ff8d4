// What a rule file was: each version with who changed it, why, and what; any of them can be taken back into the editor.
import { fetchFile, fetchVersions } from "../../api/alerting";
import { msOf } from "../../api/alertingTypes";
import { t } from "../../lib/text";
import { Version } from "../../parts/Versions";
import { usePoll } from "../../state/poll";
import { patch } from "../../state/url";
import { keepDraft } from "./drafts";
import { Asked } from "./shell";

export function FileVersions({ name, current }: { name: string; current: number }) {
  const asked = usePoll(`versions ${name}`, (signal) => fetchVersions(name, signal), Number.POSITIVE_INFINITY);
  return (
    <Asked of={asked}>
      {({ versions }) => (
        <ol class="versions">
          {versions.map((v, i) => (
            <Version
              key={v.version}
              id={`file ${name}`}
              of={{ version: v.version, at: msOf(v.changed_at), author: v.author, note: v.comment }}
              {...(v.removed ? { badge: t("fi.removed") } : {})}
              newest={v.version === current}
              open={i === 0}
              since={t("fi.diff")}
              diff={async () => v.diff}
              onRestore={v.removed ? null : () => fetchFile(name, v.version, new AbortController().signal).then(({ text }) => keepDraft(name, { text, base: current, comment: t("fi.restore.comment", { n: v.version }) }))}
              onRestored={() => patch({ show: "" })}
            />
          ))}
        </ol>
      )}
    </Asked>
  );
}
