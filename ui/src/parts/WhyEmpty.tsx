// Why a panel has nothing to show: no such metric at all, or none of its samples in this time range (rule 6).
import { useEffect } from "preact/hooks";
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

export function WhyEmpty({ expr, otherwise }: { expr: string; otherwise: string }) {
  useEffect(() => void wantMetrics(), []);
  const { status, names } = metrics.value;
  const missing = status === "ready" ? metricNames(expr).find((n) => !names.includes(n)) : undefined;
  return <Empty>{missing ? t("panel.empty.metric", { name: missing }) : otherwise}</Empty>;
}
