// What was expected of a line and what is usual for it, as lines of a chart: the expected course dashed, the usual between
// two edges, and the alarms as shaded spans. Pure.
import type { BandDoc } from "../api/insight";
import { t } from "../lib/text";
import type { Line, PlotData } from "./plot";

/** From here on a score is an alarm. */
export const ALARM = 0.5;
/** Spans that are shaded at most; the worst stay. */
const SHADES_MAX = 200;

const numbers = (values: (number | null)[]) => Float64Array.from(values, (v) => v ?? Number.NaN);

/** Times of alarms, joined where they follow each other. */
export function alarmsOf(b: Pick<BandDoc, "times" | "score">): { from: number; to: number }[] {
  const step = (b.times[1] ?? 0) - (b.times[0] ?? 0);
  const out: { from: number; to: number; worst: number }[] = [];
  b.score.forEach((s, i) => {
    const at = b.times[i] ?? 0;
    if (s === null || s < ALARM) return;
    const last = out.at(-1);
    if (last && at - last.to <= 2 * step) {
      last.to = at;
      last.worst = Math.max(last.worst, s);
    } else out.push({ from: at - step, to: at, worst: s });
  });
  const kept = out.length > SHADES_MAX ? [...out].sort((a, b) => b.worst - a.worst).slice(0, SHADES_MAX) : out;
  return kept.sort((a, b) => a.from - b.from).map(({ from, to }) => ({ from, to }));
}

/** One series with its band as a chart of its own. */
export function bandPlot(b: BandDoc, colour: string): PlotData {
  const step = Math.max(1, (b.times[1] ?? 1) - (b.times[0] ?? 0));
  const line = (name: string, values: (number | null)[], forecast?: Line["forecast"]): Line => ({ name, colour, dash: forecast ? [6, 4] : [], values: numbers(values), hidden: false, ...(forecast ? { forecast } : {}) });
  return {
    start: b.times[0] ?? 0,
    step,
    n: b.times.length,
    lines: [line(t("band.value"), b.value), line(t("band.expected"), b.expected, "mean"), line(t("band.lower"), b.lower, "lower"), line(t("band.upper"), b.upper, "upper")],
    cones: [{ upper: 3, lower: 2, colour }],
    shades: alarmsOf(b),
  };
}

/** Values at other times: the newest that is not later, and not older than `step`; NaN where there is none. */
function onGrid(times: number[], values: (number | null)[], data: { start: number; step: number; n: number }, step: number): Float64Array {
  let k = -1;
  return Float64Array.from({ length: data.n }, (_, i) => {
    const at = data.start + i * data.step;
    while (k + 1 < times.length && (times[k + 1] as number) <= at) k++;
    const v = k < 0 || at - (times[k] as number) >= Math.max(step, data.step) * 1.5 ? null : values[k];
    return v ?? Number.NaN;
  });
}

/** A chart with the bands of some of its lines laid under them. */
export function withBands(data: PlotData, bands: { line: number; band: BandDoc }[]): PlotData {
  if (data.n === 0 || bands.length === 0) return data;
  const lines = [...data.lines];
  const cones = [...(data.cones ?? [])];
  const shades = [...(data.shades ?? [])];
  for (const { line, band } of bands) {
    const of = data.lines[line];
    if (!of || band.times.length === 0) continue;
    const step = (band.times[1] ?? 0) - (band.times[0] ?? 0);
    const add = (key: "band.lower" | "band.upper", values: (number | null)[], forecast: "lower" | "upper") =>
      lines.push({ name: `${of.name}, ${t(key)}`, colour: of.colour, dash: [6, 4], values: onGrid(band.times, values, data, step), hidden: of.hidden, forecast });
    add("band.lower", band.lower, "lower");
    add("band.upper", band.upper, "upper");
    if (of.hidden) continue;
    cones.push({ upper: lines.length - 1, lower: lines.length - 2, colour: of.colour });
    shades.push(...alarmsOf(band));
  }
  return { ...data, lines, cones, shades };
}
