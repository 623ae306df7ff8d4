// What is marked on the time axis: the grounds of spans, and marks that stand too near to be told apart. Pure.
import { t } from "../lib/text";
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

/** So many marks of a colour stand where they happened. */
const FEW = 20;

/** More marks of one colour: those that begin within `apartMs` are one, which says how many. A storm of alerts must not bury the lines. */
export function gathered(all: readonly Happening[], apartMs: number): Happening[] {
  const out: { mark: Happening; of: Happening[] }[] = [];
  const count = new Map<string, number>();
  for (const h of all) count.set(h.colour, (count.get(h.colour) ?? 0) + 1);
  for (const h of [...all].sort((a, b) => a.at - b.at)) {
    const near = (count.get(h.colour) ?? 0) > FEW && out.find((o) => o.mark.colour === h.colour && h.at - o.mark.at < apartMs);
    if (!near) {
      out.push({ mark: { ...h }, of: [h] });
      continue;
    }
    near.of.push(h);
    // One that has not ended has no end.
    near.mark.to = near.mark.to === undefined || h.to === undefined ? undefined : Math.max(near.mark.to, h.to);
  }
  return out.map(({ mark, of }) => (of.length === 1 ? mark : { ...mark, text: `${mark.text} ${t("health.more", { n: of.length - 1 })}` }));
}
