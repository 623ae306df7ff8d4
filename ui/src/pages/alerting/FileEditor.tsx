// The text of a rule file: checked by the server while it is written, with each problem at its line; saved with a comment.
import { useEffect, useRef, useState } from "preact/hooks";
import { checkFile, deleteFile, saveFile } from "../../api/alerting";
import type { Problem, RuleFileText } from "../../api/alertingTypes";
import { ApiError } from "../../api/http";
import { t } from "../../lib/text";
import { Dialog } from "../../parts/Dialog";
import { Icon } from "../../parts/Icon";
import { TextBox } from "../../parts/TextBox";
import { userName } from "../../state/prefs";
import { patch, url } from "../../state/url";
import type { TextEditor } from "../explore/textEditor";
import { BacktestText } from "./Backtest";
import { drafts, keepDraft } from "./drafts";
import { Builder } from "./Builder";
import { exampleOf } from "./example";
import { Patch } from "./Patch";
import { Field, FormFoot, NameField, NOTE_MAX, remember, useSending } from "./form";

/** The server is asked this long after the last key. */
const CHECK_MS = 500;
const NAME = /^[a-z0-9_-]{1,64}$/;
/** Problems that are listed; more are counted. */
const PROBLEMS_SHOWN = 50;

interface Props {
  /** null: a new one */
  file: RuleFileText | null;
  /** names that a new one cannot have */
  taken: string[];
  onSaved: () => void;
}

interface Checked {
  status: "idle" | "busy" | "done";
  problems: Problem[];
  error: string;
}

/** A name that no file has: who makes an alert of a chart need not think of files. */
const freeName = (taken: string[]): string => ["alerts", ...taken.map((_, i) => `alerts-${i + 2}`)].find((n) => !taken.includes(n)) ?? "";

export function useCheck(text: string, wanted: boolean, check = checkFile): [Checked, (problems: Problem[]) => void] {
  const [state, setState] = useState<Checked>({ status: "idle", problems: [], error: "" });
  useEffect(() => {
    if (!wanted) return;
    const abort = new AbortController();
    setState((s) => ({ ...s, status: "busy" }));
    const timer = setTimeout(() => {
      check(text, abort.signal).then(
        ({ problems }) => setState({ status: "done", problems, error: "" }),
        (e: Error) => abort.signal.aborted || setState({ status: "done", problems: [], error: e.message }),
      );
    }, CHECK_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [text, wanted]);
  return [state, (problems) => setState({ status: "done", problems, error: "" })];
}

export function FileEditor({ file, taken, onSaved }: Props) {
  // A new file for another query is another text.
  const key = file?.name ?? `+${url.value.q}`;
  const kept = drafts.value.get(key);
  // A rule on a query that somebody looked at is made by a form; its text can be changed by hand too.
  const query = file ? "" : url.value.q.trim();
  const original = file?.text ?? exampleOf(url.value.q);
  const [written, setWritten] = useState(kept && query ? null : "");
  const [text, setText] = useState(kept?.text ?? original);
  const [typed, setName] = useState<string | null>(null);
  const name = typed ?? (query ? freeName(taken) : "");
  const [author, setAuthor] = useState(userName.value);
  const [comment, setComment] = useState(kept?.comment ?? "");
  const [tried, setTried] = useState(false);
  const [said, setSaid] = useState("");
  const [removing, setRemoving] = useState(false);
  const readOnly = file !== null && !file.editable;
  const [checked, setProblems] = useCheck(text, !readOnly);
  const sending = useSending();
  const editor = useRef<TextEditor | null>(null);
  const base = kept?.base ?? file?.version ?? 0;

  const change = (next: string) => {
    setText(next);
    setSaid("");
    keepDraft(key, next === original ? null : { text: next, base, comment });
  };
  const note = (next: string) => {
    setComment(next);
    if (text !== original) keepDraft(key, { text, base, comment: next });
  };
  const nameFault = file ? "" : !NAME.test(name) ? t("fi.name.bad") : taken.includes(name) ? t("fi.name.taken") : "";
  const submit = (e: Event) => {
    e.preventDefault();
    setTried(true);
    if (nameFault || !author.trim()) return;
    remember(author);
    let version = 0;
    const wish = { text, author: author.trim(), comment: comment.trim(), expected_version: base };
    sending.run(
      () =>
        saveFile(file?.name ?? name, wish).then(
          (done) => {
            version = done.version;
          },
          (failure: unknown) => {
            const body = ((failure as ApiError).body ?? {}) as { problems?: Problem[]; version?: number };
            if (body.problems) setProblems(body.problems);
            // A name that nobody chose is another one then.
            if (!file && typed === null) onSaved();
            // Whoever saves again has been told, and means it.
            else if (failure instanceof ApiError && failure.status === 409 && body.version !== undefined) {
              keepDraft(key, { text, base: body.version, comment });
              throw new Error(t("fi.conflict", { n: body.version }));
            }
            throw failure;
          },
        ),
      () => {
        keepDraft(key, null);
        setSaid(t("fi.saved", { n: version }));
        onSaved();
        if (!file) patch({ open: name, q: "" }, "replace");
      },
    );
  };
  const remove = (e: Event) => {
    e.preventDefault();
    if (!file) return;
    sending.run(
      () => deleteFile(file.name),
      () => {
        keepDraft(key, null);
        setRemoving(false);
        patch({ open: "" });
        onSaved();
      },
    );
  };
  return (
    <form class="file-form" onSubmit={submit}>
      {file ? null : (
        <Field label={t("fi.name")} error={tried ? nameFault : ""}>
          {(a) => <input {...a} class="input mono" value={name} maxLength={64} placeholder={t("fi.name.hint")} onInput={(e) => setName(e.currentTarget.value)} spellcheck={false} autocapitalize="off" autocomplete="off" />}
        </Field>
      )}
      {readOnly ? <p class="soft">{t("fi.readonly.text")}</p> : null}
      {query ? (
        <Builder
          query={query}
          byHand={written !== "" && text !== written}
          fresh={written !== null}
          onText={(next) => {
            setWritten(next);
            change(next);
            editor.current?.setText(next);
          }}
        />
      ) : null}
      <TextBox label={t("fi.text")} text={text} readOnly={readOnly} problems={checked.problems} editor={editor} onChange={change} />
      {readOnly ? null : (
        <>
          <Problems checked={checked} onGo={(line) => editor.current?.goTo(line)} />
          {checked.problems.length === 0 ? <BacktestText text={text} auto={query !== ""} /> : null}
          <Patch name={file?.name ?? (NAME.test(name) ? name : "rules")} before={file ? file.text : null} after={text} />
          <div class="form-row">
            <Field label={t("fi.comment")}>{(a) => <input {...a} class="input" value={comment} maxLength={NOTE_MAX} autocomplete="off" onInput={(e) => note(e.currentTarget.value)} />}</Field>
            <NameField value={author} error={tried && !author.trim() ? t("si.bad.who") : ""} onInput={setAuthor} />
            <div class="file-acts">
              {file ? (
                <button type="button" class="button" onClick={() => setRemoving(true)}>
                  {t("fi.delete")}
                </button>
              ) : null}
              <button type="submit" class="button button-main" aria-busy={sending.busy}>
                {t("fi.save")}
              </button>
            </div>
          </div>
          <div role="status">
            {sending.error && !removing ? (
              <p class="form-error">
                <Icon name="warning" size={15} />
                {sending.error}
              </p>
            ) : said ? (
              <p class="up">
                <Icon name="ok" size={15} />
                {said}
              </p>
            ) : null}
          </div>
        </>
      )}
      {removing && file ? (
        <Dialog title={t("fi.delete.title", { name: file.name })} onClose={() => setRemoving(false)}>
          <div class="form">
            <p class="soft">{t("fi.delete.text")}</p>
            <form onSubmit={remove}>
              <FormFoot sending={sending} label={t("fi.delete")} onCancel={() => setRemoving(false)} danger />
            </form>
          </div>
        </Dialog>
      ) : null}
    </form>
  );
}

function Problems({ checked, onGo }: { checked: Checked; onGo: (line: number) => void }) {
  const { status, problems, error } = checked;
  return (
    <div class="problems" role="status">
      {error ? (
        <span class="field-error">{error}</span>
      ) : problems.length ? (
        <>
          <span class="field-error strong">{t("fi.problems", { n: problems.length })}</span>
          <ul>
            {problems.slice(0, PROBLEMS_SHOWN).map((p) => (
              <li key={`${p.line} ${p.key} ${p.message}`}>
                <button type="button" class="plain num" onClick={() => onGo(p.line)}>
                  {t("fi.line", { n: p.line })}
                </button>{" "}
                {p.key ? <span class="mono soft">{p.key}: </span> : null}
                {p.message}
              </li>
            ))}
            {problems.length > PROBLEMS_SHOWN ? <li class="soft">{t("health.more", { n: problems.length - PROBLEMS_SHOWN })}</li> : null}
          </ul>
        </>
      ) : status === "done" ? (
        <span class="up">
          <Icon name="ok" size={14} /> {t("fi.good")}
        </span>
      ) : (
        <span class="soft">{t("fi.checking")}</span>
      )}
    </div>
  );
}
