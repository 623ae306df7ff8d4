import { assert, assertEqual, axe, open, PHONE, shot, until } from "./browser.mjs";
import { hook, receivers } from "./pages.mjs";
import { ask } from "./pagesInsight.mjs";

export default {
  "a receiver is added, hears of what it should, is tested, and removed": async (browser) => {
    const { page, sins, close } = await open(browser, "/alerts/receivers");
    const r = receivers(page);
    const name = `e2e-${Date.now()}`;
    const to = await hook();
    await page.getByRole("button", { name: "New receiver" }).click();
    await r.text.waitFor();
    await r.write("webhook_configz: []\n");
    await until("what is wrong with it", 10_000, async () => ((await page.locator(".problems").textContent()) ?? "").length > 5 && !/No problems/.test((await page.locator(".problems").textContent()) ?? ""));
    await axe(page, "a receiver with a problem");
    await r.write(`webhook_configs:\n- url: ${to.url}\nmatchers: ['e2e="${name}"']\n`);
    await until("no problems", 10_000, async () => /No problems/.test((await page.locator(".problems").textContent()) ?? ""));
    await page.getByLabel("Name of the receiver").fill(name);
    await page.getByLabel("Your name").fill("ana");
    await page.getByRole("button", { name: "Save and use" }).click();
    await until("it in the list", 10_000, async () => ((await r.list.textContent()) ?? "").includes(name));
    await r.detail(name).waitFor();

    await r.labels.fill(`e2e="${name}" severity=info`);
    await until("that it would be told", 10_000, async () => ((await r.way.textContent()) ?? "").includes(name));
    await shot(page, "receivers");
    await axe(page, "receivers");
    assert(new URL(page.url()).searchParams.get("q")?.includes(name), `the labels are not in the address: ${page.url()}`);
    await r.labels.fill("severity=info");
    await until("that it would not", 10_000, async () => !((await r.way.locator("ul").textContent()) ?? "").includes(name));

    await r.detail(name).getByRole("button", { name: "Send a test" }).click();
    await until("that it was taken", 15_000, async () => /took it after/.test((await r.detail(name).textContent()) ?? ""));
    assertEqual(to.got.length, 1, "messages that came");
    await r.detail(name).getByRole("button", { name: "Delete" }).click();
    await until("its end", 10_000, async () => !(await ask(page, "receivers")).receivers.some((x) => x.name === name));
    to.close();
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },

  "receivers in the dark and on a phone": async (browser) => {
    for (const [theme, viewport] of [["dark"], ["light", PHONE]]) {
      const { page, sins, close } = await open(browser, "/alerts/receivers?q=severity%3Dcritical", { theme, ...(viewport ? { viewport } : {}) });
      const r = receivers(page);
      await until("an answer", 10_000, async () => /Nobody\.|First after/.test((await r.way.textContent()) ?? ""));
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert(wide <= 0, `${wide} px too wide`);
      await axe(page, `receivers, ${theme}`);
      await shot(page, `receivers-${theme}-${viewport?.width ?? 1440}`);
      assert(sins.length === 0, sins.join("\n"));
      await close();
    }
  },
};
