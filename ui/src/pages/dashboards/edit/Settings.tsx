// The sheet about the dashboard itself: name, folder, time, choices, marks and links.
import { useState } from "preact/hooks";
import type { Annotation, Dashboard, Link, Variable, VariableKind } from "../../../api/dashboards";
import { t } from "../../../lib/text";
import { Icon } from "../../../parts/Icon";
import { Pick } from "../../alerting/form";
import { Check, ListField, Tabs, TextField } from "./fields";
import { without } from "./Sheet";

const KINDS: VariableKind[] = ["query", "custom", "interval", "text", "constant", "datasource", "adhoc"];
const SORTS = ["none", "text", "number", "text_desc", "number_desc"] as const;
const MARKS: Annotation["kind"][] = ["alerts", "changes", "anomalies", "query"];

interface Props {
  dashboard: Dashboard;
  onChange: (next: Dashboard, tag: string) => void;
  onClose: () => void;
}

export function Settings({ dashboard: d, onChange, onClose }: Props) {
  const [tab, setTab] = useState("general");
  const set = (change: Partial<Dashboard>, tag = "") => onChange({ ...d, ...change }, tag);
  const tabs = ["general", "variables", "marks", "links"].map((id) => ({ id, label: t(`ed.set.${id}` as "da.each") }));
  return (
    <aside class="panel sheet" aria-label={t("ed.settings")}>
      <header class="beside-head">
        <h2 class="beside-title">{t("ed.settings")}</h2>
        <button type="button" class="button button-icon" aria-label={t("ed.sheet.close")} title="Esc" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      <Tabs label={t("ed.tabs")} tabs={tabs} value={tab} onPick={setTab} />
      <div class="sheet-body form" role="tabpanel" aria-label={tabs.find((x) => x.id === tab)?.label} tabIndex={0}>
        {tab === "general" ? (
          <>
            <TextField label={t("ed.title")} value={d.title} first onTake={(title) => set({ title }, "title")} />
            <TextField label={t("ed.description")} value={d.description} rows={2} onTake={(description) => set({ description })} />
            <TextField label={t("da.folder")} value={d.folder} onTake={(folder) => set({ folder })} />
            <TextField label={t("da.tags")} value={(d.tags ?? []).join(", ")} hint={t("ed.tags.hint")} onTake={(text) => set({ tags: text.split(",").map((x) => x.trim()).filter(Boolean) })} />
            <div class="form-row">
              <TextField label={t("time.from")} value={d.time.from} mono onTake={(from) => set({ time: { ...d.time, from } })} />
              <TextField label={t("time.to")} value={d.time.to} mono onTake={(to) => set({ time: { ...d.time, to } })} />
              <Pick label={t("ed.refresh")} value={d.refresh === "off" ? "off" : "live"} of={[["live", t("ed.refresh.live")], ["off", t("ed.refresh.off")]]} onTake={(refresh) => set({ refresh: refresh ?? "live" })} />
            </div>
          </>
        ) : tab === "variables" ? (
          <Variables items={d.variables ?? []} onTake={(variables) => set({ variables })} />
        ) : tab === "marks" ? (
          <ListField<Annotation> label={t("ed.set.marks")} items={d.annotations ?? []} add={t("ed.mark.add")} fresh={() => ({ name: t("ed.mark.alerts"), kind: "alerts", enabled: true })} nameOf={(a) => a.name} onTake={(annotations) => set({ annotations })}>
            {(a, change) => (
              <>
                <div class="form-row">
                  <TextField label={t("ed.name")} value={a.name} onTake={(name) => change({ ...a, name })} />
                  <Pick label={t("ed.kind")} value={a.kind} of={MARKS.map((k) => [k, t(`ed.mark.${k}`)] as const)} onTake={(kind) => kind && change({ ...a, kind })} />
                  <TextField label={t("ed.colour")} value={a.colour} hint="#9b6fd3" onTake={(colour) => change(without({ ...a, colour, enabled: a.enabled }))} />
                </div>
                {a.kind === "query" ? <TextField label={t("ed.mark.expr")} value={a.query} mono onTake={(query) => change({ ...a, query })} /> : null}
                <Check label={t("ed.mark.on")} value={a.enabled} onTake={(enabled) => change({ ...a, enabled })} />
              </>
            )}
          </ListField>
        ) : (
          <ListField<Link> label={t("ed.set.links")} items={d.links ?? []} add={t("ed.link.add")} fresh={() => ({ title: "", url: "/" })} nameOf={(l, i) => t("ed.link", { n: i + 1, what: l.title ?? "" })} onTake={(links) => set({ links })}>
            {(l, change) => (
              <div class="form-row">
                <TextField label={t("ed.title")} value={l.title} onTake={(title) => change({ ...l, title })} />
                <TextField label={t("ed.link.url")} value={l.url} mono onTake={(to) => change({ ...l, url: to })} />
              </div>
            )}
          </ListField>
        )}
      </div>
    </aside>
  );
}

const freshName = (items: readonly Variable[]) => {
  for (let i = items.length + 1; ; i++) if (items.every((v) => v.name !== `v${i}`)) return `v${i}`;
};

const Variables = ({ items, onTake }: { items: readonly Variable[]; onTake: (next: Variable[]) => void }) => (
  <ListField<Variable> label={t("ed.set.variables")} items={items} add={t("ed.var.add")} fresh={() => ({ name: freshName(items), kind: "query", query: "label_values(up, job)" })} nameOf={(v) => v.label || v.name} onTake={onTake} ordered>
    {(v, change) => {
      const to = (c: Partial<Variable>) => change(without({ ...v, ...c }));
      const chooses = v.kind === "query" || v.kind === "custom" || v.kind === "interval";
      return (
        <>
          <div class="form-row">
            <TextField label={t("ed.name")} value={v.name} mono onTake={(name) => /^\w+$/.test(name) && to({ name })} />
            <TextField label={t("ed.label")} value={v.label} onTake={(label) => to({ label })} />
            <Pick label={t("ed.kind")} value={v.kind} of={KINDS.map((k) => [k, t(`ed.var.${k}`)] as const)} onTake={(kind) => kind && to({ kind })} />
          </div>
          {chooses ? <TextField label={t("ed.var.of")} value={v.query} mono rows={v.kind === "query" ? 2 : 1} hint={v.kind === "query" ? 'label_values(up{job="$job"}, instance)' : v.kind === "interval" ? "1m,5m,1h" : "a, b, text : value"} onTake={(query) => to({ query })} /> : null}
          {v.kind === "text" || v.kind === "constant" ? <TextField label={t("ed.var.value")} value={(v.current ?? []).join(",")} onTake={(value) => to({ current: [value] })} /> : null}
          {v.kind === "query" || v.kind === "custom" ? (
            <>
              <div class="form-row">
                <TextField label={t("ed.var.regex")} value={v.regex} mono onTake={(regex) => to({ regex })} />
                <Pick label={t("ed.var.sort")} value={v.sort ?? "none"} of={SORTS.map((s) => [s, t(`ed.sort.${s}`)] as const)} onTake={(sort) => to({ sort: sort ?? "none" })} />
              </div>
              <div class="form-row">
                <Check label={t("ed.var.multi")} value={v.multi} onTake={(multi) => to({ multi })} />
                <Check label={t("ed.var.include")} value={v.include_all} onTake={(include_all) => to({ include_all })} />
                <Check label={t("ed.var.hide")} value={v.hide === "variable"} onTake={(on) => to({ hide: on ? "variable" : "no" })} />
              </div>
            </>
          ) : null}
        </>
      );
    }}
  </ListField>
);
