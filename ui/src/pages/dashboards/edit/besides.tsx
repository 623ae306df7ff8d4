// Dialogs about a dashboard: its versions, its YAML, deleting it, the layout that somebody keeps for themselves, and saving.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { checkDashboard, type Dashboard, deleteDashboard, deleteLayout, fetchDashboardVersions, fetchDiff, fetchLayout, fetchYaml, type Problem, restoreDashboard } from "../../../api/dashboards";
import { t } from "../../../lib/text";
import { Dialog } from "../../../parts/Dialog";
import { Icon } from "../../../parts/Icon";
import { Failed, Loading } from "../../../parts/states";
import { TextBox } from "../../../parts/TextBox";
import { Versions as AllVersions } from "../../../parts/Versions";
import { usePoll } from "../../../state/poll";
import { userName } from "../../../state/prefs";
import { patch } from "../../../state/url";
import { Field, FormFoot, NameField, NOTE_MAX, remember, useSending } from "../../alerting/form";
import type { TextEditor } from "../../explore/textEditor";
import { removed } from "../removed";
import type { BesideProps } from "../View";

const once = Number.POSITIVE_INFINITY;

export function BesideDialog(p: BesideProps) {
  const Body = { versions: Versions, yaml: Yaml, delete: Delete, layout: MyLayout }[p.what];
  return (
    <Dialog title={t(`be.${p.what}`, { title: p.answer.dashboard.title })} kind={p.what === "versions" || p.what === "yaml" ? "dialog-wide" : ""} onClose={p.onClose}>
      <Body {...p} />
    </Dialog>
  );
}

function Versions({ answer, onChanged, onClose }: BesideProps) {
  const { id } = answer.dashboard;
  return (
    <AllVersions
      id={`dashboard ${id}`}
      version={answer.version}
      load={(signal) => fetchDashboardVersions(id, signal)}
      none={t("be.versions.none")}
      more={(v) => t("da.panels", { n: v.panels })}
      since={(n) => t("be.diff", { n })}
      diff={(from, to, signal) => fetchDiff(id, from, to, signal)}
      restore={(n, author) => restoreDashboard(id, n, author)}
      onRestored={() => {
        onChanged();
        onClose();
      }}
    />
  );
}

function Yaml({ answer }: BesideProps) {
  const asked = usePoll(`yaml ${answer.dashboard.id} ${answer.version}`, () => fetchYaml(answer.dashboard.id), once);
  const editor = useRef<TextEditor | null>(null);
  if (asked.data === null) return asked.error ? <Failed message={asked.error} onRetry={asked.again} /> : <Loading />;
  return (
    <div class="form yaml">
      <TextBox label={t("be.yaml.label")} text={asked.data} readOnly problems={[]} editor={editor} onChange={() => {}} />
      <footer class="form-foot">
        <span class="grow" />
        <a class="button" href={`/api/plimsoll/v1/dashboards/${encodeURIComponent(answer.dashboard.id)}?format=yaml`} download>
          <Icon name="download" size={15} />
          {t("be.yaml.download")}
        </a>
      </footer>
    </div>
  );
}

function Delete({ answer, onClose }: BesideProps) {
  const sending = useSending();
  const submit = (e: Event) => {
    e.preventDefault();
    sending.run(
      () => deleteDashboard(answer.dashboard.id, answer.version),
      () => {
        onClose();
        removed.value = { id: answer.dashboard.id, title: answer.dashboard.title, version: answer.version };
        patch({ open: "", params: {}, vars: {}, hide: [], range: { from: "", to: "" } });
      },
    );
  };
  return (
    <form class="form" onSubmit={submit}>
      <p class="soft">{t("be.delete.text")}</p>
      <FormFoot sending={sending} label={t("da.delete")} onCancel={onClose} danger />
    </form>
  );
}

function MyLayout({ answer, onClose, onChanged }: BesideProps) {
  const { id } = answer.dashboard;
  const [user, setUser] = useState(userName.value);
  const asked = usePoll(`mine ${id} ${userName.value}`, async (signal) => (userName.value ? fetchLayout(id, userName.value, signal).then((l) => l.layout.length > 0, () => false) : false), once);
  const sending = useSending();
  return (
    <div class="form">
      <p>{t("be.layout.text")}</p>
      <NameField value={user} onInput={setUser} />
      {asked.data ? (
        <button
          type="button"
          class="button"
          onClick={() =>
            sending.run(
              () => deleteLayout(id, userName.value),
              () => {
                onChanged();
                onClose();
              },
            )
          }
        >
          {t("be.layout.drop")}
        </button>
      ) : (
        <p class="soft">{t("be.layout.none")}</p>
      )}
      {sending.error ? (
        <p class="form-error" role="alert">
          {sending.error}
        </p>
      ) : null}
      <footer class="form-foot">
        <span class="grow" />
        <button
          type="button"
          class="button button-main"
          onClick={() => {
            remember(user);
            onChanged();
            onClose();
          }}
        >
          {t("common.close")}
        </button>
      </footer>
    </div>
  );
}

const CHECK_MS = 500;

/** What is no YAML says its line in words. */
const lineOf = (p: Problem): number => p.line ?? Number(/^line (\d+):/.exec(p.text)?.[1] ?? 0);

/** The draft as YAML; what is right there is taken over into the draft. */
export function YamlDialog({ dashboard, onTake, onClose }: { dashboard: Dashboard; onTake: (next: Dashboard) => void; onClose: () => void }) {
  const [text, setText] = useState<string | null>(null);
  const [error, setError] = useState("");
  const [problems, setProblems] = useState<Problem[]>([]);
  const [good, setGood] = useState<Dashboard | null>(null);
  const [busy, setBusy] = useState(false);
  const editor = useRef<TextEditor | null>(null);
  const first = useRef("");
  useEffect(() => {
    const abort = new AbortController();
    checkDashboard({ dashboard }, abort.signal).then(
      (a) => {
        first.current = a.yaml ?? JSON.stringify(dashboard, null, 2);
        setText(first.current);
        setProblems(a.problems);
      },
      (e: Error) => abort.signal.aborted || setError(e.message),
    );
    return () => abort.abort();
  }, []);
  useEffect(() => {
    if (text === null || text === first.current) return;
    const abort = new AbortController();
    setBusy(true);
    const timer = setTimeout(() => {
      checkDashboard({ yaml: text }, abort.signal).then(
        (a) => {
          setBusy(false);
          setError("");
          setProblems(a.problems);
          setGood(a.ok && a.dashboard ? a.dashboard : null);
        },
        (e: Error) => {
          if (abort.signal.aborted) return;
          setBusy(false);
          setGood(null);
          setError(e.message);
        },
      );
    }, CHECK_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [text]);
  const marks = useMemo(() => problems.flatMap((p) => (lineOf(p) ? [{ line: lineOf(p), message: `${p.text}; ${p.remedy ?? ""}` }] : [])), [problems]);
  return (
    <Dialog title={t("be.yaml", { title: dashboard.title || t("ed.untitled") })} kind="dialog-wide" onClose={onClose}>
      <div class="form yaml">
        {text === null ? error ? <Failed message={error} /> : <Loading /> : <TextBox label={t("be.yaml.label")} text={text} readOnly={false} problems={marks} editor={editor} onChange={setText} />}
        <div role="status" class="yaml-said">
          {error ? <p class="field-error">{error}</p> : null}
          {problems.length ? (
            <ul>
              {problems.slice(0, 50).map((p) => (
                <li key={`${p.path} ${p.text}`}>
                  {lineOf(p) ? (
                    <button type="button" class="button button-small num" onClick={() => editor.current?.goTo(lineOf(p))}>
                      {t("be.yaml.line", { n: lineOf(p) })}
                    </button>
                  ) : null}{" "}
                  {p.path ? (
                    <>
                      <code>{p.path}</code>:{" "}
                    </>
                  ) : null}
                  {p.text} {p.remedy ? <span class="soft">{p.remedy}</span> : null}
                </li>
              ))}
            </ul>
          ) : text !== null && !error && !busy ? (
            <p class="up">
              <Icon name="ok" size={14} /> {t("be.yaml.good")}
            </p>
          ) : null}
        </div>
        <footer class="form-foot">
          <span class="grow" />
          <button type="button" class="button" onClick={onClose}>
            {t("form.cancel")}
          </button>
          <button type="button" class="button button-main" disabled={!good || busy} onClick={() => good && onTake({ ...good, id: dashboard.id, version: dashboard.version ?? 0 })}>
            {t("be.yaml.take")}
          </button>
        </footer>
      </div>
    </Dialog>
  );
}

/** Who keeps a layout says under which name. */
export function MineDialog({ sending, onKeep, onClose }: { sending: ReturnType<typeof useSending>; onKeep: () => void; onClose: () => void }) {
  const [name, setName] = useState("");
  const [bad, setBad] = useState("");
  const submit = (e: Event) => {
    e.preventDefault();
    if (!name.trim()) return setBad(t("ed.mine.who"));
    remember(name);
    onKeep();
  };
  return (
    <Dialog title={t("ed.mine")} onClose={onClose}>
      <form class="form" onSubmit={submit}>
        <p class="soft">{t("ed.mine.text")}</p>
        <NameField value={name} error={bad} onInput={setName} first />
        <FormFoot sending={sending} label={t("ed.mine")} onCancel={onClose} />
      </form>
    </Dialog>
  );
}

interface SaveProps {
  fresh: boolean;
  title: string;
  /** somebody else saved this version meanwhile */
  conflict: number | null;
  sending: ReturnType<typeof useSending>;
  onSave: (author: string, note: string, how: "plain" | "over" | "copy") => void;
  onTheirs: () => void;
  onClose: () => void;
}

export function SaveDialog({ fresh, title, conflict, sending, onSave, onTheirs, onClose }: SaveProps) {
  const [author, setAuthor] = useState(userName.value);
  const [note, setNote] = useState("");
  const save = (how: "plain" | "over" | "copy") => {
    remember(author);
    onSave(author.trim(), note.trim(), how);
  };
  return (
    <Dialog title={t(fresh ? "sv.new" : "sv.title", { title })} onClose={onClose}>
      <form
        class="form"
        onSubmit={(e) => {
          e.preventDefault();
          save(conflict === null ? "plain" : "over");
        }}
      >
        {conflict === null ? null : (
          <div class="conflict" role="alert">
            <p class="strong">
              <Icon name="warning" size={15} /> {t("sv.conflict", { n: conflict })}
            </p>
            <p>{t("sv.conflict.text")}</p>
            <div class="form-row">
              <button type="button" class="button" onClick={() => save("copy")}>
                {t("sv.copy")}
              </button>
              <button type="button" class="button" onClick={onTheirs}>
                {t("sv.theirs")}
              </button>
            </div>
          </div>
        )}
        <Field label={t("sv.note")}>{(a) => <input {...a} data-first="" class="input" value={note} maxLength={NOTE_MAX} autocomplete="off" onInput={(e) => setNote(e.currentTarget.value)} />}</Field>
        <NameField value={author} onInput={setAuthor} />
        <FormFoot sending={conflict === null ? sending : { ...sending, error: "" }} label={t(conflict === null ? "ed.save" : "sv.over")} onCancel={onClose} />
      </form>
    </Dialog>
  );
}
