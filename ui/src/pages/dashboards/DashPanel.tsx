// One panel of a dashboard: its head with title and aggregation, its menu, and its data as its kind shows them.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Panel } from "../../api/dashboards";
import { t } from "../../lib/text";
import { parseDuration, resolveRange } from "../../lib/time";
import { useSize, useVisible } from "../../lib/visible";
import { Icon } from "../../parts/Icon";
import { Menu, type MenuItem } from "../../parts/Menu";
import { Failed, Loading } from "../../parts/states";
import { WhyEmpty } from "../../parts/WhyEmpty";
import { type Ask, panelStep, usePanel } from "../../state/panels";
import { hrefOf, patch, url } from "../../state/url";
import { LETTERS } from "../../state/urlstate";
import { DataTable } from "./kinds/DataTable";
import { KINDS, type KindProps, RESTING } from "./kinds";
import type { Placed } from "./layout";
import { Links } from "./Links";
import { expression, fill, rangeOf, type Scope } from "./scope";
import { aggregation, type Items, itemsOf } from "./series";
import { csvOf, tableOf, timeTable } from "./table";

interface Props {
  placed: Placed;
  scope: Scope;
  /** what the menu has besides, while the dashboard can be changed */
  more?: MenuItem[];
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
        const least = q.step ? parseDuration(fill(q.step, scope, placed.own)) : null;
        const step = Math.max(usual, least ?? 0);
        const expr = expression(q.expr, scope, placed.own, span, step);
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

const slug = (text: string) => text.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "") || "panel";

export function DashPanel({ placed, scope, more = [], onEdit, full }: Props) {
  const { panel } = placed;
  const ref = useRef<HTMLElement>(null);
  const visible = useVisible(ref);
  const { width } = useSize(ref);
  // What was seen once stays, so that scrolling back shows it at once.
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    if (visible) setSeen(true);
  }, [visible]);
  const [asTable, setAsTable] = useState(false);
  const [again, setAgain] = useState(0);
  const rests = RESTING.has(panel.kind);
  const { asks, range } = useAsks(panel, placed, scope, width);
  const state = usePanel({ asks, range, live: url.value.live, visible: visible && !rests, width, again: again + scope.again });
  const all: Items = useMemo(() => itemsOf(panel, panel.queries ?? [], state.grids), [panel, state.grids]);
  const title = fill(panel.title, scope, placed.own);
  const first = panel.queries?.find((q) => !q.hidden)?.expr ?? "";
  const expr = asks[0]?.expr ?? first;
  const Kind = KINDS[panel.kind];
  const some = all.items.length > 0 && all.n > 0;
  const toggle = () => setAsTable(!asTable);
  const name = title || t(`da.kind.${panel.kind}`);
  const timed = panel.kind === "timeseries" || panel.kind === "heatmap" || panel.kind === "state_timeline" || panel.kind === "status_grid";
  const items: MenuItem[] = [
    { label: t(full ? "da.menu.small" : "da.menu.full"), icon: "full", onPick: () => patch({ params: { ...url.value.params, panel: full ? "" : placed.key } }) },
    ...(onEdit ? [{ label: t("da.menu.edit"), icon: "edit" as const, onPick: onEdit }] : []),
    ...(expr
      ? [
          { label: t("da.menu.explore"), icon: "explore" as const, href: hrefOf("explore", { expr, more: asks.slice(1, LETTERS.length).map((a) => a.expr), range, view: panel.kind === "heatmap" ? "heat" : panel.style?.stack === "normal" ? "stacked" : panel.style?.draw === "bars" ? "bars" : "lines" }) },
          { label: t("da.menu.related"), icon: "insights" as const, onPick: () => patch({ why: `${Math.round(state.span.from)}~${Math.round(state.span.to)}~${expr}` }) },
          { label: t("da.menu.alert"), icon: "alerts" as const, href: hrefOf("files", { open: "+", q: expr }) },
        ]
      : []),
    ...(some ? [{ label: t("da.menu.csv"), icon: "download" as const, onPick: () => download(`${slug(name)}.csv`, csvOf(timed ? timeTable(all) : tableOf(panel, all, asks.every((a) => a.kind === "instant")))) }] : []),
    ...more,
  ];
  const props: KindProps = { panel, placed, scope, all, span: state.span, title: name, asTable, onTable: toggle, state, expr: asks[0]?.expr, instant: asks.length > 0 && asks.every((a) => a.kind === "instant") };
  const body = () => {
    if (!seen && !full) return null;
    if (rests) return <Kind {...props} />;
    if (!panel.queries?.some((q) => q.expr.trim())) return <div class="state state-empty">{t("da.panel.noquery")}</div>;
    if (state.status === "error" && !some) return <Failed title={t("panel.failed")} message={state.error || t("error.cut")} onRetry={() => setAgain(again + 1)} />;
    if (!some) return state.status === "loading" || state.busy ? <Loading /> : <WhyEmpty expr={expr} otherwise={t("panel.empty")} />;
    if (asTable && panel.kind !== "timeseries" && panel.kind !== "table") return <DataTable table={timed ? timeTable(all) : tableOf({ ...panel, transforms: [] }, all, true)} panel={panel} label={name} />;
    return <Kind {...props} />;
  };
  const canTable = some && !rests && panel.kind !== "table";
  const note = rests ? "" : noteOf(panel, first);
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
      <div class="dp-body">{body()}</div>
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
