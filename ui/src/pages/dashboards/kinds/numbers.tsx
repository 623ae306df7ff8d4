// Panels that show one number of each series: large, on an arc, on a load line, as bars, as parts of a whole.
import { useMemo } from "preact/hooks";
import { LoadLine } from "../../../parts/LoadLine";
import { formatValue } from "../../../lib/format";
import { t } from "../../../lib/text";
import type { KindProps } from "../kinds";
import { absolute, type Told, thresholdColour, toldOf } from "../series";

/** Numbers that one panel shows; more are counted. */
const NUMBERS_MAX = 60;

function useTold({ panel, all }: KindProps): Told[] {
  return useMemo(() => toldOf(panel, all.items), [panel, all]);
}

const More = ({ told }: { told: readonly Told[] }) => (told.length > NUMBERS_MAX ? <p class="soft">+{told.length - NUMBERS_MAX}</p> : null);

/** The word for a level, so that colour is never alone. */
const levelWord = (x: Told) => (x.judged?.level === "warning" || x.judged?.level === "critical" ? t(`da.level.${x.judged.level}`) : "");

export function Stat(p: KindProps) {
  const told = useTold(p);
  const { style = {} } = p.panel;
  const shown = told.slice(0, NUMBERS_MAX);
  const names = shown.length > 1 ? style.text !== "value" : style.text === "name" || style.text === "both";
  const paints = style.colour ?? "value";
  const shownAs = (x: Told) => (style.text === "name" ? x.item.name : x.text);
  return (
    <div class={`statgrid ${shown.length > 1 ? "stats-many" : ""} ${style.orientation === "horizontal" ? "stats-rows" : ""}`} tabIndex={shown.length > 4 ? 0 : -1} role="group" aria-label={p.title}>
      {shown.map((x) => (
        <div key={x.item.key} data-item={x.item.key} class={`stat ${paints === "background" && x.judged ? "stat-filled" : ""}`} style={{ "--stat": x.judged && paints !== "none" ? x.judged.colour : "var(--ink)" }}>
          {style.sparkline !== false && !p.instant ? <Spark values={x.item.values} /> : null}
          {names && style.text !== "name" && style.text !== "none" ? <span class="stat-name">{x.item.name}</span> : null}
          {style.text === "none" ? null : (
            <span class="stat-value num" style={{ "--chars": shownAs(x).length }}>
              {shownAs(x)}
              {levelWord(x) ? <span class="sr-only">, {levelWord(x)}</span> : null}
            </span>
          )}
        </div>
      ))}
      <More told={told} />
    </div>
  );
}

/** A small course behind a number: shape without an axis. */
function Spark({ values }: { values: Float64Array }) {
  const path = useMemo(() => {
    let min = Number.POSITIVE_INFINITY;
    let max = Number.NEGATIVE_INFINITY;
    for (const v of values) {
      if (v < min) min = v;
      if (v > max) max = v;
    }
    if (values.length < 3 || !Number.isFinite(min)) return "";
    const every = Math.max(1, Math.floor(values.length / 120));
    const points: string[] = [];
    for (let i = 0; i < values.length; i += every) {
      const v = values[i] as number;
      if (Number.isFinite(v)) points.push(`${((i / (values.length - 1)) * 100).toFixed(1)},${(38 - ((v - min) / (max - min || 1)) * 32).toFixed(1)}`);
    }
    return points.length > 2 ? `M${points.join("L")}` : "";
  }, [values]);
  if (!path) return null;
  return (
    <svg class="stat-spark" viewBox="0 0 100 40" preserveAspectRatio="none" aria-hidden="true" focusable="false">
      <path d={`${path}V40H${path.slice(1, path.indexOf(","))}Z`} class="stat-spark-area" />
      <path d={path} class="stat-spark-line" vector-effect="non-scaling-stroke" />
    </svg>
  );
}

const share = (v: number, { min, max }: Told["bounds"]) => Math.max(0, Math.min(1, (v - min) / (max - min)));
/** The arc of a gauge: 240 degrees, from lower left over the top. */
const FROM = (150 * Math.PI) / 180;
const SWEEP = (240 * Math.PI) / 180;
function arc(a: number, b: number, r: number): string {
  const at = (x: number) => `${(50 + r * Math.cos(FROM + x * SWEEP)).toFixed(2)} ${(50 + r * Math.sin(FROM + x * SWEEP)).toFixed(2)}`;
  return `M${at(a)}A${r} ${r} 0 ${(b - a) * SWEEP > Math.PI ? 1 : 0} 1 ${at(b)}`;
}

export function Gauge(p: KindProps) {
  const told = useTold(p);
  const shown = told.slice(0, NUMBERS_MAX);
  return (
    <div class="gauges" tabIndex={shown.length > 4 ? 0 : -1} role="group" aria-label={p.title}>
      {shown.map((x) => {
        const v = Number.isNaN(x.value) ? 0 : share(x.value, x.bounds);
        const marks = (p.panel.thresholds ?? []).filter((th) => th.at !== null);
        return (
          <div key={x.item.key} data-item={x.item.key} class="gauge" role="meter" aria-label={x.item.name} aria-valuemin={x.bounds.min} aria-valuemax={x.bounds.max} aria-valuenow={Number.isNaN(x.value) ? x.bounds.min : x.value} aria-valuetext={[x.text, levelWord(x)].filter(Boolean).join(", ")}>
            <svg viewBox="0 2 100 80" aria-hidden="true" focusable="false">
              <path d={arc(0, 1, 38)} class="gauge-track" />
              {marks.map((th, i) => {
                const from = share(absolute(th.at ?? 0, p.panel.thresholds_mode, x.bounds), x.bounds);
                const next = marks[i + 1];
                const to = next ? share(absolute(next.at ?? 0, p.panel.thresholds_mode, x.bounds), x.bounds) : 1;
                return to > from ? <path key={String(th.at)} d={arc(from, to, 46)} class="gauge-zone" style={{ stroke: thresholdColour(th) }} /> : null;
              })}
              {v > 0 ? <path d={arc(0, Math.max(0.005, v), 38)} class="gauge-fill" style={{ stroke: x.judged?.colour ?? "var(--fill)" }} /> : null}
              <text x="50" y="56" text-anchor="middle" class="gauge-value" style={{ "font-size": `${Math.min(17, 92 / Math.max(5, x.text.length))}px` }}>
                {x.text}
              </text>
            </svg>
            {shown.length > 1 || p.panel.style?.text === "both" ? <span class="stat-name">{x.item.name}</span> : null}
          </div>
        );
      })}
      <More told={told} />
    </div>
  );
}

export function LoadLines(p: KindProps) {
  const told = useTold(p);
  return (
    <div class="bars" tabIndex={0} role="group" aria-label={p.title}>
      {told.slice(0, NUMBERS_MAX).map((x) => {
        const mark = (level: string, otherwise: number) => {
          const th = p.panel.thresholds?.find((y) => y.severity === level && y.at !== null);
          return th?.at === null || th === undefined ? otherwise : share(absolute(th.at, p.panel.thresholds_mode, x.bounds), x.bounds);
        };
        const ratio = Number.isNaN(x.value) ? 0 : share(x.value, x.bounds);
        return (
          <div key={x.item.key} data-item={x.item.key}>
            <LoadLine resource={{ id: x.item.key, title: x.item.name, unit: x.item.unit, used: x.value, limit: x.bounds.max, ratio, warning: mark("warning", 0.8), critical: mark("critical", 0.9), forecast: { state: "none", text: "" } }} />
          </div>
        );
      })}
      <More told={told} />
    </div>
  );
}

export function BarList(p: KindProps) {
  const told = useTold(p);
  const max = Math.max(...told.map((x) => (p.panel.max !== undefined || x.item.unit === "ratio" || x.item.unit === "percent" ? x.bounds.max : Math.abs(x.value) || 0)), 1e-12);
  const sorted = [...told].sort((a, b) => (Number.isNaN(b.value) ? Number.NEGATIVE_INFINITY : b.value) - (Number.isNaN(a.value) ? Number.NEGATIVE_INFINITY : a.value));
  return (
    <ul class="bars" tabIndex={0} aria-label={p.title}>
      {sorted.slice(0, NUMBERS_MAX).map((x) => (
        <li key={x.item.key} data-item={x.item.key} class="level">
          <span class="bar-name">{x.item.name}</span>
          <span class="num strong">
            {x.text}
            {levelWord(x) ? <span class="sr-only">, {levelWord(x)}</span> : null}
          </span>
          <span class="bar-track" aria-hidden="true">
            <span class="level-fill" style={{ width: `${Math.max(0, Math.min(1, Math.abs(x.value || 0) / max)) * 100}%`, background: x.judged?.colour ?? (x.item.chosen ? x.item.colour : "var(--fill)") }} />
          </span>
        </li>
      ))}
      <More told={told} />
    </ul>
  );
}

export function Pie(p: KindProps) {
  const told = useTold(p).filter((x) => x.value > 0);
  const sum = told.reduce((n, x) => n + x.value, 0);
  let from = 0;
  const parts = [...told]
    .sort((a, b) => b.value - a.value)
    .slice(0, NUMBERS_MAX)
    .map((x) => {
      const part = { x, from, to: from + x.value / sum };
      from = part.to;
      return part;
    });
  const at = (v: number, r: number) => `${(50 + r * Math.sin(v * 2 * Math.PI)).toFixed(2)} ${(50 - r * Math.cos(v * 2 * Math.PI)).toFixed(2)}`;
  return (
    <div class="pie">
      <svg viewBox="0 0 100 100" role="img" aria-label={t("da.pie", { title: p.title, parts: parts.slice(0, 10).map(({ x, from: a, to: b }) => `${x.item.name} ${formatValue(b - a, "ratio")}`).join(", ") })}>
        {parts.map(({ x, from: a, to: b }) =>
          b - a > 0.9999 ? <circle key={x.item.key} data-item={x.item.key} cx="50" cy="50" r="46" fill={x.item.colour} /> : <path key={x.item.key} data-item={x.item.key} d={`M50 50L${at(a, 46)}A46 46 0 ${b - a > 0.5 ? 1 : 0} 1 ${at(b, 46)}Z`} fill={x.item.colour} class="pie-part" />,
        )}
        {p.panel.style?.donut ? <circle cx="50" cy="50" r="26" class="pie-hole" /> : null}
      </svg>
      <ul class="pie-legend" tabIndex={0} aria-label={t("explore.legend")}>
        {parts.map(({ x, from: a, to: b }) => (
          <li key={x.item.key} data-item={x.item.key}>
            <span class="swatch" style={{ background: x.item.colour }} aria-hidden="true" />
            <span class="bar-name">{x.item.name}</span>
            <span class="num">
              {x.text} · {formatValue(b - a, "ratio")}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}
