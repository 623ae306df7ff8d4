// A dashboard of 100 panels: only those that are seen ask, and scrolling never blocks.
import { board, made, plots } from "./boards.mjs";
import { meter, ms, quiet, told, worked } from "./measure.mjs";

const ID = "bench-100-panels";
const COUNT = 100;
const STEP_PX = 300;

export default async function hundred({ browser, url }) {
  if (!(await made(url, board(ID, COUNT)))) return told("100 panels", "not measured: this server has no dashboards");
  const m = await meter(browser);
  const asked = new Set();
  m.page.on("request", (r) => {
    if (!r.url().endsWith("/panels/query")) return;
    for (const q of JSON.parse(r.postData() ?? "{}").queries ?? []) asked.add(q.id);
  });
  await m.page.goto(`${url}/dashboards/${ID}?from=now-1h&to=now&live=0`);
  await plots(m.page, 6);
  await quiet(m);
  const inSight = await m.page.evaluate(() => [...document.querySelectorAll(".dp")].filter((el) => el.getBoundingClientRect().top < innerHeight + 120).length);
  const rows = inSight / 3;
  // The same query is asked for once however many panels show it.
  told("100 panels: queries asked before anybody scrolls", `${asked.size}, of ${inSight} panels in sight or near`, `${inSight}`, asked.size <= inSight);
  told("100 panels: main thread until the first are drawn and all is still", ms(await m.task()));
  await m.page.mouse.move(700, 500);
  const steps = Math.ceil(((COUNT / 3 - rows) * 8 * 38) / STEP_PX) + 2;
  const { longest: task } = await worked(browser, m.page, async () => {
    for (let i = 0; i < steps; i++) {
      await m.page.mouse.wheel(0, STEP_PX);
      await m.page.evaluate(() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r))));
      await m.page.waitForTimeout(60);
    }
  });
  const end = await m.page.evaluate(() => document.querySelector("main").scrollTop > 5_000);
  told("100 panels: longest task while scrolling from top to bottom, CPU", ms(task), "50 ms", end && task <= 50);
  await quiet(m);
  told("100 panels: heap after that", `${(await m.heap()).toFixed(1)} MiB`, "80 MiB", (await m.heap()) < 80);
  await m.close();
}
