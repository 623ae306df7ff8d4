// Where axes have their marks. Pure; never more than 50 marks.
import { formatClock, formatDay, formatValue, type Unit, type Zone } from "./format";
import { zoneOffset } from "./zone";

const TICKS_MAX = 50;

/** Steps of long durations, s: they are round in minutes, hours and days. */
const LONG_STEPS = [60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];
const DAY_S = 86_400;

/** The next step of 1, 2, 5 (or of 1, 2, 4, 8 … for bytes; of minutes, hours, days for long durations) at or above `raw`. */
export function niceStep(raw: number, unit: Unit): number {
  if (!(raw > 0) || !Number.isFinite(raw)) return 1;
  if (unit === "bytes" || unit === "bytes/s") {
    const scale = 1024 ** Math.max(0, Math.floor(Math.log2(raw) / 10 + 1e-9));
    const steps = [1, 2, 5, 10, 20, 50, 100, 200, 256, 512, 1024];
    return (steps.find((x) => x >= raw / scale - 1e-9) ?? 1024) * scale;
  }
  if (unit === "seconds" && raw > 30) return LONG_STEPS.find((x) => x >= raw) ?? niceStep(raw / DAY_S, "short") * DAY_S;
  const power = 10 ** Math.floor(Math.log10(raw) + 1e-9);
  return (([1, 2, 2.5, 5, 10].find((x) => x >= raw / power - 1e-9) ?? 10) * power);
}

/** More decimals than this tell nothing apart. */
const DECIMALS_MAX = 6;

/** Multiples of a nice step inside [min, max], about `count` of them; fewer where `decimals` do not write them as they are. */
export function valueTicks(min: number, max: number, count: number, unit: Unit, decimals?: number): number[] {
  const all = multiples(min, max, count, unit);
  if (decimals === undefined) return all;
  const read = (v: number, d: number) => Number.parseFloat(formatValue(Math.abs(v), unit, d));
  for (let fewer = count; fewer > 0.5; fewer *= 0.8) {
    const some = multiples(min, max, fewer, unit);
    if (some.length > 1 && some.every((v) => read(v, decimals) === read(v, decimals + 4))) return some;
  }
  return all;
}

function multiples(min: number, max: number, count: number, unit: Unit): number[] {
  if (!Number.isFinite(min) || !Number.isFinite(max) || max <= min) return [];
  const step = niceStep((max - min) / Math.max(1, count), unit);
  const out: number[] = [];
  const first = Math.ceil(min / step - 1e-9);
  for (let k = first; k * step <= max + step * 1e-9 && out.length < TICKS_MAX; k++) out.push(k * step || 0);
  return out;
}

/** What stands at value ticks: with more decimals where they would be called alike, and nothing where they still are. */
export function valueLabels(ticks: number[], unit: Unit, decimals?: number): string[] {
  const shown = (d?: number) => ticks.map((v) => formatValue(v, unit, d));
  let out = shown(decimals);
  for (let d = 1; decimals === undefined && d <= DECIMALS_MAX && new Set(out).size < out.length; d++) out = shown(d);
  return out.map((text, i) => (text === out[i - 1] ? "" : text));
}

/** The range of the value axis: from zero for amounts (always when areas are drawn), a little air above, never empty. */
export function valueRange(min: number, max: number, unit: Unit, area = false): [number, number] {
  if (!Number.isFinite(min) || !Number.isFinite(max)) return [0, unit === "ratio" ? 1 : 100];
  const low = min >= 0 && (area || min < max * 0.9) ? 0 : min;
  if (max - low <= Math.abs(max) * 1e-9) {
    if (max === 0) return [0, unit === "ratio" ? 0.1 : 1];
    return max > 0 ? [0, max * 1.25] : [max * 1.25, 0];
  }
  const air = (max - low) * 0.08;
  return [low === 0 ? 0 : low - air, max + air];
}

const S = 1000;
const M = 60 * S;
const H = 60 * M;
const D = 24 * H;
const TIME_STEPS = [S, 2 * S, 5 * S, 10 * S, 15 * S, 30 * S, M, 2 * M, 5 * M, 10 * M, 15 * M, 30 * M, H, 2 * H, 3 * H, 6 * H, 12 * H, D, 2 * D, 7 * D, 14 * D, 30 * D, 90 * D, 365 * D];

/** Round times (in the zone's own clock) inside [from, to], in ms. */
export function timeTicks(from: number, to: number, count: number, zone: Zone): number[] {
  if (!(to > from)) return [];
  const want = (to - from) / Math.max(1, count);
  const step = TIME_STEPS.find((s) => s >= want) ?? 365 * D;
  const shift = zoneOffset(from, zone);
  const out: number[] = [];
  for (let k = Math.ceil((from + shift) / step); k * step - shift <= to && out.length < TICKS_MAX; k++) {
    const at = k * step - shift;
    // Daylight saving may have changed since `from`.
    const fixed = step >= H ? at + (shift - zoneOffset(at, zone)) : at;
    if (fixed >= from && fixed <= to) out.push(fixed);
  }
  return out;
}

/** Labels of time ticks: seconds only when needed, the day where it begins. */
export function timeLabels(ticks: number[], zone: Zone): string[] {
  const step = ticks.length > 1 ? (ticks[1] as number) - (ticks[0] as number) : M;
  return ticks.map((at) => {
    const midnight = (at + zoneOffset(at, zone)) % D === 0;
    return midnight || step >= D ? formatDay(at, zone) : formatClock(at, zone, step < M);
  });
}
