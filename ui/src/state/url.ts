// The router: one signal that mirrors the address bar, and the two ways to change it.
import { computed, signal } from "@preact/signals";
import { wall } from "../lib/time";
import type { PageName } from "./places";
import { defaultRange, defaultState, formatUrl, parseUrl, type UrlState } from "./urlstate";

const read = () => parseUrl(location.pathname, location.search);

export const url = signal<UrlState>(read());
export const page = computed(() => url.value.page);
export const zone = computed(() => url.value.zone);
url.subscribe((u) => {
  wall.zone = u.zone;
});

addEventListener("popstate", () => {
  url.value = read();
});

/** Changes part of the state. `push` makes an entry in the history, `replace` does not. */
export function patch(change: Partial<UrlState>, how: "push" | "replace" = "push"): void {
  const next = { ...url.value, ...change };
  const before = formatUrl(url.value);
  const after = formatUrl(next);
  url.value = next;
  if (before === after) return;
  history[how === "push" ? "pushState" : "replaceState"](null, "", after);
}

/** The address of a page that keeps time, live and zone. A time range that nobody chose is left behind. */
export function hrefOf(name: PageName, change: Partial<UrlState> = {}): string {
  const { page, range, live, zone, before } = url.value;
  const usual = defaultRange(page);
  const chosen = range.from !== usual.from || range.to !== usual.to;
  return formatUrl({ ...defaultState(name), ...(chosen ? { range } : {}), live, zone, before, ...change });
}

export function go(href: string): void {
  const to = new URL(href, location.href);
  if (to.origin !== location.origin) return;
  history.pushState(null, "", to.pathname + to.search);
  url.value = read();
  document.querySelector("main")?.scrollTo(0, 0);
}

/** For `<a onClick>`: plain left clicks stay in the page. */
export function follow(e: MouseEvent): void {
  const a = (e.currentTarget as HTMLElement).closest("a");
  if (!a || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
  e.preventDefault();
  go(a.href);
}
