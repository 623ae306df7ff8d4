// Panels of coloured cells over time: heat map, state timeline, status grid. One canvas, a cursor for pointer and keyboard, and
// what is under it in words. And the histogram of all values.
import { useSignalEffect } from "@preact/signals";
import { useEffect, useId, useMemo, useRef, useState } from "preact/hooks";
import { formatDateTime, formatValue } from "../../../lib/format";
import { t } from "../../../lib/text";
import { timeLabels, timeTicks } from "../../../lib/ticks";
import { useSize } from "../../../lib/visible";
import { hold, release } from "../../../state/hold";
import { paint } from "../../../state/prefs";
import { zone } from "../../../state/url";
import type { KindProps } from "../kinds";
import { hexOf, type Item, type Items, judge, mapped } from "../series";

/** Rows that are drawn; more are counted. */
const ROWS_MAX = 100;

interface CellsProps {
  title: string;
  rows: string[];
  all: Pick<Items, "start" | "step" | "n">;
  span: { from: number; to: number };
  /** null: nothing there */
  colourOf: (row: number, at: number) => string | null;
  textOf: (row: number, at: number) => string;
  /** px between cells */
  gap: number;
  onTable: () => void;
  /** what a colour means */
  children?: preact.ComponentChildren;
}

function Cells({ title, rows, all, span, colourOf, textOf, gap, onTable, children }: CellsProps) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width, height } = useSize(box);
  const [at, setAt] = useState<{ row: number; col: number; key: boolean } | null>(null);
  const id = useId();
  const { start, step, n } = all;
  const draw = useRef(() => {});
  draw.current = () => {
    const c = canvas.current;
    const g = c?.getContext("2d");
    if (!c || !g || width < 10 || height < 10) return;
    const ratio = devicePixelRatio;
    c.width = Math.round(width * ratio);
    c.height = Math.round(height * ratio);
    const rowPx = c.height / Math.max(1, rows.length);
    const per = c.width / (span.to - span.from || 1);
    const between = Math.min(gap * ratio, rowPx / 4);
    for (let r = 0; r < rows.length; r++)
      for (let i = 0; i < n; i++) {
        const colour = colourOf(r, i);
        if (colour === null) continue;
        let to = i + 1;
        while (to < n && colourOf(r, to) === colour && gap < 2) to++;
        const x = (start + (i - 0.5) * step - span.from) * per;
        g.fillStyle = colour;
        g.fillRect(x, r * rowPx + between / 2, Math.max(1, (to - i) * step * per - (gap >= 2 ? ratio : 0)), rowPx - between);
        i = to - 1;
      }
    if (at) {
      g.strokeStyle = getComputedStyle(c).color;
      g.lineWidth = 2 * ratio;
      g.strokeRect((start + (at.col - 0.5) * step - span.from) * per, at.row * rowPx + 1, Math.max(3, step * per), rowPx - 2);
    }
  };
  useEffect(() => draw.current());
  useSignalEffect(() => {
    if (paint.value > 0) draw.current();
  });
  useEffect(() => () => release(id), []);
  const move = (row: number, col: number, key: boolean) => {
    hold(id);
    setAt({ row: Math.max(0, Math.min(rows.length - 1, row)), col: Math.max(0, Math.min(n - 1, col)), key });
  };
  const leave = () => {
    release(id);
    setAt(null);
  };
  const onKeyDown = (e: KeyboardEvent) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const { row, col } = at ?? { row: 0, col: n };
    const to = { ArrowLeft: [row, col - 1], ArrowRight: [row, col + 1], ArrowUp: [row - 1, at ? col : n - 1], ArrowDown: [at ? row + 1 : 0, at ? col : n - 1], Home: [row, 0], End: [row, n - 1] }[e.key];
    if (to) move(to[0] as number, to[1] as number, true);
    else if (e.key === "v" || e.key === "V") onTable();
    else if (e.key === "Escape" && at) leave();
    else return;
    e.preventDefault();
    e.stopPropagation();
  };
  const point = (e: PointerEvent) => {
    const b = (e.currentTarget as HTMLElement).getBoundingClientRect();
    move(Math.floor(((e.clientY - b.top) / b.height) * rows.length), Math.round((span.from + ((e.clientX - b.left) / b.width) * (span.to - span.from) - start) / step), false);
  };
  const said = at ? `${formatDateTime(start + at.col * step, zone.value)}, ${rows[at.row]}: ${textOf(at.row, at.col)}` : "";
  const ticks = timeTicks(span.from, span.to, Math.max(2, width / 90), zone.value).filter((x) => span.to - x > ((span.to - span.from) / Math.max(1, width)) * 20);
  const labels = timeLabels(ticks, zone.value);
  return (
    <div class="cells" role="group" aria-label={t("da.cells.aria", { title, n: rows.length })} tabIndex={0} onKeyDown={onKeyDown} onBlur={() => at?.key && leave()}>
      <div class="cells-names" aria-hidden="true">
        {rows.map((r, i) => (
          <span key={`${i} ${r}`} title={r}>
            {rows.length <= 30 || i % Math.ceil(rows.length / 20) === 0 ? r : ""}
          </span>
        ))}
      </div>
      <div class="cells-box" ref={box} data-item="" onPointerMove={point} onPointerLeave={leave}>
        <canvas ref={canvas} />
        {at && !at.key ? (
          <div class="tip" style={{ top: "4px", ...(at.col > n / 2 ? { left: "4px" } : { right: "4px" }) }}>
            {said}
          </div>
        ) : null}
      </div>
      <div class="cells-times soft num" aria-hidden="true">
        {ticks.map((x, i) => (
          <span key={x} style={{ left: `${((x - span.from) / (span.to - span.from || 1)) * 100}%` }}>
            {labels[i]}
          </span>
        ))}
      </div>
      {children}
      <div class="sr-only" aria-live="polite">
        {at?.key ? said : ""}
      </div>
    </div>
  );
}

/** A ramp from hardly seen to dark, both themes: the accent over what is below it. */
const ramp = (share: number) => `rgba(28, 139, 165, ${(0.08 + 0.92 * Math.sqrt(Math.max(0, Math.min(1, share)))).toFixed(2)})`;

const bound = (i: Item) => Number((i.labels["le"] ?? "").replace("+Inf", "Infinity"));

/** Rows of a heat map: buckets of a histogram, of which each holds what the one below does not; or the series as they are. */
function rowsOf(items: readonly Item[]): { names: string[]; values: Float64Array[]; buckets: boolean } {
  const buckets = items.length > 1 && items.every((i) => i.labels["le"] !== undefined && !Number.isNaN(bound(i)));
  if (!buckets) return { names: items.slice(0, ROWS_MAX).map((i) => i.name), values: items.slice(0, ROWS_MAX).map((i) => i.values), buckets };
  const sums = new Map<number, Float64Array>();
  for (const i of items) {
    const there = sums.get(bound(i));
    sums.set(bound(i), there ? there.map((v, k) => v + (i.values[k] || 0)) : i.values);
  }
  const rising = [...sums].sort(([a], [b]) => a - b).slice(0, ROWS_MAX);
  const unit = items[0]?.unit ?? "short";
  const known = unit === "ops/s" || unit === "ratio" ? "short" : unit;
  const own = rising.map(([le, values], k): [string, Float64Array] => {
    const [under, below] = rising[k - 1] ?? [];
    return [le === Number.POSITIVE_INFINITY && under !== undefined ? `> ${formatValue(under, known)}` : `≤ ${formatValue(le, known)}`, below ? values.map((v, j) => Math.max(0, v - (below[j] ?? 0))) : values];
  });
  own.reverse();
  return { names: own.map(([n]) => n), values: own.map(([, v]) => v), buckets };
}

export function HeatMap({ panel, all, span, title, onTable }: Pick<KindProps, "panel" | "all" | "span" | "title" | "onTable">) {
  const rows = useMemo(() => rowsOf(all.items), [all]);
  const max = useMemo(() => rows.values.reduce((m, v) => v.reduce((a, b) => Math.max(a, b || 0), m), 0), [rows]);
  const unit = all.items[0]?.unit ?? "short";
  return (
    <Cells
      title={title}
      rows={rows.names}
      all={all}
      span={span}
      gap={1}
      onTable={onTable}
      colourOf={(r, i) => {
        const v = rows.values[r]?.[i] ?? Number.NaN;
        return v > 0 ? ramp(v / max) : null;
      }}
      textOf={(r, i) => formatValue(rows.values[r]?.[i] ?? Number.NaN, unit, panel.decimals)}
    >
      <div class="cells-key soft num">
        <span>0</span>
        <span class="cells-ramp" aria-hidden="true" />
        <span>{formatValue(max, unit, panel.decimals)}</span>
      </div>
    </Cells>
  );
}

/** Colours of states that nobody gave one: by order of appearance, each another. */
const STATES = ["#2680c2", "#d9622b", "#2a9360", "#9b6fd3", "#b8860b", "#d64f87", "#1a97a6", "#8a7a66"];

function States({ panel, all, span, title, onTable, gap }: KindProps & { gap: number }) {
  const items = all.items.slice(0, ROWS_MAX);
  const seen = useMemo(() => {
    const states = new Map<string, string>();
    const tell = (i: Item, v: number): string | null => {
      if (Number.isNaN(v)) return null;
      const said = mapped(v, String(v), i.set.mappings ?? panel.mappings);
      const text = said?.text ?? formatValue(v, i.unit, i.decimals);
      if (!states.has(text) && states.size < 50) states.set(text, said?.colour ?? judge(v, i.set.thresholds ?? panel.thresholds)?.colour ?? STATES[states.size % STATES.length] ?? hexOf("grey"));
      return text;
    };
    const texts = items.map((i) => Array.from(i.values, (v) => tell(i, v)));
    return { states, texts };
  }, [all, panel]);
  return (
    <Cells
      title={title}
      rows={items.map((i) => i.name)}
      all={all}
      span={span}
      gap={gap}
      onTable={onTable}
      colourOf={(r, i) => {
        const text = seen.texts[r]?.[i];
        return text === null || text === undefined ? null : (seen.states.get(text) ?? hexOf("grey"));
      }}
      textOf={(r, i) => seen.texts[r]?.[i] ?? t("chart.gap")}
    >
      <div class="cells-key">
        {[...seen.states].slice(0, 12).map(([text, colour]) => (
          <span key={text} class="chip">
            <span class="swatch" style={{ background: colour }} aria-hidden="true" />
            {text}
          </span>
        ))}
      </div>
    </Cells>
  );
}

export const StateTimeline = (p: KindProps) => <States {...p} gap={1.5} />;
export const StatusGrid = (p: KindProps) => {
  const coarse = useMemo(() => coarser(p.all, 60), [p.all]);
  return <States {...p} all={coarse} gap={2} />;
};

/** At most `n` columns: the last value of each part of the time. */
export function coarser(all: Items, n: number): Items {
  const by = Math.ceil(all.n / n);
  if (by <= 1) return all;
  const count = Math.ceil(all.n / by);
  return {
    ...all,
    n: count,
    step: all.step * by,
    start: all.start + ((by - 1) / 2) * all.step,
    items: all.items.map((i) => ({
      ...i,
      values: Float64Array.from({ length: count }, (_, k) => {
        for (let j = Math.min(all.n, (k + 1) * by) - 1; j >= k * by; j--) if (!Number.isNaN(i.values[j] as number)) return i.values[j] as number;
        return Number.NaN;
      }),
    })),
  };
}

const BUCKETS = 30;

export function Histogram({ all, title }: KindProps) {
  const [at, setAt] = useState<number | null>(null);
  const bars = useMemo(() => {
    let min = Number.POSITIVE_INFINITY;
    let max = Number.NEGATIVE_INFINITY;
    for (const i of all.items)
      for (const v of i.values) {
        if (v < min) min = v;
        if (v > max) max = v;
      }
    const wide = (max - min || Math.abs(max) || 1) / BUCKETS;
    const counts = new Array<number>(BUCKETS).fill(0);
    for (const i of all.items) for (const v of i.values) if (!Number.isNaN(v)) counts[Math.min(BUCKETS - 1, Math.floor((v - min) / wide))]!++;
    return counts.map((n, k) => ({ n, from: min + k * wide, to: min + (k + 1) * wide }));
  }, [all]);
  const most = Math.max(1, ...bars.map((b) => b.n));
  const { unit = "short", decimals } = all.items[0] ?? {};
  const say = (b: { n: number; from: number; to: number }) => t("da.bucket", { from: formatValue(b.from, unit, decimals), to: formatValue(b.to, unit, decimals), n: b.n });
  const here = at === null ? undefined : bars[at];
  const onKeyDown = (e: KeyboardEvent) => {
    const to = { ArrowLeft: (at ?? BUCKETS) - 1, ArrowRight: (at ?? -1) + 1, Home: 0, End: BUCKETS - 1 }[e.key];
    if (to === undefined || e.ctrlKey || e.metaKey || e.altKey) return;
    e.preventDefault();
    e.stopPropagation();
    setAt(Math.max(0, Math.min(BUCKETS - 1, to)));
  };
  return (
    <div class="histo" role="group" aria-label={t("da.histogram.aria", { title, n: all.items.length })} tabIndex={0} onKeyDown={onKeyDown} onBlur={() => setAt(null)}>
      <div class="histo-bars" data-item="" onPointerLeave={() => setAt(null)}>
        {bars.map((b, k) => (
          <div key={b.from} class={`histo-bar ${k === at ? "histo-at" : ""}`} onPointerEnter={() => setAt(k)}>
            <div style={{ height: `${(b.n / most) * 100}%` }} />
          </div>
        ))}
      </div>
      <div class="histo-axis soft num">
        <span>{formatValue(bars[0]?.from ?? Number.NaN, unit, decimals)}</span>
        <span>{here ? say(here) : ""}</span>
        <span>{formatValue(bars.at(-1)?.to ?? Number.NaN, unit, decimals)}</span>
      </div>
      <div class="sr-only" aria-live="polite">
        {here ? say(here) : ""}
      </div>
    </div>
  );
}
