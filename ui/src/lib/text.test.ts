import { expect, it } from "vitest";
import { t } from "./text";

it("fills in parameters", () => expect(t("health.series", { n: "1,240" })).toBe("1,240 series"));
it("chooses the plural", () => {
  expect(t("panel.truncated", { n: 1 })).toBe("1 more series is not shown");
  expect(t("explore.cost", { series: 3, samples: 10, ms: 1 })).toBe("3 series, 10 samples, 1 ms");
});
