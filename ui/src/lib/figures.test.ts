import { expect, test } from "vitest";
import type { Frame } from "../api/frame";
import { figuresOf } from "./figures";

const frame = (all: [string, number[]][]) => ({ series: all.map(([host]) => ({ labels: { host } })), columns: all.map(([, values]) => Float64Array.from(values)) }) as unknown as Frame;

test("values are those of now, and what is gone has a past alone", () => {
  const now = frame([["a", [5]], ["new", [7]]]);
  const past = frame([["gone", [1, 2]], ["a", [3, 4]]]);
  const told = (of: ReturnType<typeof figuresOf>) => of.map((f) => [f.labels["host"], f.last, [...f.values]]);
  expect(told(figuresOf(now, past))).toEqual([["a", 5, [3, 4]], ["new", 7, []], ["gone", Number.NaN, [1, 2]]]);
  expect(told(figuresOf(now, null))).toEqual([["a", 5, []], ["new", 7, []]]);
});
