// The table: the query at one instant (the end of the range), one row a series, every label in a column of its own.
import { useEffect, useState } from "preact/hooks";
import type { Frame } from "../../api/frame";
import { formatDateTime, formatValue, guessUnit } from "../../lib/format";
import { t } from "../../lib/text";
import { liveWindow, resolveRange } from "../../lib/time";
import { Loading } from "../../parts/states";
import { WhyEmpty } from "../../parts/WhyEmpty";
import { clock } from "../../state/connection";
import { askOnce } from "../../state/panels";
import { url, zone } from "../../state/url";

const REFRESH_MS = 5000;
const ROWS_MAX = 500;
const LABEL_COLUMNS_MAX = 12;

export interface Instant {
  frame: Frame | null;
  error: string;
  busy: boolean;
}

/** Asks at the end of the range; again every 5 s while live. */
export function useInstant(expr: string, wanted: boolean, again: number): Instant {
  const [state, setState] = useState<Instant>({ frame: null, error: "", busy: true });
  const { range, live } = url.value;
  const tick = live && wanted && liveWindow(range) !== null ? Math.floor(clock.value / REFRESH_MS) : 0;
  useEffect(() => {
    if (!wanted || !expr) return;
    const now = Date.now();
    const span = resolveRange(range, now) ?? { from: now - 60_000, to: now };
    const abort = new AbortController();
    setState((s) => ({ ...s, busy: true }));
    askOnce({ expr, kind: "instant", max_series: ROWS_MAX }, span, 800, abort.signal).then(
      (frame) => setState({ frame: frame.error ? null : frame, error: frame.error?.message ?? "", busy: false }),
      (e: Error) => abort.signal.aborted || setState({ frame: null, error: e.message || t("error.cut"), busy: false }),
    );
    return () => abort.abort();
  }, [expr, wanted, again, tick, range.from, range.to]);
  return state;
}

interface TableProps {
  instant: Instant;
  expr: string;
  onTake: (expr: string) => void;
}

export function ResultTable({ instant, expr, onTake }: TableProps) {
  const f = instant.frame;
  if (!f) return instant.busy ? <Loading /> : null;
  if (f.series.length === 0) return <WhyEmpty expr={expr} otherwise={t("explore.empty")} onTake={onTake} />;
  const metric = f.series[0]?.labels["__name__"];
  const shared = metric !== undefined && f.series.every((s) => s.labels["__name__"] === metric);
  const names = [...new Set(f.series.flatMap((s) => Object.keys(s.labels)))].filter((n) => !shared || n !== "__name__").sort((a, b) => Number(b === "__name__") - Number(a === "__name__") || a.localeCompare(b)).slice(0, LABEL_COLUMNS_MAX);
  return (
    <div class="result-table">
      <table class="table">
        <caption class="soft">
          {shared ? <span class="mono strong">{metric}</span> : null}
          {shared ? " · " : ""}
          {formatDateTime(f.start, zone.value)}
        </caption>
        <thead>
          <tr>
            {names.map((n) => (
              <th scope="col" key={n}>
                {n === "__name__" ? t("col.name") : n}
              </th>
            ))}
            <th scope="col" class="num">
              {t("col.value")}
            </th>
          </tr>
        </thead>
        <tbody>
          {f.series.map((s, i) => {
            const v = f.columns[i]?.[0] ?? Number.NaN;
            const unit = guessUnit(expr, s.unit);
            return (
              <tr key={JSON.stringify(s.labels)}>
                {names.map((n) => (
                  <td class="mono wrap" key={n}>
                    {s.labels[n] ?? ""}
                  </td>
                ))}
                <td class="num" title={String(v)}>
                  {unit === "short" && Number.isFinite(v) ? String(Number(v.toPrecision(9))) : formatValue(v, unit)}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {f.truncated > 0 ? <p class="soft">{t("panel.truncated", { n: f.truncated })}</p> : null}
    </div>
  );
}
