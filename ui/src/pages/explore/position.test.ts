import { expect, it } from "vitest";
import { byteIndex, excerpt, indexOf, indexOfByte, locate, noteOf } from "./position";

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
it("counts bytes as the server does, and characters as the page does", () => {
  expect(excerpt('"é" + (', { line: 1, column: 8, message: "" })).toEqual({ text: '"é" + (', before: 6 });
  expect([0, 1, 2, 3, 4, 99].map((b) => indexOfByte("aé→😀b", b))).toEqual([0, 1, 1, 2, 2, 6]);
  expect(indexOfByte("aé→😀b", 10)).toBe(5);
  for (const text of ["", "abc", "aé→😀b"]) for (let b = 0; b < 15; b++) expect(byteIndex(text)(b)).toBe(indexOfByte(text, b));
  expect(indexOf("é\n→ab", { line: 2, column: 4 })).toBe(3);
  expect(indexOf("a", { line: 2, column: 1 })).toBeNull();
});
it("is read from the end of a note", () => {
  expect(noteOf('PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "node_load1" (1:6)')).toEqual({
    severity: "info",
    message: 'metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "node_load1"',
    line: 1,
    column: 6,
  });
  expect(noteOf("PromQL warning: quantile value should be between 0 and 1, got 7 (12:3)")).toMatchObject({ severity: "warning", line: 12, column: 3 });
  expect(noteOf("results truncated due to limit")).toEqual({ severity: "warning", message: "results truncated due to limit", line: 0, column: 0 });
  expect(noteOf("")).toEqual({ severity: "warning", message: "", line: 0, column: 0 });
});
