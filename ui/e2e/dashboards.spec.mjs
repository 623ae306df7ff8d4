import { assert, assertEqual, axe, base, drawn, open, PHONE, shot, until } from "./browser.mjs";
import { board, editor, importing, list, makeDashboard, removeDashboard, WAIT } from "./pagesDashboards.mjs";

const cpu = { id: 1, kind: "timeseries", title: "CPU", at: { x: 0, y: 0, w: 12, h: 8 }, queries: [{ ref: "A", expr: 'sum by (mode) (rate(node_cpu_seconds_total{mode=~"$mode"}[1m]))', legend: "{{mode}}" }], unit: "ratio", style: { stack: "normal", fill: 0.3 } };
const load = { id: 2, kind: "stat", title: "Load", at: { x: 12, y: 0, w: 6, h: 4 }, queries: [{ ref: "A", expr: "node_load1" }], thresholds: [{ at: null, severity: "ok" }, { at: 1000, severity: "critical" }] };
const variables = [
  { name: "mode", label: "Mode", kind: "query", query: "label_values(node_cpu_seconds_total, mode)", multi: true, include_all: true, current: ["$__all"] },
  { name: "cpu", label: "CPU", kind: "query", query: 'label_values(node_cpu_seconds_total{mode=~"$mode"}, cpu)', current: [] },
];
const document = (id, more = {}) => ({ id, title: `Browser test ${id}`, folder: "Tests", tags: ["e2e"], time: { from: "now-5m", to: "now" }, refresh: "live", variables, panels: [cpu, load], ...more });

/** Of this run: earlier ones may have left theirs. */
const RUN = Date.now().toString(36);

export default {
  "dashboards are listed by folder, searched, and opened": async (browser) => {
    const id = `e2e-list-${RUN}`;
    await makeDashboard(document(id));
    const { page, sins, close } = await open(browser, "/dashboards");
    const l = list(page);
    await l.row(id).waitFor({ timeout: WAIT });
    assert((await l.badges.filter({ hasText: "template" }).count()) >= 1, "no templates in the list");
    await page.keyboard.press("/");
    await page.keyboard.type(id);
    await until("one row", 3000, async () => (await l.rows.count()) === 1);
    await axe(page, "list of dashboards");
    await shot(page, "dashboards-list");
    await l.row(id).click();
    const b = board(page);
    await until("the chart", WAIT, () => drawn(b.panel("CPU")));
    assertEqual(new URL(page.url()).pathname, `/dashboards/${id}`, "the address");
    assertEqual(new URL(page.url()).searchParams.get("from"), "now-5m", "its time in the address");
    assert(/sum by mode/.test(await b.panel("CPU").locator(".panel-note").textContent()), "the aggregation is not told");
    await axe(page, "a dashboard");
    await shot(page, "dashboard");
    assert(sins.length === 0, sins.join("\n"));
    await removeDashboard(id);
    await close();
  },

  "choices depend on each other, stand in the address, and reach the queries": async (browser) => {
    const id = `e2e-vars-${RUN}`;
    await makeDashboard(document(id));
    const { page, sins, close } = await open(browser, `/dashboards/${id}`);
    const b = board(page);
    await until("the chart", WAIT, () => drawn(b.panel("CPU")));
    await until("all modes", WAIT, async () => (await b.panel("CPU").locator(".ts-entry").count()) > 3);
    await b.choice("Mode").click();
    await page.locator(".var-find:focus").waitFor();
    await page.keyboard.type("idle");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Escape");
    await until("one series", WAIT, async () => (await b.panel("CPU").locator(".ts-entry").count()) === 1);
    assertEqual(new URL(page.url()).searchParams.getAll("v.mode"), ["idle"], "the choice in the address");
    await page.reload();
    await until("the same after a reload", WAIT, async () => (await b.panel("CPU").locator(".ts-entry").count()) === 1);
    await b.choice("CPU").click();
    await until("options of the choice that depends on another", WAIT, async () => (await page.getByRole("option").count()) >= 1);
    await page.keyboard.press("Escape");
    assert(sins.length === 0, sins.join("\n"));
    await removeDashboard(id);
    await close();
  },

  "who saves over another's version is told, and chooses": async (browser) => {
    const id = `e2e-lock-${RUN}`;
    await makeDashboard(document(id));
    const { page, close } = await open(browser, `/dashboards/${id}?edit=1`);
    const e = editor(page);
    await e.cells.first().waitFor({ timeout: WAIT });
    await e.cells.first().focus();
    await page.keyboard.press("Shift+ArrowLeft");
    const status = await page.evaluate(([id, dashboard]) => fetch(`/api/plimsoll/v1/dashboards/${id}`, { method: "PUT", headers: { "content-type": "application/json" }, body: JSON.stringify({ dashboard, version: 1, author: "bo" }) }).then((r) => r.status), [id, document(id, { title: "Theirs" })]);
    assert(status < 300, `the other's save: ${status}`);
    await page.keyboard.press("Control+s");
    await e.save.waitFor({ timeout: WAIT });
    await page.keyboard.press("Enter");
    await e.save.getByText("Somebody saved version 2 meanwhile.").waitFor({ timeout: WAIT });
    await axe(page, "a conflict");
    await e.save.getByRole("button", { name: "Save over it" }).click();
    await e.save.waitFor({ state: "detached", timeout: WAIT });
    await until("mine is shown", WAIT, async () => (await page.locator(".dash-title").textContent()) === `Browser test ${id}`);
    await removeDashboard(id);
    await close();
  },

  "a dashboard of Grafana is imported with a report": async (browser) => {
    const { page, sins, close } = await open(browser, "/dashboards");
    const d = importing(page);
    await d.open.click();
    await d.text.fill("{ not json");
    await d.look.click();
    await d.dialog.getByText("This is not JSON").waitFor();
    const title = `Imported ${RUN}`;
    await d.text.fill(
      JSON.stringify({
        title,
        schemaVersion: 39,
        time: { from: "now-15m", to: "now" },
        templating: { list: [{ name: "mode", type: "query", query: { query: "label_values(node_cpu_seconds_total, mode)" }, includeAll: true, multi: true, current: { text: ["All"], value: ["$__all"] } }] },
        panels: [
          { id: 1, type: "timeseries", title: "Imported CPU", gridPos: { x: 0, y: 0, w: 12, h: 8 }, targets: [{ refId: "A", expr: 'sum by (mode) (rate(node_cpu_seconds_total{mode=~"$mode"}[$__rate_interval]))', legendFormat: "{{mode}}" }], fieldConfig: { defaults: { unit: "percentunit" }, overrides: [] } },
          { id: 2, type: "stat", title: "Imported load", gridPos: { x: 12, y: 0, w: 6, h: 4 }, targets: [{ refId: "A", expr: "node_load1" }] },
          { id: 3, type: "geomap", title: "A map", gridPos: { x: 0, y: 8, w: 12, h: 8 }, targets: [] },
        ],
      }),
    );
    await d.look.click();
    await d.rows.filter({ hasText: "Imported CPU" }).waitFor({ timeout: WAIT });
    assert(/not supported/.test(await d.rows.filter({ hasText: "A map" }).textContent()), "the map is not told to be unsupported");
    await axe(page, "the report of an import");
    await shot(page, "dashboard-import");
    await d.save.click();
    const b = board(page);
    await until("the imported chart", WAIT, () => drawn(b.panel("Imported CPU")));
    assert(/geomap/.test(await b.panel("A map").textContent()), "the placeholder does not say what it was");
    await shot(page, "dashboard-imported");
    assert(sins.length === 0, sins.join("\n"));
    await removeDashboard(new URL(page.url()).pathname.split("/").pop());
    await close();
  },

  "one request a refresh, none for what is out of sight; a panel alone, a short link, the kiosk": async (browser) => {
    const id = `e2e-share-${RUN}`;
    const panels = Array.from({ length: 24 }, (_, i) => ({ ...cpu, id: i + 1, title: `P${i + 1}`, at: { x: (i % 2) * 12, y: Math.floor(i / 2) * 8, w: 12, h: 8 }, queries: [{ ref: "A", expr: `node_load1 * ${i % 3}` }] }));
    await makeDashboard(document(id, { panels, variables: [] }));
    const { page, sins, close } = await open(browser, "about:blank");
    const asked = [];
    page.on("request", (r) => r.url().endsWith("/panels/query") && asked.push(JSON.parse(r.postData() ?? "{}").queries.length));
    await page.goto(`${base}/dashboards/${id}?live=0`);
    const b = board(page);
    await until("the first chart", WAIT, () => drawn(b.panel("P1")));
    assertEqual(asked.length, 1, "requests");
    assertEqual(asked[0], 3, "queries: what several panels ask is asked once");
    await b.panel("P1").hover();
    await b.panel("P1").getByRole("button", { name: "What to do with P1" }).click();
    await page.getByRole("menuitem", { name: "Show alone" }).click();
    await until("alone", 3000, async () => (await b.panels.count()) === 1);
    assertEqual(new URL(page.url()).searchParams.get("panel"), "1", "the panel in the address");
    await b.more.click();
    await page.getByRole("menuitem", { name: "Share" }).click();
    const share = page.getByRole("dialog", { name: "Share this dashboard" });
    await share.getByRole("button", { name: "Make a short link" }).click();
    const short = await share.getByLabel("Short").inputValue();
    assert(short.includes("/s/"), short);
    await page.goto(short);
    await until("where it leads", WAIT, () => page.url().includes(`/dashboards/${id}`) && page.url().includes("panel=1"));
    await page.goto(`${base}/dashboards/${id}?kiosk=1`);
    await until("the chart in the kiosk", WAIT, () => drawn(b.panel("P1")));
    assert(!(await page.locator(".rail").isVisible()), "the navigation is there in the kiosk");
    await page.keyboard.press("Escape");
    await until("out of the kiosk", 3000, () => page.locator(".rail").isVisible());
    assert(sins.length === 0, sins.join("\n"));
    await removeDashboard(id);
    await close();
  },

  "the crosshair of one chart stands in all that are in sight, with a dot on each line": async (browser) => {
    const id = `e2e-cross-${RUN}`;
    const panels = Array.from({ length: 8 }, (_, i) => ({ ...cpu, id: i + 1, title: `P${i + 1}`, at: { x: (i % 2) * 12, y: Math.floor(i / 2) * 10, w: 12, h: 10 }, queries: [{ ref: "A", expr: "node_load1" }], style: {} }));
    await makeDashboard(document(id, { panels, variables: [] }));
    const { page, sins, close } = await open(browser, `/dashboards/${id}?live=0`);
    const b = board(page);
    await until("the first chart", WAIT, () => drawn(b.panel("P1")));
    // The last one is drawn too, and out of sight again.
    await b.panel("P8").scrollIntoViewIfNeeded();
    await until("the last chart", WAIT, () => drawn(b.panel("P8")));
    await b.panel("P1").scrollIntoViewIfNeeded();
    const dots = (name) => b.panel(name).evaluate((el) => el.querySelector(".chart-dots")?.style.boxShadow ?? "");
    const over = await b.panel("P1").locator(".u-over").boundingBox();
    await page.mouse.move(over.x + over.width - 20, over.y + 20);
    // A chart that came back into sight follows from the next move on.
    let step = 24;
    const moved = async (name) => {
      step = step === 24 ? 22 : 24;
      await page.mouse.move(over.x + over.width - step, over.y + 20);
      return /px/.test(await dots(name));
    };
    await until("a dot on its line", 3000, () => moved("P1"));
    await until("a dot in the chart beside it", 3000, () => moved("P2"));
    await until("no dots in a chart out of sight", 3000, async () => (await dots("P8")) === "");
    await page.mouse.move(2, 2);
    await until("no dots", 3000, async () => (await dots("P1")) === "" && (await dots("P2")) === "");
    assert(sins.length === 0, sins.join("\n"));
    await removeDashboard(id);
    await close();
  },

  "dashboards fit a telephone, dark": async (browser) => {
    const id = `e2e-phone-${RUN}`;
    await makeDashboard(document(id));
    const { page, sins, close } = await open(browser, `/dashboards/${id}`, { viewport: PHONE, theme: "dark" });
    await until("the chart", WAIT, () => drawn(board(page).panel("CPU")));
    assertEqual(await page.evaluate(() => document.querySelector("main").scrollWidth - document.querySelector("main").clientWidth), 0, "px too wide");
    await axe(page, "a dashboard on a telephone");
    await shot(page, "dashboard-phone");
    assert(sins.length === 0, sins.join("\n"));
    await removeDashboard(id);
    await close();
  },
};
