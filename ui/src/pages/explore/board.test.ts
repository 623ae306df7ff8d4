import { describe, expect, it } from "vitest";
import { newBoard, panelOf, titleOf, withPanel } from "./board";

const rows = [
  { id: "A", expr: "up", off: true },
  { id: "B", expr: "rate(\n x[1m])", off: false },
];

describe("a panel made of queries", () => {
  it("keeps letters, what is hidden, and how it is drawn", () => {
    expect(panelOf(rows, "t", { tab: "chart", view: "stacked" })).toEqual({ kind: "timeseries", title: "t", queries: [{ ref: "A", expr: "up", hidden: true }, { ref: "B", expr: "rate(\n x[1m])" }], style: { stack: "normal", fill: 0.4 } });
    expect(panelOf(rows, "t", { tab: "chart", view: "heat" }).kind).toBe("heatmap");
    expect(panelOf(rows, "t", { tab: "table", view: "heat" })).toMatchObject({ kind: "table", queries: [{ kind: "instant" }, { kind: "instant" }] });
  });
  it("is called like the first query that is seen, on one line", () => expect(titleOf(rows)).toBe("rate( x[1m])"));
  it("stands below the others, with a number of its own", () => {
    const one = withPanel(newBoard("b", { from: "now-1h", to: "now" }), panelOf(rows, "t", { tab: "chart", view: "lines" }));
    const two = withPanel(one, panelOf(rows, "u", { tab: "chart", view: "lines" }));
    expect(two.panels.map((p) => [p.id, p.at.y, p.title])).toEqual([
      [1, 0, "t"],
      [2, 8, "u"],
    ]);
  });
});
