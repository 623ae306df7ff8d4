import { describe, expect, it } from "vitest";
import { bucketsOf, type NativeSeries, ROWS_MAX } from "./native";

const one = (seconds: number, ...buckets: [string, string, string][]): NativeSeries => ({ histograms: [[seconds, { buckets: buckets.map(([a, b, n]) => [0, a, b, n]) }]] });

describe("native histograms as buckets", () => {
  it("are counted up to each bound, series added, gaps kept", () => {
    const g = bucketsOf([one(10, ["1", "2", "3"], ["2", "4", "1"]), one(10, ["1", "2", "2"]), one(30, ["4", "+Inf", "7"])], 10_000, 30_000, 10_000);
    expect(g.series.map((s) => [s.labels["le"], [...s.values]])).toEqual([
      ["2", [5, Number.NaN, 0]],
      ["4", [6, Number.NaN, 0]],
      ["+Inf", [6, Number.NaN, 7]],
    ]);
  });
  it("of many bounds are put together, and nothing is lost", () => {
    const g = bucketsOf([one(0, ...Array.from({ length: 500 }, (_, i): [string, string, string] => [String(i), String(i + 1), "1"]))], 0, 0, 1000);
    expect(g.series.length).toBeLessThanOrEqual(ROWS_MAX);
    expect([g.series.at(-1)?.labels["le"], g.series.at(-1)?.values[0]]).toEqual(["500", 500]);
  });
});
