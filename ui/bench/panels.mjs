// A dashboard of 12 panels with 20 series each: drawing it once the data are there, and keeping it live.
import { board, drawn, made, plots, TALL } from "./boards.mjs";
import { least, meter, ms, pair, quiet, times, told, worked } from "./measure.mjs";
import { goOn, PANELS } from "./write.mjs";

const RUNS = 5;
/** Samples come, and with them pictures, this often. */
const EACH_MS = 5_000;
const LIVE_MS = 30_000;
/** Longer than a pixel of these charts lasts. */
const PIXEL_MS = 12_000;
const ID = "bench-12-panels";

export default async function panels({ browser, url }) {
  if (!(await made(url, board(ID, PANELS)))) return told("12 panels × 20 series", "not measured: this server has no dashboards");
  const path = `${url}/dashboards/${ID}?from=now-1h&to=now`;
  const runs = await times(RUNS, async () => {
    const m = await meter(browser, TALL);
    await m.page.goto(`${path}&live=0`);
    const began = Date.now();
    // Not by their pixels: a canvas that was read is drawn in another way from then on.
    await plots(m.page, PANELS);
    const shown = Date.now() - began;
    await quiet(m);
    const whole = await m.task();
    // All is there and still: asking again costs the decoding and the drawing of all panels, and nothing else.
    await m.page.keyboard.press("Escape");
    // Sooner the picture would be the same, and would not be drawn.
    await m.page.waitForTimeout(PIXEL_MS);
    const { all: again, longest: long } = await worked(browser, m.page, async () => {
      await m.page.keyboard.press("R");
      await quiet(m);
    });
    const n = await drawn(m.page);
    if (n < PANELS) throw new Error(`${n} of ${PANELS} charts are drawn`);
    await m.close();
    return { shown, whole, again, long };
  });
  told("12 panels × 20 series × 1 h: main thread from the answer to the picture", pair(runs.map((r) => r.again)), "150 ms", least(runs.map((r) => r.again)) <= 150);
  told("the same, the whole page from nothing, without the drawing of canvases", pair(runs.map((r) => r.whole)));
  told("the same, from opening to all drawn, wall", pair(runs.map((r) => r.shown)));
  told("longest task of it", ms(least(runs.map((r) => r.long))));
  const stop = goOn(url);
  const m = await meter(browser, TALL);
  await m.page.goto(path);
  await quiet(m);
  const live = await worked(browser, m.page, () => m.page.waitForTimeout(LIVE_MS));
  // What the page does anyhow: its clock, the state of the server in its head.
  await m.page.goto(`${path}&live=0`);
  await quiet(m);
  const rest = await worked(browser, m.page, () => m.page.waitForTimeout(LIVE_MS));
  const updates = LIVE_MS / EACH_MS;
  const each = (live.all - rest.all) / updates;
  told("one live update of all 12 panels, main thread, beyond what the page does without", ms(each), "50 ms", each <= 50);
  told("the same with all that the page does in those 5 s", ms(live.all / updates));
  told("longest task of live updates", ms(live.longest));
  stop();
  await m.close();
}
