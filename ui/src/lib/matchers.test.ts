import { describe, expect, it } from "vitest";
import { anchored, compile, formatMatcher, parseFilter, withMatcher } from "./matchers";

const m = (name: string, op: string, value: string) => ({ name, value, isRegex: op.endsWith("~"), isEqual: op.startsWith("=") });
const test = (text: string, labels: Record<string, string>, ...texts: string[]) => {
  const t = compile(parseFilter(text));
  if (typeof t !== "function") throw new Error(`cannot read ${t.bad}`);
  return t(labels, ...texts);
};

describe("a filter", () => {
  it("has matchers and words, with or without commas, braces and quotes", () => {
    const all = [m("job", "=", "api"), m("instance", "=~", "db.*"), m("env", "!=", "a b"), m("x", "!~", 'q"')];
    for (const text of ['job=api instance=~db.* env!="a b" x!~"q\\""', '{job="api", instance=~"db.*",env!="a b",x!~"q\\""}']) expect(parseFilter(text)).toEqual({ matchers: all, words: [] });
    expect(parseFilter('disk "two words" job=api')).toEqual({ matchers: [m("job", "=", "api")], words: ["disk", "two words"] });
    expect(parseFilter("  ")).toEqual({ matchers: [], words: [] });
  });
  it("reads back every matcher that it writes", () => {
    for (const op of ["=", "!=", "=~", "!~"]) for (const value of ["", "a", 'a "b" \\d, c', "ü=1", "a|b"]) expect(parseFilter(`${formatMatcher(m("job", op, value))} w`)).toEqual({ matchers: [m("job", op, value)], words: ["w"] });
  });
  it("compares with what is absent as with nothing", () => {
    expect([test("a=", {}), test("a!=b", {}), test("a=~.+", {}), test("a!~b", {})]).toEqual([true, true, false, true]);
  });
  it("anchors regular expressions", () => {
    expect([test("a=~b", { a: "abc" }), test("a=~.b.", { a: "abc" }), test("a=~(?i)ABC", { a: "abc" })]).toEqual([false, true, true]);
    expect(anchored("a(")).toBeNull();
    expect(compile(parseFilter("a=~a("))).toEqual({ bad: "a(" });
  });
  it("looks for words in labels and texts", () => expect([test("full /DATA", { mountpoint: "/data" }, "disk is full"), test("full", { a: "b" })]).toEqual([true, false]));
  it("takes a matcher once", () => {
    expect(withMatcher("", "a", "b")).toBe("a=b");
    expect(withMatcher("a=b x", "a", "b")).toBe("a=b x");
    expect(withMatcher("x", "a", "b c")).toBe('x a="b c"');
  });
});
