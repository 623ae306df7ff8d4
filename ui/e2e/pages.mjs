// Page objects: where things are, so that the specs read as sentences.
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

export const top = (page) => ({
  theme: page.getByRole("button", { name: /^Theme/ }),
  live: page.locator(".top .live"),
  stale: page.locator(".badge-stale"),
});

/** A query with a subquery and an expression that stands twice. */
export const REPEATED = "sum by (mode) (rate(node_cpu_seconds_total[1m])) / scalar(count(rate(node_cpu_seconds_total[1m]))) + avg_over_time(node_load1[10m:30s])";
