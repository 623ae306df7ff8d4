import { describe, expect, it } from "vitest";
import { MARK_COLOURS, markLines } from "./marks";
import { contrast, DARK_GROUND, LIGHT_GROUND } from "./palette";

const marks = (metric: string, source: string) => ({ metric, warning: 0.8, critical: 0.9, baseline: null, source });

describe("thresholds on a chart", () => {
  it("are reference lines, the worst first, and say when nobody set them", () => {
    const lines = markLines([marks("m", "default")], 2);
    expect(lines.map((l) => [l.name, [...Array.from(l.values)], l.reference])).toEqual([
      ["critical (default)", [0.9, 0.9], true],
      ["warning (default)", [0.8, 0.8], true],
    ]);
    expect(markLines([marks("m", "api")], 1, ["warning"]).map((l) => [l.name, l.hidden])).toEqual([
      ["critical", false],
      ["warning", true],
    ]);
  });
  it("name their metric when there are several, and are few", () => {
    const all = ["a", "b", "c", "d"].map((m) => marks(m, "api"));
    expect(markLines(all, 1).map((l) => l.name)).toEqual(["a", "b", "c"].flatMap((m) => [`${m} critical`, `${m} warning`]));
    expect(markLines(undefined, 3)).toEqual([]);
    expect(markLines(all, 0)).toEqual([]);
  });
  it("are seen on both backgrounds", () => {
    for (const c of Object.values(MARK_COLOURS)) for (const ground of [LIGHT_GROUND, DARK_GROUND]) expect(contrast(c, ground)).toBeGreaterThanOrEqual(3);
  });
});
