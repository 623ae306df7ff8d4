import { assert, assertEqual, axe, base, drawn, open, PHONE, shot, until } from "./browser.mjs";
import { ask, insights, PARTS } from "./pagesInsight.mjs";

export default {
  "every page of insights says what it shows or why it is empty, in both themes and on a phone": async (browser) => {
    for (const [theme, viewport] of [["light"], ["dark"], ["light", PHONE], ["dark", { width: 820, height: 1180 }], ["light", { width: 2560, height: 1440 }]]) {
      const { page, sins, close } = await open(browser, "/insights", { theme, ...(viewport ? { viewport } : {}) });
      const i = insights(page);
      for (const name of PARTS) {
        await i.part(name).click();
        await until(`${name} to answer`, 10_000, async () => (await page.locator(".skeleton:not(.query-chart .skeleton)").count()) === 0);
        assertEqual(await page.locator("h1").textContent(), name, "the heading");
        assert(((await page.locator(".split-list").textContent()) ?? "").trim().length > 20, `${name} says nothing`);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert(wide <= 0, `${name} is ${wide} px too wide at ${viewport?.width ?? 1440}`);
        if (!viewport) await axe(page, `${name}, ${theme}`);
        await shot(page, `insights-${name.toLowerCase().replaceAll(" ", "-")}-${theme}-${viewport?.width ?? 1440}`);
      }
      assert(sins.length === 0, sins.join("\n"));
      await close();
    }
  },

  "while the server does not answer, nothing is counted and nothing is denied": async (browser) => {
    const { page, close } = await open(browser, "about:blank");
    await page.route("**/api/plimsoll/v1/**", (r) => r.fulfill({ status: 503, json: { status: "error", errorType: "unavailable", error: "not now" } }));
    for (const path of ["/insights", "/insights/recommendations", "/insights/health"]) {
      await page.goto(base + path);
      await page.getByText("not now").first().waitFor();
      assert((await page.locator(".chip-count").count()) === 0, `${path} counts what it does not know`);
    }
    await page.goto(`${base}/compare`);
    await page.getByText("Not known while the server does not answer.").waitFor({ state: "attached" });
    await close();
  },

  "an insight shows its evidence, what explains it, and takes a word": async (browser) => {
    const { page, sins, close } = await open(browser, "/insights");
    const i = insights(page);
    // A server that has just been started on a host with room everywhere has nothing to tell for a while.
    const { insights: all } = await ask(page, "insights?state=new");
    if (all.length === 0) {
      await page.getByText("Nothing was found.").waitFor({ timeout: 10_000 });
      await close();
      return;
    }
    await until("cards", 10_000, async () => (await i.cards.count()) >= 1);
    await until("the evidence", 10_000, () => drawn(i.cards.first().locator(".query-chart")));
    await i.cards.first().getByRole("link", { name: /^What explains it/ }).click();
    await i.detail.waitFor();
    const id = new URL(page.url()).pathname.split("/").at(-1);
    assert(all.some((x) => x.id === id), `what is open is not in the address: ${page.url()}`);
    await until("the evidence of what is open", 10_000, () => drawn(i.detail.locator(".query-chart").first()));
    await page.getByText(/series looked at in/).waitFor({ timeout: 30_000 });
    await axe(page, "an open insight");
    await shot(page, "insight-open");
    await i.detail.getByRole("button", { name: "Useful", exact: true }).click();
    await page.getByLabel("Your name").fill("ana");
    await page.keyboard.press("Enter");
    await page.getByText("ana said that it is useful").first().waitFor({ timeout: 10_000 });
    const said = await ask(page, `insights/${id}`);
    assertEqual([said.state, said.acknowledged.by], ["acknowledged", "ana"], "what the server knows");
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },
};
