// Who can be told of alerts, who would be told of one, and what became of messages.
import { get, OWN, send } from "./rest";
import type { FileWish } from "./alerting";
import type { Problem } from "./alertingTypes";

export interface ReceiverDoc {
  name: string;
  source: "configuration" | "api";
  /** kinds that are sent */
  integrations: string[];
  /** kinds that are read and not sent yet */
  not_sent: string[];
  fallback: string | null;
  /** routes that lead to it */
  routes: number;
  matchers: string[] | null;
  version: number | null;
  author: string | null;
  changed_at: string | null;
  in_force: boolean;
}

export interface RouteDoc {
  receiver: string;
  integrations: string[];
  /** the route as text */
  route: string;
  group: Record<string, string>;
  group_wait_seconds: number;
  group_interval_seconds: number;
  repeat_interval_seconds: number;
  /** time intervals that mute it now */
  muted_by: string[];
}

export interface ChannelResult {
  integration: string;
  delivered: boolean;
  error: string | null;
  took_ms: number;
}

export interface LetterDoc {
  id: string;
  receiver: string;
  integration: string;
  decided_at: string;
  ended_at: string;
  latency_ms: number;
  attempts: number;
  error: string | null;
  /** somebody asked whether messages arrive */
  test?: boolean;
}

export interface ChannelDoc {
  receiver: string;
  integration: string;
  failures: number;
  open: boolean;
}

export interface ReceiverText {
  name: string;
  text: string;
  version: number;
}

const LETTERS_MAX = 100;
const at = (name: string) => `${OWN}/receivers/${encodeURIComponent(name)}`;

export const fetchReceivers = (signal: AbortSignal) => get<{ receivers: ReceiverDoc[] }>(`${OWN}/receivers`, {}, signal);
export const fetchReceiver = (name: string, signal: AbortSignal) => get<ReceiverText>(at(name), {}, signal);
export const saveReceiver = (name: string, wish: FileWish) => send<{ version: number }>("PUT", at(name), wish);
export const deleteReceiver = (name: string) => send<unknown>("DELETE", at(name));
export const checkReceiver = (text: string, signal: AbortSignal) => send<{ problems: Problem[] }>("POST", `${OWN}/receivers/check`, { text }, signal);
/** Sends a test message by each of its channels. */
export const testReceiver = (name: string) => send<{ channels: ChannelResult[] }>("POST", `${at(name)}/test`);
/** The same for one that is only written: it is checked as on saving, and not kept. */
export const testDraft = (name: string, text: string) => send<{ channels: ChannelResult[] }>("POST", `${OWN}/receivers/test`, { name, text });
/** Who would be told of an alert with these labels now. */
export const fetchWay = (labels: Record<string, string>, signal: AbortSignal) => send<{ routes: RouteDoc[] }>("POST", `${OWN}/notifications/route`, { labels }, signal);

export const fetchReceipts = (signal: AbortSignal) => get<{ receipts: LetterDoc[] }>(`${OWN}/notifications/receipts`, { limit: LETTERS_MAX }, signal);
export const fetchDead = (signal: AbortSignal) => get<{ dead: LetterDoc[] }>(`${OWN}/notifications/dead`, { limit: LETTERS_MAX }, signal);
export const fetchChannels = (signal: AbortSignal) => get<{ failing: ChannelDoc[] }>(`${OWN}/notifications/channels`, {}, signal);
export const retryDead = (id: string) => send<unknown>("POST", `${OWN}/notifications/dead/retry?id=${encodeURIComponent(id)}`);
export const discardDead = (id: string) => send<unknown>("DELETE", `${OWN}/notifications/dead?id=${encodeURIComponent(id)}`);
