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
  const metric = async () => Object.fromEntries((await cdp.send("Performance.getMetrics")).metrics.map((x) => [x.name, x.value]));
  const task = async () => 1000 * ((await metric()).TaskDuration ?? 0);
  const heap = async () => ((await metric()).JSHeapUsedSize ?? 0) / 2 ** 20;
  /** What nothing can throw away: MiB of heap, elements, listeners. */
  const kept = async () => {
    await page.waitForTimeout(500);
    for (let i = 0; i < 3; i++) await cdp.send("HeapProfiler.collectGarbage");
    const now = await metric();
    return { heap: now.JSHeapUsedSize / 2 ** 20, nodes: now.Nodes, listeners: now.JSEventListeners };
  };
  return { page, net, task, heap, kept, seen: () => page.evaluate(() => globalThis.seen), close: () => context.close() };
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

/**
 * What the page's main thread worked during `run`, ms of CPU: all of it, and its longest task. Out of a trace: unlike
 * `TaskDuration` it counts the drawing of canvases, which Chromium does after a task and, without a GPU, on this thread.
 */
export async function worked(browser, page, run) {
  await browser.startTracing(page, { categories: ["toplevel", "disabled-by-default-devtools.timeline", "__metadata"] });
  await run();
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString());
  const mains = new Set(traceEvents.filter((e) => e.name === "thread_name" && e.args.name === "CrRendererMain").map((e) => `${e.pid}/${e.tid}`));
  const threads = new Map([...mains].map((t) => [t, []]));
  for (const e of traceEvents) if (e.tdur !== undefined) threads.get(`${e.pid}/${e.tid}`)?.push(e);
  let [all, longest] = [0, 0];
  for (const events of threads.values()) {
    let end = 0;
    for (const e of events.sort((a, b) => a.ts - b.ts || b.dur - a.dur)) {
      if (e.ts < end) continue;
      end = e.ts + e.dur;
      all += e.tdur / 1000;
      longest = Math.max(longest, e.tdur / 1000);
    }
  }
  if (all === 0) throw new Error("the trace tells no task of the main thread");
  return { all, longest };
}

/**
 * How long this machine takes now to read from memory in no order, ns: the same work of a page costs up to four times the
 * CPU time when neighbours of a virtual machine crowd its caches, though no load is seen. Below 100 ns on a machine of one's own.
 */
export function latency() {
  const n = 1 << 22;
  const next = new Int32Array(n);
  const order = Int32Array.from({ length: n / 16 }, (_, i) => i * 16);
  // Of the same order each time: numbers as Lehmer's generator gives them.
  let seed = 1;
  for (let i = order.length - 1; i > 0; i--) {
    seed = (seed * 48271) % 2147483647;
    const k = seed % (i + 1);
    [order[i], order[k]] = [order[k], order[i]];
  }
  order.forEach((at, i) => {
    next[at] = order[(i + 1) % order.length];
  });
  const STEPS = 200_000;
  let [at, best] = [0, Number.POSITIVE_INFINITY];
  for (let run = 0; run < 5; run++) {
    const began = performance.now();
    for (let i = 0; i < STEPS; i++) at = next[at];
    best = Math.min(best, ((performance.now() - began) * 1e6) / STEPS);
  }
  if (at < 0) throw new Error("never");
  return best;
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
