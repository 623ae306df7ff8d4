// What the keys, the buttons of the frame and the command palette do.
import { BEFORES } from "../lib/before";
import { liveWindow, shiftRange, zoomRange } from "../lib/time";
import { focusFilter } from "../state/filter";
import type { KeyAction } from "../state/keys";
import { PAGE_NAMES, type PageName } from "../state/places";
import { nextTheme, railSmall, roomy, setRailSmall, setRoomy, setTheme, theme } from "../state/prefs";
import { refresh } from "../state/refresh";
import { go, hrefOf, patch, url } from "../state/url";
import { DEFAULT_RANGE } from "../state/urlstate";
import { openDialog } from "./dialogs";

/** Live and ending now, or back to it. */
export function toggleLive(): void {
  const { live, range } = url.value;
  if (live && liveWindow(range) !== null) patch({ live: false });
  else patch({ live: true, range: liveWindow(range) !== null ? range : DEFAULT_RANGE });
}

/** The panel that has the focus, or is pointed at. */
const panelHere = () => document.querySelector<HTMLElement>(".panel:focus-within") ?? document.querySelector<HTMLElement>(".panel:hover");
const exprHere = () => panelHere()?.dataset["expr"];

/** The panel of the moment, or the page, on the whole screen; or back. */
function fullScreen(): void {
  if (document.fullscreenElement) void document.exitFullscreen();
  else void (panelHere() ?? document.documentElement).requestFullscreen?.().catch(() => {});
}

/** Every action, apart from going to a page. An action that finds nothing to act on answers false. */
const ACTIONS: Record<Exclude<KeyAction, PageName>, () => unknown> = {
  live: toggleLive,
  theme: () => setTheme(nextTheme(theme.value)),
  time: () => openDialog("time"),
  help: () => openDialog("help"),
  palette: () => openDialog("palette"),
  share: () => openDialog("share"),
  filter: focusFilter,
  refresh,
  before: () => patch({ before: url.value.before ? BEFORES[0] : "prev" }, "replace"),
  full: fullScreen,
  density: () => setRoomy(!roomy.value),
  rail: () => setRailSmall(!railSmall.value),
  back: () => move(shiftRange(url.value.range, -0.5, Date.now())),
  forward: () => move(shiftRange(url.value.range, 0.5, Date.now())),
  zoomIn: () => move(zoomRange(url.value.range, 0.5, Date.now())),
  zoomOut: () => move(zoomRange(url.value.range, 2, Date.now())),
  alertOn: () => {
    const expr = exprHere();
    if (expr) go(hrefOf("files", { open: "+", q: expr }));
    return expr !== undefined;
  },
  openPanel: () => {
    const expr = exprHere();
    if (expr) go(hrefOf("explore", { expr }));
    return expr !== undefined;
  },
};

function move(range: ReturnType<typeof shiftRange>): void {
  if (range) patch({ range });
}

const isPage = (a: KeyAction): a is PageName => (PAGE_NAMES as string[]).includes(a);

/** Does it; false when there was nothing to do it to. */
export function act(action: KeyAction): boolean {
  if (isPage(action)) {
    go(hrefOf(action));
    return true;
  }
  return ACTIONS[action]() !== false;
}
