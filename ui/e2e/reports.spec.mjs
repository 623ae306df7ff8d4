import { createServer } from "node:http";
import { assert, assertEqual, axe, drawn, open, PHONE, shot, until } from "./browser.mjs";
import { ask } from "./pagesInsight.mjs";
import { makeReceiver, removeReceiver, reports } from "./pagesReports.mjs";

const WAIT = 20_000;

/** A program that takes what is sent to it. */
async function hook() {
  const got = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      got.push(JSON.parse(body));
      response.end("ok");
    });
  });
  await new Promise((r) => server.listen(0, "127.0.0.1", r));
  return { got, url: `http://127.0.0.1:${server.address().port}/hook`, close: () => server.close() };
}

async function downloaded(page, press) {
  const [download] = await Promise.all([page.waitForEvent("download"), press()]);
  const parts = [];
  for await (const chunk of await download.createReadStream()) parts.push(chunk);
  return { name: download.suggestedFilename(), bytes: Buffer.concat(parts) };
}

export default {
  "reports: those that are always there, one as it is now with the numbers of the API, and as files": async (browser) => {
    const { page, sins, close } = await open(browser, "/");
    const r = reports(page);
    await until("the page", WAIT, () => page.getByRole("region", { name: "Health" }).isVisible());
    await page.keyboard.press("g");
    await page.keyboard.press("r");
    for (const title of ["Daily report", "Weekly report", "Capacity report", "Availability report"]) await until(title, WAIT, () => r.row(title).isVisible());
    await shot(page, "reports-list");
    const answered = page.waitForResponse((a) => a.url().includes("/reports/weekly/render"));
    await r.row("Weekly report").getByRole("link").click();
    const told = await (await answered).json();
    await r.document.waitFor();
    await until("a chart", WAIT, () => drawn(r.part("CPU in use")).catch(() => false)).catch(() => {});
    assertEqual(new URL(page.url()).pathname, "/reports/weekly", "the address");

    const shown = ((await r.document.textContent()) ?? "").replaceAll(/\s+/g, " ");
    let numbers = 0;
    for (const s of told.sections)
      for (const b of s.blocks) {
        const texts = b.kind === "facts" ? b.facts.map((f) => f.text) : b.kind === "table" ? b.rows.flat().map((c) => c.text) : b.kind === "figure" ? b.series.slice(0, 12).flatMap((x) => (x.last ? [x.last.text] : [])) : b.text.split("\n").map((line) => line.replace(/^(#+|-) /, ""));
        for (const text of texts.filter(Boolean)) {
          assert(shown.includes(text.replaceAll(/\s+/g, " ")), `${s.title}: ${JSON.stringify(text)} of the API is not on the page`);
          numbers++;
        }
      }
    assert(numbers > 20, `${numbers} numbers were compared`);
    await axe(page, "a report");
    await shot(page, "reports-weekly");

    const pdf = await downloaded(page, () => r.download("PDF").click());
    assertEqual(pdf.bytes.subarray(0, 5).toString("latin1"), "%PDF-", "how the file begins");
    assert(/^weekly-\d{4}-\d\d-\d\d\.pdf$/.test(pdf.name), pdf.name);
    const data = JSON.parse((await downloaded(page, () => r.download("JSON").click())).bytes.toString());
    assertEqual([data.from, data.to], [told.from, told.to], "the time of the file");
    for (const [format, begin] of [["HTML", "<!doctype html>"], ["PNG", "\u0089PNG"], ["CSV", "section,"], ["Markdown", "# Weekly report"]]) {
      const { bytes } = await downloaded(page, () => r.download(format).click());
      assert(bytes.toString("latin1").startsWith(begin), `${format} begins with ${bytes.subarray(0, 20).toString("latin1")}`);
    }

    await r.about.selectOption("yesterday");
    await until("another time", WAIT, async () => page.url().includes("period=yesterday") && / 00:00 – .* 00:00 \(UTC\)/.test((await r.document.textContent({ timeout: 1000 }).catch(() => "")) ?? ""));
    await page.reload();
    await until("the same again from the address", WAIT, async () => / 00:00 – .* 00:00 \(UTC\)/.test((await r.document.textContent({ timeout: 1000 }).catch(() => "")) ?? ""));
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },

  "reports: one is sent now, and it says what came of it": async (browser) => {
    const name = `e2e-reports-${Date.now()}`;
    const to = await hook();
    const { page, sins, close } = await open(browser, "/reports/daily");
    const r = reports(page);
    await makeReceiver(name, to.url);
    try {
      await page.reload();
      await r.document.waitFor();
      await r.send.click();
      await r.dialog.getByRole("button", { name: "Send now" }).click();
      await until("that nobody was chosen", 5_000, () => r.dialog.getByText("Choose who gets it.").isVisible());
      await r.dialog.getByLabel(name).check();
      await axe(page, "sending a report");
      await shot(page, "reports-send");
      await r.dialog.getByRole("button", { name: "Send now" }).click();
      await until("what came of it", WAIT, () => r.dialog.getByText("1 message is on the way.").isVisible());
      await until("the message", WAIT, () => to.got.length > 0);
      assertEqual([to.got[0].version, to.got[0].report], ["plimsoll/report/1", "daily"], "the message");
      assertEqual((await ask(page, "notifications/receipts?limit=10")).receipts.filter((x) => x.receiver === name).length, 1, "receipts");
      assert(sins.length === 0, sins.join("\n"));
    } finally {
      await removeReceiver(name);
      to.close();
      await close();
    }
  },

  "reports: narrow and dark": async (browser) => {
    for (const [theme, viewport] of [["dark"], ["light", PHONE], ["dark", { width: 768, height: 1024 }], ["light", { width: 2560, height: 1300 }]]) {
      const { page, sins, close } = await open(browser, "/reports/daily", { theme, ...(viewport ? { viewport } : {}) });
      const r = reports(page);
      await r.document.waitFor();
      await page.waitForTimeout(500);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert(wide <= 0, `${wide} px too wide`);
      await axe(page, `a report, ${theme}`);
      await shot(page, `reports-daily-${theme}-${viewport?.width ?? 1440}`);
      await page.goto(new URL("/reports", page.url()).href);
      await r.row("Daily report").waitFor();
      await shot(page, `reports-list-${theme}-${viewport?.width ?? 1440}`);
      assert(sins.length === 0, sins.join("\n"));
      await close();
    }
  },
};
