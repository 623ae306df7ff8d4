// A dashboard of 12 panels with 20 series each: drawing it once the data are there, and keeping it live.
import { board, drawn, made, TALL } from "./boards.mjs";
import { least, meter, ms, pair, quiet, times, told } from "./measure.mjs";
import { goOn, PANELS } from "./write.mjs";

const RUNS = 5;
const ID = "bench-12-panels";

export default async function panels({ browser, url }) {
  if (!(await made(url, board(ID, PANELS)))) return told("12 panels × 20 series", "not measured: this server has no dashboards");
  const path = `${url}/dashboards/${ID}?from=now-1h`;
  const runs = await times(RUNS, async () => {
    const m = await meter(browser, TALL);
    await m.page.goto(`${path}&live=0`);
    const began = Date.now();
    while ((await drawn(m.page)) < PANELS && Date.now() - began < 20_000) await m.page.waitForTimeout(50);
    const shown = Date.now() - began;
    await quiet(m);
    const whole = await m.task();
    // All is there and still: asking again costs the decoding and the drawing of all panels, and nothing else.
    await m.page.keyboard.press("Escape");
    const before = await m.task();
    await m.page.keyboard.press("R");
    await quiet(m);
    const again = (await m.task()) - before;
    const { long } = await m.seen();
    await m.close();
    return { shown, whole, again, long };
  });
  told("12 panels × 20 series × 1 h: main thread from the answer to the picture", pair(runs.map((r) => r.again)), "150 ms", least(runs.map((r) => r.again)) <= 150);
  told("the same, the whole page from nothing", pair(runs.map((r) => r.whole)));
  told("the same, from opening to all drawn, wall", pair(runs.map((r) => r.shown)));
  told("longest task of it", ms(least(runs.map((r) => r.long))));
  const stop = goOn(url);
  const m = await meter(browser, TALL);
  await m.page.goto(path);
  await quiet(m);
  const [before, began] = [await m.task(), Date.now()];
  await m.page.waitForTimeout(30_000);
  const updates = (Date.now() - began) / 5_000;
  const each = ((await m.task()) - before) / updates;
  told("one live update of all 12 panels, main thread", ms(each), "50 ms", each <= 50);
  stop();
  await m.close();
}
