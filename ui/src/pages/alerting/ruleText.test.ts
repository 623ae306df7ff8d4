import { describe, expect, it } from "vitest";
import { above, cleanName, exprOf, patchOf, ruleText, wishOf } from "./ruleText";

describe("an alert of a form", () => {
  it("begins with what the query says", () => {
    expect(wishOf("node_load1 > 3")).toMatchObject({ expr: "node_load1", op: ">", threshold: "3" });
    expect(wishOf("node_load1")).toMatchObject({ expr: "node_load1", op: ">", threshold: "" });
    expect(exprOf(wishOf("3 < node_load1"))).toBe("node_load1 > 3");
  });
  it("keeps what is measured together", () => {
    expect(exprOf({ ...wishOf("a or b"), threshold: "1" })).toBe("(a or b) > 1");
    expect(exprOf({ ...wishOf('rate(x{a="b or c"}[5m]) / y'), threshold: "1" })).toBe('rate(x{a="b or c"}[5m]) / y > 1');
  });
  it("is YAML with its parts", () => {
    const text = ruleText({ ...wishOf("up\n  / up"), threshold: "2", name: "Too much: {{x}}", shadow: true, hold: "10m", severity: "critical" });
    expect(text).toContain("      - alert: Toomuchx\n        expr: |-\n          up\n            / up > 2\n        for: 10m\n        mode: shadow\n        labels:\n          severity: critical\n");
    expect(ruleText({ ...wishOf("up > 1"), hold: "" })).not.toContain("for:");
    expect(cleanName("!!")).toBe("NewAlert");
  });
  it.each([[0.41, 0.46], [80, 88], [0, 1], [Number.NaN, 1], [-10, -9], [1234, 1400]])("above %d is %d", (max, want) => expect(above(max)).toBeCloseTo(want, 9));
});

describe("a patch", () => {
  it("of a new file adds all of it", () => expect(patchOf("rules/a.yml", null, "x\ny\n")).toBe("diff --git a/rules/a.yml b/rules/a.yml\nnew file mode 100644\n--- /dev/null\n+++ b/rules/a.yml\n@@ -0,0 +1,2 @@\n+x\n+y\n"));
  it("of a change has three lines around it", () => {
    const before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
    const text = patchOf("a", before, before.replace("5", "five"));
    expect(text.split("\n").slice(3)).toEqual(["@@ -2,7 +2,7 @@", " 2", " 3", " 4", "-5", "+five", " 6", " 7", " 8", ""]);
  });
  it("of nothing is nothing", () => expect(patchOf("a", "x", "x")).toBe(""));
});
