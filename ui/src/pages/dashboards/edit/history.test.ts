import { expect, test } from "vitest";
import { back, begin, change, on, STEPS_MAX } from "./history";

const now = (h: ReturnType<typeof begin<number>>) => h.steps[h.at];

test("steps go back and on again; a new step drops what was taken back", () => {
  let h = change(change(begin(0), 1, "", 0), 2, "", 5_000);
  h = back(h);
  expect(now(h)).toBe(1);
  expect(now(on(h))).toBe(2);
  h = change(h, 3, "", 9_000);
  expect(now(on(h))).toBe(3);
  expect(now(back(back(back(h))))).toBe(0);
});

test("quick changes of one kind are one step", () => {
  let h = change(change(change(begin(0), 1, "move", 0), 2, "move", 500), 3, "move", 900);
  expect(h.steps).toEqual([0, 3]);
  h = change(h, 4, "move", 5_000);
  expect(h.steps).toEqual([0, 3, 4]);
});

test("old steps are forgotten", () => {
  let h = begin(0);
  for (let i = 1; i < 500; i++) h = change(h, i, "", i * 10_000);
  expect(h.steps.length).toBe(STEPS_MAX + 1);
  expect(now(h)).toBe(499);
});
