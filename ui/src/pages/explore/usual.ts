// What is usual beside a chart in Explore: the detector's band of the first series, and its alarms; anew each minute while
// live.
import { useEffect, useState } from "preact/hooks";
import { type BandDoc, fetchBands } from "../../api/insight";
import { labelKey } from "../../api/window";
import { alarmsOf } from "../../charts/band";
import { t } from "../../lib/text";
import type { Span } from "../../lib/time";
import { clock } from "../../state/connection";

const REFRESH_MS = 60_000;
/** Points of a band: more are not seen. */
const POINTS = 400;
const STEP_MIN_S = 15;
/** Lines with a band: more of them hide each other. */
const BANDS_MAX = 3;

export interface Usual {
  answer: BandDoc[];
  error: string;
  busy: boolean;
}

const NOTHING: Usual = { answer: [], error: "", busy: false };

export function useBands(expr: string, wanted: boolean, span: Span, live: boolean, again: number): Usual {
  const [state, setState] = useState<Usual>(NOTHING);
  const long = span.to - span.from;
  const tick = live && wanted ? Math.floor(clock.value / REFRESH_MS) : span.to;
  useEffect(() => {
    if (!wanted || !expr) {
      setState(NOTHING);
      return;
    }
    const abort = new AbortController();
    setState((s) => ({ ...s, busy: true }));
    const to = live ? Date.now() : span.to;
    fetchBands(expr, { from: to - long, to }, Math.max(STEP_MIN_S, Math.round(long / 1000 / POINTS)), abort.signal).then(
      (answer) => setState({ answer, error: "", busy: false }),
      (e: Error) => abort.signal.aborted || setState({ answer: [], error: e.message || t("error.cut"), busy: false }),
    );
    return () => abort.abort();
  }, [expr, wanted, long, tick, again]);
  return state;
}

/** The bands of the series that a chart shows, by their places in it. */
export const bandsOf = (answer: BandDoc[], keys: string[]): { line: number; band: BandDoc }[] =>
  answer
    .flatMap((band) => {
      const line = keys.indexOf(labelKey(band.labels));
      return line < 0 ? [] : [{ line, band }];
    })
    .slice(0, BANDS_MAX);

/** What is said under the chart. */
export function bandNote(u: Usual): string {
  if (u.error) return u.error;
  if (u.answer.length === 0) return t(u.busy ? "band.busy" : "band.none");
  const shown = u.answer.slice(0, BANDS_MAX);
  const alarms = shown.reduce((n, b) => n + alarmsOf(b).length, 0);
  return t("band.few", { n: shown.length, alarms: alarms ? t("band.alarms", { n: alarms }) : t("band.quiet") });
}
