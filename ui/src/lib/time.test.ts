import { describe, expect, it } from "vitest";
import { formatBack, liveWindow, parseDuration, resolveRange, shiftRange, stepFor, zoomRange } from "./time";

const NOW = 1_763_683_200_000;

describe("a range", () => {
  it("of now is resolved", () => expect(resolveRange({ from: "now-1h30m", to: "now" }, NOW)).toEqual({ from: NOW - 5_400_000, to: NOW }));
  it("of milliseconds, seconds and dates is resolved", () => {
    expect(resolveRange({ from: String(NOW), to: String(NOW + 60_000) }, NOW)?.to).toBe(NOW + 60_000);
    expect(resolveRange({ from: String(NOW / 1000), to: String(NOW + 60_000) }, NOW)?.from).toBe(NOW);
    expect(resolveRange({ from: "2025-11-20T00:00:00Z", to: "now" }, NOW)?.from).toBe(Date.UTC(2025, 10, 20));
    // What says no zone is read as clocks of the page show it.
    expect(resolveRange({ from: "2025-11-20 05:00", to: "now" }, NOW, "Asia/Tokyo")?.from).toBe(Date.UTC(2025, 10, 19, 20));
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

describe("the calendar", () => {
  const at = (text: string) => Date.parse(text);
  const days = (from: string, to: string, now: string, zone: string) => {
    const s = resolveRange({ from, to }, at(now), zone);
    return s && [new Date(s.from).toISOString(), new Date(s.to).toISOString()];
  };
  it.each([
    ["now/d", "now", "utc", ["2026-11-22T00:00:00.000Z", "2026-11-22T02:42:00.000Z"]],
    ["now-1d/d", "now-1d/d", "utc", ["2026-11-21T00:00:00.000Z", "2026-11-22T00:00:00.000Z"]],
    ["now-1w/w", "now-1w/w", "utc", ["2026-11-09T00:00:00.000Z", "2026-11-16T00:00:00.000Z"]],
    ["now-1M/M", "now-1M/M", "utc", ["2026-10-01T00:00:00.000Z", "2026-11-01T00:00:00.000Z"]],
    ["now-1y/y", "now-1y/y", "utc", ["2025-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z"]],
    // In Denver it is still Saturday; October began in summer time and ended in it, too.
    ["now-1d/d", "now-1d/d", "America/Denver", ["2026-11-20T07:00:00.000Z", "2026-11-21T07:00:00.000Z"]],
    ["now-1M/M", "now-1M/M", "America/Denver", ["2026-10-01T06:00:00.000Z", "2026-11-01T06:00:00.000Z"]],
  ])("%s to %s in %s", (from, to, zone, expected) => expect(days(from, to, "2026-11-22T02:42:00Z", zone)).toEqual(expected));
  it("has no 31 February: a month before the last of March is February", () =>
    expect(days("now-1M/M", "now-1M/M", "2026-03-31T12:00:00Z", "utc")).toEqual(["2026-02-01T00:00:00.000Z", "2026-03-01T00:00:00.000Z"]));
  it("has a day of 25 hours", () => expect(days("now-1d/d", "now-1d/d", "2026-10-26T12:00:00Z", "Europe/Berlin")).toEqual(["2026-10-24T22:00:00.000Z", "2026-10-25T23:00:00.000Z"]));
  it("shows today in its first second", () => expect(days("now/d", "now", "2026-11-22T00:00:00.500Z", "utc")).toEqual(["2026-11-22T00:00:00.000Z", "2026-11-22T00:00:10.000Z"]));
  it("knows no mixtures, and is not live", () => {
    expect([days("now-1d/w", "now", "2026-11-22T02:42:00Z", "utc"), days("now/h", "now", "2026-11-22T02:42:00Z", "utc")]).toEqual([null, null]);
    expect(liveWindow({ from: "now/d", to: "now" })).toBeNull();
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
