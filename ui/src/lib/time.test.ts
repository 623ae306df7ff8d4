import { describe, expect, it } from "vitest";
import { formatBack, liveWindow, parseDuration, resolveRange, shiftRange, stepFor, zoomRange } from "./time";

const NOW = 1_763_683_200_000;

describe("a range", () => {
  it("of now is resolved", () => expect(resolveRange({ from: "now-1h30m", to: "now" }, NOW)).toEqual({ from: NOW - 5_400_000, to: NOW }));
  it("of milliseconds, seconds and dates is resolved", () => {
    expect(resolveRange({ from: String(NOW), to: String(NOW + 60_000) }, NOW)?.to).toBe(NOW + 60_000);
    expect(resolveRange({ from: String(NOW / 1000), to: String(NOW + 60_000) }, NOW)?.from).toBe(NOW);
    expect(resolveRange({ from: "2025-11-20T00:00:00Z", to: "now" }, NOW)?.from).toBe(Date.UTC(2025, 10, 20));
  });
  it.each([
    ["now", "now-1h"],
    ["now-5s", "now"],
    ["yesterday", "now"],
    ["now-1y2", "now"],
    ["now-20000d", "now"],
  ])("from %s to %s is none", (from, to) => expect(resolveRange({ from, to }, NOW)).toBeNull());
  it("is live only when it ends now", () => {
    expect(liveWindow({ from: "now-15m", to: "now" })).toBe(900_000);
    expect(liveWindow({ from: "now-15m", to: "now-5m" })).toBeNull();
    expect(liveWindow({ from: String(NOW), to: "now" })).toBeNull();
  });
  it("moves back, and forward to live again", () => {
    const back = shiftRange({ from: "now-1h", to: "now" }, -0.5, NOW);
    expect(back).toEqual({ from: String(NOW - 5_400_000), to: String(NOW - 1_800_000) });
    expect(shiftRange(back ?? { from: "", to: "" }, 0.5, NOW)).toEqual({ from: "now-1h", to: "now" });
  });
  it("zooms and stays live", () => {
    expect(zoomRange({ from: "now-1h", to: "now" }, 2, NOW)).toEqual({ from: "now-2h", to: "now" });
    expect(zoomRange({ from: String(NOW - 400_000), to: String(NOW - 200_000) }, 0.5, NOW)).toEqual({ from: String(NOW - 350_000), to: String(NOW - 250_000) });
  });
});

describe("durations", () => {
  it("are read", () => expect([parseDuration("1h30m"), parseDuration("90s"), parseDuration("2w"), parseDuration("5"), parseDuration("m")]).toEqual([5_400_000, 90_000, 1_209_600_000, null, null]));
  it("read back what is written", () => {
    for (const s of [1, 59, 60, 61, 3600, 5400, 86_400, 90_061]) expect(parseDuration(formatBack(s * 1000) ?? "")).toBe(s * 1000);
  });
});

describe("the step", () => {
  it("is the smallest multiple of 5 s that gives at most two elements a pixel", () => {
    expect([stepFor(900_000, 800), stepFor(86_400_000, 800), stepFor(864e5 * 30, 400)]).toEqual([5000, 55_000, 3_240_000]);
  });
});
