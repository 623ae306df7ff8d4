import { describe, expect, it } from "vitest";
import { defaultState, formatUrl, parseUrl, type UrlState } from "./urlstate";

const read = (href: string) => {
  const u = new URL(href, "http://x");
  return parseUrl(u.pathname, u.search);
};

describe("the address", () => {
  it("of a page as it begins is short", () => {
    expect(formatUrl(defaultState("overview"))).toBe("/");
    expect(formatUrl(defaultState("explore"))).toBe("/explore");
  });

  const full: UrlState = {
    ...defaultState("explore"),
    expr: 'sum by (a) (rate(x{y=~"a|b&c=d"}[5m])) > 1 # ü %20 +',
    tab: "table",
    view: "stacked",
    more: ["up", "", "a & b"],
    off: "BD",
    forecast: true,
    solo: 'x{a="1"}',
    hide: ['{a="1", b="2"}', "c&d"],
    range: { from: "1763679600000", to: "1763683200000" },
    live: false,
    zone: "utc",
  };
  it("reads back what it wrote", () => expect(read(formatUrl(full))).toEqual(full));

  it("reads back every combination", () => {
    for (const page of ["overview", "explore"] as const)
      for (const live of [true, false])
        for (const zone of ["browser", "utc"] as const)
          for (const from of ["now-15m", "now-6h", "1763679600000"])
            for (const expr of page === "explore" ? ["", "up", "a\nb"] : [""]) {
              const s: UrlState = { ...defaultState(page), live, zone, expr, range: { from, to: "now" } };
              expect(read(formatUrl(s))).toEqual(s);
            }
  });

  it("with a beginning alone lasts until now, on every page", () => {
    for (const path of ["/", "/explore", "/dashboards/shop"]) expect(read(`${path}?from=now-1h`).range).toEqual({ from: "now-1h", to: "now" });
    expect(read("/dashboards/shop").range).toEqual({ from: "", to: "" });
  });

  it("of a list keeps filter, part, grouping and what is open", () => {
    for (const page of ["alerts", "incidents", "silences", "history", "rules", "files"] as const) {
      const s: UrlState = { ...defaultState(page), q: 'job=~"a|b" x', show: "firing", by: "severity", open: "a/b c" };
      expect(read(formatUrl(s))).toEqual(s);
      expect(read(formatUrl(defaultState(page)))).toEqual(defaultState(page));
    }
  });
  it("of one incident or alert is its list with it open", () => {
    expect(read("/incidents/17?show=all")).toMatchObject({ page: "incidents", open: "17", show: "all" });
    expect(read("/alerts/0123456789abcdef")).toMatchObject({ page: "alerts", open: "0123456789abcdef" });
    expect(read("/alerts/history")).toMatchObject({ page: "history", open: "" });
    expect(read("/alerts/%zz")).toMatchObject({ page: "missing" });
  });
  it("of a report that is changed ends so", () => {
    const s: UrlState = { ...defaultState("reports"), open: "shop", params: { edit: "1", period: "last_week" } };
    expect(formatUrl(s)).toBe("/reports/shop/edit?period=last_week");
    expect(read(formatUrl(s))).toEqual(s);
    expect(read("/reports/edit")).toMatchObject({ page: "reports", open: "edit", params: {} });
    expect(read("/hosts/vm/edit")).toMatchObject({ page: "missing" });
  });
  it("of the history begins with a week", () => expect(read("/alerts/history").range).toEqual({ from: "now-7d", to: "now" }));

  it("of an unknown page is kept and told", () => expect(read("/nowhere/7")).toMatchObject({ page: "missing", path: "/nowhere/7" }));
  it("forgives a slash at the end and nonsense", () => expect(read("/explore/?tab=pie&live=maybe&tz=mars&hide=")).toEqual(defaultState("explore")));
  it("has at most six queries, and hides only those that there are", () => {
    expect(read(`/explore?${"expr=up&".repeat(9)}off=AFZ`)).toMatchObject({ expr: "up", more: ["up", "up", "up", "up", "up"], off: "AF" });
    expect(read("/explore?expr=up&off=AB").off).toBe("A");
  });
  it("of before, with stacked=1, still says so", () => expect(read("/explore?stacked=1").view).toBe("stacked"));
  it("has at most 100 hidden series", () => expect(read(`/explore?${"hide=a&".repeat(500)}`).hide).toHaveLength(100));
});
