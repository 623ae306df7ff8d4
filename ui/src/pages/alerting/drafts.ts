// Texts of rule files that somebody changes and has not saved: they outlive a look at another page. Lost with the tab.
import { signal } from "@preact/signals";

export interface Draft {
  text: string;
  /** the version that was changed; 0 for a file that is new */
  base: number;
  comment: string;
}

/** Files that are changed at once, at most; beyond that the oldest is forgotten. */
export const DRAFTS_MAX = 20;

export const drafts = signal<ReadonlyMap<string, Draft>>(new Map());

export function keepDraft(name: string, draft: Draft | null): void {
  const next = new Map(drafts.value);
  next.delete(name);
  if (draft) next.set(name, draft);
  for (const oldest of next.keys()) if (next.size > DRAFTS_MAX) next.delete(oldest);
  drafts.value = next;
}
