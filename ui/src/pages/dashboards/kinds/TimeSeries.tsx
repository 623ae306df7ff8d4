// Courses over time with a legend; a click on a name shows it alone, Ctrl-click hides it.
import { useMemo } from "preact/hooks";
import { Chart, Swatch } from "../../../charts/Chart";
import type { Line, PlotData, PlotLook } from "../../../charts/plot";
import { formatValue } from "../../../lib/format";
import { t } from "../../../lib/text";
import { Empty } from "../../../parts/states";
import type { Reduce } from "../../../api/dashboards";
import { url } from "../../../state/url";
import { switchSeries } from "../kept";
import type { KindProps } from "../kinds";
import { offOf } from "../off";
import { absolute, boundsOf, type Item, type Items, REDUCES, reduced, shifted, thresholdColour } from "../series";

/** Series in a legend; more are counted. */
const LEGEND_MAX = 100;

/** From so many letters on a name may be wider than a narrow panel. */
const LONG_NAME = 24;

/** Thin and grey: the sum of a stack of earlier. */
const BEFORE_COLOUR = "#7f8b93";

/** The same series earlier, thin and dashed in their colours; of a stack only the sum. */
function beforeLines(all: Items, past: KindProps["past"], stacked: boolean, off: (i: Item) => boolean): Line[] {
  if (!past || all.n === 0) return [];
  const line = (name: string, colour: string, values: Float64Array, more: Partial<Line> = {}): Line => ({ name, colour, dash: [], values, hidden: false, reference: true, ...more });
  if (stacked) {
    const sum = new Float64Array(all.n).fill(Number.NaN);
    for (const i of past.all.items)
      shifted(all, past.all, i.values, past.back).forEach((v, k) => {
        if (Number.isFinite(v)) sum[k] = (Number.isFinite(sum[k]) ? (sum[k] as number) : 0) + v;
      });
    return past.all.items.length ? [line(t("panel.before.total"), BEFORE_COLOUR, sum)] : [];
  }
  const earlier = new Map(past.all.items.map((i) => [i.key, i]));
  return all.items.flatMap((i) => {
    const was = earlier.get(i.key);
    return was && !off(i) ? [line(t("panel.before", { name: i.name }), i.colour, shifted(all, past.all, was.values, past.back), { unit: i.unit, right: i.set.axis === "right" })] : [];
  });
}

export function TimeSeries({ panel, placed, scope, all, span, title, asTable, onTable, expr, past, onPick }: KindProps) {
  const { hide } = url.value;
  const { solo, hidden } = useMemo(() => offOf(placed.key, hide), [placed.key, hide]);
  // What is shown alone and is not there would hide everything.
  const only = all.items.some((i) => i.name === solo) ? solo : "";
  const off = (i: Item) => i.set.hidden === true || (only ? i.name !== only : hidden.has(i.name));
  const style = panel.style ?? {};
  const stacked = style.stack === "normal" || style.stack === "percent";
  const unit = all.items.find((i) => i.set.axis !== "right")?.unit ?? panel.unit ?? "short";
  const data = useMemo((): PlotData => {
    const lines = all.items.map(
      (i): Line => ({
        name: i.name,
        colour: i.colour,
        dash: i.dash,
        values: i.values,
        hidden: off(i),
        ...(i.unit !== unit ? { unit: i.unit } : {}),
        ...(i.decimals !== panel.decimals ? { decimals: i.decimals } : {}),
        right: i.set.axis === "right",
        draw: i.set.draw ?? style.draw,
        fill: i.set.fill ?? style.fill,
        width: i.set.width ?? style.width,
        apart: stacked && i.set.stack === "none",
      }),
    );
    const marks = (panel.thresholds ?? []).flatMap((th): Line[] =>
      th.at === null || all.n === 0
        ? []
        : [{ name: t("da.threshold", { v: formatValue(th.at, panel.thresholds_mode === "percent" ? "percent" : unit) }), colour: thresholdColour(th), dash: [], reference: true, hidden: false, values: new Float64Array(all.n).fill(absolute(th.at, panel.thresholds_mode, boundsOf(panel, []))) }],
    );
    return { start: all.start, step: all.step, n: all.n, lines: [...lines, ...marks, ...beforeLines(all, past, stacked, off)], happenings: scope.happenings };
  }, [all, past, panel, only, hidden, scope.happenings]);
  const look = useMemo((): PlotLook => {
    const sorted = (panel.thresholds ?? []).filter((th) => th.at !== null && (th.severity === "warning" || th.severity === "critical"));
    const place = (v: number) => absolute(v, panel.thresholds_mode, boundsOf(panel, []));
    const zones = sorted.map((th, i) => ({ from: place(th.at ?? 0), to: sorted[i + 1] ? place(sorted[i + 1]?.at ?? 0) : Number.MAX_VALUE, colour: `${thresholdColour(th)}14` }));
    return {
      decimals: panel.decimals,
      min: panel.min,
      max: panel.max,
      log: style.axis === "log2" ? 2 : style.axis === "log10" ? 10 : undefined,
      percent: style.stack === "percent" || undefined,
      connect: style.gaps === "connect" || undefined,
      zones: zones.length ? zones : undefined,
    };
  }, [panel]);
  const pick = (name: string, e: MouseEvent) => switchSeries(placed.key, name, !(e.ctrlKey || e.metaKey));
  // The same element for the same items: a panel is asked for anew more often than its values change.
  const legend = useMemo(
    () => (style.legend === "hidden" ? null : <Legend items={all.items} columns={columnsOf(style.legend_values, style.legend === "table")} table={style.legend === "table"} off={off} solo={only} onPick={pick} />),
    [all, panel, placed.key, only, hidden],
  );
  return (
    <div class={`ts ${style.legend_at === "right" ? "ts-right" : ""}`}>
      <div class="ts-chart">
        {data.lines.every((l) => l.hidden || l.reference) ? <Empty>{t("explore.noseries")}</Empty> : <Chart title={title} data={data} span={span} unit={unit} stacked={stacked} look={look} asTable={asTable} onTable={onTable} explain={expr} onPick={(line, x, y) => onPick(line === null ? null : (all.items[line]?.key ?? null), x, y)} />}
      </div>
      {legend}
    </div>
  );
}

const columnsOf = (values: string[] | undefined, table: boolean): Reduce[] => {
  const known = (values ?? []).flatMap((v) => REDUCES.find((r) => r === v) ?? []);
  return known.length > 0 ? known : table ? ["last", "min", "max", "mean"] : ["last"];
};

interface LegendProps {
  items: Item[];
  columns: Reduce[];
  table: boolean;
  off: (i: Item) => boolean;
  solo: string;
  onPick: (name: string, e: MouseEvent) => void;
}

function Legend({ items, columns, table, off, solo, onPick }: LegendProps) {
  const shown = items.slice(0, LEGEND_MAX);
  const name = (i: Item) => (
    <button type="button" class={`ts-name ${off(i) ? "ts-off" : ""}`} aria-pressed={solo === i.name} title={t("explore.hint")} onClick={(e) => onPick(i.name, e)}>
      <Swatch colour={i.colour} />
      <span>{i.name}</span>
    </button>
  );
  if (table)
    return (
      <div class="ts-legend ts-table" tabIndex={0} role="group" aria-label={t("explore.legend")}>
        <table class="table">
          <thead>
            <tr>
              <th scope="col">{t("explore.legend")}</th>
              {columns.map((c) => (
                <th scope="col" class="num" key={c}>
                  {t(`da.reduce.${c}`)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((i) => (
              <tr key={i.key} data-item={i.key}>
                <td>{name(i)}</td>
                {columns.map((c) => (
                  <td class="num" key={c}>
                    {formatValue(reduced(i.values, c), c === "count" ? "count" : i.unit, i.decimals)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    );
  return (
    <div class="ts-legend ts-list" tabIndex={0} role="group" aria-label={t("explore.legend")}>
      {shown.map((i) => (
        <span key={i.key} class={i.name.length < LONG_NAME ? "ts-entry" : "ts-entry ts-long"} data-item={i.key}>
          {name(i)}
          {columns.map((c) => (
            <span class="num" key={c}>
              {formatValue(reduced(i.values, c), c === "count" ? "count" : i.unit, i.decimals)}
            </span>
          ))}
        </span>
      ))}
      {items.length > LEGEND_MAX ? <span class="soft">+{items.length - LEGEND_MAX}</span> : null}
    </div>
  );
}
