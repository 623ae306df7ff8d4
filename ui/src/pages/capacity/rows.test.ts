import { describe, expect, it } from "vitest";
import type { CapacityDoc, DaysDoc } from "../../api/insight";
import { csvOf, datesOf, horizonFor, resourceOf, sorted } from "./rows";

const days = (p10: number, p50: number, p90: number | null): DaysDoc => ({ p10, p50, p90 });
const one = (id: string, more: Partial<CapacityDoc> = {}): CapacityDoc => ({
  id, kind: "disk", title: id, unit: "bytes", used: 50, limit: 100, ratio: 0.5, warning: 0.8, critical: 0.9, safe_load: 80, headroom: 30, state: "none", level: "safe", days: null, text: "no breach in 90 d", driver: "stock", labels: { instance: "vm" }, queries: ["a", "b"], what_if: null, ...more,
});

describe("resources", () => {
  it("come by the soonest breach, then by how full they are", () => {
    const all = [one("late", { days: days(8, 9, 10) }), one("full", { ratio: 0.9 }), one("soon", { days: days(1, 2, null) }), one("free", { ratio: 0.1 })];
    expect(sorted(all, "soon").map((c) => c.id)).toEqual(["soon", "late", "full", "free"]);
    expect(sorted(all, "name").map((c) => c.id)).toEqual(["free", "full", "late", "soon"]);
  });
  it("have dates with an end that may be open", () => {
    expect(datesOf(days(1, 2, null), 0)).toEqual({ early: 86_400_000, even: 172_800_000, late: null });
    expect(datesOf(null, 0)).toBeNull();
  });
  it("that are learned say how far", () => expect(resourceOf(one("x", { state: "learning", text: "learning: 2 m of 5 m" })).forecast.learned_ratio).toBe(0.4));
  it("are looked at as far ahead as the breach", () => expect([days(0.1, 0.2, 0.3), days(1, 2, null), days(40, 50, 60), null].map(horizonFor)).toEqual(["1d", "7d", "30d", "1d"]));
});

describe("the CSV", () => {
  it("quotes, and disarms what a spreadsheet would run", () => {
    const text = csvOf([one("a", { title: 'x,"y"', kind: "=cmd()", days: days(1, 2, 3) })], 0);
    const [head, row] = text.trim().split("\r\n");
    expect(head?.split(",").length).toBe(21);
    expect(row?.startsWith(`a,'=cmd(),"x,""y""",vm,bytes,50,100,0.5,80,30,safe,none,1,2,3,1970-01-03T00:00:00.000Z,,,,a,b`)).toBe(true);
  });
});
