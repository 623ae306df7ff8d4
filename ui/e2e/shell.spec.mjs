import { assert, assertEqual, axe, base, drawn, open, PHONE, shot, until } from "./browser.mjs";
import { explore, overview, REPEATED, top } from "./pages.mjs";

const ground = (page) => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
const path = (page) => new URL(page.url()).pathname;

async function settle(page, where) {
  if (where === "overview") {
    await until("the overview", 20_000, () => overview(page).collected.isVisible());
    await until("CPU drawn", 20_000, () => drawn(overview(page).panel("CPU")));
  } else if (where === "explain") {
    await until("the plan", 20_000, async () => (await explore(page).planRows.count()) > 3);
    await explore(page).editor.waitFor();
  } else {
    await until("the chart", 20_000, () => drawn(explore(page).chart));
    await explore(page).editor.waitFor();
  }
}

const accessible = Object.fromEntries(
  [
    ["overview", "/"],
    ["explore", "/explore?expr=node_load1"],
    ["explain", `/explore?tab=explain&expr=${encodeURIComponent(REPEATED)}`],
  ].flatMap(([where, address]) =>
    ["light", "dark"].flatMap((theme) =>
      [undefined, PHONE].map((viewport) => {
        const name = `${where}-${theme}${viewport ? "-360" : ""}`;
        return [
          `${name}: no accessibility violation, no console error, no other origin`,
          async (browser) => {
            const { page, sins, close } = await open(browser, address, { theme, ...(viewport ? { viewport } : {}) });
            await settle(page, where);
            await shot(page, name);
            const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
            assert(wide <= 0, `the page is ${wide} px wider than the screen`);
            await axe(page, name);
            assert(sins.length === 0, sins.join("\n"));
            await close();
          },
        ];
      }),
    ),
  ),
);

export default {
  "the theme button goes from system to light, dark and high contrast, and is remembered": async (browser) => {
    const { page, close } = await open(browser, "/", { theme: "dark" });
    const system = await ground(page);
    await top(page).theme.click();
    const light = await ground(page);
    await top(page).theme.click();
    const dark = await ground(page);
    assert(light !== dark && system === dark, `grounds: system ${system}, light ${light}, dark ${dark}`);
    await top(page).theme.click();
    const contrast = await ground(page);
    assert(contrast === "rgb(0, 0, 0)", `the ground of high contrast is ${contrast}`);
    await axe(page, "high contrast");
    await top(page).theme.click();
    await top(page).theme.click();
    await page.reload();
    assertEqual(await ground(page), light, "the ground after a reload");
    await close();
  },

  "everything can be reached by keyboard": async (browser) => {
    const { page, sins, close } = await open(browser, "/");
    await page.locator("main").waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("e");
    await until("Explore by g e", 3000, () => path(page) === "/explore");
    await page.keyboard.press("g");
    await page.keyboard.press("o");
    await until("Overview by g o", 3000, () => path(page) === "/");
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
    await shot(page, "help");
    await axe(page, "help");
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.keyboard.press("t");
    await page.getByRole("dialog", { name: "Time range" }).waitFor();
    await axe(page, "time range");
    await shot(page, "time-range");
    await page.getByRole("button", { name: "1h", exact: true }).click();
    await until("1 h in the address", 2000, () => page.url().includes("from=now-1h"));
    await page.keyboard.press("Control+k");
    await page.getByRole("dialog", { name: "Go to, or do" }).waitFor();
    await page.keyboard.type("load1");
    await until("a metric in the palette", 10_000, async () => (await page.getByRole("option", { name: /node_load1/ }).count()) > 0);
    await axe(page, "palette");
    await shot(page, "palette");
    await page.keyboard.press("Enter");
    await until("Explore with the metric", 5000, () => page.url().includes("expr=node_load1"));
    assert(page.url().includes("from=now-1h"), "the time range did not come along");
    await explore(page).editor.waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("x");
    await until("typing goes into the query box", 3000, async () => ((await explore(page).box.textContent()) ?? "").includes("x"));
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },

  "back and forward walk through the states": async (browser) => {
    const { page, close } = await open(browser, "/");
    await page.getByRole("link", { name: "Explore", exact: true }).click();
    await until("Explore", 3000, () => path(page) === "/explore");
    await page.goBack();
    await until("Overview again", 3000, () => path(page) === "/");
    await overview(page).panel("CPU").waitFor();
    await close();
  },

  "a lost connection is told within 3 s, and mended within 5 s": async (browser) => {
    const { page, close } = await open(browser, "about:blank");
    const sockets = [];
    let dead = false;
    await page.routeWebSocket(/\/live$/, (ws) => {
      if (dead) return void ws.close();
      sockets.push(ws);
      ws.connectToServer();
    });
    await page.goto(`${base}/`);
    await until("CPU drawn", 20_000, () => drawn(overview(page).panel("CPU")));
    dead = true;
    for (const ws of sockets) await ws.close();
    await until("the stale badge", 3000, () => top(page).stale.isVisible());
    await shot(page, "overview-stale");
    dead = false;
    await until("the badge is gone", 5000, async () => !(await top(page).stale.isVisible()));
    await close();
  },

  "without a socket the page still shows data, and says that it is not live": async (browser) => {
    const { page, close } = await open(browser, "about:blank");
    await page.routeWebSocket(/\/live$/, (ws) => void ws.close());
    await page.goto(`${base}/`);
    await until("the badge", 5000, () => top(page).stale.isVisible());
    await until("memory drawn", 20_000, () => drawn(overview(page).panel("Memory")));
    await close();
  },

  "an unknown address leads back": async (browser) => {
    const { page, close } = await open(browser, "/no/such/page");
    await page.getByText("There is no page at /no/such/page").waitFor();
    await page.getByRole("link", { name: "Go to Overview" }).click();
    await until("Overview", 3000, () => path(page) === "/");
    await close();
  },

  ...accessible,
};
