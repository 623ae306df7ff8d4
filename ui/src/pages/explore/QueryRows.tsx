// The queries: a row each, with its letter, which hides and shows it. All of them run together.
import { useEffect, useRef, useState } from "preact/hooks";
import { formatCount } from "../../lib/format";
import { t } from "../../lib/text";
import { Icon } from "../../parts/Icon";
import { offerKeys } from "../../state/pagekeys";
import { patch, url } from "../../state/url";
import { LETTERS } from "../../state/urlstate";
import { readsMany } from "./many";
import type { Note } from "./position";
import { QueryBox } from "./QueryBox";
import { addressOf, type Row, rowsOf } from "./rows";

/** What came of each query, by its letter. */
export interface Outcomes {
  busy: boolean;
  errorOf: (row: Row) => string;
  notesOf: (row: Row) => Note[];
}

interface Held {
  texts: string[];
  at: number;
  series: number;
}

/** Series that a chart shows. */
const SHOWN = 50;

export interface Queries {
  rows: Row[];
  /** the row that was written in last */
  current: { at: number };
  /** what stands in the fields now, run or not */
  drafts: string[];
  /** keys of the rows, which go along when one is removed */
  keys: number[];
  held: Held | null;
  run: (at: number, text: string, sure?: boolean) => void;
  pick: (text: string, change?: Partial<typeof url.value>) => void;
  add: () => void;
  remove: (at: number) => void;
  toggle: (at: number) => void;
}

let serial = 0;

export function useQueries(onAgain: () => void, onHistory: () => void): Queries {
  const { expr, more, off } = url.value;
  const rows = rowsOf({ expr, more, off });
  const drafts = useRef<string[]>([]).current;
  const keys = useRef<number[]>([]).current;
  const current = useRef({ at: 0 }).current;
  const [held, setHeld] = useState<Held | null>(null);
  while (keys.length < rows.length) keys.push(++serial);
  keys.length = rows.length;
  drafts.length = rows.length;
  const texts = () => rows.map((r, i) => (drafts[i] ?? r.expr).trim());
  const put = (next: { expr: string; off: boolean }[], change: Partial<typeof url.value> = {}) => patch({ ...addressOf(next), solo: "", hide: [], ...change });
  const written = () => texts().map((x, i) => ({ expr: x, off: rows[i]?.off ?? false }));
  const latest = useRef(0);
  const run = (at: number, text: string, sure = false) => {
    const all = texts();
    all[at] = text.trim();
    setHeld(null);
    if (all.every((x, i) => x === rows[i]?.expr)) return onAgain();
    const mine = ++latest.current;
    const go = () => put(all.map((x, i) => ({ expr: x, off: rows[i]?.off ?? false })));
    if (sure) return go();
    void Promise.all(all.map((x, i) => (x === rows[i]?.expr ? 0 : readsMany(x)))).then((series) => {
      if (mine !== latest.current) return;
      const many = series.findIndex((n) => n > 0);
      if (many < 0) go();
      else setHeld({ texts: all, at: many, series: series[many] ?? 0 });
    });
  };
  const add = () => {
    if (rows.length >= LETTERS.length) return;
    current.at = rows.length;
    put([...written(), { expr: "", off: false }]);
  };
  const remove = (at: number) => {
    const next = written();
    next.splice(at, 1);
    keys.splice(at, 1);
    drafts.splice(at, 1);
    current.at = Math.max(0, Math.min(current.at, next.length - 1));
    put(next);
  };
  const toggle = (at: number) => put(written().map((r, i) => (i === at ? { ...r, off: !r.off } : r)));
  const pick = (text: string, change: Partial<typeof url.value> = {}) => {
    const all = written();
    const empty = all.findIndex((r) => !r.expr);
    const at = empty >= 0 ? empty : Math.min(current.at, all.length - 1);
    if (all[at]?.expr === text && Object.keys(change).length === 0) return onAgain();
    put(all.map((r, i) => (i === at ? { expr: text, off: false } : r)), change);
  };
  const queries = { rows, current, drafts, keys, held, run, pick, add, remove, toggle };
  const now = useRef(queries);
  now.current = queries;
  const history = useRef(onHistory);
  history.current = onHistory;
  useEffect(
    () =>
      offerKeys((e) => {
        const at = Number(e.key) - 1;
        if (e.key === "n") now.current.add();
        else if (e.key === "h") history.current();
        else if (now.current.rows.length > 1 && at >= 0 && at < now.current.rows.length) now.current.toggle(at);
        else return false;
        return true;
      }),
    [],
  );
  return queries;
}

export function QueryRows({ of: q, outcomes }: { of: Queries; outcomes: Outcomes }) {
  const several = q.rows.length > 1;
  const list = useRef<HTMLDivElement>(null);
  const remove = (at: number) => {
    q.remove(at);
    // The button is gone: who walks by keyboard goes on at the row before.
    requestAnimationFrame(() => list.current?.querySelectorAll<HTMLElement>(".query-letter, .query-run")[Math.max(0, at - 1)]?.focus());
  };
  return (
    <div class={`query-rows ${several ? "query-many-rows" : ""}`} role="group" aria-label={t("ex.rows")} ref={list}>
      {q.rows.map((row, i) => {
        const message = outcomes.errorOf(row);
        const held = q.held?.at === i ? q.held : null;
        return (
          <div key={q.keys[i]} class={row.off ? "query-off" : ""} onFocusIn={() => (q.current.at = i)}>
            <QueryBox
              value={row.expr}
              label={several ? t("ex.row", { id: row.id }) : t("explore.query")}
              error={message ? { expr: row.expr, message } : null}
              notes={outcomes.notesOf(row)}
              onRun={(text) => q.run(i, text)}
              onDraft={(text) => (q.drafts[i] = text)}
              first={i === 0}
              fresh={i > 0 && !row.expr}
              before={
                several ? (
                  <button type="button" class={`button query-letter ${row.off ? "" : "query-on"}`} aria-label={t(row.off ? "ex.show" : "ex.hide", { id: row.id })} title={`${t(row.off ? "ex.show" : "ex.hide", { id: row.id })} (${i + 1})`} onClick={() => q.toggle(i)}>
                    {row.id}
                  </button>
                ) : null
              }
              after={
                <>
                  {several ? (
                    <button type="button" class="button button-icon query-remove" aria-label={t("ex.remove", { id: row.id })} title={t("ex.remove", { id: row.id })} onClick={() => remove(i)}>
                      <Icon name="trash" size={16} />
                    </button>
                  ) : null}
                  {i === 0 ? (
                    <button type="submit" class="button button-main query-run" aria-busy={outcomes.busy}>
                      <Icon name="play" size={15} />
                      {t("explore.run")}
                    </button>
                  ) : null}
                </>
              }
            />
            {held ? (
              <div class="query-many" role="alert">
                <Icon name="warning" size={15} />
                <span>{t("ex.many", { n: formatCount(held.series), max: SHOWN })}</span>
                <button type="button" class="button" onClick={() => q.run(i, `sum(${held.texts[i]})`, true)}>
                  {t("ex.many.sum")}
                </button>
                <button type="button" class="button" onClick={() => q.run(i, held.texts[i] ?? "", true)}>
                  {t("ex.many.run")}
                </button>
              </div>
            ) : null}
          </div>
        );
      })}
    </div>
  );
}
