// One panel of a dashboard: its head with title and aggregation, its menu, and its data as its kind shows them.
import type { ComponentType } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Panel } from "../../api/dashboards";
import { seriesName, sharedLabels } from "../../lib/format";
import { t } from "../../lib/text";
import { parseDuration, resolveRange } from "../../lib/time";
import { useSize, useVisible } from "../../lib/visible";
import { Icon } from "../../parts/Icon";
import { Menu, MenuAt, type MenuItem } from "../../parts/Menu";
import { saveFrom } from "../../parts/ReportMenu";
import { Failed, Loading } from "../../parts/states";
import { usePast } from "../../state/past";
import { type Ask, panelStep, usePanel } from "../../state/panels";
import { refresh } from "../../state/refresh";
import { hrefOf, patch, url } from "../../state/url";
import { LETTERS } from "../../state/urlstate";
import type { BoardProps } from "../explore/BoardDialog";
import type { Loose } from "../explore/board";
import { fileOf } from "./files";
import { DataTable } from "./kinds/DataTable";
import { KINDS, type KindProps, RESTING } from "./kinds";
import { flip, keptIn, switchSeries } from "./kept";
import type { Placed } from "./layout";
import { Links } from "./Links";
import { INTERVAL_MIN_MS, narrowed } from "./interpolate";
import { NoData } from "./NoData";
import { offOf } from "./off";
import { chosenText, chosenIn, expression, fill, rangeOf, type Scope } from "./scope";
import { aggregation, type Items, itemsOf } from "./series";
import { csvOf, tableOf, timeTable } from "./table";

interface Props {
  placed: Placed;
  scope: Scope;
  /** the dashboard is being edited: a click means the panel */
  edit?: boolean;
  onEdit?: (() => void) | undefined;
  /** shown alone */
  full?: boolean;
}

/** Series of one query that a panel asks for. */
const SERIES_MAX = 100;
const TABLE_SERIES_MAX = 1_000;

/** What is asked, as texts; made anew only when they would be others. */
function useAsks(panel: Panel, placed: Placed, scope: Scope, width: number): { asks: Ask[]; range: ReturnType<typeof rangeOf> } {
  const { from, to } = url.value.range;
  const range = useMemo(() => rangeOf(panel, { from, to }), [panel.time, from, to]);
  const asks = useMemo(() => {
    if (!scope.ready || width === 0) return [];
    const now = Date.now();
    const span = resolveRange(range, now) ?? { from: now - 900_000, to: now };
    const usual = panelStep(range, width, now);
    return (panel.queries ?? [])
      .filter((q) => q.expr.trim() && !q.hidden)
      .map((q): Ask => {
        // A window of one step is as long as the step: sums over it count each sample once.
        const least = (q.step ? parseDuration(chosenText(q.step, scope, placed.own)) : null) ?? (q.expr.includes("__interval") ? INTERVAL_MIN_MS : null);
        const step = Math.max(usual, least ?? 0);
        const expr = expression(q.expr, scope, placed.own, span, step, least);
        const max_series = panel.kind === "table" ? TABLE_SERIES_MAX : SERIES_MAX;
        return q.kind === "instant" ? { id: q.ref, expr, kind: "instant", max_series } : { id: q.ref, expr, max_series, ...(least ? { step_ms: step } : {}) };
      });
  }, [panel.queries, panel.kind, scope.values, scope.filters, scope.ready, placed.own, range, Math.ceil(width / 200)]);
  const key = JSON.stringify(asks);
  return { asks: useMemo(() => asks, [key]), range };
}

function download(name: string, text: string): void {
  const href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  const a = document.createElement("a");
  a.href = href;
  a.download = name;
  a.click();
  URL.revokeObjectURL(href);
}

/** The narrowest picture that the server draws. */
const WIDTH_MIN = 80;
/** The panel as other dashboards can show it: choices are those of now, times stay those of the page. */
const portable = (panel: Panel, scope: Scope, own: Placed["own"], title: string): Loose => {
  const { id: _, repeat: __, collapsed: ___, ...rest } = panel;
  return { ...rest, title, queries: (panel.queries ?? []).map((q) => ({ ...q, expr: chosenIn(q.expr, scope, own) })) };
};

const slug = (text: string) => text.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "") || "panel";

export function DashPanel({ placed, scope, onEdit, full, edit = false }: Props) {
  const { panel } = placed;
  const ref = useRef<HTMLElement>(null);
  const visible = useVisible(ref);
  const { width } = useSize(ref);
  // What was seen once stays, so that scrolling back shows it at once.
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    if (visible) setSeen(true);
  }, [visible]);
  const asTable = keptIn("tables").includes(placed.key);
  const [again, setAgain] = useState(0);
  const [picked, setPicked] = useState<{ key: string | null; x: number; y: number } | null>(null);
  const [Adding, setAdding] = useState<ComponentType<BoardProps> | null>(null);
  const rests = RESTING.has(panel.kind);
  const { asks, range } = useAsks(panel, placed, scope, width);
  const state = usePanel({ asks, range, live: url.value.live, visible: visible && !rests, width, again: again + scope.again });
  const title = fill(panel.title, scope, placed.own, "text", range, width ? panelStep(range, width, Date.now()) : 0);
  // As it is asked; names of series are made of what is chosen, not of times and widths: what is hidden stays hidden.
  const filled = useMemo(() => ({ ...panel, title, queries: (panel.queries ?? []).map((q) => ({ ...q, expr: asks.find((a) => a.id === q.ref)?.expr ?? q.expr, called: chosenIn(q.expr, scope, placed.own) })) }), [panel, title, asks, scope.values, scope.filters, placed.own]);
  const all: Items = useMemo(() => itemsOf(filled, filled.queries, state.grids), [filled, state.grids]);
  const earlier = usePast(asks, range, visible && panel.kind === "timeseries", width);
  const past = useMemo(() => earlier && { all: itemsOf(filled, filled.queries, earlier.state.grids), back: earlier.back }, [filled, earlier]);
  const first = panel.queries?.find((q) => !q.hidden)?.expr ?? "";
  const expr = asks[0]?.expr ?? first;
  const Kind = KINDS[panel.kind];
  const some = all.items.length > 0 && all.n > 0;
  const toggle = () => flip("tables", placed.key);
  const name = title || t(`da.kind.${panel.kind}`);
  const timed = panel.kind === "timeseries" || panel.kind === "heatmap" || panel.kind === "state_timeline" || panel.kind === "status_grid";
  const canTable = some && !rests && panel.kind !== "table";
  const add = () =>
    import("../explore/Pieces").then(
      (m) => setAdding(() => m.BoardDialog),
      () => {},
    );
  const others = asks.slice(1, LETTERS.length).map((a) => a.expr);
  const added = () => {
    setAdding(null);
    // It may have been this dashboard.
    refresh();
  };
  /** What can be done with a query, or with one series of it. */
  const about = (of: string, more: Partial<Parameters<typeof hrefOf>[1]> = {}): MenuItem[] => [
    { label: t("da.menu.explore"), icon: "explore", href: hrefOf("explore", { expr: of, range, view: panel.kind === "heatmap" ? "heat" : panel.style?.stack === "normal" ? "stacked" : panel.style?.draw === "bars" ? "bars" : "lines", ...more }) },
    { label: t("da.menu.related"), icon: "insights", onPick: () => patch({ why: `${Math.round(state.span.from)}~${Math.round(state.span.to)}~${of}` }) },
    { label: t("da.menu.alert"), icon: "alerts", href: hrefOf("files", { open: "+", q: of }) },
    { label: t("da.menu.add"), icon: "dashboards", onPick: add },
    ...(canTable ? [{ label: t(asTable ? "da.menu.chart" : "da.menu.table"), icon: asTable ? ("chart" as const) : ("table" as const), onPick: toggle }] : []),
  ];
  /** Of one series: its own query where its labels say which it is, else the whole query with only it shown. */
  const aboutItem = (key: string | null): { label: string; items: MenuItem[] } => {
    const item = all.items.find((i) => i.key === key);
    const whole = asks.find((a) => a.id === item?.ref)?.expr ?? expr;
    if (!item) return { label: name, items: expr ? about(expr, { more: others }) : [] };
    const own = narrowed(whole, item.labels);
    const alike = all.items.filter((i) => i.ref === item.ref).map((i) => i.labels);
    const { solo } = offOf(placed.key, url.value.hide);
    return {
      label: item.name,
      items: [
        ...(panel.kind === "timeseries" && all.items.length > 1
          ? [
              { label: t(solo === item.name ? "da.menu.everything" : "da.menu.only"), icon: "chart" as const, onPick: () => switchSeries(placed.key, item.name, true) },
              { label: t("da.menu.hide"), icon: "close" as const, onPick: () => switchSeries(placed.key, item.name, false) },
            ]
          : []),
        ...about(own ?? whole, own ? {} : { solo: seriesName(item.labels, sharedLabels(alike)) }),
      ],
    };
  };
  const pick = (key: string | null, x: number, y: number) => setPicked({ key, x, y });
  /** A number, a bar, a cell: whatever says which series it is. Buttons and links do what they say. */
  const itemAt = (e: Event) => {
    const el = e.target as Element;
    // Who drags over a text selects it.
    return edit || el.closest("button, a") || getSelection()?.type === "Range" ? undefined : el.closest<HTMLElement>("[data-item]");
  };
  const onClick = (e: MouseEvent) => {
    const at = itemAt(e);
    if (at) pick(at.dataset["item"] || null, e.clientX, e.clientY);
  };
  const onKeyDown = (e: KeyboardEvent) => {
    if (edit || !(e.key === "ContextMenu" || (e.shiftKey && e.key === "F10"))) return;
    const el = e.target as HTMLElement;
    const box = el.getBoundingClientRect();
    pick(el.closest<HTMLElement>("[data-item]")?.dataset["item"] || null, box.left + Math.min(20, box.width), box.top + Math.min(20, box.height));
    e.preventDefault();
    e.stopPropagation();
  };
  const items: MenuItem[] = [
    { label: t(full ? "da.menu.small" : "da.menu.full"), icon: "full", onPick: () => patch({ params: { ...url.value.params, panel: full ? "" : placed.key } }) },
    ...(onEdit ? [{ label: t("da.menu.edit"), icon: "edit" as const, onPick: onEdit }] : []),
    ...(expr ? about(expr, { more: others }) : []),
    ...(some ? [{ label: t("da.menu.csv"), icon: "download" as const, onPick: () => download(`${slug(name)}.csv`, csvOf(timed ? timeTable(all) : tableOf(panel, all, asks.every((a) => a.kind === "instant")))) }] : []),
    // Of a dashboard as it is kept, not of one that is being changed.
    ...(scope.id && !edit && panel.kind !== "unsupported" ? [{ label: t("report.png"), icon: "download" as const, onPick: () => saveFrom(fileOf(scope.id, `/panels/${encodeURIComponent(placed.key)}.png`, scope.names, url.value, { width: String(Math.round(Math.max(WIDTH_MIN, width))) })) }] : []),
  ];
  const props: KindProps = { panel, placed, scope, all, span: state.span, title: name, asTable, onTable: toggle, state, past, onPick: pick, expr: asks[0]?.expr, instant: asks.length > 0 && asks.every((a) => a.kind === "instant") };
  const body = () => {
    if (!seen && !full) return null;
    if (rests) return <Kind {...props} />;
    if (!panel.queries?.some((q) => q.expr.trim())) return <div class="state state-empty">{t("da.panel.noquery")}</div>;
    if (state.status === "error" && !some) return <Failed title={t("panel.failed")} message={state.error || t("error.cut")} onRetry={() => setAgain(again + 1)} />;
    if (!some) return state.status === "loading" || state.busy ? <Loading /> : <NoData exprs={asks.map((a) => a.expr)} span={state.span} />;
    if (asTable && panel.kind !== "timeseries" && panel.kind !== "table") return <DataTable table={timed ? timeTable(all) : tableOf({ ...panel, transforms: [] }, all, true)} panel={panel} label={name} />;
    return <Kind {...props} />;
  };
  const note = useMemo(() => (rests ? "" : noteOf(panel, first)), [panel, first]);
  return (
    <section class={`panel dp dp-${panel.kind} ${state.busy && some ? "is-busy" : ""}`} ref={ref} aria-label={name} data-panel={placed.key}>
      <header class="dp-head">
        <h2 class="dp-title" title={panel.description || title}>
          {title}
        </h2>
        {note ? <span class="soft panel-note">{note}</span> : null}
        {state.status === "error" && some ? (
          <span class="dp-old" title={state.error}>
            <Icon name="warning" size={14} />
            <span class="sr-only">{state.error}</span>
          </span>
        ) : null}
        <span class="dp-tools">
          {panel.links?.length ? <Links links={panel.links} scope={scope} own={placed.own} /> : null}
          {canTable ? (
            <button type="button" class="button button-icon" aria-label={t(asTable ? "panel.chart" : "panel.table", { title: name })} onClick={toggle}>
              <Icon name={asTable ? "chart" : "table"} size={15} />
            </button>
          ) : null}
          <Menu label={t("da.menu", { title: name })} items={items} />
        </span>
      </header>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: it hears what is done to what is in it; by keyboard there is the panel's menu, too */}
      <div class="dp-body" onClick={onClick} onKeyDown={onKeyDown}>
        {body()}
      </div>
      {picked ? <MenuAt {...aboutItem(picked.key)} x={picked.x} y={picked.y} onClose={() => setPicked(null)} /> : null}
      {Adding ? <Adding title={name} panelOf={(as) => portable(panel, scope, placed.own, as)} onClose={added} /> : null}
      {all.truncated > 0 && some ? <p class="soft dp-more">{t("panel.truncated", { n: all.truncated })}</p> : null}
    </section>
  );
}

/** What the panel's numbers are: how many things become one, and how many times one (rule 4). */
function noteOf(panel: Panel, expr: string): string {
  const asked = (panel.queries ?? []).filter((q) => !q.hidden);
  const how = asked.length > 1 ? [...new Set(asked.map((q) => aggregation(q.expr)))].join() : aggregation(expr);
  const each = asked.length > 1 && how.includes(",") ? "" : how || (expr ? t("da.each") : "");
  const one = panel.kind === "timeseries" || panel.kind === "heatmap" || panel.kind === "state_timeline" || panel.kind === "status_grid" || panel.kind === "histogram" || asked.every((q) => q.kind === "instant") ? "" : t(`da.reduce.${panel.reduce ?? "last"}`);
  return [one, each].filter(Boolean).join(", ");
}
