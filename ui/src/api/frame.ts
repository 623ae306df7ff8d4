// The frame: columns for charts (docs/format/frame.md). Decoding never throws on bad bytes; it
// returns a FrameError that says what was wrong. Limits: header 16 MiB, 11,000 elements, 1,000 series.
import type { OverviewDoc } from "./types";

export type Labels = Record<string, string>;

export interface SeriesStats {
  min: number;
  max: number;
  avg: number;
  last: number;
}

export interface SeriesHead {
  labels: Labels;
  base: number;
  unit: string;
  stats: SeriesStats | null;
}

/** Thresholds of a metric, in the unit of the chart; null = none. */
export interface Marks {
  metric: string;
  warning: number | null;
  critical: number | null;
  baseline: number | null;
  /** who set them: nobody ("default"), "configuration" or "api" */
  source: string;
}

export type FrameKind = "full" | "append" | "error" | "overview";

export interface FrameFault {
  type: string;
  message: string;
}

export interface Frame {
  id: string;
  kind: FrameKind;
  /** ms since the epoch of element 0 */
  start: number;
  /** ms between elements; 0 only when n <= 1 */
  step: number;
  n: number;
  series: SeriesHead[];
  /** one column per series, NaN = gap, base already added */
  columns: Float64Array[];
  truncated: number;
  warnings: string[];
  /** only of full frames */
  marks?: Marks[];
  cost: { series: number; samples: number; ms: number };
  error: FrameFault | null;
  overview: OverviewDoc | null;
}

export class FrameError extends Error {}

export const HEADER_BYTES_MAX = 16 << 20;
export const ELEMENTS_MAX = 11_000;
export const SERIES_MAX = 1_000;

const align8 = (n: number) => (n + 7) & ~7;
const KINDS = new Set(["full", "append", "error", "overview"]);

function record(v: unknown): Record<string, unknown> {
  return typeof v === "object" && v !== null && !Array.isArray(v) ? (v as Record<string, unknown>) : {};
}
const text = (v: unknown) => (typeof v === "string" ? v : "");
const num = (v: unknown) => (typeof v === "number" ? v : Number.NaN);

function count(v: unknown, name: string, max: number): number {
  const n = v === undefined ? 0 : num(v);
  if (!Number.isInteger(n) || n < 0 || n > max) throw new FrameError(`frame header: ${name} is ${String(v)}, expected 0 to ${max}`);
  return n;
}

function labelsOf(v: unknown): Labels {
  const out: Labels = {};
  for (const [k, x] of Object.entries(record(v))) if (typeof x === "string") out[k] = x;
  return out;
}

function seriesHead(v: unknown): SeriesHead {
  const r = record(v);
  const s = r["stats"] === undefined || r["stats"] === null ? null : record(r["stats"]);
  const base = num(r["base"]);
  return {
    labels: labelsOf(r["labels"]),
    base: Number.isFinite(base) ? base : 0,
    unit: text(r["unit"]),
    stats: s && { min: num(s["min"]), max: num(s["max"]), avg: num(s["avg"]), last: num(s["last"]) },
  };
}

function marksOf(v: unknown): Marks {
  const r = record(v);
  const mark = (name: string) => (Number.isFinite(num(r[name])) ? num(r[name]) : null);
  return { metric: text(r["metric"]), warning: mark("warning"), critical: mark("critical"), baseline: mark("baseline"), source: text(r["source"]) };
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  try {
    return record(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
  } catch {
    throw new FrameError("frame header is not valid JSON");
  }
}

/** Decodes one frame (no length prefix). Throws FrameError, and nothing else, for any bytes. */
export function decodeFrame(bytes: Uint8Array): Frame {
  if (bytes.byteLength < 4) throw new FrameError(`frame of ${bytes.byteLength} bytes has no header length`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLen = view.getUint32(0, true);
  if (headerLen > HEADER_BYTES_MAX || 4 + headerLen > bytes.byteLength)
    throw new FrameError(`frame header of ${headerLen} bytes does not fit into ${bytes.byteLength}`);
  const h = parseHeader(bytes.subarray(4, 4 + headerLen));
  const kind = text(h["kind"]);
  if (!KINDS.has(kind)) throw new FrameError(`frame kind "${kind}" is unknown`);
  const heads = Array.isArray(h["series"]) ? h["series"].map(seriesHead) : [];
  if (heads.length > SERIES_MAX) throw new FrameError(`frame has ${heads.length} series, at most ${SERIES_MAX}`);
  const n = count(h["n"], "n", ELEMENTS_MAX);
  const dtype = h["dtype"] === undefined ? "f32" : text(h["dtype"]);
  if (dtype !== "f32" && dtype !== "f64") throw new FrameError(`frame dtype "${dtype}" is unknown`);
  const start = num(h["start"] ?? 0);
  const step = num(h["step"] ?? 0);
  if (!Number.isFinite(start) || !Number.isFinite(step) || step < 0 || (n > 1 && step <= 0))
    throw new FrameError(`frame header: start ${String(h["start"])} and step ${String(h["step"])} make no grid`);
  const cost = record(h["cost"]);
  const fault = record(h["error"]);
  return {
    id: text(h["id"]),
    kind: kind as FrameKind,
    start,
    step,
    n,
    series: heads,
    columns: decodeColumns(view, align8(4 + headerLen), n, dtype, heads),
    truncated: Math.max(0, num(h["truncated"]) || 0),
    warnings: Array.isArray(h["warnings"]) ? h["warnings"].filter((w) => typeof w === "string") : [],
    ...(Array.isArray(h["thresholds"]) ? { marks: h["thresholds"].map(marksOf) } : {}),
    cost: { series: num(cost["series"]) || 0, samples: num(cost["samples"]) || 0, ms: num(cost["ms"]) || 0 },
    error: kind === "error" ? { type: text(fault["type"]), message: text(fault["message"]) } : null,
    overview: kind === "overview" ? (record(h["overview"]) as unknown as OverviewDoc) : null,
  };
}

/** Whether this machine writes numbers as frames do. */
const LITTLE = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

function decodeColumns(view: DataView, from: number, n: number, dtype: "f32" | "f64", heads: SeriesHead[]): Float64Array[] {
  const width = dtype === "f32" ? 4 : 8;
  const stride = align8(n * width);
  // The padding of the last column may be left out.
  const need = heads.length === 0 || n === 0 ? 0 : from + stride * (heads.length - 1) + n * width;
  if (need > view.byteLength) throw new FrameError(`frame ends at ${view.byteLength}, its columns need ${need} bytes`);
  return heads.map((head, k) => {
    const out = new Float64Array(n);
    const at = from + k * stride;
    const place = view.byteOffset + at;
    if (dtype === "f32" && LITTLE && place % 4 === 0) {
      out.set(new Float32Array(view.buffer, place, n));
      if (head.base !== 0) for (let i = 0; i < n; i++) out[i] = (out[i] as number) + head.base;
      return out;
    }
    for (let i = 0; i < n; i++)
      out[i] = dtype === "f32" ? view.getFloat32(at + 4 * i, true) + head.base : view.getFloat64(at + 8 * i, true);
    return out;
  });
}

/** Cuts a stream of `frame_len u32, frame` messages into frames; feed it chunks as they arrive. */
export class FrameSplitter {
  private rest: Uint8Array = new Uint8Array(0);

  push(chunk: Uint8Array): Uint8Array[] {
    const all = new Uint8Array(this.rest.length + chunk.length);
    all.set(this.rest);
    all.set(chunk, this.rest.length);
    const view = new DataView(all.buffer);
    const out: Uint8Array[] = [];
    let at = 0;
    while (at + 4 <= all.length) {
      const len = view.getUint32(at, true);
      if (at + 4 + len > all.length) break;
      out.push(all.slice(at + 4, at + 4 + len));
      at += 4 + len;
    }
    this.rest = all.slice(at);
    return out;
  }

  /** True when the stream ended between two frames. */
  get clean(): boolean {
    return this.rest.length === 0;
  }
}
