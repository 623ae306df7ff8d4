import { describe, expect, it } from "vitest";
import { niceStep, timeLabels, timeTicks, valueLabels, valueRange, valueTicks } from "./ticks";

describe("value ticks", () => {
  it("are round", () => expect(valueTicks(0, 0.57, 4, "ratio")).toEqual([0, 0.2, 0.4].map((x) => expect.closeTo(x, 9))));
  it("of bytes are round in binary", () => expect(valueTicks(0, 16 * 2 ** 30, 4, "bytes").map((x) => x / 2 ** 30)).toEqual([0, 5, 10, 15]));
  it("of 3 MiB fall on halves", () => expect(niceStep(0.4 * 2 ** 20, "bytes")).toBe(512 * 1024));
  it("of long durations are round in minutes, hours and days", () => expect([40, 400, 4000, 100_000].map((s) => niceStep(s, "seconds"))).toEqual([60, 600, 7200, 172_800]));
  it("are few, inside and rising for any range", () => {
    for (let k = -12; k < 16; k++)
      for (const unit of ["bytes", "short"] as const)
        for (const [a, b] of [[0, 1], [-3, 7], [5, 5.001]] as const) {
          const [lo, hi] = [a * 10 ** k, b * 10 ** k];
          const t = valueTicks(lo, hi, 5, unit);
          expect(t.length).toBeLessThanOrEqual(12);
          for (const [i, x] of t.entries()) expect(i === 0 || x > (t[i - 1] as number)).toBe(true);
        }
  });
  it("are whole where no decimals are wanted", () => {
    expect(valueTicks(0, 1.6, 4, "short", 0)).toEqual([0, 1]);
    expect(valueTicks(0, 8.8, 4, "short", 0)).toEqual([0, 5]);
    expect(valueTicks(0, 0.04, 4, "ratio", 0).map((x) => x * 100)).toEqual([0, 1, 2, 3, 4].map((x) => expect.closeTo(x, 9)));
  });
  it("are called apart, or once", () => {
    expect(valueLabels([10.61, 10.62, 10.63], "ops/s")).toEqual(["10.61/s", "10.62/s", "10.63/s"]);
    expect(valueLabels([0, 5, 10], "short")).toEqual(["0", "5", "10"]);
    expect(valueLabels([1e9, 1e9 + 1, 1e9 + 2], "short", 0)).toEqual(["1 G", "", ""]);
  });
  it("of an empty range are none", () => expect(valueTicks(1, 1, 5, "short")).toEqual([]));
});

describe("the value range", () => {
  it("starts at zero for amounts", () => expect(valueRange(3, 10, "short")[0]).toBe(0));
  it("starts at zero under an area, however narrow the values", () => {
    expect(valueRange(99, 100, "short", true)[0]).toBe(0);
    expect(valueRange(99, 100, "short")[0]).toBeGreaterThan(90);
  });
  it("is never empty", () => {
    for (const v of [0, 5, -5]) {
      const [lo, hi] = valueRange(v, v, "short");
      expect(hi).toBeGreaterThan(lo);
      expect(lo <= v && v <= hi).toBe(true);
    }
  });
  it("of nothing is something", () => expect(valueRange(Number.NaN, Number.NaN, "ratio")).toEqual([0, 1]));
});

describe("time ticks", () => {
  const at = Date.UTC(2026, 10, 21, 10, 7, 13);
  it("stand on round minutes", () => expect(timeTicks(at, at + 900_000, 4, "utc").map((t) => new Date(t).toISOString().slice(11, 16))).toEqual(["10:10", "10:15", "10:20"]));
  it("name the day where it begins", () => {
    const from = Date.UTC(2026, 10, 20, 20);
    expect(timeLabels(timeTicks(from, from + 8 * 36e5, 5, "utc"), "utc")).toEqual(["20:00", "22:00", "21 Nov", "02:00", "04:00"]);
  });
  it("show seconds only when they are needed", () => expect(timeLabels([at, at + 10_000], "utc")).toEqual(["10:07:13", "10:07:23"]));
  it("are bounded and inside for any span", () => {
    for (let span = 1000; span < 5e11; span *= 3) {
      const t = timeTicks(at, at + span, 6, "browser");
      expect(t.length).toBeLessThanOrEqual(50);
      for (const x of t) expect(x >= at && x <= at + span).toBe(true);
    }
  });
});
