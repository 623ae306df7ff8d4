// Going from one dashboard to another and back, many times: what stays behind in the heap.
import { board, made, plots, TALL } from "./boards.mjs";
import { meter, told } from "./measure.mjs";
import { PANELS } from "./write.mjs";

const IDS = ["bench-switch-a", "bench-switch-b"];
const SWITCHES = 50;
/** Before the first reading: chunks, caches of formats and compiled code have come then. */
const WARM = 6;

export default async function switches({ browser, url }) {
  for (const id of IDS) if (!(await made(url, board(id, PANELS)))) return told(`${SWITCHES} switches of dashboards`, "not measured: this server has no dashboards");
  const m = await meter(browser, TALL);
  await m.page.goto(`${url}/dashboards`);
  const go = async (i) => {
    await m.page.locator(`a[href*="/dashboards/${IDS[i % 2]}"]`).first().click();
    await plots(m.page, PANELS);
    await m.page.locator(".dash-head a").first().click();
    await m.page.locator(".dash-row").first().waitFor();
  };
  for (let i = 0; i < WARM; i++) await go(i);
  const before = await m.kept();
  for (let i = 0; i < SWITCHES; i++) await go(i);
  const after = await m.kept();
  const grown = after.heap - before.heap;
  told(`heap after ${SWITCHES} switches of dashboards of ${PANELS} panels, beyond what it was`, `${grown.toFixed(2)} MiB (${before.heap.toFixed(1)} to ${after.heap.toFixed(1)})`, "5 MiB", grown < 5);
  told("elements and listeners beyond those before", `${after.nodes - before.nodes}, ${after.listeners - before.listeners}`, "500, 100", after.nodes - before.nodes < 500 && after.listeners - before.listeners < 100);
  await m.close();
}
