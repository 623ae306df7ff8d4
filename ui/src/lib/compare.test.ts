import { expect, it } from "vitest";
import { comparisonOf } from "./compare";

it("finds the number that an expression is compared with", () => {
  const cases: [string, string, string, number][] = [
    ["up == 0", "up", "==", 0],
    ['1 - a{x=~"b>c"} / b > 0.9', '1 - a{x=~"b>c"} / b', ">", 0.9],
    ["0.9 < rate(x[5m])", "rate(x[5m])", ">", 0.9],
    ["sum(x > 5) >= 1e3", "sum(x > 5)", ">=", 1000],
    ["(x <= -4)", "x", "<=", -4],
    ["x > bool 3", "x", ">", 3],
    ["x < +Inf", "x", "<", Number.POSITIVE_INFINITY],
    ["x # more > 3\n> 2", "x # more > 3", ">", 2],
  ];
  for (const [expr, left, op, threshold] of cases) expect(comparisonOf(expr), expr).toEqual({ left, op, threshold });
});
it("finds none where there is none, or not at the top", () => {
  for (const expr of ["up", "", "a > b", "a > 1 and b > 2", "sum(x > 5)", "1 > 2", "a > 5 * 3", "(a > 1", 'count({a="b"} > 1)', "(a > 1) + (b > 2)"]) expect(comparisonOf(expr), expr).toBeNull();
});
