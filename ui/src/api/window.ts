// The data behind one chart: frames folded into one grid of columns. Pure.
// A full frame replaces, an append extends and drops at the front what the window no longer shows.
import { ELEMENTS_MAX, type Frame, type Labels, type Marks } from "./frame";

export interface Series {
  key: string;
  labels: Labels;
  unit: string;
  values: Float64Array;
}

export interface Grid {
  start: number;
  step: number;
  n: number;
  series: Series[];
  truncated: number;
  warnings: string[];
  marks?: Marks[];
}

export const labelKey = (l: Labels) =>
  Object.keys(l)
    .sort()
    .map((k) => `${k}=${JSON.stringify(l[k])}`)
    .join(",");

export function gridOf(f: Frame): Grid {
  return {
    start: f.start,
    step: f.step || 1,
    n: f.n,
    series: f.series.map((h, i) => ({ key: labelKey(h.labels), labels: h.labels, unit: h.unit, values: f.columns[i] ?? new Float64Array(f.n).fill(Number.NaN) })),
    truncated: f.truncated,
    warnings: f.warnings,
    ...(f.marks ? { marks: f.marks } : {}),
  };
}

/** Folds a frame into what is there. `windowMs` bounds the span that is kept. */
export function foldFrame(prev: Grid | null, f: Frame, windowMs: number): Grid {
  const next = gridOf(f);
  if (f.kind !== "append" || !prev || prev.n === 0) return next;
  if (next.n === 0) return prev;
  if (next.step !== prev.step && next.n > 1) return next;
  const keep = Math.min(ELEMENTS_MAX, Math.floor(windowMs / prev.step) + 1);
  return appended(prev, next, keep) ?? resample([prev, { ...next, step: prev.step }], keep);
}

/** What usually comes: elements of the same series in the same order, on the same grid, right behind or over the last ones. Null otherwise. */
function appended(prev: Grid, next: Grid, keep: number): Grid | null {
  const at = (next.start - prev.start) / prev.step;
  if (!Number.isInteger(at) || at < 0 || at > prev.n || at + next.n < prev.n || next.series.length !== prev.series.length) return null;
  if (next.series.some((s, i) => s.key !== prev.series[i]?.key)) return null;
  const n = Math.min(keep, at + next.n);
  const drop = at + next.n - n;
  if (drop > at) return null;
  const series = prev.series.map((s, i): Series => {
    const values = new Float64Array(n);
    values.set(s.values.subarray(drop, at));
    values.set((next.series[i] as Series).values, at - drop);
    return { ...s, values };
  });
  const marks = next.marks ?? prev.marks;
  return { start: prev.start + drop * prev.step, step: prev.step, n, series, truncated: next.truncated, warnings: next.warnings, ...(marks ? { marks } : {}) };
}

/** Several grids of one step on one common grid, the later ones winning; keeps the newest `keep` elements. */
export function resample(grids: Grid[], keep = ELEMENTS_MAX): Grid {
  const full = grids.filter((g) => g.n > 0);
  const first = full[0];
  if (!first) return grids[0] ?? { start: 0, step: 1, n: 0, series: [], truncated: 0, warnings: [] };
  const step = Math.max(...full.map((g) => g.step));
  const end = Math.max(...full.map((g) => g.start + (g.n - 1) * g.step));
  let start = Math.min(...full.map((g) => g.start));
  const n = Math.min(keep, Math.round((end - start) / step) + 1);
  start = end - (n - 1) * step;
  const byKey = new Map<string, Series>();
  for (const g of full) {
    for (const s of g.series) {
      let out = byKey.get(s.key);
      if (!out) {
        out = { ...s, values: new Float64Array(n).fill(Number.NaN) };
        byKey.set(s.key, out);
      }
      for (let i = 0; i < g.n; i++) {
        const at = Math.round((g.start + i * g.step - start) / step);
        if (at >= 0 && at < n) out.values[at] = s.values[i] ?? Number.NaN;
      }
    }
  }
  const last = full[full.length - 1] ?? first;
  const marks = new Map(full.flatMap((g) => (g.marks ?? []).map((m): [string, Marks] => [m.metric, m])));
  return { start, step, n, series: [...byKey.values()], truncated: last.truncated, warnings: last.warnings, ...(marks.size > 0 ? { marks: [...marks.values()] } : {}) };
}

export interface Stats {
  min: number;
  max: number;
  avg: number;
  last: number;
}

/** Over the finite elements; all NaN when there are none. */
export function statsOf(values: ArrayLike<number>): Stats {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let sum = 0;
  let n = 0;
  let last = Number.NaN;
  for (let i = 0; i < values.length; i++) {
    const v = values[i] as number;
    if (!Number.isFinite(v)) continue;
    if (v < min) min = v;
    if (v > max) max = v;
    sum += v;
    n++;
    last = v;
  }
  return n === 0 ? { min: Number.NaN, max: Number.NaN, avg: Number.NaN, last } : { min, max, avg: sum / n, last };
}
