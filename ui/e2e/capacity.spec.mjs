import { assert, assertEqual, axe, drawn, open, PHONE, shot, until } from "./browser.mjs";
import { ask, capacity, journey } from "./pagesInsight.mjs";

const text = async (locator) => ((await locator.textContent()) ?? "").replaceAll(/\s+/g, " ");

export default {
  "J-10: when it fills, what 30 % more traffic would do, and the table to take along": async (browser) => {
    const { page, sins, close } = await open(browser, "/");
    const c = capacity(page);
    // The first load lines come within a minute of a start.
    await until("resources", 70_000, async () => (await ask(page, "capacity")).resources.length >= 2);
    await journey("J-10", 60_000, async () => {
      await page.keyboard.press("g");
      await page.keyboard.press("c");
      await until("the resources", 10_000, async () => (await c.rows.count()) >= 2);
      const { resources } = await ask(page, "capacity");
      for (const r of resources) {
        const shown = await text(c.row(r.title));
        const want = r.days ? /in \d/ : r.state === "learning" ? /learning/ : /no breach foreseen/;
        assert(want.test(shown), `${r.title} is ${r.state}, and the page says: ${shown}`);
        assert(!r.days || /–|or later/.test(shown), `${r.title} has no interval: ${shown}`);
      }
      await c.slider.focus();
      for (let i = 0; i < 3; i++) await page.keyboard.press("ArrowRight");
      await until("the load in the address", 5000, () => new URL(page.url()).searchParams.get("load") === "1.3");
      assertEqual(await c.said.textContent(), "1.3 times today's", "what is assumed");
      await until("the answer for it", 10_000, async () => (await page.locator(".cap-then").count()) === (await c.rows.count()));
      const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "CSV" }).click()]);
      const stream = await download.createReadStream();
      let csv = "";
      for await (const chunk of stream) csv += chunk;
      assertEqual(csv.trim().split("\r\n").length, (await c.rows.count()) + 1, "lines of the table");
      assert(/^capacity-\d{4}-\d\d-\d\d\.csv$/.test(download.suggestedFilename()), download.suggestedFilename());
    });
    await shot(page, "capacity-what-if");
    await page.reload();
    await until("the same again from the address", 10_000, async () => (await c.said.textContent()) === "1.3 times today's" && (await page.locator(".cap-then").count()) > 0);
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },

  "a resource shows its past, its limit, and where its numbers are from": async (browser) => {
    for (const [theme, viewport] of [["dark"], ["light"], ["light", PHONE], ["dark", { width: 820, height: 1180 }], ["light", { width: 2560, height: 1440 }]]) {
      const { page, sins, close } = await open(browser, "/capacity", { theme, ...(viewport ? { viewport } : {}) });
      const c = capacity(page);
      await until("the resources", 70_000, async () => (await c.rows.count()) >= 2);
      await shot(page, `capacity-${theme}-${viewport?.width ?? 1440}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert(wide <= 0, `${wide} px too wide at ${viewport?.width ?? 1440}`);
      if (!viewport) await axe(page, `capacity, ${theme}`);
      await c.open("memory of vm").or(c.rows.filter({ hasText: /^memory/i }).first().getByRole("button")).first().click();
      await until("the chart", 15_000, () => drawn(c.detail.locator(".query-chart")));
      await until("the course, or why there is none", 20_000, async () => /cone|No course/.test((await c.detail.textContent()) ?? ""));
      if (!viewport) await axe(page, `an open resource, ${theme}`);
      await shot(page, `capacity-open-${theme}-${viewport?.width ?? 1440}`);
      assert((await text(c.detail)).includes("node_memory_MemTotal_bytes"), "the queries are not told");
      assert(sins.length === 0, sins.join("\n"));
      await close();
    }
  },
};
