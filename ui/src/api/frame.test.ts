import { describe, expect, it } from "vitest";
import { decodeFrame, type Frame, FrameError, FrameSplitter } from "./frame";

/** A frame by hand: header, padding to 8, columns each padded to 8. */
function build(header: Record<string, unknown>, columns: number[][] = [], dtype: "f32" | "f64" = "f32", bases: number[] = []): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(header));
  const n = columns[0]?.length ?? 0;
  const width = dtype === "f32" ? 4 : 8;
  const stride = Math.ceil((n * width) / 8) * 8;
  const from = Math.ceil((4 + json.length) / 8) * 8;
  const out = new Uint8Array(from + stride * columns.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, json.length, true);
  out.set(json, 4);
  columns.forEach((c, k) => {
    c.forEach((v, i) => {
      if (dtype === "f32") view.setFloat32(from + k * stride + 4 * i, v - (bases[k] ?? 0), true);
      else view.setFloat64(from + k * stride + 8 * i, v, true);
    });
  });
  return out;
}

const head = (more: Record<string, unknown>) => ({ id: "q", kind: "full", start: 1000, step: 5000, dtype: "f32", series: [], warnings: [], truncated: 0, error: null, ...more });
const series = (count: number, base = 0) => Array.from({ length: count }, (_, i) => ({ labels: { i: String(i) }, base, unit: "", stats: { min: 1, max: 2, avg: 1.5, last: 2 } }));

/** Deterministic pseudo-random numbers. */
function chance(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 2 ** 32;
  };
}

describe("a frame", () => {
  it("of golden bytes decodes", () => {
    const json = '{"id":"a","kind":"full","start":0,"step":5000,"n":3,"dtype":"f32","series":[{"labels":{"x":"1"},"base":100}]}';
    const text = [...json].map((c) => c.charCodeAt(0));
    const pad = (8 - ((4 + text.length) % 8)) % 8;
    const bytes = new Uint8Array([text.length, 0, 0, 0, ...text, ...Array(pad).fill(0), 0, 0, 0x80, 0x3f, 0, 0, 0xc0, 0x7f, 0, 0, 0, 0xbf, 0, 0, 0, 0]);
    const f = decodeFrame(bytes);
    expect([f.id, f.kind, f.n, f.step]).toEqual(["a", "full", 3, 5000]);
    expect([...(f.columns[0] ?? [])]).toEqual([101, Number.NaN, 99.5]);
  });

  it("keeps every column apart when n is odd", () => {
    const f = decodeFrame(build(head({ n: 3, series: series(2, 10) }), [[11, 12, 13], [21, 22, 23]], "f32", [10, 10]));
    expect(f.columns.map((c) => [...c])).toEqual([[11, 12, 13], [21, 22, 23]]);
  });

  it("of f64 holds values, at an odd place in a larger buffer too", () => {
    const bytes = build(head({ n: 2, dtype: "f64", series: series(1) }), [[1e15 + 1, -0.1]], "f64");
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    expect([...(decodeFrame(shifted.subarray(3)).columns[0] ?? [])]).toEqual([1e15 + 1, -0.1]);
  });

  it("keeps a large counter exact to its spread with a base", () => {
    const base = 123_456_789_012;
    const f = decodeFrame(build(head({ n: 2, series: series(1, base) }), [[base + 1, base + 2]], "f32", [base]));
    expect([...(f.columns[0] ?? [])]).toEqual([base + 1, base + 2]);
  });

  it("may leave out the padding after its last column", () => {
    const bytes = build(head({ n: 1, series: series(1) }), [[7]]);
    expect(decodeFrame(bytes.subarray(0, bytes.length - 4)).columns[0]?.[0]).toBe(7);
  });

  it("of an error carries its sentence", () => {
    const f = decodeFrame(build(head({ kind: "error", n: 0, error: { type: "bad_data", message: "1:5: parse error: x" } })));
    expect(f.error).toEqual({ type: "bad_data", message: "1:5: parse error: x" });
  });

  it("of the overview carries the document", () => {
    expect(decodeFrame(build(head({ kind: "overview", n: 0, step: 0, overview: { hostname: "web-1" } }))).overview?.hostname).toBe("web-1");
  });

  it("with a gap of null stats decodes", () => {
    const s = [{ labels: {}, base: 0, unit: "", stats: { min: null, max: null, avg: null, last: null } }];
    expect(decodeFrame(build(head({ n: 1, series: s }), [[Number.NaN]])).columns[0]?.[0]).toBeNaN();
  });

  it.each([
    ["no bytes", new Uint8Array(0)],
    ["a header longer than the frame", new Uint8Array([255, 0, 0, 0, 1])],
    ["a header that is no JSON", new Uint8Array([2, 0, 0, 0, 123, 44, 0, 0])],
    ["an unknown kind", build(head({ kind: "half", n: 0 }))],
    ["an unknown dtype", build(head({ dtype: "i8", n: 0 }))],
    ["no step", build(head({ n: 2, step: 0, series: series(1) }), [[1, 2]])],
    ["too many elements", build(head({ n: 11_001, series: [] }))],
    ["columns that are cut", build(head({ n: 4, series: series(1) }), [[1, 2, 3, 4]]).slice(0, -5)],
  ])("with %s is refused", (_, bytes) => {
    expect(() => decodeFrame(bytes)).toThrow(FrameError);
  });

  it("survives any bytes: a value or a FrameError", () => {
    const good = build(head({ n: 3, series: series(2, 1) }), [[1, 2, 3], [4, 5, 6]], "f32", [1, 1]);
    const next = chance(7);
    for (let round = 0; round < 4000; round++) {
      const bytes = good.slice(0, next() < 0.3 ? Math.floor(next() * good.length) : good.length);
      for (let k = 0; k < 1 + next() * 4 && bytes.length > 0; k++) bytes[Math.floor(next() * bytes.length)] = Math.floor(next() * 256);
      try {
        decodeFrame(bytes);
      } catch (e) {
        expect(e).toBeInstanceOf(FrameError);
      }
    }
  });

  it("of random shape comes back as it was written", () => {
    const next = chance(42);
    for (let round = 0; round < 200; round++) {
      const n = Math.floor(next() * 9);
      const k = n === 0 ? 0 : Math.floor(next() * 5);
      const dtype = next() < 0.5 ? "f32" : "f64";
      const base = dtype === "f32" ? Math.floor(next() * 1000) : 0;
      const columns = Array.from({ length: k }, () => Array.from({ length: n }, () => (next() < 0.1 ? Number.NaN : base + Math.floor(next() * 4096) / 16)));
      const f: Frame = decodeFrame(build(head({ n, dtype, series: series(k, base) }), columns, dtype, columns.map(() => base)));
      expect(f.columns.map((c) => [...c])).toEqual(columns);
    }
  });
});

describe("a stream of frames", () => {
  it("is cut rightly whatever the chunks", () => {
    const frames = [build(head({ id: "a", n: 0 })), build(head({ id: "b", n: 1, series: series(1) }), [[1]]), build(head({ id: "c", n: 0 }))];
    const stream = new Uint8Array(frames.flatMap((f) => [f.length & 255, f.length >> 8, 0, 0, ...f]));
    const next = chance(3);
    for (let round = 0; round < 100; round++) {
      const s = new FrameSplitter();
      const ids: string[] = [];
      for (let at = 0; at < stream.length; ) {
        const len = 1 + Math.floor(next() * 90);
        for (const f of s.push(stream.subarray(at, at + len))) ids.push(decodeFrame(f).id);
        at += len;
      }
      expect(ids).toEqual(["a", "b", "c"]);
      expect(s.clean).toBe(true);
    }
  });

  it("that ends inside a frame is not clean", () => {
    const s = new FrameSplitter();
    expect(s.push(new Uint8Array([9, 0, 0, 0, 1]))).toEqual([]);
    expect(s.clean).toBe(false);
  });
});
