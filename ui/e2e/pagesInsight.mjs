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
