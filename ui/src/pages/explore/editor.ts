// The PromQL editor: CodeMirror with Prometheus' grammar, a chunk of its own. It lives in a shadow root, where
// CodeMirror uses constructed style sheets, so that the page needs no 'unsafe-inline' for styles.
import { acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, closeCompletion, completionKeymap, completionStatus, moveCompletionSelection, selectedCompletionIndex } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, insertNewlineAndIndent } from "@codemirror/commands";
import { bracketMatching, HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { linter, lintKeymap } from "@codemirror/lint";
import { EditorState, type Extension, Prec, StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, keymap, placeholder } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { HybridComplete } from "@prometheus-io/codemirror-promql/dist/esm/complete/hybrid";
import type { Checked, FunctionRow } from "../../api/types";
import { faultOf, languageOf, notesAt, unknownFunctions, withFunctions } from "./language";
import { look, typeOver } from "./look";
import type { Note } from "./position";
import { stock } from "./stock";

export { openText } from "./textEditor";

/** With more metrics than these, completion does not say what they mean. */
const METADATA_MAX = 10_000;

/** What is known about a text that was run. */
export interface Outcome {
  text: string;
  failed: boolean;
  notes: Note[];
}

export interface Editor {
  setText: (text: string) => void;
  /** What the field is called from now on. */
  setLabel: (label: string) => void;
  /** Shows what came of a text, for as long as it stands there. */
  tell: (outcome: Outcome) => void;
  /** Lights a part of the text up, if that text stands there; null puts it out. */
  light: (part: { text: string; from: number; to: number } | null) => void;
  focus: () => void;
  close: () => void;
}

export interface EditorOptions {
  text: string;
  label: string;
  placeholder: string;
  functions: FunctionRow[];
  check: (text: string) => Promise<Checked>;
  onChange: (text: string) => void;
  onRun: () => void;
}

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: "var(--accent)", fontWeight: "600" },
  { tag: [tags.function(tags.variableName), tags.function(tags.name)], color: "var(--accent)" },
  { tag: [tags.string], color: "var(--ok)" },
  { tag: [tags.number, tags.literal], color: "var(--warning)" },
  { tag: [tags.labelName], color: "var(--info)" },
  { tag: [tags.comment], color: "var(--ink-soft)", fontStyle: "italic" },
]);

/** Takes the chosen completion, or the first; false, and the key goes on to the page, when no list is open. */
function takeCompletion(view: EditorView): boolean {
  if (completionStatus(view.state) !== "active") return false;
  if (selectedCompletionIndex(view.state) === null) moveCompletionSelection(true)(view);
  return acceptCompletion(view);
}

/** Texts are checked this long after the last key. */
const CHECK_MS = 350;

/** Underlines what the server finds wrong, or what it remarked when the text was run. */
function checker(check: EditorOptions["check"]): { extension: Extension; tell: (view: EditorView, outcome: Outcome) => void } {
  const told = StateEffect.define<null>();
  let last: Outcome = { text: "", failed: false, notes: [] };
  const source = async (view: EditorView) => {
    const text = view.state.doc.toString();
    if (!text.trim()) return [];
    const said = await check(text).catch((): Checked => ({ valid: true }));
    const ran = last.text === text.trim();
    return [...faultOf(text, said, !(ran && last.failed)), ...(ran && text === last.text ? notesAt(text, last.notes) : [])];
  };
  return {
    extension: linter(source, { delay: CHECK_MS, needsRefresh: (u) => u.transactions.some((tr) => tr.effects.some((e) => e.is(told))) }),
    tell: (view, outcome) => {
      last = outcome;
      view.dispatch({ effects: told.of(null) });
    },
  };
}

const lightUp = StateEffect.define<{ from: number; to: number } | null>();
const lit = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(was, tr) {
    let now = tr.docChanged ? Decoration.none : was;
    for (const e of tr.effects) if (e.is(lightUp)) now = e.value && e.value.from < e.value.to ? Decoration.set([Decoration.mark({ class: "cm-lit" }).range(e.value.from, e.value.to)]) : Decoration.none;
    return now;
  },
  provide: (field) => EditorView.decorations.from(field),
});

/** Opens the editor inside `host`. */
export function openEditor(host: HTMLElement, options: EditorOptions): Editor {
  let { label } = options;
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  const run = (view: EditorView) => {
    closeCompletion(view);
    options.onRun();
    return true;
  };
  const remote = new HybridComplete(stock, METADATA_MAX);
  const language = languageOf(unknownFunctions(options.functions));
  const complete = withFunctions((context) => remote.promQL(context), options.functions);
  const checks = checker(options.check);
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
        language,
        language.data.of({ autocomplete: complete }),
        checks.extension,
        lit,
        syntaxHighlighting(colours),
        look,
        typeOver,
        EditorView.contentAttributes.of(() => ({ "aria-label": label, spellcheck: "false", tabindex: "0" })),
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
        EditorView.updateListener.of((u) => {
          if (u.docChanged) options.onChange(u.state.doc.toString());
          // A list that arrives when somebody writes elsewhere by now would cover that.
          if (completionStatus(u.state) === "active" && !u.view.hasFocus) queueMicrotask(() => closeCompletion(u.view));
        }),
      ],
    }),
  });
  return {
    setText: (text) => {
      if (text !== view.state.doc.toString()) view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
    },
    setLabel: (next) => {
      label = next;
      view.dispatch({});
    },
    tell: (outcome) => checks.tell(view, outcome),
    light: (part) => view.dispatch({ effects: lightUp.of(part && part.text === view.state.doc.toString() ? part : null) }),
    focus: () => view.focus(),
    close: () => {
      remote.destroy?.();
      view.destroy();
    },
  };
}
