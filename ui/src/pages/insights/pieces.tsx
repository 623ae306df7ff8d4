// What the pages of analysis share: evidence as a chart, how sure something is, labels, values with a unit, who said it.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { EvidenceDoc } from "../../api/insight";
import { formatValue, type Unit } from "../../lib/format";
import { t } from "../../lib/text";
import type { Span, TimeRange } from "../../lib/time";
import { Icon, type IconName } from "../../parts/Icon";
import { QueryChart } from "../../parts/QueryChart";
import { setUserName, userName } from "../../state/prefs";
import { follow, hrefOf } from "../../state/url";
import { LabelText } from "../alerting/marks";

const UNITS: Unit[] = ["bytes", "bytes/s", "seconds", "ratio", "ops/s"];
/** The unit as the server calls it. */
export const unitOf = (name: string | undefined): Unit => UNITS.find((u) => u === name) ?? "short";
export const valueText = (v: number | null | undefined, unit: Unit): string => formatValue(v ?? Number.NaN, unit);
export const pct = (v: number): string => formatValue(Math.round(v * 1000) / 1000, "ratio");

export const TYPE_ICONS: Record<string, IconName> = {
  anomaly: "warning",
  trend: "chart",
  change_point: "explain",
  regression: "warning",
  correlation: "link",
  seasonality: "clock",
  capacity: "critical",
  risk: "critical",
  waste: "info",
  budget: "info",
};

/** At least this long is shown, so that a young series is not a sliver; ms. */
const SPAN_MIN_MS = 15 * 60_000;

export const rangeOfEvidence = (e: { from: string; to: string }): TimeRange => {
  const [from, to] = [Date.parse(e.from), Date.parse(e.to)];
  return { from: String(Math.min(from, to - SPAN_MIN_MS)), to: String(to) };
};

/** What a claim rests on, with the time of the claim shaded. */
export function EvidenceChart({ of: e, unit, shade, small, title }: { of: EvidenceDoc; unit?: Unit | undefined; shade?: Span | undefined; small?: boolean; title: string }) {
  return <QueryChart title={title} asks={[{ id: "e", expr: e.query }]} range={rangeOfEvidence(e)} unit={unit} {...(shade ? { shades: [shade] } : {})} small={small ?? false} />;
}

export const Confidence = ({ value, note }: { value: number; note?: string }) => (
  <span class="sure" title={note}>
    <span class="sure-track" aria-hidden="true">
      <span class="sure-fill" style={{ width: `${Math.round(Math.min(1, Math.max(0, value)) * 100)}%` }} />
    </span>
    <span class="num">{t("ins.confidence", { pct: pct(value) })}</span>
  </span>
);

export const Labels = ({ labels, but = [] }: { labels: Record<string, string>; but?: string[] }) => (
  <span class="soft mono find-labels">
    <LabelText labels={Object.entries(labels).filter(([k]) => k !== "__name__" && !but.includes(k))} />
  </span>
);

export const ExploreLink = ({ expr, range, children }: { expr: string; range?: TimeRange; children?: ComponentChildren }) => (
  <a class="button" href={hrefOf("explore", { expr, ...(range ? { range, live: range.to === "now" } : {}) })} onClick={follow}>
    <Icon name="explore" size={15} />
    {children ?? t("ins.explore")}
  </a>
);

/** A horizontal bar with what it stands for in words. */
export const Bar = ({ share, kind = "", mark }: { share: number; kind?: string; mark?: number }) => (
  <span class={`bar ${kind}`} aria-hidden="true">
    <span class="bar-fill" style={{ width: `${(Math.min(1, Math.max(0, share)) * 100).toFixed(1)}%` }} />
    {mark === undefined ? null : <span class="bar-mark" style={{ left: `${(mark * 100).toFixed(1)}%` }} />}
  </span>
);

/** Who says it: asked once, remembered by this browser. The word is given when there is a name. */
export function useName(): { ask: ComponentChildren; withName: (then: (name: string) => void) => void } {
  const [waiting, setWaiting] = useState<{ then: (name: string) => void } | null>(null);
  const [name, setName] = useState("");
  const withName = (then: (name: string) => void) => {
    if (userName.value) then(userName.value);
    else setWaiting({ then });
  };
  const submit = (e: Event) => {
    e.preventDefault();
    const given = name.trim();
    if (!given || !waiting) return;
    setUserName(given);
    setWaiting(null);
    waiting.then(given);
  };
  const ask = waiting ? (
    <form class="who" onSubmit={submit}>
      <label>
        {t("ins.name")} <input class="input" value={name} maxLength={256} autocomplete="name" ref={(el) => el?.focus()} onInput={(e) => setName(e.currentTarget.value)} />
      </label>
      <button type="submit" class="button button-main">
        <Icon name="ok" size={15} />
        OK
      </button>
    </form>
  ) : null;
  return { ask, withName };
}
