import { expect, test } from "vitest";
import fixture from "../../../../fixtures/dashboards/place.json";
import type { At, Panel } from "../../api/dashboards";
import { arrange, fitted, type Item, place, roomFor, step, tidy } from "./layout";

const panel = (id: number, at: At, more: Partial<Panel> = {}): Panel => ({ id, kind: "stat", title: `p${id}`, at, ...more });
const at = (x: number, y: number, w: number, h: number): At => ({ x, y, w, h });
const overlap = (items: readonly Item[]) => items.some((a, i) => items.some((b, k) => k > i && a.at.x < b.at.x + b.at.w && b.at.x < a.at.x + a.at.w && a.at.y < b.at.y + b.at.h && b.at.y < a.at.y + a.at.h));

test("panels stand as the fixture says, which the server is held to as well", () => {
  expect(fixture.length).toBeGreaterThan(4);
  for (const { name, panels, values, placed } of fixture) {
    const all = Object.fromEntries(Object.entries(values).map(([k, v]) => [k, { values: v as string[] }]));
    const shown = place(panels as Panel[], all, () => false).sort((a, b) => a.at.y - b.at.y || a.at.x - b.at.x);
    expect(shown.map((p) => [p.key, p.at.x, p.at.y, p.at.w, p.at.h]), name).toEqual(placed);
  }
});

test("rows hide what is under them, and what follows moves up", () => {
  const panels = [panel(1, at(0, 0, 24, 4)), panel(2, at(0, 4, 24, 1), { kind: "row", collapsed: true }), panel(3, at(0, 5, 24, 6)), panel(4, at(0, 11, 24, 1), { kind: "row" }), panel(5, at(0, 12, 12, 4))];
  const shown = place(panels, {}, (r) => r.collapsed === true);
  expect(shown.map((p) => [p.key, p.at.y, p.hides])).toEqual([["1", 0, undefined], ["2", 4, 1], ["4", 5, 1], ["5", 6, undefined]]);
});

test("a panel is repeated for each value, and what is below makes room", () => {
  const panels = [panel(1, at(0, 0, 24, 4), { repeat: { by: "h", max: 2 } }), panel(2, at(0, 4, 24, 4))];
  const shown = place(panels, { h: { values: ["a", "b", "c"] } }, () => false);
  expect(shown.map((p) => [p.key, p.at.x, p.at.y, p.at.w])).toEqual([["1~a", 0, 0, 12], ["1~b", 12, 0, 12], ["1~c", 0, 4, 12], ["2", 0, 8, 24]]);
  expect(shown[1]?.own).toEqual({ h: { values: ["b"], texts: ["b"], all: false } });
  expect(place(panels, {}, () => false).map((p) => p.key)).toEqual(["1", "2"]);
});

test("a row is repeated with everything under it", () => {
  const panels = [panel(1, at(0, 0, 24, 1), { kind: "row", repeat: { by: "h" } }), panel(2, at(0, 1, 12, 4))];
  expect(place(panels, { h: { values: ["a", "b"] } }, () => false).map((p) => [p.key, p.at.y])).toEqual([["1~a", 0], ["2~a", 1], ["1~b", 5], ["2~b", 6]]);
});

test("up and down go past the neighbour, sideways one column", () => {
  const items: Item[] = [{ id: 1, at: at(0, 0, 12, 8) }, { id: 2, at: at(0, 8, 12, 8) }];
  expect(step(items, 1, "ArrowDown")).toEqual([{ id: 2, at: at(0, 0, 12, 8) }, { id: 1, at: at(0, 8, 12, 8) }]);
  expect(step(items, 2, "ArrowUp")?.find((i) => i.id === 2)?.at.y).toBe(0);
  expect(step(items, 1, "ArrowRight")?.find((i) => i.id === 1)?.at).toEqual(at(1, 0, 12, 8));
  expect(step(items, 1, "ArrowLeft")).toBeNull();
  expect(step(items, 1, "ArrowUp")).toBeNull();
});

test("whatever is moved or resized, nothing overlaps, hangs in the air or leaves the grid", () => {
  let seed = 7;
  const random = (n: number) => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed % n;
  };
  for (let round = 0; round < 60; round++) {
    let items = tidy(Array.from({ length: 2 + random(14) }, (_, i) => ({ id: i, at: fitted(at(random(24), random(40), 1 + random(24), 1 + random(12))) })));
    for (let k = 0; k < 10; k++) {
      const id = random(items.length);
      items = arrange(items, id, fitted(at(random(30) - 3, random(50), random(30), random(14))));
      expect(overlap(items)).toBe(false);
      for (const i of items) {
        expect(i.at.x >= 0 && i.at.x + i.at.w <= 24 && i.at.y >= 0).toBe(true);
        if (i.at.y > 0) expect(overlap(items.map((o) => (o.id === i.id ? { id: o.id, at: { ...o.at, y: o.at.y - 1 } } : o)))).toBe(true);
      }
    }
  }
});

test("a new panel stands beside the last one where there is room, else below all", () => {
  const items: Item[] = [{ id: 1, at: at(0, 0, 12, 8) }];
  expect(roomFor(items, 12, 8)).toEqual(at(12, 0, 12, 8));
  expect(roomFor(items, 14, 8)).toEqual(at(0, 8, 14, 8));
  expect(roomFor([], 12, 8)).toEqual(at(0, 0, 12, 8));
});
