// The forecast beside a chart in Explore: asked for the next quarter of what is shown, anew each minute while live.
import { useEffect, useState } from "preact/hooks";
import { forecastOf, type Forecasted } from "../../api/http";
import { labelKey } from "../../api/window";
import type { Course } from "../../charts/cone";
import { t } from "../../lib/text";
import type { Span } from "../../lib/time";
import { clock } from "../../state/connection";

const REFRESH_MS = 60_000;
const HORIZON_MIN_S = 60;
/** How far ahead, as a share of what is shown. */
const AHEAD = 0.25;
/** Lines with a forecast: more cones than these hide each other. */
export const COURSES_MAX = 5;

export interface Ahead {
  answer: Forecasted[];
  error: string;
  busy: boolean;
}

const NOTHING: Ahead = { answer: [], error: "", busy: false };

export function useAhead(expr: string, wanted: boolean, span: Span, live: boolean, again: number): Ahead {
  const [state, setState] = useState<Ahead>(NOTHING);
  const horizon = Math.max(HORIZON_MIN_S, Math.round(((span.to - span.from) * AHEAD) / 1000));
  const tick = live && wanted ? Math.floor(clock.value / REFRESH_MS) : span.to;
  useEffect(() => {
    if (!wanted || !expr) {
      setState(NOTHING);
      return;
    }
    const abort = new AbortController();
    setState((s) => ({ ...s, busy: true }));
    forecastOf({ query: expr, horizon: `${horizon}s`, at: live ? undefined : span.to }, abort.signal).then(
      (answer) => setState({ answer, error: "", busy: false }),
      (e: Error) => abort.signal.aborted || setState({ answer: [], error: e.message || t("error.cut"), busy: false }),
    );
    return () => abort.abort();
  }, [expr, wanted, horizon, tick, again]);
  return state;
}

/** The forecasts of the series that a chart shows, by their places in it. */
export function coursesOf(answer: Forecasted[], keys: string[]): Course[] {
  return answer.flatMap((f): Course[] => {
    const line = keys.indexOf(labelKey(f.labels));
    return line < 0 || f.times.length === 0 ? [] : [{ line, times: f.times, mean: f.mean, lower: f.lower, upper: f.upper }];
  });
}

/** What is said under the chart: how good it was so far, or why there is none. */
export function aheadNote(a: Ahead): string {
  if (a.error) return a.error;
  const first = a.answer[0];
  if (!first) return a.busy ? t("forecast.busy") : "";
  const reason = a.answer.find((f) => f.times.length === 0)?.reason;
  if (reason) return t("forecast.none", { reason });
  return first.accuracy ? t("forecast.accuracy", { n: first.accuracy.n, coverage: Math.round(first.accuracy.coverage * 100) }) : t("forecast.untested");
}
