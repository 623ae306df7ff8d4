import { assert, axe, drawn, open, shot, until } from "./browser.mjs";
import { explore } from "./pages.mjs";
import { course, postGauges } from "./seed.mjs";

export default {
  "Explore draws what is expected next, and what was usual": async (browser) => {
    const job = `e2e-ahead-${Date.now()}`;
    const HOURS = 6;
    // A wave of an hour, with one jump twenty minutes ago.
    await postGauges(job, [{ name: "e2e_ahead", points: course(HOURS * 3_600_000, 30_000, (x, i) => 50 + 20 * Math.sin(x * HOURS * 2 * Math.PI) + ((i * 7) % 5) + (x > 1 - 20 / 360 && x < 1 - 14 / 360 ? 120 : 0)) }]);
    const { page, sins, close } = await open(browser, `/explore?expr=${encodeURIComponent(`e2e_ahead{job="${job}"}`)}&from=now-6h`);
    const e = explore(page);
    await until("the chart", 15_000, () => drawn(e.chart));
    await page.getByLabel("Forecast").check();
    await page.getByText(/^Forecast with its 95 % interval/).waitFor({ timeout: 20_000 });
    await page.getByLabel("What is usual").check();
    await page.getByText(/^What is usual of the first series/).waitFor({ timeout: 20_000 });
    const said = (await page.getByText(/^What is usual of the first series/).textContent()) ?? "";
    assert(/[1-9]\d* alarms? (is|are) shaded/.test(said) || /1 alarm is shaded/.test(said), `the jump was not seen: ${said}`);
    const url = new URL(page.url());
    assert(url.searchParams.get("forecast") === "1" && url.searchParams.get("band") === "1", `not in the address: ${page.url()}`);
    await axe(page, "a forecast and a band");
    await shot(page, "explore-ahead");
    await page.locator(".explore-chart .chart").focus();
    await page.keyboard.press("v");
    const head = (await page.locator(".chart-table thead").textContent()) ?? "";
    for (const word of ["expected", "expected at least", "expected at most", "usual at least", "usual at most"]) assert(head.includes(word), `no column "${word}" in: ${head}`);
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },
};
