// Finding names by their words. Pure.

/** Names that contain every word of the query; those that begin with it first. */
export function matches(names: string[], query: string, max: number): string[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const hits = names.filter((n) => words.every((w) => n.toLowerCase().includes(w)));
  const first = words[0] ?? "";
  return hits
    .map((n, i) => ({ n, i, rank: n.toLowerCase().startsWith(first) ? 0 : 1 }))
    .sort((a, b) => a.rank - b.rank || a.i - b.i)
    .slice(0, max)
    .map((x) => x.n);
}
