// How soon the page answers to hands: every click and key of a scripted walk, until its next picture (the `event` entries
// that Interaction to Next Paint is made of). Wall times: they mean something on an idle machine only.
import { board, made, plots } from "./boards.mjs";
import { meter, ms, quiet, told } from "./measure.mjs";
import { PANELS } from "./write.mjs";

const ID = "bench-12-panels";
/** What is not reported was answered sooner than this. */
const LEAST_MS = 16;

/** The interactions of one kind, in order: click and keys, each waited for. */
async function walk(page, url, has) {
  const key = async (k) => {
    await page.keyboard.press(k);
    await page.waitForTimeout(60);
  };
  const type = (text) => page.keyboard.type(text, { delay: 60 });
  const click = async (what) => {
    await what.click();
    await page.waitForTimeout(120);
  };
  const part = async (name, f) => {
    await page.evaluate((name) => {
      globalThis.part = name;
    }, name);
    await f();
    await page.waitForTimeout(300);
  };
  await page.goto(`${url}/`);
  await page.getByText(/collected .* ago/).waitFor();
  await page.waitForTimeout(3_000);
  await part("palette", async () => {
    await key("Control+k");
    await type("mem");
    await key("ArrowDown");
    await key("Escape");
  });
  await part("help", async () => {
    await key("?");
    await key("Escape");
  });
  await part("range", async () => {
    await key("-");
    await key("+");
    await key("t");
    await key("Escape");
  });
  await part("theme", async () => {
    await click(page.locator(".top .button-icon").nth(-2));
    await click(page.locator(".top .button-icon").nth(-2));
  });
  if (has) {
    await part("to a dashboard", async () => {
      await click(page.locator(".rail-link", { hasText: "Dashboards" }));
      await page.locator(`a[href*="/dashboards/${ID}"]`).first().click();
      await plots(page, 6);
    });
    await page.waitForTimeout(1_500);
    await part("panel", async () => {
      const panel = page.locator(".dp").first();
      await panel.hover();
      await click(panel.getByRole("button", { name: /table/i }).first());
      await click(panel.getByRole("button", { name: /chart/i }).first());
      await click(panel.locator("[aria-haspopup=menu]"));
      await key("Escape");
      await click(panel.locator(".ts-name").nth(2));
      await click(panel.locator(".ts-name").nth(2));
    });
    await part("crosshair", async () => {
      await page.locator(".chart").first().focus();
      for (let i = 0; i < 8; i++) await key("ArrowLeft");
      await key("Escape");
    });
    await part("range of a dashboard", async () => {
      await key("ArrowLeft");
      await page.waitForTimeout(500);
      await key("ArrowRight");
    });
  }
  await page.waitForTimeout(800);
  await part("to alerts", () => click(page.locator(".rail-link", { hasText: "Alerts" })));
  await page.waitForTimeout(1_500);
  await part("list", async () => {
    for (let i = 0; i < 5; i++) await key("j");
    await key("Enter");
    await page.waitForTimeout(400);
    await key("Escape");
    await key("/");
    await type("node");
    await key("Escape");
  });
  await part("to Explore", () => click(page.locator(".rail-link", { hasText: "Explore" })));
  await page.locator(".cm-content").first().waitFor();
  await page.waitForTimeout(800);
  await part("editor", async () => {
    await click(page.locator(".cm-content").first());
    await type("sum(rate(bench_panel_1");
    await key("Escape");
    await type("[5m]))");
  });
}

export default async function answers({ browser, url }) {
  const has = await made(url, board(ID, PANELS));
  const m = await meter(browser);
  await m.page.addInitScript(() => {
    const all = new Map();
    globalThis.part = "";
    globalThis.answers = () => [...all.values()];
    globalThis.asked = 0;
    for (const kind of ["keydown", "pointerdown"]) addEventListener(kind, () => globalThis.asked++, { capture: true, passive: true });
    new PerformanceObserver((l) => {
      for (const e of l.getEntries()) {
        if (!e.interactionId) continue;
        const was = all.get(e.interactionId);
        if (!was || was.ms < e.duration) all.set(e.interactionId, { ms: e.duration, kind: e.name, part: was?.part ?? globalThis.part });
      }
    }).observe({ type: "event", durationThreshold: 16, buffered: true });
  });
  await walk(m.page, url, has);
  await quiet(m);
  const [slow, asked] = await m.page.evaluate(() => [globalThis.answers(), globalThis.asked]);
  const all = [...slow.map((s) => s.ms), ...Array.from({ length: Math.max(0, asked - slow.length) }, () => LEAST_MS)].sort((a, b) => a - b);
  const p75 = all[Math.ceil(all.length * 0.75) - 1] ?? Number.NaN;
  const most = all.at(-1) ?? Number.NaN;
  const worst = slow.reduce((a, b) => (b.ms > a.ms ? b : a), { ms: 0, part: "", kind: "" });
  told(`answers to ${all.length} clicks and keys, 75th of 100`, ms(p75), "100 ms", p75 < 100);
  told("the slowest of them", `${ms(most)} (${worst.part}, ${worst.kind})`, "200 ms", most < 200);
  for (const s of slow.filter((s) => s.ms >= 100)) console.log(`     ${ms(s.ms)} ${s.part} ${s.kind}`);
  await m.close();
}
