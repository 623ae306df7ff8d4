// The golden signals of Overview: what is asked, and how it compares with last week. Queries only; pure.
import type { Unit } from "../../lib/format";
import type { Figure } from "../../state/figures";
import { FULL, type Marks, WAITS } from "../hosts/use";

export interface Golden {
  id: "latency" | "traffic" | "errors" | "cpu" | "memory" | "waits" | "io" | "net";
  expr: string;
  unit: Unit;
  marks?: Marks;
  /** where more of it is not worse */
  neutral?: true;
}

const either = (...all: string[]) => all.join(" or ");
const rate = (name: string, match = "") => `sum(rate(${name}${match}[2m]))`;
const failed = (name: string, code: string) => `(${rate(name, `{${code}=~"5.*"}`)} / ${rate(name)})`;
const p95 = (name: string) => `histogram_quantile(0.95, sum by (le) (rate(${name}[2m])))`;

/** Services first, where something tells of requests; then the machines. Those without data are left out. */
export const GOLDEN: Golden[] = [
  { id: "latency", expr: either(p95("http_request_duration_seconds_bucket"), p95("http_server_request_duration_seconds_bucket")), unit: "seconds" },
  { id: "traffic", expr: either(rate("http_requests_total"), rate("http_server_request_duration_seconds_count"), rate("grpc_server_handled_total")), unit: "ops/s", neutral: true },
  { id: "errors", expr: either(failed("http_requests_total", "code"), failed("http_server_request_duration_seconds_count", "http_response_status_code")), unit: "ratio", marks: { warning: 0.01, critical: 0.05 } },
  { id: "cpu", expr: 'max(1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[2m])))', unit: "ratio", marks: { warning: 0.9, critical: Number.POSITIVE_INFINITY } },
  { id: "memory", expr: "max(1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)", unit: "ratio", marks: FULL },
  { id: "waits", expr: `max(${["cpu", "io", "memory"].map((r) => `label_replace(rate(node_pressure_${r}_waiting_seconds_total[2m]), "of", "${r}", "", "")`).join(" or ")})`, unit: "ratio", marks: WAITS },
  { id: "io", expr: "max(rate(node_disk_io_time_seconds_total[2m]))", unit: "ratio", marks: FULL },
  { id: "net", expr: 'sum(rate(node_network_receive_bytes_total{device!="lo"}[2m])) + sum(rate(node_network_transmit_bytes_total{device!="lo"}[2m]))', unit: "bytes/s", neutral: true },
];

/** The mean of an hour that ended a week ago. */
export const lastWeek = (g: Golden) => `avg_over_time((${g.expr})[1h:1m] offset 7d)`;

export const meanOf = (f: Figure | undefined): number => {
  const all = [...(f?.values ?? [])].filter(Number.isFinite);
  return all.length ? all.reduce((a, b) => a + b, 0) / all.length : Number.NaN;
};

/** By which part the hour differs from that of last week; null where it cannot be said. */
export function change(now: number, then: number): number | null {
  if (!Number.isFinite(now) || !Number.isFinite(then)) return null;
  if (then === 0) return now === 0 ? 0 : null;
  return now / then - 1;
}

/** `+12 %`; beyond ten times as a factor. */
export function changeText(c: number): string {
  if (c >= 9) return `×${c + 1 >= 100 ? ">100" : (c + 1).toFixed(0)}`;
  return `${c > 0 ? "+" : "−"}${Math.abs(c * 100).toFixed(0)} %`;
}
