import { expect, it } from "vitest";
import { decideKey, type KeyPress, type KeyState } from "./keys";
import { PAGE_NAMES, PLACES } from "./places";

const press = (key: string, more: Partial<KeyPress> = {}): KeyPress => ({ key, ctrl: false, alt: false, busy: false, ...more });

function type(keys: KeyPress[], gap = 100): (string | null)[] {
  let s: KeyState = { goAt: null };
  return keys.map((k, i) => {
    const [next, action] = decideKey(s, k, i * gap);
    s = next;
    return action;
  });
}

it("g and a letter goes to a page", () => expect(type([press("g"), press("e"), press("g"), press("o")])).toEqual([null, "explore", null, "overview"]));
it("every page has a letter of its own", () => expect(new Set(PAGE_NAMES.map((p) => PLACES[p].key)).size).toBe(PAGE_NAMES.length));
it("g waits a second and a half, not more", () => expect(type([press("g"), press("e")], 2000)).toEqual([null, null]));
it("g and another key is that key", () => expect(type([press("g"), press("?")])).toEqual([null, "help"]));
it("keys typed into a field are left alone, but for the palette", () => expect(type([press("L", { busy: true }), press("k", { ctrl: true, busy: true })])).toEqual([null, "palette"]));
it("Ctrl with other keys belongs to the browser", () => expect(type([press("l", { ctrl: true }), press("t", { ctrl: true })])).toEqual([null, null]));
it("the plain keys", () => expect(type(["L", "t", "?", "/", "T", "ArrowLeft", "+", "R", "C", "F", "D", "["].map((k) => press(k)))).toEqual(["live", "time", "help", "filter", "theme", "back", "zoomIn", "refresh", "before", "full", "density", "rail"]));
