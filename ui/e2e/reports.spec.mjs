import { assert, assertEqual, axe, drawn, open, PHONE, shot, until } from "./browser.mjs";
import { hook } from "./pages.mjs";
import { makeDashboard, removeDashboard } from "./pagesDashboards.mjs";
import { ask } from "./pagesInsight.mjs";
import { changeReport, makeReceiver, makeReport, removeReceiver, removeReport, reports } from "./pagesReports.mjs";

const WAIT = 20_000;

/** The browser tells of every answer that is no success; those to a form with something wrong are meant. */
const others = (sins) => sins.filter((x) => !/status of 4(00|09)/.test(x));

async function downloaded(page, press) {
  const [download] = await Promise.all([page.waitForEvent("download"), press()]);
  const parts = [];
  for await (const chunk of await download.createReadStream()) parts.push(chunk);
  return { name: download.suggestedFilename(), url: download.url(), bytes: Buffer.concat(parts) };
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
    // On a server that has just been started there may be a single point, which is told in a table.
    if (told.sections.some((s) => s.title === "CPU in use" && s.blocks[0].series.some((x) => x.points.length > 1))) await until("a chart", WAIT, () => drawn(r.part("CPU in use")));
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

    await r.about.selectOption({ label: "from … to …" });
    await r.dialog.getByRole("button", { name: "6h", exact: true }).click();
    await until("the last six hours", WAIT, async () => page.url().includes("from=now-6h") && (await r.document.isVisible()));
    const six = JSON.parse((await downloaded(page, () => r.download("JSON").click())).bytes.toString());
    assertEqual(six.to - six.from, 6 * 3_600_000, "the time of the file");

    await r.about.selectOption("yesterday");
    await until("another time", WAIT, async () => page.url().includes("period=yesterday") && / 00:00 – .* 00:00 \(UTC\)/.test((await r.document.textContent({ timeout: 1000 }).catch(() => "")) ?? ""));
    await page.reload();
    await until("the same again from the address", WAIT, async () => / 00:00 – .* 00:00 \(UTC\)/.test((await r.document.textContent({ timeout: 1000 }).catch(() => "")) ?? ""));
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },

  "reports: J-10, the capacity page leads to its report, and to one of one's own that begins with it": async (browser) => {
    const { page, sins, close } = await open(browser, "/capacity");
    const r = reports(page);
    const menu = page.getByRole("button", { name: "Report", exact: true });
    const pick = async (name) => {
      await menu.click();
      await page.getByRole("menuitem", { name }).click();
    };
    const { name, bytes } = await downloaded(page, () => pick("Download as PDF"));
    assert(/^capacity-.*\.pdf$/.test(name) && bytes.subarray(0, 5).toString("latin1") === "%PDF-", `${name} begins with ${bytes.subarray(0, 5).toString("latin1")}`);
    await pick("Start a report from it");
    await until("its sections", WAIT, async () => (await r.sections.count()) === 3);
    assertEqual(await r.field("Title").inputValue(), "Capacity report (copy)", "the title");
    await page.goBack();
    await pick(/^Open it/);
    await until("the report", WAIT, () => r.part("Capacity").isVisible());
    await page.keyboard.press("Control+k");
    await page.keyboard.type("daily rep");
    await page.getByRole("option", { name: /Daily report/ }).waitFor();
    await page.keyboard.press("Enter");
    await until("the report that was searched", WAIT, () => r.part("Summary").isVisible());
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
      await until("what came of it", WAIT, () => r.dialog.getByText(`${name} (webhook): taken.`).isVisible());
      await shot(page, "reports-sent");
      const message = JSON.parse(to.got[0]);
      assertEqual([message.version, message.report], ["plimsoll/report/1", "daily"], "the message");
      assertEqual((await ask(page, "notifications/receipts?limit=10")).receipts.filter((x) => x.receiver === name).length, 1, "receipts");
      assert(sins.length === 0, sins.join("\n"));
    } finally {
      await removeReceiver(name);
      to.close();
      await close();
    }
  },

  "reports: a receiver that does not answer is told with what is wrong": async (browser) => {
    const name = `e2e-reports-dead-${Date.now()}`;
    const to = await hook();
    to.close();
    const { page, sins, close } = await open(browser, "/reports/daily");
    const r = reports(page);
    await makeReceiver(name, to.url);
    try {
      await page.reload();
      await r.document.waitFor();
      await r.send.click();
      await r.dialog.getByLabel(name).check();
      await r.dialog.getByRole("button", { name: "Send now" }).click();
      await until("what came of it", WAIT, () => r.dialog.getByText(new RegExp(`${name} \\(webhook\\): not taken yet, .*refused`)).isVisible());
      await shot(page, "reports-sent-not");
      assert(sins.length === 0, sins.join("\n"));
    } finally {
      await removeReceiver(name);
      await close();
    }
  },

  "reports: versions tell who changed what and why, and one is taken back": async (browser) => {
    const id = `e2e-versions-${Date.now()}`;
    const report = { id, title: "First", sections: [{ kind: "summary" }], period: "24h", timezone: "UTC", format: "pdf" };
    await makeReport(report);
    await changeReport({ ...report, title: "Second" }, 1, "a better name");
    const { page, sins, close } = await open(browser, `/reports/${id}`);
    const r = reports(page);
    try {
      await r.document.waitFor();
      await page.getByRole("button", { name: "Versions" }).click();
      const versions = r.dialog.locator(".version");
      await until("both", WAIT, async () => (await versions.count()) === 2);
      const said = await versions.first().textContent();
      for (const word of ["version 2", "current", "somebody", "1 section", "a better name"]) assert(said.includes(word), `${word} in ${said}`);
      await until("what changed", WAIT, async () => /-title: "?First.*\+title: "?Second/s.test((await versions.first().locator(".diff").textContent()) ?? ""));
      await axe(page, "versions of a report");
      await shot(page, "reports-versions");
      await page.setViewportSize(PHONE);
      await shot(page, "reports-versions-360");
      await r.dialog.getByRole("button", { name: /^Restore: version 1/ }).click();
      await until("the first again", WAIT, () => page.getByRole("heading", { name: "First", level: 1 }).isVisible());
      const now = await ask(page, `reports/${id}/versions`);
      assertEqual([now.versions[0].version, now.versions[0].note], [3, "version 1 again"], "the newest");
      assert(sins.length === 0, sins.join("\n"));
    } finally {
      await removeReport(id);
      await close();
    }
  },

  "reports: one is made, changed and deleted by keyboard alone": async (browser) => {
    const id = `e2e-kb-${Date.now()}`;
    const { page, sins, close } = await open(browser, "/reports");
    const r = reports(page);
    const press = async (...keys) => {
      for (const key of keys) await page.keyboard.press(key);
    };
    const type = (text) => page.keyboard.type(text);
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.labels?.[0]?.textContent ?? document.activeElement?.textContent ?? "");
    /** Tab until what is named has the focus. */
    const tabTo = async (name, key = "Tab") => {
      const seen = [];
      for (let i = 0; i < 80; i++) {
        if (i) await press(key);
        const at = await focused();
        if (at.trim() === name) return;
        seen.push(at.trim().slice(0, 20));
      }
      throw new Error(`Tab did not lead to ${name}: ${seen.join(", ")}`);
    };
    try {
      await r.row("Daily report").waitFor();
      await press("n");
      await r.field("Title").waitFor();
      await until("the focus in the first field", 5_000, async () => (await focused()) === "Title");
      await type(id);
      await until("a name of it", 2_000, async () => (await r.field("Name in addresses").inputValue()) === id);
      await tabTo("Time zone");
      await press("Control+a");
      await type("Mars/Base");
      await until("what is wrong, at its field", WAIT, () => r.form.getByText(/no time zone "Mars\/Base"/).isVisible());
      await axe(page, "the form with a problem");
      await press("Control+a");
      await type("Europe/Berlin");
      await tabTo("Kind of section");
      await type("Text");
      await tabTo("Add section");
      await press("Enter");
      await until("the fields of the section", 5_000, async () => (await focused()) === "Heading" && (await r.sections.count()) === 2);
      await tabTo("Text (markdown)");
      await type("Written **by hand**.");
      await until("it in the preview", WAIT, () => r.preview.getByText("by hand").isVisible());
      await tabTo("Move 2. Text up", "Shift+Tab");
      await press("Enter");
      await until("it is the first", 5_000, async () => /^1\. Text/.test((await r.sections.first().textContent()) ?? ""));
      assert(/^Move 1\. Text/.test(await focused()), `the focus went to ${await focused()}`);
      await tabTo("Send it by itself");
      await press("Space");
      await tabTo("Minute, hour, day, month, weekday");
      await press("Control+a");
      await type("0 8 * * MON");
      await until("the next three Mondays", 5_000, async () => ((await r.form.locator(".rp-next").textContent()) ?? "").split("·").length === 3);
      await until("that somebody has to get it", WAIT, () => r.form.getByText("1 to 20 receivers are wanted").isVisible());
      await shot(page, "reports-new");
      await tabTo("Send it by itself", "Shift+Tab");
      await press("Space");
      await tabTo("Your name");
      await press("Control+a");
      await type("ana");
      await tabTo("Save");
      await press("Enter");
      await until("it is kept and shown", WAIT, async () => new URL(page.url()).pathname === `/reports/${id}` && (await r.document.isVisible()));
      const kept = await ask(page, `reports/${id}`);
      assertEqual([kept.title, kept.timezone, kept.author, kept.sections.map((x) => x.kind), kept.schedule ?? null], [id, "Europe/Berlin", "ana", ["text", "summary"], null], "what is kept");

      await press("e");
      await r.field("Title").waitFor();
      assertEqual(new URL(page.url()).pathname, `/reports/${id}/edit`, "the address of the form");
      await r.field("Title").focus();
      await press("End");
      await type(" again");
      await page.getByRole("link", { name: "Status" }).click();
      await page.goBack();
      await until("the draft is still there", WAIT, async () => (await r.field("Title").inputValue({ timeout: 1000 }).catch(() => "")) === `${id} again`);
      await r.field("Title").focus();
      await press("Control+s");
      await until("the new title", WAIT, () => page.getByRole("heading", { level: 1, name: `${id} again` }).isVisible());

      await r.document.waitFor();
      await tabTo("Delete");
      await press("Enter");
      await r.dialog.waitFor();
      await shot(page, "reports-delete");
      await tabTo("Delete");
      await press("Enter");
      await until("the list without it", WAIT, async () => (await r.row("Daily report").isVisible()) && (await r.row(`${id} again`).count()) === 0);
      assert((await ask(page, "reports")).reports.every((x) => x.id !== id), "it is still there");
      assert(others(sins).length === 0, sins.join("\n"));
    } finally {
      await removeReport(id);
      await close();
    }
  },

  "reports: two who change one are told, and neither loses what was written": async (browser) => {
    const id = `e2e-two-${Date.now()}`;
    const report = { id, title: "Mine", sections: [{ kind: "text", text: "As it was." }], period: "24h", timezone: "UTC", format: "pdf" };
    const { page, close } = await open(browser, "/");
    const r = reports(page);
    await makeReport(report);
    try {
      await page.goto(new URL(`/reports/${id}/edit`, page.url()).href);
      await r.field("Text (markdown)").fill("As I want it.");
      await changeReport({ ...report, title: "Theirs" }, 1);
      await r.save.click();
      await until("that somebody else was there", WAIT, () => r.form.getByText("Somebody (somebody) saved version 2 meanwhile.").isVisible());
      await axe(page, "a conflict");
      await shot(page, "reports-conflict");
      await r.form.getByRole("button", { name: "Drop mine" }).click();
      assertEqual(await r.field("Title").inputValue(), "Theirs", "the title");
      await r.field("Text (markdown)").fill("As I still want it.");
      await changeReport({ ...report, title: "Theirs again" }, 2);
      await r.save.click();
      await r.form.getByRole("button", { name: "Save over it" }).click();
      await until("mine", WAIT, async () => ((await r.document.textContent({ timeout: 1000 }).catch(() => "")) ?? "").includes("As I still want it."));
      assertEqual((await ask(page, `reports/${id}`)).version, 4, "the version");

      await r.edit.click();
      await r.field("Title").fill("");
      await r.save.click();
      await until("what is wrong", WAIT, () => r.form.getByText("a title has 1 to 200 characters").isVisible());
      await page.goto(new URL("/reports/%2B", page.url()).href);
      await r.field("Title").fill(id);
      await r.save.click();
      await until("that the name is taken", WAIT, () => r.form.getByText("There is a report of this name.").isVisible());
    } finally {
      await removeReport(id);
      await close();
    }
  },

  "reports: a form has what each kind of section needs": async (browser) => {
    for (const [theme, viewport] of [["dark"], ["light", PHONE], ["light", { width: 768, height: 1024 }], ["dark", { width: 2560, height: 1300 }]]) {
      const { page, sins, close } = await open(browser, "/reports/%2B?base=daily", { theme, ...(viewport ? { viewport } : {}) });
      const r = reports(page);
      await until("the sections of the base", WAIT, async () => (await r.sections.count()) === 8);
      for (const kind of ["dashboard", "panel", "top", "availability"]) {
        await r.field("Kind of section").selectOption(kind);
        await page.getByRole("button", { name: "Add section" }).click();
      }
      const last = r.sections.last();
      await last.getByLabel("Promised share (0.999)").pressSequentially("0.999");
      assertEqual(await last.getByLabel("Promised share (0.999)").inputValue(), "0.999", "the share");
      await until("what is missing", WAIT, async () => (await r.form.getByText("the expression whose greatest values are shown is missing").count()) === 1 && (await r.form.getByText("the id of a dashboard is missing").count()) === 1);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert(wide <= 0, `${wide} px too wide`);
      await axe(page, `the form, ${theme} ${viewport?.width ?? 1440}`);
      await shot(page, `reports-form-${theme}-${viewport?.width ?? 1440}`);
      assert(others(sins).length === 0, sins.join("\n"));
      await close();
    }
  },

  "reports: a dashboard is a PDF or a picture, a panel a picture, and both are sections of a report": async (browser) => {
    const id = `e2e-rep-${Date.now()}`;
    const { page, sins, close } = await open(browser, "/");
    const r = reports(page);
    const cpu = { id: 7, kind: "timeseries", title: "CPU by mode", at: { x: 0, y: 0, w: 12, h: 8 }, unit: "ratio", queries: [{ ref: "A", expr: 'avg by (mode) (rate(node_cpu_seconds_total{mode=~"$mode"}[1m]))', legend: "{{mode}}" }] };
    const words = { id: 8, kind: "text", title: "", at: { x: 12, y: 0, w: 12, h: 8 }, text: "Words of the dashboard." };
    await makeDashboard({ id, title: id, time: { from: "now-15m", to: "now" }, variables: [{ name: "mode", kind: "custom", query: "user,system,idle", multi: true, current: ["user"] }], panels: [cpu, words] });
    try {
      await page.goto(new URL(`/dashboards/${id}?v.mode=system`, page.url()).href);
      const more = page.getByRole("button", { name: "More about this dashboard" });
      await more.waitFor();
      for (const [form, begin] of [["PDF", "%PDF-"], ["PNG", "\u0089PNG"]]) {
        await more.click();
        const { bytes, url } = await downloaded(page, () => page.getByRole("menuitem", { name: `Download as ${form}` }).click());
        assert(bytes.toString("latin1").startsWith(begin), `${form} begins with ${bytes.subarray(0, 200).toString("latin1")}`);
        assertEqual(new URL(url).searchParams.getAll("var-mode"), ["system"], "the choice");
      }
      await page.getByRole("region", { name: "CPU by mode" }).hover();
      await page.getByRole("button", { name: "What to do with CPU by mode" }).click();
      const picture = await downloaded(page, () => page.getByRole("menuitem", { name: "Download as PNG" }).click());
      assert(picture.bytes.toString("latin1").startsWith("\u0089PNG"), `the panel begins with ${picture.bytes.subarray(0, 200).toString("latin1")}`);

      await page.goto(new URL("/reports/%2B", page.url()).href);
      await r.field("Title").fill(id);
      for (const kind of ["panel", "dashboard"]) {
        await r.field("Kind of section").selectOption(kind);
        await page.getByRole("button", { name: "Add section" }).click();
        await r.sections.last().getByLabel("Dashboard", { exact: true }).selectOption(id);
      }
      await r.sections.nth(1).getByLabel("Panel", { exact: true }).selectOption("7");
      await r.sections.nth(2).getByLabel("mode", { exact: true }).fill("system, idle");
      await until("both in the preview", WAIT, async () => {
        const text = (await r.preview.textContent()) ?? "";
        return text.includes("Words of the dashboard.") && ["user", "system", "idle"].every((mode) => text.includes(mode));
      });
      await shot(page, "reports-dashboard-sections");
      await r.save.click();
      await until("it is kept", WAIT, async () => new URL(page.url()).pathname === `/reports/${id}`);
      const kept = await ask(page, `reports/${id}`);
      assertEqual(kept.sections.slice(1), [{ dashboard: id, kind: "panel", panel: 7 }, { dashboard: id, kind: "dashboard", variables: { mode: ["system", "idle"] } }], "the sections");
      assert(others(sins).length === 0, sins.join("\n"));
    } finally {
      await removeReport(id);
      await removeDashboard(id);
      await close();
    }
  },

  "reports: what is not there, or no time, is told": async (browser) => {
    const { page, sins, close } = await open(browser, "/reports/nothing-of-this-name");
    await page.getByText("There is no report nothing-of-this-name.").waitFor();
    await page.getByRole("link", { name: "All reports" }).click();
    await page.getByLabel("Filter").fill("no such report");
    await page.getByText("Nothing matches this filter.").waitFor();
    await page.goto(new URL("/reports/daily?period=soon", page.url()).href);
    await page.getByText(/"soon" is no period/).waitFor();
    await axe(page, "a report of no time");
    await page.goto(new URL("/reports/daily?from=then&to=now", page.url()).href);
    await page.getByText('"then" to "now" is no range of time.').waitFor();
    assert(others(sins).length === 0, sins.join("\n"));
    await close();
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
