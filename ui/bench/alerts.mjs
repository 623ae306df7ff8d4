// 10,000 alerts: opening the list, reading it again, and scrolling through it.
import { meter, ms, quiet, told, worked } from "./measure.mjs";

const ALERTS = 10_000;
const STEPS = 60;
const ROUNDS = 3;

async function post(url, body) {
  const answer = await fetch(`${url}/api/v2/alerts`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`posting alerts: ${answer.status} ${await answer.text()}`);
}

/** As many as there are to be, and `round` in what some of them say. */
export async function fill(url, n = ALERTS, round = 0) {
  for (let i = 0; i < n; i += 1000)
    await post(
      url,
      Array.from({ length: Math.min(1000, n - i) }, (_, k) => ({ labels: { alertname: `Bench${(i + k) % 50}`, severity: k % 3 ? "warning" : "critical", instance: `node-${i + k}` }, annotations: { summary: `number ${i + k}${round ? `, round ${round}` : ""}` } })),
    );
}

const listOf = (page) => page.getByRole("grid", { name: "Alerts" });
/** The list stands when as many rows are told as there are. */
const stands = (page) => page.waitForFunction((n) => Number(document.querySelector(".grid-alerts")?.getAttribute("aria-rowcount")) >= n, ALERTS);

/** The longest tasks of the main thread, CPU: while the list comes, comes again as it was, and with changes; and what all cost. */
export async function arrivals({ browser, url }) {
  const m = await meter(browser);
  await m.page.goto(`${url}/`);
  await m.page.getByText(/collected .* ago/).waitFor();
  await quiet(m);
  const out = {};
  out.comes = await worked(browser, m.page, async () => {
    await m.page.locator(".rail-link", { hasText: "Alerts" }).click();
    await stands(m.page);
    await quiet(m);
  });
  const again = async () => {
    const got = m.page.waitForResponse((r) => new URL(r.url()).pathname === "/api/plimsoll/v1/alerts");
    await m.page.keyboard.press("r");
    await (await got).finished();
    await m.page.waitForTimeout(700);
  };
  const most = async (run) => {
    const all = [];
    for (let i = 1; i <= ROUNDS; i++) all.push(await run(i));
    return { longest: Math.max(...all.map((x) => x.longest)), all: Math.min(...all.map((x) => x.all)) };
  };
  out.same = await most(() => worked(browser, m.page, again));
  out.other = await most(async (round) => {
    await fill(url, 100, round);
    return worked(browser, m.page, again);
  });
  await m.close();
  return out;
}

export default async function alerts({ browser, url }) {
  await fill(url);
  const { comes, same, other } = await arrivals({ browser, url });
  for (const [what, x] of [["comes", comes], ["comes again as it was", same], ["comes again, 100 of them changed", other]]) told(`10,000 alerts: longest task while the list ${what}; all of them`, `${ms(x.longest)}; ${ms(x.all)}`, "50 ms", x.longest <= 50);
  const m = await meter(browser);
  await m.page.goto(`${url}/alerts?by=none`);
  const grid = listOf(m.page);
  await stands(m.page);
  await quiet(m);
  const opened = await m.task();
  told("10,000 alerts: main thread until the list stands", ms(opened), "300 ms", opened <= 300);
  told("rows of the list that exist in the page", `${await m.page.locator(".grid-alerts .grid-row").count()} of ${await grid.getAttribute("aria-rowcount")}`);
  await grid.hover();
  await m.page.evaluate(() => {
    globalThis.seen.long = 0;
  });
  const scroll = async () => {
    for (let i = 0; i < STEPS; i++) {
      await m.page.mouse.wheel(0, 400);
      await m.page.evaluate(() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r))));
    }
  };
  const before = await m.task();
  await scroll();
  // Each step is drawn in two frames.
  const each = ((await m.task()) - before) / STEPS / 2;
  told("scrolling them by 400 px a step, main thread a frame", ms(each), "16 ms", each <= 16);
  const wall = (await m.seen()).long;
  const { longest: task } = await worked(browser, m.page, scroll);
  told("longest task while scrolling, CPU; wall", `${ms(task)}; ${wall ? ms(wall) : "less than 50 ms"}`, "100 ms", task <= 100);
  await m.close();
}
