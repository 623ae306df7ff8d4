// Assessments as strips: for each host or service how it was over a span of time. Pure.
import type { AssessmentDoc, Standing } from "../../api/insight";

export interface Cell {
  from: number;
  to: number;
  state: Standing;
  of: AssessmentDoc;
}

export interface Strip {
  by: string;
  name: string;
  cells: Cell[];
  now: Standing | null;
  /** share of the assessed time that was normal */
  normal: number;
}

/** Assessments farther apart than this are not joined: in between nothing was known; ms. */
const GAP_MS = 70 * 60_000;
const WORST: Record<Standing, number> = { bad: 2, degraded: 1, normal: 0 };

/** The worst first. Each assessment holds until the next one, as far as that is near: changes and one an hour are kept. */
export function stripsOf(all: AssessmentDoc[], span: { from: number; to: number }): Strip[] {
  const groups = new Map<string, AssessmentDoc[]>();
  for (const a of all) {
    const key = `${a.by} ${a.name}`;
    groups.set(key, [...(groups.get(key) ?? []), a]);
  }
  const strips = [...groups.values()].map((its): Strip => {
    const sorted = [...its].sort((a, b) => Date.parse(a.from) - Date.parse(b.from));
    const cells = sorted.flatMap((a, i): Cell[] => {
      const next = sorted[i + 1];
      const [from, until] = [Date.parse(a.from), next ? Date.parse(next.from) : span.to];
      const to = until - Date.parse(a.to) <= GAP_MS ? until : Date.parse(a.to);
      const cell = { from: Math.max(span.from, from), to: Math.min(span.to, Math.max(to, from)), state: a.state, of: a };
      return cell.to > cell.from ? [cell] : [];
    });
    const joined: Cell[] = [];
    for (const c of cells) {
      const last = joined.at(-1);
      if (last && last.state === c.state && last.to === c.from) joined[joined.length - 1] = { ...c, from: last.from };
      else joined.push(c);
    }
    const all = cells.reduce((n, c) => n + c.to - c.from, 0);
    const good = cells.filter((c) => c.state === "normal").reduce((n, c) => n + c.to - c.from, 0);
    const first = sorted[0];
    return { by: first?.by ?? "", name: first?.name ?? "", cells: joined, now: sorted.at(-1)?.state ?? null, normal: all > 0 ? good / all : 1 };
  });
  return strips.sort((a, b) => (b.now ? WORST[b.now] : 0) - (a.now ? WORST[a.now] : 0) || a.normal - b.normal || a.name.localeCompare(b.name));
}
