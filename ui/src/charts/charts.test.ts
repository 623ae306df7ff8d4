import { describe, expect, it } from "vitest";
import type { Forecast, Resource } from "../api/types";
import { grounds } from "./grounds";
import { loadLine } from "./loadline";
import { contrast, DARK_GROUND, dash, LIGHT_GROUND, PALETTE } from "./palette";
import { gaps, stack } from "./stack";

const disk = (ratio: number, forecast: Forecast, more: Partial<Resource> = {}): Resource => ({ id: "d", title: "/", unit: "bytes", used: ratio * 100, limit: 100, ratio, warning: 0.8, critical: 0.9, forecast, ...more });
const none: Forecast = { state: "none", text: "no breach in 90 d" };
const days = (p50: number): Forecast => ({ state: "ok", text: "", days: { p50, p10: p50 * 0.8, p90: p50 * 1.3 } });

describe("a load line", () => {
  it.each([[0.5, "ok"], [0.8, "warning"], [0.89, "warning"], [0.9, "critical"], [1.2, "critical"]])("at %d is %s", (ratio, level) => expect(loadLine(disk(ratio, none)).level).toBe(level));
  it("points to where it will be in a week", () => expect(loadLine(disk(0.6, days(14))).arrow).toEqual({ from: 0.6, to: expect.closeTo(0.8, 9) }));
  it("points to the end when it is full before", () => expect(loadLine(disk(0.9, days(2))).arrow?.to).toBeCloseTo(1, 9));
  it("has no arrow when it stands still, is unknown, or would be too short to see", () => {
    expect([none, { state: "learning", text: "", learned_ratio: 0.4 } as Forecast, days(10_000)].map((f) => loadLine(disk(0.5, f)).arrow)).toEqual([null, null, null]);
  });
  it("says how far it has learned", () => expect(loadLine(disk(0.5, { state: "learning", text: "", learned_ratio: 0.4 })).learned).toBe(0.4));
  it("stays inside for any numbers", () => {
    const odd = [Number.NaN, -1, 0, 0.5, 1, 7, Number.POSITIVE_INFINITY];
    for (const ratio of odd)
      for (const warning of odd)
        for (const critical of odd)
          for (const p50 of odd) {
            const s = loadLine(disk(ratio, days(p50), { warning, critical }));
            for (const v of [s.fill, s.warning, s.critical, s.arrow?.from ?? 0, s.arrow?.to ?? 0]) expect(v >= 0 && v <= 1 + 1e-9).toBe(true);
            expect(s.critical).toBeGreaterThanOrEqual(s.warning);
          }
  });
});

describe("the palette", () => {
  it.each(PALETTE)("%s stands out on both grounds", (c) => {
    expect(contrast(c, LIGHT_GROUND)).toBeGreaterThanOrEqual(3);
    expect(contrast(c, DARK_GROUND)).toBeGreaterThanOrEqual(3);
  });
  it("adds dashes above eight series", () => expect([dash(7), dash(8).length, dash(30).length]).toEqual([[], 2, 2]));
});

describe("stacking", () => {
  it("adds up from the bottom", () => expect(stack([[1, 2], [10, 20]])).toEqual([[1, 2], [11, 22]]));
  it("takes one missing value as nothing, all missing as a gap", () => expect(stack([[1, Number.NaN], [Number.NaN, Number.NaN]])).toEqual([[1, null], [1, null]]));
  it("turns what is not a number into a gap", () => expect(gaps([1, Number.NaN, Number.POSITIVE_INFINITY])).toEqual([1, null, null]));
});

it("spans of one colour that touch are one ground, others their own", () => {
  const span = (at: number, to: number | undefined, colour = "red") => ({ at, to, colour, text: "" });
  expect(grounds([span(5, 9), span(1, 3), span(2, 6), span(4, 5, "blue"), span(20, 21), span(0, undefined)])).toEqual([
    { from: 1, to: 9, colour: "red" },
    { from: 4, to: 5, colour: "blue" },
    { from: 20, to: 21, colour: "red" },
  ]);
});
