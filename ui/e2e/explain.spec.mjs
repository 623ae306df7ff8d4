import { assert, assertEqual, open, PHONE, shot, until } from "./browser.mjs";
import { explore, REPEATED } from "./pages.mjs";

const address = (expr) => `/explore?tab=explain&expr=${encodeURIComponent(expr)}`;
const labels = (e) => e.planRows.locator("code").allTextContents();
const focused = (page) => page.evaluate(() => document.activeElement?.querySelector("code")?.textContent ?? "");

export default {
  "explain tells what a query read and where its time went": async (browser) => {
    const { page, sins, close } = await open(browser, "/explore");
    const e = explore(page);
    await e.ask("node_load1");
    await page.getByRole("tab", { name: "Explain" }).click();
    await until("the tree of one selector", 10_000, async () => (await labels(e)).join() === "node_load1");
    assertEqual(new URL(page.url()).searchParams.get("tab"), "explain", "tab in the address");
    await e.ask(REPEATED);
    await until("the tree", 10_000, async () => (await e.planRows.count()) === 11);
    assertEqual((await labels(e)).slice(0, 5), ["… + …", "… / …", "sum by (mode) (…)", "rate(…)", "node_cpu_seconds_total[1m]"], "parts");
    const read = e.planRows.nth(4);
    const cells = await read.locator("td").allTextContents();
    assert(Number(cells[2]) >= 1 && Number(cells[3].replaceAll(",", "")) >= 1, `series and samples of the selector: ${cells}`);
    assert(cells[4] === "raw" && /raw: less than two hours/.test(cells[5]), `tier and reason: ${cells}`);
    assert(/ (s|%)/.test(cells[1]), `time and share: ${cells}`);
    const totals = (await page.locator(".plan-totals").textContent()) ?? "";
    assert(/Time.+measured at .+samples.+2 selectors, raw.+steps of 5 s.+at most at once.+0 of \d+/s.test(totals), totals);
    assert((await e.planRows.locator(".badge-same").count()) === 1, "the repeated expression is not told");
    const bars = await e.planRows.locator(".plan-bar").count();
    assertEqual(bars, 10, "bars: one a part, but none for what was there already");
    await shot(page, "explain-wide");
    await page.reload();
    await until("the tree after a reload", 10_000, async () => (await e.planRows.count()) === 11);
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },

  "the tree of explain is walked by keyboard, and lights the query up": async (browser) => {
    const { page, sins, close } = await open(browser, address(REPEATED));
    const e = explore(page);
    await until("the tree", 10_000, async () => (await e.planRows.count()) === 11);
    await e.editor.waitFor();
    await e.planRows.first().focus();
    for (const _ of "ab") await page.keyboard.press("ArrowDown");
    await until("the third row", 2000, async () => (await focused(page)) === "sum by (mode) (…)");
    assertEqual((await e.lit.allTextContents()).join(""), "sum by (mode) (rate(node_cpu_seconds_total[1m]))", "what is lit in the query");
    await page.keyboard.press("ArrowLeft");
    await until("a closed row", 2000, async () => (await e.planRows.count()) === 9);
    assertEqual(await e.planRows.nth(2).getAttribute("aria-expanded"), "false", "aria-expanded");
    assert(!page.url().includes("from="), "an arrow moved the time range");
    await page.keyboard.press("End");
    await until("the last row", 2000, async () => (await focused(page)) === "node_load1");
    // To the repeated expression, and from there to where it was evaluated, which is closed.
    for (const _ of "abc") await page.keyboard.press("ArrowUp");
    await until("the repeated row", 2000, async () => (await focused(page)) === "rate(node_cpu_seconds_total[1m])");
    await page.keyboard.press("Enter");
    await until("the row that was evaluated", 2000, async () => (await focused(page)) === "rate(…)");
    assertEqual(await e.planRows.count(), 11, "rows");
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    await until("the child", 2000, async () => (await focused(page)) === "node_cpu_seconds_total[1m]");
    await e.planRows.nth(9).hover();
    await until("the subquery is lit", 2000, async () => (await e.lit.allTextContents()).join("") === "node_load1[10m:30s]");
    await page.mouse.move(5, 5);
    await until("nothing is lit", 2000, async () => (await e.lit.count()) === 0);
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },

  "explain says why it cannot, and goes on when the query is mended": async (browser) => {
    const { page, close } = await open(browser, address("sum(up"));
    const e = explore(page);
    await e.error.waitFor({ timeout: 10_000 });
    assert(/line 1, column 7.*unclosed left parenthesis/s.test((await e.error.textContent()) ?? ""), "the error");
    await e.ask("sum(up)");
    await until("the tree", 10_000, async () => (await labels(e)).join() === "sum(…),up");
    await e.ask("1 + 2");
    await until("a query that reads nothing", 10_000, async () => /reads nothing/.test((await page.locator(".plan-totals").textContent()) ?? ""));
    await close();
  },

  "while explain waits it says so": async (browser) => {
    const { page, close } = await open(browser, "about:blank");
    let go = () => {};
    const gate = new Promise((r) => {
      go = r;
    });
    await page.route(/\/query\/explain$/, async (route) => {
      await gate;
      await route.continue();
    });
    await page.goto(new URL(address("up"), process.env["PLIMSOLL_URL"] ?? "http://127.0.0.1:7546").href);
    await page.locator(".explore-result .skeleton").waitFor({ timeout: 10_000 });
    go();
    await until("the tree", 10_000, async () => (await explore(page).planRows.count()) === 1);
    await close();
  },

  "explain fits a narrow window": async (browser) => {
    const { page, sins, close } = await open(browser, address(REPEATED), { viewport: PHONE, theme: "dark" });
    const e = explore(page);
    await until("the tree", 10_000, async () => (await e.planRows.count()) === 11);
    const wide = await page.evaluate(() => Math.max(...[...document.querySelectorAll(".plan *")].map((x) => x.getBoundingClientRect().right)) - innerWidth);
    assert(wide <= 0, `something is ${wide} px beyond the screen`);
    assert(await e.planRows.nth(4).getByText("samples").or(e.planRows.nth(4).locator(".plan-samples")).first().isVisible(), "no samples");
    await shot(page, "explain-narrow");
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },
};
