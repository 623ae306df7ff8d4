// What somebody has hidden, opened or switched on a dashboard, in its address: who opens a copy of it sees the same.
import { patch, url } from "../../state/url";
import { switched } from "./off";

export const switchSeries = (panel: string, series: string, alone: boolean) => patch({ hide: switched(url.value.hide, panel, series, alone) }, "replace");

type List = "rows" | "tables" | "marks";

/** Things that are not as the dashboard has them: rows turned over, panels shown as tables, marks switched. */
export const keptIn = (list: List): string[] => (url.value.params[list] ?? "").split(",").filter(Boolean).map(decoded);

export function flip(list: List, key: string): void {
  const now = keptIn(list);
  const next = now.includes(key) ? now.filter((x) => x !== key) : [...now, key];
  patch({ params: { ...url.value.params, [list]: next.map((x) => x.replace(/[%,]/g, encodeURIComponent)).join(",") } }, "replace");
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
