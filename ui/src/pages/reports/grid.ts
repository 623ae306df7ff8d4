// The points of a figure on one grid of equal steps, as charts want them. Pure.
import type { Series } from "../../api/reports";

/** Steps of a grid: as many as a figure of a report may have points. */
export const STEPS_MAX = 4_000;

export interface Grid {
  start: number;
  step: number;
  n: number;
  columns: Float64Array[];
}

/** Null when there is nothing over time to be drawn. */
export function gridOf(series: readonly Series[]): Grid | null {
  const times = [...new Set(series.flatMap((s) => s.points.map(([at]) => at)))].sort((a, b) => a - b);
  const [start] = times;
  const end = times.at(-1);
  if (start === undefined || end === undefined || times.length < 2) return null;
  let step = end - start;
  for (let i = 1; i < times.length; i++) step = Math.min(step, (times[i] as number) - (times[i - 1] as number));
  step = Math.max(step, (end - start) / STEPS_MAX);
  const n = Math.round((end - start) / step) + 1;
  const columns = series.map((s) => {
    const values = new Float64Array(n).fill(Number.NaN);
    for (const [at, v] of s.points) if (v !== null) values[Math.round((at - start) / step)] = v;
    return values;
  });
  return { start, step, n, columns };
}
