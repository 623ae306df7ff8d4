import { expect, test } from "vitest";
import fixture from "../../../../fixtures/dashboards/interpolate.json";
import { addMatchers, builtIn, interpolate, narrowed, type Target, type Values } from "./interpolate";

test("texts are filled in as the fixture says, which the server is held to as well", () => {
  const { from, to, step, scrape, dashboard } = fixture.builtins;
  const values: Values = { ...builtIn({ from, to, step_ms: step, scrape_ms: scrape, dashboard }), ...(fixture.variables as Values) };
  expect(fixture.cases.length).toBeGreaterThan(40);
  for (const { target, text, want } of fixture.cases) expect(interpolate(text, values, target as Target), text).toBe(want);
});

test("an interval is never shorter than what a rate can be told from", () => {
  const values = (step_ms: number, least_ms?: number) => builtIn({ from: 0, to: 60_000, step_ms, least_ms: least_ms ?? null, scrape_ms: 5_000, dashboard: "" });
  expect(interpolate("$__interval", values(5_000, 5_000), "expr")).toBe("5s");
  expect(interpolate("$__rate_interval", values(60_000, 60_000), "expr")).toBe("4m");
  expect(interpolate("$__interval $__interval_ms $__rate_interval", values(5_000), "expr")).toBe("15s 15000 20s");
  expect(interpolate("$__interval $__interval_ms $__rate_interval", values(60_000), "expr")).toBe("1m 60000 1m5s");
});

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

test("one series of an expression with one selector", () => {
  expect(narrowed('sum by (mode) (rate(cpu{job="a"}[1m]))', { mode: 'i"dle' })).toBe('sum by (mode) (rate(cpu{mode="i\\"dle",job="a"}[1m]))');
  expect(narrowed("node_load1", { __name__: "node_load1", instance: "a:1" })).toBe('node_load1{instance="a:1"}');
  expect(narrowed("a / b", { instance: "a:1" })).toBeNull();
  expect(narrowed("sum(a)", {})).toBeNull();
  expect(narrowed('label_replace(a, "x", "$1", "y", "(.*)")', { x: "1" })).toBeNull();
});
