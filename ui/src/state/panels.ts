// The data of panels. Live and ending now: one subscription per query while the panel can be seen.
// Otherwise: all panels that ask within one frame share a single batch request.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Frame } from "../api/frame";
import { type PanelQuery, queryPanels } from "../api/http";
import { foldFrame, type Grid } from "../api/window";
import { t } from "../lib/text";
import { liveWindow, resolveRange, type Span, stepFor, type TimeRange, wall } from "../lib/time";
import { connected, full, subscribe } from "./connection";
import { gather } from "./gather";
import { held } from "./hold";
import { refreshes } from "./refresh";

export interface Ask {
  id: string;
  expr: string;
  /** the value now only, asked for again every few seconds while live */
  kind?: "range" | "instant";
  /** ms between values, where the width does not say */
  step_ms?: number;
  max_series?: number;
}

/**
 * Each step is the change from one sample to the next: true from the second sample on, where `rate` over a minute climbs for
 * the first minute of a host's life.
 */
export const fine = (a: Ask): Ask => ({ ...a, expr: a.expr.replace(/\brate\(/g, "irate(") });

export interface PanelState {
  status: "loading" | "ready" | "error";
  grids: ReadonlyMap<string, Grid>;
  frames: ReadonlyMap<string, Frame>;
  error: string;
  span: Span;
  /** an answer to what is asked now has not arrived; what is shown may be older */
  busy: boolean;
}

interface Job {
  query: PanelQuery;
  span: Span;
  width: number;
  onFrame: (f: Frame) => void;
  onError: (message: string) => void;
  signal: AbortSignal;
}

const BATCH_MAX = 64;
/** How long a panel waits for the socket before it asks over HTTP. */
const SOCKET_WAIT_MS = 2500;
/** Series a chart asks for; more are counted, not drawn. */
const SERIES_SHOWN = 50;
/** Panels that come into sight together learn so within a frame or two: what they ask goes in one request, once nobody has joined for so long. */
const TOGETHER_MS = 25;
/** On a slow machine frames are long; nobody waits longer than this for others. */
const TOGETHER_MAX_MS = 200;

let asOf = 0;
let together: ReturnType<typeof setTimeout> | undefined;

/** Now, the same for all that ask together, so that they ask for the same range. */
function nowTogether(): number {
  const now = Date.now();
  if (asOf === 0 || now - asOf >= TOGETHER_MAX_MS) asOf = now;
  clearTimeout(together);
  together = setTimeout(flush, Math.min(TOGETHER_MS, Math.max(0, asOf + TOGETHER_MAX_MS - now)));
  return asOf;
}

let serial = 0;
let waiting: Job[] = [];

/** Joins the next batch. Jobs of one batch have the same range, or are sent in batches of their own. */
function ask(job: Job): void {
  waiting.push(job);
  nowTogether();
}

function flush(): void {
  asOf = 0;
  const jobs = waiting.filter((j) => !j.signal.aborted);
  waiting = [];
  const groups = new Map<string, Job[]>();
  for (const j of jobs) {
    const key = `${j.span.from}/${j.span.to}`;
    groups.set(key, [...(groups.get(key) ?? []), j]);
  }
  for (const group of groups.values())
    for (let i = 0; i < group.length; i += BATCH_MAX) void send(group.slice(i, i + BATCH_MAX));
}

/** Who asks the same in one batch gets the same answer. */
function shared(jobs: Job[]): Map<string, Job[]> {
  const same = new Map<string, Job[]>();
  for (const j of jobs) {
    const { id: _, ...query } = j.query;
    const key = JSON.stringify(query);
    same.set(key, [...(same.get(key) ?? []), j]);
  }
  return new Map([...same.values()].map((all) => [(all[0] as Job).query.id, all]));
}

async function send(jobs: Job[]): Promise<void> {
  const first = jobs[0];
  if (!first) return;
  const open = shared(jobs);
  const abort = new AbortController();
  // The batch is given up only when nobody waits for any part of it.
  for (const j of jobs) j.signal.addEventListener("abort", () => jobs.every((x) => x.signal.aborted) && abort.abort());
  try {
    await queryPanels(
      { range: first.span, width_px: Math.max(...jobs.map((j) => j.width)), queries: [...open.values()].map((all) => (all[0] as Job).query) },
      (f) => {
        const all = open.get(f.id) ?? [];
        open.delete(f.id);
        gather(() => {
          for (const j of all) if (!j.signal.aborted) j.onFrame(f);
        });
      },
      abort.signal,
    );
    for (const j of [...open.values()].flat()) if (!j.signal.aborted) j.onError("");
  } catch (e) {
    for (const j of [...open.values()].flat()) if (!j.signal.aborted) j.onError(e instanceof Error ? e.message : String(e));
  }
}

/** One query, once. */
export function askOnce(query: Omit<PanelQuery, "id">, span: Span, width: number, signal: AbortSignal): Promise<Frame> {
  return new Promise((resolve, reject) =>
    ask({ query: { ...query, id: `once.${++serial}` }, span, width, onFrame: resolve, onError: (m) => reject(new Error(m)), signal }),
  );
}

/** A subscription that several panels follow. */
interface Followed {
  end: () => void;
  frame: Frame | null;
  grid: Grid | null;
  listeners: Set<(f: Frame, grid: Grid | null) => void>;
}

const followed = new Map<string, Followed>();

/** Follows a query live; the same query with the same window is followed once. Who comes later gets what is there at once. */
function followQuery(id: string, expr: string, window_ms: number, step_ms: number, max_series: number, listener: (f: Frame, grid: Grid | null) => void): () => void {
  const key = JSON.stringify([expr, window_ms, step_ms, max_series]);
  let it = followed.get(key);
  if (it) {
    it.listeners.add(listener);
    if (it.frame) listener(it.frame, it.grid);
  } else {
    const mine: Followed = { end: () => {}, frame: null, grid: null, listeners: new Set([listener]) };
    mine.end = subscribe({ id: `${id}.${++serial}`, expr, window_ms, step_ms, max_series }, (f) => {
      if (f.kind !== "append") mine.frame = f;
      if (!f.error) mine.grid = foldFrame(mine.grid, f, window_ms);
      for (const l of mine.listeners) l(f, mine.grid);
    });
    it = mine;
    followed.set(key, mine);
  }
  const of = it;
  return () => {
    if (!of.listeners.delete(listener) || of.listeners.size > 0) return;
    of.end();
    followed.delete(key);
  };
}

/** The time between values that a chart of this width asks for. */
export const panelWidth = (px: number) => Math.ceil(Math.max(px, 200) / 200) * 200;
export function panelStep(range: TimeRange, width: number, now: number): number {
  const span = resolveRange(range, now);
  return stepFor(span ? span.to - span.from : 900_000, panelWidth(width));
}

/** Values now are asked for again this often while live. */
const INSTANT_MS = 5_000;

export interface PanelInput {
  asks: Ask[];
  range: TimeRange;
  live: boolean;
  visible: boolean;
  width: number;
  /** ask over HTTP first, and follow live only what was answered without an error */
  httpFirst?: boolean;
  /** counts up to ask again */
  again?: number;
}

const NO_GRIDS: ReadonlyMap<string, Grid> = new Map();
const NO_FRAMES: ReadonlyMap<string, Frame> = new Map();

export function usePanel(input: PanelInput): PanelState {
  const { asks, range, live, visible } = input;
  const again = `${input.again ?? 0}.${refreshes.value}`;
  const width = panelWidth(input.width);
  const [state, setState] = useState<PanelState>({ status: "loading", grids: NO_GRIDS, frames: NO_FRAMES, error: "", span: { from: 0, to: 1 }, busy: true });
  const pending = useRef<PanelState>(state);
  // Days begin elsewhere in another zone.
  const key = JSON.stringify([asks, range, range.from.includes("/") ? wall.zone : "", live, width, again]);
  const lastKey = useRef("");

  useEffect(
    () =>
      held.subscribe((h) => {
        if (!h) setState(pending.current);
      }),
    [],
  );

  useEffect(() => {
    if (!visible || asks.length === 0) return;
    const now = nowTogether();
    const span = resolveRange(range, now) ?? { from: now - 900_000, to: now };
    const fresh = lastKey.current !== key;
    lastKey.current = key;
    const windowMs = live ? liveWindow(range) : null;
    const grids = new Map<string, Grid>(fresh ? [] : pending.current.grids);
    const frames = new Map<string, Frame>();
    const errors = new Map<string, string>();
    const show = (force: boolean) => {
      const ends = [...grids.values()].filter((g) => g.n > 0).map((g) => g.start + (g.n - 1) * g.step);
      const to = windowMs !== null && ends.length > 0 ? Math.max(...ends) : span.to;
      const answered = grids.size + errors.size >= asks.length;
      pending.current = {
        status: errors.size > 0 ? "error" : answered ? "ready" : pending.current.status === "ready" && !fresh ? "ready" : "loading",
        grids: new Map(grids),
        frames: new Map(frames),
        error: [...errors.values()][0] ?? "",
        span: windowMs !== null ? { from: to - windowMs, to } : span,
        busy: !answered,
      };
      if (force || !held.peek()) setState(pending.current);
    };
    const took = (id: string, f: Frame, grid?: Grid | null) => {
      const first = !grids.has(id) && !errors.has(id);
      if (f.kind !== "append") frames.set(id, f);
      if (f.error) errors.set(id, f.error.message);
      else {
        errors.delete(id);
        grids.set(id, grid ?? foldFrame(grids.get(id) ?? null, f, windowMs ?? span.to - span.from));
      }
      show(first);
    };
    const step_ms = stepFor(span.to - span.from, width);
    const abort = new AbortController();
    const ends: (() => void)[] = [];
    const follow = (a: Ask) => {
      if (abort.signal.aborted || windowMs === null) return;
      // More queries than one line carries are asked for, not followed.
      if (full()) return request(a, false);
      ends.push(followQuery(a.id, a.expr, windowMs, a.step_ms ?? step_ms, a.max_series ?? SERIES_SHOWN, (f, grid) => took(a.id, f, grid)));
    };
    const timers = new Set<ReturnType<typeof setTimeout>>();
    const repeat = (a: Ask) => {
      if (abort.signal.aborted || windowMs === null) return;
      timers.add(setTimeout(() => (connected.peek() ? request(a, false) : repeat(a)), INSTANT_MS));
    };
    const request = (a: Ask, thenFollow: boolean) =>
      ask({
        query: { id: `${a.id}.${++serial}`, expr: a.expr, kind: a.kind ?? "range", max_series: a.max_series ?? SERIES_SHOWN, ...(a.kind === "instant" ? {} : { step_ms: a.step_ms ?? step_ms }) },
        span: a.kind === "instant" && windowMs !== null ? { from: Date.now() - windowMs, to: Date.now() } : span,
        width,
        onFrame: (f) => {
          took(a.id, f);
          if (a.kind === "instant") repeat(a);
          else if (thenFollow && !f.error) follow(a);
        },
        onError: (m) => {
          errors.set(a.id, m || t("error.cut"));
          show(true);
        },
        signal: abort.signal,
      });
    if (fresh) setState((s) => ({ ...s, busy: true }));
    const overSocket = windowMs !== null && !input.httpFirst;
    for (const a of asks) overSocket && a.kind !== "instant" ? follow(a) : request(a, true);
    // A socket that does not come (a proxy that knows none) must not leave the page without a picture.
    const giveUp = setTimeout(() => {
      if (overSocket && !connected.peek()) for (const a of asks) if (!grids.has(a.id)) request(a, false);
    }, SOCKET_WAIT_MS);
    return () => {
      clearTimeout(giveUp);
      for (const x of timers) clearTimeout(x);
      abort.abort();
      for (const end of ends) end();
    };
  }, [key, visible]);

  return state;
}
