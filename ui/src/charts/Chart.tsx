// A chart: the plot, its tooltip, its keyboard (arrows move the crosshair, V shows a table) and its table.
import { useSignalEffect } from "@preact/signals";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { formatClock, formatDateTime, formatValue, type Unit } from "../lib/format";
import { t } from "../lib/text";
import type { Span } from "../lib/time";
import { useSize } from "../lib/visible";
import { Icon } from "../parts/Icon";
import { hold, release } from "../state/hold";
import { paint } from "../state/prefs";
import { patch, zone } from "../state/url";
import { type Line, Plot, type PlotData, type PlotLook, type PlotOptions } from "./plot";

interface Props {
  title: string;
  data: PlotData;
  span: Span;
  unit: Unit;
  stacked?: boolean;
  area?: boolean;
  look?: PlotLook | undefined;
  asTable: boolean;
  onTable: () => void;
  /** the query behind it: a window of the chart can then be explained */
  explain?: string | undefined;
  /** somebody points at a line, or presses Enter at the crosshair (then no line) */
  onPick?: ((line: number | null, x: number, y: number) => void) | undefined;
}

const TABLE_ROWS_MAX = 200;
const TABLE_ROWS_FIRST = 30;
const TABLE_REST_MS = 100;
const TIP_LINES_MAX = 12;

interface Cursor {
  index: number;
  left: number;
  top: number;
}

export function Chart(p: Props) {
  const host = useRef<HTMLDivElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  const [cursor, setCursor] = useState<Cursor | null>(null);
  const [point, setPoint] = useState<number | null>(null);
  const pointed = useRef(false);
  const id = useId();
  const size = useSize(box);
  const { asTable, data } = p;
  // The element at which a window to explain begins, and whether the next drag marks one.
  const [mark, setMark] = useState<number | null>(null);
  const [asking, setAsking] = useState(false);
  const why = (from: number, to: number) => {
    setAsking(false);
    if (p.explain) patch({ why: `${Math.round(from)}~${Math.round(to)}~${p.explain}` });
  };

  const options: PlotOptions = {
    unit: p.unit,
    stacked: p.stacked ?? false,
    area: p.area ?? false,
    zone: zone.value,
    look: p.look,
    onSelect: (from, to, asked) => (asked && p.explain ? why(from, to) : patch({ range: { from: String(Math.round(from)), to: String(Math.round(to)) } })),
    onCursor: (index, left, top) => setCursor(pointed.current && index !== null && left >= 0 ? { index, left, top } : null),
  };

  useEffect(() => {
    if (asTable || !host.current) return;
    plot.current = new Plot(host.current, options);
    return () => {
      plot.current?.destroy();
      plot.current = null;
    };
  }, [asTable]);
  useEffect(() => plot.current?.setOptions(options));
  useEffect(() => plot.current?.setSize(size.width, size.height), [size.width, size.height, asTable]);
  useEffect(() => plot.current?.setData(data, [p.span.from, p.span.to]), [data, p.span.from, p.span.to, asTable]);
  useSignalEffect(() => {
    if (paint.value > 0) plot.current?.setTheme();
  });
  useEffect(() => () => release(id), []);

  const enter = () => {
    pointed.current = true;
    plot.current?.settle();
    hold(id);
  };
  const leave = () => {
    pointed.current = false;
    setCursor(null);
    if (point === null) release(id);
  };
  const movePoint = (to: number | null) => {
    setPoint(to);
    if (to === null) setMark(null);
    plot.current?.setSpan(to !== null && mark !== null ? [mark, to] : null);
    plot.current?.setCursor(to);
    if (to === null) release(id);
    else hold(id);
  };
  /** The first time its beginning, the second time its end. */
  const markWindow = () => {
    if (point === null) return movePoint(data.n - 1);
    if (mark === null || mark === point) {
      setMark(point);
      plot.current?.setSpan([point, point]);
      return;
    }
    const [from, to] = [Math.min(mark, point), Math.max(mark, point)];
    movePoint(null);
    why(data.start + from * data.step, data.start + to * data.step);
  };
  const onKeyDown = (e: KeyboardEvent) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const last = data.n - 1;
    const at = point ?? last + 1;
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last, PageUp: at - 10, PageDown: at + 10 }[e.key];
    if (to !== undefined && !asTable) movePoint(Math.max(0, Math.min(last, to)));
    else if ((e.key === "x" || e.key === "X") && p.explain && !asTable) markWindow();
    else if (e.key === "v" || e.key === "V") p.onTable();
    else if (e.key === "Escape" && point !== null) movePoint(null);
    else if (e.key === "Enter" && p.onPick && e.target === e.currentTarget && !asTable) {
      const { x, y } = plot.current?.pointOf(point ?? last) ?? { x: 0, y: 0 };
      p.onPick(null, x, y);
    }
    else return;
    e.preventDefault();
    e.stopPropagation();
  };

  const shown = data.lines.filter((l) => !l.hidden);
  return (
    <div
      class="chart"
      role="group"
      aria-label={t("panel.aria", { title: p.title, n: shown.length }) + (p.onPick ? ` ${t("panel.aria.menu")}` : "")}
      tabIndex={0}
      onKeyDown={onKeyDown}
      onBlur={() => point !== null && movePoint(null)}
      ref={box}
    >
      {asTable ? (
        <ChartTable {...p} />
      ) : (
        // biome-ignore lint/a11y/noStaticElementInteractions: keys are heard by the group around it
        // biome-ignore lint/a11y/useKeyWithClickEvents: Enter at the crosshair is heard by the group around it
        <div
          class={`chart-plot ${asking ? "chart-asking" : ""}`}
          ref={host}
          onPointerEnter={enter}
          onPointerLeave={leave}
          onClick={(e) => {
            // A finger reads values; the same things stand in the panel's menu.
            if (!p.onPick || asking || (e as unknown as PointerEvent).pointerType === "touch") return;
            const at = plot.current?.lineAt(e.clientX, e.clientY);
            if (!at) return;
            setCursor(null);
            p.onPick(at.line, e.clientX, e.clientY);
          }}
          onPointerDownCapture={(e) => {
            if (plot.current) plot.current.asking = p.explain !== undefined && (asking || e.shiftKey);
          }}
        />
      )}
      {p.explain && !asTable ? (
        <button type="button" class="button button-icon chart-why" aria-pressed={asking} aria-label={t("chart.why", { title: p.title })} title={t("chart.why", { title: p.title })} onClick={() => setAsking(!asking)}>
          <Icon name="explain" size={15} />
        </button>
      ) : null}
      {asking ? <p class="chart-hint">{t("chart.why.hint")}</p> : null}
      {cursor && !asTable ? <Tip of={p} cursor={cursor} width={size.width} /> : null}
      <div class="sr-only" aria-live="polite">
        {point === null
          ? ""
          : t("chart.at", {
              at: formatClock(data.start + point * data.step, zone.value, true),
              values: [...shown.map((l) => `${l.name} ${textOf(l, point, p)}`), ...toldAt(data, point).map((h) => h.text)].join(", "),
            }) + (mark === null ? "" : ` ${t("chart.marked", { at: formatClock(data.start + mark * data.step, zone.value, true) })}`)}
      </div>
    </div>
  );
}

/** A value of a line as people read it. */
const textOf = (l: Line, i: number, p: Props) => formatValue(l.values[i] ?? Number.NaN, l.unit ?? p.unit, l.decimals ?? p.look?.decimals);

/** Marks on the time axis that a cursor is near enough to mean. */
const NEAR = 1.5;

const toldAt = (data: PlotData, i: number) => {
  const at = data.start + i * data.step;
  return (data.happenings ?? []).filter((h) => at >= h.at - NEAR * data.step && at <= (h.to ?? h.at) + NEAR * data.step).slice(0, 3);
};

function Tip({ of, cursor, width }: { of: Props; cursor: Cursor; width: number }) {
  const { data } = of;
  const at = data.start + cursor.index * data.step;
  const told = toldAt(data, cursor.index);
  const lines = data.lines
    .filter((l) => !l.hidden)
    .map((l) => ({ ...l, v: l.values[cursor.index] ?? Number.NaN }))
    .filter((l) => !Number.isNaN(l.v))
    .sort((a, b) => b.v - a.v);
  const right = cursor.left > width / 2;
  const x = right ? { right: `${width - cursor.left - 40}px` } : { left: `${cursor.left + 76}px` };
  return (
    <div class="tip" style={{ top: "4px", ...x }}>
      <div class="tip-time">{formatDateTime(at, zone.value)}</div>
      {told.map((h) => (
        <div class="tip-line" key={`${h.at} ${h.text}`}>
          <Swatch colour={h.colour} />
          {h.text}
        </div>
      ))}
      {lines.length === 0 ? <div class="soft">{t("chart.gap")}</div> : null}
      {lines.slice(0, TIP_LINES_MAX).map((l) => (
        <div class="tip-line" key={l.name}>
          <Swatch colour={l.colour} />
          <span class="tip-name">{l.name}</span>
          <span class="num">{textOf(l, cursor.index, of)}</span>
        </div>
      ))}
      {lines.length > TIP_LINES_MAX ? <div class="soft">+{lines.length - TIP_LINES_MAX}</div> : null}
    </div>
  );
}

export const Swatch = ({ colour }: { colour: string }) => <span class="swatch" style={{ background: colour }} aria-hidden="true" />;

function ChartTable(p: Props) {
  const { data } = p;
  const shown = data.lines.filter((l) => !l.hidden);
  // What is seen at once, and the rest when that stands: thousands of cells take a moment.
  const [whole, setWhole] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setWhole(true), TABLE_REST_MS);
    return () => clearTimeout(timer);
  }, []);
  const rows = Array.from({ length: Math.min(data.n, whole ? TABLE_ROWS_MAX : TABLE_ROWS_FIRST) }, (_, k) => data.n - 1 - k);
  return (
    <div class="chart-table">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">{t("panel.time")}</th>
            {shown.map((l) => (
              <th scope="col" class="num" key={l.name}>
                {l.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((i) => (
            <tr key={data.start + i * data.step}>
              <th scope="row">{formatClock(data.start + i * data.step, zone.value, true)}</th>
              {shown.map((l) => (
                <td class="num" key={l.name}>
                  {textOf(l, i, p)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
