// What the specs share: the browser, a page that counts its own sins, waiting, axe, screenshots.
// Environment: PLIMSOLL_URL (the server under test), PLIMSOLL_SHOTS (a directory, optional),
// PLIMSOLL_CHROMIUM (path of the browser, optional).
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

export const base = (process.env["PLIMSOLL_URL"] ?? "http://127.0.0.1:7546").replace(/\/$/, "");
const shots = process.env["PLIMSOLL_SHOTS"];
const axeSource = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const DESKTOP = { width: 1440, height: 900 };
export const PHONE = { width: 360, height: 740 };

export const launch = () =>
  chromium.launch({
    executablePath: process.env["PLIMSOLL_CHROMIUM"] ?? "/usr/bin/chromium",
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
  });

/** Opens a page; `sins` collects console errors, policy violations, exceptions and requests to other origins. */
export async function open(browser, path, { theme = "light", viewport = DESKTOP } = {}) {
  const context = await browser.newContext({ viewport, colorScheme: theme, reducedMotion: "reduce" });
  const page = await context.newPage();
  const sins = [];
  page.on("console", (m) => m.type() === "error" && sins.push(`console: ${m.text()}`));
  page.on("pageerror", (e) => sins.push(`exception: ${e.message}`));
  page.on("request", (r) => {
    const u = new URL(r.url());
    if (/^(http|ws)s?:$/.test(u.protocol) && u.host !== new URL(base).host) sins.push(`other origin: ${r.url()}`);
  });
  await page.goto(path.startsWith("/") ? base + path : path);
  return { page, sins, close: () => context.close() };
}

export function assert(condition, message) {
  if (!condition) throw new Error(message);
}

export function assertEqual(actual, expected, what) {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  assert(a === b, `${what}: ${a}, expected ${b}`);
}

/** Asks until the answer is true; the error says what was waited for. */
export async function until(what, ms, ask) {
  const end = Date.now() + ms;
  for (;;) {
    if (await ask()) return;
    if (Date.now() > end) throw new Error(`waited ${ms} ms for: ${what}`);
    await new Promise((r) => setTimeout(r, 100));
  }
}

/** True when a canvas inside the element has something drawn on it; of a chart its lines, where a worker draws them. */
export const drawn = (locator) =>
  locator.evaluate((el) => {
    const ink = el.querySelector(".chart-ink");
    const c = ink ?? el.querySelector("canvas");
    if (!c || c.width === 0) return false;
    // What a worker draws on cannot be read, but copied.
    const copy = Object.assign(document.createElement("canvas"), { width: c.width, height: c.height }).getContext("2d");
    copy.drawImage(c, 0, 0);
    const px = copy.getImageData(0, 0, c.width, c.height).data;
    let seen = 0;
    for (let i = 3; i < px.length; i += 4) if (px[i] > 0) seen++;
    // Axes alone are more than nothing.
    return seen > (ink ? 0 : 200);
  });

export async function axe(page, where) {
  // Evaluated by the debugger, so the page's policy for scripts is not loosened.
  await page.evaluate(axeSource);
  const found = await page.evaluate(() =>
    axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }).then((r) => r.violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => `${n.html.slice(0, 140)} ${n.any[0]?.message ?? ""}`).join(" | ")}`)),
  );
  assert(found.length === 0, `${where}: ${found.length} accessibility violations\n    ${found.join("\n    ")}`);
}

export async function shot(page, name) {
  if (!shots) return;
  await mkdir(shots, { recursive: true });
  await page.screenshot({ path: `${shots}/${name}.png` });
}
