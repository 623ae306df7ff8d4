// The sheet beside the board: one panel's query, display, thresholds and links. Every change is seen at once.
import { useState } from "preact/hooks";
import type { Level, Mapping, Override, OverrideSet, Panel, PanelKind, PanelQuery, Style, Threshold, Variable } from "../../../api/dashboards";
import { t } from "../../../lib/text";
import { Icon } from "../../../parts/Icon";
import { RESTING } from "../kinds";
import { REDUCES } from "../series";
import { ExprBox } from "./ExprBox";
import { Pick } from "../../alerting/form";
import { Check, ListField, NumberField, Tabs, TextField } from "./fields";

interface Props {
  panel: Panel;
  variables: readonly Variable[];
  onChange: (next: Panel, tag: string) => void;
  onClose: () => void;
}

export const KIND_NAMES: PanelKind[] = ["timeseries", "stat", "gauge", "loadline", "barlist", "table", "heatmap", "histogram", "state_timeline", "status_grid", "pie", "text", "alerts", "insights"];
const UNITS = ["short", "none", "count", "bytes", "bytes/s", "bits", "bits/s", "seconds", "ratio", "percent", "ops/s", "celsius", "hertz", "volts", "watts"];
const LEVELS: Level[] = ["ok", "info", "warning", "critical"];
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** What is not said is left out of the document. */
export function without<T extends object>(of: T): T {
  return Object.fromEntries(Object.entries(of).filter(([, v]) => v !== undefined && v !== "" && !(Array.isArray(v) && v.length === 0))) as T;
}

const named = <T extends string>(values: readonly T[], prefix: string): (readonly [T, string])[] => values.map((v) => [v, t(`${prefix}.${v}` as "da.each")] as const);

const nextRef = (queries: readonly PanelQuery[]) => [...LETTERS].find((l) => queries.every((q) => q.ref !== l)) ?? `Q${queries.length + 1}`;

export function Sheet({ panel, variables, onChange, onClose }: Props) {
  const rests = RESTING.has(panel.kind);
  const [picked, setTab] = useState("query");
  const tabs = [...(rests ? [] : [{ id: "query", label: t("ed.tab.query") }]), { id: "display", label: t("ed.tab.display") }, ...(rests ? [] : [{ id: "thresholds", label: t("ed.tab.thresholds") }]), { id: "links", label: t("ed.tab.links") }];
  const tab = tabs.some((x) => x.id === picked) ? picked : "display";
  const set = (change: Partial<Panel>, tag = "") => onChange(without({ ...panel, ...change }), tag);
  return (
    <aside class="panel sheet" aria-label={t("ed.sheet", { title: panel.title || t(`da.kind.${panel.kind}`) })}>
      <header class="beside-head">
        <h2 class="beside-title">{panel.title || t(`da.kind.${panel.kind}`)}</h2>
        <button type="button" class="button button-icon" aria-label={t("ed.sheet.close")} title="Esc" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      <Tabs label={t("ed.tabs")} tabs={tabs} value={tab} onPick={setTab} />
      {/* A region that scrolls must be reachable by keyboard. */}
      <div class="sheet-body form" role="tabpanel" aria-label={tabs.find((x) => x.id === tab)?.label} tabIndex={0}>
        {tab === "query" ? <Queries panel={panel} set={set} /> : tab === "display" ? <Display panel={panel} variables={variables} set={set} /> : tab === "thresholds" ? <Thresholds panel={panel} set={set} /> : <LinkList panel={panel} set={set} />}
      </div>
    </aside>
  );
}

interface PartProps {
  panel: Panel;
  set: (change: Partial<Panel>, tag?: string) => void;
}

function Queries({ panel, set }: PartProps) {
  const queries = panel.queries ?? [];
  return (
    <ListField<PanelQuery>
      label={t("ed.queries")}
      items={queries}
      add={t("ed.query.add")}
      fresh={() => ({ ref: nextRef(queries), expr: "" })}
      nameOf={(q) => t("ed.query", { ref: q.ref })}
      onTake={(next) => set({ queries: next })}
    >
      {(q, change) => {
        const to = (c: Partial<PanelQuery>) => change(without({ ...q, ...c, expr: c.expr ?? q.expr }));
        return (
          <>
            <span class="strong">{q.ref}</span>
            <ExprBox label={t("ed.query", { ref: q.ref })} value={q.expr} onTake={(expr) => to({ expr })} />
            <div class="form-row">
              <TextField label={t("ed.legend")} value={q.legend} hint="{{instance}}" mono onTake={(legend) => to({ legend })} />
              <Pick label={t("ed.when")} value={q.kind ?? "range"} of={[["range", t("ed.when.range")], ["instant", t("ed.when.instant")]]} onTake={(kind) => to({ kind: kind === "instant" ? kind : undefined } as Partial<PanelQuery>)} />
              <TextField label={t("ed.step")} value={q.step} hint="30s" onTake={(step) => to({ step })} />
            </div>
            <Check label={t("ed.query.hidden")} value={q.hidden} onTake={(hidden) => to({ hidden: hidden || undefined } as Partial<PanelQuery>)} />
          </>
        );
      }}
    </ListField>
  );
}

function Display({ panel, variables, set }: PartProps & { variables: readonly Variable[] }) {
  const { kind, style = {} } = panel;
  const rests = RESTING.has(kind);
  const look = (change: Partial<Style>) => set({ style: without({ ...style, ...change }) });
  const lines = kind === "timeseries";
  return (
    <>
      <TextField label={t("ed.title")} value={panel.title} onTake={(title) => set({ title: title || "" }, "title")} first />
      {kind === "row" || kind === "unsupported" ? null : <Pick label={t("ed.kind")} value={kind} of={named(KIND_NAMES, "da.kind")} onTake={(next) => next && set({ kind: next })} />}
      {kind === "text" ? <TextField label={t("ed.text")} value={panel.text} rows={12} mono onTake={(text) => set({ text }, "text")} /> : null}
      {kind === "alerts" || kind === "insights" ? <TextField label={t("ed.match")} value={panel.match} hint='severity="critical"' mono onTake={(match) => set({ match })} /> : null}
      {rests ? null : (
        <>
          <div class="form-row">
            <TextField label={t("ed.unit")} value={panel.unit} list={UNITS} hint={t("ed.auto")} onTake={(unit) => set({ unit })} />
            <NumberField label={t("ed.decimals")} value={panel.decimals} min={0} max={10} step={1} onTake={(decimals) => set({ decimals } as Partial<Panel>)} />
            <NumberField label={t("ed.min")} value={panel.min} onTake={(min) => set({ min } as Partial<Panel>)} />
            <NumberField label={t("ed.max")} value={panel.max} onTake={(max) => set({ max } as Partial<Panel>)} />
          </div>
          <div class="form-row">
            {lines ? null : <Pick label={t("ed.reduce")} value={panel.reduce ?? "last"} of={named(REDUCES, "da.reduce")} onTake={(reduce) => reduce && set({ reduce })} />}
            {lines ? (
              <>
                <Pick label={t("ed.draw")} value={style.draw ?? "line"} of={[["line", t("ed.draw.line")], ["bars", t("ed.draw.bars")], ["points", t("ed.draw.points")]]} onTake={(draw) => look({ draw } as Partial<Style>)} />
                <Pick label={t("ed.stack")} value={style.stack ?? "none"} of={[["none", t("ed.stack.none")], ["normal", t("ed.stack.normal")], ["percent", t("ed.stack.percent")]]} onTake={(stack) => look({ stack } as Partial<Style>)} />
                <NumberField label={t("ed.fill")} value={style.fill} min={0} max={1} onTake={(fill) => look({ fill } as Partial<Style>)} />
                <NumberField label={t("ed.width")} value={style.width} min={0} max={10} onTake={(width) => look({ width } as Partial<Style>)} />
                <Pick label={t("ed.axis")} value={style.axis ?? "linear"} of={[["linear", t("ed.axis.linear")], ["log2", t("ed.axis.log2")], ["log10", t("ed.axis.log10")]]} onTake={(axis) => look({ axis } as Partial<Style>)} />
                <Pick label={t("ed.gaps")} value={style.gaps ?? "gap"} of={[["gap", t("ed.gaps.gap")], ["connect", t("ed.gaps.connect")]]} onTake={(gaps) => look({ gaps } as Partial<Style>)} />
                <Pick label={t("ed.legendkind")} value={style.legend ?? "list"} of={[["list", t("ed.legend.list")], ["table", t("ed.legend.table")], ["hidden", t("ed.legend.hidden")]]} onTake={(legend) => look({ legend } as Partial<Style>)} />
                <Pick label={t("ed.legendat")} value={style.legend_at ?? "bottom"} of={[["bottom", t("ed.at.bottom")], ["right", t("ed.at.right")]]} onTake={(legend_at) => look({ legend_at } as Partial<Style>)} />
              </>
            ) : null}
            {kind === "stat" ? (
              <>
                <Pick label={t("ed.colours")} value={style.colour ?? "value"} of={[["value", t("ed.colour.value")], ["background", t("ed.colour.background")], ["none", t("ed.colour.none")]]} onTake={(colour) => look({ colour } as Partial<Style>)} />
                <Pick label={t("ed.stattext")} value={style.text} none={t("ed.auto")} of={[["value", t("ed.text.value")], ["name", t("ed.text.name")], ["both", t("ed.text.both")]]} onTake={(text) => look({ text } as Partial<Style>)} />
              </>
            ) : null}
          </div>
          {kind === "stat" ? <Check label={t("ed.sparkline")} value={style.sparkline !== false} onTake={(on) => look({ sparkline: on ? undefined : false } as Partial<Style>)} /> : null}
          {kind === "pie" ? <Check label={t("ed.donut")} value={style.donut} onTake={(on) => look({ donut: on || undefined } as Partial<Style>)} /> : null}
        </>
      )}
      <TextField label={t("ed.description")} value={panel.description} rows={2} onTake={(description) => set({ description })} />
      <div class="form-row">
        <Pick label={t("ed.repeat")} value={panel.repeat?.by} none={t("ed.repeat.none")} of={variables.filter((v) => v.kind !== "adhoc").map((v) => [v.name, v.label || v.name] as const)} onTake={(by) => set({ repeat: by ? { ...panel.repeat, by } : undefined } as Partial<Panel>)} />
        {panel.repeat && kind !== "row" ? <Pick label={t("ed.direction")} value={panel.repeat.direction ?? "h"} of={[["h", t("ed.direction.h")], ["v", t("ed.direction.v")]]} onTake={(direction) => panel.repeat && set({ repeat: { ...panel.repeat, direction: direction ?? "h" } })} /> : null}
        {rests ? null : (
          <>
            <TextField label={t("ed.time.from")} value={panel.time?.from} hint="2h" onTake={(from) => set({ time: timeOf({ ...panel.time, from }) } as Partial<Panel>)} />
            <TextField label={t("ed.time.shift")} value={panel.time?.shift} hint="1d" onTake={(shift) => set({ time: timeOf({ ...panel.time, shift }) } as Partial<Panel>)} />
          </>
        )}
      </div>
      {rests ? null : (
        <>
          <Mappings panel={panel} set={set} />
          <Overrides panel={panel} set={set} />
        </>
      )}
    </>
  );
}

const timeOf = (time: { from?: string; shift?: string }) => (time.from || time.shift ? without(time) : undefined);

function Mappings({ panel, set }: PartProps) {
  return (
    <ListField<Mapping> label={t("ed.mappings")} items={panel.mappings ?? []} add={t("ed.mapping.add")} fresh={() => ({ kind: "value", value: "1", text: "up" })} nameOf={(m, i) => t("ed.mapping", { n: i + 1, what: m.text ?? "" })} onTake={(mappings) => set({ mappings })}>
      {(m, change) => {
        const to = (c: Partial<Mapping>) => change(without({ ...m, ...c }));
        return (
          <div class="form-row">
            <Pick label={t("ed.mapping.kind")} value={m.kind} of={[["value", t("ed.mapping.value")], ["range", t("ed.mapping.range")], ["regex", t("ed.mapping.regex")], ["special", t("ed.mapping.special")]]} onTake={(kind) => kind && to({ kind })} />
            {m.kind === "range" ? (
              <>
                <NumberField label={t("ed.from")} value={m.from} onTake={(from) => to({ from } as Partial<Mapping>)} />
                <NumberField label={t("ed.to")} value={m.to} onTake={(upto) => to({ to: upto } as Partial<Mapping>)} />
              </>
            ) : (
              <TextField label={t("ed.mapping.of")} value={m.value} onTake={(value) => to({ value })} />
            )}
            <TextField label={t("ed.mapping.text")} value={m.text} onTake={(text) => to({ text })} />
            <TextField label={t("ed.colour")} value={m.colour} hint="green, #2a9360" onTake={(colour) => to({ colour })} />
          </div>
        );
      }}
    </ListField>
  );
}

function Overrides({ panel, set }: PartProps) {
  return (
    <ListField<Override> label={t("ed.overrides")} items={panel.overrides ?? []} add={t("ed.override.add")} fresh={() => ({ match: { by: "name", value: "" }, set: {} })} nameOf={(o, i) => t("ed.override", { n: i + 1, what: o.match.value })} onTake={(overrides) => set({ overrides })}>
      {(o, change) => {
        const to = (c: Partial<OverrideSet>) => change({ ...o, set: without({ ...o.set, ...c }) });
        return (
          <div class="form-row">
            <Pick label={t("ed.override.by")} value={o.match.by} of={[["name", t("ed.by.name")], ["regex", t("ed.by.regex")], ["query", t("ed.by.query")], ["type", t("ed.by.type")]]} onTake={(by) => by && change({ ...o, match: { ...o.match, by } })} />
            <TextField label={t("ed.override.of")} value={o.match.value} onTake={(value) => change({ ...o, match: { ...o.match, value } })} />
            <TextField label={t("ed.title")} value={o.set.title} onTake={(title) => to({ title })} />
            <TextField label={t("ed.unit")} value={o.set.unit} list={UNITS} onTake={(unit) => to({ unit })} />
            <TextField label={t("ed.colour")} value={o.set.colour} hint="green, #2a9360" onTake={(colour) => to({ colour })} />
            <Pick label={t("ed.side")} value={o.set.axis} none={t("ed.auto")} of={[["left", t("ed.at.left")], ["right", t("ed.at.right")]]} onTake={(axis) => to({ axis } as Partial<OverrideSet>)} />
            <Pick label={t("ed.draw")} value={o.set.draw} none={t("ed.auto")} of={[["line", t("ed.draw.line")], ["bars", t("ed.draw.bars")], ["points", t("ed.draw.points")]]} onTake={(draw) => to({ draw } as Partial<OverrideSet>)} />
            <Check label={t("ed.hidden")} value={o.set.hidden} onTake={(on) => to({ hidden: on || undefined } as Partial<OverrideSet>)} />
            <Check label={t("ed.dash")} value={o.set.dash} onTake={(on) => to({ dash: on || undefined } as Partial<OverrideSet>)} />
          </div>
        );
      }}
    </ListField>
  );
}

function Thresholds({ panel, set }: PartProps) {
  return (
    <>
      <Pick label={t("ed.thresholds.mode")} value={panel.thresholds_mode ?? "absolute"} of={[["absolute", t("ed.thresholds.absolute")], ["percent", t("ed.thresholds.percent")]]} onTake={(mode) => set({ thresholds_mode: mode === "percent" ? mode : undefined } as Partial<Panel>)} />
      <ListField<Threshold> label={t("ed.tab.thresholds")} items={panel.thresholds ?? []} add={t("ed.threshold.add")} fresh={() => ({ at: 80, severity: "warning" })} nameOf={(x) => t("ed.threshold", { at: x.at === null ? t("ed.threshold.base") : String(x.at) })} onTake={(thresholds) => set({ thresholds })}>
        {(x, change) => (
          <div class="form-row">
            <NumberField label={t("ed.threshold.at")} value={x.at} onTake={(at) => change({ ...x, at: at ?? null })} />
            <Pick label={t("ed.threshold.level")} value={x.severity} none={t("ed.colour")} of={named(LEVELS, "ed.level")} onTake={(severity) => change(without({ ...x, severity, at: x.at } as Threshold))} />
            {x.severity ? null : <TextField label={t("ed.colour")} value={x.colour} hint="green, #2a9360" onTake={(colour) => change({ ...x, colour })} />}
          </div>
        )}
      </ListField>
    </>
  );
}

const LinkList = ({ panel, set }: PartProps) => (
  <ListField label={t("ed.tab.links")} items={panel.links ?? []} add={t("ed.link.add")} fresh={() => ({ title: "", url: "/" })} nameOf={(l, i) => t("ed.link", { n: i + 1, what: l.title ?? "" })} onTake={(links) => set({ links })}>
    {(l, change) => (
      <div class="form-row">
        <TextField label={t("ed.title")} value={l.title} onTake={(title) => change({ ...l, title })} />
        <TextField label={t("ed.link.url")} value={l.url} mono hint="/explore?expr=…" onTake={(to) => change({ ...l, url: to })} />
      </div>
    )}
  </ListField>
);
