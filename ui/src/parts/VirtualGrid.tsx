// A long list of rows of one height, of which only those that can be seen exist. A grid to assistive technology, with
// the focus on the whole and the cursor as its active descendant. j and k, arrows, Home, End and pages move the cursor,
// Enter opens; the page may take other keys.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { hold, release } from "../state/hold";
import { offerKeys } from "../state/pagekeys";

interface Props<T> {
  label: string;
  /** a class of its own */
  kind: string;
  rows: readonly T[];
  rowPx: number;
  keyOf: (row: T) => string;
  classOf?: (row: T) => string;
  /** the key of the row that is open beside the list */
  open?: string;
  onOpen: (row: T) => void;
  /** other keys, with the row of the cursor; true when one was taken */
  onKey?: (e: KeyboardEvent, row: T | undefined) => boolean;
  head?: ComponentChildren;
  /** what cells show beside their row */
  version?: unknown;
  /** The cells of a row, each a `Cell`. Made again when the row is another object, or `hot` or `version` change. */
  children: (row: T, hot: boolean) => ComponentChildren;
}

interface CellProps {
  class?: string;
  title?: string | undefined;
  children?: ComponentChildren;
}

export const Cell = (p: CellProps) => (
  // biome-ignore lint/a11y/useFocusableInteractive: the grid keeps the focus
  <span role="gridcell" class={p.class} title={p.title}>
    {p.children}
  </span>
);

export const HeadCell = (p: CellProps) => (
  // biome-ignore lint/a11y/useFocusableInteractive: nothing can be done with a heading
  <span role="columnheader" class={p.class}>
    {p.children}
  </span>
);

const HEAD_PX = 28;
/** Rows above and below those that can be seen. */
const AROUND = 8;
const interactive = (el: EventTarget | null) => el instanceof HTMLElement && el.closest("a, button, input, select, textarea, summary") !== null;

export function VirtualGrid<T>({ label, kind, rows, rowPx, keyOf, classOf, open = "", onOpen, onKey, head, version, children }: Props<T>) {
  const box = useRef<HTMLDivElement>(null);
  const id = useId();
  const [view, setView] = useState({ top: 0, height: 800 });
  const [cursor, setCursor] = useState(open);
  const [over, setOver] = useState("");
  const at = cursor ? rows.findIndex((r) => keyOf(r) === cursor) : -1;
  const headPx = head ? HEAD_PX : 0;

  const measure = () => {
    const el = box.current;
    if (el) setView((v) => (v.top === el.scrollTop && v.height === el.clientHeight ? v : { top: el.scrollTop, height: el.clientHeight }));
  };
  useLayoutEffect(() => {
    const el = box.current;
    if (!el) return;
    measure();
    const watch = new ResizeObserver(measure);
    watch.observe(el);
    return () => watch.disconnect();
  }, []);
  useEffect(() => () => release(id), []);

  const show = (i: number) => {
    const el = box.current;
    if (!el) return;
    const top = i * rowPx;
    if (top < el.scrollTop) el.scrollTop = top;
    else if (top + rowPx + headPx > el.scrollTop + el.clientHeight) el.scrollTop = top + rowPx + headPx - el.clientHeight;
  };
  // What is open when the page comes is in sight.
  useEffect(() => {
    if (!open) return;
    setCursor(open);
    const i = rows.findIndex((r) => keyOf(r) === open);
    if (i >= 0) show(i);
  }, [open, rows.length > 0]);

  const move = (to: number) => {
    const i = Math.max(0, Math.min(rows.length - 1, to));
    const row = rows[i];
    if (!row) return;
    setCursor(keyOf(row));
    show(i);
  };
  const press = (e: KeyboardEvent, focused: boolean): boolean => {
    if (onKey?.(e, rows[at])) return true;
    const page = Math.max(1, Math.floor(view.height / rowPx) - 2);
    const steps: Record<string, number> = { j: at + 1, k: at < 0 ? 0 : at - 1, ...(focused ? { ArrowDown: at + 1, ArrowUp: at < 0 ? 0 : at - 1, Home: 0, End: rows.length - 1, PageDown: at + page, PageUp: at - page } : {}) };
    const to = steps[e.key];
    if (to !== undefined) move(to);
    else if (e.key === "Enter" && rows[at] && !interactive(e.target)) onOpen(rows[at]);
    else return false;
    return true;
  };
  const latest = useRef(press);
  latest.current = press;
  useEffect(() => offerKeys((e) => latest.current(e, false)), []);

  const picked = (row: T, e: MouseEvent) => {
    if (interactive(e.target) || getSelection()?.isCollapsed === false) return;
    setCursor(keyOf(row));
    onOpen(row);
  };
  const lastPicked = useRef(picked);
  lastPicked.current = picked;
  const pick = useRef((row: T, e: MouseEvent) => lastPicked.current(row, e));
  const point = (e: PointerEvent) => {
    const key = (e.target as HTMLElement).closest<HTMLElement>("[data-row]")?.dataset["row"] ?? "";
    if (key !== over) setOver(key);
  };

  const first = Math.max(0, Math.floor(view.top / rowPx) - AROUND);
  const last = Math.min(rows.length, Math.ceil((view.top + view.height) / rowPx) + AROUND);
  // Rows that leave on one side come back on the other: elements are changed, not made and thrown away.
  const slots = Math.ceil(view.height / rowPx) + 2 * AROUND + 2;
  return (
    <div
      ref={box}
      class={`grid ${kind}`}
      role="grid"
      aria-label={label}
      aria-rowcount={rows.length + (head ? 1 : 0)}
      aria-activedescendant={at >= first && at < last ? `${id}-${at}` : undefined}
      tabIndex={0}
      onScroll={measure}
      onPointerEnter={() => hold(id)}
      onPointerMove={point}
      onPointerLeave={() => {
        release(id);
        setOver("");
      }}
      onKeyDown={(e) => {
        if (e.ctrlKey || e.metaKey || e.altKey || !latest.current(e, true)) return;
        e.preventDefault();
        e.stopPropagation();
      }}
    >
      {head ? (
        // biome-ignore lint/a11y/useFocusableInteractive: the grid keeps the focus
        <div role="row" aria-rowindex={1} class="grid-head" style={{ height: `${headPx}px` }}>
          {head}
        </div>
      ) : null}
      <div role="rowgroup" class="grid-all" style={{ height: `${rows.length * rowPx}px` }}>
        {rows.slice(first, last).map((row, k) => {
          const i = first + k;
          const key = keyOf(row);
          return <GridRow key={i % slots} id={`${id}-${i}`} name={key} row={row} index={i} rowPx={rowPx} extra={head ? 2 : 1} at={i === at} open={key === open} hot={i === at || key === over} kind={classOf?.(row) ?? ""} onPick={pick.current} version={version} cells={children} />;
        })}
      </div>
    </div>
  );
}

interface RowProps<T> {
  id: string;
  name: string;
  row: T;
  index: number;
  rowPx: number;
  /** what comes before the first row, from 1 */
  extra: number;
  at: boolean;
  open: boolean;
  hot: boolean;
  kind: string;
  onPick: (row: T, e: MouseEvent) => void;
  version: unknown;
  cells: (row: T, hot: boolean) => ComponentChildren;
}

/** The same picture while nothing about the row changes: scrolling makes only the rows that come into sight. */
function GridRow<T>({ id, name, row, index, rowPx, extra, at, open, hot, kind, onPick, version, cells }: RowProps<T>) {
  return useMemo(
    () => (
      // biome-ignore lint/a11y/useKeyWithClickEvents: keys are handled by the grid
      // biome-ignore lint/a11y/useFocusableInteractive: the grid keeps the focus
      <div id={id} data-row={name} role="row" aria-rowindex={index + extra} aria-selected={open} class={`grid-row ${at ? "grid-at" : ""} ${kind}`} style={{ top: `${index * rowPx}px`, height: `${rowPx}px` }} onClick={(e) => onPick(row, e)}>
        {cells(row, hot)}
      </div>
    ),
    [id, row, index, rowPx, extra, at, open, hot, kind, version],
  );
}
