// A box for YAML: a plain text area at once, the editor when its chunk has arrived.
import "../css/writing.css";
import { useEffect, useRef, useState } from "preact/hooks";
import type { TextEditor, TextProblem } from "../pages/explore/textEditor";

interface Props {
  label: string;
  text: string;
  readOnly: boolean;
  problems: readonly TextProblem[];
  editor: { current: TextEditor | null };
  onChange: (text: string) => void;
}

export function TextBox({ label, text, readOnly, problems, editor, onChange }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const [rich, setRich] = useState(false);
  const latest = useRef({ text, onChange });
  latest.current = { text, onChange };
  useEffect(() => {
    let gone = false;
    import("../pages/explore/editor").then(
      ({ openText }) => {
        if (gone || !host.current) return;
        editor.current = openText(host.current, { text: latest.current.text, label, readOnly, onChange: (next) => latest.current.onChange(next) });
        setRich(true);
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
  useEffect(() => editor.current?.setProblems(problems), [problems, rich]);
  return (
    <div class="text-box" ref={host}>
      {rich ? null : <textarea class="mono" aria-label={label} readOnly={readOnly} value={text} onInput={(e) => onChange(e.currentTarget.value)} spellcheck={false} />}
    </div>
  );
}
