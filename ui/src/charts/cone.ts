// A forecast drawn after the last value: the expected course, dashed, in the colour of its line, and the cone in which
// the future is expected with the stated chance. Pure.
import { t } from "../lib/text";
import { ELEMENTS_MAX } from "../api/frame";
import type { Line, PlotData } from "./plot";

/** What is expected of one line of a chart; times rise, in ms. */
export interface Course {
  /** the line, by its place in the chart */
  line: number;
  times: number[];
  mean: number[];
  lower: number[];
  upper: number[];
}

/** The value at a time, between the two that are around it; NaN outside. */
function between(times: number[], values: number[], at: number): number {
  const after = times.findIndex((x) => x >= at);
  if (after < 0 || times.length === 0) return Number.NaN;
  const [b, vb] = [times[after] as number, values[after] as number];
  if (b === at) return vb;
  if (after === 0) return Number.NaN;
  const [a, va] = [times[after - 1] as number, values[after - 1] as number];
  return va + ((vb - va) * (at - a)) / (b - a);
}

/** Index of the newest value, or -1. */
function newest(values: ArrayLike<number>): number {
  for (let i = values.length - 1; i >= 0; i--) if (Number.isFinite(values[i])) return i;
  return -1;
}

/** The chart with its forecasts. The grid grows to the right as far as they reach; it never exceeds what a chart holds. */
export function withCourses(data: PlotData, courses: Course[]): PlotData {
  const { start, step } = data;
  const end = Math.max(start + (data.n - 1) * step, ...courses.map((c) => c.times.at(-1) ?? 0));
  const n = Math.min(ELEMENTS_MAX, Math.ceil((end - start) / step) + 1);
  if (courses.length === 0 || data.n === 0 || n <= data.n) return data;
  const longer = (l: Line): Line => {
    const values = new Float64Array(n).fill(l.reference ? (l.values[data.n - 1] ?? Number.NaN) : Number.NaN);
    values.set(Array.from(l.values));
    return { ...l, values };
  };
  const lines = data.lines.map(longer);
  const cones: NonNullable<PlotData["cones"]> = [...(data.cones ?? [])];
  for (const c of courses) {
    const of = lines[c.line];
    const from = of ? newest(of.values) : -1;
    if (!of || from < 0) continue;
    const now = of.values[from] as number;
    const times = [start + from * step, ...c.times];
    const edge = (values: number[]) => {
      const known = [now, ...values];
      return Float64Array.from({ length: n }, (_, i) => (i < from ? Number.NaN : between(times, known, start + i * step)));
    };
    const line = (key: "mean" | "lower" | "upper", values: Float64Array): Line => ({
      name: t(`forecast.${key}`, { name: of.name }),
      colour: of.colour,
      dash: [6, 4],
      values,
      hidden: of.hidden,
      forecast: key,
    });
    lines.push(line("mean", edge(c.mean)), line("lower", edge(c.lower)), line("upper", edge(c.upper)));
    if (!of.hidden) cones.push({ upper: lines.length - 1, lower: lines.length - 2, colour: of.colour });
  }
  return { ...data, n, lines, cones };
}
