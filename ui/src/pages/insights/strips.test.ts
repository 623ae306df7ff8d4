import { expect, it } from "vitest";
import type { AssessmentDoc, Standing } from "../../api/insight";
import { stripsOf } from "./strips";

const MIN = 60_000;
const at = (m: number) => new Date(m * MIN).toISOString();
const one = (name: string, from: number, state: Standing): AssessmentDoc => ({ by: "instance", name, from: at(from), to: at(from + 5), state, basis: "real-time", reasons: [] });

it("an assessment holds until the next, and alike ones are one", () => {
  const [s] = stripsOf([one("a", 60, "bad"), one("a", 0, "normal"), one("a", 30, "normal")], { from: 0, to: 90 * MIN });
  expect(s?.cells.map((c) => [c.from / MIN, c.to / MIN, c.state])).toEqual([[0, 60, "normal"], [60, 90, "bad"]]);
  expect([s?.now, s?.normal]).toEqual(["bad", 60 / 90]);
});
it("a long silence is a gap", () => {
  const [s] = stripsOf([one("a", 0, "normal"), one("a", 300, "normal")], { from: 0, to: 360 * MIN });
  expect(s?.cells.map((c) => [c.from / MIN, c.to / MIN])).toEqual([[0, 5], [300, 360]]);
});
it("the worst come first", () => expect(stripsOf([one("a", 0, "normal"), one("b", 0, "bad"), one("c", 0, "degraded")], { from: 0, to: 9 * MIN }).map((s) => s.name)).toEqual(["b", "c", "a"]));
it("nothing is nothing", () => expect(stripsOf([], { from: 0, to: 1 })).toEqual([]));
