// Figures: many small queries asked together, again and again. One batch request for all of them; the newest element of
// a series is its value, the elements before it its sparkline.
import type { Frame, Labels } from "../api/frame";
import { askOnce, type Ask } from "./panels";
import { startedWithin } from "./overview";
import { type Polled, usePoll } from "./poll";

export interface Figure {
  labels: Labels;
  /** the newest value; NaN for none */
  last: number;
  values: Float64Array;
}

export type Figures = ReadonlyMap<string, Figure[]>;

const lastOf = (values: ArrayLike<number>) => {
  for (let i = values.length - 1; i >= 0; i--) if (Number.isFinite(values[i])) return values[i] as number;
  return Number.NaN;
};

export const figuresOf = (f: Frame): Figure[] =>
  f.series.map((s, i) => {
    const values = f.columns[i] ?? new Float64Array();
    return { labels: s.labels, values, last: lastOf(values) };
  });

interface Input {
  /** what they are kept under while asked again */
  key: string;
  asks: readonly Ask[];
  spanMs: number;
  /** elements of a sparkline; 1 for values alone */
  points: number;
  everyMs?: number;
  seriesMax?: number;
}

/** In the first minute of a server things appear, and are asked for more often. */
const YOUNG_MS = 60_000;
const SOON_MS = 3_000;

/** A query that fails gives nothing; all failing is an error. */
export function useFigures({ key, asks, spanMs, points, everyMs = 15_000, seriesMax = 1000 }: Input): Polled<Figures> {
  const soon = () => (startedWithin(YOUNG_MS) ? Math.min(everyMs, SOON_MS) : everyMs);
  return usePoll(
    `figures ${key}`,
    async (signal) => {
      if (asks.length === 0) return new Map();
      const step = Math.max(1000, Math.ceil(spanMs / points / 1000) * 1000);
      // The newest element is a value that people read: never older than the time until it is asked for again. A few
      // phases of a step only, so that viewers share what the server keeps.
      const phase = Math.max(1000, Math.floor(step / Math.ceil(step / soon()) / 1000) * 1000);
      const to = points > 1 ? Math.floor(Date.now() / phase) * phase : Date.now();
      const span = { from: to - spanMs, to };
      const kind = points > 1 ? "range" : "instant";
      const answers = await Promise.allSettled(asks.map((a) => askOnce({ expr: a.expr, kind, max_series: seriesMax, ...(points > 1 ? { step_ms: step } : {}) }, span, 2 * points, signal)));
      const out = new Map<string, Figure[]>();
      let failure: unknown = null;
      answers.forEach((a, i) => {
        const id = (asks[i] as Ask).id;
        if (a.status === "fulfilled" && !a.value.error) out.set(id, figuresOf(a.value));
        else failure ??= a.status === "rejected" ? a.reason : new Error(a.value.error?.message);
      });
      if (out.size === 0 && failure) throw failure;
      return out;
    },
    soon,
  );
}

/** The first figure of an id whose labels have these values. */
export const pick = (of: Figures | null, id: string, labels: Labels = {}): Figure | undefined =>
  of?.get(id)?.find((f) => Object.entries(labels).every(([k, v]) => f.labels[k] === v));
export const lastValue = (of: Figures | null, id: string, labels: Labels = {}) => pick(of, id, labels)?.last ?? Number.NaN;
