// The text that a new rule file begins with: an alert on a query that somebody looked at, or one to learn from. Pure.
import { comparisonOf } from "../../lib/compare";

export function exampleOf(expr: string): string {
  const query = expr.trim() || "node_load1 > 8";
  const lines = query.split("\n").map((l) => `          ${l}`.trimEnd());
  const hint = comparisonOf(query) === null ? "        # It fires for every series that this gives: compare it with a number, as in … > 5.\n" : "";
  return `groups:
  - name: example
    rules:
      - alert: ${expr.trim() ? "NewAlert" : "HighLoad"}
${hint}        expr: |-
${lines.join("\n")}
        for: 5m
        labels:
          severity: warning
        annotations:
          summary: "{{ $labels.instance }}: {{ $value }}"
`;
}
