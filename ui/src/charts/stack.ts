// Columns as uPlot wants them: plain arrays with null for gaps, stacked if asked. Pure.
export type Column = (number | null)[];

export const gaps = (values: ArrayLike<number>): Column => Array.from(values, (v) => (Number.isFinite(v) ? v : null));

/** Cumulated columns, bottom first. Where no series has a value there is a gap; a single missing value counts as 0. */
export function stack(columns: ArrayLike<number>[]): Column[] {
  const n = columns[0]?.length ?? 0;
  const sum = new Float64Array(n);
  const seen = new Uint8Array(n);
  for (const c of columns) for (let i = 0; i < n; i++) if (Number.isFinite(c[i])) seen[i] = 1;
  return columns.map((c) => {
    const out: Column = new Array(n);
    for (let i = 0; i < n; i++) {
      const v = c[i] as number;
      if (Number.isFinite(v)) sum[i] = (sum[i] as number) + v;
      out[i] = seen[i] ? (sum[i] as number) : null;
    }
    return out;
  });
}
