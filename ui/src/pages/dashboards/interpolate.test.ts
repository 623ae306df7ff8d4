import { expect, test } from "vitest";
import { addMatchers } from "./interpolate";

test("filters go into every selector, and nowhere else", () => {
  const cases = [
    ["up", 'up{job="x"}'],
    ["up{}", 'up{job="x"}'],
    ['{__name__="up"}', '{job="x",__name__="up"}'],
    ['sum by (instance) (rate(a_total{code=~"5..|{}"}[5m])) / on (instance) group_left (pod) b', 'sum by (instance) (rate(a_total{job="x",code=~"5..|{}"}[5m])) / on (instance) group_left (pod) b{job="x"}'],
    ["sum(a) by (le) > bool 5", 'sum(a{job="x"}) by (le) > bool 5'],
    ["topk(5, a offset 5m) or -Inf", 'topk(5, a{job="x"} offset 5m) or -Inf'],
    ["1e5 * a", '1e5 * a{job="x"}'],
  ] as const;
  for (const [from, want] of cases) expect(addMatchers(from, ['job="x"'])).toBe(want);
  expect(addMatchers("up", [])).toBe("up");
});
