// The box for one query of a panel: a plain text area at once, the PromQL editor when its chunk has arrived.
import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../../../lib/text";
import { check, wantFunctions } from "../../../state/language";
import type { Editor } from "../../explore/editor";
import { useWriting } from "./fields";

export function ExprBox({ label, value, onTake }: { label: string; value: string; onTake: (next: string) => void }) {
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor | null>(null);
  const [rich, setRich] = useState(false);
  const { draft, write, now } = useWriting(value, onTake);
  const latest = useRef({ draft, write, now });
  latest.current = { draft, write, now };
  useEffect(() => editor.current?.setText(value), [value]);
  useEffect(() => {
    let gone = false;
    Promise.all([import("../../explore/editor"), wantFunctions()]).then(
      ([{ openEditor }, functions]) => {
        if (gone || !host.current) return;
        const plain = host.current.querySelector("textarea");
        const focused = plain !== null && document.activeElement === plain;
        // A query with variables is none before they have values: only those without are checked.
        const careful = (text: string) => (/\$|\[\[/.test(text) ? Promise.resolve({ valid: true }) : check(text));
        editor.current = openEditor(host.current, { text: latest.current.draft, label, placeholder: t("explore.placeholder"), functions, check: careful, onChange: (text) => latest.current.write(text), onRun: () => latest.current.now() });
        setRich(true);
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
  return (
    <div class="query-box expr-box" ref={host} onFocusOut={now}>
      {rich ? null : <textarea class="query-plain mono" rows={2} aria-label={label} value={draft} onInput={(e) => write(e.currentTarget.value)} spellcheck={false} autocapitalize="off" autocomplete="off" />}
    </div>
  );
}
