import { describe, expect, it } from "vitest";
import { type Picture, still } from "./still";

const picture = (start: number, values: number[], to = start + values.length * 5): Picture => ({
  data: { start, step: 5, n: values.length, lines: [{ name: "a", colour: "#000000", dash: [], hidden: false, values: Float64Array.from(values) }] },
  range: [to - 100, to],
});
const gap = Number.NaN;

describe("a live picture stands still", () => {
  const drawn = picture(0, [1, gap, 3]);
  it("while time goes on by less than a pixel", () => {
    expect(still(drawn, picture(5, [gap, 3, 4]), 10)).toBe(true);
    expect(still(drawn, picture(5, [gap, 3, 4]), 5)).toBe(false);
  });
  it("only while what was drawn is as it was", () => {
    expect(still(drawn, picture(0, [1, gap, 3]), 10)).toBe(true);
    expect(still(drawn, picture(0, [1, 2, 3]), 10)).toBe(false);
    expect(still(drawn, picture(5, [gap, 9, 4]), 10)).toBe(false);
  });
  it("not when the range is another, or goes back", () => {
    expect(still(drawn, { ...picture(5, [gap, 3, 4]), range: [-200, 20] }, 10)).toBe(false);
    expect(still(drawn, picture(0, [1, gap, 3], 10), 10)).toBe(false);
  });
  it("not when something else is marked", () => {
    const next = picture(5, [gap, 3, 4]);
    next.data.happenings = [{ at: 7, colour: "#000000", text: "deployed" }];
    expect(still(drawn, next, 10)).toBe(false);
  });
});
