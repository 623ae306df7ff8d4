// What somebody writes to make a silence, and what is wrong with it. Pure.
import type { Matcher, SilenceDoc, SilenceWish, Window } from "../../api/alertingTypes";
import type { Labels } from "../../api/frame";
import { anchored } from "../../lib/matchers";
import type { TextKey } from "../../lib/text";
import { formatBack, parseDuration, parseInstant } from "../../lib/time";

export interface Draft {
  id?: string;
  matchers: Matcher[];
  /** when one that runs began, which cannot be changed; its length counts from now */
  began?: number;
  start: string;
  length: string;
  by: string;
  why: string;
  windows: Window[];
}

export interface From {
  id?: string;
  matchers: Matcher[];
  startsAt?: string;
  endsAt?: string;
  comment?: string;
  windows?: Window[];
}

export const LENGTHS = ["30m", "1h", "2h", "4h", "8h", "1d", "3d", "7d"] as const;
export const WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/** Matchers that take exactly this alert: every label as it is. */
export const exactly = (labels: Labels): Matcher[] =>
  Object.entries(labels)
    .sort(([a], [b]) => Number(b === "alertname") - Number(a === "alertname") || a.localeCompare(b))
    .map(([name, value]) => ({ name, value, isRegex: false, isEqual: true }));

export function draftOf(from: From, by: string, now: number): Draft {
  const [start, end] = [from.startsAt ? Date.parse(from.startsAt) : now, from.endsAt ? Date.parse(from.endsAt) : Number.NaN];
  const changes = from.id !== undefined;
  // Of one that runs, what is left; of one that is planned, the whole of it.
  const length = changes && end > now ? formatBack(Math.ceil((end - Math.max(start, now)) / 60_000) * 60_000) : null;
  return {
    ...(changes ? { id: from.id as string } : {}),
    ...(changes && start <= now ? { began: start } : {}),
    matchers: from.matchers.length ? from.matchers : [{ name: "", value: "", isRegex: false, isEqual: true }],
    start: changes && start > now ? new Date(start).toISOString() : "now",
    length: length ?? "2h",
    by,
    why: from.comment ?? "",
    windows: from.windows ?? [],
  };
}

export type Fault = { key: TextKey; text?: string } | null;

export interface Read {
  /** ms; NaN when it cannot be read */
  startMs: number;
  endMs: number;
  /** matchers whose label is written down */
  matchers: Matcher[];
  faults: { matchers: Fault; start: Fault; length: Fault; by: Fault; why: Fault; windows: Fault };
  good: boolean;
}

/** Whether a matcher would take an alert that does not have the label. */
const takesNothing = (m: Matcher) => (m.isRegex ? (anchored(m.value)?.test("") ?? false) : m.value === "") === m.isEqual;

const MINUTES = /^([01]\d|2[0-4]):([0-5]\d)$/;

function windowFault(w: Window): Fault {
  const hours = (w.times ?? []).every((x) => MINUTES.test(x.start_time) && MINUTES.test(x.end_time) && x.start_time < x.end_time && x.end_time <= "24:00");
  const any = (w.times?.length ?? 0) + (w.weekdays?.length ?? 0) + (w.days_of_month?.length ?? 0) + (w.months?.length ?? 0) + (w.years?.length ?? 0) > 0;
  return hours && any ? null : { key: "si.bad.window" };
}

/** The last time that a date can have, ms. */
const TIME_MAX = 8.64e15;

export function readDraft(d: Draft, now: number): Read {
  const matchers = d.matchers.filter((m) => m.name.trim() !== "").map((m) => ({ ...m, name: m.name.trim() }));
  const startMs = d.began ?? parseInstant(d.start, now) ?? Number.NaN;
  const lengthMs = parseDuration(d.length.trim().replaceAll(" ", "")) ?? Number.NaN;
  const end = (d.began === undefined ? startMs : now) + lengthMs;
  const endMs = end < TIME_MAX ? end : Number.NaN;
  const faults = {
    matchers: matchers.length === 0 || d.matchers.some((m) => m.value && !m.name.trim()) || matchers.every(takesNothing) ? { key: "si.bad.matchers" as const } : null,
    start: Number.isNaN(startMs) ? { key: "si.bad.start" as const, text: d.start } : null,
    length: !(lengthMs > 0) || lengthMs >= TIME_MAX - now ? { key: "si.bad.length" as const, text: d.length } : endMs <= now ? { key: "si.bad.past" as const } : null,
    by: d.by.trim() ? null : { key: "si.bad.who" as const },
    why: d.why.trim() ? null : { key: "si.bad.why" as const },
    windows: d.windows.map(windowFault).find((f) => f !== null) ?? null,
  };
  return { startMs, endMs, matchers, faults, good: Object.values(faults).every((f) => f === null) };
}

export function wishOf(d: Draft, r: Read): SilenceWish {
  return {
    ...(d.id === undefined ? {} : { id: d.id }),
    matchers: r.matchers,
    startsAt: new Date(r.startMs).toISOString(),
    endsAt: new Date(r.endMs).toISOString(),
    createdBy: d.by.trim(),
    comment: d.why.trim(),
    ...(d.windows.length ? { windows: d.windows } : {}),
  };
}

/** The same silence once more, from now on. */
export const onceMore = (s: SilenceDoc): From => ({ matchers: s.matchers, comment: s.comment, ...(s.windows?.length ? { windows: s.windows } : {}) });

/** `mon`, `monday:friday` as the days that they name. */
export function daysOf(weekdays: string[] | undefined): Set<string> {
  const days = new Set<string>();
  for (const range of weekdays ?? []) {
    const [first, last = first] = range.split(":");
    const [from, to] = [WEEKDAYS.indexOf(first ?? ""), WEEKDAYS.indexOf(last ?? "")];
    if (from < 0 || to < 0) continue;
    // Sunday comes first in the ranges that Alertmanager reads; ours begin with Monday, so a range may go round.
    for (let i = from; ; i = (i + 1) % 7) {
      days.add(WEEKDAYS[i] as string);
      if (i === to) break;
    }
  }
  return days;
}
