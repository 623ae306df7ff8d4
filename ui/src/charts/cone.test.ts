import { describe, expect, it } from "vitest";
import { withCourses } from "./cone";
import type { PlotData } from "./plot";

const data: PlotData = {
  start: 0,
  step: 10,
  n: 3,
  lines: [
    { name: "a", colour: "#123456", dash: [], values: [1, 2, 3], hidden: false },
    { name: "limit", colour: "#7f8b93", dash: [], values: [9, 9, 9], hidden: false, reference: true },
  ],
};
const course = { line: 0, times: [40, 60], mean: [5, 7], lower: [4, 4], upper: [6, 10] };

describe("a forecast on a chart", () => {
  it("goes on from the newest value, on the grid of the chart", () => {
    const all = withCourses(data, [course]);
    expect(all.n).toBe(7);
    const [a, limit, mean, lower, upper] = all.lines.map((l) => Array.from(l.values));
    expect(a?.slice(0, 3)).toEqual([1, 2, 3]);
    expect(a?.slice(3).every(Number.isNaN)).toBe(true);
    expect(limit).toEqual([9, 9, 9, 9, 9, 9, 9]);
    expect(mean).toEqual([Number.NaN, Number.NaN, 3, 4, 5, 6, 7]);
    expect(lower?.slice(2)).toEqual([3, 3.5, 4, 4, 4]);
    expect(upper?.slice(2)).toEqual([3, 4.5, 6, 8, 10]);
    expect(all.cones).toEqual([{ upper: 4, lower: 3, colour: "#123456" }]);
  });
  it("is left out where there is nothing to go on from", () => {
    expect(withCourses(data, [])).toBe(data);
    const gap = { ...data, lines: [{ ...(data.lines[0] as PlotData["lines"][0]), values: [Number.NaN, Number.NaN, Number.NaN] }] };
    expect(withCourses(gap, [course]).lines.length).toBe(1);
    expect(withCourses(data, [{ ...course, times: [], mean: [], lower: [], upper: [] }])).toBe(data);
    expect(withCourses(data, [{ ...course, line: 7 }]).lines.length).toBe(2);
  });
  it("of a hidden line is hidden", () => {
    const hidden = { ...data, lines: data.lines.map((l) => ({ ...l, hidden: true })) };
    const all = withCourses(hidden, [course]);
    expect(all.lines.every((l) => l.hidden)).toBe(true);
    expect(all.cones).toEqual([]);
  });
});
