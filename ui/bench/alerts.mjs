// 10,000 alerts: opening the list, and scrolling through it.
import { meter, ms, quiet, told, worked } from "./measure.mjs";

const ALERTS = 10_000;
const STEPS = 60;

export default async function alerts({ browser, url }) {
  for (let i = 0; i < ALERTS; i += 1000) {
    const body = Array.from({ length: 1000 }, (_, k) => ({ labels: { alertname: `Bench${(i + k) % 50}`, severity: k % 3 ? "warning" : "critical", instance: `node-${i + k}` }, annotations: { summary: `number ${i + k}` } }));
    const answer = await fetch(`${url}/api/v2/alerts`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`posting alerts: ${answer.status} ${await answer.text()}`);
  }
  const m = await meter(browser);
  await m.page.goto(`${url}/alerts?by=none`);
  const grid = m.page.getByRole("grid", { name: "Alerts" });
  await grid.waitFor();
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
