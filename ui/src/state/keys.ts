// The keyboard map. Pure decision, then one listener; keys typed into fields are left alone.
import { PAGE_NAMES, type PageName, PLACES } from "./places";

export type KeyAction =
  | PageName
  | "live"
  | "time"
  | "help"
  | "palette"
  | "back"
  | "forward"
  | "zoomIn"
  | "zoomOut"
  | "theme"
  | "refresh"
  | "before"
  | "full"
  | "density"
  | "rail"
  | "share"
  | "alertOn"
  | "openPanel"
  | "filter";

export interface KeyPress {
  key: string;
  ctrl: boolean;
  alt: boolean;
  /** the event comes from a field, or a dialog is open */
  busy: boolean;
}

export interface KeyState {
  /** when `g` was pressed, or null */
  goAt: number | null;
}

const GO_WAIT_MS = 1500;
const GO = new Map(PAGE_NAMES.map((page) => [PLACES[page].key, page]));
const PLAIN: Record<string, KeyAction> = {
  l: "live",
  L: "live",
  t: "time",
  "?": "help",
  "/": "filter",
  T: "theme",
  ArrowLeft: "back",
  ArrowRight: "forward",
  "-": "zoomOut",
  "+": "zoomIn",
  "=": "zoomIn",
  r: "refresh",
  R: "refresh",
  c: "before",
  C: "before",
  F: "full",
  D: "density",
  "[": "rail",
  S: "share",
  A: "alertOn",
  E: "openPanel",
};

/** What a key press means now, and what to remember. */
export function decideKey(s: KeyState, k: KeyPress, now: number): [KeyState, KeyAction | null] {
  const none: KeyState = { goAt: null };
  if (k.ctrl && !k.alt && k.key.toLowerCase() === "k") return [none, "palette"];
  if (k.busy || k.ctrl || k.alt) return [none, null];
  if (s.goAt !== null && now - s.goAt <= GO_WAIT_MS) {
    const to = GO.get(k.key);
    if (to) return [none, to];
  }
  if (k.key === "g") return [{ goAt: now }, null];
  return [none, PLAIN[k.key] ?? null];
}
