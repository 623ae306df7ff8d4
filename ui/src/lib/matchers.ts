// Filters as people write them: matchers as Alertmanager has them (`job=api, instance=~"db.*"`) and plain words. Pure.
import type { Matcher } from "../api/alertingTypes";

type Labels = Record<string, string>;

export interface Filter {
  matchers: Matcher[];
  words: string[];
}

const PART = /\s*,?\s*(?:([a-zA-Z_][\w.:]*)\s*(=~|!~|!=|=)\s*("(?:\\.|[^"\\])*"|[^\s,"]*)|"((?:\\.|[^"\\])*)"|([^\s,]+))/gy;

const unquoted = (text: string): string => {
  if (!text.startsWith('"')) return text;
  try {
    return JSON.parse(text) as string;
  } catch {
    return text.slice(1, -1);
  }
};

export const opOf = (m: Matcher): string => (m.isEqual ? "=" : "!") + (m.isRegex ? "~" : m.isEqual ? "" : "=");

/** Braces around all of it are allowed, as in a selector. */
export function parseFilter(text: string): Filter {
  const inner = text.trim().replace(/^\{(.*)\}$/s, "$1");
  const filter: Filter = { matchers: [], words: [] };
  for (const [, name, op, value, quoted, word] of inner.matchAll(PART)) {
    if (name !== undefined && op !== undefined) filter.matchers.push({ name, value: unquoted(value ?? ""), isRegex: op.endsWith("~"), isEqual: op.startsWith("=") });
    else filter.words.push((quoted ?? word ?? "").toLowerCase());
  }
  return filter;
}

export const formatMatcher = (m: Matcher): string => `${m.name}${opOf(m)}${/^[\w.:/-]+$/.test(m.value) ? m.value : JSON.stringify(m.value)}`;

/** One regular expression of the server's kind: anchored on both sides. Null when this browser cannot read it. */
export function anchored(pattern: string): RegExp | null {
  const [, flag, rest] = /^(\(\?i\))?(.*)$/s.exec(pattern) ?? [];
  try {
    return new RegExp(`^(?:${rest ?? ""})$`, `s${flag ? "i" : ""}`);
  } catch {
    return null;
  }
}

export type Test = (labels: Labels, ...texts: (string | undefined)[]) => boolean;

const written = new WeakMap<Labels, string>();

/** All that words are looked for in, in small letters. Kept as long as the labels are: a filter is typed letter by letter. */
function textOf(labels: Labels, texts: (string | undefined)[]): string {
  let all = written.get(labels);
  if (all === undefined) {
    all = [...Object.entries(labels).map(([k, v]) => `${k}=${v}`), ...texts].join("\n").toLowerCase();
    written.set(labels, all);
  }
  return all;
}

/** A test of labels, and of texts for the words; or the pattern that cannot be read. */
export function compile(filter: Filter): Test | { bad: string } {
  const tests: ((labels: Labels) => boolean)[] = [];
  for (const m of filter.matchers) {
    if (!m.isRegex) {
      tests.push((labels) => ((labels[m.name] ?? "") === m.value) === m.isEqual);
      continue;
    }
    const re = anchored(m.value);
    if (!re) return { bad: m.value };
    tests.push((labels) => re.test(labels[m.name] ?? "") === m.isEqual);
  }
  return (labels, ...texts) => {
    if (!tests.every((test) => test(labels))) return false;
    if (filter.words.length === 0) return true;
    const all = textOf(labels, texts);
    return filter.words.every((w) => all.includes(w));
  };
}

/** The filter with `name=value` added; as it was when it has that already. */
export function withMatcher(text: string, name: string, value: string): string {
  const more: Matcher = { name, value, isRegex: false, isEqual: true };
  const has = parseFilter(text).matchers.some((m) => JSON.stringify(m) === JSON.stringify(more));
  return has ? text : [text.trim(), formatMatcher(more)].filter(Boolean).join(" ");
}
