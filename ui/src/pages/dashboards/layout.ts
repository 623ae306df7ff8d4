// Where panels stand: rows that hide what follows them, panels repeated for the values of a variable, and moving, resizing
// and finding room while editing. Pure; the grid has 24 columns, y grows downwards without an end.
import { type At, COLUMNS, type Panel } from "../../api/dashboards";
import type { Values } from "./interpolate";

export interface Placed {
  key: string;
  panel: Panel;
  at: At;
  /** values that only this copy of a repeated panel has */
  own: Values;
  /** the panel is a row that hides so many others */
  hides?: number;
}

/** Copies of one repeated panel, at most. */
export const COPIES_MAX = 100;
/** Panels that a dashboard shows, with copies. */
export const PLACED_MAX = 500;

export const inOrder = (a: { at: At }, b: { at: At }) => a.at.y - b.at.y || a.at.x - b.at.x;
const bottom = (a: At) => a.y + a.h;

interface Block {
  row: Panel | null;
  panels: Panel[];
}

/** The panels under each row, in the order in which they stand. */
function blocksOf(panels: readonly Panel[]): Block[] {
  const blocks: Block[] = [{ row: null, panels: [] }];
  for (const p of [...panels].sort(inOrder)) {
    if (p.kind === "row") blocks.push({ row: p, panels: [] });
    else blocks.at(-1)?.panels.push(p);
  }
  return blocks;
}

/** The value at a place alone, with what it is called. */
const alone = (name: string, values: Values, i: number): Values => {
  const of = values[name];
  return { [name]: { ...of, values: [of?.values[i] ?? ""], texts: [of?.texts?.[i] ?? of?.values[i] ?? ""], all: false } };
};

/** How far these have to go down together to lie on nothing that is there. */
function room(group: readonly At[], there: readonly Placed[]): number {
  let by = 0;
  const met = () => {
    for (const a of group) for (const { at } of there) if (meet({ ...a, y: a.y + by }, at)) return bottom(at) - a.y;
    return 0;
  };
  for (let next = met(); next > 0; next = met()) by = next;
  return by;
}

/** The panels of a block with their copies, `y` from 0; what stands below a panel that grew moves down, and so does what copies would lie on. */
function copies(panels: readonly Panel[], top: number, values: Values, own: Values, suffix: string): Placed[] {
  const out: Placed[] = [];
  let grown: { from: number; by: number }[] = [];
  const repeats = panels.some((p) => p.repeat);
  const add = (group: Placed[]) => {
    const by = repeats ? room(group.map((g) => g.at), out) : 0;
    for (const g of group) out.push(by ? { ...g, at: { ...g.at, y: g.at.y + by } } : g);
  };
  for (const p of [...panels].sort(inOrder)) {
    const y = p.at.y - top + grown.filter((g) => p.at.y >= g.from).reduce((n, g) => n + g.by, 0);
    const by = p.repeat?.by;
    const all = by && !own[by] ? (values[by]?.values ?? []).slice(0, COPIES_MAX) : [];
    if (!by || all.length === 0) {
      add([{ key: `${p.id}${suffix}`, panel: p, at: { ...p.at, y }, own }]);
      continue;
    }
    const down = p.repeat?.direction === "v";
    const per = down ? 1 : Math.max(1, Math.min(p.repeat?.max ?? 4, all.length, COLUMNS));
    const w = down ? p.at.w : Math.floor(COLUMNS / per);
    add(all.map((v, i) => ({ key: `${p.id}${suffix}~${v}`, panel: p, at: { x: down ? p.at.x : (i % per) * w, y: y + Math.floor(i / per) * p.at.h, w, h: p.at.h }, own: { ...own, ...alone(by, values, i) } })));
    const more = (Math.ceil(all.length / per) - 1) * p.at.h;
    const from = bottom(p.at);
    // Those that grow beside each other make one room.
    const beside = grown.find((g) => g.from === from);
    if (beside) beside.by = Math.max(beside.by, more);
    else grown = [...grown, { from, by: more }];
  }
  return out;
}

/** Everything that is shown, with its place. `shut` says which rows hide what is under them. */
export function place(panels: readonly Panel[], values: Values, shut: (row: Panel) => boolean): Placed[] {
  const out: Placed[] = [];
  let y = 0;
  for (const { row, panels: under } of blocksOf(panels)) {
    const top = row ? bottom(row.at) : 0;
    const by = row?.repeat?.by;
    const repeated = by ? (values[by]?.values ?? []).slice(0, COPIES_MAX) : [];
    const times: [Values, string][] = row && by && repeated.length > 0 ? repeated.map((v, i) => [alone(by, values, i), `~${v}`]) : [[{}, ""]];
    for (const [own, suffix] of times) {
      const inner = copies(under, top, values, own, suffix);
      const hidden = row !== null && shut(row);
      if (row) {
        out.push({ key: `${row.id}${suffix}`, panel: row, at: { x: 0, y, w: COLUMNS, h: 1 }, own, hides: inner.length });
        y += 1;
      }
      if (hidden) continue;
      for (const p of inner) out.push({ ...p, at: { ...p.at, y: p.at.y + y } });
      y += Math.max(0, ...inner.map((p) => bottom(p.at)));
    }
  }
  return out;
}

/** Copies that are not made, as there are too many values. */
export function leftOut(panels: readonly Panel[], values: Values): number {
  return panels.reduce((n, p) => n + Math.max(0, (p.repeat ? (values[p.repeat.by]?.values.length ?? 0) : 0) - COPIES_MAX), 0);
}

export interface Item {
  id: number;
  at: At;
}

const meet = (a: At, b: At) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;

export const LEAST = { w: 2, h: 2 };
export const MOST_H = 60;

/** Inside the grid, neither too small nor too large. */
export function fitted(at: At, row = false): At {
  if (row) return { x: 0, y: Math.max(0, Math.round(at.y)), w: COLUMNS, h: 1 };
  const w = Math.max(LEAST.w, Math.min(COLUMNS, Math.round(at.w)));
  const h = Math.max(LEAST.h, Math.min(MOST_H, Math.round(at.h)));
  return { x: Math.max(0, Math.min(COLUMNS - w, Math.round(at.x))), y: Math.max(0, Math.round(at.y)), w, h };
}

/** Nothing overlaps, and nothing hangs in the air: the first is placed first. */
function settle(sorted: readonly Item[]): Item[] {
  const done: Item[] = [];
  for (const { id, at } of sorted) {
    const free = (y: number) => done.every((d) => !meet(d.at, { ...at, y }));
    let y = at.y;
    while (!free(y)) y++;
    while (y > 0 && free(y - 1)) y--;
    done.push({ id, at: { ...at, y } });
  }
  return done;
}

/** The places after one was put elsewhere or resized; others make room. */
export function arrange(items: readonly Item[], id: number, at: At): Item[] {
  const next = items.map((i) => (i.id === id ? { id, at } : i));
  return settle([...next].sort((a, b) => a.at.y - b.at.y || Number(b.id === id) - Number(a.id === id) || a.at.x - b.at.x));
}

export const tidy = (items: readonly Item[]): Item[] => settle([...items].sort(inOrder));

/** How far a step looks for a place that is another one. */
const STEPS_MAX = 120;

/** One step by keyboard: up and down go past the neighbour, as nothing hangs in the air. */
export function step(items: readonly Item[], id: number, key: "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown"): Item[] | null {
  const me = items.find((i) => i.id === id);
  if (!me) return null;
  const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key] as [number, number];
  const end = Math.max(...items.map((i) => bottom(i.at)));
  for (let k = 1; k <= STEPS_MAX; k++) {
    const x = me.at.x + dx * k;
    const y = me.at.y + dy * k;
    if (x < 0 || y < 0 || x + me.at.w > COLUMNS || y > end) return null;
    const next = arrange(items, id, { ...me.at, x, y });
    const now = next.find((i) => i.id === id);
    if (now && (now.at.x !== me.at.x || now.at.y !== me.at.y)) return next;
  }
  return null;
}

/** The first place from the top where something of this size fits without moving others. */
export function roomFor(items: readonly Item[], w: number, h: number): At {
  const end = Math.max(0, ...items.map((i) => bottom(i.at)));
  for (let y = 0; y <= end; y++)
    for (let x = 0; x + w <= COLUMNS; x++) {
      const at = { x, y, w, h };
      // Beside or below others only, so that a hole in a row of its own is not filled by chance.
      if (y + h <= end && items.every((i) => !meet(i.at, at))) return at;
    }
  return { x: 0, y: end, w, h };
}
