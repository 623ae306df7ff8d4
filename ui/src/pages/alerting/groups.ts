// The list of alerts as rows: filtered, grouped, the worst first. Pure.
import { type AlertDoc, msOf } from "../../api/alertingTypes";
import type { Test } from "../../lib/matchers";
import { LEVELS, levelOf, nameOf, STANDINGS, type Standing, standingOf, summaryOf } from "./standing";

export type GroupBy = "name" | "incident" | "severity" | "none";
export const GROUPINGS: GroupBy[] = ["name", "incident", "severity", "none"];

export interface Group {
  key: string;
  name: string;
  alerts: AlertDoc[];
  counts: Record<Standing, number>;
  /** labels that all of them have in common; those are said once */
  shared: ReadonlySet<string>;
}

export type Row = { kind: "group"; group: Group; folded: boolean } | { kind: "alert"; alert: AlertDoc; group: Group; inside: boolean };

export interface Listed {
  rows: Row[];
  /** by where they stand, of those that pass the filter */
  counts: Record<Standing, number>;
  shown: number;
  passed: number;
}

const none = (): Record<Standing, number> => ({ firing: 0, pending: 0, acknowledged: 0, silenced: 0 });
const ORDER: Record<Standing, number> = { firing: 0, acknowledged: 1, pending: 2, silenced: 3 };

interface Ranked {
  alert: AlertDoc;
  standing: Standing;
  /** where it stands and how bad it is, as one number: thousands are sorted again and again */
  place: number;
  at: number;
}

function ranked(alert: AlertDoc): Ranked {
  const standing = standingOf(alert);
  return { alert, standing, place: ORDER[standing] * LEVELS.length + LEVELS.indexOf(levelOf(alert.severity)), at: msOf(alert.fired_at ?? alert.active_at) };
}

/** By where it stands, how bad, how young, and at last by its fingerprint, so that nothing jumps. */
const inOrder = (a: Ranked, b: Ranked): number => a.place - b.place || b.at - a.at || (a.alert.fingerprint < b.alert.fingerprint ? -1 : 1);

const orders = new WeakMap<readonly AlertDoc[], Ranked[]>();

/** All of them in order: found once for each answer, however often the filter changes. */
function ordered(alerts: readonly AlertDoc[]): Ranked[] {
  let order = orders.get(alerts);
  if (!order) {
    order = alerts.map(ranked).sort(inOrder);
    orders.set(alerts, order);
  }
  return order;
}

const keyOf = (a: AlertDoc, by: GroupBy): string =>
  by === "name" ? nameOf(a.labels) : by === "incident" ? String(a.incident ?? "") : by === "severity" ? a.severity : a.fingerprint;

const NOTHING: ReadonlySet<string> = new Set();

function sharedOf(alerts: AlertDoc[]): ReadonlySet<string> {
  const [first] = alerts;
  if (!first || alerts.length < 2) return NOTHING;
  return new Set(Object.keys(first.labels).filter((k) => alerts.every((a) => a.labels[k] === first.labels[k])));
}

/** Where alerts stand, after the filter but before the choice among standings. */
export function list(alerts: readonly AlertDoc[], test: Test, show: string, by: GroupBy, folded: ReadonlySet<string>): Listed {
  const counts = none();
  const groups = new Map<string, Group>();
  let shown = 0;
  let passed = 0;
  for (const { alert, standing } of ordered(alerts)) {
    if (!test(alert.labels, summaryOf(alert.annotations), alert.rule?.group)) continue;
    passed++;
    counts[standing]++;
    if (show && show !== standing) continue;
    shown++;
    const key = keyOf(alert, by);
    let group = groups.get(key);
    if (!group) {
      group = { key, name: key, alerts: [], counts: none(), shared: NOTHING };
      groups.set(key, group);
    }
    group.alerts.push(alert);
    group.counts[standing]++;
  }
  const rows: Row[] = [];
  for (const group of groups.values()) {
    group.shared = sharedOf(group.alerts);
    const alone = by === "none" || (by === "name" && group.alerts.length === 1);
    const hidden = !alone && folded.has(group.key);
    if (!alone) rows.push({ kind: "group", group, folded: hidden });
    if (!hidden) for (const alert of group.alerts) rows.push({ kind: "alert", alert, group, inside: !alone });
  }
  return { rows, counts, shown, passed };
}

export const rowKey = (r: Row): string => (r.kind === "group" ? `group ${r.group.key}` : r.alert.fingerprint);
export const worstOf = (g: Group): string => [...g.alerts].sort((a, b) => LEVELS.indexOf(levelOf(a.severity)) - LEVELS.indexOf(levelOf(b.severity)))[0]?.severity ?? "";
export const countsOf = (g: Group): [Standing, number][] => STANDINGS.map((s): [Standing, number] => [s, g.counts[s]]).filter(([, n]) => n > 0);
