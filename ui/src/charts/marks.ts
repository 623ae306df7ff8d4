// The thresholds of a chart's metrics as lines: limits, not amounts. At most three metrics are drawn, so that a chart
// of many stays readable.
import type { Marks } from "../api/frame";
import { t } from "../lib/text";
import type { Line } from "./plot";

export const METRICS_MAX = 3;
/** 3:1 on both backgrounds (marks.test.ts). */
export const MARK_COLOURS = { warning: "#b8860b", critical: "#e05252", baseline: "#7f8b93" } as const;
const KINDS = ["critical", "warning", "baseline"] as const;

/** The lines of these thresholds over `n` elements; those that nobody set say so. */
export function markLines(marks: Marks[] | undefined, n: number, hide: string[] = []): Line[] {
  const shown = (marks ?? []).slice(0, METRICS_MAX);
  return shown.flatMap((m) =>
    KINDS.flatMap((kind): Line[] => {
      const at = m[kind];
      if (at === null || n === 0) return [];
      const word = t(m.source === "default" ? `mark.${kind}.default` : `mark.${kind}`);
      const name = shown.length > 1 ? `${m.metric} ${word}` : word;
      return [{ name, colour: MARK_COLOURS[kind], dash: [], values: new Float64Array(n).fill(at), hidden: hide.includes(name), reference: true }];
    }),
  );
}
