import { assert, axe, drawn, open, shot, until } from "./browser.mjs";
import { explore } from "./pages.mjs";
import { why } from "./pagesInsight.mjs";
import { course, postGauges } from "./seed.mjs";

const MINUTE = 60_000;
/** A latency that triples twelve minutes ago, for five minutes, and a queue of the same service that grows a minute before. */
async function seed() {
  const job = `e2e-why-${Date.now()}`;
  const now = Date.now();
  const between = (from, to) => (x, i) => {
    const ago = (1 - x) * 120 * MINUTE;
    return (ago <= from * MINUTE && ago >= to * MINUTE ? 3 : 1) * (10 + ((i * 7) % 3));
  };
  await postGauges(job, [
    { name: "e2e_why_latency", points: course(120 * MINUTE, 15_000, between(12, 7)) },
    { name: "e2e_why_queue", points: course(120 * MINUTE, 15_000, between(13, 7)) },
    { name: "e2e_why_idle", points: course(120 * MINUTE, 15_000, (_, i) => 5 + ((i * 3) % 4)) },
  ]);
  return { job, now };
}

export default {
  "a window that is drawn over with Shift is explained by what stood out then": async (browser) => {
    const { job } = await seed();
    const { page, sins, close } = await open(browser, `/explore?expr=${encodeURIComponent(`e2e_why_latency{job="${job}"}`)}&from=now-30m&live=0`);
    const w = why(page);
    await until("the chart", 15_000, () => drawn(explore(page).chart));
    const box = await page.locator(".explore-chart .u-over").boundingBox();
    const at = (minutesAgo) => box.x + box.width * (1 - minutesAgo / 30);
    await page.keyboard.down("Shift");
    await page.mouse.move(at(12.5), box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(at(9), box.y + box.height / 2, { steps: 6 });
    await page.mouse.move(at(6.5), box.y + box.height / 2, { steps: 6 });
    await page.mouse.up();
    await page.keyboard.up("Shift");
    await w.sheet.waitFor({ timeout: 10_000 });
    assert(new URL(page.url()).searchParams.get("why"), "the window is not in the address");
    await until("what stood out", 30_000, async () => (await w.related.count()) >= 1);
    await until("the queue among it", 5000, async () => ((await w.related.allTextContents()).join(" ")).includes("e2e_why_queue"));
    assert(!(await w.related.first().textContent()).includes("e2e_why_idle"), "what did not move comes first");
    await until("its chart", 15_000, () => drawn(w.related.first()));
    await axe(page, "what explains a window");
    await shot(page, "why");
    await page.keyboard.press("Escape");
    await until("the sheet to close", 5000, async () => (await w.sheet.count()) === 0 && !page.url().includes("why="));
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },

  "a window is marked by keyboard alone, and its address shows it again": async (browser) => {
    const { job } = await seed();
    const { page, sins, close } = await open(browser, `/explore?expr=${encodeURIComponent(`e2e_why_latency{job="${job}"}`)}&from=now-30m&live=0`, { theme: "dark" });
    const w = why(page);
    await until("the chart", 15_000, () => drawn(explore(page).chart));
    await page.locator(".explore-chart .chart").focus();
    await page.keyboard.press("End");
    for (let i = 0; i < 8; i++) await page.keyboard.press("PageUp");
    await page.keyboard.press("x");
    await until("the mark to be told", 3000, async () => /Marked from/.test((await page.locator(".explore-chart [aria-live]").textContent()) ?? ""));
    for (let i = 0; i < 4; i++) await page.keyboard.press("PageDown");
    await page.keyboard.press("x");
    await w.sheet.waitFor({ timeout: 10_000 });
    await page.reload();
    await w.sheet.waitFor({ timeout: 10_000 });
    await until("an answer", 30_000, async () => /series looked at/.test((await w.sheet.textContent()) ?? ""));
    await axe(page, "what explains a window, dark");
    await page.keyboard.press("Escape");
    await until("the sheet to close", 5000, async () => (await w.sheet.count()) === 0);
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },
};
