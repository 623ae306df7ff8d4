// The live connection as a pure state machine: events and times in, actions out. The rim in
// state/connection.ts owns the socket and the timer. One connection per tab; subscriptions survive reconnects.
// Limits: 64 subscriptions (docs/format/frame.md); more are refused and counted.

export interface Subscription {
  id: string;
  topic?: "overview";
  expr?: string;
  window_ms?: number;
  step_ms?: number;
  max_series?: number;
}

export type LivePhase = "idle" | "connecting" | "open" | "waiting";

export interface LiveState {
  phase: LivePhase;
  subs: ReadonlyMap<string, Subscription>;
  /** failed attempts in a row */
  attempts: number;
  /** when the next attempt is due (phase waiting) or the attempt is given up (connecting) */
  dueAt: number;
  /** last message or opening, ms */
  heardAt: number;
  /** since when there has been no connection; null while open */
  lostAt: number | null;
  refused: number;
}

export type LiveEvent =
  | { type: "subscribe"; sub: Subscription; now: number }
  | { type: "unsubscribe"; id: string; now: number }
  | { type: "opened"; now: number }
  | { type: "closed"; now: number }
  | { type: "message"; now: number }
  | { type: "tick"; now: number }
  | { type: "online"; now: number };

export type LiveAction = { type: "connect" } | { type: "disconnect" } | { type: "send"; text: string };

export const SUBSCRIPTIONS_MAX = 64;
export const BACKOFF_FIRST_MS = 500;
export const BACKOFF_MAX_MS = 4_000;
export const CONNECT_TIMEOUT_MS = 8_000;
/** The overview topic speaks every 5 s; two and a half silences mean that the line is dead. */
export const SILENCE_MS = 12_500;
/** From when on the page says that it is stale; below the 3 s of budget U16. */
export const STALE_AFTER_MS = 1_500;

export const initialLive: LiveState = {
  phase: "idle",
  subs: new Map(),
  attempts: 0,
  dueAt: 0,
  heardAt: 0,
  lostAt: null,
  refused: 0,
};

export const backoff = (attempts: number) => Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.max(0, attempts - 1));

const subscribeText = (s: Subscription) => JSON.stringify({ type: "subscribe", ...s });

type Outcome = [LiveState, LiveAction[]];

/** What happens next. Never throws, never reads a clock. */
export function stepLive(s: LiveState, e: LiveEvent): Outcome {
  switch (e.type) {
    case "subscribe":
      return subscribe(s, e.sub, e.now);
    case "unsubscribe":
      return unsubscribe(s, e.id);
    case "opened":
      if (s.phase !== "connecting") return [s, []];
      return [
        { ...s, phase: "open", attempts: 0, heardAt: e.now, lostAt: null },
        [...s.subs.values()].map((x) => ({ type: "send", text: subscribeText(x) })),
      ];
    case "closed":
      return s.phase === "idle" || s.phase === "waiting" ? [s, []] : lost(s, e.now, false);
    case "message":
      return s.phase === "open" ? [{ ...s, heardAt: e.now }, []] : [s, []];
    case "online":
      return s.phase === "waiting" ? connect(s, e.now) : [s, []];
    case "tick":
      return tick(s, e.now);
  }
}

function subscribe(s: LiveState, sub: Subscription, now: number): Outcome {
  if (!s.subs.has(sub.id) && s.subs.size >= SUBSCRIPTIONS_MAX) return [{ ...s, refused: s.refused + 1 }, []];
  const next = { ...s, subs: new Map(s.subs).set(sub.id, sub) };
  if (s.phase === "open") return [next, [{ type: "send", text: subscribeText(sub) }]];
  return s.phase === "idle" ? connect(next, now) : [next, []];
}

function unsubscribe(s: LiveState, id: string): Outcome {
  if (!s.subs.has(id)) return [s, []];
  const subs = new Map(s.subs);
  subs.delete(id);
  const send: LiveAction[] = s.phase === "open" ? [{ type: "send", text: JSON.stringify({ type: "unsubscribe", id }) }] : [];
  return [{ ...s, subs }, send];
}

const connect = (s: LiveState, now: number): Outcome => [
  { ...s, phase: "connecting", dueAt: now + CONNECT_TIMEOUT_MS, lostAt: s.lostAt ?? now },
  [{ type: "connect" }],
];

function lost(s: LiveState, now: number, hangUp: boolean): Outcome {
  const attempts = s.attempts + 1;
  return [
    { ...s, phase: "waiting", attempts, dueAt: now + backoff(attempts), lostAt: s.lostAt ?? now },
    hangUp ? [{ type: "disconnect" }] : [],
  ];
}

function tick(s: LiveState, now: number): Outcome {
  if (s.phase === "waiting" && now >= s.dueAt) return connect(s, now);
  if (s.phase === "connecting" && now >= s.dueAt) return lost(s, now, true);
  if (s.phase === "open" && s.subs.size > 0 && now - s.heardAt >= SILENCE_MS) return lost(s, now, true);
  return [s, []];
}

export const isStale = (s: LiveState, now: number) => s.lostAt !== null && now - s.lostAt >= STALE_AFTER_MS;
