// The grounds of spans that are marked on the time axis. Pure.
import type { Happening } from "./plot";

/** Spans of one colour that touch are one: many at once are no darker than one. */
export function grounds(all: readonly Happening[]): { from: number; to: number; colour: string }[] {
  const out: { from: number; to: number; colour: string }[] = [];
  const spans = all.flatMap(({ at, to, colour }) => (to === undefined ? [] : [{ from: at, to, colour }]));
  for (const s of spans.sort((a, b) => a.from - b.from)) {
    const open = out.find((o) => o.colour === s.colour && o.to >= s.from);
    if (open) open.to = Math.max(open.to, s.to);
    else out.push(s);
  }
  return out;
}
