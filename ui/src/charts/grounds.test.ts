import { expect, test } from "vitest";
import { gathered } from "./grounds";

const mark = (at: number, text: string, more: object = {}) => ({ at, colour: "#e05252", text, ...more });

test("marks that stand near each other are one that says how many, and lasts as long as the longest", () => {
  const all = [mark(300, "c"), mark(0, "a", { to: 50 }), mark(90, "b", { to: 700 }), mark(20, "x", { colour: "#000000" })];
  expect(gathered(all, 100)).toEqual([mark(0, "a and 1 more", { to: 700 }), mark(20, "x", { colour: "#000000" }), mark(300, "c")]);
});

test("a storm leaves as many marks as can be told apart, and marks that are apart stay as they are", () => {
  const storm = Array.from({ length: 1000 }, (_, i) => mark(i, "s"));
  expect(gathered(storm, 50)).toHaveLength(20);
  const few = [mark(0, "a"), mark(100, "b")];
  expect(gathered(few, 100)).toEqual(few);
});
