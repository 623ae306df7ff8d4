// Figures: many small queries asked together, again and again. One batch request for all of them: their values of now, and
// for sparklines their past in whole steps.
import type { Labels } from "../api/frame";
import { type Figure, figuresOf } from "../lib/figures";
import { askOnce, type Ask, fine } from "./panels";
import { startedWithin } from "./overview";
import { type Polled, usePoll } from "./poll";

export type { Figure };
export type Figures = ReadonlyMap<string, Figure[]>;

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
/** A rate over a window that is longer than the server's life is too low, and what is left of one too high. */
const SHORT_MS = 120_000;

/** A query that fails gives nothing; all failing is an error. */
export function useFigures({ key, asks, spanMs, points, everyMs = 15_000, seriesMax: max_series = 1000 }: Input): Polled<Figures> {
  return usePoll(
    `figures ${key}`,
    async (signal) => {
      const step_ms = Math.max(1000, Math.ceil(spanMs / points / 1000) * 1000);
      const to = Date.now();
      const span = { from: to - spanMs, to };
      const answers = await Promise.allSettled(
        asks.map((a) => {
          const { expr } = startedWithin(SHORT_MS) ? fine(a) : a;
          return Promise.all([
            askOnce({ expr, kind: "instant", max_series }, span, 2 * points, signal),
            points > 1 ? askOnce({ expr: a.expr, kind: "range", max_series, step_ms }, span, 2 * points, signal) : null,
          ]);
        }),
      );
      const out = new Map<string, Figure[]>();
      let failure: unknown = null;
      answers.forEach((a, i) => {
        if (a.status === "rejected") failure ??= a.reason;
        else if (a.value[0].error) failure ??= new Error(a.value[0].error.message);
        else out.set((asks[i] as Ask).id, figuresOf(...a.value));
      });
      if (out.size === 0 && failure) throw failure;
      return out;
    },
    () => (startedWithin(YOUNG_MS) ? Math.min(everyMs, SOON_MS) : everyMs),
  );
}

/** The first figure of an id whose labels have these values. */
export const pick = (of: Figures | null, id: string, labels: Labels = {}): Figure | undefined =>
  of?.get(id)?.find((f) => Object.entries(labels).every(([k, v]) => f.labels[k] === v));
export const lastValue = (of: Figures | null, id: string, labels: Labels = {}) => pick(of, id, labels)?.last ?? Number.NaN;
