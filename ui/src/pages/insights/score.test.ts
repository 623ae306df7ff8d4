import { expect, it } from "vitest";
import type { ScoredDoc } from "../../api/insight";
import { gradesOf } from "./score";

const f = (model: string, horizons: ScoredDoc["horizons"]): ScoredDoc => ({ id: model, series: "s", labels: {}, query: "", model, issued: null, horizons });

it("weighs series by their grades", () => {
  const [g] = gradesOf([f("m", [{ seconds: 3600, n: 30, coverage: 1, error: 0.5, open: 1 }]), f("m", [{ seconds: 3600, n: 10, coverage: 0.6, error: 1.5, open: 2 }])]);
  expect(g).toEqual({ model: "m", seconds: 3600, n: 40, waiting: 3, coverage: 0.9, error: 0.75, series: 2 });
});
it("says nothing of what was not graded", () => {
  const [g] = gradesOf([f("m", [{ seconds: 60, n: 0, coverage: null, error: null }])]);
  expect([g?.coverage, g?.error, g?.n]).toEqual([Number.NaN, Number.NaN, 0]);
  expect(gradesOf([f("m", [])])).toEqual([]);
});
