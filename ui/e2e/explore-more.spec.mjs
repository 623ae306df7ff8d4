// What Explore does with several queries: views, earlier queries, dashboards, and how many series there are.
import { assert, assertEqual, axe, base, drawn, open, PHONE, shot, until } from "./browser.mjs";
import { explore } from "./pages.mjs";
import { removeDashboard } from "./pagesDashboards.mjs";
import { course, postGauges, postHistogram, postNative } from "./seed.mjs";

const CPU = 'sum by (mode) (rate(node_cpu_seconds_total[1m]))';
const address = (queries, rest = "") => `/explore?${queries.map((q) => `expr=${encodeURIComponent(q)}`).join("&")}${rest}`;
const params = (page) => new URL(page.url()).searchParams;
const names = (e) => e.legendRows.locator(".legend-solo").allTextContents();
const wide = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
/** Growing counts over the last minutes. */
const growing = (shape) => course(600_000, 15_000, (_, i) => shape.map((n) => n * (i + 1)));

async function boards(title) {
  const { dashboards } = await (await fetch(`${base}/api/plimsoll/v1/dashboards`)).json();
  return dashboards.filter((d) => d.title === title);
}

export default {
  "several queries: added, run in one request, hidden and removed by key and pointer, all in the address": async (browser) => {
    const { page, sins, close } = await open(browser, "/explore");
    const e = explore(page);
    await e.ask("node_load1");
    await until("the chart of one", 10_000, () => drawn(e.chart));
    assertEqual(await e.letter("A").count(), 0, "letters of a single query");
    await e.add.click();
    await e.rowBox("B").waitFor();
    await until("the new field to have the focus", 5000, () => page.evaluate(() => document.activeElement?.closest(".query-row") === document.querySelectorAll(".query-row")[1]));
    const batches = [];
    page.on("request", (r) => r.url().endsWith("/panels/query") && batches.push(JSON.parse(r.postData()).queries.map((q) => q.expr)));
    await page.keyboard.insertText("node_load5");
    // What was written above and not run goes along.
    await e.box.click();
    await page.keyboard.press("Control+a");
    await page.keyboard.insertText("node_load15");
    await page.keyboard.press("Control+Enter");
    await until("both lines", 10_000, async () => (await names(e)).join() === "A node_load15,B node_load5");
    assertEqual(batches[0], ["node_load15", "node_load5"], "the first batch");
    assertEqual(params(page).getAll("expr"), ["node_load15", "node_load5"], "queries in the address");
    await axe(page, "two queries");

    await e.letter("A").click();
    await until("only B", 10_000, async () => (await e.legendRows.count()) === 1 && (await names(e))[0].startsWith("node_load5"));
    assertEqual(params(page).get("off"), "A", "hidden queries in the address");
    await page.locator("main").focus();
    await page.keyboard.press("1");
    await until("both again", 10_000, async () => (await e.legendRows.count()) === 2);
    await page.keyboard.press("n");
    await e.rowBox("C").waitFor();
    await page.keyboard.insertText("sum(");
    await page.keyboard.press("Control+Enter");
    await e.error.waitFor({ timeout: 10_000 });
    assertEqual(await e.error.count(), 1, "errors");
    await until("the others beside the error", 10_000, async () => (await names(e)).join() === "A node_load15,B node_load5");
    await shot(page, "explore-rows-error");
    await e.remove("B").focus();
    await page.keyboard.press("Enter");
    await until("the last two", 10_000, async () => (await e.rows.count()) === 2 && params(page).getAll("expr").join() === "node_load15,sum(");
    assertEqual(await e.rowBox("B").textContent(), "sum(", "what moved up");
    await e.remove("B").click();
    await until("one", 10_000, async () => (await e.rows.count()) === 1 && (await names(e)).join().includes("node_load15"));
    await page.goBack();
    await until("two again", 10_000, async () => (await e.rows.count()) === 2 && (await e.rowBox("B").textContent()) === "sum(");
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },

  "six queries at most, and the address alone draws them": async (browser) => {
    const queries = ["node_load1", "node_load5", "node_load15", CPU, "rate(node_network_receive_bytes_total[1m])", "1 + 1"];
    const { page, sins, close } = await open(browser, address(queries, "&off=B"), { theme: "dark", viewport: PHONE });
    const e = explore(page);
    await until("lines of five", 20_000, async () => new Set((await names(e)).map((n) => n[0])).size === 5);
    assert(!(await names(e)).some((n) => n.startsWith("B")), "a hidden query is drawn");
    assert(await e.add.isDisabled(), "a seventh can be added");
    await page.getByText("Query E is not drawn: a chart has two axes").waitFor();
    // The legend has its numbers all the same.
    assert((await e.legendRows.allTextContents()).some((x) => x.startsWith("E ") && /B\/s/.test(x)), "no unit of bytes");
    await until("the chart", 10_000, () => drawn(e.chart));
    assert((await wide(page)) <= 0, `${await wide(page)} px too wide`);
    await axe(page, "six queries, dark, 360 px");
    await shot(page, "explore-six-360");
    await page.getByRole("tab", { name: "Table" }).click();
    await until("rows of five", 10_000, async () => new Set(await e.tableRows.locator("td:first-child").allTextContents()).size === 5);
    assert((await wide(page)) <= 0, `the table is ${await wide(page)} px too wide`);
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },

  "views: lines, stacked, bars and a heat map, kept in the address": async (browser) => {
    const job = `e2e-heat-${Date.now()}`;
    const name = "e2e_heat_seconds";
    await postHistogram(job, name, [0.1, 0.5, 1], growing([2, 7, 3, 1]));
    await postNative(job, "e2e_native", growing([1, 5, 2]));
    const { page, sins, close } = await open(browser, address([CPU]));
    const e = explore(page);
    await until("lines", 15_000, () => drawn(e.chart));
    for (const view of ["stacked", "bars"]) {
      await e.view.selectOption(view);
      await until(`${view} in the address`, 3000, () => params(page).get("view") === view);
      await until(`${view} drawn`, 10_000, () => drawn(e.chart));
      await shot(page, `explore-${view}`);
    }
    assertEqual(await page.getByLabel("Forecast").count(), 0, "forecasts of bars");

    await page.goto(base + address([`sum by (le) (rate(${name}_bucket{job="${job}"}[1m]))`], "&view=heat"));
    await until("the heat map", 15_000, () => drawn(e.heat));
    assertEqual((await e.heat.locator(".cells-names span").allTextContents()).join(" "), "> 1 ≤ 1 ≤ 0.5 ≤ 0.1", "buckets, the greatest above");
    // The reader of the screen hears what a cell holds: 7 in 15 s in the second bucket.
    await e.heat.locator(".cells").focus();
    for (let i = 0; i < 3; i++) await page.keyboard.press("ArrowDown");
    for (let i = 0; i < 10; i++) await page.keyboard.press("ArrowLeft");
    await until("the cell in words", 3000, async () => /≤ 0\.5: 0\.467/.test((await e.heat.locator("[aria-live]").textContent()) ?? ""));
    await axe(page, "a heat map");
    await shot(page, "explore-heat");

    await page.goto(base + address([`rate(e2e_native{job="${job}"}[1m])`], "&view=heat"));
    await page.getByText("These are native histograms").waitFor({ timeout: 15_000 });
    await until("the heat map of native histograms", 10_000, () => drawn(e.heat));
    assertEqual((await e.heat.locator(".cells-names span").allTextContents()).join(" "), "≤ 8 ≤ 4 ≤ 2", "buckets of native histograms");
    await shot(page, "explore-native");
    await e.heat.locator(".cells").focus();
    await page.keyboard.press("v");
    await until("the table", 3000, () => params(page).get("tab") === "table");
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },

  "earlier queries are kept over a reload, found, starred, asked again and cleared": async (browser) => {
    const { page, sins, close } = await open(browser, "/explore");
    const e = explore(page);
    await e.ask("node_load1");
    await until("the first", 10_000, () => drawn(e.chart));
    await e.ask("node_load5 * 2");
    await until("the second", 10_000, () => params(page).get("expr") === "node_load5 * 2");
    await page.reload();
    await until("the chart after a reload", 15_000, () => drawn(e.chart));
    await page.locator("main").focus();
    await page.keyboard.press("h");
    await e.earlier.waitFor();
    const picks = e.earlier.locator(".earlier-pick");
    assertEqual(await picks.locator("code").allTextContents(), ["node_load5 * 2", "node_load1"], "the newest first");
    assert(/\d\d:\d\d:\d\d/.test((await picks.first().textContent()) ?? ""), "no time");
    await axe(page, "earlier queries");
    await e.earlier.getByRole("button", { name: "Star: node_load1" }).click();
    await until("a part of its own", 3000, async () => ((await e.earlier.getByRole("region", { name: "Starred" }).textContent()) ?? "").includes("node_load1"));
    await shot(page, "explore-earlier");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Earlier queries" }).click();
    await e.earlier.locator("input:focus").waitFor();
    await page.keyboard.type("load1");
    await until("one that has the word", 3000, async () => (await picks.count()) === 1);
    await page.keyboard.press("Enter");
    await until("it asked again", 5000, () => params(page).get("expr") === "node_load1");
    await page.getByRole("button", { name: "Earlier queries" }).click();
    await e.earlier.getByRole("button", { name: "Clear" }).click();
    await e.earlier.getByRole("button", { name: "Forget 1 query?" }).click();
    await until("only what has a star", 3000, async () => (await picks.locator("code").allTextContents()).join() === "node_load1");
    await e.earlier.getByRole("button", { name: /^Take the star away/ }).click();
    await e.earlier.getByRole("button", { name: "Clear" }).click();
    await e.earlier.getByRole("button", { name: /^Forget/ }).click();
    await page.getByText("Nothing was asked in this browser yet").waitFor();
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },

  "a new dashboard, then another panel in it, are made of what is shown": async (browser) => {
    const title = `E2e explore ${Date.now()}`;
    const { page, sins, close } = await open(browser, address(["node_load1", CPU], "&view=stacked&off=A"));
    const e = explore(page);
    await until("the chart", 15_000, () => drawn(e.chart));
    await page.getByRole("button", { name: "Add to dashboard" }).click();
    await e.board.getByRole("button", { name: "Add the panel" }).click();
    await e.board.getByText("Give it a name.").waitFor();
    await e.board.getByLabel("Name of the new dashboard").fill(title);
    assertEqual(await e.board.getByLabel("Title of the panel").inputValue(), CPU, "the title that is offered");
    await e.board.getByLabel("Title of the panel").fill("Modes");
    await axe(page, "adding to a dashboard");
    await shot(page, "explore-board");
    await e.board.getByRole("button", { name: "Add the panel" }).click();
    await e.board.getByText(`The panel is in ${title}.`).waitFor({ timeout: 10_000 });
    const [made] = await boards(title);
    try {
      await e.board.getByRole("button", { name: "Close" }).click();
      await e.view.selectOption("bars");
      await page.getByRole("button", { name: "Add to dashboard" }).click();
      await e.board.getByRole("combobox").selectOption({ label: title });
      await e.board.getByLabel("Title of the panel").fill("Modes as bars");
      // Somebody else saves it while ours is on its way: nothing is lost, and the second try has both.
      let before = 0;
      await page.route(`**/dashboards/${made.id}`, async (route) => {
        if (route.request().method() === "PUT" && before++ === 0) {
          const { dashboard, version } = await (await fetch(`${base}/api/plimsoll/v1/dashboards/${made.id}`)).json();
          await fetch(`${base}/api/plimsoll/v1/dashboards/${made.id}`, { method: "PUT", headers: { "content-type": "application/json" }, body: JSON.stringify({ dashboard: { ...dashboard, description: "changed" }, version, author: "e2e" }) });
        }
        await route.continue();
      });
      await e.board.getByRole("button", { name: "Add the panel" }).click();
      await e.board.getByText("Somebody saved another version just now").waitFor();
      await shot(page, "explore-board-conflict");
      sins.splice(0, sins.length, ...sins.filter((x) => !x.includes("409")));
      await e.board.getByRole("button", { name: "Add the panel" }).click();
      await e.board.getByRole("link", { name: "Open it" }).click();
      await until("both panels", 15_000, async () => (await drawn(page.getByRole("region", { name: "Modes", exact: true }))) && (await drawn(page.getByRole("region", { name: "Modes as bars" }))));
      const { dashboard, version } = await (await fetch(`${base}/api/plimsoll/v1/dashboards/${made.id}`)).json();
      assertEqual([version, dashboard.description], [3, "changed"], "the version, and what the other changed");
      assertEqual(dashboard.panels.map((p) => [p.title, p.kind, p.style.stack ?? p.style.draw, p.queries.map((q) => [q.ref, q.hidden ?? false])]), [["Modes", "timeseries", "normal", [["A", true], ["B", false]]], ["Modes as bars", "timeseries", "bars", [["A", true], ["B", false]]]], "the panels");
    } finally {
      await removeDashboard(made.id);
    }
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },

  "what Explore opens fits a telephone, dark": async (browser) => {
    const { page, sins, close } = await open(browser, address(["node_load1", `${CPU} # ${"a long remark ".repeat(20)}`]), { theme: "dark", viewport: PHONE });
    const e = explore(page);
    await until("the chart", 15_000, () => drawn(e.chart));
    await page.getByRole("button", { name: "Earlier queries" }).click();
    await e.earlier.locator(".earlier-pick").first().waitFor();
    assert((await wide(page)) <= 0, `earlier queries: ${await wide(page)} px too wide`);
    await axe(page, "earlier queries, dark, 360 px");
    await shot(page, "explore-earlier-360");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Add to dashboard" }).click();
    await e.board.getByRole("combobox").waitFor();
    assert((await wide(page)) <= 0, `adding to a dashboard: ${await wide(page)} px too wide`);
    await axe(page, "adding to a dashboard, dark, 360 px");
    await shot(page, "explore-board-360");
    await page.keyboard.press("Escape");
    await page.getByLabel("Filter metrics").fill("node_cpu_seconds_total");
    await e.about("node_cpu_seconds_total").click();
    await until("its labels", 10_000, async () => /mode8/.test((await e.aboutBox("node_cpu_seconds_total").textContent()) ?? ""));
    await axe(page, "a metric's series, dark, 360 px");
    await e.aboutBox("node_cpu_seconds_total").scrollIntoViewIfNeeded();
    await shot(page, "explore-metric-360");
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },

  "what is shown is compared with the time before it": async (browser) => {
    const { page, sins, close } = await open(browser, address(['node_load1{job="host"} * 2'], "&from=now-5m"));
    const e = explore(page);
    await until("the chart", 15_000, () => drawn(e.chart));
    await page.getByRole("link", { name: "Compare", exact: true }).first().click();
    await until("the comparison", 5000, () => new URL(page.url()).pathname === "/compare");
    assertEqual(params(page).get("match"), 'node_load1{job="host"}', "what is compared");
    const [a, b] = ["a", "b"].map((k) => params(page).get(k).split("~").map(Number));
    assertEqual([a[1], a[1] - a[0], b[1] - b[0]], [b[0], 300_000, 300_000], "two periods of five minutes, one after the other");
    await until("an answer", 20_000, async () => /series looked at|Nothing differs/.test((await page.locator(".list").textContent()) ?? ""));
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },

  "the metric browser tells what a metric's series are, and very many are warned of": async (browser) => {
    // Always the same series, so that tests run again make no more of them.
    const now = Date.now();
    await postGauges("e2e-many", Array.from({ length: 1_100 }, (_, i) => ({ name: "e2e_many", labels: { shard: i, zone: i % 3 }, points: [[now, i]] })));
    const { page, sins, close } = await open(browser, "/explore");
    const e = explore(page);
    await page.getByLabel("Filter metrics").fill("e2e_many");
    await e.about("e2e_many").click();
    await until("its series and labels", 10_000, async () => /1,?100 series now.*shard1,100.*zone3/.test((await e.aboutBox("e2e_many").textContent()) ?? ""));
    await axe(page, "a metric's series");
    await shot(page, "explore-metric");
    await until("that it is one of the largest", 10_000, async () => /1,100/.test((await page.locator(".metric-count").first().textContent({ timeout: 1000 }).catch(() => "")) ?? ""));
    await e.aboutBox("e2e_many").getByRole("button", { name: "zone" }).click();
    await until("its series by zone", 10_000, async () => (await e.tableRows.count()) === 3);
    await page.getByRole("tab", { name: "Chart" }).click();

    await e.ask("e2e_many + 1");
    await e.many.waitFor({ timeout: 10_000 });
    assert(/about 1,100 series/.test((await e.many.textContent()) ?? ""), "the warning does not say how many");
    assert(!params(page).get("expr").includes("+ 1"), "it ran before anybody was asked");
    await axe(page, "a warning of many series");
    await shot(page, "explore-many");
    await e.many.getByRole("button", { name: "Sum them up" }).click();
    await until("the sum", 10_000, async () => params(page).get("expr") === "sum(e2e_many + 1)" && (await e.legendRows.count()) === 1);
    await e.ask('e2e_many{zone="1"}');
    await until("a third of them, unasked", 10_000, () => params(page).get("expr") === 'e2e_many{zone="1"}');
    await e.ask("e2e_many");
    await e.many.getByRole("button", { name: "Run it all the same" }).click();
    await until("all of them", 10_000, async () => params(page).get("expr") === "e2e_many" && /1,?050 more series/.test((await page.locator(".explore-cost").textContent()) ?? ""));
    await e.aboutBox("e2e_many").getByRole("link", { name: "All about its series" }).click();
    await until("the page about cardinality", 5000, () => params(page).get("show") === "cardinality" && params(page).get("open") === "e2e_many");
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },
};
