import { expect, it } from "vitest";
import type { Plan, PlanNode } from "../../api/types";
import { openRows, PLAN_ROWS_MAX, planOf, readOf, rowsOf, squeeze, whyOf } from "./plan";

/** A node at the first place of its text in the query; `wall` includes what is below it. */
function node(query: string, text: string, wall: number, children: PlanNode[] = [], more: Partial<PlanNode> = {}): PlanNode {
  const bytes = (s: string) => new TextEncoder().encode(s).length;
  const from = bytes(query.slice(0, query.indexOf(text)));
  const below = children.reduce((n, c) => n + c.wall_ms, 0);
  return { kind: "call", name: "f", at: [from, from + bytes(text)], evaluated: 1, wall_ms: wall, own_ms: Math.max(0, wall - below), series: 1, ...(children.length ? { children } : {}), ...more };
}
const read = (series: number, tier = "raw", byTier = 0) => ({ series, samples: series * 10, from_ms: 0, to_ms: 1, tier, series_by_tier: byTier, why: "" });
const plan = (query: string, tree: PlanNode, wall = tree.wall_ms): Plan => ({ query, tree, totals: { steps: 1, series: 1, samples: 1, bytes_peak: 1, wall_ms: wall }, cached_steps: 0, warnings: [], infos: [] });

const Q = 'sum by (é) (rate(x{a="( b"}[5m])) /  # share\n scalar(count(rate(y[5m])))';
const literal = (query: string, text: string) => node(query, text, 0, [], { kind: "literal", name: text });
const left = node(Q, 'sum by (é) (rate(x{a="( b"}[5m]))', 60, [node(Q, 'rate(x{a="( b"}[5m])', 50, [node(Q, 'x{a="( b"}[5m]', 40, [], { kind: "range", read: read(3) })])]);
const right = node(Q, "scalar(count(rate(y[5m])))", 20, [node(Q, "count(rate(y[5m]))", 10, [node(Q, "rate(y[5m])", 0, [], { evaluated: 0, same_as: left.children?.[0]?.at ?? [0, 0] })])]);
const tree = node(Q, Q, 100, [left, right], { kind: "operator", name: "/" });

it("names each part by its own text", () => {
  expect(rowsOf(plan(Q, tree)).rows.map((r) => r.label)).toEqual(["… / …", "sum by (é) (…)", "rate(…)", 'x{a="( b"}[5m]', "scalar(…)", "count(…)", "rate(y[5m])"]);
  const q = "histogram_quantile(0.9, x) + 1";
  const labels = rowsOf(plan(q, node(q, q, 9, [node(q, "histogram_quantile(0.9, x)", 5, [literal(q, "0.9"), node(q, "x)", 1, [], { at: [24, 25] })]), literal(q, "1")]))).rows.map((r) => r.label);
  expect(labels).toEqual(["… + 1", "histogram_quantile(0.9, …)", "x"]);
});
it("squeezes white space and comments, never what is quoted", () => {
  expect(squeeze('sum (\n  x{a="b  # c"} # no "quote\n)')).toBe('sum (x{a="b  # c"})');
  expect(squeeze("`a  b` '( '")).toBe("`a  b` '( '");
});
it("says where a part stands in characters", () => {
  const rows = rowsOf(plan(Q, tree)).rows;
  expect(rows.map((r) => Q.slice(r.from, r.to)).slice(1, 4)).toEqual(['sum by (é) (rate(x{a="( b"}[5m]))', 'rate(x{a="( b"}[5m])', 'x{a="( b"}[5m]']);
});
it("places bars inside their parents', the own part last", () => {
  const rows = rowsOf(plan(Q, tree, 200)).rows;
  expect(rows.map((r) => [r.bar.from, r.bar.own, r.bar.to].map((x) => Math.round(x * 1000) / 1000))).toEqual([
    [0, 0.4, 0.5],
    [0, 0.25, 0.3],
    [0, 0.2, 0.25],
    [0, 0, 0.2],
    [0.3, 0.35, 0.4],
    [0.3, 0.3, 0.35],
    [0.3, 0.3, 0.3],
  ]);
  for (const r of rows) {
    const up = rows[r.parent];
    if (up) expect(r.bar.from >= up.bar.from && r.bar.to <= up.bar.to + 1e-12).toBe(true);
  }
});
it("lets parts that ran at the same time share the width of the whole", () => {
  const q = "a + b";
  const rows = rowsOf(plan(q, node(q, q, 10, [node(q, "a", 8), node(q, "b", 8)]))).rows;
  expect(rows.map((r) => [r.bar.from, r.bar.to])).toEqual([
    [0, 1],
    [0, 0.5],
    [0.5, 1],
  ]);
});
it("takes a long chain of one operator as one part", () => {
  const q = "a + b + (c) + d + 1 - e";
  const chain = node(q, "a + b + (c) + d + 1", 60, [node(q, "a + b + (c) + d", 55, [node(q, "a + b + (c)", 45, [node(q, "a + b", 30, [node(q, "a", 10), node(q, "b", 15)], { kind: "operator", name: "+" }), node(q, "c", 5)], { kind: "operator", name: "+" }), node(q, "d", 4)], { kind: "operator", name: "+" }), literal(q, "1")], { kind: "operator", name: "+" });
  const whole = node(q, q, 100, [chain, node(q, "e", 30)], { kind: "operator", name: "-" });
  const { rows } = rowsOf(plan(q, whole));
  expect(rows.map((r) => r.label)).toEqual(["… - …", "… + … + (…) + … + 1", "a", "b", "c", "d", "e"]);
  expect(rows[1]).toMatchObject({ own: 5 + 6 + 10 + 5, below: 4 });
  // One that another place points to stays a row.
  const again = node(q, "e", 0, [], { same_as: chain.children?.[0]?.children?.[0]?.at ?? [0, 0], evaluated: 0 });
  const shared = rowsOf(plan(q, { ...whole, children: [chain, again] })).rows;
  expect(shared[shared.length - 1]?.sameAs).toBeGreaterThan(0);
  expect(rowsOf(plan("a + b + c", node("a + b + c", "a + b + c", 3, [node("a + b + c", "a + b", 2, [node("a + b + c", "a", 1), node("a + b + c", "b", 1)], { kind: "operator", name: "+" }), node("a + b + c", "c", 1)], { kind: "operator", name: "+" }))).rows).toHaveLength(5);
});
it("knows levels, places among siblings and equal expressions", () => {
  const rows = rowsOf(plan(Q, tree)).rows;
  expect(rows.map((r) => [r.level, r.position, r.size, r.below])).toEqual([
    [1, 1, 1, 6],
    [2, 1, 2, 2],
    [3, 1, 1, 1],
    [4, 1, 1, 0],
    [2, 2, 2, 2],
    [3, 1, 1, 1],
    [4, 1, 1, 0],
  ]);
  expect(rows.map((r) => r.sameAs)).toEqual([-1, -1, -1, -1, -1, -1, 2]);
});
it("marks the slowest part only where one stands out", () => {
  expect(rowsOf(plan(Q, tree))).toMatchObject({ slowest: 3, hot: true, rest: 0 });
  expect(rowsOf(plan(Q, tree, 150))).toMatchObject({ slowest: -1, rest: 50 });
  expect(rowsOf(plan("a", node("a", "a", 5)))).toMatchObject({ slowest: -1, hot: false });
  expect(rowsOf(plan("a", node("a", "a", 0))).rows[0]?.bar).toEqual({ from: 0, own: 0, to: 0 });
});
it("hides what is below a closed row", () => {
  const { rows } = rowsOf(plan(Q, tree));
  expect(openRows(rows, new Set())).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(openRows(rows, new Set([1]))).toEqual([0, 1, 4, 5, 6]);
  expect(openRows(rows, new Set([0, 1]))).toEqual([0]);
});
it("adds up what was read", () => {
  const q = "a + b + c";
  const all = node(q, q, 3, [node(q, "a", 1, [], { read: read(2) }), node(q, "b", 1, [], { read: read(3, "1h", 3) }), node(q, "c", 1, [], { read: read(4, "5m", 1) })]);
  expect(readOf(rowsOf(plan(q, all)).rows)).toEqual({ selectors: 3, series: 9, tiers: ["raw", "1h", "5m"] });
});
it("joins tiers with one reason", () => {
  expect(whyOf("5m: too short; or too close; 1h: too short; or too close")).toEqual([{ tiers: ["5m", "1h"], why: "too short; or too close" }]);
  expect(whyOf("less than two hours are read")).toEqual([{ tiers: [], why: "less than two hours are read" }]);
  expect(whyOf("")).toEqual([]);
});
it("survives an answer without most of its fields, and one that is too large", () => {
  const bare = planOf({ query: "up", tree: { kind: "selector", name: "up", at: [0, 2] } as PlanNode });
  expect(planOf({})).toMatchObject({ query: "", totals: { wall_ms: 0 }, warnings: [], tree: { at: [0, 0] } });
  expect(planOf(plan(Q, tree)).tree).toMatchObject(JSON.parse(JSON.stringify(tree)) as object);
  expect(rowsOf(bare).rows).toMatchObject([{ label: "up", share: 0 }]);
  const odd = plan("up", node("up", "up", 1, [node("up", "up", 1, [], { at: [7, 3] })], { at: [1, 99] }));
  expect(rowsOf(odd).rows).toHaveLength(2);
  const many = plan("a", node("a", "a", 1, Array.from({ length: 700 }, () => node("a", "a", 0))));
  expect(rowsOf(many)).toMatchObject({ more: 701 - PLAN_ROWS_MAX });
  let deep = node("a", "a", 1);
  for (let i = 0; i < 900; i++) deep = node("a", "a", 1, [deep]);
  expect(rowsOf(plan("a", deep)).more).toBe(901 - PLAN_ROWS_MAX);
});
