// The rim around api/live.ts: one WebSocket per tab, one timer, one signal with the connection's state.
// A listener per subscription gets decoded frames. A hidden tab unsubscribes its charts (lib/visible.ts).
import { computed, signal } from "@preact/signals";
import { decodeFrame, type Frame, FrameError } from "../api/frame";
import { initialLive, isStale, type LiveEvent, type LiveState, type Subscription, SUBSCRIPTIONS_MAX, stepLive } from "../api/live";
import { gather } from "./gather";

type Listener = (f: Frame) => void;

let state: LiveState = initialLive;
let socket: WebSocket | null = null;
const listeners = new Map<string, Listener>();

export const phase = signal(state.phase);
/** When the server was last heard; 0 for never. */
export const heardAt = signal(0);
export const stale = signal(false);
/** Second hand of the page: relative times read it. */
export const clock = signal(Date.now());
/** Frames that could not be decoded. */
export const badFrames = signal(0);
export const connected = computed(() => phase.value === "open");

function dispatch(e: LiveEvent): void {
  const [next, actions] = stepLive(state, e);
  state = next;
  for (const a of actions) {
    if (a.type === "connect") open();
    else if (a.type === "send") socket?.send(a.text);
    else hangUp();
  }
  phase.value = state.phase;
  if (state.lostAt !== null || heardAt.peek() === 0) heardAt.value = state.heardAt;
  stale.value = isStale(state, e.now);
}

function hangUp(): void {
  const s = socket;
  socket = null;
  s?.close();
}

function open(): void {
  hangUp();
  const s = new WebSocket(`${location.origin.replace(/^http/, "ws")}/api/plimsoll/v1/live`);
  s.binaryType = "arraybuffer";
  socket = s;
  s.onopen = () => s === socket && dispatch({ type: "opened", now: Date.now() });
  s.onclose = () => {
    if (s !== socket) return;
    socket = null;
    dispatch({ type: "closed", now: Date.now() });
  };
  s.onmessage = (m) => s === socket && received(m.data);
}

function received(data: unknown): void {
  dispatch({ type: "message", now: Date.now() });
  if (!(data instanceof ArrayBuffer)) return;
  try {
    const frame = decodeFrame(new Uint8Array(data));
    gather(() => listeners.get(frame.id)?.(frame));
  } catch (e) {
    if (!(e instanceof FrameError)) throw e;
    badFrames.value++;
  }
}

setInterval(() => {
  clock.value = Date.now();
  dispatch({ type: "tick", now: clock.value });
}, 500);
addEventListener("online", () => dispatch({ type: "online", now: Date.now() }));

/** Whether no further subscription fits on the line. */
export const full = () => state.subs.size >= SUBSCRIPTIONS_MAX;

/** Subscribes; the answer ends the subscription. */
export function subscribe(sub: Subscription, listener: Listener): () => void {
  listeners.set(sub.id, listener);
  dispatch({ type: "subscribe", sub, now: Date.now() });
  return () => {
    if (listeners.get(sub.id) !== listener) return;
    listeners.delete(sub.id);
    dispatch({ type: "unsubscribe", id: sub.id, now: Date.now() });
  };
}
