import { assert, assertEqual, drawn, open, shot, until } from "./browser.mjs";
import { explore } from "./pages.mjs";

const OURS = {
  anomaly_score: "anomaly_score(node_load1[5m])",
  forecast: "forecast(node_load1[5m], 60)",
  forecast_lower: "forecast_lower(node_load1[5m], 60)",
  forecast_upper: "forecast_upper(node_load1[5m], 60 * 2)",
  seasonal_baseline: "node_load1 - seasonal_baseline(node_load1[5m])",
  time_to_breach: "time_to_breach(node_load1[5m], 9) < 3600",
  trend: "sum by (job) (trend(node_load1[5m]))",
};
/** A word that the editor colours stands in an element of its own. */
const coloured = (page, word) => page.locator(".cm-line span", { hasText: new RegExp(`^${word}$`) });

export default {
  "our functions are known to the editor: coloured, and no error": async (browser) => {
    const { page, sins, close } = await open(browser, "/explore");
    const e = explore(page);
    for (const [name, expr] of Object.entries(OURS)) {
      await e.writeChecked(expr);
      assertEqual(await e.underlined.allTextContents(), [], `underlined in ${expr}`);
      assertEqual(await coloured(page, name).count(), 1, `${name} as a word of its own`);
    }
    await page.keyboard.press("Enter");
    await until("the tabs of an answer", 10_000, async () => (await page.getByRole("tab").count()) === 3);
    assertEqual(await e.error.count(), 0, "errors");
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },

  "our functions complete with signature and description, also inside brackets": async (browser) => {
    const { page, sins, close } = await open(browser, "/explore");
    const e = explore(page);
    await e.write("");
    await page.keyboard.type("sum(time_to_b");
    await until("the completion", 10_000, async () => ((await e.completions.first().textContent()) ?? "") === "time_to_breach(range vector, scalar)");
    await page.keyboard.press("ArrowDown");
    await until("its description", 5000, async () => /until a limit is crossed.*Prometheus does not have it/.test((await page.locator(".cm-completionInfo").textContent()) ?? ""));
    await shot(page, "editor-completion");
    await page.keyboard.press("Enter");
    await page.keyboard.type("(node_load1[5m], 3");
    await page.keyboard.press("End");
    await until("the whole text", 3000, async () => (await e.box.textContent()) === "sum(time_to_breach(node_load1[5m], 3))");
    await e.write("");
    await page.keyboard.type("mad_ov");
    await until("an experimental one", 10_000, async () => ((await e.completions.first().textContent()) ?? "") === "mad_over_time(range vector)");
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },

  "what the server refuses is underlined where it stands, and mended by what was meant": async (browser) => {
    const { page, sins, close } = await open(browser, "/explore");
    const e = explore(page);
    await e.writeChecked('label_replace(up, "a", "é", "", "") +\nrat(node_load1[5m])');
    await until("the misspelt name underlined", 3000, async () => (await e.underlined.allTextContents()).join() === "rat");
    await e.underlined.hover();
    const offer = page.locator(".cm-diagnosticAction", { hasText: /^Use rate$/ });
    await offer.waitFor({ timeout: 5000 });
    await shot(page, "editor-error");
    await offer.click();
    await until("the name mended", 3000, async () => ((await e.box.textContent()) ?? "").endsWith("rate(node_load1[5m])"));
    await until("nothing underlined", 3000, async () => (await e.underlined.count()) === 0);

    await e.writeChecked("rate(up)");
    assertEqual(await e.underlined.allTextContents(), ["up"], "underlined in rate(up)");
    // An end that is missing is an error only when the query is run.
    await e.writeChecked("sum(rate(node_load1[5m])");
    assertEqual(await e.underlined.count(), 0, "underlined while typing");
    await page.keyboard.press("Enter");
    await e.error.waitFor({ timeout: 10_000 });
    await until("the end underlined", 3000, async () => (await e.underlined.count()) === 1);
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },

  "an error of a query that ran names the function that was meant": async (browser) => {
    const { page, close } = await open(browser, "/explore");
    const e = explore(page);
    await e.ask("avg_ovr_time(node_load1[1m])");
    const offer = e.error.getByRole("button", { name: "Use avg_over_time instead" });
    await offer.waitFor({ timeout: 10_000 });
    await shot(page, "editor-meant");
    await offer.click();
    await until("the chart", 10_000, () => drawn(e.chart));
    assertEqual(new URL(page.url()).searchParams.get("expr"), "avg_over_time(node_load1[1m])", "expr in the address");
    await close();
  },

  "a metric that does not exist is answered by the one that was meant": async (browser) => {
    const { page, close } = await open(browser, "/explore?expr=node_laod1%20*%202");
    await page.getByRole("button", { name: "Use node_load1 instead" }).click({ timeout: 10_000 });
    await until("the chart", 10_000, () => drawn(explore(page).chart));
    assertEqual(new URL(page.url()).searchParams.get("expr"), "node_load1 * 2", "expr in the address");
    await close();
  },

  "warnings and infos stand at their place, in every view": async (browser) => {
    const { page, sins, close } = await open(browser, `/explore?expr=${encodeURIComponent("rate(node_load1[1m]) or\n  quantile(7, up)")}`);
    const e = explore(page);
    for (const tab of ["Chart", "Table", "Explain"]) {
      await page.getByRole("tab", { name: tab }).click();
      await until(`two remarks in ${tab}`, 10_000, async () => (await e.notes.count()) === 2);
      const [warning, info] = await e.notes.allTextContents();
      assert(/^Warning line 2, column 12: quantile value should be between 0 and 1, got 7$/.test(warning.trim()), warning);
      assert(/^Info line 1, column 6: metric might not be a counter.*"node_load1"$/.test(info.trim()), info);
      await until("both places underlined", 5000, async () => (await e.underlined.allTextContents()).join() === "node_load1,7");
    }
    await e.notes.nth(1).hover();
    await until("the place lit", 3000, async () => (await e.lit.allTextContents()).join("") === "node_load1");
    await shot(page, "editor-notes");
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },
};
