// Changing dashboards as people do: by pointer, by finger, by keyboard alone, as YAML, for oneself, and taking it back.
import { assert, assertEqual, axe, base, drawn, open, PHONE, shot, until } from "./browser.mjs";
import { at, board, dragged, editor, item, list, makeDashboard, removeDashboard, stat, WAIT, walk } from "./pagesDashboards.mjs";

/** Of this run: earlier ones may have left theirs. */
const RUN = Date.now().toString(36);
const four = (id, more = {}) => ({
  id,
  title: `Browser test ${id}`,
  folder: "Tests",
  time: { from: "now-5m", to: "now" },
  refresh: "live",
  panels: [stat(1, "One", 0, 0), stat(2, "Two", 12, 0), stat(3, "Three", 0, 6), stat(4, "Four", 12, 6)],
  ...more,
});

export default {
  "panels are moved and resized by pointer: others make room, Escape puts all back, one drag is one step": async (browser) => {
    const id = `e2e-drag-${RUN}`;
    await makeDashboard(four(id));
    const { page, sins, close } = await open(browser, `/dashboards/${id}?edit=1`);
    const e = editor(page);
    await e.cell("One").waitFor({ timeout: WAIT });
    assertEqual(await at(e.cell("One")), [1, 1, 12, 6], "where it begins");
    // Dropped on another, which goes below it.
    await dragged(page, e.grip("One"), e.cell("Two"), async () => shot(page, "dashedit-dragging"));
    assertEqual(await at(e.cell("One")), [13, 1, 12, 6], "dropped on Two");
    assertEqual((await at(e.cell("Two")))[1], 7, "the row of Two, which made room");
    assert(await e.cell("One").evaluate((el) => el === document.activeElement), "the focus is not on what was dragged");
    // A drag that is given up leaves everything as it was.
    const before = await Promise.all(["One", "Two", "Three", "Four"].map((n) => at(e.cell(n))));
    await dragged(page, e.grip("One"), e.cell("Three"), () => page.keyboard.press("Escape"));
    assertEqual(await Promise.all(["One", "Two", "Three", "Four"].map((n) => at(e.cell(n)))), before, "after Escape");
    // The corner: smaller, with room for others; never smaller than can be read.
    await dragged(page, e.corner("One"), { dx: -6.2, dy: -3 });
    assertEqual(await at(e.cell("One")), [13, 1, 6, 3], "resized");
    await dragged(page, e.corner("One"), { dx: -30, dy: -30 });
    assertEqual((await at(e.cell("One"))).slice(2), [2, 2], "the least size");
    // Three steps, each of many movements, are taken back one by one.
    await page.keyboard.press("Control+z");
    await page.keyboard.press("Control+z");
    await until("its first width", 3000, async () => (await at(e.cell("One")))[2] === 12);
    await page.keyboard.press("Control+z");
    await until("all where it began", 3000, async () => JSON.stringify(await at(e.cell("One"))) === "[1,1,12,6]");
    assert(await page.getByRole("button", { name: "Undo" }).isDisabled(), "there is more to take back than was done");
    assert(sins.length === 0, sins.join("\n"));
    await removeDashboard(id);
    await close();
  },

  "by finger: a tablet drags panels, a telephone scrolls past them": async (browser) => {
    const id = `e2e-touch-${RUN}`;
    await makeDashboard(four(id));
    for (const [viewport, moves] of [[{ width: 1024, height: 768 }, true], [PHONE, false]]) {
      const context = await browser.newContext({ viewport, hasTouch: true, isMobile: true, reducedMotion: "reduce" });
      const page = await context.newPage();
      const errors = [];
      page.on("pageerror", (x) => errors.push(x.message));
      await page.goto(`${base}/dashboards/${id}?edit=1`);
      const e = editor(page);
      await e.cell("One").waitFor({ timeout: WAIT });
      const cdp = await context.newCDPSession(page);
      const grip = await e.grip("One").boundingBox();
      const to = await e.cell(moves ? "Two" : "Three").boundingBox();
      const [x, y] = [grip.x + grip.width / 2, grip.y + 12];
      const touch = (type, touchPoints) => cdp.send("Input.dispatchTouchEvent", { type, touchPoints });
      await touch("touchStart", [{ x, y }]);
      for (let i = 1; i <= 8; i++) await touch("touchMove", [{ x: x + ((moves ? to.x - grip.x : 0) * i) / 8, y: y + (moves ? 0 : -20 * i) }]);
      await touch("touchEnd", []);
      await until(moves ? "it moved" : "it stands where it stood", 3000, async () => (await at(e.cell("One")))[0] === (moves ? 13 : 1));
      if (!moves) await until("the page scrolled", 3000, () => page.evaluate(() => document.querySelector("main").scrollTop > 0 || scrollY > 0));
      await shot(page, `dashedit-touch-${viewport.width}`);
      assert(errors.length === 0, errors.join("\n"));
      await context.close();
    }
    await removeDashboard(id);
  },

  "by keyboard alone: panels and choices that depend on each other are made, saved, compared and restored": async (browser) => {
    const { page, sins, close } = await open(browser, "/dashboards");
    await list(page).rows.first().waitFor({ timeout: WAIT });
    const keys = page.keyboard;
    const { tabTo, backTo, pick } = walk(page);
    await keys.press("n");
    const e = editor(page);
    await e.settings.waitFor({ timeout: WAIT });
    await tabTo("the title", e.settings.getByLabel("Title"));
    await keys.type(`By keyboard ${RUN}`);
    // Two choices, the second of what the first leaves.
    await backTo("the tabs", e.settings.getByRole("tab", { name: "General" }));
    await keys.press("ArrowRight");
    for (const [name, query] of [["mode", "label_values(node_cpu_seconds_total, mode)"], ["cpu", 'label_values(node_cpu_seconds_total{mode=~"$mode"}, cpu)']]) {
      await tabTo("Add choice", e.settings.getByRole("button", { name: "Add choice" }));
      await keys.press("Enter");
      const one = e.settings.locator(".lf-item").last();
      await backTo("its name", one.getByLabel("Name"));
      await keys.press("Control+a");
      await keys.type(name);
      await tabTo("its query", one.getByLabel("Of what"));
      await keys.press("Control+a");
      await keys.type(query);
      await tabTo("whether several", one.getByLabel("Several"));
      if (name === "mode") await keys.press("Space");
      await tabTo("Add choice", e.settings.getByRole("button", { name: "Add choice" }));
    }
    await until("the choice above the board", WAIT, async () => (await board(page).choice("mode").count()) === 1);
    await keys.press("Escape");
    for (const [kind, query] of [["Time series", 'sum by (mode) (rate(node_cpu_seconds_total{mode=~"$mode",cpu="$cpu"}[1m]))'], ["Number", "node_load1"]]) {
      await backTo("Add panel", e.add);
      await keys.press("Enter");
      await pick(kind);
      await e.sheet.waitFor();
      await page.locator(".expr-box .cm-content").waitFor({ timeout: WAIT });
      await tabTo("the query", e.query);
      // As a paste: the editor would close brackets and quotes that are typed.
      await keys.insertText(query);
      await keys.press("Escape");
      // The first Escape closes the list of completions, if there is one.
      if (await e.sheet.count()) await keys.press("Escape");
      await e.sheet.waitFor({ state: "detached" });
    }
    const [first, second] = [e.cells.nth(0), e.cells.nth(1)];
    await backTo("the first panel", first, true);
    assertEqual(await at(first), [1, 1, 12, 8], "the first panel");
    await keys.press("Shift+ArrowLeft");
    await until("it is told", 3000, async () => /column 1, row 1, 11 wide/.test((await e.said.textContent()) ?? ""));
    await keys.press("ArrowRight");
    await until("it moved", 3000, async () => /column 2, row 1, 11 wide/.test((await e.said.textContent()) ?? ""));
    await keys.press("Control+z");
    await keys.press("Control+z");
    await until("both steps taken back", 3000, async () => (await at(first))[2] === 12);
    await keys.press("Control+Shift+z");
    await until("one again", 3000, async () => (await at(first))[2] === 11);
    await axe(page, "the editor");
    await shot(page, "dashboard-editor");
    await tabTo("the second panel", second, 80, true);
    await keys.press("d");
    await until("a third", 3000, async () => (await e.cells.count()) === 3);
    await keys.press("Delete");
    await until("two again", 3000, async () => (await e.cells.count()) === 2);
    await keys.press("Control+s");
    await e.save.waitFor();
    await keys.type("first");
    await tabTo("the name", e.save.getByLabel("Your name"));
    await keys.press("Control+a");
    await keys.type("ana");
    await keys.press("Enter");
    await e.save.waitFor({ state: "detached", timeout: WAIT });
    await until("its own address", WAIT, () => /\/dashboards\/[a-z0-9-]+(\?|$)/.test(page.url()));
    const id = new URL(page.url()).pathname.split("/").pop();
    const b = board(page);
    await until("its number", WAIT, async () => (await page.locator(".stat-value").count()) === 1);
    await until("its chart, of the choices that were resolved", WAIT, () => drawn(b.panels.first()));
    // The second choice follows the first: it is made by keyboard, too.
    await tabTo("the first choice", b.choice("mode"));
    await keys.press("Enter");
    await page.getByRole("combobox", { name: "Search mode" }).waitFor();
    await keys.type("idle");
    await keys.press("Enter");
    await keys.press("Escape");
    await until("the choice in the address", WAIT, () => new URL(page.url()).searchParams.getAll("v.mode").includes("idle"));
    // A second version: one panel less.
    await keys.press("e");
    await e.cells.first().waitFor({ timeout: WAIT });
    await tabTo("the first panel", e.cells.first(), 80, true);
    await keys.press("Delete");
    await keys.press("Control+s");
    await e.save.waitFor();
    await keys.type("less");
    await keys.press("Enter");
    await e.save.waitFor({ state: "detached", timeout: WAIT });
    await until("one panel", WAIT, async () => (await b.panels.count()) === 1);
    await tabTo("the dashboard's menu", b.more);
    await keys.press("Enter");
    await pick("Versions");
    const versions = page.getByRole("dialog", { name: /^Versions of/ });
    await until("two versions", WAIT, async () => (await versions.locator(".version").count()) === 2);
    await until("what changed", WAIT, async () => (await versions.locator(".diff-less").count()) > 0);
    assertEqual(await versions.evaluate((el) => el.scrollWidth - el.clientWidth), 0, "px that the versions are too wide");
    await axe(page, "versions");
    await shot(page, "dashboard-versions");
    await tabTo("restoring the first", versions.getByRole("button", { name: "Restore: Version 1" }));
    await keys.press("Enter");
    await versions.waitFor({ state: "detached", timeout: WAIT });
    await until("both panels again", WAIT, async () => (await b.panels.count()) === 2);
    await until("both choices still", WAIT, async () => (await b.choice("mode").count()) === 1 && (await b.choice("cpu").count()) === 1);
    assert(sins.length === 0, sins.join("\n"));
    await removeDashboard(id);
    await close();
  },

  "a layout of one's own changes nothing for others, and is dropped again": async (browser) => {
    const id = `e2e-mine-${RUN}`;
    await makeDashboard(four(id));
    const { page, sins, close } = await open(browser, `/dashboards/${id}?edit=1`);
    const e = editor(page);
    const b = board(page);
    const where = async () => ((await b.panel("One").boundingBox())?.x ?? 0) > ((await b.panel("Three").boundingBox())?.x ?? 0) + 1;
    await e.cell("One").waitFor({ timeout: WAIT });
    await dragged(page, e.grip("One"), e.cell("Two"));
    await page.getByRole("button", { name: "Keep for me" }).click();
    // Nobody has said who sits here yet.
    const who = page.getByRole("dialog", { name: "Keep for me" });
    await who.getByRole("button", { name: "Keep for me" }).click();
    await who.getByText("Say who you are").waitFor();
    await axe(page, "keeping a layout for oneself");
    await who.getByLabel("Your name").fill(`ana ${RUN}`);
    await page.keyboard.press("Enter");
    await until("my layout", WAIT, async () => (await b.panels.count()) === 4 && (await where()));
    assertEqual((await (await fetch(`${base}/api/plimsoll/v1/dashboards/${id}`)).json()).version, 1, "the version of everybody's");
    await page.reload();
    await until("my layout after a reload", WAIT, async () => (await b.panels.count()) === 4 && (await where()));
    await shot(page, "dashview-mine");
    await page.getByRole("button", { name: "your layout" }).click();
    await until("everybody's", 3000, async () => !(await where()));
    await page.getByRole("button", { name: "everybody's layout" }).click();
    await until("mine again", 3000, where);
    const other = await open(browser, `/dashboards/${id}`);
    await until("another browser shows everybody's", WAIT, async () => (await board(other.page).panels.count()) === 4);
    assertEqual(await other.page.getByRole("button", { name: "your layout" }).count(), 0, "layouts of others");
    await other.close();
    await b.more.click();
    await item(page, "My layout").click();
    await axe(page, "my layout");
    await page.getByRole("button", { name: "Drop my layout" }).click();
    await until("everybody's again", WAIT, async () => !(await where()));
    assert(sins.length === 0, sins.join("\n"));
    await removeDashboard(id);
    await close();
  },

  "a dashboard is duplicated, deleted after a question, and brought back": async (browser) => {
    const id = `e2e-gone-${RUN}`;
    await makeDashboard(four(id));
    const { page, sins, close } = await open(browser, `/dashboards/${id}`);
    const b = board(page);
    await until("its panels", WAIT, async () => (await b.panels.count()) === 4);
    await b.more.click();
    await item(page, "Duplicate").click();
    await editor(page).cell("One").waitFor({ timeout: WAIT });
    const copy = new URL(page.url()).pathname.split("/").pop();
    assert(copy !== id, "the copy has the address of the original");
    assertEqual(await page.locator(".dash-title").textContent(), `Browser test ${id} (copy)`, "the title of the copy");
    await page.goto(`${base}/dashboards/${copy}`);
    await b.more.click();
    await item(page, "Delete").click();
    const ask = page.getByRole("dialog", { name: /^Delete / });
    await axe(page, "the question before deleting");
    await shot(page, "dashview-delete");
    await ask.getByRole("button", { name: "Cancel" }).click();
    await b.more.click();
    await item(page, "Delete").click();
    await ask.getByRole("button", { name: "Delete", exact: true }).click();
    const gone = page.getByText(`Browser test ${id} (copy) was deleted.`);
    await gone.waitFor({ timeout: WAIT });
    assertEqual((await fetch(`${base}/api/plimsoll/v1/dashboards/${copy}`)).status, 404, "what was deleted");
    await axe(page, "the list after a removal");
    await shot(page, "dashlist-removed");
    await page.getByRole("button", { name: "Bring it back" }).click();
    await until("it is back", WAIT, async () => new URL(page.url()).pathname.endsWith(copy) && (await b.panels.count()) === 4);
    assert(sins.length === 0, sins.join("\n"));
    await removeDashboard(copy);
    await removeDashboard(id);
    await close();
  },

  "as YAML: mistakes at their lines, taken over when it is right; downloads as YAML and for Grafana": async (browser) => {
    const id = `e2e-yaml-${RUN}`;
    await makeDashboard(four(id));
    const { page, sins, close } = await open(browser, `/dashboards/${id}?edit=1`);
    const e = editor(page);
    await e.cell("One").waitFor({ timeout: WAIT });
    await page.getByRole("button", { name: "YAML" }).click();
    const dialog = page.getByRole("dialog", { name: /as YAML$/ });
    const box = dialog.locator(".cm-content");
    await box.waitFor({ timeout: WAIT });
    const lines = await box.locator(".cm-line").allTextContents();
    assert(/^id: e2e-yaml/.test(lines[0]) && lines.some((l) => /^ +kind: stat$/.test(l)), `no YAML: ${lines.slice(0, 4).join("|")}`);
    const write = async (next) => {
      await box.click();
      await page.keyboard.press("Control+a");
      await page.keyboard.insertText(next);
    };
    const wrong = [`id: ${id}`, "title: Written", "panels:", "  - id: 1", "    kind: statt", "    title: One", "    at: {x: 0, y: 0, w: 12, h: 6}"].join("\n");
    await write(wrong);
    const line = dialog.getByRole("button", { name: "Line 5" });
    await line.waitFor({ timeout: WAIT });
    assert(await dialog.getByRole("button", { name: "Take over" }).isDisabled(), "what is wrong can be taken over");
    await until("it is underlined", 5000, async () => (await dialog.locator(".cm-lintRange").count()) > 0);
    await axe(page, "mistakes in YAML");
    await shot(page, "dashedit-yaml");
    await line.click();
    await page.keyboard.press("End");
    await page.keyboard.insertText("!");
    await until("what is typed stands on that line", 3000, async () => (await dialog.locator(".cm-line").nth(4).textContent()) === "    kind: statt!");
    await write("panels: [");
    await dialog.getByRole("button", { name: /^Line \d/ }).waitFor({ timeout: WAIT });
    await write(wrong.replace("statt", "text\n    text: hello"));
    await dialog.getByText("Nothing is wrong with it.").waitFor({ timeout: WAIT });
    await dialog.getByRole("button", { name: "Take over" }).click();
    await until("one panel", 5000, async () => (await e.cells.count()) === 1 && (await page.locator(".dash-title").textContent()) === "Written");
    await page.keyboard.press("Control+z");
    await until("taken back", 3000, async () => (await e.cells.count()) === 4);
    await page.getByRole("button", { name: /^(Discard|Leave)$/ }).click();
    const b = board(page);
    await until("the dashboard", WAIT, async () => (await b.panels.count()) === 4);
    await b.more.click();
    await item(page, "YAML").click();
    const [yaml] = await Promise.all([page.waitForEvent("download"), dialog.getByRole("link", { name: "Download" }).click()]);
    assertEqual(yaml.suggestedFilename(), `${id}.yaml`, "the file");
    await page.keyboard.press("Escape");
    await b.more.click();
    const [grafana] = await Promise.all([page.waitForEvent("download"), item(page, "Export for Grafana").click()]);
    assertEqual(grafana.suggestedFilename(), `${id}.json`, "the file for Grafana");
    assert(sins.length === 0, sins.join("\n"));
    await removeDashboard(id);
    await close();
  },
};
