// What holds for every page of the table in src/state/places.ts, also for those that come later.
import { readFile } from "node:fs/promises";
import { assert, axe, open, PHONE, shot, until } from "./browser.mjs";
import { top } from "./pages.mjs";

const table = await readFile(new URL("../src/state/places.ts", import.meta.url), "utf8");
/** Name and path of each page; short links only lead elsewhere. */
export const PLACES = [...table.matchAll(/^ {2}(\w+): \{ path: "([^"]+)"(.*)$/gm)].filter(([, , , rest]) => !rest.includes("hidden: true")).map(([, name, path]) => ({ name, path }));

const TABLET = { width: 820, height: 1100 };
const WIDE = { width: 2560, height: 1300 };

/** Nothing that can be seen is on its way any more. */
const settled = (page) =>
  until("the page to settle", 20_000, () =>
    page.evaluate(() => {
      const seen = (el) => {
        const { top, bottom } = el.getBoundingClientRect();
        // What is behind the bar of a phone is not seen, and does not ask.
        const main = document.querySelector("main").getBoundingClientRect();
        return bottom > main.top && top < main.bottom;
      };
      return document.querySelector("main > *") !== null && ![...document.querySelectorAll("main .skeleton")].some(seen);
    }),
  );

async function look(browser, { name, path }, theme, viewport, size) {
  const { page, sins, close } = await open(browser, path, { theme, ...(viewport ? { viewport } : {}) });
  await settled(page);
  // Charts and counts come with the first live answers.
  await page.waitForTimeout(700);
  const where = `page-${name}-${theme}${size}`;
  await shot(page, where);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert(wide <= 0, `${where}: ${wide} px wider than the screen`);
  assert((await page.locator("h1").count()) === 1, `${where}: ${await page.locator("h1").count()} headings of the first level`);
  await axe(page, where);
  assert(sins.length === 0, `${where}: ${sins.join("\n")}`);
  await close();
}

const pages = Object.fromEntries(
  PLACES.map((place) => [
    `page ${place.name}: accessible in both themes, wide and narrow; no console error, no other origin`,
    async (browser) => {
      for (const theme of ["light", "dark"]) for (const [viewport, size] of [[undefined, ""], [PHONE, "-360"]]) await look(browser, place, theme, viewport, size);
    },
  ]),
);

export default {
  ...pages,

  "page sizes: tablet and 2560 px show every page without a sideways scroll": async (browser) => {
    for (const [viewport, size] of [[TABLET, "-820"], [WIDE, "-2560"]]) {
      const { page, sins, close } = await open(browser, "/", { viewport });
      for (const { name, path } of PLACES) {
        await page.evaluate((to) => {
          history.pushState(null, "", to);
          dispatchEvent(new PopStateEvent("popstate"));
        }, path);
        await settled(page);
        await shot(page, `page-${name}${size}`);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert(wide <= 0, `${name}${size}: ${wide} px wider than the screen`);
      }
      assert(sins.length === 0, sins.join("\n"));
      await close();
    }
  },

  "page connection: every page says within 3 s that it is stale, and recovers within 5 s without a reload": async (browser) => {
    const { page, close } = await open(browser, "about:blank");
    const sockets = [];
    let dead = false;
    await page.routeWebSocket(/\/live$/, (ws) => {
      if (dead) return void ws.close();
      sockets.push(ws);
      ws.connectToServer();
    });
    await page.goto(new URL(PLACES[0].path, process.env["PLIMSOLL_URL"] ?? "http://127.0.0.1:7546").href);
    await page.evaluate(() => {
      globalThis.kept = true;
    });
    for (const { name, path } of PLACES) {
      await page.evaluate((to) => {
        history.pushState(null, "", to);
        dispatchEvent(new PopStateEvent("popstate"));
      }, path);
      await settled(page);
      await until(`${name}: connected`, 10_000, async () => !(await top(page).stale.isVisible()));
      dead = true;
      for (const ws of sockets.splice(0)) await ws.close();
      await until(`${name}: the stale badge`, 3_000, () => top(page).stale.isVisible());
      dead = false;
      await until(`${name}: the badge is gone`, 5_000, async () => !(await top(page).stale.isVisible()));
    }
    assert(await page.evaluate(() => globalThis.kept === true), "the page was loaded anew");
    await close();
  },
};
