// Editing a dashboard: panels are moved, resized, added and taken away by pointer or keyboard; a sheet beside them changes one; every
// step can be taken back, and a draft outlives the page. A chunk of its own.
import "../../../css/dashedit.css";
import "../../../lib/textDashEdit";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { type At, COLUMNS, createDashboard, type Dashboard, type Panel, type PanelKind, saveDashboard, saveLayout } from "../../../api/dashboards";
import { ApiError } from "../../../api/http";
import { t } from "../../../lib/text";
import { Icon } from "../../../parts/Icon";
import { Menu } from "../../../parts/Menu";
import { userName } from "../../../state/prefs";
import { useSending } from "../../alerting/form";
import { Board, type BoardEdit } from "../Board";
import { arrange, fitted, inOrder, type Item, place, type Placed, roomFor, step, tidy } from "../layout";
import type { EditorProps } from "../View";
import { MineDialog, SaveDialog, YamlDialog } from "./besides";
import { keepDraft, readDraft } from "./drafts";
import { back, begin, change, on } from "./history";
import { Settings } from "./Settings";
import { KIND_NAMES, Sheet } from "./Sheet";

export { BesideDialog } from "./besides";

const ROW_PX = 38;
const EMPTY: Dashboard = {
  id: "",
  title: "",
  time: { from: "now-1h", to: "now" },
  refresh: "live",
  annotations: [
    { name: t("ed.mark.alerts"), kind: "alerts", enabled: true },
    { name: t("ed.mark.changes"), kind: "changes", enabled: true },
  ],
  panels: [],
};
const AGAIN = 0;

/** Panels where they are seen: rows that hid others hide nothing while editing. */
function settled(d: Dashboard): Dashboard {
  const at = new Map(place(d.panels, {}, () => false).map((p) => [p.panel.id, p.at]));
  const items = tidy(d.panels.map((p) => ({ id: p.id, at: fitted(at.get(p.id) ?? p.at, p.kind === "row") })));
  const places = new Map(items.map((i) => [i.id, i.at]));
  return { ...d, panels: [...d.panels].map((p) => ({ ...p, at: places.get(p.id) ?? p.at })).sort(inOrder) };
}

const itemsOf = (d: Dashboard): Item[] => d.panels.map((p) => ({ id: p.id, at: p.at }));
const put = (d: Dashboard, items: readonly Item[]): Dashboard => {
  const at = new Map(items.map((i) => [i.id, i.at]));
  return { ...d, panels: d.panels.map((p) => ({ ...p, at: at.get(p.id) ?? p.at })).sort(inOrder) };
};
const nextId = (d: Dashboard) => Math.max(0, ...d.panels.map((p) => p.id)) + 1;
const SIZES: Partial<Record<PanelKind, [number, number]>> = { row: [COLUMNS, 1], stat: [6, 4], gauge: [6, 5], loadline: [8, 5], text: [8, 5], table: [12, 8] };

const inField = (e: Event) => {
  const el = e.composedPath()[0];
  return el instanceof HTMLElement && (el.matches("input, textarea, select") || el.isContentEditable);
};

export function Editor({ answer, panel: first, onSaved, onLeave }: EditorProps) {
  const key = answer?.dashboard.id ?? "+";
  const kept = useMemo(() => readDraft(key), [key]);
  const [base, setBase] = useState(kept?.base ?? answer?.version ?? 0);
  const original = useMemo(() => settled(answer?.dashboard ?? EMPTY), [answer]);
  const [history, setHistory] = useState(() => begin(kept ? settled(kept.dashboard) : original));
  const [fromDraft, setFromDraft] = useState(kept !== null);
  const [open, setOpen] = useState<number | "settings" | null>(answer ? first : "settings");
  const [dialog, setDialog] = useState<"save" | "yaml" | "mine" | null>(null);
  const [conflict, setConflict] = useState<number | null>(null);
  const [said, setSaid] = useState("");
  const sending = useSending();
  const d = history.steps[history.at] ?? original;
  const dirty = fromDraft || history.at > 0;
  const focus = useRef<number | null>(null);

  const set = (next: Dashboard, tag = "") => setHistory((h) => change(h, next, tag, Date.now()));
  const undo = () => {
    setHistory(back);
    setSaid(t("ed.undone"));
  };
  const redo = () => {
    setHistory(on);
    setSaid(t("ed.redone"));
  };

  useEffect(() => {
    // At once: the page may be left with the next click.
    keepDraft(key, dirty ? { dashboard: d, base, at: Date.now() } : null);
  }, [d, dirty, base]);
  // A panel that changed its place in the page has lost the focus that it had.
  useLayoutEffect(() => {
    const id = focus.current;
    focus.current = null;
    if (id === null) return;
    const cell = document.querySelector<HTMLElement>(`[data-cell="${id}"]`);
    cell?.focus();
    cell?.scrollIntoView({ block: "nearest" });
  }, [d]);
  const keys = useRef<(e: KeyboardEvent) => void>(() => {});
  keys.current = (e) => {
    if (document.querySelector("dialog[open]")) return;
    const mod = e.ctrlKey || e.metaKey;
    const k = e.key.toLowerCase();
    if (mod && k === "s") setDialog("save");
    else if (mod && !inField(e) && k === "z" && !e.shiftKey) undo();
    else if (mod && !inField(e) && (k === "y" || (k === "z" && e.shiftKey))) redo();
    else if (e.key === "Escape" && !e.defaultPrevented && open !== null && !document.querySelector(":popover-open")) close();
    else return;
    e.preventDefault();
  };
  useEffect(() => {
    const listen = (e: KeyboardEvent) => keys.current(e);
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  }, []);

  const close = () => {
    const id = typeof open === "number" ? open : null;
    setOpen(null);
    if (id !== null) document.querySelector<HTMLElement>(`[data-cell="${id}"]`)?.focus();
  };
  const openSheet = (id: number | "settings") => {
    setOpen(id);
    requestAnimationFrame(() => document.querySelector<HTMLElement>(".sheet [role=tab][aria-selected=true]")?.focus());
  };

  const nameOf = (p: Panel) => p.title || t(`da.kind.${p.kind}`);
  const tell = (p: Panel, at: At) => setSaid(t("ed.said", { title: nameOf(p), x: at.x + 1, y: at.y + 1, w: at.w, h: at.h }));
  const arranged = (p: Panel, items: readonly Item[], tag: string) => {
    focus.current = p.id;
    set(put(d, items), tag);
    tell(p, items.find((i) => i.id === p.id)?.at ?? p.at);
  };
  const add = (kind: PanelKind) => {
    const id = nextId(d);
    const [w, h] = SIZES[kind] ?? [12, 8];
    const at = roomFor(itemsOf(d), w, h);
    const fresh: Panel = { id, kind, title: kind === "row" ? t("da.row") : t("ed.fresh"), at, ...(kind === "text" || kind === "row" || kind === "alerts" || kind === "insights" ? {} : { queries: [{ ref: "A", expr: "" }] }) };
    focus.current = id;
    set({ ...d, panels: [...d.panels, fresh].sort(inOrder) });
    setSaid(t("ed.added", { title: nameOf(fresh) }));
    if (kind !== "row") openSheet(id);
  };
  const remove = (p: Panel) => {
    const at = d.panels.findIndex((x) => x.id === p.id);
    focus.current = d.panels[at + 1]?.id ?? d.panels[at - 1]?.id ?? null;
    const rest = { ...d, panels: d.panels.filter((x) => x.id !== p.id) };
    set(put(rest, tidy(itemsOf(rest))));
    if (open === p.id) setOpen(null);
    setSaid(t("ed.removed", { title: nameOf(p) }));
  };
  const copy = (p: Panel) => {
    const id = nextId(d);
    const at = roomFor(itemsOf(d), p.at.w, p.at.h);
    focus.current = id;
    set({ ...d, panels: [...d.panels, { ...p, id, at }].sort(inOrder) });
    setSaid(t("ed.added", { title: nameOf(p) }));
  };

  const onKey = (p: Panel) => (e: KeyboardEvent) => {
    if (e.target !== e.currentTarget || e.ctrlKey || e.metaKey || e.altKey) return;
    const arrow = /^Arrow(Left|Right|Up|Down)$/.test(e.key);
    if (arrow && e.shiftKey) {
      if (p.kind === "row") return;
      const [dw, dh] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.key] as [number, number];
      const next = fitted({ ...p.at, w: Math.min(p.at.w + dw, COLUMNS - p.at.x), h: p.at.h + dh });
      arranged(p, arrange(itemsOf(d), p.id, { ...next, x: p.at.x }), `size ${p.id}`);
    } else if (arrow) {
      const next = step(itemsOf(d), p.id, e.key as "ArrowLeft");
      if (next) arranged(p, next, `move ${p.id}`);
      else setSaid(t("ed.edge"));
    } else if (e.key === "Enter") openSheet(p.id);
    else if (e.key === "Delete" || e.key === "Backspace") remove(p);
    else if (e.key === "d") copy(p);
    else return;
    e.preventDefault();
    e.stopPropagation();
  };

  /** Follows the pointer until it is let go; the others make room while it moves. Escape puts everything back. */
  const drag = (p: Panel, resize: boolean) => (e: PointerEvent) => {
    if (e.button !== 0) return;
    const board = (e.currentTarget as HTMLElement).closest<HTMLElement>(".board");
    const cell = (e.currentTarget as HTMLElement).closest<HTMLElement>("[data-cell]");
    // Telephones have one column: a finger there scrolls the page.
    if (!board || !cell || getComputedStyle(board).gridTemplateColumns.split(" ").length < COLUMNS) return;
    e.preventDefault();
    cell.focus();
    const column = (board.clientWidth + 8) / COLUMNS;
    const items = itemsOf(d);
    const before = history;
    const top = () => board.getBoundingClientRect().top;
    const [x0, y0] = [e.clientX, e.clientY - top()];
    let last = "";
    const tag = `drag ${Date.now()}`;
    let started = false;
    board.classList.add("board-dragging");
    cell.classList.add("cell-moving");
    const move = (m: PointerEvent) => {
      if (m.pointerId !== e.pointerId) return;
      const dx = Math.round((m.clientX - x0) / column);
      // Against the board, which the page may have scrolled meanwhile.
      const dy = Math.round((m.clientY - top() - y0) / ROW_PX);
      const at = resize ? { ...fitted({ ...p.at, w: Math.min(p.at.w + dx, COLUMNS - p.at.x), h: p.at.h + dy }), x: p.at.x } : fitted({ ...p.at, x: p.at.x + dx, y: p.at.y + dy }, p.kind === "row");
      const now = JSON.stringify(at);
      if (now === (last || JSON.stringify(p.at))) return;
      last = now;
      const next = arrange(items, p.id, at);
      // One drag is one step, however long it takes.
      setHistory((h) => (started ? { ...h, steps: [...h.steps.slice(0, h.at), put(d, next)] } : change(h, put(d, next), tag, Date.now())));
      started = true;
      tell(p, next.find((i) => i.id === p.id)?.at ?? at);
    };
    // Of the window: the panel changes its place in the page while it is dragged, and would lose what it captured.
    const over = new AbortController();
    const end = () => {
      over.abort();
      board.classList.remove("board-dragging");
      cell.classList.remove("cell-moving");
      document.querySelector<HTMLElement>(`[data-cell="${p.id}"]`)?.focus({ preventScroll: true });
    };
    const undone = () => {
      if (started) {
        setHistory(before);
        setSaid(t("ed.cancelled"));
      }
      end();
    };
    const { signal } = over;
    addEventListener("pointermove", move, { signal });
    addEventListener("pointerup", (u) => u.pointerId === e.pointerId && end(), { signal });
    addEventListener("pointercancel", (u) => u.pointerId === e.pointerId && undone(), { signal });
    addEventListener("blur", undone, { signal });
    addEventListener(
      "keydown",
      (k) => {
        k.preventDefault();
        k.stopPropagation();
        if (k.key === "Escape") undone();
      },
      { signal, capture: true },
    );
  };

  const edit: BoardEdit = {
    onEdit: (p) => openSheet(p.id),
    cell: ({ panel: p }: Placed) => ({
      class: open === p.id ? "cell-open" : "",
      tabIndex: 0,
      role: "group",
      "aria-roledescription": t("ed.cell"),
      "aria-label": t("ed.cell.label", { title: nameOf(p), x: p.at.x + 1, y: p.at.y + 1, w: p.at.w, h: p.at.h }),
      "aria-describedby": "ed-keys",
      ...{ "data-cell": p.id },
      onKeyDown: onKey(p),
    }),
    handles: ({ panel: p }: Placed) => (
      <div class="cell-acts">
        <span class="cell-grip" title={t("ed.drag")} onPointerDown={drag(p, false)}>
          <Icon name="grip" size={16} />
        </span>
        <button type="button" class="button button-icon" aria-label={t("ed.edit", { title: nameOf(p) })} onClick={() => openSheet(p.id)}>
          <Icon name="edit" size={15} />
        </button>
        {p.kind === "row" ? null : (
          <button type="button" class="button button-icon" aria-label={t("ed.copy", { title: nameOf(p) })} onClick={() => copy(p)}>
            <Icon name="copy" size={15} />
          </button>
        )}
        <button type="button" class="button button-icon" aria-label={t("ed.remove", { what: nameOf(p) })} onClick={() => remove(p)}>
          <Icon name="trash" size={15} />
        </button>
        {p.kind === "row" ? null : <span class="cell-corner" title={t("ed.resize")} onPointerDown={drag(p, true)} />}
      </div>
    ),
  };

  const leave = () => {
    keepDraft(key, null);
    onLeave();
  };
  const save = (author: string, note: string, how: "plain" | "over" | "copy") => {
    const by = { ...(author ? { author } : {}), ...(note ? { note } : {}) };
    const title = d.title.trim() || t("ed.untitled");
    let id = key;
    sending.run(
      async () => {
        if (!answer || how === "copy") id = (await createDashboard({ ...d, id: "", title: how === "copy" ? t("da.copyof", { title }) : title }, by)).id;
        else
          id = await saveDashboard(key, { ...d, title }, how === "over" && conflict !== null ? conflict : base, by).then(
            (saved) => saved.id,
            (failure: unknown) => {
              const body = failure instanceof ApiError && failure.status === 409 ? (failure.body as { current?: number | { version?: number }; version?: number } | undefined) : undefined;
              const now = typeof body?.current === "number" ? body.current : typeof body?.current === "object" ? body.current.version : body?.version;
              if (now !== undefined) setConflict(now);
              throw failure;
            },
          );
      },
      () => {
        keepDraft(key, null);
        setDialog(null);
        onSaved(id);
      },
    );
  };
  const mine = () =>
    sending.run(
      () => saveLayout(key, userName.value, { layout: d.panels.map((p) => ({ id: p.id, at: p.at })) }),
      () => {
        keepDraft(key, null);
        onSaved(key);
      },
    );

  const shown = typeof open === "number" ? d.panels.find((p) => p.id === open) : undefined;
  return (
    <div class={`dash dash-editing ${shown || open === "settings" ? "dash-beside" : ""}`}>
      <header class="dash-head dash-toolbar">
        <h1 class="dash-title">{d.title || t("ed.untitled")}</h1>
        {dirty ? <span class="badge">{t("ed.changed")}</span> : null}
        <span class="grow" />
        <Menu label={t("ed.add")} icon="plus" text={t("ed.add")} items={[...KIND_NAMES, "row" as const].map((k) => ({ label: t(`da.kind.${k}`), icon: k === "table" ? "table" : k === "alerts" ? "alerts" : k === "row" ? "group" : "chart", onPick: () => add(k) }))} />
        <button type="button" class="button button-icon" aria-label={t("ed.undo")} title="Ctrl-Z" disabled={history.at === 0} onClick={undo}>
          <Icon name="undo" size={16} />
        </button>
        <button type="button" class="button button-icon" aria-label={t("ed.redo")} title="Ctrl-Shift-Z" disabled={history.at >= history.steps.length - 1} onClick={redo}>
          <Icon name="redo" size={16} />
        </button>
        <button type="button" class="button" aria-pressed={open === "settings"} onClick={() => (open === "settings" ? setOpen(null) : openSheet("settings"))}>
          {t("ed.settings")}
        </button>
        <button type="button" class="button" onClick={() => setDialog("yaml")}>
          {t("da.yaml")}
        </button>
        {answer ? (
          <button type="button" class="button" title={t("ed.mine.text")} onClick={() => (userName.value ? mine() : setDialog("mine"))}>
            {t("ed.mine")}
          </button>
        ) : null}
        <button type="button" class="button" onClick={leave}>
          {t(dirty ? "ed.discard" : "ed.leave")}
        </button>
        <button type="button" class="button button-main" title="Ctrl-S" onClick={() => setDialog("save")}>
          {t("ed.save")}
        </button>
      </header>
      {kept ? (
        <p class="soft" role="status">
          {t("ed.draft", { n: kept.base })}
        </p>
      ) : null}
      {answer && answer.source !== "api" ? <p class="soft">{t(answer.source === "template" ? "da.source.template.text" : "da.source.file.text")}</p> : null}
      {sending.error && dialog === null ? (
        <p class="form-error" role="alert">
          {sending.error}
        </p>
      ) : null}
      <p id="ed-keys" class="soft dash-keys">
        {t("ed.keys")}
      </p>
      <div class="dash-work">
        <div class="dash-board">
          <Board dashboard={d} edit={edit} again={AGAIN} />
        </div>
        {shown ? (
          <Sheet key={shown.id} panel={shown} variables={d.variables ?? []} onChange={(next, tag) => set({ ...d, panels: d.panels.map((p) => (p.id === next.id ? { ...next, title: next.title ?? "" } : p)) }, tag)} onClose={close} />
        ) : open === "settings" ? (
          <Settings dashboard={d} onChange={set} onClose={close} />
        ) : null}
      </div>
      <div class="sr-only" aria-live="polite" id="ed-said">
        {said}
      </div>
      {dialog === "save" ? (
        <SaveDialog
          fresh={!answer}
          title={d.title || t("ed.untitled")}
          conflict={conflict}
          sending={sending}
          onSave={save}
          onTheirs={() => {
            keepDraft(key, null);
            setBase(conflict ?? base);
            setFromDraft(false);
            onSaved(key);
          }}
          onClose={() => {
            setDialog(null);
            setConflict(null);
          }}
        />
      ) : dialog === "mine" ? (
        <MineDialog sending={sending} onKeep={mine} onClose={() => setDialog(null)} />
      ) : dialog === "yaml" ? (
        <YamlDialog
          dashboard={d}
          onTake={(next) => {
            set(settled(next));
            setDialog(null);
          }}
          onClose={() => setDialog(null)}
        />
      ) : null}
    </div>
  );
}
