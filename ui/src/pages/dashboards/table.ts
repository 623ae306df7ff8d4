// Series as a table, what transforms make of it, and how its cells are written. Pure. Bounds: rows and columns below; more are
// counted. The server does the same; both are held to fixtures/dashboards/panels.json.
import type { OverrideSet, Panel, Reduce } from "../../api/dashboards";
import { formatDateTime, formatValue, type Zone } from "../../lib/format";
import { boundsOf, type Item, type Items, isLeft, judge, mapped, patternOf, reduced, setFor } from "./series";

export type CellValue = string | number;

export interface Column {
  name: string;
  kind: "number" | "string" | "time";
  unit?: string | undefined;
  decimals?: number | undefined;
  ref?: string;
}

export interface Table {
  columns: Column[];
  rows: CellValue[][];
  /** rows that were left out */
  more: number;
}

export const ROWS_MAX = 2_000;
export const COLUMNS_MAX = 60;

/** Labels in columns of their own, and one number of each series. Of several queries each has its column, also with no answer. */
function instantTable(items: readonly Item[], how: Reduce, asked: readonly string[], many: boolean): Table {
  const refs = [...new Set([...asked, ...items.map((i) => i.ref)])];
  // Several queries are told apart by their letters: names of metrics would keep their rows apart.
  const names = [...new Set(items.flatMap((i) => Object.keys(i.labels)))].filter((n) => n !== "__name__" || !many).sort().slice(0, COLUMNS_MAX);
  const value = (ref: string) => (many ? `Value #${ref}` : "Value");
  const columns: Column[] = [
    ...names.map((name): Column => ({ name, kind: "string" })),
    ...refs.map((ref): Column => {
      const first = items.find((i) => i.ref === ref);
      return { name: value(ref), kind: "number", unit: first?.unit, decimals: first?.decimals, ref };
    }),
  ];
  // Before those of several queries are put beside each other.
  const most = ROWS_MAX * refs.length;
  const rows = items.slice(0, most).map((i) => [...names.map((n): CellValue => i.labels[n] ?? ""), ...refs.map((ref) => (ref === i.ref ? reduced(i.values, how) : Number.NaN))]);
  return { columns, rows, more: Math.max(0, items.length - most) };
}

/** A row for each series: its name and one number. */
function seriesTable(items: readonly Item[], how: Reduce): Table {
  const first = items[0];
  return {
    columns: [
      { name: "Metric", kind: "string" },
      { name: "Value", kind: "number", unit: first?.unit, decimals: first?.decimals },
    ],
    rows: items.slice(0, ROWS_MAX).map((i) => [i.name, reduced(i.values, how)]),
    more: Math.max(0, items.length - ROWS_MAX),
  };
}

/** A row for each time at which there is a value, a column for each series, the newest first. */
export function timeTable(all: Items): Table {
  const items = all.items.slice(0, COLUMNS_MAX);
  const times: number[] = [];
  for (let at = all.n - 1; at >= 0; at--) if (items.some((i) => !Number.isNaN(i.values[at] ?? Number.NaN))) times.push(at);
  return {
    columns: [{ name: "Time", kind: "time" }, ...items.map((i): Column => ({ name: i.name, kind: "number", unit: i.unit, decimals: i.decimals, ref: i.ref }))],
    rows: times.slice(0, ROWS_MAX).map((at) => [all.start + at * all.step, ...items.map((i) => i.values[at] ?? Number.NaN)]),
    more: Math.max(0, times.length - ROWS_MAX),
  };
}

type Options = Record<string, unknown>;
const num = (v: CellValue) => (v === "" ? Number.NaN : Number(v));
const at = (t: Table, name: string) => t.columns.findIndex((c) => c.name === name);

function organize(t: Table, o: Options): Table {
  const drop = (o["excludeByName"] ?? {}) as Record<string, boolean>;
  const order = (o["indexByName"] ?? {}) as Record<string, number>;
  const names = (o["renameByName"] ?? {}) as Record<string, string>;
  const keep = t.columns.map((c, i) => ({ c, i })).filter(({ c }) => !drop[c.name]);
  keep.sort((a, b) => (order[a.c.name] ?? 1e6 + a.i) - (order[b.c.name] ?? 1e6 + b.i));
  return { ...t, columns: keep.map(({ c }) => ({ ...c, name: names[c.name] || c.name })), rows: t.rows.map((r) => keep.map(({ i }) => r[i] ?? "")) };
}

/** Rows that agree in all texts become one: numbers of several queries stand beside each other. */
function merge(t: Table): Table {
  const texts = t.columns.flatMap((c, i) => (c.kind === "number" ? [] : [i]));
  const byKey = new Map<string, CellValue[]>();
  for (const r of t.rows) {
    const key = JSON.stringify(texts.map((i) => r[i]));
    const there = byKey.get(key);
    if (!there) byKey.set(key, [...r]);
    else for (const [i, v] of r.entries()) if (typeof v === "number" && !Number.isNaN(v)) there[i] = v;
  }
  return { ...t, rows: [...byKey.values()] };
}

/** Rows that agree in one column become one; texts of later rows fill what is empty. */
function join(t: Table, name: string): Table {
  const by = at(t, name);
  if (by < 0) return merge(t);
  const byKey = new Map<CellValue, CellValue[]>();
  for (const r of t.rows) {
    const there = byKey.get(r[by] ?? "");
    if (!there) byKey.set(r[by] ?? "", [...r]);
    else for (const [i, v] of r.entries()) if (typeof v === "number" ? !Number.isNaN(v) : there[i] === "" && v !== "") there[i] = v;
  }
  return { ...t, rows: [...byKey.values()] };
}

function sortBy(t: Table, o: Options): Table {
  const first = ((o["sort"] ?? []) as { field?: string; desc?: boolean }[])[0];
  const i = at(t, first?.field ?? "");
  if (i < 0) return t;
  const sign = first?.desc ? -1 : 1;
  return { ...t, rows: [...t.rows].sort((a, b) => sign * compare(a[i] ?? "", b[i] ?? "")) };
}

export function compare(a: CellValue, b: CellValue): number {
  if (typeof a === "number" && typeof b === "number") return (Number.isNaN(a) ? Number.NEGATIVE_INFINITY : a) - (Number.isNaN(b) ? Number.NEGATIVE_INFINITY : b) || 0;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}

const AGGREGATE: Record<string, Reduce> = { sum: "sum", mean: "mean", max: "max", min: "min", count: "count", last: "last", lastNotNull: "last", first: "first", firstNotNull: "first", range: "range" };

/** Of counts, which have no unit. */
const counted = (how: string) => (how === "count" || how === "distinctCount" ? { unit: "count", decimals: undefined } : {});

function groupBy(t: Table, o: Options): Table {
  const fields = (o["fields"] ?? {}) as Record<string, { operation?: string; aggregations?: string[] }>;
  const keys = t.columns.flatMap((c, i) => (fields[c.name]?.operation === "groupby" ? [i] : []));
  const sums = t.columns.flatMap((c, i) => (fields[c.name]?.operation === "aggregate" ? (fields[c.name]?.aggregations ?? []).map((how) => ({ i, how })) : []));
  const groups = new Map<string, CellValue[][]>();
  for (const r of t.rows) {
    const key = JSON.stringify(keys.map((i) => r[i]));
    groups.set(key, [...(groups.get(key) ?? []), r]);
  }
  return {
    more: t.more,
    columns: [...keys.map((i) => t.columns[i] as Column), ...sums.map(({ i, how }): Column => ({ ...(t.columns[i] as Column), kind: "number", name: `${t.columns[i]?.name} (${how})`, ...counted(how) }))],
    rows: [...groups.values()].map((rows) => [...keys.map((i) => rows[0]?.[i] ?? ""), ...sums.map(({ i, how }) => (how === "count" || how === "distinctCount" ? rows.length : reduced(rows.map((r) => num(r[i] ?? Number.NaN)), AGGREGATE[how] ?? "last")))]),
  };
}

function calculate(t: Table, o: Options): Table {
  const name = String(o["alias"] ?? "");
  if (o["mode"] === "binary") {
    const { left, operator = "+", right } = (o["binary"] ?? {}) as { left?: unknown; operator?: string; right?: unknown };
    const word = (x: unknown) => String((typeof x === "object" && x !== null ? ("matcher" in x ? (x.matcher as Options)["options"] : (x as Options)["fixed"]) : x) ?? "");
    const side = (text: string) => {
      const i = at(t, text);
      return (r: CellValue[]) => num(i >= 0 ? (r[i] ?? "") : text);
    };
    const [a, b] = [side(word(left)), side(word(right))];
    const run = (r: CellValue[]) => ({ "+": a(r) + b(r), "-": a(r) - b(r), "*": a(r) * b(r), "/": a(r) / b(r) })[operator] ?? Number.NaN;
    return add(t, name || `${word(left)} ${operator} ${word(right)}`, run, Boolean(o["replaceFields"]));
  }
  const { include, reducer } = (o["reduce"] ?? {}) as { include?: string[]; reducer?: string };
  const from = t.columns.flatMap((c, i) => (c.kind === "number" && (!include?.length || include.includes(c.name)) ? [i] : []));
  return add(t, name || "Total", (r) => reduced(from.map((i) => num(r[i] ?? Number.NaN)), AGGREGATE[reducer ?? "sum"] ?? "sum"), Boolean(o["replaceFields"]));
}

function add(t: Table, name: string, run: (r: CellValue[]) => number, only = false): Table {
  const kept = t.columns.flatMap((c, i) => (!only || c.kind === "time" ? [i] : []));
  return { ...t, columns: [...kept.map((i) => t.columns[i] as Column), { name, kind: "number" }], rows: t.rows.map((r) => [...kept.map((i) => r[i] ?? ""), run(r)]) };
}

function keep(t: Table, o: Options): Table {
  const { include, exclude } = o as { include?: { names?: string[]; pattern?: string }; exclude?: { names?: string[]; pattern?: string } };
  const is = (x: { names?: string[]; pattern?: string } | undefined, name: string) => Boolean(x && (x.names?.includes(name) || (x.pattern && patternOf(x.pattern)?.test(name))));
  const stay = t.columns.flatMap((c, i) => ((include ? is(include, c.name) : true) && !(exclude && is(exclude, c.name)) ? [i] : []));
  return { ...t, columns: stay.map((i) => t.columns[i] as Column), rows: t.rows.map((r) => stay.map((i) => r[i] ?? "")) };
}

function rename(t: Table, o: Options): Table {
  const re = patternOf(String(o["regex"] ?? ""));
  return re ? { ...t, columns: t.columns.map((c) => ({ ...c, name: c.name.replace(re, String(o["renamePattern"] ?? "")) })) } : t;
}

/** How Grafana heads the column of a number, which overrides know it by. */
const TOLD: Record<string, string> = { last: "Last", lastNotNull: "Last *", first: "First", firstNotNull: "First *", min: "Min", max: "Max", mean: "Mean", sum: "Total", count: "Count", range: "Range" };

/** A row for each number column, with what it comes to. */
function reduce(t: Table, o: Options): Table {
  const hows = ((o["reducers"] ?? ["last"]) as string[]).filter((h) => AGGREGATE[h]);
  const from = t.columns.flatMap((c, i) => (c.kind === "number" ? [{ c, i }] : []));
  const first = from[0]?.c;
  return {
    more: 0,
    columns: [{ name: "Field", kind: "string" }, ...hows.map((name): Column => ({ name: TOLD[name] ?? name, kind: "number", unit: first?.unit, decimals: first?.decimals, ...counted(name) }))],
    // The newest comes first in a table of times.
    rows: from.map(({ c, i }) => [c.name, ...hows.map((h) => reduced(t.rows.map((r) => num(r[i] ?? Number.NaN)).reverse(), AGGREGATE[h] ?? "last"))]),
  };
}

/** The table that a panel shows. */
export function tableOf(panel: Panel, all: Items, instant: boolean): Table {
  const transforms = panel.transforms ?? [];
  const byTime = !instant && transforms.some((t) => t.kind === "reduce" || t.kind === "seriesToColumns" || (t.kind === "joinByField" && (t.options?.["byField"] ?? "Time") === "Time"));
  const asked = (panel.queries ?? []).filter((q) => !q.hidden).map((q) => q.ref);
  const many = asked.length > 1;
  const named = !byTime && transforms.some((t) => t.kind === "seriesToRows");
  let t = byTime ? timeTable(all) : named ? seriesTable(all.items, panel.reduce ?? "last") : instantTable(all.items, panel.reduce ?? "last", many ? asked.filter((ref) => isLeft(panel, ref)) : [], many);
  if (!byTime && !named && new Set(all.items.map((i) => i.ref)).size > 1) t = merge(t);
  for (const { kind, options = {} } of transforms) {
    if (kind === "organize") t = organize(t, options);
    else if (kind === "merge") t = merge(t);
    else if (kind === "joinByField" || kind === "seriesToColumns") t = join(t, String(options["byField"] ?? "Time"));
    else if (kind === "sortBy") t = sortBy(t, options);
    else if (kind === "groupBy") t = groupBy(t, options);
    else if (kind === "calculateField") t = calculate(t, options);
    else if (kind === "filterByName" || kind === "filterFieldsByName") t = keep(t, options);
    else if (kind === "renameByRegex") t = rename(t, options);
    else if (kind === "reduce") t = reduce(t, options);
    else if (kind === "limit") t = { ...t, rows: t.rows.slice(0, Math.max(0, Number(options["limitField"]) || 10)) };
  }
  return t;
}

/** How a column is shown. */
export interface Look {
  hidden: boolean;
  title: string | undefined;
  tell: (v: CellValue) => { text: string; colour: string | null };
}

/** How the cells of a column are written. */
export function lookOf(panel: Panel, c: Column, table: Table, zone: Zone): Look {
  const set: OverrideSet = setFor(panel.overrides, c.name, c.ref ?? "");
  const unit = set.unit ?? c.unit ?? panel.unit ?? "short";
  const decimals = set.decimals ?? c.decimals ?? panel.decimals;
  const mappings = set.mappings ?? panel.mappings;
  const thresholds = set.thresholds ?? panel.thresholds;
  const i = table.columns.indexOf(c);
  const bounds = thresholds && c.kind === "number" ? boundsOf(panel, table.rows.map((r) => Number(r[i])), set, unit) : { min: 0, max: 1 };
  return {
    hidden: set.hidden === true,
    title: set.title,
    tell: (v) => {
      if (c.kind === "time" && typeof v === "number") return { text: formatDateTime(v, zone), colour: null };
      if (typeof v === "string") {
        const said = mapped(Number.NaN, v, mappings?.filter((m) => m.kind !== "special"));
        return { text: said?.text ?? v, colour: said?.colour ?? null };
      }
      const said = mapped(v, String(v), mappings);
      return { text: said?.text ?? formatValue(v, unit, decimals), colour: said?.colour ?? judge(v, thresholds?.some((x) => x.at !== null) ? thresholds : undefined, panel.thresholds_mode, bounds)?.colour ?? null };
    },
  };
}

/** A table as CSV; what a spreadsheet would take for a formula is quoted with an apostrophe. */
export function csvOf(t: Table): string {
  const cell = (v: CellValue, kind: Column["kind"]) => {
    if (kind === "time" && typeof v === "number") return new Date(v).toISOString();
    if (typeof v === "number") return Number.isNaN(v) ? "" : String(v);
    const safe = /^[=+\-@\t\r]/.test(v) ? `'${v}` : v;
    return /[",\n\r]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
  };
  return [t.columns.map((c) => cell(c.name, "string")).join(","), ...t.rows.map((r) => r.map((v, i) => cell(v, t.columns[i]?.kind ?? "string")).join(","))].join("\r\n");
}
