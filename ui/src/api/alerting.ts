// The requests behind the pages of alerting: our own API, Alertmanager's for silences, Prometheus' for rules.
import type {
  AlertDoc,
  AlertList,
  BacktestReport,
  EpisodeDoc,
  Evidence,
  IncidentDoc,
  IncidentView,
  NoticeDoc,
  Problem,
  RuleFileDoc,
  RuleFileText,
  RuleFileVersion,
  RuleGroupDoc,
  SilenceDoc,
  SilenceWish,
  Statistics,
} from "./alertingTypes";
import { t } from "../lib/text";
import { ApiError, request } from "./http";
import { readLines, type Remembered } from "./lines";
import { get, OWN, type Query, send, withQuery } from "./rest";

/** Alerts and episodes that a page holds: the most that the server tells at once. */
export const ALERTS_MAX = 10_000;
export const EPISODES_MAX = 1_000;

const part = encodeURIComponent;

/** Alerts that are shown before all have come: some screens of them. */
const EARLY = 200;

/** What is remembered of the alerts that a page still holds. */
const kept = new WeakMap<AlertList, Remembered<AlertDoc>>();
let last: WeakRef<AlertList> | undefined;

/** All open alerts, the most urgent first; the same list as before when nothing has changed. `early` gets the first of many. */
export async function fetchAlerts(signal: AbortSignal, early?: (some: AlertList) => void): Promise<AlertList> {
  const { body } = await request(withQuery(`${OWN}/alerts`, { limit: ALERTS_MAX, order: "urgent", format: "lines" }), { signal });
  if (!body) throw new ApiError(t("error.cut"), 0, "cut");
  const before = last?.deref();
  const { head, all, changed, remembered } = await readLines<{ total: number }, AlertDoc>(body, before && kept.get(before), EARLY, early && ((h, alerts) => h.total > EARLY && early({ total: h.total, alerts, whole: false })));
  const list = before && !changed ? before : { total: head.total, alerts: all, whole: true };
  kept.set(list, remembered);
  last = new WeakRef(list);
  return list;
}
export const acknowledge = (fingerprint: string, by: string, note: string) => send<AlertDoc>("POST", `${OWN}/alerts/${part(fingerprint)}/acknowledge`, { by, note });
export const takeBack = (fingerprint: string, by: string) => send<AlertDoc>("DELETE", `${OWN}/alerts/${part(fingerprint)}/acknowledge`, { by });

export interface HistoryAsk {
  fingerprint?: string;
  rule?: string;
  /** ms */
  from?: number;
  to?: number;
  limit?: number;
}
const spanOf = (ask: HistoryAsk): Query => ({ ...ask, from: ask.from && new Date(ask.from).toISOString(), to: ask.to && new Date(ask.to).toISOString() });
export const fetchHistory = (ask: HistoryAsk, signal: AbortSignal) => get<{ episodes: EpisodeDoc[]; truncated: boolean }>(`${OWN}/alerts/history`, spanOf(ask), signal);
export const fetchStatistics = (from: number, to: number, signal: AbortSignal) => get<Statistics>(`${OWN}/alerts/statistics`, spanOf({ from, to }), signal);
export const fetchEvidence = (fingerprint: string, signal: AbortSignal) => get<Evidence>(`${OWN}/alerts/${part(fingerprint)}/evidence`, {}, signal);

export const fetchSilences = (signal: AbortSignal) => get<SilenceDoc[]>("/api/v2/silences", {}, signal);
export const saveSilence = (wish: SilenceWish) => send<{ silenceID: string }>("POST", "/api/v2/silences", wish);
export const expireSilence = (id: string) => send<null>("DELETE", `/api/v2/silence/${part(id)}`);
export const previewSilence = (matchers: SilenceWish["matchers"], signal: AbortSignal) => send<{ alerts: NoticeDoc[] }>("POST", `${OWN}/silences/preview`, { matchers }, signal);

export const fetchIncidents = (state: string, signal: AbortSignal) => get<{ incidents: IncidentDoc[] }>(`${OWN}/incidents`, { state, limit: EPISODES_MAX }, signal);
export const fetchIncident = (id: string, signal: AbortSignal) => get<IncidentView>(`${OWN}/incidents/${part(id)}`, {}, signal);
export const acknowledgeIncident = (id: string, by: string, note: string) => send<unknown>("POST", `${OWN}/incidents/${part(id)}/acknowledge`, { by, note });
export const takeBackIncident = (id: string, by: string) => send<unknown>("DELETE", `${OWN}/incidents/${part(id)}/acknowledge`, { by });
export const noteIncident = (id: string, by: string, text: string) => send<unknown>("POST", `${OWN}/incidents/${part(id)}/notes`, { by, text });

export async function fetchRules(signal: AbortSignal, query: Query = {}): Promise<RuleGroupDoc[]> {
  return (await get<{ data: { groups: RuleGroupDoc[] } }>("/api/v1/rules", query, signal)).data.groups ?? [];
}
/** The expression of every alerting rule, by group and name. */
export async function fetchExpressions(signal: AbortSignal): Promise<Map<string, string>> {
  const groups = await fetchRules(signal, { type: "alert", exclude_alerts: "true" });
  return new Map(groups.flatMap((g) => g.rules.map((r) => [`${g.file}\n${g.name}\n${r.name}`, r.query] as const)));
}

async function replay(what: Record<string, string>, ms: number, signal: AbortSignal): Promise<BacktestReport> {
  const end = Date.now();
  const body = new URLSearchParams({ ...what, start: String((end - ms) / 1000), end: String(end / 1000) });
  return (await request(`${OWN}/rules/backtest`, { method: "POST", body, signal })).json();
}
/** Replays one rule that runs over the last `ms`. */
export const backtest = (rule: { group: string; name: string }, ms: number, signal: AbortSignal) => replay({ group: rule.group, rule: rule.name }, ms, signal);
/** Replays the rules of a text, which need not run. */
export const backtestText = (rules: string, ms: number, signal: AbortSignal) => replay({ rules }, ms, signal);

const fileAt = (name: string) => `${OWN}/rules/files/${part(name)}`;
export const fetchFiles = (signal: AbortSignal) => get<{ files: RuleFileDoc[] }>(`${OWN}/rules/files`, {}, signal);
export const fetchFile = (name: string, version: number | undefined, signal: AbortSignal) => get<RuleFileText>(fileAt(name), { version }, signal);
export const fetchVersions = (name: string, signal: AbortSignal) => get<{ versions: RuleFileVersion[] }>(`${fileAt(name)}/versions`, {}, signal);
export const checkFile = (text: string, signal: AbortSignal) => send<{ problems: Problem[] }>("POST", `${OWN}/rules/check`, { text }, signal);
export const deleteFile = (name: string) => send<unknown>("DELETE", fileAt(name));

export interface FileWish {
  text: string;
  author?: string;
  comment?: string;
  expected_version?: number;
}
export const saveFile = (name: string, wish: FileWish) => send<{ version: number }>("PUT", fileAt(name), wish);
