// Columns as uPlot wants them: plain arrays with null for gaps, stacked if asked. Pure.
export type Column = (number | null)[];

/** Values above `least` and below infinity, null for others; a plain loop, as every point of every chart goes through here. */
function column(values: ArrayLike<number>, least: number): Column {
  const n = values.length;
  const out: Column = new Array(n);
  for (let i = 0; i < n; i++) {
    const v = values[i] as number;
    out[i] = v > least && v < Number.POSITIVE_INFINITY ? v : null;
  }
  return out;
}

function finite(values: Float64Array): boolean {
  // Neither NaN nor infinite; a difference is cheaper to take than a function to call.
  for (let i = 0; i < values.length; i++) if ((values[i] as number) - (values[i] as number) !== 0) return false;
  return true;
}

/** Null for gaps. Without any, the values themselves: most lines have none, and a copy of all is made for nothing. */
export const gaps = (values: ArrayLike<number>): Column | Float64Array => (values instanceof Float64Array && finite(values) ? values : column(values, Number.NEGATIVE_INFINITY));

/** The same for a logarithmic axis, which has no place for zero and below. */
export const positive = (values: ArrayLike<number>): Column => column(values, 0);

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

/** Shares of the sum of all columns at each element, 0 to 1. */
export function shares(columns: ArrayLike<number>[]): Float64Array[] {
  const n = columns[0]?.length ?? 0;
  const sum = new Float64Array(n);
  for (const c of columns) for (let i = 0; i < n; i++) if (Number.isFinite(c[i])) sum[i] = (sum[i] as number) + Math.abs(c[i] as number);
  return columns.map((c) => Float64Array.from({ length: n }, (_, i) => ((sum[i] as number) > 0 ? (c[i] as number) / (sum[i] as number) : Number.NaN)));
}
