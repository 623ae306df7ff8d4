// Plimsoll as it sees itself: its own metrics as a page.
import { useState } from "preact/hooks";
import { t } from "../../lib/text";
import { Panel, type PanelSpec } from "../../parts/Panel";

const OWN = 'job="plimsoll"';

const panels = (): PanelSpec[] => [
  { id: "s.cpu", title: t("col.cpu"), note: t("st.p.cpu.note"), unit: "short", area: true, asks: [{ id: "c", name: t("col.cpu"), expr: `sum(rate(process_cpu_seconds_total{${OWN}}[1m]))` }] },
  { id: "s.memory", title: t("col.memory"), note: t("st.p.memory.note"), unit: "bytes", area: true, asks: [{ id: "m", name: t("col.memory"), expr: `sum(process_resident_memory_bytes{${OWN}})` }] },
  { id: "s.samples", title: t("st.p.samples"), note: t("st.p.samples.note"), unit: "ops/s", area: true, asks: [{ id: "s", name: t("st.p.samples"), expr: "sum(rate(plimsoll_store_samples_total[1m]))" }] },
  { id: "s.sync", title: t("st.p.sync"), note: t("st.p.sync.note"), unit: "seconds", asks: [{ id: "s", name: t("st.p.sync"), expr: "sum(rate(plimsoll_store_wal_sync_seconds_total[1m])) / sum(rate(plimsoll_store_wal_syncs_total[1m]))" }] },
  { id: "s.requests", title: t("st.p.requests"), note: t("st.p.requests.note"), unit: "ops/s", stacked: true, asks: [{ id: "r", expr: "sum by (class) (rate(plimsoll_serve_requests_total[1m]))" }] },
  { id: "s.requesttime", title: t("st.p.request.time"), note: t("st.p.request.time.note"), unit: "seconds", asks: [{ id: "r", name: t("st.p.request.time"), expr: "sum(rate(plimsoll_serve_request_seconds_total[1m])) / sum(rate(plimsoll_serve_requests_total[1m]))" }] },
  { id: "s.queries", title: t("st.p.queries"), note: t("st.p.queries.note"), unit: "ops/s", area: true, asks: [{ id: "q", name: t("st.p.queries"), expr: "sum(rate(plimsoll_serve_queries_total[1m]))" }] },
  { id: "s.querytime", title: t("st.p.query.time"), note: t("st.p.request.time.note"), unit: "seconds", asks: [{ id: "q", name: t("st.p.query.time"), expr: "sum(rate(plimsoll_serve_query_seconds_total[1m])) / sum(rate(plimsoll_serve_queries_total[1m]))" }] },
  { id: "s.live", title: t("st.p.live"), note: t("st.p.live.note"), unit: "short", area: true, asks: [{ id: "l", name: t("st.p.live"), expr: "sum(plimsoll_serve_live_connections)" }] },
  { id: "s.analysis", title: t("st.p.analysis"), note: t("st.p.analysis.note"), unit: "ratio", area: true, asks: [{ id: "a", name: t("st.p.analysis"), expr: "max(plimsoll_analysis_cpu_ratio)" }] },
  { id: "s.lag", title: t("st.p.lag"), note: t("st.p.lag.note"), unit: "seconds", asks: [{ id: "l", name: t("st.p.lag"), expr: "max(plimsoll_analysis_lag_seconds)" }] },
  { id: "s.watched", title: t("st.p.watched"), note: t("st.p.watched.note"), unit: "short", area: true, asks: [{ id: "w", name: t("st.p.watched"), expr: "sum(plimsoll_analysis_watched_series)" }] },
  {
    id: "s.rules",
    title: t("st.p.rules"),
    note: t("st.p.rules.note"),
    unit: "ops/s",
    asks: [
      { id: "a", name: t("st.p.rules.all"), expr: "sum(rate(plimsoll_alert_rule_evaluations_total[1m]))" },
      { id: "f", name: t("st.p.rules.failed"), expr: "sum(rate(plimsoll_alert_rule_evaluation_failures_total[1m]))" },
    ],
  },
  {
    id: "s.deliveries",
    title: t("st.p.deliveries"),
    note: t("st.p.deliveries.note"),
    unit: "ops/s",
    asks: [
      { id: "a", name: t("st.p.deliveries.all"), expr: "sum(rate(plimsoll_alert_deliveries_total[5m]))" },
      { id: "f", name: t("st.p.deliveries.failed"), expr: "sum(rate(plimsoll_alert_delivery_failures_total[5m]))" },
    ],
  },
];

export function Self() {
  const specs = useState(panels)[0];
  return (
    <div class="section-panels">
      {specs.map((p) => (
        <Panel key={p.id} spec={p} />
      ))}
    </div>
  );
}
