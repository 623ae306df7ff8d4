// Page objects of the pages of analysis.
export const insights = (page) => ({
  feed: page.getByRole("region", { name: "Insights", exact: true }),
  cards: page.locator(".card"),
  chip: (name) => page.getByRole("button", { name: new RegExp(`^${name}`) }),
  detail: page.locator(".beside"),
  related: page.locator(".related-one"),
  part: (name) => page.getByRole("navigation", { name: "Pages of Insights" }).getByRole("link", { name, exact: true }),
});

/** Asks the API that the page itself uses. */
export const ask = (page, path, init) => page.evaluate(([path, init]) => fetch(`/api/plimsoll/v1/${path}`, init).then((a) => a.json()), [path, init]);

/** What the pages of analysis show on a server that has just been started, each with a state of its own. */
export const PARTS = ["Insights", "Anomalies", "Drift", "Recommendations", "Risks", "Hosts and services", "Accuracy"];

export const capacity = (page) => ({
  rows: page.locator(".cap-row"),
  row: (title) => page.locator(".cap-row").filter({ has: page.getByRole("button", { name: title, exact: true }) }),
  open: (title) => page.getByRole("button", { name: title, exact: true }),
  slider: page.getByRole("slider", { name: "What if the load were" }),
  said: page.locator(".what-if-said"),
  detail: page.locator(".beside"),
});

export const compare = (page) => ({
  preset: (name) => page.getByRole("button", { name, exact: true }),
  changes: page.getByLabel("Before and after a change"),
  only: page.getByLabel("Only series of"),
  run: page.getByRole("button", { name: "Compare", exact: true }),
  rows: page.locator(".diffs tbody tr"),
  row: (metric) => page.locator(".diffs tbody tr").filter({ has: page.getByRole("button", { name: metric, exact: true }) }),
  said: page.locator(".compare-said"),
  detail: page.locator(".beside"),
});

export const why = (page) => ({
  sheet: page.getByRole("dialog", { name: "What explains this?" }),
  related: page.locator(".dialog-why .related-one"),
});

/** A journey and the time that a person may take for it. */
export async function journey(name, ms, go) {
  const began = Date.now();
  await go();
  const took = Date.now() - began;
  if (took > ms) throw new Error(`${name} took ${took} ms of ${ms}`);
}
