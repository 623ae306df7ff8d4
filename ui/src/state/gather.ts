// What arrives one after the other within a moment is dealt with at once: the page is then laid out and painted once
// for all panels, not once for each.

/** Nobody sees so short a wait; the panels of a dashboard are answered within it. */
export const GATHER_MS = 25;

let waiting: (() => void)[] = [];

function deal(): void {
  const all = waiting;
  waiting = [];
  for (const f of all) f();
}

/** Calls it in a moment, together with all that came since, in the order in which they came. */
export function gather(f: () => void): void {
  if (waiting.push(f) === 1) setTimeout(deal, GATHER_MS);
}
