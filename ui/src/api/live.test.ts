import { describe, expect, it } from "vitest";
import { BACKOFF_MAX_MS, backoff, CONNECT_TIMEOUT_MS, initialLive, isStale, type LiveAction, type LiveEvent, type LiveState, SILENCE_MS, SUBSCRIPTIONS_MAX, STALE_AFTER_MS, stepLive } from "./live";

/** Runs events and prints what happened, one line each. */
function run(events: LiveEvent[]): { state: LiveState; log: string[] } {
  let state = initialLive;
  const log: string[] = [];
  const word = (a: LiveAction) => (a.type === "send" ? `send ${JSON.parse(a.text).type} ${JSON.parse(a.text).id}` : a.type);
  for (const e of events) {
    const [next, actions] = stepLive(state, e);
    state = next;
    log.push(`${e.type}: ${[state.phase, ...actions.map(word)].join(", ")}`);
  }
  return { state, log };
}

const sub = (id: string, now: number): LiveEvent => ({ type: "subscribe", sub: { id, expr: "up" }, now });

describe("the live connection", () => {
  it("connects with the first subscription and says all of them when open", () => {
    expect(run([sub("a", 0), sub("b", 1), { type: "opened", now: 2 }, sub("c", 3), { type: "unsubscribe", id: "a", now: 4 }]).log).toEqual([
      "subscribe: connecting, connect",
      "subscribe: connecting",
      "opened: open, send subscribe a, send subscribe b",
      "subscribe: open, send subscribe c",
      "unsubscribe: open, send unsubscribe a",
    ]);
  });

  it("comes back after a loss, with what is still wanted", () => {
    expect(
      run([
        sub("a", 0),
        sub("b", 0),
        { type: "opened", now: 1 },
        { type: "closed", now: 100 },
        { type: "unsubscribe", id: "a", now: 110 },
        { type: "tick", now: 200 },
        { type: "tick", now: 700 },
        { type: "opened", now: 710 },
      ]).log.slice(3),
    ).toEqual(["closed: waiting", "unsubscribe: waiting", "tick: waiting", "tick: connecting, connect", "opened: open, send subscribe b"]);
  });

  it("waits longer each time, to a limit, and starts anew after a success", () => {
    expect([1, 2, 3, 4, 5, 50].map(backoff)).toEqual([500, 1000, 2000, 4000, 4000, BACKOFF_MAX_MS]);
    expect(run([sub("a", 0), { type: "closed", now: 1 }, { type: "tick", now: 501 }, { type: "opened", now: 502 }]).state.attempts).toBe(0);
  });

  it("gives up an attempt that hangs", () => {
    expect(run([sub("a", 0), { type: "tick", now: CONNECT_TIMEOUT_MS }]).log[1]).toBe("tick: waiting, disconnect");
  });

  it("takes a long silence for a loss", () => {
    const open: LiveEvent[] = [sub("a", 0), { type: "opened", now: 0 }, { type: "message", now: 5000 }];
    expect(run([...open, { type: "tick", now: 5000 + SILENCE_MS - 1 }]).state.phase).toBe("open");
    expect(run([...open, { type: "tick", now: 5000 + SILENCE_MS }]).log[3]).toBe("tick: waiting, disconnect");
  });

  it("is stale within three seconds of a loss, and not after", () => {
    const lost = run([sub("a", 0), { type: "opened", now: 10 }, { type: "closed", now: 1000 }]).state;
    expect(STALE_AFTER_MS).toBeLessThan(3000);
    expect([isStale(lost, 1000), isStale(lost, 1000 + STALE_AFTER_MS)]).toEqual([false, true]);
    const [again] = stepLive(stepLive(lost, { type: "tick", now: 1500 })[0], { type: "opened", now: 9000 });
    expect(isStale(again, 9000)).toBe(false);
  });

  it("counts from the first loss while attempts fail", () => {
    expect(run([sub("a", 0), { type: "opened", now: 1 }, { type: "closed", now: 100 }, { type: "tick", now: 600 }, { type: "closed", now: 610 }]).state.lostAt).toBe(100);
  });

  it("refuses more subscriptions than the server takes", () => {
    const { state } = run(Array.from({ length: SUBSCRIPTIONS_MAX + 3 }, (_, i) => sub(String(i), 0)));
    expect([state.subs.size, state.refused]).toEqual([SUBSCRIPTIONS_MAX, 3]);
  });

  it("goes at once when the network is back", () => {
    expect(run([sub("a", 0), { type: "closed", now: 1 }, { type: "online", now: 2 }]).log[2]).toBe("online: connecting, connect");
  });

  it("keeps its invariants under any order of events", () => {
    let seed = 1;
    const next = (n: number) => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return Math.floor((seed / 2 ** 32) * n);
    };
    let s = initialLive;
    let sockets = 0;
    for (let now = 0; now < 400_000; now += next(900)) {
      const events: LiveEvent[] = [sub(String(next(80)), now), { type: "unsubscribe", id: String(next(80)), now }, { type: "opened", now }, { type: "closed", now }, { type: "message", now }, { type: "tick", now }, { type: "online", now }];
      const e = events[next(events.length)] as LiveEvent;
      const before = s;
      const [after, actions] = stepLive(s, e);
      s = after;
      sockets += actions.filter((a) => a.type === "connect").length;
      expect(s.subs.size).toBeLessThanOrEqual(SUBSCRIPTIONS_MAX);
      expect(s.lostAt === null).toBe(s.phase === "open" || s.phase === "idle");
      if (actions.some((a) => a.type === "send")) expect(s.phase).toBe("open");
      if (actions.some((a) => a.type === "connect")) expect(before.phase === "open" || before.phase === "connecting").toBe(false);
    }
    expect(sockets).toBeGreaterThan(5);
  });
});
