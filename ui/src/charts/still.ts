// Whether a live picture would look the same. Pure.
import type { PlotData } from "./plot";

/** One picture: what is drawn, and between which times, ms. */
export interface Picture {
  data: PlotData;
  range: [number, number];
}

const same = (a: number, b: number) => a === b || (Number.isNaN(a) && Number.isNaN(b));

/** True when nothing was changed, and time went on by less than a pixel; `pxMs` is how long a pixel lasts. */
export function still(drawn: Picture, next: Picture, pxMs: number): boolean {
  const [a, b] = [drawn.data, next.data];
  const moved = next.range[1] - drawn.range[1];
  if (!(moved >= 0 && moved < pxMs) || Math.abs(next.range[0] - drawn.range[0] - moved) >= 1) return false;
  const k = (b.start - a.start) / b.step;
  if (a.step !== b.step || !Number.isInteger(k) || k < 0 || k >= a.n || b.n < a.n - k || a.lines.length !== b.lines.length) return false;
  if (a.happenings !== b.happenings || a.cones !== b.cones || a.shades !== b.shades) return false;
  return a.lines.every((was, l) => {
    const now = b.lines[l]?.values ?? [];
    for (let i = k; i < a.n; i++) if (!same(was.values[i] as number, now[i - k] as number)) return false;
    return true;
  });
}
