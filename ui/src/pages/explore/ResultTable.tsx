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
import type { Row } from "./rows";

const REFRESH_MS = 5000;
const ROWS_MAX = 500;
const LABEL_COLUMNS_MAX = 12;

export interface Instant {
  /** the answer to each query, by its letter */
  frames: ReadonlyMap<string, Frame>;
  error: string;
  busy: boolean;
}

/** Asks at the end of the range; again every 5 s while live. */
export function useInstant(rows: Row[], wanted: boolean, again: number): Instant {
  const [state, setState] = useState<Instant>({ frames: new Map(), error: "", busy: true });
  const { range, live } = url.value;
  const tick = live && wanted && liveWindow(range) !== null ? Math.floor(clock.value / REFRESH_MS) : 0;
  useEffect(() => {
    if (!wanted || rows.length === 0) return;
    const now = Date.now();
    const span = resolveRange(range, now) ?? { from: now - 60_000, to: now };
    const abort = new AbortController();
    setState((s) => ({ ...s, busy: true }));
    Promise.all(rows.map(async ({ id, expr }) => [id, await askOnce({ expr, kind: "instant", max_series: ROWS_MAX }, span, 800, abort.signal)] as const)).then(
      (all) => setState({ frames: new Map(all), error: "", busy: false }),
      (e: Error) => abort.signal.aborted || setState({ frames: new Map(), error: e.message || t("error.cut"), busy: false }),
    );
    return () => abort.abort();
  }, [rows, wanted, again, tick, range.from, range.to]);
  return state;
}

interface TableProps {
  instant: Instant;
  rows: Row[];
  onTake: (expr: string) => void;
}

export function ResultTable({ instant, rows, onTake }: TableProps) {
  const asked = rows.flatMap((row) => {
    const f = instant.frames.get(row.id);
    return f && !f.error ? [{ row, f }] : [];
  });
  const first = asked[0];
  if (!first) return instant.busy ? <Loading /> : null;
  const all = asked.flatMap(({ row, f }) => f.series.map((s, i) => ({ row, labels: s.labels, unit: s.unit, v: f.columns[i]?.[0] ?? Number.NaN })));
  if (all.length === 0) return <WhyEmpty expr={first.row.expr} otherwise={t("explore.empty")} onTake={onTake} />;
  const metric = all[0]?.labels["__name__"];
  const shared = metric !== undefined && all.every((s) => s.labels["__name__"] === metric);
  const names = [...new Set(all.flatMap((s) => Object.keys(s.labels)))].filter((n) => !shared || n !== "__name__").sort((a, b) => Number(b === "__name__") - Number(a === "__name__") || a.localeCompare(b)).slice(0, LABEL_COLUMNS_MAX);
  const several = rows.length > 1;
  const truncated = asked.reduce((n, { f }) => n + f.truncated, 0);
  return (
    <div class="result-table">
      <table class="table">
        <caption class="soft">
          {shared ? <span class="mono strong">{metric}</span> : null}
          {shared ? " · " : ""}
          {formatDateTime(first.f.start, zone.value)}
        </caption>
        <thead>
          <tr>
            {several ? <th scope="col">{t("ex.col.query")}</th> : null}
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
          {all.map((s) => {
            const unit = guessUnit(s.row.expr, s.unit);
            return (
              <tr key={s.row.id + JSON.stringify(s.labels)}>
                {several ? <td>{s.row.id}</td> : null}
                {names.map((n) => (
                  <td class="mono wrap" key={n}>
                    {s.labels[n] ?? ""}
                  </td>
                ))}
                <td class="num" title={String(s.v)}>
                  {unit === "short" && Number.isFinite(s.v) ? String(Number(s.v.toPrecision(9))) : formatValue(s.v, unit)}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {truncated > 0 ? <p class="soft">{t("panel.truncated", { n: truncated })}</p> : null}
    </div>
  );
}
