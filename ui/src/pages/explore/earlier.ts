// What was asked in this browser, the newest first, and what of it has a star. Bounded; storage that fails or lies is ignored.
import { signal } from "@preact/signals";

export interface Earlier {
  /** the queries that were asked together */
  queries: string[];
  /** when, ms since the epoch */
  at: number;
  starred: boolean;
}

const KEY = "plimsoll.queries";
export const EARLIER_MAX = 100;
/** Starred ones are kept besides, until their star is taken away. */
export const STARRED_MAX = 100;
/** Letters of the queries of one entry; longer ones are not kept. */
export const LETTERS_MAX = 4_000;

const same = (a: readonly string[], b: readonly string[]) => JSON.stringify(a) === JSON.stringify(b);

function isEarlier(x: unknown): x is Earlier {
  const e = x as Partial<Earlier> | null;
  return Array.isArray(e?.queries) && e.queries.length > 0 && e.queries.every((q) => typeof q === "string") && Number.isFinite(e.at);
}

/** The newest of each kind, as many as are kept. Pure. */
function bounded(all: readonly Earlier[]): Earlier[] {
  const left = { true: STARRED_MAX, false: EARLIER_MAX };
  return [...all].sort((a, b) => b.at - a.at).filter((e) => left[`${e.starred}`]-- > 0);
}

/** With this asked again at `at`. Pure. */
export function withAsked(all: readonly Earlier[], queries: readonly string[], at: number): Earlier[] {
  if (queries.length === 0 || queries.join("").length > LETTERS_MAX) return [...all];
  const known = all.find((e) => same(e.queries, queries));
  return bounded([{ queries: [...queries], at, starred: known?.starred ?? false }, ...all.filter((e) => e !== known)]);
}

/** With the star of this given or taken. Pure. */
export const withStar = (all: readonly Earlier[], queries: readonly string[]): Earlier[] => bounded(all.map((e) => (same(e.queries, queries) ? { ...e, starred: !e.starred } : e)));

/** Those that have all words. Pure. */
export function matching(all: readonly Earlier[], words: string): Earlier[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  return all.filter((e) => wanted.every((w) => e.queries.join("\n").toLowerCase().includes(w)));
}

function read(): Earlier[] {
  try {
    const all: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(all) ? bounded(all.filter(isEarlier).map(({ queries, at, starred }) => ({ queries, at, starred: starred === true }))) : [];
  } catch {
    return [];
  }
}

export const earlier = signal(read());

/** Changes what another tab may have changed meanwhile. */
function change(to: (all: Earlier[]) => Earlier[]): void {
  const known = read();
  earlier.value = to(known.length > 0 ? known : earlier.value);
  try {
    localStorage.setItem(KEY, JSON.stringify(earlier.value));
  } catch {
    // Private windows may refuse; the list then lasts until the tab closes.
  }
}

export const keepAsked = (queries: readonly string[]) => change((all) => withAsked(all, queries, Date.now()));
export const star = (queries: readonly string[]) => change((all) => withStar(all, queries));
export const forgetAll = () => change((all) => all.filter((e) => e.starred));
