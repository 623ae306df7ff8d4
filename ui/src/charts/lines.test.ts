import { describe, expect, it } from "vitest";
import { drawLines, type Frame } from "./lines";

const frame: Frame = { left: 0, top: 0, width: 10, height: 100, x0: 0, dx: 1, y0: 100, ky: 1 };

/** What a canvas is told: moves and lines, one text a line drawn. */
function drawn(values: number[], more: Partial<Frame> = {}, width = 2): string[] {
  const out: string[] = [];
  let path = "";
  const ctx = {
    save() {},
    restore() {},
    rect() {},
    clip() {},
    setLineDash() {},
    beginPath: () => {
      path = "";
    },
    moveTo: (x: number, y: number) => {
      path += `M${x},${y}`;
    },
    lineTo: (x: number, y: number) => {
      path += `L${x},${y}`;
    },
    stroke: () => out.push(path),
    arc: (x: number, y: number) => {
      path += `O${x},${y}`;
    },
    fill: () => out.push(path),
  };
  drawLines(ctx as unknown as CanvasRenderingContext2D, { ...frame, ...more }, [{ values, colour: "#000000", width, dash: [] }]);
  return out;
}

describe("a plain line", () => {
  it("goes from value to value", () => expect(drawn([10, 20, 15])).toEqual(["M0,90L1,80L2,85"]));
  it("is sharp when it is one pixel wide", () => expect(drawn([10, 20], {}, 1)).toEqual(["M0.5,90.5L1.5,80.5"]));
  it("stops at gaps and at what is infinite, and begins again", () => expect(drawn([1, 2, Number.NaN, 3, 4, Number.POSITIVE_INFINITY])).toEqual(["M0,99L1,98M3,97L4,96"]));
  it("is a dot where a value stands alone", () => expect(drawn([1, Number.NaN, 3])).toEqual(["M0,99M2,97", "M0,99O0,99M2,97O2,97"]));
  it("keeps the extremes where several values share a column of pixels", () => expect(drawn([50, 90, 10, 60, 55, 40], { dx: 0.2 })).toEqual(["M0,50L0,10L0,90L0,90L1,40L1,40L1,60L1,60"]));
  it("does not lead far out of the picture", () => {
    const [y] = /M0,(-?\d+)/.exec(drawn([1e12, 5])[0] ?? "")?.slice(1) ?? [];
    expect(Number(y)).toBe(-4000);
  });
  it("is nothing where there is nothing", () => expect(drawn([])).toEqual([""]));
});
