// What this browser prefers (local storage): theme, the name of who sits here, how dense lists are. Storage that fails or
// lies is ignored.
import { signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark" | "contrast";
export const THEMES: Theme[] = ["system", "light", "dark", "contrast"];
const KEY = "plimsoll.theme";
const NAME_KEY = "plimsoll.name";
const ROOMY_KEY = "plimsoll.roomy";
const SMALL_KEY = "plimsoll.rail";
/** Bytes of a name that the server takes. */
export const NAME_MAX = 256;

function read(key: string): string {
  try {
    return localStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
}

function write(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Private windows may refuse; the choice then lasts until the tab closes.
  }
}

const stored = THEMES.find((x) => x === read(KEY)) ?? "system";

const darkQuery = matchMedia("(prefers-color-scheme: dark)");
const contrastQuery = matchMedia("(prefers-contrast: more)");
export const theme = signal<Theme>(stored);
/** Counts up whenever colours may have changed; charts redraw on it. */
export const paint = signal(0);

function apply(): void {
  const root = document.documentElement;
  // High contrast is a set of colours of its own on a light or a dark ground, whichever the system wants.
  const plain = theme.value === "light" || theme.value === "dark";
  if (plain) root.setAttribute("data-theme", theme.value);
  else root.removeAttribute("data-theme");
  root.toggleAttribute("data-contrast", theme.value === "contrast" || (theme.value === "system" && contrastQuery.matches));
  paint.value++;
}

for (const q of [darkQuery, contrastQuery]) q.addEventListener("change", apply);
apply();

export function setTheme(t: Theme): void {
  theme.value = t;
  write(KEY, t);
  apply();
}

/** Who acknowledges and silences here. */
export const userName = signal(read(NAME_KEY).slice(0, NAME_MAX));
export function setUserName(name: string): void {
  userName.value = name;
  write(NAME_KEY, name);
}

/** Whether lists and panels have more room between their rows. */
export const roomy = signal(read(ROOMY_KEY) === "1");
const applyRoomy = () => document.documentElement.toggleAttribute("data-roomy", roomy.value);
applyRoomy();
export function setRoomy(on: boolean): void {
  roomy.value = on;
  write(ROOMY_KEY, on ? "1" : "");
  applyRoomy();
}

/** Whether the navigation shows icons without words. */
export const railSmall = signal(read(SMALL_KEY) === "small");
export function setRailSmall(on: boolean): void {
  railSmall.value = on;
  write(SMALL_KEY, on ? "small" : "");
}

export const nextTheme = (t: Theme): Theme => THEMES[(THEMES.indexOf(t) + 1) % THEMES.length] ?? "system";
