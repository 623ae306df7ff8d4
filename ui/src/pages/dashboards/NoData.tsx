// Why a panel shows nothing: its metric does not exist, its samples ended before this time, none has such labels, or the query leaves
// none of those that are there.
import { useEffect, useState } from "preact/hooks";
import { formatDateTime } from "../../lib/format";
import { t } from "../../lib/text";
import type { Span } from "../../lib/time";
import { metricNames, WhyEmpty } from "../../parts/WhyEmpty";
import { askOnce } from "../../state/panels";
import { patch, zone } from "../../state/url";
import { selectorOf } from "../explore/rows";

/** How far back the last samples are looked for: by the hour, and then the last one of that hour. */
const BACK_MS = 30 * 86_400_000;
const STEP_MS = 3_600_000;

/** Functions that need two samples of a series within their window. */
const PAIRS = /\b(i?rate|i?delta|increase|deriv)\s*\(/;

/** Whether pairs that are missing can be why: a comparison may have left out what came of them. */
const few = (expr: string) => PAIRS.test(expr) && !/[<>]|[!=]=/.test(expr.replace(/\{[^}]*\}/g, ""));

type Reason = { kind: "left" | "never" } | { kind: "since"; at: number };

async function reasonOf(selector: string, span: Span, signal: AbortSignal): Promise<Reason> {
  const seconds = Math.ceil((span.to - span.from) / 1000);
  const [here, before] = await Promise.all([
    askOnce({ expr: `group(present_over_time(${selector}[${seconds}s]))`, kind: "instant", max_series: 1 }, span, 200, signal),
    askOnce({ expr: `group(present_over_time(${selector}[1h]))`, kind: "range", step_ms: STEP_MS, max_series: 1 }, { from: span.from - BACK_MS, to: span.from }, 800, signal),
  ]);
  const failed = here.error ?? before.error;
  if (failed) throw new Error(failed.message);
  if (here.columns.some((c) => c.some((v) => v > 0))) return { kind: "left" };
  const seen = before.columns[0] ?? [];
  let hour = seen.length - 1;
  while (hour >= 0 && !((seen[hour] as number) > 0)) hour--;
  if (hour < 0) return { kind: "never" };
  const end = before.start + hour * before.step;
  const last = await askOnce({ expr: `max(max_over_time(timestamp(${selector})[1h:1m]))`, kind: "instant", max_series: 1 }, { from: end - STEP_MS, to: end }, 200, signal);
  return { kind: "since", at: (last.columns[0]?.[0] ?? 0) * 1000 || end };
}

export function NoData({ exprs, span }: { exprs: readonly string[]; span: Span }) {
  const [reason, setReason] = useState<Reason | null>(null);
  const expr = exprs[0] ?? "";
  const [metric] = metricNames(expr);
  const selector = metric ? selectorOf(expr, metric) : "";
  useEffect(() => {
    setReason(null);
    if (!selector) return;
    const abort = new AbortController();
    // What cannot be found out stays what is known: there are no data.
    reasonOf(selector, span, abort.signal).then((r) => !abort.signal.aborted && setReason(r), () => {});
    return () => abort.abort();
  }, [selector, Math.round(span.from / STEP_MS), Math.round(span.to / STEP_MS)]);
  if (!reason || !selector) return <WhyEmpty expr={expr} otherwise={t("panel.empty")} />;
  const { kind } = reason;
  const name = metric ?? selector;
  const what = kind === "since" ? t("nd.since", { name, at: formatDateTime(reason.at, zone.value) }) : kind === "never" ? t("nd.never", { selector }) : t(few(expr) ? "nd.few" : "nd.left", { name });
  return (
    <WhyEmpty expr={expr} otherwise={what}>
      {kind === "since" ? (
        <button type="button" class="button button-small" onClick={() => patch({ range: { from: String(Math.round(reason.at - (span.to - span.from))), to: String(Math.round(reason.at)) } })}>
          {t("nd.then")}
        </button>
      ) : null}
    </WhyEmpty>
  );
}
