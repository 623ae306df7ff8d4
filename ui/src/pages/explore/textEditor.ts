// An editor for YAML texts, on CodeMirror like the one for queries and in the same chunk: line numbers, colours, and the
// lines that something is wrong with. It lives in a shadow root, so that the page's policy for styles need not loosen.
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { HighlightStyle, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { setDiagnostics } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { EditorView, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { look, typeOver } from "./look";

export interface TextProblem {
  /** from 1 */
  line: number;
  message: string;
}

export interface TextEditor {
  setText: (text: string) => void;
  setProblems: (problems: readonly TextProblem[]) => void;
  /** Puts the cursor at the beginning of a line, in sight. */
  goTo: (line: number) => void;
  close: () => void;
}

export interface TextOptions {
  text: string;
  label: string;
  readOnly: boolean;
  onChange: (text: string) => void;
}

const tall = EditorView.theme({
  "&": { height: "100%" },
  ".cm-scroller": { maxHeight: "none", overflow: "auto" },
  ".cm-gutters": { backgroundColor: "var(--raised)", color: "var(--ink-soft)", border: "0" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--raised)" },
});

const colours = HighlightStyle.define([
  { tag: tags.propertyName, color: "var(--accent)" },
  { tag: tags.string, color: "var(--ok)" },
  { tag: tags.number, color: "var(--warning)" },
  { tag: tags.comment, color: "var(--ink-soft)", fontStyle: "italic" },
  { tag: tags.special(tags.string), color: "var(--info)" },
]);

/** Enough of YAML to find one's way: keys, quoted texts, numbers, comments, and the braces of templates. */
const yaml = StreamLanguage.define({
  token(stream) {
    if (stream.eatSpace()) return null;
    if (stream.match(/^#.*/)) return "comment";
    if (stream.match(/^\{\{.*?\}\}/)) return "string.special";
    if (stream.match(/^"(?:\\.|[^"\\])*"?/) || stream.match(/^'[^']*'?/)) return "string";
    if (stream.match(/^[\w.$/-]+(?=\s*:(\s|$))/)) return "propertyName";
    if (stream.match(/^-?\d+(\.\d+)?(ms|[smhdwy])?(?=[\s,\]]|$)/)) return "number";
    if (!stream.match(/^[\w$]+/)) stream.next();
    return null;
  },
});

export function openText(host: HTMLElement, options: TextOptions): TextEditor {
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: options.text,
      extensions: [
        history(),
        lineNumbers(),
        yaml,
        syntaxHighlighting(colours),
        // What comes first wins.
        tall,
        look,
        typeOver,
        EditorState.readOnly.of(options.readOnly),
        EditorState.tabSize.of(2),
        EditorView.contentAttributes.of({ "aria-label": options.label, spellcheck: "false", tabindex: "0" }),
        keymap.of([...defaultKeymap, ...historyKeymap]),
        EditorView.updateListener.of((u) => u.docChanged && options.onChange(u.state.doc.toString())),
      ],
    }),
  });
  const lineAt = (n: number) => view.state.doc.line(Math.max(1, Math.min(view.state.doc.lines, n)));
  return {
    setText: (text) => {
      if (text !== view.state.doc.toString()) view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
    },
    setProblems: (problems) =>
      view.dispatch(
        setDiagnostics(
          view.state,
          problems.map(({ line, message }) => {
            const { from, to, text } = lineAt(line);
            return { from: from + (text.length - text.trimStart().length), to: Math.max(to, from), severity: "error" as const, message };
          }),
        ),
      ),
    goTo: (line) => {
      const { from } = lineAt(line);
      view.dispatch({ selection: { anchor: from }, effects: EditorView.scrollIntoView(from, { y: "center" }) });
      view.focus();
    },
    close: () => view.destroy(),
  };
}
