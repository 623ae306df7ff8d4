// The cases are those of the server (crates/show/src/report/cron.rs).
import { expect, it } from "vitest";
import { nextTimes } from "./cron";

const next = (text: string, zone: string, after: string, n: number) => nextTimes(text, zone, Date.parse(after), n)?.map((at) => new Date(at).toISOString().replace(".000Z", "Z"));
const FRIDAY = "2026-11-20T07:59:59Z";

it.each([
  ["0 8 * * *", ["2026-11-20T08:00:00Z", "2026-11-21T08:00:00Z"]],
  ["0 8 * * MON", ["2026-11-23T08:00:00Z"]],
  ["*/20 8-9 * * 1-5", ["2026-11-20T08:00:00Z", "2026-11-20T08:20:00Z"]],
  ["30 6 1 * *", ["2026-12-01T06:30:00Z"]],
  ["0 0 29 feb *", ["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"]],
  ["0 0 13 * 5", ["2026-11-27T00:00:00Z"]],
  ["0 0 * * 7", ["2026-11-22T00:00:00Z"]],
  ["@monthly", ["2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"]],
])("%s is due when cron says", (text, wanted) => expect(next(text, "UTC", FRIDAY, wanted.length)).toEqual(wanted));

it("daylight saving neither skips nor repeats", () => {
  expect(next("30 2 * * *", "Europe/Berlin", "2026-03-27T20:00:00Z", 3)).toEqual(["2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"]);
  expect(next("30 2 * * *", "Europe/Berlin", "2026-10-24T20:00:00Z", 2)).toEqual(["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
  expect(next("0 8 * * *", "Asia/Kolkata", FRIDAY, 1)).toEqual(["2026-11-21T02:30:00Z"]);
  expect(next("30 0 * * *", "America/New_York", "2026-11-01T03:00:00Z", 2)).toEqual(["2026-11-01T04:30:00Z", "2026-11-02T05:30:00Z"]);
});

it.each(["", "x", "0 8 * *", "60 8 * * *", "0 8 0 * *", "0 9-8 * * *", "*/0 * * * *", "0 8 * * fun", "0 0 30 feb *", "1-2-3 * * * *", "1/2/3 * * * *"])("%s is no schedule", (text) => expect(nextTimes(text, "UTC", 0, 3)).toBeNull());
