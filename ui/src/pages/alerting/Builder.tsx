// An alert made of a chart: what is measured with the threshold over it, in a form that writes the rule. Who changes the text
// by hand has the last word.
import { useEffect, useMemo, useState } from "preact/hooks";
import { statsOf } from "../../api/window";
import { formatValue, guessUnit } from "../../lib/format";
import { t } from "../../lib/text";
import { QueryChart } from "../../parts/QueryChart";
import { askOnce } from "../../state/panels";
import { Field } from "./form";
import { above, OPS, ruleText, SEVERITIES, type Wish, wishOf } from "./ruleText";
import { Chips } from "./shell";

const DAY_MS = 86_400_000;
const STEP_MS = 300_000;
const SERIES = 50;
const PERIODS = ["1d", "7d", "30d"] as const;

interface Props {
  query: string;
  /** whether the text was changed by hand since */
  byHand: boolean;
  /** whether the form may write the text by itself: not over one that somebody left here */
  fresh: boolean;
  onText: (text: string) => void;
}

export function Builder({ query, byHand, fresh, onText }: Props) {
  const [wish, setWish] = useState<Wish>(() => wishOf(query));
  const [seen, setSeen] = useState<{ min: number; max: number } | null>(null);
  const [period, setPeriod] = useState<string>("1d");
  const set = (change: Partial<Wish>) => {
    const next = { ...wish, ...change };
    setWish(next);
    onText(ruleText(next));
  };
  // A threshold to begin with: a little above all of the last day.
  useEffect(() => {
    const abort = new AbortController();
    const now = Date.now();
    askOnce({ expr: wish.expr, kind: "range", max_series: SERIES, step_ms: STEP_MS }, { from: now - DAY_MS, to: now }, 400, abort.signal).then(
      (f) => {
        if (abort.signal.aborted || f.error) return;
        const all = f.columns.map((c) => statsOf(c)).filter((s) => Number.isFinite(s.max));
        const found = { min: Math.min(...all.map((s) => s.min)), max: Math.max(...all.map((s) => s.max)) };
        setSeen(all.length > 0 ? found : null);
        if (wish.threshold === "" && fresh) set({ threshold: String(above(all.length > 0 ? found.max : Number.NaN)) });
      },
      () => undefined,
    );
    return () => abort.abort();
  }, [wish.expr]);
  const unit = guessUnit(wish.expr);
  const threshold = Number(wish.threshold);
  const range = useMemo(() => ({ from: `now-${period}`, to: "now" }), [period]);
  return (
    <section class="builder" aria-label={t("bu.title")}>
      <div class="form-row">
        <Field label={t("bu.name")}>{(a) => <input {...a} class="input" value={wish.name} maxLength={100} spellcheck={false} onInput={(e) => set({ name: e.currentTarget.value })} />}</Field>
        <Field label={t("bu.op")}>
          {(a) => (
            <select {...a} class="input" value={wish.op} onChange={(e) => set({ op: e.currentTarget.value })}>
              {OPS.map((op) => (
                <option key={op} value={op}>
                  {t(`bu.op.${op}`)}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field label={t("bu.threshold")} error={wish.threshold !== "" && !Number.isFinite(threshold) ? t("bu.threshold.bad") : ""}>
          {(a) => <input {...a} class="input num" inputMode="decimal" value={wish.threshold} onInput={(e) => set({ threshold: e.currentTarget.value })} />}
        </Field>
        <Field label={t("bu.hold")}>{(a) => <input {...a} class="input" value={wish.hold} placeholder="5m" onInput={(e) => set({ hold: e.currentTarget.value })} />}</Field>
        <Field label={t("al.col.severity")}>
          {(a) => (
            <select {...a} class="input" value={wish.severity} onChange={(e) => set({ severity: e.currentTarget.value })}>
              {SEVERITIES.map((s) => (
                <option key={s} value={s}>
                  {s}
                </option>
              ))}
            </select>
          )}
        </Field>
      </div>
      <div class="builder-mode">
        <Chips
          label={t("bu.mode")}
          value={wish.shadow ? "shadow" : ""}
          choices={[
            { value: "", label: t("bu.live"), icon: "alerts" },
            { value: "shadow", label: t("bu.shadow"), icon: "shadow" },
          ]}
          onPick={(v) => set({ shadow: v === "shadow" })}
        />
        <span class="soft">{t(wish.shadow ? "bu.shadow.text" : "bu.live.text")}</span>
      </div>
      <QueryChart title={wish.expr} asks={[{ id: "b", expr: wish.expr }]} range={range} unit={unit} limits={wish.threshold !== "" && Number.isFinite(threshold) ? [{ name: t("al.chart.threshold"), value: threshold, colour: "#e05252" }] : []} />
      <div class="alert-chart-foot">
        <span class="soft num">{seen ? t("bu.seen", { min: formatValue(seen.min, unit), max: formatValue(seen.max, unit), at: formatValue(threshold, unit) }) : ""}</span>
        <Chips label={t("al.chart.range")} value={period} choices={PERIODS.map((p) => ({ value: p, label: p }))} onPick={setPeriod} />
      </div>
      {byHand ? (
        <p class="soft">
          {t("bu.byhand")}{" "}
          <button type="button" class="plain" onClick={() => onText(ruleText(wish))}>
            {t("bu.anew")}
          </button>
        </p>
      ) : null}
    </section>
  );
}
