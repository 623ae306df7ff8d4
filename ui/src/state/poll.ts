// What a page shows, asked for again and again: every few seconds while live and seen, at once when the connection
// comes back. While somebody points at the page nothing is asked by itself, and answers that come wait (rule 9), but for
// those that were asked for.
import { useEffect, useRef, useState } from "preact/hooks";
import { connected } from "./connection";
import { held } from "./hold";
import { refreshes } from "./refresh";
import { url } from "./url";

export interface Polled<T> {
  data: T | null;
  /** why the last request failed; empty when it did not */
  error: string;
  /** HTTP status of the failure; 0 when there was no answer */
  status: number;
  busy: boolean;
  /** when the data came, local time in ms; 0 for never */
  at: number;
  /** asks now, and shows the answer whoever points where */
  again: () => void;
}

/** A slow answer is asked for seldom: at most this part of the time is spent on it. */
const SHARE = 0.05;
export const POLL_MS = 5_000;

/**
 * `everyMs` may be infinite: asked for once, and when the connection comes back. `load` may give a part of a long answer
 * early: it is shown while there is nothing else. `everyMs` as a function is asked after each answer.
 */
export function usePoll<T>(key: string, load: (signal: AbortSignal, early: (part: T) => void) => Promise<T>, everyMs: number | (() => number) = POLL_MS): Polled<T> {
  const [state, setState] = useState<Omit<Polled<T>, "again"> & { key: string }>({ key, data: null, error: "", status: 0, busy: true, at: 0 });
  const newest = useRef(state);
  const [round, setRound] = useState(0);
  const forced = useRef(true);
  const { live } = url.value;
  const up = connected.value;
  const fresh = refreshes.value;
  const freshSeen = useRef(fresh);
  const latest = useRef(load);
  latest.current = load;

  useEffect(
    () =>
      held.subscribe((h) => {
        if (!h) setState(newest.current);
      }),
    [],
  );

  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    if (freshSeen.current !== fresh) {
      freshSeen.current = fresh;
      forced.current = true;
    }
    if (newest.current.key !== key) {
      forced.current = true;
      newest.current = { key, data: null, error: "", status: 0, busy: true, at: 0 };
      setState(newest.current);
    }
    const took = (change: Partial<typeof state>) => {
      newest.current = { ...newest.current, error: "", status: 0, ...change, busy: false };
      if (forced.current || !held.peek() || newest.current.error) setState(newest.current);
      forced.current = false;
    };
    const every = typeof everyMs === "number" ? () => everyMs : everyMs;
    const repeats = live && Number.isFinite(every());
    let asking = false;
    const run = async () => {
      const began = performance.now();
      asking = true;
      try {
        const data = await latest.current(abort.signal, (part) => {
          if (abort.signal.aborted || newest.current.data !== null) return;
          newest.current = { ...newest.current, data: part, at: Date.now() };
          setState(newest.current);
        });
        if (abort.signal.aborted) return;
        took({ data, at: Date.now() });
      } catch (e) {
        if (abort.signal.aborted) return;
        const { message, status = 0 } = e as Error & { status?: number };
        took({ error: message || String(e), status });
      }
      asking = false;
      if (repeats) timer = setTimeout(next, Math.max(every(), (performance.now() - began) / SHARE));
    };
    // What would not be shown is not asked for: it is, as soon as nobody points any more.
    let waiting = false;
    const next = () => {
      timer = undefined;
      waiting = held.peek();
      if (!document.hidden && !waiting) void run();
    };
    const ends = held.subscribe((h) => {
      if (!h && waiting) next();
    });
    const seen = () => {
      if (!document.hidden && !asking && timer === undefined && repeats) next();
    };
    document.addEventListener("visibilitychange", seen);
    void run();
    return () => {
      abort.abort();
      clearTimeout(timer);
      ends();
      document.removeEventListener("visibilitychange", seen);
    };
  }, [key, round, live, up, fresh]);

  const again = () => {
    forced.current = true;
    setRound((n) => n + 1);
  };
  const shown = state.key === key ? state : { data: null, error: "", status: 0, busy: true, at: 0 };
  return { data: shown.data, error: shown.error, status: shown.status, busy: shown.busy, at: shown.at, again };
}
