// The frame of every page: skip link, rail, top bar, the page, dialogs, and the keyboard.
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { t } from "../lib/text";
import { Overview } from "../pages/Overview";
import { crumb } from "../state/crumb";
import { decideKey, type KeyState } from "../state/keys";
import { giveToPage } from "../state/pagekeys";
import { useOverview } from "../state/overview";
import { railSmall } from "../state/prefs";
import { follow, hrefOf, page, url } from "../state/url";
import { act } from "./actions";
import { CHUNKS, WHY } from "./chunks";
import { closeDialog, dialog, typedEarly } from "./dialogs";
import { Rail } from "./Rail";
import { Failed, Loading } from "./states";
import { TopBar } from "./TopBar";

const isField = (el: EventTarget | undefined) => el instanceof HTMLElement && (el.matches("input, textarea, select") || el.isContentEditable);

function useKeyboard(): void {
  useEffect(() => {
    let state: KeyState = { goAt: null };
    const onKeyDown = (e: KeyboardEvent) => {
      if (e.defaultPrevented) return;
      const shown = document.querySelector("dialog[open]") !== null;
      if (dialog.value === "palette" && !shown && !e.ctrlKey && !e.metaKey && !e.altKey && typedEarly(e.key)) {
        e.preventDefault();
        return;
      }
      const busy = shown || dialog.value !== null || isField(e.composedPath()[0]);
      const [next, action] = decideKey(state, { key: e.key, ctrl: e.ctrlKey || e.metaKey, alt: e.altKey, busy }, performance.now());
      state = next;
      const done = action !== null && act(action);
      const taken = !done && !busy && !e.ctrlKey && !e.metaKey && !e.altKey && giveToPage(e);
      if (done || taken) e.preventDefault();
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, []);
}

/** A page in a chunk of its own, which arrives when first wanted. */
function Lazy({ load, quiet }: { load: () => Promise<ComponentType>; quiet?: boolean }) {
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
  return Page ? <Page /> : quiet ? null : <Loading />;
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

/** The dialogs of the frame: a chunk of their own, fetched when the page is there. */
const loadDialogs = () => import("./FrameDialogs").then((m) => m.FrameDialogs);
const FrameDialog = () => <Lazy load={loadDialogs} quiet />;

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
    document.title = [crumb.value, page.value === "missing" ? "" : t(`nav.${page.value}`), t("app.name")].filter(Boolean).join(" · ");
  }, [page.value, crumb.value]);
  useEffect(() => {
    const idle = setTimeout(() => void loadDialogs().catch(() => {}), 2_000);
    return () => clearTimeout(idle);
  }, []);
  // At once, not after the next picture: a dialog that was asked for meanwhile would be closed with the old one.
  useEffect(() => page.subscribe(closeDialog), []);
  return (
    <div class={`app ${railSmall.value ? "app-small" : ""} ${url.value.params["kiosk"] ? "app-kiosk" : ""}`}>
      <button type="button" class="skip" onClick={() => document.getElementById("main")?.focus()}>
        {t("nav.skip")}
      </button>
      <Rail />
      <TopBar />
      <main id="main" tabIndex={-1}>
        <Page />
      </main>
      {url.value.why ? <Lazy load={WHY} /> : null}
      {dialog.value ? <FrameDialog /> : null}
    </div>
  );
}
