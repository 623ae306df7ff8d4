import { describe, expect, it } from "vitest";
import { fromWall, readZone, wallText, zoneOffset, zones } from "./zone";

const H = 3_600_000;
const SUMMER = Date.UTC(2026, 6, 1, 12);
const WINTER = Date.UTC(2026, 0, 1, 12);

describe("named zones", () => {
  it("know their daylight saving", () => expect([SUMMER, WINTER].map((at) => zoneOffset(at, "Europe/Berlin") / H)).toEqual([2, 1]));
  it("may lie half an hour off", () => expect(zoneOffset(SUMMER, "Asia/Kolkata") / H).toBe(5.5));
  it("that nobody knows are the browser's", () => expect(["No/Where", "", null, "x".repeat(99), "utc", "Asia/Tokyo"].map(readZone)).toEqual(["browser", "browser", "browser", "browser", "utc", "Asia/Tokyo"]));
});

describe("the clock on the wall", () => {
  it("is read and written", () => {
    expect(wallText(SUMMER, "America/New_York")).toBe("2026-07-01 08:00:00");
    expect(fromWall("2026-07-01 08:00", "America/New_York")).toBe(SUMMER);
    expect(fromWall("2026-07-01", "utc")).toBe(SUMMER - 12 * H);
  });
  it("goes there and back in every zone, on both sides of a change", () => {
    for (const zone of zones().filter((_, i) => i % 20 === 0)) for (const at of [SUMMER, WINTER]) expect(fromWall(wallText(at, zone), zone)).toBe(at);
  });
  it("is no instant where the text is none", () => expect(["now-1h", "", "yesterday", "2026-99-99 10:00", "2026-07-01T10:00:00Z"].map((s) => fromWall(s, "utc"))).toEqual([null, null, null, null, null]));
});
