// How good forecasts were: grades of all series taken together by model and by how far they look. Pure.
import type { ScoredDoc } from "../../api/insight";

export interface Grade {
  model: string;
  seconds: number;
  n: number;
  waiting: number;
  /** share of truths within the interval, of all of them; NaN when none was graded */
  coverage: number;
  /** mean of the series' errors, by that of the naive guess, weighed by grades; NaN when none was graded */
  error: number;
  series: number;
}

const mean = (all: [number, number][]): number => {
  const n = all.reduce((s, [, w]) => s + w, 0);
  return n > 0 ? all.reduce((s, [v, w]) => s + v * w, 0) / n : Number.NaN;
};

export function gradesOf(all: ScoredDoc[]): Grade[] {
  const cells = new Map<string, { model: string; seconds: number; of: ScoredDoc["horizons"] }>();
  for (const f of all)
    for (const h of f.horizons) {
      const key = `${f.model} ${h.seconds}`;
      const cell = cells.get(key) ?? { model: f.model, seconds: h.seconds, of: [] };
      cell.of.push(h);
      cells.set(key, cell);
    }
  return [...cells.values()]
    .map(({ model, seconds, of }): Grade => {
      const weighed = (pick: (h: ScoredDoc["horizons"][number]) => number | null) => mean(of.flatMap((h): [number, number][] => (pick(h) !== null && h.n > 0 ? [[pick(h) as number, h.n]] : [])));
      return { model, seconds, n: of.reduce((s, h) => s + h.n, 0), waiting: of.reduce((s, h) => s + (h.open ?? 0), 0), coverage: weighed((h) => h.coverage), error: weighed((h) => h.error), series: of.length };
    })
    .sort((a, b) => a.model.localeCompare(b.model) || a.seconds - b.seconds);
}
