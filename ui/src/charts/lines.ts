// Plain lines on a canvas: what most charts are made of. uPlot draws areas, stacks, bars and points; for a line alone it
// makes two paths and a clip each, which costs more than the line.

/** Of the page or of a worker. */
export type Ctx = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

export interface Stroke {
  values: ArrayLike<number>;
  colour: string;
  /** px of the screen */
  width: number;
  dash: number[];
}

/** Where elements and values stand on the canvas, px: `x0 + i * dx`, `y0 - value * ky`. */
export interface Frame {
  left: number;
  top: number;
  width: number;
  height: number;
  x0: number;
  dx: number;
  y0: number;
  ky: number;
}

/** So far outside of the plot a line may end, px: a scale that somebody set may leave out most of it. */
const BEYOND_PX = 4_000;
/** Half of a dot: what stands alone between gaps would not be seen as a line. */
const DOT_PX = 2.5;

/** Draws lines over each other, the first lowest. Gaps stay gaps; of a column of pixels with more values than two, the extremes are drawn. */
export function drawLines(ctx: Ctx, f: Frame, lines: readonly Stroke[], scale = 1): void {
  ctx.save();
  ctx.beginPath();
  // Whole pixels: a clip through the middle of one makes everything that is drawn several times slower.
  ctx.rect(Math.floor(f.left), Math.floor(f.top), Math.ceil(f.width), Math.ceil(f.height));
  ctx.clip();
  ctx.lineJoin = "round";
  for (const l of lines) {
    ctx.strokeStyle = l.colour;
    ctx.lineWidth = l.width;
    ctx.setLineDash(l.dash);
    ctx.beginPath();
    const alone = trace(ctx, f, l);
    ctx.stroke();
    if (alone.length === 0) continue;
    ctx.fillStyle = l.colour;
    ctx.beginPath();
    for (let i = 0; i < alone.length; i += 2) {
      ctx.moveTo(alone[i] as number, alone[i + 1] as number);
      ctx.arc(alone[i] as number, alone[i + 1] as number, DOT_PX * scale, 0, 2 * Math.PI);
    }
    ctx.fill();
  }
  ctx.restore();
}

/** A line of an odd width is sharp when it runs through the middle of pixels. */
const middle = (width: number) => (Math.round(width) % 2 === 1 ? 0.5 : 0);

/** Puts the line into the path; answers where values stand alone between gaps, as x, y, x, y. */
function trace(ctx: Ctx, f: Frame, { values, width }: Stroke): number[] {
  const { x0, dx, y0, ky } = f;
  const off = middle(width);
  const [low, high] = [f.top - BEYOND_PX, f.top + f.height + BEYOND_PX];
  const alone: number[] = [];
  // The values since the last gap, and those in the column that is being drawn: its place, their extremes, the last.
  let [run, at, n, min, max, last] = [0, 0, 0, 0, 0, 0];
  // One further, which is a gap: it ends what was begun.
  for (let i = 0; i <= values.length; i++) {
    const v = i < values.length ? (values[i] as number) : Number.NaN;
    // Neither NaN nor infinite.
    const there = v - v === 0;
    const x = Math.floor(x0 + i * dx + 0.5) + off;
    if (there && n > 0 && x === at) {
      const y = Math.floor(Math.max(low, Math.min(high, y0 - v * ky)) + 0.5) + off;
      n++;
      run++;
      last = y;
      if (y < min) min = y;
      else if (y > max) max = y;
      continue;
    }
    if (n > 2) {
      ctx.lineTo(at, min);
      ctx.lineTo(at, max);
    }
    if (n > 1) ctx.lineTo(at, last);
    if (!there) {
      if (run === 1) alone.push(at, last);
      run = n = 0;
      continue;
    }
    const y = Math.floor(Math.max(low, Math.min(high, y0 - v * ky)) + 0.5) + off;
    if (run > 0) ctx.lineTo(x, y);
    else ctx.moveTo(x, y);
    run++;
    at = x;
    n = 1;
    min = max = last = y;
  }
  return alone;
}
