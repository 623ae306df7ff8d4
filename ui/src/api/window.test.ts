import { describe, expect, it } from "vitest";
import type { Frame } from "./frame";
import { foldFrame, type Grid, gridOf, resample, statsOf } from "./window";

function frame(kind: "full" | "append", start: number, all: Record<string, number[]>): Frame {
  const names = Object.keys(all);
  return {
    id: "q",
    kind,
    start,
    step: 5,
    n: names[0] ? (all[names[0]]?.length ?? 0) : 0,
    series: names.map((name) => ({ labels: { name }, base: 0, unit: "", stats: null })),
    columns: names.map((name) => Float64Array.from(all[name] ?? [])),
    truncated: 0,
    warnings: [],
    cost: { series: 0, samples: 0, ms: 0 },
    error: null,
    overview: null,
  };
}

const show = (g: Grid) => `${g.start} ${g.series.map((s) => `${s.labels["name"]}=${[...s.values].join(",")}`).join(" ")}`;

describe("a window", () => {
  const full = foldFrame(null, frame("full", 0, { a: [1, 2, 3], b: [4, 5, 6] }), 10);
  it("takes a full frame as it is", () => expect(show(full)).toBe("0 a=1,2,3 b=4,5,6"));
  it("appends at the end and drops at the front", () => expect(show(foldFrame(full, frame("append", 15, { a: [9], b: [8] }), 10))).toBe("5 a=2,3,9 b=5,6,8"));
  it("fills what was missed with gaps", () => expect(show(foldFrame(full, frame("append", 20, { a: [9], b: [8] }), 30))).toBe("0 a=1,2,3,NaN,9 b=4,5,6,NaN,8"));
  it("lets what is sent twice win", () => expect(show(foldFrame(full, frame("append", 10, { a: [7, 9], b: [7, 8] }), 10))).toBe("5 a=2,7,9 b=5,7,8"));
  it("keeps the thresholds of its full frame", () => {
    const marks = [{ metric: "a", warning: 1, critical: null, baseline: null, source: "api" }];
    const marked = foldFrame(null, { ...frame("full", 0, { a: [1, 2] }), marks }, 10);
    expect(foldFrame(marked, frame("append", 10, { a: [3] }), 10).marks).toEqual(marks);
    expect(foldFrame(marked, frame("full", 10, { a: [3] }), 10).marks).toBeUndefined();
  });
  it("is replaced by a full frame", () => expect(show(foldFrame(full, frame("full", 5, { c: [1] }), 10))).toBe("5 c=1"));
  it("is unchanged by an append of nothing", () => expect(foldFrame(full, frame("append", 15, {}), 10)).toBe(full));
  it("is started by an append when there is nothing yet", () => expect(show(foldFrame(null, frame("append", 15, { a: [1] }), 10))).toBe("15 a=1"));
  it("equals the tail of all elements after many appends", () => {
    let g: Grid | null = null;
    for (let i = 0; i < 50; i++) g = foldFrame(g, frame(i === 0 ? "full" : "append", i * 5, { a: [i] }), 35);
    expect(show(g as Grid)).toBe("210 a=42,43,44,45,46,47,48,49");
  });
  it("appends as joining does, however the new elements lie", () => {
    let g = foldFrame(null, frame("full", 0, { a: [1, 2, 3], b: [4, 5, 6] }), 25);
    let joined = g;
    for (const [start, more] of [[15, [7]], [15, [8, 9]], [25, [1, 2, 3]], [40, [4]], [40, [5]], [45, [6, 7, 8, 9, 1]]] as [number, number[]][]) {
      const f = frame("append", start, { a: more, b: more.map((v) => v * 2) });
      g = foldFrame(g, f, 25);
      joined = resample([joined, gridOf(f)], 6);
      expect(show(g)).toBe(show(joined));
    }
  });
  it("joins grids that do not begin or end together", () => {
    expect(show(resample([gridOf(frame("full", 0, { a: [1, 2] })), gridOf(frame("full", 5, { b: [3, 4] }))]))).toBe("0 a=1,2,NaN b=NaN,3,4");
  });
});

describe("statistics", () => {
  it("leave gaps out", () => expect(statsOf([1, Number.NaN, 3, Number.NaN])).toEqual({ min: 1, max: 3, avg: 2, last: 3 }));
  it("of nothing are NaN", () => expect(statsOf([Number.NaN])).toEqual({ min: Number.NaN, max: Number.NaN, avg: Number.NaN, last: Number.NaN }));
});
