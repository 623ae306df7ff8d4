// The addresses of a dashboard as a file and of its panels as pictures: about the time, the zone and the choices of the page.
import { OWN, withQuery } from "../../api/rest";
import type { UrlState } from "../../state/urlstate";

/** `rest`: `/render`, `/panels/7.png`; `names`: the variables that the dashboard has. */
export function fileOf(id: string, rest: string, names: readonly string[], { range, zone, vars }: Pick<UrlState, "range" | "zone" | "vars">, more: Record<string, string> = {}): string {
  const tz = zone === "utc" ? "UTC" : zone === "browser" ? Intl.DateTimeFormat().resolvedOptions().timeZone : zone;
  const chosen = Object.fromEntries(names.flatMap((n) => (vars[n] ? [[`var-${n}`, vars[n]]] : [])));
  return withQuery(`${OWN}/dashboards/${encodeURIComponent(id)}${rest}`, { ...more, ...range, tz, ...chosen });
}
