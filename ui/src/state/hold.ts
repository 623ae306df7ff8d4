// Rule 9: live data never moves under the pointer. While anything holds the page, panels keep what they show.
import { computed, signal } from "@preact/signals";

const holders = signal<ReadonlySet<string>>(new Set());
export const held = computed(() => holders.value.size > 0);

export function hold(who: string): void {
  if (!holders.value.has(who)) holders.value = new Set(holders.value).add(who);
}

export function release(who: string): void {
  if (!holders.value.has(who)) return;
  const next = new Set(holders.value);
  next.delete(who);
  holders.value = next;
}
