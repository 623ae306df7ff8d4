// An alert as a form has it, as the text of a rule file; and the change of a file as a patch for git. Pure.
import { comparisonOf } from "../../lib/compare";

export const OPS = [">", ">=", "<", "<="] as const;
export const SEVERITIES = ["info", "warning", "critical"] as const;

export interface Wish {
  name: string;
  /** what is measured */
  expr: string;
  op: string;
  /** as it was typed */
  threshold: string;
  /** a duration; empty for at once */
  hold: string;
  severity: string;
  /** it runs, and tells nobody */
  shadow: boolean;
}

/** What a query that somebody looked at wishes for: its comparison, if it has one. */
export function wishOf(query: string): Wish {
  const c = comparisonOf(query);
  return { name: "NewAlert", expr: c?.left ?? query.trim(), op: c && (OPS as readonly string[]).includes(c.op) ? c.op : ">", threshold: c ? String(c.threshold) : "", hold: "5m", severity: "warning", shadow: false };
}

/** Comparisons and set operators bind looser than ours would: then what is measured stands in parentheses. */
const wrapped = (expr: string) => (/\b(and|or|unless)\b|[<>]|[=!]=/i.test(expr.replace(/"(?:\\.|[^"\\])*"|\{[^}]*\}/g, "")) ? `(${expr})` : expr);

export const exprOf = (w: Wish): string => (w.threshold.trim() === "" ? w.expr : `${wrapped(w.expr)} ${w.op} ${w.threshold.trim()}`);

/** A name as alerts have them: words joined, without what YAML or a template would read. */
export const cleanName = (name: string): string => name.replace(/[^\w]+/g, "") || "NewAlert";

export function ruleText(w: Wish, group = "example"): string {
  const lines = exprOf(w)
    .split("\n")
    .map((l) => `          ${l}`.trimEnd());
  return `groups:
  - name: ${group}
    rules:
      - alert: ${cleanName(w.name)}
        expr: |-
${lines.join("\n")}
${w.hold.trim() ? `        for: ${w.hold.trim()}\n` : ""}${w.shadow ? "        mode: shadow\n" : ""}        labels:
          severity: ${w.severity}
        annotations:
          summary: "{{ $labels.instance }}: {{ $value }}"
`;
}

/** Two significant digits, upwards: a threshold that a person would choose, a little above what was seen. */
export function above(max: number): number {
  if (!Number.isFinite(max)) return 1;
  if (max === 0) return 1;
  const want = max + Math.abs(max) * 0.1;
  const size = 10 ** (Math.floor(Math.log10(Math.abs(want))) - 1);
  return Number((Math.ceil(want / size - 1e-9) * size).toPrecision(2));
}

const CONTEXT = 3;

/** The change of one file as `git apply` takes it: one hunk around all that differs. Empty when nothing does. */
export function patchOf(path: string, before: string | null, after: string): string {
  if (before === after) return "";
  const lines = (text: string) => (text === "" ? [] : text.replace(/\n$/, "").split("\n"));
  const [a, b] = [lines(before ?? ""), lines(after)];
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const [from, rest] = [Math.max(0, head - CONTEXT), Math.max(0, tail - CONTEXT)];
  const [oldLines, newLines] = [a.slice(from, a.length - rest), b.slice(from, b.length - rest)];
  const start = (n: number) => (n === 0 ? 0 : from + 1);
  const body = [
    ...a.slice(from, head).map((l) => ` ${l}`),
    ...a.slice(head, a.length - tail).map((l) => `-${l}`),
    ...b.slice(head, b.length - tail).map((l) => `+${l}`),
    ...a.slice(a.length - tail, a.length - rest).map((l) => ` ${l}`),
  ];
  const names = before === null ? [`diff --git a/${path} b/${path}`, "new file mode 100644", "--- /dev/null", `+++ b/${path}`] : [`diff --git a/${path} b/${path}`, `--- a/${path}`, `+++ b/${path}`];
  return [...names, `@@ -${start(oldLines.length)},${oldLines.length} +${start(newLines.length)},${newLines.length} @@`, ...body, ""].join("\n");
}
