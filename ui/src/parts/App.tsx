// The frame of every page: skip link, rail, top bar, the page, dialogs, and the keyboard.
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { t } from "../lib/text";
import { shiftRange, zoomRange } from "../lib/time";
import { Overview } from "../pages/Overview";
import { focusFilter } from "../state/filter";
import { decideKey, type KeyAction, type KeyState } from "../state/keys";
import { giveToPage } from "../state/pagekeys";
import { useOverview } from "../state/overview";
import { nextTheme, setTheme, theme } from "../state/prefs";
import { follow, go, hrefOf, page, patch, url } from "../state/url";
import { CHUNKS, WHY } from "./chunks";
import { closeDialog, dialog, openDialog } from "./dialogs";
import { Help } from "./Help";
import { Palette } from "./Palette";
import { Rail } from "./Rail";
import { Failed, Loading } from "./states";
import { TopBar, toggleLive } from "./TopBar";

function act(action: KeyAction): void {
  const move = (range: ReturnType<typeof shiftRange>) => {
    if (range) patch({ range });
  };
  const now = Date.now();
  switch (action) {
    case "live":
      toggleLive();
      break;
    case "theme":
      setTheme(nextTheme(theme.value));
      break;
    case "time":
    case "help":
    case "palette":
      openDialog(action);
      break;
    case "filter":
      focusFilter();
      break;
    case "back":
    case "forward":
      move(shiftRange(url.value.range, action === "back" ? -0.5 : 0.5, now));
      break;
    case "zoomIn":
    case "zoomOut":
      move(zoomRange(url.value.range, action === "zoomIn" ? 0.5 : 2, now));
      break;
    default:
      go(hrefOf(action));
  }
}

const isField = (el: EventTarget | undefined) => el instanceof HTMLElement && (el.matches("input, textarea, select") || el.isContentEditable);

function useKeyboard(): void {
  useEffect(() => {
    let state: KeyState = { goAt: null };
    const onKeyDown = (e: KeyboardEvent) => {
      if (e.defaultPrevented) return;
      const busy = document.querySelector("dialog[open]") !== null || dialog.value !== null || isField(e.composedPath()[0]);
      const [next, action] = decideKey(state, { key: e.key, ctrl: e.ctrlKey || e.metaKey, alt: e.altKey, busy }, performance.now());
      state = next;
      const taken = action === null && !busy && !e.ctrlKey && !e.metaKey && !e.altKey && giveToPage(e);
      if (action === null && !taken) return;
      e.preventDefault();
      if (action) act(action);
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, []);
}

/** A page in a chunk of its own, which arrives when first wanted. */
function Lazy({ load }: { load: () => Promise<ComponentType> }) {
  const [page, setPage] = useState<ComponentType | null>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    load().then(
      (p) => setPage(() => p),
      () => setFailed(true),
    );
  }, []);
  const Page = page;
  if (failed) return <Failed message={t("error.unreachable")} onRetry={() => location.reload()} />;
  return Page ? <Page /> : <Loading />;
}

/** The place of a chunk in the page: pages of one chunk are one component. */
const keyOf = (load: () => Promise<ComponentType>) => String(Object.values(CHUNKS).indexOf(load));

function Page() {
  const name = page.value;
  if (name === "missing") return <Missing />;
  if (name === "overview") return <Overview />;
  const load = CHUNKS[name];
  return <Lazy key={keyOf(load)} load={load} />;
}

const Missing = () => (
  <div class="state state-empty">
    <p>{t("page.missing", { path: url.value.path })}</p>
    <a class="button" href={hrefOf("overview")} onClick={follow}>
      {t("page.missing.back")}
    </a>
  </div>
);

export function App() {
  useKeyboard();
  // One line to the server for every page: it says within seconds when it is lost, and how many alerts fire.
  useOverview(url.value.live);
  useEffect(() => {
    document.title = page.value === "missing" ? t("app.name") : `${t(`nav.${page.value}`)} · ${t("app.name")}`;
  }, [page.value]);
  // At once, not after the next picture: a dialog that was asked for meanwhile would be closed with the old one.
  useEffect(() => page.subscribe(closeDialog), []);
  return (
    <div class="app">
      <button type="button" class="skip" onClick={() => document.getElementById("main")?.focus()}>
        {t("nav.skip")}
      </button>
      <Rail />
      <TopBar />
      <main id="main" tabIndex={-1}>
        <Page />
      </main>
      {url.value.why ? <Lazy load={WHY} /> : null}
      {dialog.value === "help" ? <Help /> : null}
      {dialog.value === "palette" ? <Palette /> : null}
    </div>
  );
}
