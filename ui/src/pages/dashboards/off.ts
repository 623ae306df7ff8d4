// Series of panels that are hidden, as the address of a dashboard lists them: `PANEL/SERIES` is hidden, `PANEL!SERIES` is alone. Pure.
/** Series of one panel: the only one that is shown, or those that are hidden. */
export interface Off {
  solo: string;
  hidden: ReadonlySet<string>;
}

const HIDDEN = "/";
const SOLO = "!";

export function offOf(panel: string, hide: readonly string[]): Off {
  const of = (mark: string) => hide.flatMap((h) => (h.startsWith(panel + mark) ? [h.slice(panel.length + mark.length)] : []));
  return { solo: of(SOLO)[0] ?? "", hidden: new Set(of(HIDDEN)) };
}

/** `hide` after one series of a panel was shown alone (or with all again), or hidden (or shown again). */
export function switched(hide: readonly string[], panel: string, series: string, alone: boolean): string[] {
  const { solo } = offOf(panel, hide);
  const [mine, hidden] = [panel + SOLO, panel + HIDDEN + series];
  const rest = hide.filter((h) => !h.startsWith(mine) && (!alone || !h.startsWith(panel + HIDDEN)));
  if (alone) return solo === series ? rest : [...rest, mine + series];
  return rest.includes(hidden) ? rest.filter((h) => h !== hidden) : [...rest, hidden];
}
