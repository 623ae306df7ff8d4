// Capacity: every bounded resource with its load line, what is left up to the safe load, when it is full, and what another
// load would mean for that. The address holds all of it.
import "../css/rules.css";
import "../css/insights.css";
import "../css/capacity.css";
import "../lib/textAlerting";
import "../lib/textInsight";
import "../lib/textCapacity";
import { useMemo, useRef, useState } from "preact/hooks";
import { type CapacityDoc, fetchCapacity } from "../api/insight";
import { formatValue } from "../lib/format";
import { t } from "../lib/text";
import { CopyLink } from "../parts/CopyLink";
import { Icon } from "../parts/Icon";
import { LoadLine } from "../parts/LoadLine";
import { ReportMenu } from "../parts/ReportMenu";
import { Empty } from "../parts/states";
import { usePoll } from "../state/poll";
import { patch, url } from "../state/url";
import { wordOf } from "./alerting/marks";
import { Asked, Beside, ClearFilter, FilterBox, ListPage, testOf } from "./alerting/shell";
import { Detail } from "./capacity/Detail";
import { csvOf, hostOf, resourceOf, type SortKey, sorted } from "./capacity/rows";
import { When } from "./capacity/when";
import { unitOf } from "./insights/pieces";

const EVERY_MS = 10_000;
const SORTS: SortKey[] = ["soon", "full", "headroom", "name"];
const LOAD_MIN = 0.5;
const LOAD_MAX = 3;
const LOAD_STEP = 0.1;
/** A slider that moves asks when it rests for this long. */
const REST_MS = 150;

const loadOf = (text: string | undefined): number => {
  const v = Number(text);
  return text && Number.isFinite(v) ? Math.min(LOAD_MAX, Math.max(LOAD_MIN, Math.round(v * 10) / 10)) : 1;
};

function download(all: CapacityDoc[]): void {
  const a = document.createElement("a");
  a.href = URL.createObjectURL(new Blob([csvOf(all, Date.now())], { type: "text/csv" }));
  a.download = `capacity-${new Date().toISOString().slice(0, 10)}.csv`;
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 1000);
}

export function Capacity() {
  const { params, q, by, open } = url.value;
  const load = loadOf(params["load"]);
  const asked = usePoll(`capacity ${load}`, (signal) => fetchCapacity(load === 1 ? undefined : load, signal), EVERY_MS);
  // While another load is worked out the last answer stays, so that the list does not blink under the slider.
  const last = useRef<CapacityDoc[] | null>(null);
  if (asked.data) last.current = asked.data.resources;
  const all = asked.data?.resources ?? last.current ?? [];
  const kept = asked.data || !last.current ? asked : { ...asked, data: { resources: last.current, truncated: false } };
  const read = useMemo(() => testOf(q), [q]);
  const kind = params["kind"] ?? "";
  const host = params["host"] ?? "";
  const sort = SORTS.find((s) => s === by) ?? "soon";
  const rows = sorted(
    all.filter((c) => (!kind || c.kind === kind) && (!host || hostOf(c) === host) && read.test(c.labels, c.title, c.kind)),
    sort,
  );
  const now = Date.now();
  const opened = all.find((c) => c.id === open);
  return (
    <ListPage
      tools={
        <>
          <button type="button" class="button" disabled={rows.length === 0} onClick={() => download(rows)}>
            <Icon name="table" size={15} />
            {t("cap.csv")}
          </button>
          <ReportMenu id="capacity" />
          <CopyLink />
        </>
      }
      bar={
        <>
          <Pick name="cap.kind" all="cap.kind.all" param="kind" value={kind} values={all.map((c) => c.kind)} />
          <Pick name="cap.host" all="cap.host.all" param="host" value={host} values={all.map(hostOf)} />
          <label class="by">
            {t("cap.sort")}
            <select class="input" value={sort} onChange={(e) => patch({ by: e.currentTarget.value === "soon" ? "" : e.currentTarget.value })}>
              {SORTS.map((s) => (
                <option key={s} value={s}>
                  {t(`cap.sort.${s}`)}
                </option>
              ))}
            </select>
          </label>
          <WhatIf load={load} busy={asked.busy && load !== 1} />
          <FilterBox bad={read.bad} shown={rows.length} all={all.length} hint={t("cap.filter.hint")} />
        </>
      }
      beside={
        open && opened ? (
          <Detail of={opened} now={now} />
        ) : open && asked.data ? (
          <Beside label={t("cap.detail", { title: open })} title={<span class="beside-name">{open}</span>}>
            <Empty>{t("cap.gone")}</Empty>
          </Beside>
        ) : null
      }
    >
      <section class="panel list" aria-label={t("cap.list")}>
        <Asked of={kept}>
          {() =>
            rows.length === 0 ? (
              <Empty>
                <strong>{t(q ? "al.filter.none" : all.length ? "cap.none" : "cap.empty")}</strong>
                {q ? <ClearFilter /> : all.length ? null : <span>{t("cap.empty.text")}</span>}
              </Empty>
            ) : (
              <div class={`scroll caps ${load === 1 ? "" : "caps-if"}`} tabIndex={0}>
                <div class="cap-head" aria-hidden="true">
                  <span>{t("cap.col.resource")}</span>
                  <span>{t("cap.col.headroom")}</span>
                  <span>{t("cap.col.full")}</span>
                  {load === 1 ? null : <span>{t("cap.col.if", { x: load })}</span>}
                </div>
                {rows.map((c) => (
                  <Row key={c.id} of={c} open={open} load={load} now={now} />
                ))}
              </div>
            )
          }
        </Asked>
      </section>
    </ListPage>
  );
}

interface PickProps {
  name: "cap.kind" | "cap.host";
  all: "cap.kind.all" | "cap.host.all";
  param: string;
  value: string;
  values: string[];
}

const Pick = ({ name, all, param, value, values }: PickProps) => (
  <label class="by">
    {t(name)}
    <select class="input" value={value} onChange={(e) => patch({ params: { ...url.value.params, [param]: e.currentTarget.value } })}>
      <option value="">{t(all)}</option>
      {[...new Set([...values, ...(value ? [value] : [])])]
        .filter(Boolean)
        .sort()
        .map((v) => (
          <option key={v} value={v}>
            {wordOf("cap.is", v)}
          </option>
        ))}
    </select>
  </label>
);

function WhatIf({ load, busy }: { load: number; busy: boolean }) {
  const [moving, setMoving] = useState<number | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const set = (v: number) => {
    clearTimeout(timer.current);
    setMoving(v);
    timer.current = setTimeout(() => {
      patch({ params: { ...url.value.params, load: v === 1 ? "" : String(v) } }, "replace");
      setMoving(null);
    }, REST_MS);
  };
  const shown = moving ?? load;
  return (
    <div class="what-if">
      <label for="what-if">{t("cap.if")}</label>
      <input id="what-if" type="range" min={LOAD_MIN} max={LOAD_MAX} step={LOAD_STEP} value={shown} aria-valuetext={shown === 1 ? t("cap.if.now") : t("cap.if.times", { x: shown })} onInput={(e) => set(loadOf(e.currentTarget.value))} />
      <output class={`what-if-said num ${shown === 1 ? "" : "what-if-on"}`} for="what-if">
        {shown === 1 ? t("cap.if.now") : t("cap.if.times", { x: shown.toFixed(1) })}
      </output>
      {shown === 1 ? null : (
        <button type="button" class="button button-icon" aria-label={t("cap.if.reset")} title={t("cap.if.reset")} aria-busy={busy} onClick={() => set(1)}>
          <Icon name="close" size={14} />
        </button>
      )}
    </div>
  );
}

function Row({ of: c, open, load, now }: { of: CapacityDoc; open: string; load: number; now: number }) {
  const unit = unitOf(c.unit);
  const safe = c.limit > 0 ? c.safe_load / c.limit : undefined;
  return (
    <div class={`cap-row ${c.id === open ? "at" : ""}`}>
      <LoadLine resource={resourceOf(c)} then={load === 1 ? undefined : c.what_if?.ratio} safe={safe} />
      <div class="cap-cell">
        <span class="cap-word">{t("cap.col.headroom")}</span>
        <span class={`num ${c.headroom < 0 ? "cap-near" : ""}`}>{t(c.headroom < 0 ? "cap.over" : "cap.left", { amount: formatValue(Math.abs(c.headroom), unit) })}</span>
      </div>
      <div class="cap-cell cap-when">
        <span class="cap-word">{t("cap.col.full")}</span>
        <When days={c.days} state={c.state} now={now} />
      </div>
      {load === 1 ? null : (
        <div class="cap-cell cap-then">
          <span class="cap-word">{t("cap.col.if", { x: load })}</span>
          {c.what_if ? <When days={c.what_if.days} state={c.state} now={now} /> : <span class="soft">–</span>}
        </div>
      )}
      <button type="button" class="cap-open" aria-expanded={c.id === open} aria-label={c.title} onClick={() => patch({ open: c.id === open ? "" : c.id })} />
    </div>
  );
}
