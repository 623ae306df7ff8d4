// What panels showed earlier: the period before, or the same time a day or a week ago, as the address says.
import { computed } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import { backMs } from "../lib/before";
import { liveWindow, resolveRange, type TimeRange } from "../lib/time";
import { clock } from "./connection";
import { type Ask, type PanelState, usePanel } from "./panels";
import { url } from "./url";

/** Live panels ask for the earlier time anew when this much of it has passed. */
const PAST_MS = 30_000;
const beat = computed(() => Math.floor(clock.value / PAST_MS) * PAST_MS + PAST_MS);
const NOTHING: Ask[] = [];

export interface Past {
  state: PanelState;
  /** ms */
  back: number;
}

/** The earlier time that the address asks for: the same asks, as far back; null when it asks for none. */
export function usePast(asks: Ask[], range: TimeRange, visible: boolean, width: number): Past | null {
  const { live, before } = url.value;
  const opened = useRef(Date.now());
  const now = before && live && liveWindow(range) !== null ? beat.value : opened.current;
  const span = before ? resolveRange(range, now) : null;
  const back = span ? backMs(before, span.to - span.from) : 0;
  const then = span ? { from: String(span.from - back), to: String(span.to - back) } : range;
  const state = usePanel({ asks: span ? asks : NOTHING, range: then, live: false, visible: visible && span !== null, width });
  return useMemo(() => (back > 0 ? { state, back } : null), [state, back]);
}
