// The explained query as rows of a tree, with the share of the time of each. Pure. A row's bar lies inside its parent's, as in a flame graph: first what is below it, then what it did itself.
import type { Plan, PlanNode, PlanRead } from "../../api/types";
import { byteIndex } from "./position";

export interface PlanRow {
  node: PlanNode;
  /** the node's own text, with "…" for each row below it */
  label: string;
  /** where it stands in the query, in UTF-16 units */
  from: number;
  to: number;
  /** 1 at the root */
  level: number;
  /** row number of its parent, -1 at the root */
  parent: number;
  /** which of its parent's rows it is, from 1, and of how many */
  position: number;
  size: number;
  /** rows below it, at any depth, that follow it directly */
  below: number;
  /** the bar: begin, end, and where its own part begins, as shares of the whole */
  bar: { from: number; own: number; to: number };
  /** ms that it took itself */
  own: number;
  /** the same as a share of the whole */
  share: number;
  /** row number of the equal expression whose value it has, -1 for none */
  sameAs: number;
}

/** More rows than this are counted, not made. */
export const PLAN_ROWS_MAX = 500;

/** A row is called slow when it took at least this share, and others took time too. */
export const SLOW_SHARE = 0.3;

/** What takes this long is felt. */
const HOT_MS = 100;
/** The share from which on time outside the parts is told. */
const REST_SHARE = 0.1;

const number = (v: unknown) => (typeof v === "number" && Number.isFinite(v) ? v : 0);
const place = (v: unknown): [number, number] => (Array.isArray(v) ? [number(v[0]), number(v[1])] : [0, 0]);
const texts = (v: unknown) => (Array.isArray(v) ? v.filter((x) => typeof x === "string") : []);

/** The answer with every field that may be absent filled in. */
export function planOf(raw: Partial<Plan>): Plan {
  const totals: Partial<Plan["totals"]> = raw.totals ?? {};
  return {
    query: raw.query ?? "",
    tree: nodeOf(raw.tree ?? {}),
    totals: { steps: number(totals.steps), series: number(totals.series), samples: number(totals.samples), bytes_peak: number(totals.bytes_peak), wall_ms: number(totals.wall_ms) },
    cached_steps: number(raw.cached_steps),
    warnings: texts(raw.warnings),
    infos: texts(raw.infos),
  };
}

function nodeOf(raw: Partial<PlanNode>): PlanNode {
  return {
    kind: raw.kind ?? "",
    name: raw.name ?? "",
    at: place(raw.at),
    evaluated: number(raw.evaluated),
    wall_ms: number(raw.wall_ms),
    own_ms: number(raw.own_ms),
    series: number(raw.series),
    ...(raw.same_as ? { same_as: place(raw.same_as) } : {}),
    ...(raw.read ? { read: readingOf(raw.read) } : {}),
    children: (raw.children ?? []).map(nodeOf),
  };
}

function readingOf(raw: Partial<PlanRead>): PlanRead {
  return { series: number(raw.series), samples: number(raw.samples), from_ms: number(raw.from_ms), to_ms: number(raw.to_ms), tier: raw.tier ?? "raw", series_by_tier: number(raw.series_by_tier), why: raw.why ?? "" };
}

/** A chain of one operator with at least this many is one row, as a sum of forty is no staircase. */
const CHAIN_MIN = 4;

/** The rows below a node, and the time that it took itself with those of its chain that are no rows of their own. */
function below(node: PlanNode, pointed: ReadonlySet<string>): { kids: PlanNode[]; own: number } {
  const chain: PlanNode[] = [node];
  for (let at = node; ; ) {
    const left = at.children?.[0];
    if (left?.kind !== "operator" || left.name !== node.name || left.same_as || pointed.has(String(left.at))) break;
    chain.push(left);
    at = left;
  }
  const used = node.kind === "operator" && chain.length >= CHAIN_MIN ? chain : [node];
  const kids = used.flatMap((n, i) => (n.children ?? []).slice(i < used.length - 1 ? 1 : 0).map((k) => ({ k, from: k.at[0] })));
  return { kids: kids.sort((a, b) => a.from - b.from).flatMap(({ k }) => (isRow(k) ? [k] : [])), own: used.reduce((n, x) => n + x.own_ms, 0) };
}

const isRow = (n: PlanNode) => n.kind !== "literal";

const QUOTED = /("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)/;
const COMMENT = new RegExp(`${QUOTED.source}|#[^\\n]*`, "g");

/** Text on one line, without comments; what is quoted stays as it is. */
export function squeeze(text: string): string {
  return text
    .replace(COMMENT, (_, quoted: string | undefined) => quoted ?? " ")
    .split(QUOTED)
    .map((part, i) => (i % 2 ? part : part.replace(/\s+/g, " ").replace(/([([]) | ([)\],])/g, "$1$2")))
    .join("")
    .trim();
}

function labelOf(query: string, indexOfByte: (byte: number) => number, node: PlanNode, kids: PlanNode[], root: boolean): string {
  const from = indexOfByte(node.at[0]);
  const to = indexOfByte(node.at[1]);
  if (from >= to) return node.name;
  let text = "";
  let at = from;
  for (const k of kids) {
    const [a, b] = [indexOfByte(k.at[0]), indexOfByte(k.at[1])];
    if (a < at || b > to) return node.name;
    text += `${query.slice(at, a)}…`;
    at = b;
  }
  const label = squeeze(text + query.slice(at, to));
  return label || (root ? squeeze(query) : node.name);
}

export interface Rows {
  rows: PlanRow[];
  /** rows that were left out */
  more: number;
  /** the row that took most of the time by itself, -1 when none stands out */
  slowest: number;
  /** the whole took long enough that somebody waits for it */
  hot: boolean;
  /** ms that went into none of the parts, 0 when they are few */
  rest: number;
}

export function rowsOf(plan: Plan): Rows {
  const rows: PlanRow[] = [];
  let more = 0;
  const indexOfByte = byteIndex(plan.query);
  const pointed = new Set<string>();
  const note = (n: PlanNode) => {
    if (n.same_as) pointed.add(String(n.same_as));
    n.children?.forEach(note);
  };
  note(plan.tree);
  const whole = Math.max(plan.totals.wall_ms, plan.tree.wall_ms) || 1;
  const visit = (node: PlanNode, parent: number, position: number, size: number, begin: number, scale: number) => {
    if (rows.length >= PLAN_ROWS_MAX) {
      more++;
      for (const k of below(node, pointed).kids) visit(k, -1, 1, 1, 0, 0);
      return;
    }
    const number = rows.length;
    const { kids, own } = below(node, pointed);
    const wall = node.wall_ms * scale;
    const sum = kids.reduce((n, k) => n + k.wall_ms, 0);
    // Parts that ran at the same time take more together than the whole: they share its width.
    const fit = sum > node.wall_ms && sum > 0 ? (scale * node.wall_ms) / sum : scale;
    const row: PlanRow = {
      node,
      label: labelOf(plan.query, indexOfByte, node, kids, parent < 0),
      from: indexOfByte(node.at[0]),
      to: indexOfByte(node.at[1]),
      level: (rows[parent]?.level ?? 0) + 1,
      parent,
      position,
      size,
      below: 0,
      bar: { from: begin, own: Math.min(begin + sum * fit, begin + wall), to: begin + wall },
      own,
      share: own / whole,
      sameAs: -1,
    };
    rows.push(row);
    let at = begin;
    kids.forEach((k, i) => {
      visit(k, number, i + 1, kids.length, at, fit);
      at += k.wall_ms * fit;
    });
    row.below = rows.length - number - 1;
  };
  visit(plan.tree, -1, 1, 1, 0, 1 / whole);
  for (const row of rows) {
    const same = row.node.same_as;
    if (same) row.sameAs = rows.findIndex((r) => r.node.at[0] === same[0] && r.node.at[1] === same[1] && !r.node.same_as);
  }
  const rest = plan.totals.wall_ms - plan.tree.wall_ms;
  return { rows, more, slowest: slowestOf(rows), hot: whole >= HOT_MS, rest: rest >= whole * REST_SHARE ? rest : 0 };
}

function slowestOf(rows: PlanRow[]): number {
  const timed = rows.filter((r) => r.share > 0);
  const top = timed.reduce<PlanRow | null>((a, b) => (a && a.share >= b.share ? a : b), null);
  return top && timed.length > 1 && top.share >= SLOW_SHARE ? rows.indexOf(top) : -1;
}

/** The rows that can be seen when those of `shut` are closed. */
export function openRows(rows: PlanRow[], shut: ReadonlySet<number>): number[] {
  const out: number[] = [];
  for (let i = 0; i < rows.length; i++) {
    out.push(i);
    if (shut.has(i)) i += rows[i]?.below ?? 0;
  }
  return out;
}

/** What all selectors read together: how many there are, how many series, and from which tiers. */
export function readOf(rows: PlanRow[]): { selectors: number; series: number; tiers: string[] } {
  const reads = rows.flatMap((r) => (r.node.read ? [r.node.read] : []));
  const tiers = [...new Set(reads.flatMap((r) => (r.tier === "raw" || r.series_by_tier >= r.series ? [r.tier] : r.series_by_tier > 0 ? [r.tier, "raw"] : ["raw"])))];
  return { selectors: reads.length, series: reads.reduce((n, r) => n + r.series, 0), tiers };
}

/** "5m: too short; 1h: too short": why tiers were not read, those with the same reason together. */
export function whyOf(why: string): { tiers: string[]; why: string }[] {
  const out: { tiers: string[]; why: string }[] = [];
  // A reason may have a semicolon of its own: a part begins where a tier is named.
  for (const part of why.split(/; (?=\d+[smhdw]: )/)) {
    const m = /^(\d+[smhdw]): ([\s\S]*)$/.exec(part);
    const text = m?.[2] ?? part;
    const known = out.find((o) => o.why === text);
    if (known && m?.[1]) known.tiers.push(m[1]);
    else if (text) out.push({ tiers: m?.[1] ? [m[1]] : [], why: text });
  }
  return out;
}
