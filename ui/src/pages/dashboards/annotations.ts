// Marks on the time axes of a dashboard: alerts that fired, what changed, what was unusual, and when an expression had a value.
import { useMemo } from "preact/hooks";
import { fetchHistory } from "../../api/alerting";
import { msOf } from "../../api/alertingTypes";
import type { Annotation } from "../../api/dashboards";
import { fetchChanges, fetchInsights } from "../../api/insight";
import { gathered } from "../../charts/grounds";
import type { Happening } from "../../charts/plot";
import { resolveRange } from "../../lib/time";
import { askOnce } from "../../state/panels";
import { usePoll } from "../../state/poll";
import { url } from "../../state/url";
import type { Values } from "./interpolate";
import { expression, type Scope } from "./scope";
import { hexOf } from "./series";

/** Marks of one kind. */
export const MARKS_MAX = 200;
const AGAIN_MS = 30_000;
/** So many marks of a kind can be told apart on a panel of half a screen. */
const APART = 20;
const USUAL: Record<Annotation["kind"], string> = { alerts: "#e05252", changes: "#9b6fd3", anomalies: "#b8860b", query: "#2680c2" };

async function marksOf(a: Annotation, span: { from: number; to: number }, scope: Scope, signal: AbortSignal): Promise<Happening[]> {
  const colour = a.colour ? hexOf(a.colour) : USUAL[a.kind];
  switch (a.kind) {
    case "alerts": {
      const { episodes } = await fetchHistory({ ...span, limit: MARKS_MAX }, signal);
      return episodes.flatMap((e) => (e.fired_at === null ? [] : [{ at: msOf(e.fired_at), to: e.resolved_at === null ? undefined : msOf(e.resolved_at), colour, text: e.title || (e.labels["alertname"] ?? "") }]));
    }
    case "changes":
      return (await fetchChanges(span, MARKS_MAX, false, signal)).changes.map((c) => ({ at: Date.parse(c.at), colour, text: c.text }));
    case "anomalies":
      return (await fetchInsights("all", "anomaly", signal)).insights.map((i) => ({ at: Date.parse(i.first_at), to: Date.parse(i.last_at), colour, text: i.title }));
    default: {
      if (!a.query) return [];
      const f = await askOnce({ expr: expression(a.query, scope, {}, span, 60_000), kind: "range", max_series: 20 }, span, 400, signal);
      const out: Happening[] = [];
      for (const column of f.columns) for (let i = 0; i < f.n; i++) if ((column[i] || 0) !== 0 && !((column[i - 1] || 0) !== 0)) out.push({ at: f.start + i * f.step, colour, text: a.name });
      return out;
    }
  }
}

const NONE: Happening[] = [];

export function useHappenings(wanted: readonly Annotation[], id: string, ready: boolean, values: Values, filters: string[]): Happening[] {
  const { range } = url.value;
  const on = ready && wanted.length > 0 && range.from !== "";
  const load = async (signal: AbortSignal) => {
    if (!on) return NONE;
    const now = Date.now();
    const span = resolveRange(range, now) ?? { from: now - 3_600_000, to: now };
    const scope: Scope = { id, ready, values, names: [], filters, happenings: NONE, again: 0 };
    const all = await Promise.all(wanted.map((a) => marksOf(a, span, scope, signal)));
    const seen = all.flatMap((m) => m.slice(0, MARKS_MAX)).filter((m) => m.at <= span.to && (m.to ?? m.at) >= span.from);
    return gathered(seen, (span.to - span.from) / APART);
  };
  const asked = usePoll(`marks ${id} ${on} ${JSON.stringify([wanted, range, values, filters])}`, load, on ? AGAIN_MS : Number.POSITIVE_INFINITY);
  const key = JSON.stringify(asked.data ?? NONE);
  return useMemo(() => asked.data ?? NONE, [key]);
}
