import { describe, expect, it } from "vitest";
import units from "../../../fixtures/dashboards/units.json";
import cases from "../../../fixtures/dashboards/values.json";
import { formatDuration, formatMoment, formatValue, guessUnit, seriesName, sharedLabels, type Unit } from "./format";

it("a value is written as the fixture says, which the server is held to as well", () => {
  expect(cases.length).toBeGreaterThan(40);
  for (const [v, unit, decimals, text] of cases) expect(formatValue(Number(v), unit as Unit, (decimals ?? undefined) as number | undefined), `${v} ${unit} ${decimals}`).toBe(text);
});

describe("a duration", () => {
  it.each([
    [1234, "1.2 s"],
    [59_000, "59 s"],
    [245_000, "4 m 5 s"],
    [7_200_000, "2 h"],
    [183_600_000, "2 d 3 h"],
    [86_400_000 * 40, "40 d"],
  ])("%d is %s", (ms, text) => expect(formatDuration(ms)).toBe(text));
});

describe("the unit", () => {
  it.each(units as [string, Unit][])("of %s is %s", (expr, unit) => expect(guessUnit(expr)).toBe(unit));
  it("as the server says wins", () => expect(guessUnit("node_load1", "bytes")).toBe("bytes"));
});

describe("a series' name", () => {
  it("is PromQL", () => expect(seriesName({ __name__: "up", job: "a", b: 'x"y' })).toBe('up{b="x\\"y", job="a"}'));
  it("leaves out what all share", () => {
    const all = [{ __name__: "up", job: "a", i: "1" }, { __name__: "up", job: "a", i: "2" }];
    expect(all.map((l) => seriesName(l, sharedLabels(all)))).toEqual(["1", "2"]);
  });
  it("of one series stays whole", () => expect(seriesName({ __name__: "up", job: "a" }, sharedLabels([{ __name__: "up", job: "a" }]))).toBe('up{job="a"}'));
  it("of no labels is braces", () => expect(seriesName({})).toBe("{}"));
});

it("a moment has its year when it is another one", () => {
  const now = Date.parse("2026-11-21T12:00:00Z");
  expect([formatMoment(now - 60_000, now, "utc"), formatMoment(now - 400 * 864e5, now, "utc")]).toEqual(["21 Nov, 11:59:00", "17 Oct 2025, 12:00:00"]);
});
