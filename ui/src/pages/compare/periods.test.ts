import { describe, expect, it } from "vitest";
import { around, fieldOf, fromField, pairOf, PAIRS, periodIn, sizeOf, textOf, tooYoung } from "./periods";

const NOW = Date.UTC(2026, 10, 21, 12);

describe("periods", () => {
  it.each(PAIRS)("%s: both are as long, the second ends now, and they do not overlap", (name) => {
    const { a, b } = pairOf(name, NOW);
    expect([a.to - a.from, b.to]).toEqual([b.to - b.from, NOW]);
    expect(a.to).toBeLessThanOrEqual(b.from);
  });
  it("around a change: as long before as after", () => {
    expect(around(NOW - 600_000, NOW)).toEqual({ a: { from: NOW - 1_200_000, to: NOW - 600_000 }, b: { from: NOW - 600_000, to: NOW } });
    const long = around(NOW - 86_400_000, NOW);
    expect(long.b.to - long.b.from).toBe(3_600_000);
  });
  it("stand in the address", () => {
    const s = { from: NOW - 60_000, to: NOW };
    expect(periodIn(textOf(s))).toEqual(s);
  });
  it.each([undefined, "", "1~2", "5~4", "a~b", `0~${8 * 86_400_000}`])("%j is none", (text) => expect(periodIn(text)).toBeNull());
  it("wait when a change is younger than a minute", () => {
    const at = NOW - 20_000;
    const b = textOf(around(at, NOW).b);
    expect(periodIn(b)).toBeNull();
    expect(tooYoung(b, String(at))).toEqual({ at, from: at + 60_000 });
    expect(tooYoung(b, "")).toBeNull();
    expect(tooYoung(textOf(around(at, at + 60_000).b), String(at))).toBeNull();
    expect(tooYoung(undefined, undefined)).toBeNull();
  });
  it("are written and read in the zone that is chosen", () => {
    for (const zone of ["browser", "utc", "Asia/Tokyo"]) expect(fromField(fieldOf(NOW, zone), zone)).toBe(NOW);
    expect(fieldOf(Date.UTC(2026, 0, 1, 20), "Asia/Tokyo")).toBe("2026-01-02T05:00");
    expect([fieldOf(Number.NaN, "utc"), fieldOf(1e17, "utc")]).toEqual(["", ""]);
    expect(fromField("", "utc")).toBeNaN();
  });
});

it("effects have the usual sizes", () => expect([1, -0.474, 0.4, -0.2, 0.1].map(sizeOf)).toEqual(["large", "large", "medium", "small", "little"]));
