import { expect, it } from "vitest";
import { exampleOf } from "./example";

it("takes the query as it is, line by line", () => expect(exampleOf('a{b="c"}\n  / d > 2')).toContain('expr: |-\n          a{b="c"}\n            / d > 2\n        for: 5m'));
it("says so when the query compares nothing", () => {
  expect(exampleOf("up")).toContain("# It fires for every series");
  expect(exampleOf("up == 0")).not.toContain("#");
});
it("has something to learn from when there is no query", () => expect(exampleOf(" ")).toContain("alert: HighLoad"));
