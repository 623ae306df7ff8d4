// PromQL for the editor: Prometheus' grammar, with the functions that the server has. Their list, and what is wrong with
// a text, come from the server: nothing is called an error here that would run there.
import type { Completion, CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import type { LRLanguage } from "@codemirror/language";
import type { Diagnostic } from "@codemirror/lint";
import type { LRParser } from "@lezer/lr";
import { LanguageType, promQLLanguage } from "@prometheus-io/codemirror-promql";
import type { Checked, FunctionRow } from "../../api/types";
import { t } from "../../lib/text";
import { indexOf, indexOfByte, type Note, wordAt } from "./position";

interface Stack {
  canShift: (term: number) => boolean;
}

type Specialise = (value: string, stack: Stack) => number;

/** What the grammar keeps of its way to tell functions from other names. A test fails should that change. */
interface Inner {
  specializerSpecs?: { external?: Specialise; extend?: boolean }[];
  specializers?: Specialise[];
}

/** The language in which each of `names`, too, is a function where a function can stand. */
export function languageOf(names: readonly string[]): LRLanguage {
  const language = promQLLanguage(LanguageType.PromQL);
  const { specializerSpecs = [], specializers = [] } = language.parser as LRParser & Inner;
  const known = specializerSpecs.find((s) => s.extend && s.external)?.external;
  // Any function of the grammar will do: what may stand in its brackets is the same for all.
  const model = specializers.map((s) => s("rate", { canShift: () => false })).find((found) => found > 0);
  if (!known || model === undefined) return language;
  const term = model >> 1;
  const ours = new Set(names);
  const asFunction: Specialise = (value, stack) => (ours.has(value) && stack.canShift(term) ? term : known(value, stack));
  return language.configure({ specializers: [{ from: known, to: asFunction }] });
}

/** Those that the grammar does not have by itself. */
export function unknownFunctions(rows: FunctionRow[]): string[] {
  const parser = promQLLanguage(LanguageType.PromQL).parser;
  return rows.map((r) => r.name).filter((name) => !parser.parse(`${name}(x)`).topNode.getChild("FunctionCall"));
}

/** "rate(range vector)", "round(instant vector, scalar?)", "label_join(…, string…)". */
export function signatureOf(f: FunctionRow): string {
  const optional = f.args.length > f.args_min;
  const args = f.args.map((type, i) => (i === f.args.length - 1 && optional ? `${type}${f.args_max === null || f.args_max > f.args.length ? "…" : "?"}` : type));
  return `${f.name}(${args.join(", ")})`;
}

export function completionOf(f: FunctionRow): Completion {
  const remark = f.ours ? t("editor.ours") : f.experimental ? t(f.on ? "editor.experimental" : "editor.off") : "";
  return {
    label: f.name,
    type: "function",
    detail: signatureOf(f).slice(f.name.length),
    info: `${f.doc.charAt(0).toUpperCase()}${f.doc.slice(1)}. ${t("editor.returns", { type: f.returns })}${remark ? ` ${remark}` : ""}`,
    ...(f.on ? {} : { boost: -50 }),
  };
}

type Source = (context: CompletionContext) => Promise<CompletionResult | null> | CompletionResult | null;

/** A source of completions whose functions are those of the server. */
export function withFunctions(source: Source, rows: FunctionRow[]): Source {
  if (rows.length === 0) return source;
  const own = rows.map(completionOf);
  return async (context) => {
    const found = await source(context);
    if (!found?.options.some((o) => o.type === "function")) return found;
    return { ...found, options: [...found.options.filter((o) => o.type !== "function"), ...own] };
  };
}

/** A range that can be seen: at least one character of the text. */
function visible(text: string, from: number, to: number): { from: number; to: number } {
  const end = Math.min(text.length, Math.max(to, from + 1));
  return { from: Math.max(0, Math.min(from, end - 1)), to: end };
}

/**
 * What the server says about the text, at its place. While somebody types (`typing`) an end that is missing is no error
 * yet.
 */
export function faultOf(text: string, said: Checked, typing: boolean): Diagnostic[] {
  const e = said.error;
  if (said.valid || !e) return [];
  const from = indexOfByte(text, e.at[0]);
  if (typing && from >= text.trimEnd().length) return [];
  const place = visible(text, from, indexOfByte(text, e.at[1]));
  const { suggestion } = e;
  if (!suggestion) return [{ ...place, severity: "error", message: e.message }];
  const end = wordAt(text, from);
  return [
    {
      from: place.from,
      to: end,
      severity: "error",
      message: e.message,
      actions: [{ name: t("explore.use", { name: suggestion }), apply: (view, at) => view.dispatch({ changes: { from: at, to: at + end - place.from, insert: suggestion } }) }],
    },
  ];
}

/** The warnings and infos of an answer, at their places. */
export function notesAt(text: string, notes: Note[]): Diagnostic[] {
  return notes.flatMap((n): Diagnostic[] => {
    const from = n.line > 0 ? indexOf(text, n) : null;
    if (from === null || from >= text.length) return [];
    return [{ from, to: wordAt(text, from), severity: n.severity, message: n.message }];
  });
}
