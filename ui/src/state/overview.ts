// The overview document: from the live topic while live, by one request otherwise (and for the first picture).
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { fetchOverview } from "../api/http";
import type { OverviewDoc } from "../api/types";
import { connected, subscribe } from "./connection";
import { held } from "./hold";
import { refreshes } from "./refresh";

export interface OverviewState {
  doc: OverviewDoc | null;
  /** local time at which the document arrived, ms */
  at: number;
  error: string;
}

export const overview = signal<OverviewState>({ doc: null, at: 0, error: "" });
let newest: OverviewState | null = null;

/** Whether the server is younger than that; not while its age is unknown. */
export function startedWithin(ms: number): boolean {
  const doc = overview.value.doc;
  return doc !== null && doc.now - doc.started_at < ms;
}

function took(doc: OverviewDoc): void {
  newest = { doc, at: Date.now(), error: "" };
  if (!held.value || !overview.value.doc) overview.value = newest;
}

held.subscribe((h) => {
  if (!h && newest) overview.value = newest;
});

async function load(signal: AbortSignal): Promise<void> {
  try {
    took(await fetchOverview(signal));
  } catch (e) {
    if (signal.aborted) return;
    overview.value = { ...overview.value, error: e instanceof Error ? e.message : String(e) };
  }
}

export function retryOverview(): void {
  overview.value = { ...overview.value, error: "" };
  void load(new AbortController().signal);
}

export function useOverview(live: boolean): void {
  useEffect(() => {
    const abort = new AbortController();
    void load(abort.signal);
    const end = live ? subscribe({ id: "overview", topic: "overview" }, (f) => f.overview && took(f.overview)) : () => {};
    return () => {
      abort.abort();
      end();
    };
  }, [live]);
  const fresh = refreshes.value;
  useEffect(() => {
    if (fresh > 0) void load(new AbortController().signal);
  }, [fresh]);
  // A first request that failed is repeated when the connection comes.
  const up = connected.value;
  useEffect(() => {
    if (up && overview.value.error) retryOverview();
  }, [up]);
}
