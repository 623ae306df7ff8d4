import { assert, assertEqual, axe, base, drawn, open, PHONE, shot, until } from "./browser.mjs";
import { ask, compare, journey } from "./pagesInsight.mjs";
import { course, postGauges } from "./seed.mjs";

const HOURS = 2;
/** Calm until an hour ago, then three times as much of one thing; another stays as it was. */
const seed = (job) =>
  postGauges(job, [
    { name: "e2e_compare_queue_length", points: course(HOURS * 3_600_000, 15_000, (x, i) => (x < 0.5 ? 10 : 30) + ((i * 7) % 5)) },
    { name: "e2e_compare_workers", points: course(HOURS * 3_600_000, 15_000, (_, i) => 8 + ((i * 3) % 4)) },
  ]);

export default {
  "J-20: this hour with the last, ranked, and the link shows the same": async (browser) => {
    const job = `e2e-compare-${Date.now()}`;
    await seed(job);
    const { page, sins, close } = await open(browser, "/");
    const c = compare(page);
    let link = "";
    // Keys that are pressed before the page is there go nowhere.
    await page.locator("main").waitFor();
    await journey("J-20", 60_000, async () => {
      await page.keyboard.press("g");
      await page.keyboard.press("p");
      await page.getByText("Choose two periods.").waitFor({ timeout: 10_000 });
      await c.preset("This hour with the last").click();
      await c.only.fill(`{job="${job}"}`);
      await c.run.click();
      await until("the difference", 30_000, async () => (await c.row("e2e_compare_queue_length").count()) === 1);
      link = page.url();
    });
    assertEqual(await c.row("e2e_compare_workers").count(), 0, "what did not change");
    const row = (await c.row("e2e_compare_queue_length").textContent()) ?? "";
    assert(/\+1(\.00)?/.test(row) && /large/.test(row), `no effect size in: ${row}`);
    await until("both periods over each other", 10_000, () => drawn(c.row("e2e_compare_queue_length").locator(".query-chart")));
    await axe(page, "compare");
    await shot(page, "compare");
    await c.row("e2e_compare_queue_length").getByRole("button").first().click();
    await c.detail.waitFor();
    await until("the chart of it", 10_000, () => drawn(c.detail.locator(".query-chart")));
    await axe(page, "an open difference");
    await shot(page, "compare-open");
    assert(sins.length === 0, sins.join("\n"));
    await close();

    const other = await open(browser, link, { theme: "dark" });
    const d = compare(other.page);
    await until("the same from the link alone", 30_000, async () => (await d.row("e2e_compare_queue_length").count()) === 1);
    await axe(other.page, "compare, dark");
    await shot(other.page, "compare-dark");
    assert(other.sins.length === 0, other.sins.join("\n"));
    await other.close();
    for (const viewport of [PHONE, { width: 820, height: 1180 }, { width: 2560, height: 1440 }]) {
      const at = await open(browser, link, { viewport });
      await until("the same at another width", 30_000, async () => (await compare(at.page).row("e2e_compare_queue_length").count()) === 1);
      const wide = await at.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert(wide <= 0, `${wide} px too wide at ${viewport.width}`);
      await shot(at.page, `compare-${viewport.width}`);
      await at.close();
    }
  },

  "a period in which nothing was collected is told of": async (browser) => {
    const { page, sins, close } = await open(browser, "about:blank");
    const figure = { n: 60, mean: 1, median: 1, p95: 1 };
    const differences = ["node_load1", "node_load5"].map((metric) => ({ metric, labels: { instance: "vm" }, query: metric, what: "appeared", effect: 1, change_ratio: null, a: { n: 0, mean: null, median: null, p95: null }, b: figure, p: 0, q: 0, text: `${metric} appeared` }));
    await page.route("**/api/plimsoll/v1/analysis/compare*", (r) => r.fulfill({ json: { differences, looked_at: 900, truncated: true } }));
    const now = Date.now();
    await page.goto(`${base}/compare?a=${now - 7_200_000}~${now - 3_600_000}&b=${now - 3_600_000}~${now}`);
    await page.getByText("Little or nothing was collected in A").waitFor();
    assert(!((await page.locator(".diffs").textContent()) ?? "").includes("+1.00"), "what appeared has an effect");
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },

  "before and after a change: the periods lie around it": async (browser) => {
    const { page, sins, close } = await open(browser, "/compare");
    const c = compare(page);
    const to = new Date().toISOString();
    const from = new Date(Date.now() - 7 * 86_400_000).toISOString();
    // The start of the server under test is a change that is always known, a little after its first samples.
    await until("a change", 60_000, async () => (await ask(page, `analysis/changes?from=${from}&to=${to}&in_data=false`)).changes.length > 0);
    await page.reload();
    await until("the change to pick", 15_000, async () => (await c.changes.locator("option").count()) > 1);
    const at = Number(await c.changes.locator("option").nth(1).getAttribute("value"));
    await c.changes.selectOption(String(at));
    const [a, b] = ["a", "b"].map((k) => new URL(page.url()).searchParams.get(k).split("~").map(Number));
    assertEqual([a[1], b[0]], [at, at], "the end of A and the beginning of B");
    if (b[1] - b[0] < 45_000) await page.getByText("Too early to compare.").waitFor();
    // A change of less than a minute ago is waited for, without an error.
    await until("an answer", 90_000, async () => /series looked at|Nothing differs/.test((await page.locator(".list").textContent()) ?? "") || (await page.getByRole("alert").count()) > 0);
    assertEqual(await page.getByRole("alert").count(), 0, "failures");
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },
};
