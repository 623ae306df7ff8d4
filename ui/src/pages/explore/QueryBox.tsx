// The query box: a plain text area at once, the PromQL editor when its chunk has arrived. Enter runs, Shift-Enter breaks the line.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Checked } from "../../api/types";
import { t } from "../../lib/text";
import { Icon } from "../../parts/Icon";
import { offerFilter } from "../../state/filter";
import { check, wantFunctions } from "../../state/language";
import type { Editor } from "./editor";
import { lit } from "./lit";
import { excerpt, locate, mended, type Note } from "./position";

interface Props {
  value: string;
  label: string;
  error: { expr: string; message: string } | null;
  notes: Note[];
  onRun: (expr: string) => void;
  /** what stands there now, whenever it changes */
  onDraft: (text: string) => void;
  /** `/` leads here */
  first: boolean;
  /** whoever added it wants to write */
  fresh: boolean;
  /** buttons before and after the field */
  before?: ComponentChildren;
  after?: ComponentChildren;
}

export function QueryBox({ value, label, error, notes, onRun, onDraft, first, fresh, before, after }: Props) {
  const id = useId();
  const [draft, setDraft] = useState(value);
  useLayoutEffect(() => onDraft(draft));
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor | null>(null);
  const [rich, setRich] = useState(false);
  const latest = useRef({ draft, onRun });
  latest.current = { draft, onRun };

  useEffect(() => {
    setDraft(value);
    editor.current?.setText(value);
  }, [value]);

  const failed = error !== null;
  const remarks = JSON.stringify(notes);
  const tell = useRef(() => {});
  tell.current = () => editor.current?.tell({ text: value, failed, notes });
  useEffect(() => tell.current(), [value, failed, remarks]);
  useEffect(() => editor.current?.setLabel(label), [label, rich]);
  useEffect(() => lit.subscribe((part) => editor.current?.light(part)), []);

  const focus = () => (editor.current ? editor.current.focus() : host.current?.querySelector("textarea")?.focus());
  useEffect(() => {
    if (fresh) focus();
  }, []);
  useEffect(() => (first ? offerFilter(focus) : undefined), [first]);
  useEffect(() => {
    let gone = false;
    Promise.all([import("./editor"), wantFunctions()]).then(
      ([{ openEditor }, functions]) => {
        if (gone || !host.current) return;
        const plain = host.current.querySelector("textarea");
        const focused = plain !== null && document.activeElement === plain;
        editor.current = openEditor(host.current, {
          text: latest.current.draft,
          label,
          placeholder: t("explore.placeholder"),
          functions,
          check,
          onChange: setDraft,
          onRun: () => latest.current.onRun(latest.current.draft),
        });
        setRich(true);
        tell.current();
        if (focused) editor.current.focus();
      },
      () => {
        // The chunk did not arrive: the text area stays.
      },
    );
    return () => {
      gone = true;
      editor.current?.close();
      editor.current = null;
    };
  }, []);

  const onKeyDown = (e: KeyboardEvent) => {
    if (e.key !== "Enter" || e.shiftKey || e.isComposing) return;
    e.preventDefault();
    onRun(draft);
  };
  return (
    <div class="query">
      <form
        class="query-row"
        onSubmit={(e) => {
          e.preventDefault();
          onRun(draft);
        }}
      >
        {before}
        <div class={`query-box ${error ? "query-bad" : ""}`} ref={host}>
          {rich ? null : (
            <textarea
              class="query-plain mono"
              rows={Math.min(8, draft.split("\n").length)}
              aria-label={label}
              aria-invalid={error !== null}
              aria-describedby={id}
              placeholder={t("explore.placeholder")}
              value={draft}
              onInput={(e) => setDraft(e.currentTarget.value)}
              onKeyDown={onKeyDown}
              spellcheck={false}
              autocapitalize="off"
              autocomplete="off"
            />
          )}
        </div>
        {after}
      </form>
      <div id={id} aria-live="polite">
        {error ? <QueryError {...error} onRun={onRun} /> : null}
      </div>
    </div>
  );
}

interface ErrorProps {
  expr: string;
  message: string;
  onRun: (expr: string) => void;
}

function QueryError({ expr, message, onRun }: ErrorProps) {
  const at = locate(message);
  const part = at && excerpt(expr, at);
  const [said, setSaid] = useState<{ expr: string; checked: Checked } | null>(null);
  const wrong = at !== null;
  useEffect(() => {
    if (wrong) check(expr).then((checked) => setSaid({ expr, checked }), () => setSaid(null));
  }, [expr, wrong]);
  const better = wrong && said?.expr === expr ? mended(expr, said.checked) : null;
  return (
    <div class="query-error" role="alert">
      <Icon name="critical" size={16} />
      <div>
        <div>
          {at ? <span class="strong">{t("explore.error.at", { line: at.line, column: at.column })}: </span> : null}
          {at?.message ?? message}
        </div>
        {part ? (
          <pre class="mono" aria-hidden="true">
            {part.text}
            {"\n"}
            {" ".repeat(part.before)}
            <span class="query-caret">^</span>
          </pre>
        ) : null}
        {better ? (
          <button type="button" class="button query-better" onClick={() => onRun(better.text)}>
            {t("explore.near", { name: better.name })}
          </button>
        ) : null}
      </div>
    </div>
  );
}
