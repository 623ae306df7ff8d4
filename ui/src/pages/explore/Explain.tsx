// How a query was evaluated: the tree of its parts, what each read, from which tier, and what share of the time it took.
// Measured when asked for, not live. A tree grid as the ARIA practices have it: arrows walk, open and close.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { explainQuery } from "../../api/http";
import type { Plan, PlanRead } from "../../api/types";
import { formatClock, formatCount, formatDay, formatDuration, formatValue } from "../../lib/format";
import { t } from "../../lib/text";
import { resolveRange, stepFor } from "../../lib/time";
import { Icon } from "../../parts/Icon";
import { Loading } from "../../parts/states";
import { url, zone } from "../../state/url";
import { lit } from "./lit";
import { openRows, type PlanRow, planOf, type Rows, readOf, rowsOf, whyOf } from "./plan";

export interface Explaining {
  plan: Plan | null;
  step: number;
  /** when it was measured, ms since the epoch */
  at: number;
  error: string;
  busy: boolean;
}

const WIDTH_STEP = 200;
/** Deeper parts are not indented further. */
const INDENT_MAX = 10;

/** Asks over the range and with the step that the chart has. */
export function useExplain(expr: string, wanted: boolean, again: number, width: number): Explaining {
  const [state, setState] = useState<Explaining>({ plan: null, step: 0, at: 0, error: "", busy: true });
  const { range } = url.value;
  const wide = Math.ceil(Math.max(width, WIDTH_STEP) / WIDTH_STEP) * WIDTH_STEP;
  useEffect(() => {
    if (!wanted || !expr || width === 0) return;
    const now = Date.now();
    const span = resolveRange(range, now) ?? { from: now - 900_000, to: now };
    const step = stepFor(span.to - span.from, wide);
    // Multiples of the step, as charts are asked for: buckets of a tier fit, and kept results do.
    const grid = { from: Math.floor(span.from / step) * step, to: Math.floor(span.to / step) * step };
    const abort = new AbortController();
    setState((s) => ({ ...s, plan: s.plan?.query === expr ? s.plan : null, error: "", busy: true }));
    explainQuery(expr, grid, step, abort.signal).then(
      (raw) => setState({ plan: planOf(raw), step, at: now, error: "", busy: false }),
      (e: Error) => abort.signal.aborted || setState({ plan: null, step, at: now, error: e.message || t("error.cut"), busy: false }),
    );
    return () => abort.abort();
  }, [expr, wanted, again, wide, width === 0, range.from, range.to]);
  return state;
}

const ms = (v: number) => formatValue(v / 1000, "seconds");
const percent = (share: number) => (share > 0 && share < 0.005 ? t("plan.little") : formatValue(Math.round(share * 100) / 100, "ratio"));
const tierOf = (read: PlanRead) => (read.tier === "raw" || read.series_by_tier === 0 ? t("plan.raw") : read.series_by_tier < read.series ? t("plan.mixed", { tier: read.tier }) : t("plan.tier", { tier: read.tier }));

function lightsOut(): void {
  lit.value = null;
}

export function Explain({ of }: { of: Explaining }) {
  const { plan, busy } = of;
  const found = useMemo(() => plan && rowsOf(plan), [plan]);
  useEffect(() => lightsOut, [plan]);
  if (!plan || !found) return busy ? <Loading /> : null;
  return (
    <div class={`plan ${busy ? "is-busy" : ""}`} aria-busy={busy}>
      <Totals of={of} plan={plan} found={found} />
      <Tree key={plan.query} plan={plan} found={found} />
      <p class="soft plan-key">
        <span class="plan-key-own" /> {t("plan.key.own")} <span class="plan-key-all" /> {t("plan.key.all")}
        {found.rest > 0 ? <em>{t("plan.rest", { ms: ms(found.rest) })}</em> : null}
      </p>
    </div>
  );
}

function Totals({ of, plan, found }: { of: Explaining; plan: Plan; found: Rows }) {
  const { totals } = plan;
  const read = readOf(found.rows);
  const slow = found.rows[found.slowest];
  const facts: [string, string, string][] = [
    [t("plan.time"), ms(totals.wall_ms), t("plan.measured", { at: formatClock(of.at, zone.value, true) })],
    [t("plan.read"), t("plan.samples", { n: formatCount(totals.samples) }), read.selectors ? t("plan.from", { series: read.series, selectors: read.selectors, tiers: read.tiers.map((x) => (x === "raw" ? t("plan.raw") : t("plan.tier", { tier: x }))).join(" + ") }) : t("plan.nothing")],
    [t("plan.answer"), t("plan.series", { n: formatCount(totals.series), series: totals.series }), t("plan.steps", { n: totals.steps, all: formatCount(totals.steps), d: formatDuration(of.step) })],
    [t("plan.memory"), formatValue(totals.bytes_peak, "bytes"), t("plan.memory.note")],
    [t("plan.kept"), t("plan.kept.of", { n: formatCount(plan.cached_steps), all: formatCount(totals.steps) }), t("plan.kept.note")],
  ];
  return (
    <div class="plan-totals">
      <dl>
        {facts.map(([name, value, note]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd class="num">
              {value}
              <span class="soft">{note}</span>
            </dd>
          </div>
        ))}
      </dl>
      {slow ? (
        <p class={`plan-slow ${found.hot ? "plan-hot" : ""}`}>
          {found.hot ? <Icon name="warning" size={15} /> : null}
          <span>
            {t("plan.slowest", { pct: percent(slow.share) })} <code class="mono">{slow.label}</code>
          </span>
        </p>
      ) : null}
    </div>
  );
}

function Tree({ plan, found }: { plan: Plan; found: Rows }) {
  const { rows, more, slowest, hot } = found;
  const [shut, setShut] = useState<ReadonlySet<number>>(new Set());
  const [active, setActive] = useState(0);
  const ref = useRef<HTMLTableElement>(null);
  const shown = openRows(rows, shut);
  const current = shown.includes(active) ? active : 0;
  const light = (row: PlanRow) => {
    lit.value = { text: plan.query, from: row.from, to: row.to };
  };
  const to = (number: number | undefined) => {
    if (number === undefined || number < 0) return;
    // Whatever hides it opens.
    const open = new Set(shut);
    for (let up = rows[number]?.parent ?? -1; up >= 0; up = rows[up]?.parent ?? -1) open.delete(up);
    if (open.size !== shut.size) setShut(open);
    setActive(number);
    requestAnimationFrame(() => ref.current?.querySelector<HTMLElement>(`[data-row="${number}"]`)?.focus());
  };
  const toggle = (number: number) => {
    if (!rows[number]?.below) return;
    const next = new Set(shut);
    if (!next.delete(number)) next.add(number);
    setShut(next);
  };
  const onKeyDown = (e: KeyboardEvent) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const row = rows[current];
    const at = shown.indexOf(current);
    const steps: Record<string, () => void> = {
      ArrowDown: () => to(shown[at + 1]),
      ArrowUp: () => to(shown[at - 1]),
      Home: () => to(shown[0]),
      End: () => to(shown[shown.length - 1]),
      ArrowRight: () => (row?.below && shut.has(current) ? toggle(current) : to(row?.below ? current + 1 : undefined)),
      ArrowLeft: () => (row?.below && !shut.has(current) ? toggle(current) : to(row?.parent)),
      Enter: () => (row && row.sameAs >= 0 ? to(row.sameAs) : toggle(current)),
      " ": () => toggle(current),
    };
    const step = steps[e.key];
    if (!step) return;
    e.preventDefault();
    e.stopPropagation();
    step();
  };
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: a tree grid made of a table, as the ARIA practices have it */}
      <table class="plan-tree" role="treegrid" aria-label={t("plan.label")} ref={ref} onKeyDown={onKeyDown} onMouseLeave={lightsOut}>
        <thead>
          <tr class="plan-row plan-head">
            <th scope="col">{t("plan.part")}</th>
            <th scope="col">{t("plan.own")}</th>
            <th scope="col" class="num">
              {t("col.series")}
            </th>
            <th scope="col" class="num">
              {t("col.samples")}
            </th>
            <th scope="col">{t("plan.source")}</th>
          </tr>
        </thead>
        <tbody>
        {shown.map((i) => {
          const row = rows[i];
          return row ? (
            <TreeRow
              key={i}
              number={i}
              row={row}
              same={rows[row.sameAs]}
              open={!shut.has(i)}
              current={i === current}
              slow={i === slowest}
              hot={hot}
              onToggle={() => toggle(i)}
              onSame={() => to(row.sameAs)}
              onPoint={() => light(row)}
              onFocus={() => {
                setActive(i);
                light(row);
              }}
            />
          ) : null;
        })}
        </tbody>
      </table>
      {more > 0 ? <p class="soft plan-more">{t("plan.more", { n: more })}</p> : null}
    </>
  );
}

interface TreeRowProps {
  number: number;
  row: PlanRow;
  same: PlanRow | undefined;
  open: boolean;
  current: boolean;
  slow: boolean;
  hot: boolean;
  onToggle: () => void;
  onSame: () => void;
  onPoint: () => void;
  onFocus: () => void;
}

function TreeRow({ number, row, same, open, current, slow, hot, onToggle, onSame, onPoint, onFocus }: TreeRowProps) {
  const { node, bar } = row;
  const idle = node.evaluated === 0;
  const left = `${bar.from * 100}%`;
  return (
    <tr
      class={`plan-row ${slow ? (hot ? "plan-row-slow plan-hot" : "plan-row-slow") : ""} ${idle ? "plan-row-idle" : ""}`}
      data-row={number}
      style={{ "--level": Math.min(row.level - 1, INDENT_MAX) }}
      tabIndex={current ? 0 : -1}
      aria-level={row.level}
      aria-posinset={row.position}
      aria-setsize={row.size}
      aria-expanded={row.below > 0 ? open : undefined}
      onFocus={onFocus}
      onBlur={lightsOut}
      onMouseEnter={onPoint}
    >
      <td class="plan-part">
        {row.below > 0 ? (
          <button type="button" class={`plan-toggle ${open ? "" : "plan-shut"}`} tabIndex={-1} aria-label={t(open ? "plan.close" : "plan.open")} onClick={onToggle}>
            <Icon name="chevron" size={14} />
          </button>
        ) : (
          <span class="plan-toggle" />
        )}
        <div class="plan-text">
          <code class="mono">{row.label}</code>
          {slow ? <span class="badge badge-slow">{t("plan.badge.slowest")}</span> : null}
          {node.evaluated > 1 ? <span class="badge">{t("plan.badge.times", { n: formatCount(node.evaluated) })}</span> : null}
          {same ? (
            <button type="button" class="badge badge-same" tabIndex={-1} onClick={onSame}>
              {t("plan.badge.same")}
            </button>
          ) : idle ? (
            <span class="badge">{t("plan.badge.idle")}</span>
          ) : null}
        </div>
      </td>
      <td class="plan-time">
        {idle ? null : (
          <>
            <span class="plan-bar" aria-hidden="true">
              <span class="plan-bar-all" style={{ left, width: `${(bar.to - bar.from) * 100}%` }} />
              <span class="plan-bar-own" style={{ left: `${bar.own * 100}%`, width: `${Math.max(0, bar.to - bar.own) * 100}%` }} />
            </span>
            <span class="num plan-ms" title={t("plan.with", { ms: ms(node.wall_ms) })}>
              {ms(row.own)} <span class="soft">{percent(row.share)}</span>
            </span>
          </>
        )}
      </td>
      <td class="num plan-series" data-name={t("col.series")}>
        {idle && !node.read ? "" : formatCount(node.read?.series ?? node.series)}
      </td>
      <td class="num plan-samples" data-name={t("col.samples")}>
        {node.read ? formatCount(node.read.samples) : ""}
      </td>
      <td class="plan-source">
        {node.read ? <span class={`badge ${node.read.tier === "raw" ? "" : "badge-tier"}`}>{tierOf(node.read)}</span> : null}
      </td>
      {node.read ? <ReadLine read={node.read} /> : null}
    </tr>
  );
}

const DAY_MS = 86_400_000;

/** What a selector read, and why it did not take less. */
function ReadLine({ read }: { read: PlanRead }) {
  const length = read.to_ms - read.from_ms;
  const when = (at: number) => (length < DAY_MS / 2 ? formatClock(at, zone.value, true) : `${formatDay(at, zone.value)} ${formatClock(at, zone.value, false)}`);
  const part = read.tier !== "raw" && read.series_by_tier > 0 && read.series_by_tier < read.series ? t("plan.by.tier", { n: read.series_by_tier, all: read.series }) : "";
  return (
    <td class="soft plan-read" colSpan={5}>
      {[`${when(read.from_ms)} – ${when(read.to_ms)}`, formatDuration(length), part].filter(Boolean).join(" · ")}
      {whyOf(read.why).map((w) => (
        <span key={w.why}>
          {" · "}
          {w.tiers.length > 0 ? t("plan.not", { tiers: w.tiers.join(t("common.and")), n: w.tiers.length }) : tierOf(read)}: {w.why}
        </span>
      ))}
    </td>
  );
}
