import { expect, it } from "vitest";
import { change, changeText, GOLDEN, lastWeek, meanOf } from "./golden";

it("an hour compares with that of last week", () => {
  expect(change(112, 100)).toBeCloseTo(0.12);
  expect([change(0, 0), change(1, 0), change(Number.NaN, 1), change(1, Number.NaN)]).toEqual([0, null, null, null]);
});
it("changes are told in percent, great ones as a factor", () => expect([0.12, -0.5, 10, 500].map(changeText)).toEqual(["+12 %", "−50 %", "×11", "×>100"]));
it("the mean leaves gaps out", () => expect(meanOf({ labels: {}, last: 3, values: Float64Array.of(1, Number.NaN, 3) })).toBe(2));
it("of nothing there is no mean", () => expect(meanOf(undefined)).toBeNaN());
it("last week is an hour of the same query", () => expect(lastWeek(GOLDEN[4] as (typeof GOLDEN)[number])).toBe("avg_over_time((max(1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes))[1h:1m] offset 7d)"));
