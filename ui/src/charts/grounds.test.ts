import { expect, test } from "vitest";
import { gathered } from "./grounds";

const mark = (at: number, text: string, more: object = {}) => ({ at, colour: "#e05252", text, ...more });

const many = Array.from({ length: 20 }, (_, i) => mark(1000 + i, "m", { to: 1050 }));
const gatheredMany = mark(1000, "m and 19 more", { to: 1050 });

test("of many, those that stand near each other are one that says how many, and lasts as long as the longest", () => {
  const all = [mark(300, "c", { to: 310 }), mark(0, "a", { to: 50 }), mark(90, "b", { to: 700 }), mark(20, "x", { colour: "#000000" })];
  const [a, b, c, x] = [mark(0, "a and 1 more", { to: 700 }), mark(300, "c", { to: 310 }), gatheredMany, mark(20, "x", { colour: "#000000" })];
  expect(gathered([...all, ...many], 100)).toEqual([a, x, b, c]);
});

test("few stand where they happened, and one that has not ended is not ended by another", () => {
  const few = [mark(0, "a"), mark(1, "b", { to: 5 })];
  expect(gathered(few, 100)).toEqual(few);
  expect(gathered([...few, ...many], 100)[0]).toEqual(mark(0, "a and 1 more"));
});

test("a storm leaves as many marks as can be told apart, and marks that are apart stay as they are", () => {
  const storm = Array.from({ length: 1000 }, (_, i) => mark(i, "s"));
  expect(gathered(storm, 50)).toHaveLength(20);
  const few = [mark(0, "a"), mark(100, "b")];
  expect(gathered(few, 100)).toEqual(few);
});
