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
  metrics: page.locator(".metrics-list .metric"),
  async ask(expr) {
    await this.editor.waitFor();
    await this.box.click();
    await page.keyboard.press("Control+a");
    await page.keyboard.insertText(expr);
    await page.keyboard.press("Control+Enter");
  },
});

export const top = (page) => ({
  theme: page.getByRole("button", { name: /^Theme/ }),
  live: page.locator(".top .live"),
  stale: page.locator(".badge-stale"),
});
