import { assert, assertEqual, axe, drawn, open, PHONE, shot, until } from "./browser.mjs";
import { files } from "./pages.mjs";
import { ask, journey } from "./pagesInsight.mjs";

export default {
  "J-07: a chart becomes an alert, replayed over 30 days, in the shadow, with a patch for git": async (browser) => {
    const { page, sins, close } = await open(browser, "/");
    const f = files(page);
    const name = `e2e-j07-${Date.now()}`;
    await journey("J-07", 120_000, async () => {
      await page.getByRole("link", { name: "Alert on this: CPU" }).click();
      const form = page.getByRole("region", { name: "Alert on this" });
      await form.waitFor({ timeout: 10_000 });
      await until("the chart with its threshold", 60_000, () => drawn(form.locator(".query-chart")));
      await until("a threshold to begin with", 10_000, async () => Number(await form.getByLabel("Threshold").inputValue()) > 0);
      await form.getByLabel("Name").fill("E2eBusy");
      await form.getByRole("button", { name: "Shadow" }).click();
      await f.editor.waitFor();
      await until("the rule in the text", 5000, async () => /alert: E2eBusy[\s\S]*mode: shadow/.test((await f.editor.textContent()) ?? ""));
      await until("no problems", 10_000, async () => ((await f.problems.textContent()) ?? "").includes("No problems"));
      await page.getByText("Pages per week", { exact: true }).waitFor({ timeout: 60_000 });
      assertEqual(await page.getByRole("group", { name: "Time to replay" }).getByRole("button", { pressed: true }).textContent(), "30d", "what was replayed");
      await page.getByText("As a patch for git").click();
      const file = page.getByLabel("Name of the file");
      assert(/^alerts(-\d+)?$/.test(await file.inputValue()), `the file begins as ${await file.inputValue()}`);
      await file.fill(name);
      await until("the patch", 5000, async () => new RegExp(`\\+\\+\\+ b/rules/${name}.yml\\n@@ -0,0`).test((await page.locator(".patch").textContent()) ?? ""));
      await axe(page, "an alert on a chart");
      await shot(page, "builder");
      await page.getByLabel("Your name").fill("ana");
      await f.save.click();
      await until("the file in the list", 10_000, async () => (await f.row(name).count()) === 1);
    });
    const kept = await ask(page, `rules/files/${name}`);
    assert(/mode: shadow/.test(kept.text), kept.text);
    const gone = await page.evaluate((n) => fetch(`/api/plimsoll/v1/rules/files/${n}`, { method: "DELETE" }).then((a) => a.status), name);
    assertEqual(gone, 200, "the end of the file");
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },

  "the form of an alert in the dark and on a phone; a text changed by hand has the last word": async (browser) => {
    for (const [theme, viewport] of [["dark"], ["light", PHONE]]) {
      const { page, sins, close } = await open(browser, "/rules/files?open=%2B&q=node_load5", { theme, ...(viewport ? { viewport } : {}) });
      const f = files(page);
      const form = page.getByRole("region", { name: "Alert on this" });
      await until("a threshold to begin with", 15_000, async () => Number(await form.getByLabel("Threshold").inputValue()) > 0);
      await f.editor.waitFor();
      await form.getByLabel("Fires when it is").selectOption("<");
      await until("it in the text", 5000, async () => /node_load5 < /.test((await f.editor.textContent()) ?? ""));
      await f.write("groups: []");
      await page.getByText("The text was changed by hand.").waitFor({ timeout: 5000 });
      await page.getByRole("button", { name: "Write it anew from these fields" }).click();
      await until("the text of the form", 5000, async () => /node_load5 < /.test((await f.editor.textContent()) ?? ""));
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert(wide <= 0, `${wide} px too wide`);
      await axe(page, `the form of an alert, ${theme}`);
      await shot(page, `builder-${theme}-${viewport?.width ?? 1440}`);
      assert(sins.length === 0, sins.join("\n"));
      await close();
    }
  },
};
