// The narrow wrapper around uPlot: nothing else in the UI knows it. Data in, range in, selection and cursor out.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { formatValue, type Unit, type Zone } from "../lib/format";
import { paint } from "../state/prefs";
import { timeLabels, timeTicks, valueLabels, valueRange, valueTicks } from "../lib/ticks";
import { grounds } from "./grounds";
import { Ink } from "./ink";
import { drawLines, type Frame, type Stroke } from "./lines";
import { type Picture, still } from "./still";
import { type Column, gaps, positive, shares, stack } from "./stack";

export interface Line {
  name: string;
  colour: string;
  dash: number[];
  values: ArrayLike<number>;
  hidden: boolean;
  /** drawn thin and without fill, and left out of the stack: a limit, not an amount */
  reference?: boolean;
  /** a part of a forecast: drawn dashed; its edges thin, and not named in the legend */
  forecast?: "mean" | "lower" | "upper";
  /** its own unit and decimals, where they are not those of the chart */
  unit?: Unit | undefined;
  decimals?: number | undefined;
  /** measured on the axis to the right */
  right?: boolean | undefined;
  draw?: "line" | "bars" | "points" | undefined;
  /** 0 to 1 */
  fill?: number | undefined;
  /** px */
  width?: number | undefined;
  /** stands beside the stack, not on it */
  apart?: boolean | undefined;
}

/** An instant or a span that is marked on the time axis. */
export interface Happening {
  at: number;
  to?: number | undefined;
  colour: string;
  text: string;
}

/** How a chart of a dashboard differs from one of ours. */
export interface PlotLook {
  decimals?: number | undefined;
  min?: number | undefined;
  max?: number | undefined;
  /** base of a logarithmic axis */
  log?: 2 | 10 | undefined;
  /** shares of the sum instead of amounts */
  percent?: boolean | undefined;
  /** lines are drawn over gaps */
  connect?: boolean | undefined;
  /** grounds between two values */
  zones?: { from: number; to: number; colour: string }[] | undefined;
}

export interface PlotData {
  start: number;
  step: number;
  n: number;
  lines: Line[];
  happenings?: Happening[];
  /** areas between two lines, by their places: where the future is expected */
  cones?: { upper: number; lower: number; colour: string }[];
  /** spans of time that stand out, in ms: what a finding rests on */
  shades?: { from: number; to: number }[];
}

export interface PlotOptions {
  unit: Unit;
  stacked: boolean;
  area: boolean;
  zone: Zone;
  look?: PlotLook | undefined;
  /** a span that was drawn over; `asked` when it is to be explained, not shown */
  onSelect: (from: number, to: number, asked: boolean) => void;
  onCursor: (index: number | null, left: number, top: number) => void;
}

const css = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

let inks = { paint: -1, ink: "", grid: "", font: "" };

/** Colours and letters of axes. light-dark() is resolved once a theme, as asking makes the browser lay the page out. */
function axisLook(host: HTMLElement): typeof inks {
  if (inks.paint === paint.peek()) return inks;
  const probe = document.createElement("span");
  host.append(probe);
  const resolved = (name: string) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  inks = { paint: paint.peek(), ink: resolved("--ink-soft"), grid: resolved("--grid"), font: `11px ${css("--font") || "sans-serif"}` };
  probe.remove();
  return inks;
}

/** Seen on both backgrounds, under lines of any colour. */
const SHADE_COLOUR = "#d99a1e38";
/** A moment is as wide as this, in pixels of the screen. */
const SHADE_MIN_PX = 3;

/** More than any picture is high, px. */
const FAR_PX = 100_000;

/** Half of the widest time label, px. */
const LABEL_HALF_PX = 26;
/** Room to the right of the plot, px. */
const PAD_RIGHT_PX = 14;

/** The ticks whose labels the picture does not cut off at its right edge. */
function fitting(ticks: number[], u: uPlot, max: number): number[] {
  return ticks.filter((at) => u.valToPos(max, "x") - u.valToPos(at, "x") + PAD_RIGHT_PX >= LABEL_HALF_PX);
}

/** From so many lines on they are drawn thin: they are told apart better, and a line of one pixel costs a tenth of one that is wider. */
const MANY_LINES = 8;

/** Of lines that are limits, px. */
const LIMIT_DASH = [4, 4];

const isEdge = (l: Line) => l.forecast === "lower" || l.forecast === "upper";
const inkOf = (l: Line) => (isEdge(l) ? `${l.colour}80` : l.colour);
const spanOf = (s: uPlot.Scale | undefined) => ({ min: s?.min ?? 0, max: s?.max ?? 1 });

const onStack = (l: Line) => !l.hidden && !l.reference && !l.forecast && !l.apart;

/** Whether a line has so few values that it would not be seen without its points. */
function few(values: ArrayLike<number>): boolean {
  let n = 0;
  for (let i = 0; i < values.length && n < 3; i++) if (Number.isFinite(values[i])) n++;
  return n < 3;
}

/** The places of plots that can be seen: the others do not follow the crosshair of the one that is pointed at. */
const inSight = new Set<Element>();
const sight = new IntersectionObserver((all) => {
  for (const e of all) {
    if (e.isIntersecting) inSight.add(e.target);
    else {
      inSight.delete(e.target);
      const dots = e.target.querySelector<HTMLElement>(".chart-dots");
      if (dots) dots.style.boxShadow = "";
    }
  }
});

export class Plot {
  private u: uPlot | null = null;
  private data: PlotData = { start: 0, step: 1, n: 0, lines: [] };
  private shape = "";
  private range: [number, number] = [0, 1];
  /** whether what is drawn over next is to be explained */
  asking = false;
  /** nothing is drawn before the size is known */
  private size = { width: 0, height: 0 };
  private dots: HTMLElement | null = null;
  /** where plain lines are drawn beside the page */
  private ink: Ink | null = null;
  /** the picture as it was drawn last, and whether newer data wait */
  private drawn: Picture | null = null;
  private late = false;
  private readonly host: HTMLElement;
  private options: PlotOptions;

  constructor(host: HTMLElement, options: PlotOptions) {
    this.host = host;
    this.options = options;
    sight.observe(host);
  }

  setOptions(options: PlotOptions): void {
    const rebuild = options.unit !== this.options.unit || options.stacked !== this.options.stacked || options.area !== this.options.area || options.zone !== this.options.zone || (options.look !== this.options.look && JSON.stringify(options.look) !== JSON.stringify(this.options.look));
    this.options = options;
    if (rebuild) this.rebuild();
  }

  setSize(width: number, height: number): void {
    if (width < 10 || (width === this.size.width && height === this.size.height && this.u)) return;
    this.size = { width, height };
    if (this.u) this.u.setSize(this.size);
    else this.rebuild();
  }

  /** New data for a range of ms. The picture is built anew only when lines come, go, or change their look. */
  setData(data: PlotData, range: [number, number]): void {
    this.data = data;
    this.range = range;
    const shape = JSON.stringify([data.cones?.length, ...data.lines.map((l) => [l.name, l.colour, l.hidden, l.reference, l.right, l.draw, l.fill, l.width, l.apart, l.unit])]);
    if (!this.u || shape !== this.shape) {
      this.shape = shape;
      this.rebuild();
      return;
    }
    if (this.drawn && still(this.drawn, { data, range }, (range[1] - range[0]) / Math.max(1, this.u.bbox.width))) this.late = true;
    else this.redraw();
  }

  /** Draws what was put off because nobody would have seen it: who points at an element means one of the newest data. */
  settle(): void {
    if (this.late) this.redraw();
  }

  private redraw(): void {
    const { data, range } = this;
    this.late = false;
    this.drawn = { data, range };
    this.u?.setData(this.columns(), false);
    this.u?.setScale("x", { min: range[0], max: range[1] });
  }

  setTheme(): void {
    this.rebuild();
  }

  /** Puts the crosshair on an element; null takes it away. */
  setCursor(index: number | null): void {
    const u = this.u;
    if (!u) return;
    this.settle();
    if (index === null) u.setCursor({ left: -10, top: -10 });
    else u.setCursor({ left: u.valToPos(this.data.start + index * this.data.step, "x"), top: u.over.clientHeight / 2 });
  }

  /** Shows a span as drawn over, between two elements; null takes it away. */
  setSpan(span: [number, number] | null): void {
    const u = this.u;
    if (!u) return;
    const [a, b] = span ? [Math.min(...span), Math.max(...span)].map((i) => u.valToPos(this.data.start + (i as number) * this.data.step, "x")) : [0, 0];
    const [left, right] = [a as number, b as number];
    u.setSelect({ left, top: 0, width: Math.max(span ? 1 : 0, right - left), height: span ? u.over.clientHeight : 0 }, false);
  }

  /** The line nearest to a point of the window, and the element there; of a stack the layer that the point lies in. */
  lineAt(x: number, y: number): { line: number; index: number } | null {
    const u = this.u;
    if (!u) return null;
    const box = u.over.getBoundingClientRect();
    const [left, top] = [x - box.left, y - box.top];
    if (left < 0 || top < 0 || left > box.width || top > box.height) return null;
    const index = u.posToIdx(left);
    let [line, room] = [-1, Number.POSITIVE_INFINITY];
    this.data.lines.forEach((l, i) => {
      const v = u.data[i + 1]?.[index];
      if (l.hidden || l.reference || v === null || v === undefined) return;
      const below = u.valToPos(v, l.right ? "right" : "y") - top;
      const far = Math.abs(below) + (this.options.stacked && below > 0 ? FAR_PX : 0);
      if (far < room) [line, room] = [i, far];
    });
    return line < 0 ? null : { line, index };
  }

  /** Where an element is in the window: on the time axis, half way up. */
  pointOf(index: number): { x: number; y: number } {
    const box = this.host.getBoundingClientRect();
    const at = this.u ? this.u.over.getBoundingClientRect().left + this.u.valToPos(this.data.start + index * this.data.step, "x") : box.left;
    return { x: at, y: box.top + box.height / 2 };
  }

  destroy(): void {
    sight.unobserve(this.host);
    inSight.delete(this.host);
    this.u?.destroy();
    this.u = null;
    this.blot();
  }

  private columns(): uPlot.AlignedData {
    const { start, step, n, lines } = this.data;
    const xs = new Float64Array(n);
    for (let i = 0; i < n; i++) xs[i] = start + i * step;
    const { stacked, look } = this.options;
    const shown = stacked ? lines.filter(onStack) : [];
    const amounts = shown.map((l) => l.values);
    const sums = stacked ? stack(look?.percent ? shares(amounts) : amounts) : [];
    const ys = lines.map((l): Column | Float64Array => (stacked && onStack(l) ? (sums[shown.indexOf(l)] ?? []) : look?.log ? positive(l.values) : gaps(l.values)));
    return [xs, ...ys] as uPlot.AlignedData;
  }

  private rebuild(): void {
    this.u?.destroy();
    this.u = null;
    if (this.data.n === 0 || this.size.width < 10) return;
    this.late = false;
    this.drawn = { data: this.data, range: this.range };
    if (this.plain()) this.ink ??= Ink.of(() => this.unaided());
    else this.blot();
    this.u = new uPlot(this.uplotOptions(), this.columns(), this.host);
    this.u.setScale("x", { min: this.range[0], max: this.range[1] });
  }

  private uplotOptions(): uPlot.Options {
    const { zone, stacked, area, look = {} } = this.options;
    const unit = look.percent ? "ratio" : this.options.unit;
    const { ink, grid, font } = axisLook(this.host);
    const right = this.data.lines.find((l) => l.right && !l.hidden);
    const axis = { stroke: ink, font, grid: { stroke: grid, width: 1 }, ticks: { show: false } };
    return {
      ...this.size,
      padding: [8, PAD_RIGHT_PX, 0, 0],
      legend: { show: false },
      scales: {
        x: { time: false },
        // Bars are as long as what they tell.
        y: this.scale(unit, stacked || area || this.data.lines.some((l) => l.draw === "bars"), true),
        ...(right ? { right: this.scale(right.unit ?? unit, area, false) } : {}),
      },
      axes: [
        {
          ...axis,
          size: 28,
          gap: 7,
          splits: (u, _a, min, max) => fitting(timeTicks(min, max, Math.max(2, u.width / 90), zone), u, max),
          values: (_u, splits) => timeLabels(splits, zone),
        },
        this.valueAxis(axis, unit),
        ...(right ? [{ ...this.valueAxis(axis, right.unit ?? unit), scale: "right", side: 1 as const, grid: { show: false } }] : []),
      ],
      cursor: {
        x: true,
        y: false,
        drag: { x: true, y: false, setScale: false },
        sync: { key: "page", scales: ["x", null], filters: { pub: () => true, sub: (_type: string, _src: uPlot, left: number) => left < 0 || inSight.has(this.host) } },
        // uPlot's are an element a series and chart, each a layer of its own: ours are one for all.
        points: { show: false },
      },
      series: [{}, ...this.data.lines.map((l) => this.uplotSeries(l))],
      bands: stacked ? this.bands() : this.cones(),
      hooks: {
        drawAxes: [(u) => this.drawPlain(u)],
        drawClear: [(u) => this.drawZones(u), (u) => this.shade(u)],
        draw: [(u) => this.drawHappenings(u)],
        setSelect: [(u) => this.selected(u)],
        setCursor: [
          (u) => {
            this.moveDots(u);
            this.options.onCursor(u.cursor.idx ?? null, u.cursor.left ?? -1, u.cursor.top ?? -1);
          },
        ],
      },
    };
  }

  /** The value scale: ours, unless the dashboard sets a limit or wants logarithms. */
  private scale(unit: Unit, fromZero: boolean, limited: boolean): uPlot.Scale {
    const { min: low, max: high, log } = this.options.look ?? {};
    if (log) return { distr: 3, log, range: (_u, min, max) => uPlot.rangeLog(min || 1, max || 10, log, true) };
    return {
      range: (_u, min, max) => {
        const [a, b] = valueRange(min ?? Number.NaN, max ?? Number.NaN, unit, fromZero);
        const [from, to] = limited ? [low ?? a, high ?? b] : [a, b];
        return to > from ? [from, to] : [a, b];
      },
    };
  }

  private valueAxis(axis: uPlot.Axis, unit: Unit): uPlot.Axis {
    const { log, decimals } = this.options.look ?? {};
    return {
      ...axis,
      gap: 6,
      size: (_u, values) => 14 + 6.4 * Math.max(3, ...(values ?? []).map((v) => String(v).length)),
      ...(log ? {} : { splits: (u: uPlot, _a: number, min: number, max: number) => valueTicks(min, max, Math.max(2, u.height / 44), unit, decimals) }),
      // uPlot puts null where it leaves out marks of a logarithmic axis.
      values: (_u, splits) => (log ? splits.map((v) => (v === null || v === undefined ? "" : formatValue(v, unit, decimals))) : valueLabels(splits, unit, decimals)),
    };
  }

  /** A dot on each line under the crosshair: the shadows of one element, which is made when first wanted. */
  private moveDots(u: uPlot): void {
    const i = u.cursor.idx;
    const at = i === null || i === undefined || (u.cursor.left ?? -1) < 0 ? undefined : u.data[0][i];
    if (at === undefined || i === null || i === undefined) {
      if (this.dots) this.dots.style.boxShadow = "";
      return;
    }
    if (!this.dots) {
      this.dots = document.createElement("div");
      this.dots.className = "chart-dots";
    }
    if (this.dots.parentNode !== u.over) u.over.append(this.dots);
    const x = u.valToPos(at, "x");
    const height = u.bbox.height / devicePixelRatio;
    const all: string[] = [];
    for (let s = 1; s < u.series.length; s++) {
      const v = u.data[s]?.[i];
      const line = this.data.lines[s - 1];
      if (v === null || v === undefined || !line || line.hidden) continue;
      const y = u.valToPos(v, line.right ? "right" : "y");
      if (y >= 0 && y <= height) all.push(`${x.toFixed(1)}px ${y.toFixed(1)}px ${line.colour}`);
    }
    this.dots.style.boxShadow = all.join();
  }

  private drawZones(u: uPlot): void {
    const { ctx, bbox } = u;
    for (const z of this.options.look?.zones ?? []) {
      const [bottom, top] = [z.from, z.to].map((v) => Math.max(bbox.top, Math.min(bbox.top + bbox.height, u.valToPos(v, "y", true)))) as [number, number];
      ctx.fillStyle = z.colour;
      ctx.fillRect(bbox.left, top, bbox.width, bottom - top);
    }
  }

  /** Whether all that is drawn are lines without ground, on straight scales: those we draw ourselves. */
  private plain(): boolean {
    const { stacked, area, look = {} } = this.options;
    return !stacked && !area && !look.log && !look.connect && !this.data.cones?.length && this.data.lines.every((l) => (l.draw ?? "line") === "line" && (!l.fill || l.reference || l.forecast));
  }

  private drawPlain(u: uPlot): void {
    if (!this.plain()) return;
    const { bbox, scales, ctx } = u;
    const { ink } = this;
    // A canvas of its own begins where the plot does, at a whole pixel.
    const [ox, oy] = ink ? [Math.floor(bbox.left), Math.floor(bbox.top)] : [0, 0];
    const [left, top, width, height] = [bbox.left - ox, bbox.top - oy, bbox.width, bbox.height];
    const x = spanOf(scales["x"]);
    const { start, step, lines } = this.data;
    const kx = width / (x.max - x.min);
    const layers = [false, true].flatMap((right): { frame: Frame; lines: Stroke[] }[] => {
      const mine = lines.filter((l) => !l.hidden && Boolean(l.right) === right);
      if (mine.length === 0) return [];
      const y = spanOf(scales[right ? "right" : "y"]);
      const ky = height / (y.max - y.min);
      return [{ frame: { left, top, width, height, x0: left + (start - x.min) * kx, dx: step * kx, y0: top + height + y.min * ky, ky }, lines: mine.map((l) => this.strokeOf(l)) }];
    });
    const scale = devicePixelRatio;
    if (!ink) {
      for (const l of layers) drawLines(ctx, l.frame, l.lines, scale);
      return;
    }
    if (ink.canvas.previousSibling !== ctx.canvas) ctx.canvas.after(ink.canvas);
    ink.draw({ left: ox, top: oy, width: Math.ceil(left + width), height: Math.ceil(top + height), scale, layers });
  }

  /** Nobody draws beside the page any more. */
  private unaided(): void {
    this.blot();
    this.rebuild();
  }

  private blot(): void {
    this.ink?.gone();
    this.ink = null;
  }

  private strokeOf(l: Line): Stroke {
    const px = devicePixelRatio;
    return { values: l.values, colour: inkOf(l), width: this.widthOf(l) * px, dash: (l.reference ? LIMIT_DASH : l.dash).map((d) => d * px) };
  }

  private widthOf(l: Line): number {
    return l.width ?? (l.reference || isEdge(l) || this.options.stacked || this.data.lines.length > MANY_LINES ? 1 : 1.5);
  }

  private drawHappenings(u: uPlot): void {
    const { ctx, bbox } = u;
    const all = this.data.happenings ?? [];
    if (all.length === 0) return;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (const { from, to, colour } of grounds(all)) {
      const x = u.valToPos(from, "x", true);
      ctx.fillStyle = `${colour}1f`;
      ctx.fillRect(x, bbox.top, Math.max(1, u.valToPos(to, "x", true) - x), bbox.height);
    }
    for (const h of all) {
      const x = u.valToPos(h.at, "x", true);
      ctx.strokeStyle = h.colour;
      ctx.setLineDash([3, 3]);
      ctx.lineWidth = devicePixelRatio;
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      ctx.fillStyle = h.colour;
      ctx.fillRect(x - 3 * devicePixelRatio, bbox.top, 6 * devicePixelRatio, 4 * devicePixelRatio);
    }
    ctx.restore();
  }

  /** Behind the lines. */
  private shade(u: uPlot): void {
    const { left, top, width, height } = u.bbox;
    u.ctx.save();
    u.ctx.fillStyle = SHADE_COLOUR;
    for (const s of this.data.shades ?? []) {
      const a = Math.max(left, u.valToPos(s.from, "x", true));
      const b = Math.min(left + width, Math.max(u.valToPos(s.to, "x", true), a + SHADE_MIN_PX));
      if (b > a) u.ctx.fillRect(a, top, b - a, height);
    }
    u.ctx.restore();
  }

  private uplotSeries(l: Line): uPlot.Series {
    const stacked = this.options.stacked && onStack(l);
    const filled = l.fill !== undefined ? l.fill > 0 && !l.reference && !l.forecast : !l.reference && !l.forecast && (stacked || this.options.area);
    const opacity = l.fill !== undefined ? Math.round(Math.min(1, l.fill) * 255).toString(16).padStart(2, "0") : stacked ? "66" : "22";
    const look: Partial<uPlot.Series> =
      l.draw === "bars" ? { paths: uPlot.paths.bars?.({ size: [0.8, 60] }) as uPlot.Series.PathBuilder, points: { show: false } } : l.draw === "points" ? { paths: () => null, points: { show: true, size: 4, fill: l.colour } } : { points: { show: (_u, i) => !l.forecast && few(this.data.lines[i - 1]?.values ?? []), size: 5, fill: l.colour } };
    return {
      label: l.name,
      show: !l.hidden,
      scale: l.right ? "right" : "y",
      stroke: inkOf(l),
      width: this.widthOf(l),
      dash: l.reference ? LIMIT_DASH : l.dash,
      spanGaps: this.options.look?.connect ?? false,
      ...(this.plain() ? { paths: () => null } : {}),
      ...look,
      ...(filled ? { fill: `${l.colour}${opacity}` } : {}),
    };
  }

  private cones(): uPlot.Band[] {
    return (this.data.cones ?? []).map((c) => ({ series: [c.upper + 1, c.lower + 1], fill: `${c.colour}26` }));
  }

  private bands(): uPlot.Band[] {
    const at = this.data.lines.flatMap((l, i) => (onStack(l) ? [i + 1] : []));
    return at.slice(1).map((upper, k) => ({ series: [upper, at[k] as number] }));
  }

  private selected(u: uPlot): void {
    const { left, width } = u.select;
    if (width < 4) return;
    const from = u.posToVal(left, "x");
    const to = u.posToVal(left + width, "x");
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.options.onSelect(from, to, this.asking);
  }
}
