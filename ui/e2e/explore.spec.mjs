import { assert, assertEqual, drawn, open, shot, until } from "./browser.mjs";
import { explore } from "./pages.mjs";

export default {
  "explore runs a query and shows a chart and a table": async (browser) => {
    const { page, sins, close } = await open(browser, "/explore");
    const e = explore(page);
    await page.getByText("Ask a question").waitFor();
    await shot(page, "explore-start");
    await e.ask("node_load1");
    await until("the chart", 10_000, () => drawn(e.chart));
    assert((await e.legendRows.count()) >= 1, "the legend is empty");
    assertEqual(new URL(page.url()).searchParams.get("expr"), "node_load1", "expr in the address");
    await shot(page, "explore-chart");
    await page.getByRole("tab", { name: "Table" }).click();
    await until("rows of the table", 10_000, async () => (await e.tableRows.count()) >= 1);
    await shot(page, "explore-table");
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },

  "thresholds that people set are drawn as lines": async (browser) => {
    const { page, sins, close } = await open(browser, "/explore");
    const e = explore(page);
    const set = (method, body) =>
      page.evaluate(([method, body]) => fetch("/api/plimsoll/v1/metrics/registry/node_load5", { method, headers: { "content-type": "application/json" }, body }).then((a) => a.status), [method, body]);
    assertEqual(await set("PUT", JSON.stringify({ expr: "node_load5", thresholds: { warning: 500, critical: 900, direction: "above" }, author: "e2e" })), 200, "the thresholds");
    await e.ask("node_load5");
    await until("the chart", 10_000, () => drawn(e.chart));
    await until("its thresholds", 10_000, async () => /critical.*900/.test((await e.legendRows.allTextContents()).join(" ")));
    await shot(page, "explore-thresholds");
    assertEqual(await set("DELETE"), 200, "the end of the thresholds");
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },

  "an error shows its line and column": async (browser) => {
    const { page, sins, close } = await open(browser, "/explore");
    const e = explore(page);
    await e.ask("sum(rate(node_load1[5m])");
    await e.error.waitFor({ timeout: 10_000 });
    const text = (await e.error.textContent()) ?? "";
    assert(/line 1, column \d+/.test(text), `no position in: ${text}`);
    assert((await e.error.locator(".query-caret").count()) === 1, "no mark under the query");
    assert((await page.locator(".cm-tooltip-autocomplete").count()) === 0, "a list of completions hides the error");
    await shot(page, "explore-error");
    await e.ask("node_load1");
    await until("the chart after the error", 10_000, () => drawn(e.chart));
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },

  "Tab takes a completion, Enter runs the query": async (browser) => {
    const { page, sins, close } = await open(browser, "/explore");
    const e = explore(page);
    await e.editor.waitFor();
    await e.box.click();
    await page.keyboard.type("node_memory_MemAvail");
    // One name is left when the list has caught up with the typing.
    await until("the completion", 10_000, async () => (await page.locator(".cm-tooltip-autocomplete li").allTextContents()).join().startsWith("node_memory_MemAvailable_bytes"));
    await page.keyboard.press("Tab");
    await until("the whole name", 3000, async () => (await e.box.textContent()) === "node_memory_MemAvailable_bytes");
    await page.keyboard.press("Enter");
    await until("the chart", 10_000, () => drawn(e.chart));
    assertEqual(new URL(page.url()).searchParams.get("expr"), "node_memory_MemAvailable_bytes", "expr in the address");
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },

  "a query that matches nothing says so": async (browser) => {
    const { page, close } = await open(browser, "/explore?expr=no_such_metric_anywhere");
    await page.getByText(/nothing matches it|Nothing called no_such_metric_anywhere/).waitFor({ timeout: 10_000 });
    await shot(page, "explore-empty");
    await close();
  },

  "the address alone reproduces the page": async (browser) => {
    const { page, close } = await open(browser, "/explore?expr=node_load1&tab=table&from=now-5m");
    await until("rows of the table", 10_000, async () => (await explore(page).tableRows.count()) >= 1);
    assertEqual(await page.locator(".time-label").textContent(), "Last 5m", "the time range");
    await close();
  },

  "a series can be shown alone, and the address keeps it": async (browser) => {
    const { page, close } = await open(browser, `/explore?expr=${encodeURIComponent("sum by (mode) (rate(node_cpu_seconds_total[1m]))")}`);
    const e = explore(page);
    await until("several series", 20_000, async () => (await e.legendRows.count()) > 2);
    await e.legendRows.nth(1).locator(".legend-solo").click();
    await until("solo in the address", 2000, () => page.url().includes("solo="));
    const all = await e.legendRows.count();
    assertEqual(await page.locator(".legend-off").count(), all - 1, "hidden series");
    await page.reload();
    await until("solo after a reload", 10_000, async () => (await page.locator(".legend-off").count()) === all - 1);
    await close();
  },

  "the metric browser finds and runs a metric": async (browser) => {
    const { page, close } = await open(browser, "/explore");
    const e = explore(page);
    await until("names", 10_000, async () => (await e.metrics.count()) > 0);
    await page.getByLabel("Filter metrics").fill("node load1");
    await e.metrics.first().click();
    await until("the chart", 10_000, () => drawn(e.chart));
    await close();
  },
};
