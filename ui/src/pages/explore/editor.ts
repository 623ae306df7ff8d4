// The PromQL editor: CodeMirror with Prometheus' grammar, a chunk of its own. It lives in a shadow root, where
// CodeMirror uses constructed style sheets, so that the page needs no 'unsafe-inline' for styles.
import { acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, closeCompletion, completionKeymap, completionStatus, moveCompletionSelection, selectedCompletionIndex } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, insertNewlineAndIndent } from "@codemirror/commands";
import { bracketMatching, HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { lintKeymap } from "@codemirror/lint";
import { EditorState, Prec } from "@codemirror/state";
import { EditorView, keymap, placeholder } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { PromQLExtension } from "@prometheus-io/codemirror-promql";

export interface Editor {
  setText: (text: string) => void;
  focus: () => void;
  close: () => void;
}

export interface EditorOptions {
  text: string;
  label: string;
  placeholder: string;
  onChange: (text: string) => void;
  onRun: () => void;
}

const look = EditorView.theme({
  "&": { color: "var(--ink)", backgroundColor: "transparent", fontSize: "13px" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.5", maxHeight: "200px" },
  ".cm-content": { padding: "7px 0", caretColor: "var(--ink)" },
  ".cm-line": { padding: "0 10px" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  ".cm-placeholder": { color: "var(--ink-soft)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--accent-ground) !important" },
  ".cm-matchingBracket": { backgroundColor: "var(--accent-ground) !important", color: "inherit" },
  ".cm-tooltip": { backgroundColor: "var(--panel)", color: "var(--ink)", border: "1px solid var(--line)", borderRadius: "6px" },
  ".cm-tooltip-autocomplete ul li": { padding: "2px 8px !important" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--accent) !important", color: "var(--on-accent) !important" },
  ".cm-completionDetail": { color: "inherit", opacity: "0.8" },
  // The base theme draws these with data: images, which the page's policy refuses.
  ".cm-lintRange": { backgroundImage: "none", textDecoration: "underline wavy var(--warning-fill) 1px", textUnderlineOffset: "3px" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecorationColor: "var(--critical-fill)" },
  ".cm-lintRange-warning, .cm-lintRange-info, .cm-lintRange-hint": { backgroundImage: "none" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--critical-fill)" },
});

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: "var(--accent)", fontWeight: "600" },
  { tag: [tags.function(tags.variableName), tags.function(tags.name)], color: "var(--accent)" },
  { tag: [tags.string], color: "var(--ok)" },
  { tag: [tags.number, tags.literal], color: "var(--warning)" },
  { tag: [tags.labelName], color: "var(--info)" },
  { tag: [tags.comment], color: "var(--ink-soft)", fontStyle: "italic" },
]);

/**
 * Typing over a selection. Chromium would do it in the page and wrap the text into a styled span to keep the look of
 * what was selected, which the page's policy refuses and reports; so the change is made in the editor instead.
 */
const typeOver = EditorView.domEventHandlers({
  beforeinput(e, view) {
    const { from, to, empty } = view.state.selection.main;
    const text = e.data;
    if (e.inputType !== "insertText" || !text || empty || view.composing) return false;
    e.preventDefault();
    const insert = () => view.state.update({ changes: { from, to, insert: text }, selection: { anchor: from + text.length }, userEvent: "input.type" });
    if (!view.state.facet(EditorView.inputHandler).some((handle) => handle(view, from, to, text, insert))) view.dispatch(insert());
    return true;
  },
});

/** Takes the chosen completion, or the first; false, and the key goes on to the page, when no list is open. */
function takeCompletion(view: EditorView): boolean {
  if (completionStatus(view.state) !== "active") return false;
  if (selectedCompletionIndex(view.state) === null) moveCompletionSelection(true)(view);
  return acceptCompletion(view);
}

/** Opens the editor inside `host`. */
export function openEditor(host: HTMLElement, options: EditorOptions): Editor {
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  const run = (view: EditorView) => {
    closeCompletion(view);
    options.onRun();
    return true;
  };
  const promql = new PromQLExtension().setComplete({
    remote: { url: location.origin, httpMethod: "GET", fetchFn: (input, init) => fetch(input, init) },
    maxMetricsMetadata: 10_000,
  });
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: options.text,
      extensions: [
        history(),
        bracketMatching(),
        closeBrackets(),
        autocompletion({ icons: false, selectOnOpen: false, interactionDelay: 0 }),
        EditorView.lineWrapping,
        placeholder(options.placeholder),
        promql.asExtension(),
        syntaxHighlighting(colours),
        look,
        typeOver,
        EditorView.contentAttributes.of({ "aria-label": options.label, spellcheck: "false" }),
        // Enter runs the query, unless a completion was chosen with the arrows; Tab takes the first or the chosen one.
        Prec.highest(keymap.of([...completionKeymap, { key: "Tab", run: takeCompletion }])),
        Prec.high(
          keymap.of([
            { key: "Enter", run },
            { key: "Mod-Enter", run },
            { key: "Shift-Enter", run: insertNewlineAndIndent },
          ]),
        ),
        keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...lintKeymap]),
        EditorView.updateListener.of((u) => u.docChanged && options.onChange(u.state.doc.toString())),
      ],
    }),
  });
  return {
    setText: (text) => {
      if (text !== view.state.doc.toString()) view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
    },
    focus: () => view.focus(),
    close: () => view.destroy(),
  };
}
