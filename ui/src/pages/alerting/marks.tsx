// Severities, states, labels and values, as every page of alerting shows them. Never by colour alone: icon and word.
import { computed } from "@preact/signals";
import { msOf, numberOf, type AlertDoc, type Instant, type Value } from "../../api/alertingTypes";
import { comparisonOf } from "../../lib/compare";
import { formatCount, formatDuration, formatMoment, formatValue, guessUnit, type Unit } from "../../lib/format";
import { t, type TextKey } from "../../lib/text";
import { Icon, type IconName } from "../../parts/Icon";
import { clock } from "../../state/connection";
import { zone } from "../../state/url";
import { levelOf, standingOf } from "./standing";

export const SeverityMark = ({ severity }: { severity: string }) => {
  const level = levelOf(severity);
  return (
    <span class={`mark mark-${level}`}>
      <Icon name={level} size={14} />
      <span class="clip">{severity || t("al.by.none")}</span>
    </span>
  );
};

const STATE_ICONS: Record<string, IconName> = {
  firing: "alerts",
  pending: "clock",
  acknowledged: "ok",
  silenced: "mute",
  inhibited: "mute",
  resolved: "ok",
  inactive: "ok",
  open: "alerts",
  recording: "table",
  failing: "warning",
  unknown: "learning",
};

export const StateMark = ({ state, word, note }: { state: string; word: string; note?: string | undefined }) => (
  <span class={`mark state-${state}`} title={note}>
    <Icon name={STATE_ICONS[state] ?? "info"} size={14} />
    <span class="clip">
      {word}
      {note ? <span class="soft"> {note}</span> : null}
    </span>
  </span>
);

export function AlertState({ alert: a }: { alert: AlertDoc }) {
  const standing = standingOf(a);
  const state = standing === "silenced" && !a.silenced_by?.length ? "inhibited" : standing;
  return <StateMark state={state} word={t(`al.state.${state}`)} note={state === "acknowledged" ? a.acknowledged?.by : undefined} />;
}

export const LabelText = ({ labels }: { labels: [string, string][] }) => (
  <>
    {labels.map(([k, v], i) => (
      <span key={k} class="label">
        {i ? " " : ""}
        <span class="label-name">{k}=</span>
        {v}
      </span>
    ))}
  </>
);

export interface Measured {
  left: string;
  op: string;
  threshold: number;
  unit: Unit;
}

const measured = new Map<string, Measured>();
/** Expressions whose reading is kept: a screen of alerts has few. */
const MEASURED_MAX = 500;

/** What an alert's expression measures, against what, in which unit. */
export function measureOf(expr: string, threshold?: Value): Measured {
  let m = measured.get(expr);
  if (!m) {
    const c = comparisonOf(expr ?? "");
    m = { left: c?.left ?? expr, op: c?.op ?? "", threshold: c?.threshold ?? Number.NaN, unit: guessUnit(c?.left ?? expr ?? "") };
    if (measured.size >= MEASURED_MAX) measured.clear();
    measured.set(expr, m);
  }
  const told = numberOf(threshold);
  return Number.isNaN(told) || told === m.threshold ? m : { ...m, threshold: told };
}

export function ValueText({ value, expr, threshold }: { value: Value; expr: string; threshold?: Value }) {
  const m = measureOf(expr, threshold);
  const v = formatValue(numberOf(value), m.unit);
  if (Number.isNaN(m.threshold)) return <>{v}</>;
  return (
    <>
      {v} <span class="soft">{`${m.op || ">"} ${formatValue(m.threshold, m.unit)}`}</span>
    </>
  );
}

/** Whole seconds go by slowly in a list: it is drawn anew every few of them. */
const BEAT_MS = 5_000;
const beats = computed(() => Math.floor(clock.value / BEAT_MS) * BEAT_MS);
export const beat = () => beats.value;

export const ageOf = (at: Instant | null | undefined): string => {
  const ms = msOf(at);
  return Number.isNaN(ms) ? "–" : formatDuration(Math.max(0, beat() - ms));
};

/** A time as lists show it. */
export const momentOf = (at: Instant | null | undefined): string => {
  const ms = msOf(at);
  return Number.isNaN(ms) ? "–" : formatMoment(ms, beat(), zone.value);
};

export const Time = ({ at }: { at: Instant | null | undefined }) => <span class="num">{momentOf(at)}</span>;

/** How often in a week: one digit behind the point, unless it is nought or there are many. */
export const rate = (x: number): string => (x >= 100 ? formatCount(x) : String(Number(x.toFixed(1))));

/** A word of the server's, or ours for it. */
export const wordOf = (prefix: string, word: string): string => {
  const key = `${prefix}.${word}` as TextKey;
  const text = t(key);
  return text === key ? word : text;
};
