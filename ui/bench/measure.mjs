// What the benchmarks share: a page with a meter, the minimum and the median of several runs, a table of results.
import { chromium } from "playwright-core";

export const launch = () =>
  chromium.launch({
    executablePath: process.env["PLIMSOLL_CHROMIUM"] ?? "/usr/bin/chromium",
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
  });

/** A page in a fresh profile. `task()` is the main thread's CPU time so far, ms; `net` what was loaded. */
export async function meter(browser, viewport = { width: 1440, height: 900 }) {
  const context = await browser.newContext({ viewport });
  const page = await context.newPage();
  const cdp = await context.newCDPSession(page);
  await cdp.send("Performance.enable", { timeDomain: "threadTicks" });
  await cdp.send("Network.enable");
  const net = { bytes: 0, script: 0, style: 0, requests: 0, hosts: new Set(), errors: [] };
  const kinds = new Map();
  cdp.on("Network.requestWillBeSent", (e) => {
    kinds.set(e.requestId, e.type);
    const u = new URL(e.request.url);
    if (/^https?:$/.test(u.protocol)) net.hosts.add(u.host);
  });
  cdp.on("Network.loadingFinished", (e) => {
    net.requests++;
    net.bytes += e.encodedDataLength;
    if (kinds.get(e.requestId) === "Script") net.script += e.encodedDataLength;
    if (kinds.get(e.requestId) === "Stylesheet") net.style += e.encodedDataLength;
  });
  page.on("console", (m) => m.type() === "error" && net.errors.push(m.text()));
  await page.addInitScript(() => {
    globalThis.seen = { lcp: 0, long: 0 };
    new PerformanceObserver((l) => {
      for (const e of l.getEntries()) globalThis.seen.lcp = e.startTime;
    }).observe({ type: "largest-contentful-paint", buffered: true });
    new PerformanceObserver((l) => {
      for (const e of l.getEntries()) globalThis.seen.long = Math.max(globalThis.seen.long, e.duration);
    }).observe({ type: "longtask", buffered: true });
  });
  const task = async () => 1000 * ((await cdp.send("Performance.getMetrics")).metrics.find((m) => m.name === "TaskDuration")?.value ?? 0);
  const heap = async () => ((await cdp.send("Performance.getMetrics")).metrics.find((m) => m.name === "JSHeapUsedSize")?.value ?? 0) / 2 ** 20;
  return { page, net, task, heap, seen: () => page.evaluate(() => globalThis.seen), close: () => context.close() };
}

/** Waits until the main thread has hardly worked for 700 ms. */
export async function quiet(m, ms = 20_000) {
  const end = Date.now() + ms;
  let last = await m.task();
  while (Date.now() < end) {
    await m.page.waitForTimeout(700);
    const now = await m.task();
    if (now - last < 12) return now;
    last = now;
  }
  return last;
}

export const least = (all) => Math.min(...all);
export const median = (all) => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)] ?? Number.NaN;

export async function times(n, run) {
  const all = [];
  for (let i = 0; i < n; i++) all.push(await run(i));
  return all;
}

const rows = [];
/** One line of the table: what, the figure, the limit (or nothing), and whether it is kept. */
export function told(what, figure, limit = "", kept = true) {
  rows.push({ what, figure, limit, kept });
  console.log(`${limit ? (kept ? "ok   " : "OVER ") : "     "}${what}: ${figure}${limit ? ` (at most ${limit})` : ""}`);
}

export function table() {
  const lines = ["| what | measured | budget |", "|---|---|---|", ...rows.map((r) => `| ${r.what} | ${r.figure} | ${r.limit ? `${r.limit}${r.kept ? "" : ", **over**"}` : ""} |`)];
  console.log(`\n${lines.join("\n")}`);
  return rows.every((r) => r.kept);
}

export const ms = (v) => `${v < 10 ? v.toFixed(1) : v.toFixed(0)} ms`;
export const kib = (v) => `${(v / 1024).toFixed(1)} KiB`;
export const pair = (all) => `${ms(least(all))} (median ${ms(median(all))})`;
