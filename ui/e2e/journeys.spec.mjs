// Journeys of people, with the time that each step may take.
import { assert, drawn, open, shot, until } from "./browser.mjs";
import { overview } from "./pages.mjs";

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
