import { describe, expect, it } from "vitest";
import { rangeOf, rangeSince } from "./range";

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;

describe("the chart of an alert", () => {
  it("that goes on shows how it began, at least a quarter of an hour, at most a week", () => {
    expect([0, 60, 600, 50_000].map((minutes) => rangeSince(NOW - minutes * MINUTE, NOW).from)).toEqual(["now-15m", "now-1h18m", "now-13h", "now-7d"]);
  });
  it("that is over shows some time on both sides, and of a long one the end", () => {
    const span = (minutes: number) => {
      const { from, to } = rangeOf(NOW - minutes * MINUTE, NOW);
      return [(NOW - Number(from)) / MINUTE, (Number(to) - NOW) / MINUTE];
    };
    expect([span(5), span(100), span(50_000)]).toEqual([[10, 5], [130, 30], [10_080, 15_000]]);
  });
});
