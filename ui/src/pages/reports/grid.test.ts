import { expect, it } from "vitest";
import { gridOf, STEPS_MAX } from "./grid";

const series = (points: [number, number | null][]) => ({ name: "", last: null, points });

it("series of one step are on one grid, and what is missing is a gap", () => {
  const grid = gridOf([series([[1000, 1], [1005, 2], [1020, 5]]), series([[1010, 7], [1015, null]])]);
  expect(grid).toMatchObject({ start: 1000, step: 5, n: 5 });
  expect([...(grid?.columns[0] ?? [])]).toEqual([1, 2, Number.NaN, Number.NaN, 5]);
  expect([...(grid?.columns[1] ?? [])]).toEqual([Number.NaN, Number.NaN, 7, Number.NaN, Number.NaN]);
});

it("what is of one moment is no course", () => {
  expect(gridOf([series([[0, 1]]), series([[0, 2]])])).toBeNull();
  expect(gridOf([series([])])).toBeNull();
});

it("a grid has an end", () => {
  expect(gridOf([series([[0, 1], [1, 2], [1e12, 3]])])?.n).toBe(STEPS_MAX + 1);
});
