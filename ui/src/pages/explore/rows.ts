// The queries of Explore as the address has them, and what the chart shows of their answers. Pure.
import type { Grid } from "../../api/window";
import { labelKey, resample, statsOf } from "../../api/window";
import { markLines } from "../../charts/marks";
import { colour, dash } from "../../charts/palette";
import type { Line, PlotData } from "../../charts/plot";
import { guessUnit, seriesName, sharedLabels, type Unit } from "../../lib/format";
import type { Span } from "../../lib/time";
import { type ExploreView, LETTERS, type UrlState } from "../../state/urlstate";

export interface Row {
  /** its letter */
  id: string;
  expr: string;
  off: boolean;
}

type Queries = Pick<UrlState, "expr" | "more" | "off">;

export const rowsOf = ({ expr, more, off }: Queries): Row[] => [expr, ...more].slice(0, LETTERS.length).map((x, i) => ({ id: LETTERS[i] as string, expr: x, off: off.includes(LETTERS[i] as string) }));

/** The rows as the address keeps them; those after a row that went move up with what they are. */
export function addressOf(rows: readonly { expr: string; off: boolean }[]): Queries {
  const [first, ...more] = rows.map((r) => r.expr.trim());
  return { expr: first ?? "", more, off: rows.flatMap((r, i) => (r.off ? [LETTERS[i]] : [])).join("") };
}

/** The rows that are asked for. */
export const shownOf = (rows: readonly Row[]): Row[] => rows.filter((r) => r.expr && !r.off);

/** Bars and cells must be wide enough to be told from each other: px. */
const WIDE: Partial<Record<ExploreView, number>> = { bars: 10, heat: 5 };
const STEP_MS = 5_000;

/** ms between values where a view wants fewer than a line; undefined leaves it to the width. */
export function stepOf(view: ExploreView, span: Span, width: number): number | undefined {
  const px = WIDE[view];
  return px ? Math.max(1, Math.ceil((span.to - span.from) / Math.max(10, width / px) / STEP_MS)) * STEP_MS : undefined;
}

/** Letters of a query that stand for its only series. */
const NAME_MAX = 80;

export interface Drawn {
  data: PlotData;
  unit: Unit;
  /** labels of the series of the first query, in the order of the lines */
  keys: string[];
  /** letters of queries that are not drawn: a chart has two axes, theirs would be a third */
  left: string[];
}

interface Choice {
  view: ExploreView;
  solo: string;
  hide: readonly string[];
}

/** The lines of all queries. Of several each name begins with the letter, and an only series is called like its query; what
 * has another unit is measured on the right, and a third unit is not drawn. */
export function drawnOf(rows: readonly Row[], grids: ReadonlyMap<string, Grid>, { view, solo, hide }: Choice): Drawn {
  const asked = rows.flatMap((row) => {
    const g = grids.get(row.id);
    return g ? [{ row, g }] : [];
  });
  const one = asked.length === 1 ? asked[0] : undefined;
  const grid = one ? one.g : resample(asked.map(({ row, g }) => ({ ...g, series: g.series.map((s) => ({ ...s, key: row.id + s.key })) })));
  const shared = new Map(asked.map(({ row, g }) => [row.id, sharedLabels(g.series.map((s) => s.labels))]));
  const single = new Set(asked.filter(({ g }) => g.series.length === 1).map(({ row }) => row.id));
  const units = new Map(asked.map(({ row, g }) => [row.id, guessUnit(row.expr, g.series[0]?.unit)]));
  const first = asked.find(({ g }) => g.series.length > 0) ?? asked[0];
  const unit = units.get(first?.row.id ?? "") ?? "short";
  const other = asked.flatMap(({ row, g }) => (g.series.length > 0 && units.get(row.id) !== unit ? [units.get(row.id)] : []))[0] ?? unit;
  const left = asked.flatMap(({ row, g }) => (g.series.length > 0 && ![unit, other].includes(units.get(row.id) as Unit) ? [row.id] : []));
  const lines = grid.series.map((s, i): Line => {
    const row = one?.row ?? rows.find((r) => s.key.startsWith(r.id));
    const plain = seriesName(s.labels, shared.get(row?.id ?? ""));
    const name = one || !row ? plain : `${row.id} ${single.has(row.id) ? row.expr.replace(/\s+/g, " ").slice(0, NAME_MAX) : plain}`;
    const own = units.get(row?.id ?? "") ?? unit;
    const second = own === unit ? {} : { unit: own, right: true, apart: true };
    const hidden = left.includes(row?.id ?? "") || (solo ? name !== solo : hide.includes(name));
    return { name, colour: colour(i), dash: view === "bars" ? [] : dash(i), values: s.values, hidden, ...second, ...(view === "bars" ? { draw: "bars", fill: 0.85 } : {}) };
  });
  // Bars stand before each other: the smaller ones in front.
  if (view === "bars") lines.sort((a, b) => (statsOf(b.values).avg || 0) - (statsOf(a.values).avg || 0));
  // A solo that the answer does not have would hide everything.
  if (solo && lines.every((l) => l.hidden)) for (const l of lines) l.hidden = hide.includes(l.name) || left.some((id) => l.name.startsWith(`${id} `));
  if (lines.length > 0) lines.push(...markLines(grid.marks, grid.n, [...hide]));
  return { data: { start: grid.start, step: grid.step, n: grid.n, lines }, unit, keys: (asked[0]?.g.series ?? []).map((s) => labelKey(s.labels)), left };
}

/** A selector in a query: the first metric with what is asked of its labels; empty when there is none. */
export function selectorOf(expr: string, metric: string | undefined): string {
  if (!metric) return /\{[^}]*\}/.exec(expr)?.[0] ?? "";
  const at = expr.search(new RegExp(`(?<![\\w:."'\`])${metric}(?![\\w:])`));
  return metric + (/^\s*(\{(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[^}"'])*\})/.exec(expr.slice(at + metric.length))?.[1] ?? "");
}
