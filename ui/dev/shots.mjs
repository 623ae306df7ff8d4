// For work on the UI only: pictures of pages against dev/server.mjs.
//   node dev/shots.mjs OUT_DIR URL name=path[,dark][,small][,wait=ms] …
import { mkdir } from "node:fs/promises";
import { chromium } from "playwright-core";

const [out, base, ...shots] = process.argv.slice(2);
await mkdir(out, { recursive: true });
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"] });
for (const shot of shots) {
  const [name, rest] = [shot.slice(0, shot.indexOf("=")), shot.slice(shot.indexOf("=") + 1)];
  const [path, ...flags] = rest.split("|");
  const small = flags.includes("small");
  const context = await browser.newContext({ viewport: small ? { width: 360, height: 740 } : { width: 1440, height: 900 }, colorScheme: flags.includes("dark") ? "dark" : "light" });
  const page = await context.newPage();
  page.on("console", (m) => ["error", "warning"].includes(m.type()) && process.stdout.write(`${name}: ${m.text()}\n`));
  page.on("pageerror", (e) => process.stdout.write(`${name}: ${e.stack}\n`));
  await page.goto(base + path);
  await page.waitForTimeout(Number(flags.find((f) => f.startsWith("wait="))?.slice(5) ?? 1500));
  for (const key of flags.filter((f) => f.startsWith("key="))) await page.keyboard.press(key.slice(4));
  const hover = flags.find((f) => f.startsWith("hover="));
  if (hover) await page.hover(hover.slice(6));
  if (flags.length) await page.waitForTimeout(400);
  await page.screenshot({ path: `${out}/${name}.png`, fullPage: false });
  if (flags.includes("full")) {
    const h = await page.evaluate(() => document.querySelector("main").scrollHeight + 120);
    await page.setViewportSize({ width: small ? 360 : 1440, height: h });
    await page.waitForTimeout(600);
    await page.screenshot({ path: `${out}/${name}.png` });
  }
  await context.close();
}
await browser.close();
