// The query that gives a watched series again: analysis tells a name and labels. Pure.
import type { Unit } from "../../lib/format";

/** Named expressions of a host, as analysis reads them; `$m` stands for matchers. */
const NAMED: Record<string, [string, Unit]> = {
  cpu_busy: ['1 - avg by (instance, job) (rate(node_cpu_seconds_total{mode="idle"$m}[2m]))', "ratio"],
  load1: ["node_load1{$m}", "short"],
  memory_used: ["1 - node_memory_MemAvailable_bytes{$m} / node_memory_MemTotal_bytes{$m}", "ratio"],
  swap_used: ["1 - node_memory_SwapFree_bytes{$m} / (node_memory_SwapTotal_bytes{$m} > 0)", "ratio"],
  pressure_cpu: ["rate(node_pressure_cpu_waiting_seconds_total{$m}[2m])", "ratio"],
  pressure_io: ["rate(node_pressure_io_waiting_seconds_total{$m}[2m])", "ratio"],
  pressure_memory: ["rate(node_pressure_memory_waiting_seconds_total{$m}[2m])", "ratio"],
  context_switches: ["rate(node_context_switches_total{$m}[2m])", "ops/s"],
  tcp_retransmits: ["rate(node_netstat_Tcp_RetransSegs{$m}[2m])", "ops/s"],
  processes_running: ["node_procs_running{$m}", "short"],
  disk_used: ["1 - node_filesystem_avail_bytes{$m} / (node_filesystem_size_bytes{$m} > 0)", "ratio"],
  disk_busy: ["rate(node_disk_io_time_seconds_total{$m}[2m])", "ratio"],
  network_in: ["rate(node_network_receive_bytes_total{$m}[2m])", "bytes/s"],
  network_out: ["rate(node_network_transmit_bytes_total{$m}[2m])", "bytes/s"],
};

const matchersOf = (labels: Record<string, string>) =>
  Object.entries(labels)
    .filter(([k]) => k !== "__name__" && k !== "series")
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([k, v]) => `${/^[a-zA-Z_]\w*$/.test(k) ? k : JSON.stringify(k)}=${JSON.stringify(v)}`)
    .join(",");

/** A counter, by its name or by what its metadata says; it is watched as its rate. */
const counts = (name: string, type = "") => type === "counter" || (type === "" && /_(total|count|sum)$/.test(name));

export interface SeriesQuery {
  query: string;
  unit: Unit | undefined;
}

/** The query of a series that analysis watches; `type` is that of its metadata, if known. */
export function queryOf(series: string, labels: Record<string, string>, type = ""): SeriesQuery {
  const matchers = matchersOf(labels);
  const named = NAMED[series];
  if (named) {
    const [text, unit] = named;
    const query = text.replaceAll('"$m', `"${matchers && ","}$m`).replaceAll("$m", () => matchers);
    return { query: query.replaceAll("{}", ""), unit };
  }
  const selector = /^[a-zA-Z_:][\w:]*$/.test(series) ? `${series}${matchers ? `{${matchers}}` : ""}` : `{${[JSON.stringify(series), matchers].filter(Boolean).join(",")}}`;
  return counts(series, type) ? { query: `rate(${selector}[5m])`, unit: undefined } : { query: selector, unit: undefined };
}
