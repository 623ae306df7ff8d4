// What this browser prefers (local storage): theme, the name of who sits here, how dense lists are. Storage that fails or
// lies is ignored.
import { signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";
const THEMES: Theme[] = ["system", "light", "dark"];
const KEY = "plimsoll.theme";
const NAME_KEY = "plimsoll.name";
const ROOMY_KEY = "plimsoll.roomy";
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
export const theme = signal<Theme>(stored);
/** Counts up whenever colours may have changed; charts redraw on it. */
export const paint = signal(0);

function apply(): void {
  if (theme.value === "system") document.documentElement.removeAttribute("data-theme");
  else document.documentElement.setAttribute("data-theme", theme.value);
  paint.value++;
}

darkQuery.addEventListener("change", apply);
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

/** Whether lists have more room between their rows. */
export const roomy = signal(read(ROOMY_KEY) === "1");
export function setRoomy(on: boolean): void {
  roomy.value = on;
  write(ROOMY_KEY, on ? "1" : "");
}

export const nextTheme = (t: Theme): Theme => THEMES[(THEMES.indexOf(t) + 1) % THEMES.length] ?? "system";
