import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { GATHER_MS, gather } from "./gather";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

it("deals at once with what came within a moment, in order", () => {
  const dealt: number[] = [];
  const at: number[] = [];
  const take = (n: number) => () => {
    dealt.push(n);
    at.push(Date.now());
  };
  gather(take(1));
  vi.advanceTimersByTime(GATHER_MS - 1);
  gather(take(2));
  expect(dealt).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(dealt).toEqual([1, 2]);
  expect(at[0]).toBe(at[1]);
});

it("begins a new moment with what comes while it deals", () => {
  const dealt: number[] = [];
  gather(() => {
    dealt.push(1);
    gather(() => dealt.push(2));
  });
  vi.advanceTimersByTime(GATHER_MS);
  expect(dealt).toEqual([1]);
  vi.advanceTimersByTime(GATHER_MS);
  expect(dealt).toEqual([1, 2]);
});
