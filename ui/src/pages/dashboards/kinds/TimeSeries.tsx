// Courses over time with a legend; a click on a name shows it alone, Ctrl-click hides it.
import { useMemo, useState } from "preact/hooks";
import { Chart, Swatch } from "../../../charts/Chart";
import type { Line, PlotData, PlotLook } from "../../../charts/plot";
import { formatValue } from "../../../lib/format";
import { t } from "../../../lib/text";
import { Empty } from "../../../parts/states";
import type { Reduce } from "../../../api/dashboards";
import type { KindProps } from "../kinds";
import { absolute, boundsOf, type Item, REDUCES, reduced, thresholdColour } from "../series";

/** Series in a legend; more are counted. */
const LEGEND_MAX = 100;

export function TimeSeries({ panel, scope, all, span, title, asTable, onTable, expr }: KindProps) {
  const [solo, setSolo] = useState("");
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
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
        hidden: i.set.hidden === true || (solo ? i.key !== solo : hidden.has(i.key)),
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
    return { start: all.start, step: all.step, n: all.n, lines: [...lines, ...marks], happenings: scope.happenings };
  }, [all, panel, solo, hidden, scope.happenings]);
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
  const pick = (key: string, e: MouseEvent) => {
    if (!(e.ctrlKey || e.metaKey)) return setSolo(solo === key ? "" : key);
    setSolo("");
    const next = new Set(hidden);
    if (!next.delete(key)) next.add(key);
    setHidden(next);
  };
  const legend = style.legend === "hidden" ? null : <Legend items={all.items} columns={columnsOf(style.legend_values, style.legend === "table")} table={style.legend === "table"} off={(i) => i.set.hidden === true || (solo ? i.key !== solo : hidden.has(i.key))} solo={solo} onPick={pick} />;
  return (
    <div class={`ts ${style.legend_at === "right" ? "ts-right" : ""}`}>
      <div class="ts-chart">
        {data.lines.every((l) => l.hidden || l.reference) ? <Empty>{t("explore.noseries")}</Empty> : <Chart title={title} data={data} span={span} unit={unit} stacked={stacked} look={look} asTable={asTable} onTable={onTable} explain={expr} />}
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
  onPick: (key: string, e: MouseEvent) => void;
}

function Legend({ items, columns, table, off, solo, onPick }: LegendProps) {
  const shown = items.slice(0, LEGEND_MAX);
  const name = (i: Item) => (
    <button type="button" class={`ts-name ${off(i) ? "ts-off" : ""}`} aria-pressed={solo === i.key} title={t("explore.hint")} onClick={(e) => onPick(i.key, e)}>
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
              <tr key={i.key}>
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
        <span key={i.key} class="ts-entry">
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
