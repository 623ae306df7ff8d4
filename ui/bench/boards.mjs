// Dashboards for benchmarks: panels of 20 series each, three beside each other.
import { PANELS } from "./write.mjs";

/** Tall enough that twelve panels are seen at once. */
export const TALL = { width: 1440, height: 1500 };

const panel = (_, i) => ({ id: i + 1, kind: "timeseries", title: `Panel ${i + 1}`, at: { x: (i % 3) * 8, y: Math.floor(i / 3) * 8, w: 8, h: 8 }, queries: [{ ref: "A", expr: `bench_panel_${i % PANELS}`, legend: "{{instance}}" }] });

export const board = (id, panels) => ({ id, title: `Bench ${id}`, tags: [], version: 0, time: { from: "now-1h", to: "now" }, refresh: "live", variables: [], annotations: [], panels: Array.from({ length: panels }, panel) });

/** Makes the dashboard; false where the server has none. */
export async function made(url, dashboard) {
  const answer = await fetch(`${url}/api/plimsoll/v1/dashboards`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ dashboard }) });
  if (answer.status === 404) return false;
  if (!answer.ok && answer.status !== 409) throw new Error(`making the dashboard: ${answer.status} ${await answer.text()}`);
  return true;
}

/** How many charts have lines drawn on them. */
export const drawn = (page) =>
  page.evaluate(() => {
    let n = 0;
    for (const c of document.querySelectorAll("main .chart-ink")) {
      if (c.width === 0) continue;
      // What a worker draws on cannot be read, but copied.
      const copy = Object.assign(document.createElement("canvas"), { width: c.width, height: c.height }).getContext("2d");
      copy.drawImage(c, 0, 0);
      const px = copy.getImageData(0, 0, c.width, c.height).data;
      for (let i = 3; i < px.length; i += 400) if (px[i] > 0) {
        n++;
        break;
      }
    }
    return n;
  });

/** Waits until so many plots stand in the page. */
export const plots = (page, n) => page.waitForFunction((n) => document.querySelectorAll("main .uplot").length >= n, n, { timeout: 20_000, polling: 50 });
