// The versions of something that is kept: who wrote each when and why, what changed since the one before, and the way back.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { NameField, remember, useSending } from "../pages/alerting/form";
import { formatDateTime } from "../lib/format";
import { t } from "../lib/text";
import { usePoll } from "../state/poll";
import { userName } from "../state/prefs";
import { zone } from "../state/url";
import { Diff } from "./Diff";
import { Failed, Loading } from "./states";

const once = Number.POSITIVE_INFINITY;

export interface VersionRow {
  version: number;
  /** ms, or a time in words */
  at: string | number;
  author: string | null;
  note?: string | null;
}

interface Props {
  /** names what it is a version of */
  id: string;
  of: VersionRow;
  /** what else is told of it */
  more?: string;
  badge?: string;
  newest: boolean;
  /** what changed is seen at once */
  open: boolean;
  /** what the difference is called, and it; null where there is nothing before */
  since: string;
  diff: ((signal: AbortSignal) => Promise<string>) | null;
  /** null: it cannot be taken back */
  onRestore: (() => Promise<unknown>) | null;
  onRestored: () => void;
}

export function Version({ id, of: v, more, badge, newest, open, since, diff, onRestore, onRestored }: Props) {
  const [shown, setShown] = useState(open && diff !== null);
  const asked = usePoll(`diff ${id} ${v.version} ${shown}`, async (signal) => (shown && diff ? diff(signal) : ""), once);
  const sending = useSending();
  const name = t("fi.version", { n: v.version });
  return (
    <li class="version">
      <div class="version-head">
        <span class="strong num">{name}</span>
        {newest ? <span class="badge">{t("fi.current")}</span> : null}
        {badge ? <span class="badge">{badge}</span> : null}
        <span class="soft num">{[formatDateTime(new Date(v.at).getTime(), zone.value), v.author, more].filter(Boolean).join(" · ")}</span>
        {v.note ? <q>{v.note}</q> : null}
        <span class="grow" />
        {newest || !onRestore ? null : (
          <button type="button" class="button button-small" aria-busy={sending.busy} aria-label={`${t("fi.restore")}: ${name}`} onClick={() => sending.run(onRestore, onRestored)}>
            {t("fi.restore")}
          </button>
        )}
      </div>
      {sending.error ? <p class="field-error">{sending.error}</p> : null}
      {diff ? (
        <details open={shown} onToggle={(e) => setShown(e.currentTarget.open)}>
          <summary>{since}</summary>
          {shown ? asked.error ? <p class="field-error">{asked.error}</p> : asked.data === null ? <Loading /> : <Diff text={asked.data} none={t("fi.same")} /> : null}
        </details>
      ) : null}
    </li>
  );
}

interface AllProps<T extends VersionRow> {
  id: string;
  /** the version that is shown elsewhere: another one is asked for anew */
  version: number;
  load: (signal: AbortSignal) => Promise<{ versions: T[] }>;
  none: ComponentChildren;
  more: (v: T) => string;
  since: (before: number) => string;
  diff: (from: number, to: number, signal: AbortSignal) => Promise<{ diff: string }>;
  restore: (version: number, author: string) => Promise<unknown>;
  onRestored: () => void;
}

/** All of them, the newest first, and under which name one is taken back. */
export function Versions<T extends VersionRow>({ id, version, load, none, more, since, diff, restore, onRestored }: AllProps<T>) {
  const asked = usePoll(`versions ${id} ${version}`, load, once);
  const [author, setAuthor] = useState(userName.value);
  if (asked.data === null) return asked.error ? <Failed message={asked.error} onRetry={asked.again} /> : <Loading />;
  const { versions } = asked.data;
  if (versions.length === 0) return <p class="soft">{none}</p>;
  return (
    <div class="form">
      <NameField value={author} onInput={setAuthor} />
      <ol class="versions">
        {versions.map((v, i) => {
          const before = versions[i + 1]?.version;
          return (
            <Version
              key={v.version}
              id={id}
              of={v}
              more={more(v)}
              newest={i === 0}
              open={i === 0}
              since={since(before ?? 0)}
              diff={before === undefined ? null : async (signal) => (await diff(before, v.version, signal)).diff}
              onRestore={() => restore(v.version, author.trim())}
              onRestored={() => {
                remember(author);
                onRestored();
              }}
            />
          );
        })}
      </ol>
    </div>
  );
}
