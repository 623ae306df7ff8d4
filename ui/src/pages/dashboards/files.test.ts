import { expect, it } from "vitest";
import { fileOf } from "./files";

const page = { range: { from: "now-6h", to: "now" }, zone: "Asia/Kolkata", vars: { host: ["a b", "c"], gone: ["x"] } };

it("a file is about what the page shows; what is no variable of the dashboard is left out", () =>
  expect(fileOf("my/board", "/render", ["host", "job"], page, { format: "pdf" })).toBe("/api/plimsoll/v1/dashboards/my%2Fboard/render?format=pdf&from=now-6h&to=now&tz=Asia%2FKolkata&var-host=a+b&var-host=c"));
it("a page in UTC says so", () => expect(fileOf("x", "/panels/7~db-1.png", [], { ...page, zone: "utc" })).toContain("/panels/7~db-1.png?from=now-6h&to=now&tz=UTC"));
