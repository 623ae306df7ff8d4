import { describe, expect, it } from "vitest";
import type { BandDoc } from "../api/insight";
import { alarmsOf, bandPlot, withBands } from "./band";

const band = (score: (number | null)[]): BandDoc => ({
  labels: {},
  times: score.map((_, i) => i * 60),
  value: score.map(() => 1),
  expected: score.map(() => 1),
  lower: score.map(() => 0),
  upper: score.map(() => 2),
  score,
});

describe("a band", () => {
  it("shades what is an alarm, joined while it lasts", () => expect(alarmsOf(band([0, 0.6, 0.9, 0.2, null, 0, 0.5]))).toEqual([{ from: 0, to: 120 }, { from: 300, to: 360 }]));
  it("shades nothing of an empty one", () => expect(alarmsOf(band([]))).toEqual([]));
  it("is a chart of the value between two edges", () => {
    const p = bandPlot(band([0, 0.7, null]), "#123456");
    expect([p.n, p.step, p.lines.length, p.cones]).toEqual([3, 60, 4, [{ upper: 3, lower: 2, colour: "#123456" }]]);
  });
  it("lies under a line of another grid", () => {
    const data = { start: 0, step: 30, n: 6, lines: [{ name: "a", colour: "#000000", dash: [], values: [1, 1, 1, 1, 1, 1], hidden: false }] };
    const all = withBands(data, [{ line: 0, band: band([0, 0, 0]) }]);
    expect(all.lines.map((l) => l.values.length)).toEqual([6, 6, 6]);
    expect([...Array.from(all.lines[2]?.values ?? [])]).toEqual([2, 2, 2, 2, 2, 2]);
    expect(withBands(data, [{ line: 3, band: band([0]) }]).lines.length).toBe(1);
    expect(withBands(data, [])).toBe(data);
  });
});
