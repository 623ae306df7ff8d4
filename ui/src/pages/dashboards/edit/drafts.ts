// Dashboards that somebody changes and has not saved, in this browser. Storage that fails is ignored: the draft then lasts as
// long as the page.
import type { Dashboard } from "../../../api/dashboards";

export interface Draft {
  dashboard: Dashboard;
  /** the version that was changed; 0 for a new one */
  base: number;
  at: number;
}

const PREFIX = "plimsoll.dashboard.";
/** Drafts that are kept; beyond that the oldest is forgotten. */
export const DRAFTS_MAX = 10;
/** Characters of one draft. */
export const DRAFT_MAX = 512 << 10;

export function readDraft(id: string): Draft | null {
  try {
    const d = JSON.parse(localStorage.getItem(PREFIX + id) ?? "null") as Partial<Draft> | null;
    return d && Array.isArray(d.dashboard?.panels) && typeof d.base === "number" ? { dashboard: d.dashboard as Dashboard, base: d.base, at: d.at ?? 0 } : null;
  } catch {
    return null;
  }
}

export function keepDraft(id: string, draft: Draft | null): void {
  try {
    if (!draft) {
      localStorage.removeItem(PREFIX + id);
      return;
    }
    const text = JSON.stringify(draft);
    if (text.length > DRAFT_MAX) return;
    const others = Object.keys(localStorage).filter((k) => k.startsWith(PREFIX) && k !== PREFIX + id);
    const byAge = (others.length < DRAFTS_MAX ? [] : others).map((k) => ({ k, at: readDraft(k.slice(PREFIX.length))?.at ?? 0 })).sort((a, b) => a.at - b.at);
    for (const { k } of byAge.slice(0, Math.max(0, others.length + 1 - DRAFTS_MAX))) localStorage.removeItem(k);
    localStorage.setItem(PREFIX + id, text);
  } catch {
    // A full or forbidden storage: the page still holds the draft.
  }
}
