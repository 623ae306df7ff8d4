// Page objects: where things are, so that the specs read as sentences.
import { createServer } from "node:http";
import { base } from "./browser.mjs";

export const overview = (page) => ({
  panel: (title) => page.getByRole("region", { name: title, exact: true }),
  health: page.getByRole("region", { name: "Health" }),
  loadLines: page.getByRole("meter"),
  collected: page.getByText(/collected .* ago/),
});

export const explore = (page) => ({
  /** the editor's field, or the text area while the editor is on its way */
  box: page.locator(".query-box .cm-content, .query-box textarea").first(),
  editor: page.locator(".query-box .cm-content"),
  run: page.getByRole("button", { name: "Run" }),
  chart: page.locator(".explore-chart"),
  legendRows: page.locator(".legend-table tbody tr"),
  tableRows: page.locator(".result-table tbody tr"),
  error: page.locator(".query-error"),
  notes: page.locator(".query-note"),
  plan: page.getByRole("treegrid"),
  planRows: page.locator(".plan-tree tbody tr"),
  /** what the editor underlines */
  underlined: page.locator(".cm-lintRange"),
  /** what the editor lights up */
  lit: page.locator(".cm-lit"),
  completions: page.locator(".cm-tooltip-autocomplete li"),
  metrics: page.locator(".metrics-list .metric"),
  /** the field of one of several queries */
  rowBox: (id) => page.getByRole("textbox", { name: `PromQL query ${id}`, exact: true }),
  rows: page.locator(".query-row"),
  letter: (id) => page.getByRole("button", { name: new RegExp(`^(Hide|Show) query ${id}$`) }),
  remove: (id) => page.getByRole("button", { name: `Remove query ${id}`, exact: true }),
  add: page.getByRole("button", { name: "Add query" }),
  view: page.getByLabel("Draw as"),
  heat: page.locator(".explore-heat"),
  many: page.locator(".query-many"),
  about: (metric) => page.getByRole("button", { name: `Series of ${metric}`, exact: true }),
  aboutBox: (metric) => page.getByRole("region", { name: `Series of ${metric}`, exact: true }),
  earlier: page.getByRole("dialog", { name: "Earlier queries" }),
  board: page.getByRole("dialog", { name: "Add to dashboard" }),
  async write(expr) {
    await this.editor.waitFor();
    await this.box.click();
    await page.keyboard.press("Control+a");
    await page.keyboard.insertText(expr);
  },
  /** Writes, and waits until the server has said whether it is an expression. */
  async writeChecked(expr) {
    const said = page.waitForResponse((r) => r.url().endsWith("/query/check") && new URLSearchParams(r.request().postData() ?? "").get("query") === expr);
    await this.write(expr);
    await said;
    // The editor draws what it was told in the next frames.
    await page.evaluate(() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r))));
  },
  async ask(expr) {
    await this.write(expr);
    await page.keyboard.press("Control+Enter");
  },
});

export const alerts = (page) => ({
  list: page.getByRole("grid", { name: "Alerts" }),
  rows: page.locator(".grid-alerts .grid-row"),
  alertRows: page.locator(".row-alert"),
  row: (n) => page.locator(`.grid-alerts [aria-rowindex="${n}"]`),
  group: (name) => page.locator(".row-group").filter({ hasText: name }),
  detail: (name) => page.getByRole("region", { name: `Alert ${name}`, exact: true }),
});

export const silences = (page) => ({
  rows: page.locator(".row-silence"),
  detail: page.getByRole("region", { name: "Silence", exact: true }),
});

export const silenceDialog = (page) => {
  const dialog = page.getByRole("dialog", { name: /silence$/ });
  return {
    dialog,
    preview: dialog.locator(".preview"),
    name: dialog.getByLabel("Your name"),
    why: dialog.getByLabel("Why"),
    length: (text) => dialog.getByRole("button", { name: text, exact: true }),
    submit: dialog.locator("button[type=submit]"),
  };
};

export const rules = (page) => ({
  ruleRows: page.locator(".row-rule"),
  detail: (name) => page.getByRole("region", { name: `Rule ${name}`, exact: true }),
});

export const files = (page) => ({
  row: (name) => page.locator(".row-file").filter({ hasText: name }),
  editor: page.locator(".text-box .cm-content"),
  problems: page.locator(".problems"),
  save: page.getByRole("button", { name: "Save and load" }),
  async write(text) {
    await this.editor.click();
    await page.keyboard.press("Control+a");
    await page.keyboard.insertText(text);
  },
});

/** Alerts that fire, posted as another program would: `e2e` names the test. */
export async function postAlerts(test, all) {
  const name = `E2e${test.charAt(0).toUpperCase()}${test.slice(1)}`;
  const body = all.map(({ severity = "warning", ...labels }) => ({ labels: { alertname: name, severity, e2e: test, ...labels }, annotations: { summary: `posted by the browser test ${test}`, runbook_url: `${base}/explore` }, endsAt: new Date(Date.now() + 600_000).toISOString() }));
  const answer = await fetch(`${base}/api/v2/alerts`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`posting alerts: ${answer.status} ${await answer.text()}`);
}

export const receivers = (page) => ({
  list: page.getByRole("region", { name: "Receivers", exact: true }),
  way: page.getByRole("region", { name: "Who would be told?" }),
  labels: page.getByLabel("Labels of an alert"),
  detail: (name) => page.getByRole("region", { name: `Receiver ${name}`, exact: true }),
  text: page.locator(".text-box .cm-content"),
  address: page.getByLabel("Address to send to"),
  name: page.getByLabel("Name of the receiver"),
  /** of all receivers; the open one has such a list too */
  sent: page.getByRole("region", { name: "Messages that were sent", exact: true }).first(),
  async write(text) {
    await this.text.click();
    await page.keyboard.press("Control+a");
    await page.keyboard.insertText(text);
  },
});

/** A program that takes what is sent to it. */
export async function hook() {
  const got = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      got.push(body);
      response.end("ok");
    });
  });
  await new Promise((r) => server.listen(0, "127.0.0.1", r));
  return { got, url: `http://127.0.0.1:${server.address().port}/hook`, close: () => server.close() };
}

export const top = (page) => ({
  theme: page.getByRole("button", { name: /^Theme/ }),
  live: page.locator(".top .live"),
  stale: page.locator(".badge-stale"),
});

/** A query with a subquery and an expression that stands twice. */
export const REPEATED = "sum by (mode) (rate(node_cpu_seconds_total[1m])) / scalar(count(rate(node_cpu_seconds_total[1m]))) + avg_over_time(node_load1[10m:30s])";
