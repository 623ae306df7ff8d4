// How CodeMirror looks here, in colours of the page, and how it is typed over, as the page's policy for styles wants it.
import { EditorView } from "@codemirror/view";

export const look = EditorView.theme({
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
  ".cm-tooltip-autocomplete": { boxShadow: "0 4px 16px var(--shadow)" },
  ".cm-tooltip-autocomplete > ul": { maxHeight: "22em !important" },
  ".cm-tooltip-autocomplete ul li": { padding: "2px 8px !important" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--accent) !important", color: "var(--on-accent) !important" },
  ".cm-completionDetail": { color: "inherit", opacity: "0.8" },
  ".cm-completionInfo": { maxWidth: "320px", padding: "6px 10px", fontFamily: "var(--font)" },
  ".cm-tooltip-lint": { fontFamily: "var(--font)" },
  ".cm-diagnostic": { padding: "5px 10px", whiteSpace: "pre-wrap", maxWidth: "min(560px, 90vw)" },
  ".cm-diagnosticAction": { backgroundColor: "var(--accent)", color: "var(--on-accent)", borderRadius: "4px", padding: "2px 8px", cursor: "pointer", font: "inherit" },
  ".cm-lit": { backgroundColor: "var(--accent-ground)", boxShadow: "0 2px 0 var(--accent)" },
  // The base theme draws these with data: images, which the page's policy refuses.
  ".cm-lintRange": { backgroundImage: "none", textDecoration: "underline wavy var(--warning-fill) 1px", textUnderlineOffset: "3px" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecorationColor: "var(--critical-fill)" },
  ".cm-lintRange-warning, .cm-lintRange-hint": { backgroundImage: "none" },
  ".cm-lintRange-info": { backgroundImage: "none", textDecorationColor: "var(--info)" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--critical-fill)" },
  ".cm-diagnostic-warning": { borderLeftColor: "var(--warning-fill)" },
  ".cm-diagnostic-info": { borderLeftColor: "var(--info)" },
});

/**
 * Typing over a selection. Chromium would do it in the page and wrap the text into a styled span to keep the look of
 * what was selected, which the page's policy refuses and reports; so the change is made in the editor instead.
 */
export const typeOver = EditorView.domEventHandlers({
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
