// Why a panel has nothing to show: no such metric at all, or none of its samples in this time range (rule 6).
import type { ComponentChildren } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { t } from "../lib/text";
import { metrics, wantMetrics } from "../state/names";
import { Empty } from "./states";

/** Names in a query that could be metrics: not functions, keywords, labels in braces or brackets, or strings. */
export function metricNames(expr: string): string[] {
  const bare = expr
    .replace(/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`/g, "")
    .replace(/\{[^}]*\}|\[[^\]]*\]/g, " ")
    .replace(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, " ");
  const words = [...bare.matchAll(/(?<![\w:.])([a-zA-Z_:][\w:]*)(\s*\()?/g)].flatMap((m) => (m[2] ? [] : [m[1] ?? ""]));
  const reserved = new Set(["and", "or", "unless", "offset", "bool", "atan2", "inf", "nan", "start", "end"]);
  const aggregations = /^(sum|avg|min|max|count|stddev|stdvar|topk|bottomk|quantile|group|count_values)$/;
  return [...new Set(words)].filter((w) => !reserved.has(w.toLowerCase()) && !aggregations.test(w));
}

/** Names that are compared, at most: beyond that nothing is suggested. */
const NAMES_MAX = 20_000;

/** How many letters must be added, taken away or replaced; `max + 1` for more than that. */
function distance(a: string, b: string, max: number): number {
  if (Math.abs(a.length - b.length) > max) return max + 1;
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 0; i < a.length; i++) {
    const row = [i + 1];
    for (let j = 0; j < b.length; j++) row.push(Math.min((last[j] ?? 0) + Number(a[i] !== b[j]), (last[j + 1] ?? 0) + 1, (row[j] ?? 0) + 1));
    if (Math.min(...row) > max) return max + 1;
    last = row;
  }
  return last[b.length] ?? max + 1;
}

/** The name nearest to one that does not exist, if at most one letter in five differs. */
export function nearestName(name: string, names: string[]): string | undefined {
  if (names.length > NAMES_MAX) return undefined;
  let best: string | undefined;
  let room = Math.ceil(name.length / 5);
  for (const n of names) {
    const d = distance(name, n, room);
    if (d > room || (best !== undefined && d === room)) continue;
    best = n;
    room = d;
  }
  return best;
}

interface Props {
  expr: string;
  otherwise: string;
  /** what to do, where there is such a metric */
  children?: ComponentChildren;
  /** what happens when somebody takes the query with the name that was probably meant */
  onTake?: (expr: string) => void;
}

export function WhyEmpty({ expr, otherwise, children, onTake }: Props) {
  useEffect(() => void wantMetrics(), []);
  const { status, names } = metrics.value;
  const missing = status === "ready" ? metricNames(expr).find((n) => !names.includes(n)) : undefined;
  const near = useMemo(() => (missing && onTake ? nearestName(missing, names) : undefined), [missing, names, onTake !== undefined]);
  return (
    <Empty>
      {missing ? t("panel.empty.metric", { name: missing }) : otherwise}
      {missing ? null : children}
      {missing && near && onTake ? (
        <button type="button" class="button" onClick={() => onTake(expr.replaceAll(new RegExp(`(?<![\\w:."'\`])${missing}(?![\\w:])`, "g"), near))}>
          {t("explore.near", { name: near })}
        </button>
      ) : null}
    </Empty>
  );
}
