import { describe, expect, it } from "vitest";
import type { AlertRow } from "../../api/types";
import type { Figure, Figures } from "../../state/figures";
import { hostRows } from "./rows";

const figure = (last: number, labels: Record<string, string>): Figure => ({ last, labels, values: Float64Array.of(last) });
const host = (id: string, values: Record<string, number>): [string, Figure[]] => [id, Object.entries(values).map(([instance, v]) => figure(v, { instance, job: "node" }))];
const of = (...all: [string, Figure[]][]): Figures => new Map(all);
const alert = (instance: string, severity: string): AlertRow => ({ name: "a", state: "firing", severity, since: 0, value: 1, summary: "", labels: { instance } });
const said = (rows: ReturnType<typeof hostRows>) => rows.map((r) => `${r.name} ${r.state} ${r.worst.what}`);

describe("hosts", () => {
  it("stand in the order of how bad they are", () =>
    expect(said(hostRows(of(host("up", { a: 1, b: 0, c: 1, d: 1 }), host("cpu", { a: 0.1, c: 0.1, d: 0.1 }), host("disk", { a: 0.2, c: 0.85, d: 0.97 })), []))).toEqual(["b critical down", "d critical disk", "c warning disk", "a ok none"]));
  it("with alerts are as bad as these", () => expect(said(hostRows(of(host("up", { a: 1, b: 1 })), [alert("a", "warning"), alert("b", "critical")]))).toEqual(["b critical alerts", "a warning alerts"]));
  it("that are busy are fine until something waits", () => {
    expect(said(hostRows(of(host("cpu", { a: 0.85 })), []))).toEqual(["a ok none"]);
    expect(said(hostRows(of(host("cpu", { a: 0.5 }), host("pressure", { a: 0.5 })), []))).toEqual(["a critical pressure"]);
  });
  it("with numbers in their names count", () => expect(hostRows(of(host("up", { db10: 1, db9: 1 })), []).map((r) => r.name)).toEqual(["db9", "db10"]));
  it("that have gone are not known", () => expect(said(hostRows(of(host("up", { a: Number.NaN, b: 1 })), []))).toEqual(["a unknown none", "b ok none"]));
  it("of nothing are none", () => expect(hostRows(new Map(), [])).toEqual([]));
});
