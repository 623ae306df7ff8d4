// What a panel shows of its answers: series with names, units, colours and what overrides say; numbers of series; the level and
// the text of a value. Pure. The server does the same; both are held to fixtures/dashboards/panels.json.
import type { Level, Mapping, Override, OverrideSet, Panel, PanelQuery, Reduce, Threshold } from "../../api/dashboards";
import type { Labels } from "../../api/frame";
import type { Grid } from "../../api/window";
import { resample } from "../../api/window";
import { colour as paletteColour, dash } from "../../charts/palette";
import { formatValue, guessUnit, seriesName, sharedLabels, type Unit } from "../../lib/format";

export interface Item {
  key: string;
  ref: string;
  name: string;
  labels: Labels;
  values: Float64Array;
  unit: Unit;
  decimals: number | undefined;
  colour: string;
  /** the colour was chosen by somebody */
  chosen: boolean;
  dash: number[];
  set: OverrideSet;
}

export interface Items {
  start: number;
  step: number;
  n: number;
  items: Item[];
  truncated: number;
  warnings: string[];
}

export const NOTHING: Items = { start: 0, step: 1, n: 0, items: [], truncated: 0, warnings: [] };

/** `{{instance}}: {{job}}` with the labels of a series. */
export const fillLegend = (template: string, labels: Labels) => template.replace(/\{\{\s*([\w.]+)\s*\}\}/g, (_, name: string) => labels[name] ?? "");

const patterns = new Map<string, RegExp | null>();
/** Patterns kept at most. */
const PATTERNS_MAX = 200;

/** A pattern as people write it, `/…/i` or plain; null when it is none. */
export function patternOf(text: string): RegExp | null {
  let re = patterns.get(text);
  if (re === undefined) {
    const slashed = /^\/(.*)\/([a-z]*)$/s.exec(text);
    try {
      re = slashed ? new RegExp(slashed[1] ?? "", (slashed[2] ?? "").replace(/[^imsu]/g, "")) : new RegExp(text);
    } catch {
      re = null;
    }
    if (patterns.size >= PATTERNS_MAX) patterns.clear();
    patterns.set(text, re);
  }
  return re;
}

const applies = (o: Override, name: string, ref: string) => {
  const { by, value } = o.match;
  if (by === "query") return value === ref;
  if (by === "type") return value === "number";
  return by === "regex" ? (patternOf(value)?.test(name) ?? false) : value === name;
};

/** What the overrides say of a series, the later ones winning. */
export const setFor = (overrides: readonly Override[] | undefined, name: string, ref: string): OverrideSet => Object.assign({}, ...(overrides ?? []).filter((o) => applies(o, name, ref)).map((o) => o.set));

/** The series of all answers on one grid. */
export function itemsOf(panel: Panel, queries: readonly (PanelQuery & { called?: string })[], grids: ReadonlyMap<string, Grid>): Items {
  const asked = queries.flatMap((q) => {
    const g = grids.get(q.ref);
    return g ? [{ q, g }] : [];
  });
  if (asked.length === 0) return NOTHING;
  const marked = asked.map(({ q, g }): Grid => ({ ...g, series: g.series.map((s) => ({ ...s, key: `${q.ref}/${s.key}` })) }));
  const grid = marked.length === 1 ? (marked[0] as Grid) : resample(marked);
  const shared = sharedLabels(grid.series.map((s) => s.labels));
  const byRef = new Map(queries.map((q) => [q.ref, q]));
  const guesses = new Map(asked.map(({ q, g }) => [q.ref, guessUnit(q.expr, g.series[0]?.unit)]));
  // What shares an axis has one unit, or none.
  const differ = panel.kind === "timeseries" && new Set(asked.flatMap(({ q }) => (q.hidden ? [] : [guesses.get(q.ref)]))).size > 1;
  const items = grid.series.map((s, i): Item => {
    const ref = s.key.slice(0, s.key.indexOf("/"));
    const q = byRef.get(ref);
    const legend = q?.legend ?? "";
    const bare = Object.keys(s.labels).length === 0;
    const expr = q?.called ?? q?.expr ?? ref;
    // A legend of labels that are not there says nothing: as if there were none.
    const filled = legend === "__auto" ? "" : fillLegend(legend, s.labels);
    const name = filled.trim() ? filled : bare ? (queries.length > 1 ? expr : panel.title || expr) : seriesName(s.labels, shared);
    const set = setFor(panel.overrides, name, ref);
    return {
      key: s.key,
      ref,
      name: set.title ?? name,
      labels: s.labels,
      values: set.negative ? s.values.map((v) => -v) : s.values,
      unit: set.unit ?? panel.unit ?? (differ && set.axis !== "right" ? "short" : (guesses.get(ref) ?? "short")),
      decimals: set.decimals ?? panel.decimals,
      colour: set.colour ? hexOf(set.colour) : paletteColour(i),
      chosen: Boolean(set.colour),
      dash: set.dash ? [8, 5] : dash(i),
      set,
    };
  });
  const shown = items.filter((i) => !byRef.get(i.ref)?.hidden);
  // A table hides columns, a chart shows in its legend what it hides; elsewhere it is not there.
  const kept = arranged(panel, shown).filter((i) => !i.set.hidden || panel.kind === "table" || panel.kind === "timeseries");
  return { start: grid.start, step: grid.step, n: grid.n, items: kept, truncated: asked.reduce((n, { g }) => n + g.truncated, 0), warnings: [...new Set(asked.flatMap(({ g }) => g.warnings))] };
}

/** The values of an earlier series at the times of now; NaN where it has none. */
export function shifted(now: Items, past: Items, values: ArrayLike<number>, back: number): Float64Array {
  const out = new Float64Array(now.n).fill(Number.NaN);
  for (let i = 0; i < now.n; i++) {
    const at = Math.round((now.start + i * now.step - back - past.start) / past.step);
    if (at >= 0 && at < past.n) out[i] = values[at] ?? Number.NaN;
  }
  return out;
}

/** Whether a transform leaves the series of a query. Letters are a pattern: `A|B`, `/^(?:A|B)$/`. */
function leaves(options: Record<string, unknown>, ref: string): boolean {
  const { include, exclude } = options as { include?: string; exclude?: string };
  const is = (letters: string) => patternOf(`^(?:${patternOf(letters)?.source ?? letters.replace(/\W/g, "\\$&")})$`)?.test(ref);
  return !(include && !is(include)) && !(exclude && is(exclude));
}

/** Whether the panel's transforms leave the series of a query, by its letter. */
export const isLeft = (panel: Panel, ref: string) => (panel.transforms ?? []).every((t) => t.kind !== "filterByRefId" || leaves(t.options ?? {}, ref));

/** The transforms that are about whole series: names and which are kept. */
function arranged(panel: Panel, items: Item[]): Item[] {
  let out = items;
  for (const { kind, options = {} } of panel.transforms ?? []) {
    if (kind === "renameByRegex") {
      const re = patternOf(String(options["regex"] ?? ""));
      if (re) out = out.map((i) => ({ ...i, name: i.name.replace(re, String(options["renamePattern"] ?? "")) }));
    } else if (kind === "filterByName" || kind === "filterFieldsByName") {
      // A table filters its columns, not the series that they are made of.
      if (panel.kind === "table") continue;
      const { include, exclude } = options as { include?: { names?: string[]; pattern?: string }; exclude?: { names?: string[]; pattern?: string } };
      const is = (o: { names?: string[]; pattern?: string } | undefined, name: string) => Boolean(o && (o.names?.includes(name) || (o.pattern && patternOf(o.pattern)?.test(name))));
      if (include) out = out.filter((i) => is(include, i.name));
      if (exclude) out = out.filter((i) => !is(exclude, i.name));
    } else if (kind === "filterByRefId") out = out.filter((i) => leaves(options, i.ref));
    else if (kind === "limit" && panel.kind !== "table") out = out.slice(0, Math.max(0, Number(options["limitField"]) || 10));
  }
  return out;
}

/** One number of many; NaN when there is none. */
export function reduced(values: ArrayLike<number>, how: Reduce): number {
  if (how === "last") {
    for (let i = values.length - 1; i >= 0; i--) if (Number.isFinite(values[i])) return values[i] as number;
    return Number.NaN;
  }
  let n = 0;
  let sum = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let first = Number.NaN;
  let last = Number.NaN;
  for (let i = 0; i < values.length; i++) {
    const v = values[i] as number;
    if (!Number.isFinite(v)) continue;
    if (n === 0) first = v;
    n++;
    sum += v;
    last = v;
    if (v < min) min = v;
    if (v > max) max = v;
  }
  if (how === "count") return n;
  if (n === 0) return Number.NaN;
  return { last, first, mean: sum / n, sum, min, max, range: max - min }[how];
}

export const REDUCES: Reduce[] = ["last", "mean", "max", "min", "sum", "count", "range", "first"];

/** Names of colours that other tools write, as ours. */
const NAMED: Record<string, string> = {
  green: "#2a9360",
  "dark-green": "#2a9360",
  "semi-dark-green": "#2a9360",
  "light-green": "#6b8e23",
  yellow: "#b8860b",
  "dark-yellow": "#b8860b",
  "semi-dark-yellow": "#b8860b",
  orange: "#d9622b",
  "dark-orange": "#d9622b",
  "semi-dark-orange": "#d9622b",
  red: "#e05252",
  "dark-red": "#e05252",
  "semi-dark-red": "#e05252",
  blue: "#2680c2",
  "dark-blue": "#2680c2",
  "semi-dark-blue": "#2680c2",
  "light-blue": "#1a97a6",
  purple: "#9b6fd3",
  "dark-purple": "#9b6fd3",
  "semi-dark-purple": "#9b6fd3",
  text: "#7f8b93",
  transparent: "#7f8b93",
  gray: "#7f8b93",
  grey: "#7f8b93",
};

const SEVERITY: Record<Level, string> = { ok: "#2a9360", info: "#2680c2", warning: "#b8860b", critical: "#e05252" };

/** A colour as #rrggbb; grey for what cannot be read. */
export function hexOf(text: string): string {
  const c = text.trim().toLowerCase();
  if (/^#[0-9a-f]{6}$/.test(c)) return c;
  if (/^#[0-9a-f]{8}$/.test(c)) return c.slice(0, 7);
  if (/^#[0-9a-f]{3}$/.test(c)) return `#${[...c.slice(1)].map((x) => x + x).join("")}`;
  const rgb = /^rgba?\(\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)/.exec(c);
  if (rgb) return `#${rgb.slice(1, 4).map((x) => Math.min(255, Number(x)).toString(16).padStart(2, "0")).join("")}`;
  return NAMED[c] ?? "#7f8b93";
}

/** The colour of a threshold. */
export const thresholdColour = (t: Threshold) => (t.colour ? hexOf(t.colour) : SEVERITY[t.severity ?? "ok"]);

export interface Judged {
  colour: string;
  /** null: a colour that means nothing worse */
  level: Level | null;
}

/** The bounds for thresholds in percent, bars and gauges. */
export interface Bounds {
  min: number;
  max: number;
}

/** What the thresholds say of a value; null where there are none. */
export function judge(v: number, thresholds: readonly Threshold[] | undefined, mode: "absolute" | "percent" = "absolute", bounds: Bounds = { min: 0, max: 100 }): Judged | null {
  if (!thresholds?.length || Number.isNaN(v)) return null;
  const x = mode === "percent" ? ((v - bounds.min) / (bounds.max - bounds.min || 1)) * 100 : v;
  let best: Threshold | null = null;
  let at = Number.NEGATIVE_INFINITY;
  for (const t of thresholds) {
    const from = t.at ?? Number.NEGATIVE_INFINITY;
    if (x >= from && (best === null || from >= at)) {
      best = t;
      at = from;
    }
  }
  return best ? { colour: thresholdColour(best), level: best.severity ?? null } : null;
}

/** A threshold in the unit of the chart. */
export const absolute = (at: number, mode: "absolute" | "percent" | undefined, b: Bounds) => (mode === "percent" ? b.min + (at / 100) * (b.max - b.min) : at);

export interface Said {
  text: string;
  colour: string | null;
}

/** The text and colour that a mapping puts in place of a value; null where none does. */
export function mapped(v: number, text: string, mappings: readonly Mapping[] | undefined): Said | null {
  for (const m of mappings ?? []) {
    const hit =
      m.kind === "value"
        ? m.value === text || (m.value !== undefined && m.value !== "" && Number(m.value) === v)
        : m.kind === "range"
          ? v >= (m.from ?? Number.NEGATIVE_INFINITY) && v <= (m.to ?? Number.POSITIVE_INFINITY)
          : m.kind === "regex"
            ? (patternOf(m.value ?? "")?.test(text) ?? false)
            : isSpecial(m.value ?? "", v, text);
    if (hit) return { text: m.text ?? text, colour: m.colour ? hexOf(m.colour) : null };
  }
  return null;
}

function isSpecial(what: string, v: number, text: string): boolean {
  if (what === "null" || what === "nan" || what === "null+nan") return Number.isNaN(v);
  if (what === "empty") return text === "";
  return what === "true" ? v === 1 : what === "false" ? v === 0 : false;
}

/** The bounds of a panel: as it says, those of its unit, or those of its values. */
export function boundsOf(panel: Panel, values: readonly number[], set: OverrideSet = {}, unit = panel.unit): Bounds {
  const finite = values.filter(Number.isFinite);
  const share = unit === "ratio" ? 1 : unit === "percent" ? 100 : undefined;
  const min = set.min ?? panel.min ?? Math.min(0, ...finite);
  const max = set.max ?? panel.max ?? share ?? Math.max(...finite, ...(panel.thresholds ?? []).flatMap((t) => (t.at !== null && panel.thresholds_mode !== "percent" ? [t.at] : [])));
  return { min, max: Number.isFinite(max) && max > min ? max : min + 1 };
}

export interface Told {
  item: Item;
  value: number;
  text: string;
  judged: Judged | null;
  bounds: Bounds;
}

/** One number of each series, as it is shown. */
export function toldOf(panel: Panel, items: readonly Item[], how: Reduce = panel.reduce ?? "last"): Told[] {
  const all = items.map((item) => reduced(item.values, how));
  return items.map((item, i): Told => {
    const value = all[i] as number;
    const bounds = boundsOf(panel, all, item.set, item.unit);
    const said = mapped(value, String(value), item.set.mappings ?? panel.mappings);
    const judged = said?.colour ? { colour: said.colour, level: null } : judge(value, item.set.thresholds ?? panel.thresholds, panel.thresholds_mode, bounds);
    return { item, value, text: said?.text ?? formatValue(value, item.unit, item.decimals), judged, bounds };
  });
}

/** How an expression puts many things into one; empty when each is shown for itself. */
export function aggregation(expr: string): string {
  const m = /^\s*(sum|avg|min|max|count|stddev|stdvar|topk|bottomk|quantile|histogram_quantile|group)\b\s*(?:(by|without)\s*\(([^)]*)\))?\s*\(/i.exec(expr);
  if (!m) return "";
  const how = (m[1] ?? "").toLowerCase();
  const after = m[2] ? "" : (/\)\s*(by|without)\s*\(([^)]*)\)\s*$/i.exec(expr)?.slice(1, 3).join(" ") ?? "");
  const list = m[2] ? `${m[2].toLowerCase()} ${(m[3] ?? "").trim()}` : after;
  const rank = how === "histogram_quantile" ? /^\s*histogram_quantile\s*\(\s*([\d.]+)/i.exec(expr)?.[1] : undefined;
  if (rank) return `p${Math.round(Number(rank) * 1000) / 10}`;
  return list ? `${how} ${list}` : how;
}
