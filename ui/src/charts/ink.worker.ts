// Draws the lines of charts beside the page: a canvas for each chart, one worker for all. The page's own thread gives it
// numbers; without a GPU, Chromium would draw them on that thread after every frame.
import { drawLines, type Frame, type Stroke } from "./lines";

/** What the page says: a canvas for a new chart, what is to be drawn on it, and that it has gone. */
export type InkOrder = { id: number } & ({ canvas: OffscreenCanvas } | Drawing | { gone: true });

export interface Drawing {
  /** of the canvas, px of the screen */
  width: number;
  height: number;
  /** px of the screen in one of the page */
  scale: number;
  /** lines of one value axis each: they are drawn in this order */
  layers: { frame: Frame; lines: Stroke[] }[];
}

const inks = new Map<number, OffscreenCanvasRenderingContext2D>();

self.onmessage = ({ data }: MessageEvent<InkOrder>) => {
  if ("canvas" in data) {
    const ctx = data.canvas.getContext("2d");
    if (ctx) inks.set(data.id, ctx);
    return;
  }
  const ctx = inks.get(data.id);
  if (!ctx) return;
  if ("gone" in data) {
    inks.delete(data.id);
    // Its memory is not kept until the garbage is collected.
    ctx.canvas.width = ctx.canvas.height = 0;
    return;
  }
  const { canvas } = ctx;
  if (canvas.width !== data.width || canvas.height !== data.height) [canvas.width, canvas.height] = [data.width, data.height];
  else ctx.clearRect(0, 0, data.width, data.height);
  for (const { frame, lines } of data.layers) drawLines(ctx, frame, lines, data.scale);
};
