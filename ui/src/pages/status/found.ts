// Reading configuration texts and label sets for the status page. Pure.
import type { Named } from "../../api/status";

/** Lines of a text that are shown. */
const LINES_MAX = 5_000;

/** The lines that have the word, each with the keys above it. Pure. */
export function foundLines(text: string, q: string): { n: number; line: string; hit: boolean }[] {
  const lines = text.replace(/\n$/, "").split("\n").slice(0, LINES_MAX);
  const word = q.trim().toLowerCase();
  if (!word) return lines.map((line, i) => ({ n: i + 1, line, hit: false }));
  const indent = (s: string) => s.length - s.trimStart().length;
  const keep = new Set<number>();
  const hits = new Set<number>();
  lines.forEach((line, i) => {
    if (!line.toLowerCase().includes(word)) return;
    hits.add(i);
    keep.add(i);
    let depth = indent(line);
    for (let j = i - 1; j >= 0 && depth > 0; j--) {
      const above = lines[j] as string;
      if (above.trim() === "" || indent(above) >= depth) continue;
      depth = indent(above);
      keep.add(j);
    }
  });
  return [...keep].sort((a, b) => a - b).map((i) => ({ n: i + 1, line: lines[i] as string, hit: hits.has(i) }));
}

/** `retention: 10d` and `retention_size: 5GB` below `store:`, as the file has them. */
export function retentionOf(yaml: string): { time: string | null; size: string | null } {
  const store = /^store:[ \t]*\n((?:[ \t]+.*\n?|\s*\n)*)/m.exec(yaml)?.[1] ?? "";
  const of = (key: string) => new RegExp(`^\\s+${key}:\\s*["']?([\\w.]+)`, "m").exec(store)?.[1] ?? null;
  return { time: of("retention"), size: of("retention_size") };
}

/** How many values each label has among the series, the most first. Pure. */
export function valuesOf(series: Record<string, string>[]): Named[] {
  const by = new Map<string, Set<string>>();
  for (const s of series)
    for (const [k, v] of Object.entries(s)) {
      if (k === "__name__") continue;
      const known = by.get(k) ?? new Set();
      known.add(v);
      by.set(k, known);
    }
  return [...by].map(([name, v]) => ({ name, value: v.size })).sort((a, b) => b.value - a.value || a.name.localeCompare(b.name));
}
