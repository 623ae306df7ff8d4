import { beforeAll, describe, expect, it, vi } from "vitest";

type Module = typeof import("./earlier");
let m: Module;
beforeAll(async () => {
  vi.stubGlobal("localStorage", { getItem: () => '[{"queries":["kept"],"at":5},{"queries":"bad"},7]', setItem: () => {} });
  m = await import("./earlier");
});

describe("earlier queries", () => {
  it("that were kept are read, and what is none is left out", () => expect(m.earlier.value).toEqual([{ queries: ["kept"], at: 5, starred: false }]));

  it("stand in the order in which they were asked, each once", () => {
    let all = m.withAsked([], ["up"], 1);
    all = m.withAsked(all, ["up", "down"], 2);
    all = m.withAsked(all, ["up"], 3);
    expect(all.map((e) => [e.queries.join(), e.at])).toEqual([["up", 3], ["up,down", 2]]);
  });

  it("are at most a hundred, and those with a star stay", () => {
    let all = m.withStar(m.withAsked([], ["first"], 0), ["first"]);
    for (let i = 1; i <= 150; i++) all = m.withAsked(all, [`q${i}`], i);
    expect(all).toHaveLength(m.EARLIER_MAX + 1);
    expect(all.at(-1)).toMatchObject({ queries: ["first"], starred: true });
    expect(all.some((e) => e.queries[0] === "q50")).toBe(false);
    expect(m.withAsked(all, ["first"], 999)[0]).toMatchObject({ queries: ["first"], starred: true });
  });

  it("that are too long are not kept", () => expect(m.withAsked([], ["x".repeat(m.LETTERS_MAX + 1)], 1)).toEqual([]));

  it("are found by all their words", () => {
    const all = m.withAsked(m.withAsked([], ["rate(A[1m])", "b"], 1), ["b"], 2);
    expect(m.matching(all, "B rate").map((e) => e.at)).toEqual([1]);
  });
});
