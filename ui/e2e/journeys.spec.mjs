// Journeys of people, with the time that each step may take.
import { assert, assertEqual, axe, drawn, open, PHONE, shot, until } from "./browser.mjs";
import { hook, overview, postAlerts, receivers } from "./pages.mjs";
import { ask, journey } from "./pagesInsight.mjs";

export default {
  "J-01 see my machine: live within 5 s, then its page, its service and what is stored": async (browser) => {
    const { page, sins, close } = await open(browser, "/");
    const o = overview(page);
    await until("how it is, live, in 5 s", 5_000, async () => (await o.collected.isVisible()) && (await drawn(o.panel("CPU"))));
    await until("the golden signals", 5_000, async () => (await page.getByRole("region", { name: "Golden signals" }).getByRole("link").count()) >= 3);
    await until("load lines, or that they come", 5_000, async () => (await o.loadLines.count()) > 0 || (await page.getByText("The first load lines come within a minute").isVisible()));
    await until("the processes", 15_000, async () => (await o.panel("Top processes").locator("tbody tr").count()) > 0);
    await shot(page, "j01-overview");
    await page.getByRole("link", { name: "Hosts", exact: true }).first().click();
    const first = page.locator(".row-host a").first();
    await until("this host in the list", 10_000, () => first.isVisible());
    await first.click();
    await until("what is used, waits and fails", 10_000, () => page.getByRole("region", { name: "Utilisation, saturation, errors" }).isVisible());
    await until("CPU by mode drawn", 10_000, () => drawn(o.panel("CPU by mode")));
    assert(/\/hosts\/[^/?]+/.test(page.url()), `the address of the host is ${page.url()}`);
    await shot(page, "j01-host");
    await page.getByRole("navigation", { name: "Sections" }).getByRole("button", { name: "Network" }).click();
    await until("Received drawn", 10_000, () => drawn(o.panel("Received")));
    await page.goBack();
    await until("the list again", 5_000, () => first.isVisible());
    await page.keyboard.press("g");
    await page.keyboard.press("t");
    await page.getByRole("link", { name: "Storage", exact: true }).click();
    await until("what is stored", 10_000, () => page.getByText("Samples are taken in, and nothing is damaged.").isVisible());
    assert(page.url().includes("show=storage"), "the part is not in the address");
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },

  "J-02 get paged: an address is pasted, a test arrives, so does an alert, and both pages of history have it": async (browser) => {
    const to = await hook();
    const test = `paged${Date.now()}`;
    const { page, sins, close } = await open(browser, "/");
    const r = receivers(page);
    let name = "";
    await page.locator("main").waitFor();
    try {
      await journey("J-02", 180_000, async () => {
        await page.keyboard.press("g");
        await page.keyboard.press("x");
        await page.getByRole("button", { name: "New receiver" }).click();
        await r.text.waitFor();
        await r.address.fill(to.url);
        await until("the text made of it", 5_000, async () => ((await r.text.textContent()) ?? "").includes(to.url));
        await until("that nothing is wrong with it", 10_000, async () => /No problems/.test((await page.locator(".problems").textContent()) ?? ""));
        const offered = await r.name.inputValue();
        assert(/^127-0-0-1/.test(offered), `the name that is offered is ${offered}`);
        // History outlives receivers: another name each time.
        name = `e2e-${test}`;
        await r.name.fill(name);
        await page.getByLabel("Your name").fill("ana");
        await axe(page, "a receiver made of an address");
        await shot(page, "j02-new");
        // Tested before anything is saved; the test is listed as one.
        await page.getByRole("button", { name: "Send a test" }).click();
        await page.getByText(/^The test arrived: webhook took it after/).waitFor({ timeout: 20_000 });
        assertEqual(to.got.length, 1, "messages that came");
        assertEqual(JSON.parse(to.got[0]).commonLabels.plimsoll_test, "true", "the mark of the test");
        assert(!(await ask(page, "receivers")).receivers.some((x) => x.name === name), "a test saves nothing");
        await until("the test among the messages", 10_000, async () => ((await r.sent.textContent()) ?? "").includes(`${name} webhook test`));
        await shot(page, "j02-tested");
        await page.getByRole("button", { name: "Save and use" }).click();
        await r.detail(name).waitFor();
        await until("it in the list", 10_000, async () => ((await r.list.textContent()) ?? "").includes(name));

        await postAlerts(test, [{ severity: "critical" }]);
        await until("the alert at the receiver", 60_000, () => to.got.some((body) => body.includes(test)));
        await until("it among the messages", 30_000, async () => new RegExp(`${name} webhook(?! test)`).test((await r.sent.textContent()) ?? ""));
        await shot(page, "j02-arrived");
        await page.getByRole("link", { name: "History", exact: true }).first().click();
        await until("the alert in the history", 30_000, async () => ((await page.locator("main").textContent()) ?? "").includes(`E2eP${test.slice(1)}`));
      });
    } finally {
      if (name) await ask(page, `receivers/${name}`, { method: "DELETE" }).catch(() => {});
      to.close();
    }
    assert(sins.length === 0, sins.join("\n"));
    await close();

    const phone = await open(browser, "/alerts/receivers?open=%2B", { theme: "dark", viewport: PHONE });
    await receivers(phone.page).address.fill("https://hooks.slack.com/services/x");
    await until("a receiver of Slack", 10_000, async () => ((await receivers(phone.page).text.textContent()) ?? "").includes("slack_configs"));
    const wide = await phone.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert(wide <= 0, `${wide} px too wide`);
    await axe(phone.page, "a new receiver, dark, 360 px");
    await shot(phone.page, "j02-360");
    assert(phone.sins.length === 0, phone.sins.join("\n"));
    await phone.close();
  },

  "a time zone by name, and the period before, are in the address and come along": async (browser) => {
    const { page, sins, close } = await open(browser, "/?tz=Asia%2FKolkata&cmp=prev&from=now-30m");
    await until("memory drawn", 20_000, () => drawn(overview(page).panel("Memory")));
    await page.keyboard.press("t");
    const dialog = page.getByRole("dialog", { name: "Time range" });
    await dialog.waitFor();
    assert((await dialog.getByLabel("Time zone").inputValue()) === "Asia/Kolkata", "the zone of the address is not chosen");
    await dialog.getByLabel("From").fill("2026-01-31 10:00");
    await dialog.getByLabel("To", { exact: true }).fill("2026-01-31 11:00");
    await dialog.getByRole("button", { name: "Apply" }).click();
    // 10:00 in Kolkata is 04:30 UTC.
    await until("the instant of that wall clock", 3_000, () => page.url().includes(`from=${Date.UTC(2026, 0, 31, 4, 30)}`));
    await page.keyboard.press("c");
    await until("no comparison any more", 3_000, () => !page.url().includes("cmp="));
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },
};
