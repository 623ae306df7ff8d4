import { expect, it } from "vitest";
import { excerpt, locate } from "./position";

it("is read from Prometheus' messages", () => {
  expect(locate('invalid parameter "query": 1:21: parse error: unclosed left parenthesis')).toEqual({ line: 1, column: 21, message: "parse error: unclosed left parenthesis" });
  expect(locate("2:3: parse error: x")).toEqual({ line: 2, column: 3, message: "parse error: x" });
});
it("is none in other messages", () => expect(locate("query timed out after 10 s at 12:30")).toBeNull());
it("marks its place in its own line, never beyond the end", () => {
  expect(excerpt("a +\nb b", { line: 2, column: 3, message: "" })).toEqual({ text: "b b", before: 2 });
  expect(excerpt("ab", { line: 1, column: 9, message: "" })).toEqual({ text: "ab", before: 2 });
  expect(excerpt("ab", { line: 5, column: 1, message: "" })).toBeNull();
});
