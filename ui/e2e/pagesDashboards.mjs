// Page objects of dashboards, and what specs make and remove by the API.
import { assert, base } from "./browser.mjs";

export const WAIT = 15_000;
const API = `${base}/api/plimsoll/v1/dashboards`;

export async function makeDashboard(dashboard) {
  const answer = await fetch(API, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ dashboard, author: "e2e" }) });
  assert(answer.status === 201, `making ${dashboard.id}: ${answer.status} ${await answer.text()}`);
}

export async function removeDashboard(id) {
  const found = await fetch(`${API}/${id}`);
  if (found.ok) await fetch(`${API}/${id}?version=${(await found.json()).version}`, { method: "DELETE" });
}

export const list = (page) => ({
  rows: page.locator(".dash-row"),
  badges: page.locator(".dash-row .badge"),
  row: (id) => page.locator(`.dash-row a[href^="/dashboards/${id}"]`),
});

export const board = (page) => ({
  panels: page.locator(".dp"),
  panel: (title) => page.getByRole("region", { name: title, exact: true }).first(),
  choice: (label) => page.getByRole("button", { name: new RegExp(`^${label} `) }),
  more: page.getByRole("button", { name: "More about this dashboard" }),
});

export const editor = (page) => ({
  settings: page.getByRole("complementary", { name: "Settings" }),
  sheet: page.getByRole("complementary", { name: /^Panel / }),
  add: page.getByRole("button", { name: "Add panel" }),
  cells: page.locator("[data-cell]"),
  cell: (title) => page.locator(`[data-cell][aria-label^="${title},"]`),
  grip: (title) => page.locator(`[data-cell][aria-label^="${title},"] .cell-grip`),
  corner: (title) => page.locator(`[data-cell][aria-label^="${title},"] .cell-corner`),
  query: page.locator(".expr-box").first(),
  said: page.locator("#ed-said"),
  save: page.getByRole("dialog", { name: /^Save / }),
});

export const importing = (page) => {
  const dialog = page.getByRole("dialog", { name: "Import a dashboard of Grafana" });
  return {
    open: page.getByRole("button", { name: "Import" }),
    dialog,
    text: dialog.getByLabel("Dashboard as JSON"),
    look: dialog.getByRole("button", { name: "Look at it" }),
    save: dialog.getByRole("button", { name: "Import", exact: true }),
    rows: dialog.locator("tbody tr"),
  };
};

export const stat = (id, title, x, y, more = {}) => ({ id, kind: "stat", title, at: { x, y, w: 12, h: 6 }, queries: [{ ref: "A", expr: "node_load1" }], ...more });

export const item = (page, name) => page.getByRole("menuitem", { name, exact: true });

/** Column, row, width and height of a panel that is edited, as it says them. */
export const at = async (cell) => /column (\d+), row (\d+), (\d+) wide, (\d+) high/.exec((await cell.getAttribute("aria-label")) ?? "")?.slice(1).map(Number) ?? [];

/** Drags a handle onto a panel, or by so many columns and rows; `within` happens before it is let go. */
export async function dragged(page, handle, to, within = async () => {}) {
  const from = await handle.boundingBox();
  const column = await page.locator(".board").evaluate((el) => (el.clientWidth + 8) / 24);
  const [x, y] = [from.x + from.width / 2, from.y + from.height / 2];
  const cell = await handle.locator("xpath=ancestor::*[@data-cell]").boundingBox();
  const box = "dx" in to ? null : await to.boundingBox();
  const [dx, dy] = box ? [box.x - cell.x, box.y - cell.y] : [to.dx * column, to.dy * 38];
  await page.mouse.move(x, y);
  await page.mouse.down();
  for (let i = 1; i <= 10; i++) await page.mouse.move(x + (dx * i) / 10, y + (dy * i) / 10);
  await within();
  await page.mouse.up();
}

/** Walking by keyboard alone. */
export function walk(page) {
  const there = (to, itself) => to.evaluate((el, itself) => el === document.activeElement || (!itself && el.contains(document.activeElement)), itself).catch(() => false);
  const by = (key) => async (what, to, most = 80, itself = false) => {
    for (let i = 0; i < most; i++) {
      if (await there(to, itself)) return;
      await page.keyboard.press(key);
    }
    throw new Error(`${key} does not come to ${what}`);
  };
  return {
    tabTo: by("Tab"),
    backTo: (what, to, itself = false, most = 80) => by("Shift+Tab")(what, to, most, itself),
    /** Of an open menu. */
    async pick(name) {
      const one = item(page, name);
      await one.waitFor();
      await by("ArrowDown")(name, one, 30);
      await page.keyboard.press("Enter");
    },
  };
}
