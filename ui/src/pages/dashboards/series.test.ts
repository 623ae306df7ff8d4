import { expect, test } from "vitest";
import fixture from "../../../../fixtures/dashboards/panels.json";
import type { Panel } from "../../api/dashboards";
import type { Grid } from "../../api/window";
import { aggregation, fillLegend, hexOf, itemsOf, judge, mapped, reduced, toldOf } from "./series";
import { csvOf, lookOf, tableOf } from "./table";

const panel = (more: Partial<Panel> = {}): Panel => ({ id: 1, kind: "table", title: "T", at: { x: 0, y: 0, w: 12, h: 8 }, ...more });
const grid = (series: [Record<string, string>, number[]][]): Grid => ({ start: 0, step: 1000, n: series[0]?.[1].length ?? 0, truncated: 0, warnings: [], series: series.map(([labels, v]) => ({ key: JSON.stringify(labels), labels, unit: "", values: Float64Array.from(v) })) });
const query = (ref: string, expr = "x", legend = "") => ({ ref, expr, legend });

test("series have the names that legends and exceptions give them", () => {
  const q = [query("A", "x", "{{host}} of {{none}}")];
  const all = itemsOf(panel({ queries: q, overrides: [{ match: { by: "regex", value: "/^a/" }, set: { title: "first", unit: "bytes", colour: "red", negative: true } }] }), q, new Map([["A", grid([[{ host: "a" }, [1, 2]], [{ host: "b" }, [3, 4]]])]]));
  expect(all.items.map((i) => [i.name, i.unit, [...i.values]])).toEqual([["first", "bytes", [-1, -2]], ["b of ", "short", [3, 4]]]);
  const bare = [query("A", "sum(x)", "{{input}}"), query("B", "sum(y)", "{{input}}")];
  const answers = (labels: Record<string, string>) => new Map(bare.map((x) => [x.ref, grid([[labels, [1]]])]));
  expect(itemsOf(panel(), bare, answers({})).items.map((i) => i.name)).toEqual(["sum(x)", "sum(y)"]);
  expect(fillLegend("{{ a.b }}-{{c}}", { "a.b": "1", c: "2" })).toBe("1-2");
});

test("many numbers become one, gaps left out", () => {
  const v = [Number.NaN, 4, 2, Number.NaN, 8, Number.NaN];
  expect((["last", "first", "mean", "min", "max", "sum", "count", "range"] as const).map((h) => reduced(v, h))).toEqual([8, 4, 14 / 3, 2, 8, 14, 3, 6]);
  expect(reduced([Number.NaN], "mean")).toBeNaN();
  expect(reduced([], "count")).toBe(0);
});

test("the highest threshold below a value judges it", () => {
  const steps = [{ at: null, severity: "ok" as const }, { at: 80, severity: "warning" as const }, { at: 90, colour: "#ABC" }];
  expect([10, 80, 85, 90, Number.NaN].map((v) => judge(v, steps)?.level)).toEqual(["ok", "warning", "warning", null, undefined]);
  expect(judge(95, steps)?.colour).toBe("#aabbcc");
  expect(judge(45, steps, "percent", { min: 0, max: 50 })?.colour).toBe("#aabbcc");
  expect(hexOf("rgba(1, 255, 16, 0.3)")).toBe("#01ff10");
});

test("what shares an axis has one unit", () => {
  const q = [query("A", "rate(cpu_seconds_total[5m])"), query("B", "cpu_limit")];
  const units = (more: Partial<Panel>) => itemsOf(panel({ queries: q, ...more }), q, new Map(q.map((x) => [x.ref, grid([[{}, [1]]])]))).items.map((i) => i.unit);
  expect(units({ kind: "timeseries" })).toEqual(["short", "short"]);
  expect(units({ kind: "timeseries", overrides: [{ match: { by: "query", value: "A" }, set: { axis: "right" } }] })).toEqual(["ratio", "short"]);
  expect(units({ kind: "stat" })).toEqual(["ratio", "short"]);
});

test("words stand for values, ranges, patterns and what is missing", () => {
  const m = [{ kind: "value" as const, value: "1", text: "up" }, { kind: "range" as const, from: 2, to: 3, text: "some" }, { kind: "special" as const, value: "null", text: "gone" }, { kind: "regex" as const, value: "^9", text: "nine" }];
  expect([1, 2.5, Number.NaN, 97, 5].map((v) => mapped(v, String(v), m)?.text)).toEqual(["up", "some", "gone", "nine", undefined]);
});

test("a number tells its series, text and level", () => {
  const q = [query("A")];
  const p = panel({ kind: "stat", queries: q, unit: "ratio", reduce: "max", thresholds: [{ at: null, severity: "ok" }, { at: 0.5, severity: "critical" }] });
  const told = toldOf(p, itemsOf(p, q, new Map([["A", grid([[{}, [0.1, 0.75]]])]])).items);
  expect(told.map((x) => [x.item.name, x.text, x.judged?.level, x.bounds.max])).toEqual([["T", "75 %", "critical", 1]]);
});

type Answer = [Record<string, string>, (number | null)[]][];
const STEP = 60_000;
const answer = (series: Answer): Grid => {
  const n = Math.max(0, ...series.map(([, v]) => v.length));
  return { start: 0, step: STEP, n, truncated: 0, warnings: [], series: series.map(([labels, v]) => ({ key: JSON.stringify(labels), labels, unit: /_(bytes|seconds|ratio)$/.exec(labels["__name__"] ?? "")?.[1] ?? "", values: Float64Array.from({ length: n }, (_, i) => v[i] ?? Number.NaN) })) };
};

test.each(fixture.map((c) => [c.name, c] as const))("as in reports: %s", (_, c) => {
  const p = c.panel as unknown as Panel;
  const all = itemsOf(p, p.queries ?? [], new Map(Object.entries(c.answers).map(([ref, series]) => [ref, answer(series as unknown as Answer)])));
  if (c.table) {
    const table = tableOf(p, all, (p.queries ?? []).every((q) => q.kind === "instant"));
    const looks = table.columns.map((x) => lookOf(p, x, table, "utc"));
    const shown = looks.map((_, i) => i).filter((i) => !looks[i]?.hidden);
    expect([shown.map((i) => looks[i]?.title ?? table.columns[i]?.name), ...table.rows.map((r) => shown.map((i) => looks[i]?.tell(r[i] ?? "").text))]).toEqual(c.table);
    return;
  }
  const told = toldOf(p, all.items);
  expect(told.map((x) => [x.item.name, x.text])).toEqual(c.told);
  if (c.colours) expect(told.map((x) => x.judged?.colour ?? null)).toEqual(c.colours);
  if (c.bounds) expect(told.map((x) => [x.bounds.min, x.bounds.max])).toEqual(c.bounds);
});

test("a file of a table holds numbers, and no formulas", () => {
  const queries = [query("A")];
  const all = itemsOf(panel({ queries }), queries, new Map([["A", grid([[{ job: "=a" }, [1.5]], [{ job: "b" }, [Number.NaN]]])]]));
  expect(csvOf(tableOf(panel({ queries }), all, true))).toBe("job,Value\r\n'=a,1.5\r\nb,");
});

test("what an expression puts together is told", () => {
  const cases = [["sum by (mode) (rate(x[5m]))", "sum by mode"], ["sum(x) by (job, le)", "sum by job, le"], ["histogram_quantile(0.95, sum by (le) (x))", "p95"], ["max(x)", "max"], ["rate(x[5m])", ""], ["sum_of_it", ""]] as const;
  for (const [expr, want] of cases) expect(aggregation(expr)).toBe(want);
});
