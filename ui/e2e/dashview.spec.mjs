// What is seen of dashboards: the same picture by a copied address, marks, what was before, menus on lines and numbers, panels that say
// why they are empty, and how little is asked.
import { assert, assertEqual, axe, base, drawn, open, PHONE, shot, until } from "./browser.mjs";
import { board, item, makeDashboard, removeDashboard, stat, WAIT } from "./pagesDashboards.mjs";
import { course, postGauges } from "./seed.mjs";

const RUN = Date.now().toString(36);
const JOB = `e2e-dash-${RUN}`;
const METRIC = `e2e_dash_${RUN}`;
const at = (x, y, w = 12, h = 8) => ({ x, y, w, h });
const lines = (id, title, expr, more = {}) => ({ id, kind: "timeseries", title, at: at(0, 0), queries: [{ ref: "A", expr, legend: "{{which}}" }], ...more });
const document = (id, panels, more = {}) => ({ id, title: `Browser test ${id}`, folder: "Tests", time: { from: "now-15m", to: "now" }, refresh: "off", panels, ...more });

let sent;
/** Two lines of a known course, an hour of them, and one that ended two hours ago. */
const seed = () =>
  (sent ??= postGauges(JOB, [
    { name: METRIC, labels: { which: "upper" }, points: course(3_600_000, 15_000, (x) => 8 + x) },
    { name: METRIC, labels: { which: "lower" }, points: course(3_600_000, 15_000, (x) => 2 + x) },
    ...Array.from({ length: 120 }, (_, i) => ({ name: `${METRIC}_many`, labels: { n: i }, points: course(900_000, 60_000, (x) => i + x) })),
    { name: `${METRIC}_ended`, labels: { which: "old" }, points: course(3_600_000, 15_000, (x) => x).map(([t, v]) => [t - 7_200_000, v]) },
  ]));

const params = (page) => new URL(page.url()).searchParams;
const entries = (b, title) => b.panel(title).locator(".ts-entry");
const off = (b, title) => b.panel(title).locator(".ts-off").allTextContents();
/** A point on the upper or the lower line: its values reach from 0 to about 10. */
const pointOn = async (panel, share) => {
  const box = await panel.locator(".u-over").boundingBox();
  return [box.x + box.width * 0.7, box.y + box.height * share];
};

export default {
  "a copied address shows the same: hidden series, what is zoomed, rows, tables and marks": async (browser) => {
    await seed();
    const id = `e2e-same-${RUN}`;
    const panels = [lines(1, "Both", METRIC), lines(2, "Also", METRIC, { at: at(12, 0) }), { id: 3, kind: "row", title: "More", at: { x: 0, y: 8, w: 24, h: 1 } }, stat(4, "Load", 0, 9, { queries: [{ ref: "A", expr: METRIC }] })];
    await makeDashboard(document(id, panels, { annotations: [{ name: "Changes", kind: "changes", enabled: true }, { name: "Up, again", kind: "query", query: "up == 1", enabled: false }] }));
    const { page, sins, close } = await open(browser, `/dashboards/${id}`);
    const b = board(page);
    await until("both lines", WAIT, async () => (await entries(b, "Both").count()) === 2 && (await drawn(b.panel("Both"))));
    await b.panel("Both").getByRole("button", { name: "upper" }).click();
    await b.panel("Also").getByRole("button", { name: "lower" }).click({ modifiers: ["Control"] });
    const [x, y] = await pointOn(b.panel("Both"), 0.5);
    await page.mouse.move(x - 60, y);
    await page.mouse.down();
    await page.mouse.move(x - 20, y, { steps: 4 });
    await page.mouse.move(x, y, { steps: 4 });
    await page.mouse.up();
    await until("what was drawn over, as the time", 3000, () => /^\d+$/.test(params(page).get("from") ?? ""));
    await b.panel("Load").hover();
    await b.panel("Load").getByRole("button", { name: "Show Load as a table" }).click();
    await page.getByRole("checkbox", { name: "Changes" }).uncheck();
    await page.getByRole("checkbox", { name: "Up, again" }).check();
    assertEqual(await page.getByRole("menu").count(), 0, "menus after a drag");
    const told = async (b, page) => ({
      both: await off(b, "Both"),
      also: await off(b, "Also"),
      table: await b.panel("Load").locator("table").count(),
      marks: await page.locator(".var-mark input").evaluateAll((all) => all.map((x) => x.checked)),
      time: await page.locator(".time-label").textContent(),
    });
    const here = await told(b, page);
    assertEqual([here.both, here.also, here.table, here.marks], [["lower"], ["lower"], 1, [false, true]], "what is shown");
    const copy = await open(browser, page.url());
    const c = board(copy.page);
    await until("the same in another browser", WAIT, async () => JSON.stringify(await told(c, copy.page)) === JSON.stringify(here));
    await until("its chart", WAIT, () => drawn(c.panel("Both")));
    await shot(copy.page, "dashview-copied");
    await copy.page.getByRole("button", { name: "More", exact: true }).click();
    await until("the row is shut", 3000, async () => (await c.panels.count()) === 2);
    await copy.page.reload();
    await until("and stays so", WAIT, async () => (await c.panels.count()) === 2);
    assert(copy.sins.length === 0, copy.sins.join("\n"));
    await copy.close();
    assert(sins.length === 0, sins.join("\n"));
    await removeDashboard(id);
    await close();
  },

  "whole days, weeks and months, in the zone of the page": async (browser) => {
    const id = `e2e-days-${RUN}`;
    await makeDashboard(document(id, [stat(1, "Load", 0, 0)]));
    const { page, sins, close } = await open(browser, `/dashboards/${id}?tz=utc`);
    const asked = [];
    // What an empty panel asks to say why is another query.
    page.on("request", (r) => {
      const body = r.url().endsWith("/panels/query") ? JSON.parse(r.postData() ?? "{}") : { queries: [] };
      if (body.queries.some((q) => q.expr === "node_load1")) asked.push(body.range);
    });
    const b = board(page);
    await b.panels.first().waitFor({ timeout: WAIT });
    const day = 86_400_000;
    const seen = new Set();
    for (const [name, from] of [["Yesterday", "now-1d/d"], ["Last week", "now-1w/w"], ["Previous month", "now-1M/M"]]) {
      await page.keyboard.press("t");
      await page.getByRole("dialog", { name: "Time range" }).getByRole("button", { name, exact: true }).click();
      const whole = () => asked.filter((r) => r.from % day === 0 && !seen.has(r.from));
      await until(`what ${name} asks for`, WAIT, async () => whole().length > 0);
      assertEqual([params(page).get("from"), params(page).get("to")], [from, from], "the address");
      assertEqual(await page.locator(".time-label").textContent(), name, "the button");
      const { from: begin, to: end } = whole()[0];
      seen.add(begin);
      assert(begin % day === 0 && end % day === 0 && end <= Date.now(), `${name}: ${new Date(begin).toISOString()} to ${new Date(end).toISOString()}`);
      if (name === "Yesterday") assertEqual(end - begin, day, "the length of yesterday");
      if (name === "Last week") assertEqual([end - begin, new Date(begin).getUTCDay()], [7 * day, 1], "the length of a week, and its first day");
      if (name === "Previous month") assertEqual(new Date(begin).getUTCDate(), 1, "the first of a month");
    }
    await page.keyboard.press("t");
    await axe(page, "the time range");
    await shot(page, "time-calendar");
    assert(sins.length === 0, sins.join("\n"));
    await removeDashboard(id);
    await close();
  },

  "lines are drawn by a worker, and by the page where there is none or it ends": async (browser) => {
    await seed();
    const id = `e2e-ink-${RUN}`;
    await makeDashboard(document(id, [lines(1, "Both", METRIC)]));
    /** Pixels of a strong colour, which axes are not, on the canvas of axes. */
    const coloured = (panel) =>
      panel.evaluate((el) => {
        const c = el.querySelector("canvas:not(.chart-ink)");
        const px = c?.width ? c.getContext("2d").getImageData(0, 0, c.width, c.height).data : [];
        let n = 0;
        for (let i = 0; i < px.length; i += 4) if (px[i + 3] > 100 && Math.max(px[i], px[i + 1], px[i + 2]) - Math.min(px[i], px[i + 1], px[i + 2]) > 60) n++;
        return n;
      });
    const { page, sins, close } = await open(browser, `/dashboards/${id}`);
    const panel = board(page).panel("Both");
    await until("the worker's lines", WAIT, async () => (await panel.locator(".chart-ink").count()) === 1 && (await drawn(panel)));
    assertEqual(await coloured(panel), 0, "pixels of lines that the page drew");
    await page.setViewportSize({ width: 900, height: 700 });
    await until("the lines where the plot is now", 5000, async () => {
      const [ink, over] = await Promise.all([panel.locator(".chart-ink").boundingBox(), panel.locator(".u-over").boundingBox()]);
      return Math.abs(ink.x - over.x) < 2 && Math.abs(ink.y - over.y) < 2 && Math.abs(ink.width - over.width) < 3 && Math.abs(ink.height - over.height) < 3;
    });
    assertEqual(sins, [], "errors");
    await close();

    for (const [how, prepare] of [
      ["the worker's file does not come", (page) => page.route("**/ink.js", (r) => r.abort())],
      ["a browser without workers", (page) => page.addInitScript(() => delete globalThis.Worker)],
    ]) {
      const other = await open(browser, "/status");
      await prepare(other.page);
      await other.page.goto(`${base}/dashboards/${id}`);
      await until(`lines that the page draws: ${how}`, WAIT, async () => (await board(other.page).panel("Both").count()) === 1 && (await coloured(board(other.page).panel("Both"))) > 100);
      assertEqual(await other.page.locator(".chart-ink").count(), 0, `canvases of the worker: ${how}`);
      await other.close();
    }
    await removeDashboard(id);
  },

  "what was before is drawn on the panels of a dashboard": async (browser) => {
    await seed();
    const id = `e2e-before-${RUN}`;
    await makeDashboard(document(id, [lines(1, "Both", METRIC), lines(2, "Sum", METRIC, { at: at(12, 0), style: { stack: "normal", fill: 0.3 } })]));
    const { page, sins, close } = await open(browser, `/dashboards/${id}?cmp=prev&tables=1`);
    const b = board(page);
    const heads = b.panel("Both").locator(".chart-table thead th");
    await until("columns of before", WAIT, async () => (await heads.count()) === 5);
    assertEqual((await heads.allTextContents()).slice(3), ["lower, before", "upper, before"], "the columns");
    // A quarter of an hour earlier the course was a quarter of one lower.
    const row = (await b.panel("Both").locator(".chart-table tbody tr").nth(20).locator("td").allTextContents()).map(Number);
    assert(Math.abs(row[0] - row[2] - 0.25) < 0.05, `now and before: ${row.join(", ")}`);
    await until("the stack and its sum of before", WAIT, () => drawn(b.panel("Sum")));
    await b.panel("Both").hover();
    await b.panel("Both").getByRole("button", { name: "Show Both as a chart" }).click();
    await until("the chart", WAIT, () => drawn(b.panel("Both")));
    await axe(page, "a dashboard with what was before");
    await shot(page, "dashview-before");
    assert(sins.length === 0, sins.join("\n"));
    await removeDashboard(id);
    await close();
  },

  "marks are switched, and read at the crosshair": async (browser) => {
    await seed();
    const id = `e2e-marks-${RUN}`;
    await makeDashboard(document(id, [lines(1, "Both", METRIC)], { annotations: [{ name: "Alerts", kind: "alerts", enabled: true }, { name: "Deployed", kind: "query", query: `${METRIC}{which="upper"} > bool 8.9`, enabled: false }] }));
    const { page, sins, close } = await open(browser, `/dashboards/${id}`);
    const b = board(page);
    const chart = b.panel("Both").getByRole("group", { name: /^Both: chart/ });
    /** Whether the crosshair, walking back from the end, comes to the mark. */
    const read = async () => {
      await chart.focus();
      await page.keyboard.press("End");
      for (let i = 0; i < 110; i++) {
        if (/lower .*upper .*Deployed/.test((await b.panel("Both").locator(".chart > [aria-live]").textContent()) ?? "")) return true;
        await page.keyboard.press("ArrowLeft");
      }
      return false;
    };
    await until("the chart", WAIT, () => drawn(b.panel("Both")));
    assert(!(await read()), "a mark that is switched off is read");
    await page.getByRole("checkbox", { name: "Deployed" }).focus();
    await page.keyboard.press("Space");
    await until("the mark", WAIT, read);
    await shot(page, "dashview-marks");
    await page.getByRole("checkbox", { name: "Deployed" }).uncheck();
    await until("it is gone", WAIT, async () => !(await read()));
    assert(sins.length === 0, sins.join("\n"));
    await removeDashboard(id);
    await close();
  },

  "a line, a number, the crosshair: each leads on": async (browser) => {
    await seed();
    const [id, other] = [`e2e-click-${RUN}`, `e2e-target-${RUN}`];
    await makeDashboard(document(id, [lines(1, "Both", `sum by (which) (${METRIC})`), stat(2, "Numbers", 12, 0, { queries: [{ ref: "A", expr: METRIC, legend: "{{which}}" }] })]));
    await makeDashboard(document(other, [stat(1, "There", 0, 0)]));
    const { page, sins, close } = await open(browser, `/dashboards/${id}`);
    const b = board(page);
    const menu = page.getByRole("menu");
    await until("the chart", WAIT, () => drawn(b.panel("Both")));
    // Near the upper line, which is about 8.7 of about 10.
    await page.mouse.click(...(await pointOn(b.panel("Both"), 0.12)));
    await menu.waitFor();
    assertEqual(await menu.getAttribute("aria-label"), "upper", "the line that was meant");
    await axe(page, "the menu of a line");
    await shot(page, "dashview-menu");
    const explore = new URL(await item(page, "Open in Explore").getAttribute("href"), base).searchParams;
    assertEqual(explore.get("expr"), `sum by (which) (${METRIC}{which="upper"})`, "the query of that line alone");
    assert(new URL(await item(page, "Alert on this").getAttribute("href"), base).searchParams.get("q").includes('which="upper"'), "the alert is not on that line");
    await item(page, "Show only this").click();
    await until("only it", 3000, async () => JSON.stringify(await off(b, "Both")) === '["lower"]');
    await page.mouse.click(...(await pointOn(b.panel("Both"), 0.12)));
    await item(page, "Show all again").click();
    await until("both again", 3000, async () => (await off(b, "Both")).length === 0);
    await page.mouse.click(...(await pointOn(b.panel("Both"), 0.72)));
    assertEqual(await menu.getAttribute("aria-label"), "lower", "the other line");
    await item(page, "What moved with it").click();
    await page.getByRole("dialog", { name: "What explains this?" }).waitFor({ timeout: WAIT });
    await page.keyboard.press("Escape");
    // A number, and the table that it comes from.
    await b.panel("Numbers").locator(".stat").first().click();
    await item(page, "Show as a table").click();
    await until("its table", 3000, async () => (await b.panel("Numbers").locator("tbody tr").count()) === 2);
    await b.panel("Numbers").locator("tbody td").first().click();
    await item(page, "Show as a chart").click();
    // By keyboard: the crosshair reads values, Enter opens the menu; so does the menu key on a name.
    await b.panel("Both").getByRole("group", { name: /^Both: chart/ }).focus();
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("ArrowLeft");
    await until("values are read", 3000, async () => /lower \d.*upper \d/.test((await b.panel("Both").locator(".chart > [aria-live]").textContent()) ?? ""));
    await page.keyboard.press("Enter");
    await menu.waitFor();
    assertEqual(await menu.getAttribute("aria-label"), "Both", "the menu of the whole");
    await page.keyboard.press("Escape");
    assert(await page.evaluate(() => document.activeElement?.classList.contains("chart")), "the focus is not back on the chart");
    await b.panel("Both").getByRole("button", { name: "lower" }).focus();
    await page.keyboard.press("ContextMenu");
    assertEqual(await menu.getAttribute("aria-label"), "lower", "the menu of a name");
    await item(page, "Add to dashboard").focus();
    await page.keyboard.press("Enter");
    const add = page.getByRole("dialog", { name: "Add to dashboard" });
    assertEqual(await add.getByLabel("Title of the panel").inputValue(), "Both", "the title of the panel");
    await add.getByRole("combobox").selectOption(other);
    await axe(page, "adding a panel to a dashboard");
    await shot(page, "dashview-add");
    await add.getByRole("button", { name: "Add the panel" }).click();
    await add.getByRole("link", { name: "Open it" }).click();
    await until("it stands there", WAIT, async () => new URL(page.url()).pathname.endsWith(other) && (await drawn(b.panel("Both"))));
    assertEqual(await b.panels.count(), 2, "panels of that dashboard");
    assert(sins.length === 0, sins.join("\n"));
    await removeDashboard(id);
    await removeDashboard(other);
    await close();
  },

  "a panel without data says why: no such metric, ended, other labels, nothing left, a query that is wrong; one of too many series how many are missing": async (browser) => {
    await seed();
    const id = `e2e-empty-${RUN}`;
    const panels = [`${METRIC}_none`, `${METRIC}_ended`, `${METRIC}{which="another"}`, `${METRIC} > 1000`, `sum(`, `${METRIC}_many`].map((expr, i) => stat(i + 1, `P${i + 1}`, (i % 3) * 8, Math.floor(i / 3) * 6, { at: at((i % 3) * 8, Math.floor(i / 3) * 6, 8, 6), queries: [{ ref: "A", expr }] }));
    await makeDashboard(document(id, panels));
    const { page, close } = await open(browser, `/dashboards/${id}?tz=utc`);
    const b = board(page);
    const says = (title, what) => b.panel(title).getByText(what).waitFor({ timeout: WAIT });
    await says("P1", `Nothing called ${METRIC}_none has been collected.`);
    const ended = new Date(Math.floor((Date.now() - 7_200_000) / 60_000) * 60_000).toISOString();
    await says("P2", /has had no samples since/);
    const said = Date.parse(`${/since (.*?)\./.exec(await b.panel("P2").locator(".state").textContent())?.[1]} UTC`);
    assert(Math.abs(said - Date.parse(ended)) < 90_000, `${new Date(said).toISOString()}, not ${ended}`);
    await says("P3", /had no samples in the last 30 days/);
    await says("P4", /has samples in this time, but the query leaves none/);
    await b.panel("P5").getByRole("alert").waitFor({ timeout: WAIT });
    // More series than a panel asks for: what is shown says how many are not.
    await until("a hundred series", WAIT, async () => /20/.test((await b.panel("P6").locator(".dp-more").textContent()) ?? ""));
    await axe(page, "panels without data");
    await shot(page, "dashview-empty");
    await b.panel("P2").getByRole("button", { name: "Show that time" }).click();
    await until("its last values", WAIT, async () => (await b.panel("P2").locator(".stat-value").count()) === 1);
    await removeDashboard(id);
    await close();
  },

  "more copies than are shown are told": async (browser) => {
    const id = `e2e-many-${RUN}`;
    const values = Array.from({ length: 130 }, (_, i) => `n${i}`);
    await makeDashboard(document(id, [{ id: 1, kind: "text", title: "$n", text: "Copy $n", at: at(0, 0, 24, 2), repeat: { by: "n", max: 12 } }], { variables: [{ name: "n", kind: "custom", query: values.join(","), multi: true, include_all: true, current: ["$__all"] }] }));
    const { page, sins, close } = await open(browser, `/dashboards/${id}`);
    const b = board(page);
    await until("a hundred copies", WAIT, async () => (await b.panels.count()) === 100);
    await page.getByText("30 panels are not shown").waitFor();
    await axe(page, "more copies than are shown");
    assert(sins.length === 0, sins.join("\n"));
    await removeDashboard(id);
    await close();
  },

  "sixteen panels: what is out of sight asks nothing, what is in sight asks once a refresh": async (browser) => {
    const id = `e2e-sight-${RUN}`;
    const panels = Array.from({ length: 16 }, (_, i) => lines(i + 1, `P${i + 1}`, `node_load1 * ${i + 1}`, { at: at((i % 2) * 12, Math.floor(i / 2) * 8) }));
    await makeDashboard(document(id, panels, { time: { from: "now-5m", to: "now" }, refresh: "live" }));
    const { page, sins, close } = await open(browser, "about:blank");
    const asked = [];
    const followed = [];
    page.on("request", (r) => r.url().endsWith("/panels/query") && asked.push(JSON.parse(r.postData() ?? "{}").queries.map((q) => Number(/\* (\d+)/.exec(q.expr)?.[1]))));
    page.on("websocket", (s) => s.on("framesent", ({ payload }) => typeof payload === "string" && followed.push(...[...payload.matchAll(/node_load1 \* (\d+)/g)].map((m) => Number(m[1])))));
    await page.goto(`${base}/dashboards/${id}?live=0`);
    const b = board(page);
    await until("the first chart", WAIT, () => drawn(b.panel("P1")));
    assertEqual(asked.length, 1, "requests");
    const inSight = await b.panels.evaluateAll((all) => all.filter((el) => el.getBoundingClientRect().top < innerHeight + 120).length);
    assert(inSight >= 2 && inSight < 16, `${inSight} panels in sight`);
    assertEqual([...asked[0]].sort((x, y) => x - y), Array.from({ length: inSight }, (_, i) => i + 1), "the panels that asked");
    await page.keyboard.press("r");
    await until("a second request", WAIT, () => asked.length === 2);
    assertEqual(asked[1].length, inSight, "queries of a refresh");
    await page.evaluate(() => document.querySelector("main").scrollTo(0, 1e6));
    await until("the last chart", WAIT, () => drawn(b.panel("P16")));
    const later = asked.slice(2).flat();
    assert(later.includes(16) && !later.includes(1), `after scrolling: ${later.join(", ")}`);
    assertEqual(later.length, new Set(later).size, "what was asked after scrolling, each once");
    const sofar = asked.length;
    // Live: the same, over the socket.
    await page.goto(`${base}/dashboards/${id}`);
    await until("the first chart, live", WAIT, () => drawn(b.panel("P1")));
    assertEqual([...new Set(followed)].sort((x, y) => x - y), Array.from({ length: inSight }, (_, i) => i + 1), "the panels that follow");
    assertEqual(asked.length, sofar, "requests while live");
    assert(sins.length === 0, sins.join("\n"));
    await removeDashboard(id);
    await close();
  },

  "dashboards at every width, light and dark: seen, edited, with menu and dialog": async (browser) => {
    await seed();
    const id = `e2e-widths-${RUN}`;
    await makeDashboard(document(id, [lines(1, "Both", METRIC), stat(2, "Numbers", 12, 0, { queries: [{ ref: "A", expr: METRIC, legend: "{{which}}" }] }), lines(3, "Sum", METRIC, { at: at(0, 8), style: { stack: "normal", fill: 0.3, legend: "table" } }), { id: 4, kind: "text", title: "Note", text: "## Read me\nSome words.", at: at(12, 8) }], { variables: [{ name: "which", kind: "query", query: `label_values(${METRIC}, which)`, multi: true, include_all: true, current: ["$__all"] }], annotations: [{ name: "Alerts", kind: "alerts", enabled: true }] }));
    for (const [theme, viewport] of [["light", { width: 1440, height: 900 }], ["dark", { width: 1440, height: 900 }], ["dark", { width: 768, height: 1024 }], ["light", PHONE], ["dark", PHONE], ["light", { width: 2560, height: 1440 }]]) {
      const { page, sins, close } = await open(browser, `/dashboards/${id}`, { theme, viewport });
      const b = board(page);
      const name = `${theme}-${viewport.width}`;
      const wide = () => page.evaluate(() => document.querySelector("main").scrollWidth - document.querySelector("main").clientWidth);
      await until("the chart", WAIT, () => drawn(b.panel("Both")));
      assertEqual(await wide(), 0, `px too wide, ${name}`);
      await axe(page, `a dashboard, ${name}`);
      await shot(page, `dashview-${name}`);
      await b.more.click();
      await axe(page, `its menu, ${name}`);
      await shot(page, `dashview-${name}-menu`);
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: "Edit", exact: true }).click();
      await page.locator("[data-cell]").first().waitFor({ timeout: WAIT });
      await page.getByRole("button", { name: "Edit Both" }).click();
      await page.getByRole("complementary", { name: "Panel Both" }).waitFor();
      await until("the chart beside the sheet", WAIT, () => drawn(b.panel("Both")));
      assertEqual(await wide(), 0, `px too wide while editing, ${name}`);
      await axe(page, `the editor, ${name}`);
      await shot(page, `dashview-${name}-edit`);
      assert(sins.length === 0, sins.join("\n"));
      await close();
    }
    await removeDashboard(id);
  },
};
