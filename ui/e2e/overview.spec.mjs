import { assert, assertEqual, base, drawn, open, shot, until } from "./browser.mjs";
import { overview, top } from "./pages.mjs";

const PANELS = ["CPU", "Memory", "Disk I/O", "Network"];

export default {
  "overview shows live data of this host within 10 s": async (browser) => {
    const { page, sins, close } = await open(browser, "/");
    const o = overview(page);
    await until("the health of the host", 10_000, () => o.collected.isVisible());
    for (const name of ["CPU", "Memory"]) await until(`${name} drawn`, 10_000, () => drawn(o.panel(name)));
    await shot(page, "overview-first");
    for (const name of PANELS) await until(`${name}: a chart, or the reason why not`, 30_000, async () => (await drawn(o.panel(name))) || (await o.panel(name).locator(".state-empty, .state-failed").count()) > 0);
    // The analysis measures resources on its own beat; the page says "within a minute", and means it.
    await until("load lines, or that they come", 2_000, async () => (await o.loadLines.count()) > 0 || (await page.getByText("The first load lines come within a minute").isVisible()));
    await until("load lines", 60_000, async () => (await o.loadLines.count()) > 0);
    await shot(page, "overview-minute");
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },

  "overview moves on without a reload": async (browser) => {
    const { page, sins, close } = await open(browser, "/");
    const cpu = overview(page).panel("CPU");
    await until("CPU drawn", 20_000, () => drawn(cpu));
    await cpu.getByRole("button", { name: /as a table/ }).click();
    const newest = () => cpu.locator("tbody th").first().textContent();
    const before = await newest();
    await page.mouse.move(5, 5);
    await until("a newer row", 15_000, async () => (await newest()) !== before);
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },

  "hovering a chart holds the page, leaving lets it go": async (browser) => {
    const { page, close } = await open(browser, "/");
    const cpu = overview(page).panel("CPU");
    await until("CPU drawn", 20_000, () => drawn(cpu));
    await cpu.locator(".u-over").hover();
    await page.getByText("Held while you look").waitFor();
    await cpu.locator(".tip").waitFor();
    await shot(page, "overview-hover");
    await page.mouse.move(5, 5);
    await page.getByText("Held while you look").waitFor({ state: "detached" });
    await close();
  },

  "a chart can be read by keyboard and as a table": async (browser) => {
    const { page, close } = await open(browser, "/");
    const memory = overview(page).panel("Memory");
    await until("memory drawn", 20_000, () => drawn(memory));
    await memory.locator(".chart").focus();
    await page.keyboard.press("End");
    await page.keyboard.press("ArrowLeft");
    await until("values read out", 3000, async () => /in use .+iB/.test((await memory.locator("[aria-live]").textContent()) ?? ""));
    await page.keyboard.press("v");
    assert((await memory.locator("tbody tr").count()) > 0, "V shows no table");
    await close();
  },

  "alerts of one rule are one line on Overview, which counts them and leads to them": async (browser) => {
    const { page, sins, close } = await open(browser, "about:blank");
    // The server's own document, with a rule in it that fires for twelve.
    await page.route("**/api/plimsoll/v1/overview", async (r) => {
      const answer = await r.fetch();
      const doc = await answer.json();
      const alerts = Array.from({ length: 12 }, (_, i) => ({ name: "E2eCrowd", state: "firing", severity: "info", since: doc.now - 60_000 * i, value: i, summary: `crowd ${i}`, labels: { alertname: "E2eCrowd", instance: `crowd-${i}` } }));
      const reasons = alerts.map((x) => ({ severity: "warning", text: x.summary, link: "/explore?expr=crowd" }));
      await r.fulfill({ response: answer, json: { ...doc, alerts: [...alerts, ...doc.alerts], health: { state: "warning", reasons } } });
    });
    await page.goto(`${base}/?live=0`);
    const rows = page.getByRole("region", { name: "Active alerts" }).locator("article").filter({ hasText: "E2eCrowd" });
    await until("one line of twelve", 20_000, async () => (await rows.count()) === 1 && ((await rows.textContent()) ?? "").includes("12 firing"));
    const reason = page.getByRole("region", { name: "Health" }).getByRole("link", { name: /crowd/ });
    assertEqual(await reason.allTextContents(), ["info: crowd 0 and 11 more"], "the reasons");
    await rows.getByRole("link").click();
    await until("the alerts", 10_000, () => page.url().includes("E2eCrowd") && page.url().includes("/alerts"));
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },

  "a load line of Overview leads to its resource": async (browser) => {
    const { page, sins, close } = await open(browser, "/");
    await until("load lines", 60_000, async () => (await overview(page).loadLines.count()) > 0);
    const line = page.getByRole("link").filter({ has: page.getByRole("meter", { name: "memory" }) });
    await line.focus();
    await page.keyboard.press("Enter");
    await page.getByRole("region", { name: /memory/i }).first().waitFor();
    assert(page.url().includes("/capacity?open=memory"), page.url());
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },

  "the live button pauses and the address says so": async (browser) => {
    const { page, close } = await open(browser, "/");
    await until("CPU drawn", 20_000, () => drawn(overview(page).panel("CPU")));
    await top(page).live.click();
    await until("live=0 in the address", 2000, () => page.url().includes("live=0"));
    await page.keyboard.press("L");
    await until("live again", 2000, () => !page.url().includes("live=0"));
    await close();
  },
};
