// What a query says of each series: a number, and how it came to be that. Pure.
import type { Frame, Labels } from "../api/frame";

export interface Figure {
  labels: Labels;
  /** the value of now; NaN for none */
  last: number;
  values: Float64Array;
}

/** The values of now, with their past; what is not there any more has a past alone. */
export function figuresOf(now: Frame, past: Frame | null): Figure[] {
  const key = (l: Labels) => JSON.stringify(l);
  const values = new Map(past?.series.map((s, i) => [key(s.labels), past.columns[i]]));
  const found = now.series.map((s, i): Figure => {
    const at = key(s.labels);
    const its = values.get(at);
    values.delete(at);
    return { labels: s.labels, last: now.columns[i]?.[0] ?? Number.NaN, values: its ?? new Float64Array() };
  });
  return [...found, ...(past?.series ?? []).flatMap((s) => (values.has(key(s.labels)) ? [{ labels: s.labels, last: Number.NaN, values: values.get(key(s.labels)) ?? new Float64Array() }] : []))];
}
