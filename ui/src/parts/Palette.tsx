// The command palette: pages, actions, dashboards, hosts, services, metrics and settings, by keyboard. A combobox with a list, as the ARIA practices have it.
import { useEffect, useState } from "preact/hooks";
import { matches } from "../lib/matches";
import { t, type TextKey } from "../lib/text";
import { zones } from "../lib/zone";
import type { KeyAction } from "../state/keys";
import { metrics, wantMetrics } from "../state/names";
import { NAMED } from "../state/places";
import { setTheme, THEMES } from "../state/prefs";
import { things, wantThings } from "../state/things";
import { go, hrefOf, patch } from "../state/url";
import { act } from "./actions";
import { Dialog } from "./Dialog";
import { closeDialog, takeEarly } from "./dialogs";

interface Entry {
  name: string;
  kind: string;
  take: () => void;
}

/** Rows in all, and of one kind unless it is the only one. */
const SHOWN_MAX = 14;
const KIND_MAX = 6;

const ACTIONS: [TextKey, KeyAction][] = [
  ["top.live", "live"],
  ["help.refresh", "refresh"],
  ["help.before", "before"],
  ["help.time", "time"],
  ["help.share", "share"],
  ["help.theme", "theme"],
  ["help.density", "density"],
  ["help.rail", "rail"],
  ["help.full", "full"],
  ["top.help", "help"],
];

/** What is chosen by name: themes and zones. */
const settings = (): [string, () => void][] => [
  ...THEMES.map((x): [string, () => void] => [t(`top.theme.${x}`), () => setTheme(x)]),
  ...["browser", "utc", ...zones()].map((z): [string, () => void] => [t("palette.zone", { zone: z === "utc" ? "UTC" : z }), () => patch({ zone: z }, "replace")]),
];

const to = (href: string) => () => go(href);

/** Every kind of thing that has a name, each with how to get there. Pages and actions first: there are few of them. */
function kinds(): { kind: string; rows: [string, () => void][] }[] {
  const { hosts, services, dashboards, reports } = things.value;
  const board = NAMED.find((p): boolean => (p as string) === "dashboards");
  return [
    { kind: t("palette.page"), rows: NAMED.map((p) => [t(`nav.${p}`), to(hrefOf(p))]) },
    { kind: t("palette.action"), rows: ACTIONS.map(([key, action]) => [t(key), () => void act(action)]) },
    { kind: t("palette.dashboard"), rows: board ? dashboards.map((d) => [d.title || d.id, to(hrefOf(board, { open: d.id }))]) : [] },
    { kind: t("palette.report"), rows: reports.map((r) => [r.title, to(hrefOf("reports", { open: r.id, range: { from: "", to: "" } }))]) },
    { kind: t("palette.host"), rows: hosts.map((h) => [h, to(hrefOf("hosts", { open: h }))]) },
    { kind: t("palette.service"), rows: services.map((h) => [h, to(hrefOf("services", { open: h }))]) },
    { kind: t("palette.metric"), rows: metrics.value.names.map((name) => [name, to(hrefOf("explore", { expr: name }))]) },
    { kind: t("palette.setting"), rows: settings() },
  ];
}

function entries(query: string): Entry[] {
  const all = kinds().slice(0, query ? undefined : 2);
  const found = all.map(({ kind, rows }) => {
    const by = new Map(rows);
    return matches([...by.keys()], query, SHOWN_MAX).map((name): Entry => ({ name, kind, take: by.get(name) ?? (() => {}) }));
  });
  const few = found.filter((x) => x.length > 0).length > 1;
  return found.flatMap((x) => (few && query ? x.slice(0, KIND_MAX) : x)).slice(0, query ? SHOWN_MAX : undefined);
}

export function Palette() {
  const [query, setQuery] = useState("");
  const [at, setAt] = useState(0);
  useEffect(() => {
    void wantMetrics();
    void wantThings();
  }, []);
  const list = entries(query.trim());
  const pick = (e: Entry | undefined) => {
    if (!e) return;
    closeDialog();
    e.take();
  };
  // After the dialog is shown, from when on its field takes the keys itself.
  useEffect(() => {
    const { text, entered } = takeEarly();
    if (text) setQuery(text);
    if (entered) pick(entries(text.trim())[0]);
  }, []);
  const onKeyDown = (e: KeyboardEvent) => {
    if (e.key === "ArrowDown") setAt((at + 1) % Math.max(1, list.length));
    else if (e.key === "ArrowUp") setAt((at - 1 + list.length) % Math.max(1, list.length));
    else if (e.key === "Enter") pick(list[at]);
    else return;
    e.preventDefault();
  };
  return (
    <Dialog title={t("palette.title")} kind="dialog-palette" onClose={closeDialog}>
      <input
        class="input palette-input"
        data-first=""
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={list[at] ? `palette-${at}` : undefined}
        aria-label={t("palette.input")}
        placeholder={t("palette.input")}
        value={query}
        onInput={(e) => {
          setQuery(e.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
        spellcheck={false}
      />
      <div id="palette-list" class="palette-list" role="listbox" aria-label={t("palette.title")}>
        {list.map((e, i) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: keys are handled by the input
          // biome-ignore lint/a11y/useFocusableInteractive: the input keeps the focus
          <div key={e.kind + e.name} id={`palette-${i}`} role="option" aria-selected={i === at} class="palette-row" ref={i === at ? (el) => el?.scrollIntoView({ block: "nearest" }) : null} onClick={() => pick(e)}>
            <span>{e.name}</span>
            <span class="soft">{e.kind}</span>
          </div>
        ))}
      </div>
      {list.length === 0 ? (
        <p class="soft palette-none" role="status">
          {metrics.value.status === "loading" ? t("palette.loading") : t("palette.none", { q: query.trim() })}
        </p>
      ) : null}
    </Dialog>
  );
}
