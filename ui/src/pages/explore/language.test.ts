import type { CompletionContext } from "@codemirror/autocomplete";
import { expect, it } from "vitest";
import type { Checked, FunctionRow } from "../../api/types";
import { completionOf, faultOf, languageOf, notesAt, signatureOf, unknownFunctions, withFunctions } from "./language";
import { mended, noteOf } from "./position";

const V = "instant vector";
const M = "range vector";
const S = "scalar";
const row = (name: string, args: string[], more: Partial<FunctionRow> = {}): FunctionRow => ({ name, args, args_min: args.length, args_max: args.length, returns: V, doc: "what it does", ours: false, experimental: false, on: true, ...more });
const OURS = ["anomaly_score", "forecast", "forecast_lower", "forecast_upper", "seasonal_baseline", "time_to_breach", "trend"];
const EXPERIMENTAL = ["double_exponential_smoothing", "end", "first_over_time", "histogram_quantiles", "info", "mad_over_time", "max_of", "min_of", "range", "sort_by_label", "sort_by_label_desc", "start", "step", "ts_of_first_over_time", "ts_of_last_over_time", "ts_of_max_over_time", "ts_of_min_over_time"];

const tree = (names: string[], text: string) => languageOf(names).parser.parse(text);
const clean = (names: string[], text: string) => !tree(names, text).toString().includes("⚠");

it("knows which functions the grammar lacks", () => {
  expect(unknownFunctions([...OURS, ...EXPERIMENTAL, "rate"].map((n) => row(n, [M])))).toEqual([...OURS, "max_of", "min_of"]);
});
it("reads our functions as functions, wherever one can stand", () => {
  for (const name of OURS) {
    expect(clean(OURS, `${name}(up[1h])`), name).toBe(true);
    expect(clean([], `${name}(up[1h])`), name).toBe(false);
    expect(tree(OURS, `${name}(up[1h], 60 * 60) > 1`).toString()).toContain("FunctionCall(FunctionIdentifier(");
  }
  expect(clean(OURS, "anomaly_score(sum by (job) (rate(http_requests_total[5m]))[1d:1m]) > 0.5")).toBe(true);
  expect(clean(OURS, "time_to_breach(node_filesystem_avail_bytes[6h], 0) < 4 * 86400")).toBe(true);
  expect(clean(["max_of"], "sum(rate(x[1m])) by (max_of) / max_of(1, 2)")).toBe(true);
  // In a duration the grammar has that name already.
  expect(tree(["max_of"], "x[max_of(1m, 2m)]").toString()).toBe(tree([], "x[max_of(1m, 2m)]").toString());
});
it("leaves a metric or label of such a name what it is", () => {
  expect(tree(OURS, 'trend{forecast="1"} + trend').toString()).toBe(tree([], 'trend{forecast="1"} + trend').toString());
});
it("writes signatures", () => {
  expect(signatureOf(row("forecast", [M, S]))).toBe("forecast(range vector, scalar)");
  expect(signatureOf(row("round", [V, S], { args_min: 1 }))).toBe("round(instant vector, scalar?)");
  expect(signatureOf(row("label_join", [V, "string", "string", "string"], { args_min: 3, args_max: null }))).toBe("label_join(instant vector, string, string, string…)");
  expect(signatureOf(row("histogram_quantiles", [V, "string", S, S], { args_min: 3, args_max: 12 }))).toBe("histogram_quantiles(instant vector, string, scalar, scalar…)");
  expect(signatureOf(row("time", [], { returns: S }))).toBe("time()");
});
it("tells of a completion what it is, and ranks what is switched off behind the rest", () => {
  expect(completionOf(row("trend", [M], { ours: true, doc: "robust slope per second" }))).toEqual({ label: "trend", type: "function", detail: "(range vector)", info: "Robust slope per second. Gives: instant vector. Plimsoll's own: Prometheus does not have it." });
  expect(completionOf(row("info", [V], { experimental: true, on: false }))).toMatchObject({ boost: -50, info: expect.stringContaining("--enable-feature=promql-experimental-functions") });
});
it("puts the server's functions where the grammar's were, and nowhere else", async () => {
  const context = {} as CompletionContext;
  const some = { from: 0, options: [{ label: "up", type: "constant" }, { label: "rate", type: "function" }, { label: "gone", type: "function" }] };
  const found = await withFunctions(() => some, [row("rate", [M]), row("trend", [M])])(context);
  expect(found?.options.map((o) => o.label)).toEqual(["up", "rate", "trend"]);
  const values = { from: 0, options: [{ label: "idle", type: "text" }] };
  expect(await withFunctions(() => values, [row("rate", [M])])(context)).toBe(values);
  expect(await withFunctions(() => null, [row("rate", [M])])(context)).toBeNull();
  expect(await withFunctions(() => some, [])(context)).toBe(some);
});

const wrong = (at: [number, number], more = {}): Checked => ({ valid: false, error: { message: "no", line: 1, column: at[0] + 1, at, ...more } });

it("underlines an error at its bytes, at least one character", () => {
  expect(faultOf('"é" + rat(x)', wrong([7, 10]), false)).toEqual([{ from: 6, to: 9, severity: "error", message: "no" }]);
  expect(faultOf("sum(", wrong([4, 4]), false)).toMatchObject([{ from: 3, to: 4 }]);
  expect(faultOf("up", { valid: true }, false)).toEqual([]);
});
it("does not call a missing end an error while somebody types", () => {
  expect(faultOf("sum( ", wrong([5, 5]), true)).toEqual([]);
  expect(faultOf("rat(x)", wrong([0, 3]), true)).toHaveLength(1);
});
it("offers the function that was meant", () => {
  const said = wrong([4, 7], { suggestion: "rate" });
  expect(faultOf("sum(rat(x[5m]))", said, true)).toMatchObject([{ from: 4, to: 7, actions: [{ name: "Use rate" }] }]);
  expect(mended("sum(rat(x[5m]))", said)).toEqual({ name: "rate", text: "sum(rate(x[5m]))" });
  // Some spans go as far as the call does.
  expect(mended("rat(x)", wrong([0, 6], { suggestion: "rate" }))?.text).toBe("rate(x)");
  expect(mended("up", { valid: true })).toBeNull();
  expect(mended("(", wrong([1, 1]))).toBeNull();
});
it("underlines what a note speaks of", () => {
  const note = noteOf('PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "x" (2:6)');
  expect(notesAt("1 +\nrate(x:y[1m])", [note])).toMatchObject([{ from: 9, to: 12, severity: "info" }]);
  expect(notesAt("up", [note, noteOf("no place")])).toEqual([]);
});
