import { assert, assertEqual, axe, base, open, PHONE, shot, until } from "./browser.mjs";
import { alerts, postAlerts, rules, silenceDialog, silences } from "./pages.mjs";

const state = (page) => new URL(page.url()).searchParams;
const MANY = 10_000;
/** Of this run: earlier ones may have left theirs. */
const WHY = `the browser test of ${Date.now()}`;

/** As many alerts as the server ever tells at once, made in its stead. */
async function answerMany(page) {
  const now = new Date().toISOString();
  const alert = (i) => ({ fingerprint: i.toString(16).padStart(16, "0"), episode: `e${i}`, state: "firing", labels: { alertname: `Many${i % 40}`, instance: `host-${String(i).padStart(5, "0")}` }, annotations: { summary: `number ${i}` }, value: i, threshold: null, severity: ["critical", "warning", "info"][i % 3], kind: "posted", active_at: now, fired_at: now, acknowledged: null, silenced_by: [], inhibited_by: [], receivers: [], rule: null, expr: "", generator_url: "", incident: null });
  await answer(page, [{ total: MANY }, ...Array.from({ length: MANY }, (_, i) => alert(i))]);
}

/** Documents, one a line. */
const answer = (page, docs, status = 200) => page.route("**/api/plimsoll/v1/alerts?*", (r) => r.fulfill({ status, contentType: "application/x-ndjson", body: docs.map((d) => `${JSON.stringify(d)}\n`).join("") }));

const ADDRESS = { history: "/alerts/history", files: "/rules/files" };

export default {
  "alerts are listed, filtered, opened and closed by keyboard": async (browser) => {
    await postAlerts("keys", [{ instance: "a" }, { instance: "b" }, { instance: "c", severity: "critical" }]);
    const { page, sins, close } = await open(browser, "/alerts");
    const a = alerts(page);
    await until("the alerts", 10_000, async () => (await a.rows.count()) >= 3);
    await page.keyboard.press("/");
    await page.keyboard.type("e2e=keys");
    await until("the three of this test", 3000, async () => (await a.alertRows.count()) === 3);
    assertEqual(state(page).get("q"), "e2e=keys", "the filter in the address");
    assert(((await a.group("E2eKeys").textContent()) ?? "").includes("3 firing"), "the group does not count its alerts");
    await page.keyboard.press("Escape");
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await a.detail("E2eKeys").waitFor();
    assert(state(page).get("open"), "what is open is not in the address");
    // The worst comes first.
    await a.detail("E2eKeys").getByText("critical").first().waitFor();
    await shot(page, "alerts-open");
    await page.keyboard.press("Escape");
    await until("closed", 3000, async () => (await a.detail("E2eKeys").count()) === 0);
    await page.keyboard.press("/");
    await page.keyboard.press("Control+a");
    await page.keyboard.type('instance=~"("');
    await page.getByText("is not a regular expression").waitFor();
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },

  "an alert is silenced by s, with its labels and a preview; the silence is ended again": async (browser) => {
    await postAlerts("mute", [{ instance: "quiet" }, { instance: "loud" }]);
    const { page, sins, close } = await open(browser, "/alerts?q=e2e%3Dmute+instance%3Dquiet");
    const a = alerts(page);
    await until("the alert", 10_000, async () => (await a.alertRows.count()) === 1);
    await page.keyboard.press("j");
    await page.keyboard.press("s");
    const d = silenceDialog(page);
    await d.dialog.waitFor();
    await d.preview.getByText("Mutes now: 1 alert").waitFor();
    await axe(page, "silence dialog");
    await shot(page, "silence-dialog");
    await d.submit.click();
    await page.getByText("Write why, so that others need not ask.").waitFor();
    await d.name.fill("ana");
    await d.why.fill(WHY);
    await d.length("1h").click();
    // Both alerts of the test, once their instance does not matter.
    await page.getByRole("button", { name: "Leave instance out" }).click();
    await d.preview.getByText("Mutes now: 2 alerts").waitFor();
    await page.keyboard.press("Escape");
    await d.dialog.waitFor({ state: "detached" });
    await page.keyboard.press("s");
    await d.name.fill("ana");
    await d.why.fill(WHY);
    await d.why.press("Enter");
    await d.dialog.waitFor({ state: "detached" });
    await until("the row says silenced", 10_000, async () => ((await a.alertRows.first().textContent()) ?? "").includes("silenced"));
    await page.getByRole("link", { name: "Silences", exact: true }).click();
    const s = silences(page);
    await until("the silence", 10_000, async () => (await s.rows.filter({ hasText: WHY }).count()) === 1);
    await s.rows.filter({ hasText: WHY }).click();
    await s.detail.getByText("Mutes now: 1 alert").waitFor();
    await s.detail.getByRole("button", { name: "End now" }).click();
    await page.getByRole("dialog", { name: "End this silence?" }).getByRole("button", { name: "End now" }).click();
    await until("no longer active", 10_000, async () => (await s.rows.filter({ hasText: WHY }).count()) === 0);
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },

  "an alert is acknowledged by a, with a note; its incident and its history say so; it is taken back": async (browser) => {
    await postAlerts("care", [{ instance: "x" }]);
    const { page, sins, close } = await open(browser, "/alerts?q=e2e%3Dcare");
    const a = alerts(page);
    await until("the alert", 10_000, async () => (await a.alertRows.count()) === 1);
    await page.keyboard.press("j");
    await page.keyboard.press("a");
    const dialog = page.getByRole("dialog", { name: "Acknowledge E2eCare" });
    await dialog.waitFor();
    await axe(page, "acknowledge dialog");
    await dialog.getByRole("button", { name: "Acknowledge" }).click();
    await dialog.getByText("Write your name").waitFor();
    await dialog.getByLabel("Your name").fill("ana");
    await dialog.getByLabel("Note").fill("looking at it");
    await shot(page, "acknowledge-dialog");
    await dialog.getByRole("button", { name: "Acknowledge" }).click();
    await dialog.waitFor({ state: "detached" });
    await until("acknowledged by ana", 10_000, async () => /acknowledged\s*ana/.test((await a.alertRows.first().textContent()) ?? ""));
    await page.keyboard.press("Enter");
    const detail = a.detail("E2eCare");
    await detail.getByText("looking at it").first().waitFor();
    await until("the time line", 10_000, async () => (await detail.locator(".step").count()) >= 2);
    await shot(page, "alert-acknowledged");
    await detail.getByRole("link", { name: "Incident" }).click();
    await page.getByRole("region", { name: /^Incident / }).waitFor();
    assertEqual(new URL(page.url()).pathname, "/incidents", "the page of the incident");
    await page.goBack();
    await detail.getByRole("button", { name: "Take back" }).click();
    await until("nobody has it", 10_000, async () => ((await a.alertRows.first().textContent()) ?? "").includes("firing"));
    await page.goto(`${base}/alerts/history?q=e2e%3Dcare`);
    await until("its episode", 10_000, async () => (await page.locator(".row-episode").count()) >= 1);
    await page.locator(".row-episode").first().click();
    await page.getByRole("region", { name: "Episode of E2eCare" }).getByText("acknowledged").first().waitFor();
    await shot(page, "history-open");
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },

  "an incident is taken, gets a note, and shows both in its time line": async (browser) => {
    await postAlerts("night", [{ instance: "a" }, { instance: "b", severity: "critical" }]);
    const { page, sins, close } = await open(browser, "/incidents");
    const row = page.locator(".row-incident").filter({ hasText: "E2eNight" });
    await until("the incident", 15_000, async () => (await row.count()) >= 1);
    await row.first().click();
    const detail = page.getByRole("region", { name: /^Incident .*E2eNight/ });
    await detail.waitFor();
    await page.keyboard.press("a");
    const dialog = page.getByRole("dialog", { name: "Acknowledge this incident" });
    await dialog.getByLabel("Your name").fill("ben");
    await dialog.getByRole("button", { name: "Acknowledge" }).click();
    await dialog.waitFor({ state: "detached" });
    await detail.getByText("acknowledged").first().waitFor();
    // Of its own for each run: the incident may be one that an earlier run wrote to.
    const note = `the disk is on its way (${Date.now()})`;
    await detail.getByLabel("Add a note").fill(note);
    await detail.getByRole("button", { name: "Add" }).click();
    await detail.locator(".step").filter({ hasText: note }).waitFor();
    await axe(page, "incident");
    await shot(page, "incident-open");
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },

  "the statistics name the noisiest rules": async (browser) => {
    await postAlerts("noise", [{ instance: "a" }]);
    const { page, sins, close } = await open(browser, "/alerts/history?show=statistics");
    await until("a rule, or that there is none", 15_000, async () => (await page.locator(".stats tbody tr, .state-empty").count()) >= 1);
    await axe(page, "statistics");
    await shot(page, "statistics");
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },

  "a silence that recurs is made, changed, and its name remembered": async (browser) => {
    const { page, sins, close } = await open(browser, "/silences");
    const d = silenceDialog(page);
    const s = silences(page);
    const env = `e2e-nights-${Date.now()}`;
    await page.getByRole("button", { name: "New silence" }).click();
    await page.getByLabel("Label", { exact: true }).fill("env");
    await page.getByLabel("Value", { exact: true }).fill(env);
    await d.name.fill("ben");
    await d.why.fill("nightly load");
    await page.getByText("Only at certain times").click();
    await page.getByRole("button", { name: "Add a window" }).click();
    await page.getByRole("button", { name: "Mon", exact: true }).click();
    await page.getByLabel("Time zone").fill("Europe/Berlin");
    await shot(page, "silence-windows");
    await d.submit.click();
    await d.dialog.waitFor({ state: "detached" });
    const row = s.rows.filter({ hasText: env });
    await until("the silence", 10_000, async () => (await row.count()) === 1);
    assert(((await row.textContent()) ?? "").includes("recurs"), "the row does not say that it recurs");
    await row.click();
    await s.detail.getByText("Europe/Berlin").waitFor();
    await shot(page, "silence-detail");
    await s.detail.getByRole("button", { name: "Change" }).click();
    assertEqual(await d.name.inputValue(), "ben", "the remembered name");
    await d.length("4h").click();
    await d.submit.click();
    await d.dialog.waitFor({ state: "detached" });
    await until("its new end", 10_000, async () => /3 h 59 m|4 h/.test((await row.textContent()) ?? ""));
    await s.detail.getByRole("button", { name: "End now" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "End now" }).click();
    await until("ended", 10_000, async () => (await row.count()) === 0);
    await page.getByRole("button", { name: /^Over/ }).click();
    await until("among those that are over", 10_000, async () => (await row.count()) >= 1);
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },

  "ten thousand alerts are one list of which only what is seen exists": async (browser) => {
    const { page, sins, close } = await open(browser, "about:blank");
    await answerMany(page);
    await page.goto(`${base}/alerts?by=none`);
    const a = alerts(page);
    await until("the alerts", 20_000, async () => (await a.rows.count()) > 20);
    await until("all of them in the list", 20_000, async () => (await a.list.getAttribute("aria-rowcount")) === String(MANY + 1));
    const inSight = await a.rows.evaluateAll((all) => all.filter((r) => r.getBoundingClientRect().bottom <= r.closest(".grid").getBoundingClientRect().bottom && r.getBoundingClientRect().top >= 0).length);
    assert(inSight >= 30, `${inSight} alerts on a screen of 1440 x 900, at least 30 are wanted`);
    await a.list.focus();
    await page.keyboard.press("End");
    await until("the last row", 5000, async () => (await a.row(MANY + 1).count()) === 1);
    assert((await a.rows.count()) < 120, "rows that are not seen exist");
    for (const to of [0.1, 0.7, 0.3, 0.95]) {
      await a.list.evaluate((el, part) => el.scrollTo(0, el.scrollHeight * part), to);
      await until("rows where it was scrolled to", 3000, async () => (await a.row(Math.round(MANY * to)).count()) === 1);
    }
    await shot(page, "alerts-many");
    await page.getByLabel("Filter").fill("instance=host-04711");
    await until("one of them", 5000, async () => (await a.rows.count()) === 1);
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },

  "an empty list says so, a failed one why": async (browser) => {
    const { page, close } = await open(browser, "about:blank");
    await answer(page, [{ total: 0 }]);
    await page.goto(`${base}/alerts`);
    await page.getByText("No alert is pending or firing.").waitFor();
    await shot(page, "alerts-empty");
    await page.unroute("**/api/plimsoll/v1/alerts?*");
    await answer(page, [{ status: "error", error: "the store is still replaying its log" }], 503);
    await page.reload();
    await page.getByText("the store is still replaying its log").waitFor();
    await shot(page, "alerts-failed");
    await axe(page, "alerts, failed");
    await close();
  },

  "a rule is looked at and replayed": async (browser) => {
    const { page, sins, close } = await open(browser, "/rules?q=TargetDown");
    const r = rules(page);
    await until("the rule", 10_000, async () => (await r.ruleRows.count()) === 1);
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    const d = r.detail("TargetDown");
    await d.getByText("up == 0").first().waitFor();
    await d.getByRole("button", { name: "1d", exact: true }).click();
    await d.getByText("Pages per week", { exact: true }).waitFor({ timeout: 30_000 });
    await shot(page, "rule-backtest");
    await axe(page, "a rule with its backtest");
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },

  "the pages of alerting are reached by keys, rail and palette": async (browser) => {
    const { page, close } = await open(browser, "/");
    await page.locator("main").waitFor();
    const path = () => new URL(page.url()).pathname;
    for (const [key, to] of [["a", "/alerts"], ["n", "/incidents"], ["m", "/silences"], ["h", "/alerts/history"], ["l", "/rules"], ["f", "/rules/files"]]) {
      await page.keyboard.press("g");
      await page.keyboard.press(key);
      await until(to, 3000, () => path() === to);
    }
    await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: /^Alerts/ }).click();
    await until("by the rail", 3000, () => path() === "/alerts");
    await page.keyboard.press("Control+k");
    await page.keyboard.type("silenc");
    await page.keyboard.press("Enter");
    await until("by the palette", 3000, () => path() === "/silences");
    await close();
  },

  ...Object.fromEntries(
    ["alerts", "incidents", "silences", "history", "rules", "files"].flatMap((where) =>
      ["light", "dark"].flatMap((theme) =>
        [undefined, PHONE].map((viewport) => {
          const name = `${where}-${theme}${viewport ? "-360" : ""}`;
          return [
            `${name}: no accessibility violation, no console error, no other origin`,
            async (browser) => {
              await postAlerts("look", [{ instance: "web-1" }, { instance: "web-2", severity: "critical" }]);
              const { page, sins, close } = await open(browser, ADDRESS[where] ?? `/${where}`, { theme, ...(viewport ? { viewport } : {}) });
              await page.locator(".grid-row, .state-empty").first().waitFor();
              await shot(page, name);
              const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
              assert(wide <= 0, `the page is ${wide} px wider than the screen`);
              await axe(page, name);
              if (where !== "silences") {
                await page.locator(".row-alert, .row-rule, .row-incident, .row-episode, .row-file").first().click();
                await page.locator(".beside").waitFor();
                await shot(page, `${name}-open`);
                await axe(page, `${name}, open`);
              }
              assert(sins.length === 0, sins.join("\n"));
              await close();
            },
          ];
        }),
      ),
    ),
  ),
};
