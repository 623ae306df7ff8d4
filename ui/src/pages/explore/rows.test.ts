import { describe, expect, it } from "vitest";
import type { Grid } from "../../api/window";
import { addressOf, drawnOf, rowsOf, selectorOf, shownOf, stepOf } from "./rows";

const grid = (...series: [Record<string, string>, number][]): Grid => ({
  start: 0,
  step: 5000,
  n: 2,
  truncated: 0,
  warnings: [],
  series: series.map(([labels, v]) => ({ key: JSON.stringify(labels), labels, unit: "", values: Float64Array.of(v, v) })),
});
const LINES = { view: "lines", solo: "", hide: [] } as const;

describe("the queries of Explore", () => {
  const rows = rowsOf({ expr: "up", more: ["", "rate(b_bytes_total[1m])"], off: "A" });
  it("have letters, and those that are empty or hidden are not asked", () => {
    expect(rows.map((r) => r.id).join("")).toBe("ABC");
    expect(shownOf(rows).map((r) => r.id)).toEqual(["C"]);
  });
  it("go into the address, and move up when one is removed", () => {
    expect(addressOf(rows)).toEqual({ expr: "up", more: ["", "rate(b_bytes_total[1m])"], off: "A" });
    expect(addressOf([rows[1], rows[0]].flatMap((r) => r ?? []))).toEqual({ expr: "", more: ["up"], off: "B" });
  });
});

describe("the lines", () => {
  const a = { id: "A", expr: "up", off: false };
  const b = { id: "B", expr: "sum(rate(b_bytes_total[1m]))", off: false };
  it("of one query have plain names", () => {
    const d = drawnOf([a], new Map([["A", grid([{ __name__: "up", job: "x" }, 1], [{ __name__: "up", job: "y" }, 0])]]), LINES);
    expect(d.data.lines.map((l) => l.name)).toEqual(["x", "y"]);
    expect(d.keys).toHaveLength(2);
  });
  it("of several say whose they are, and another unit has an axis of its own", () => {
    const d = drawnOf([a, b], new Map([["A", grid([{ __name__: "up", job: "x" }, 1])], ["B", grid([{}, 5e6])]]), LINES);
    expect(d.data.lines.map((l) => l.name)).toEqual(["A up", "B sum(rate(b_bytes_total[1m]))"]);
    expect(d.data.lines.map((l) => Boolean(l.right))).toEqual([false, true]);
    expect([d.unit, d.data.lines[1]?.unit]).toEqual(["short", "bytes/s"]);
  });
  it("of several queries with several series are named by what tells those apart", () => {
    const d = drawnOf([a, b], new Map([["A", grid([{ job: "x", i: "1" }, 1], [{ job: "x", i: "2" }, 1])], ["B", grid([{ dev: "a", job: "x" }, 1], [{ dev: "b", job: "x" }, 1])]]), LINES);
    expect(d.data.lines.map((l) => l.name)).toEqual(["A 1", "A 2", "B a", "B b"]);
  });
  it("of a third unit are left out, and told", () => {
    const c = { id: "C", expr: "1 - a_bytes / b_bytes", off: false };
    const one = () => grid([{}, 1]);
    const d = drawnOf([a, b, c, { ...a, id: "D" }], new Map(["A", "B", "C", "D"].map((id) => [id, one()])), LINES);
    expect(d.left).toEqual(["C"]);
    expect(d.data.lines.map((l) => [l.name[0], l.hidden, Boolean(l.right)])).toEqual([
      ["A", false, false],
      ["B", false, true],
      ["C", true, true],
      ["D", false, false],
    ]);
  });
  it("as bars stand before each other, the smaller ones in front", () => {
    const d = drawnOf([a], new Map([["A", grid([{ i: "1" }, 1], [{ i: "2" }, 5])]]), { ...LINES, view: "bars" });
    expect(d.data.lines.map((l) => [l.name, l.draw])).toEqual([
      ["2", "bars"],
      ["1", "bars"],
    ]);
  });
  it("are all shown when the only one that is wanted is not there", () => {
    const d = drawnOf([a], new Map([["A", grid([{ job: "x" }, 1])]]), { ...LINES, solo: "gone" });
    expect(d.data.lines.map((l) => l.hidden)).toEqual([false]);
  });
});

describe("the step", () => {
  it("is the width's for lines, and coarser for bars", () => {
    expect(stepOf("lines", { from: 0, to: 900_000 }, 900)).toBeUndefined();
    expect(stepOf("bars", { from: 0, to: 900_000 }, 900)).toBe(10_000);
    expect(stepOf("heat", { from: 0, to: 86_400_000 }, 1000)).toBe(435_000);
  });
});

describe("the selector of a query", () => {
  it("is its first metric with its labels", () => {
    expect(selectorOf('sum by (le) (rate(a_bucket{x="}",y=~"b"}[5m])) / b', "a_bucket")).toBe('a_bucket{x="}",y=~"b"}');
    expect(selectorOf("ab + a", "a")).toBe("a");
    expect(selectorOf('count({job="x"})', undefined)).toBe('{job="x"}');
  });
});
