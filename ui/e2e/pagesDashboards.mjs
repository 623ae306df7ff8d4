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
