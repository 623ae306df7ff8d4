// The page's side of ink.worker.ts: a canvas over a chart, whose lines are drawn beside the page.
import type { Drawing, InkOrder } from "./ink.worker";

let worker: Worker | null | undefined;

/** The worker of all charts, started by the first; null where a browser has none, or does not let it draw. */
function hand(): Worker | null {
  if (worker !== undefined) return worker;
  worker = null;
  if (typeof Worker === "undefined" || typeof OffscreenCanvas === "undefined") return null;
  try {
    const w = new Worker(new URL("./ink.worker.ts", import.meta.url), { type: "module" });
    w.onerror = () => {
      worker = null;
      for (const f of broken) f();
    };
    worker = w;
  } catch {
    // A policy that forbids workers: lines are drawn by the page.
  }
  return worker;
}

/** Charts that have to draw for themselves when the worker cannot. */
const broken = new Set<() => void>();
let serial = 0;

/** The lines of one chart. */
export class Ink {
  readonly canvas = document.createElement("canvas");
  private readonly id = ++serial;
  private readonly to: Worker;
  private readonly onBroken: () => void;

  private constructor(to: Worker, onBroken: () => void) {
    this.to = to;
    this.onBroken = onBroken;
    broken.add(onBroken);
    this.canvas.className = "chart-ink";
    const canvas = this.canvas.transferControlToOffscreen();
    this.say({ id: this.id, canvas }, [canvas]);
  }

  /** Null where nobody draws beside the page; `onBroken` is called when that ends later. */
  static of(onBroken: () => void): Ink | null {
    const to = hand();
    return to && "transferControlToOffscreen" in HTMLCanvasElement.prototype ? new Ink(to, onBroken) : null;
  }

  /** Draws anew; `left` and `top` say where the canvas stands in its parent, px of the screen. */
  draw({ left, top, ...drawing }: Drawing & { left: number; top: number }): void {
    const { scale, width, height } = drawing;
    const px = (n: number) => `${n / scale}px`;
    Object.assign(this.canvas.style, { left: px(left), top: px(top), width: px(width), height: px(height) });
    this.say({ id: this.id, ...drawing });
  }

  gone(): void {
    broken.delete(this.onBroken);
    this.canvas.remove();
    this.say({ id: this.id, gone: true });
  }

  private say(order: InkOrder, transfer: Transferable[] = []): void {
    this.to.postMessage(order, transfer);
  }
}
