// What this browser prefers (local storage): the theme. Storage that fails or lies is ignored.
import { signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";
const THEMES: Theme[] = ["system", "light", "dark"];
const KEY = "plimsoll.theme";

function stored(): Theme {
  try {
    const v = localStorage.getItem(KEY) as Theme | null;
    return v && THEMES.includes(v) ? v : "system";
  } catch {
    return "system";
  }
}

const darkQuery = matchMedia("(prefers-color-scheme: dark)");
export const theme = signal<Theme>(stored());
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
  try {
    localStorage.setItem(KEY, t);
  } catch {
    // Private windows may refuse; the choice then lasts until the tab closes.
  }
  apply();
}

export const nextTheme = (t: Theme): Theme => THEMES[(THEMES.indexOf(t) + 1) % THEMES.length] ?? "system";
