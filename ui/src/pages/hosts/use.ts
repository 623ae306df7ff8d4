// What a host is asked: utilisation, saturation and errors of each of its resources. Queries only; pure.
import type { Unit } from "../../lib/format";
import type { TextKey } from "../../lib/text";
import type { Ask } from "../../state/panels";

export const quoted = (v: string) => JSON.stringify(v);

/** File systems that are no place to store things, as most dashboards leave them out. */
export const REAL_FS = 'fstype!~"tmpfs|devtmpfs|ramfs|overlay|squashfs|iso9660|autofs|nsfs|proc|sysfs|cgroup2?"';

/** How the hosts of a list are, by `instance`. */
export const HOST_ASKS: Ask[] = [
  { id: "cpu", expr: '1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[2m]))' },
  { id: "memory", expr: "max by (instance) (1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)" },
  { id: "disk", expr: `max by (instance) (1 - node_filesystem_avail_bytes{${REAL_FS}} / node_filesystem_size_bytes{${REAL_FS}})` },
  { id: "pressure", expr: `max by (instance) (${["cpu", "io", "memory"].map((r) => `label_replace(rate(node_pressure_${r}_waiting_seconds_total[2m]), "of", "${r}", "", "")`).join(" or ")})` },
  { id: "up", expr: "min by (instance, job) (up)" },
  { id: "unusual", expr: 'plimsoll_anomaly_rate{by="instance"}' },
];

export type Level = "ok" | "warning" | "critical";

/** Marks of a figure: at or above them it is worth a look, or bad. */
export interface Marks {
  warning: number;
  critical: number;
}

export const levelOf = (v: number, m: Marks | undefined): Level => (!m || !(v >= m.warning) ? "ok" : v >= m.critical ? "critical" : "warning");

export const FULL: Marks = { warning: 0.8, critical: 0.95 };
/** A share of time in which something waited. */
export const WAITS: Marks = { warning: 0.1, critical: 0.4 };
/** Any at all. */
export const ANY: Marks = { warning: 1e-9, critical: Number.POSITIVE_INFINITY };

export interface UseFigure {
  id: string;
  expr: string;
  unit: Unit;
  /** what it is, in words */
  text: TextKey;
  marks?: Marks;
}

export interface UseRow {
  id: "cpu" | "memory" | "disk" | "fs" | "net";
  utilisation: UseFigure;
  saturation: UseFigure;
  errors: UseFigure | null;
}

/** The rows of the table of a host. */
export function useRows(instance: string): UseRow[] {
  const i = `instance=${quoted(instance)}`;
  const figure = (id: string, text: TextKey, expr: string, unit: Unit, marks?: Marks): UseFigure => ({ id, text, expr, unit, ...(marks ? { marks } : {}) });
  return [
    {
      id: "cpu",
      utilisation: figure("cpu.u", "ho.u.cpu", `1 - avg(rate(node_cpu_seconds_total{${i},mode="idle"}[2m]))`, "ratio", FULL),
      saturation: figure("cpu.s", "ho.s.pressure", `max(rate(node_pressure_cpu_waiting_seconds_total{${i}}[2m]))`, "ratio", WAITS),
      errors: null,
    },
    {
      id: "memory",
      utilisation: figure("memory.u", "ho.u.memory", `max(1 - node_memory_MemAvailable_bytes{${i}} / node_memory_MemTotal_bytes{${i}})`, "ratio", FULL),
      saturation: figure("memory.s", "ho.s.pressure", `max(rate(node_pressure_memory_waiting_seconds_total{${i}}[2m]))`, "ratio", WAITS),
      errors: figure("memory.e", "ho.e.oom", `sum(increase(node_vmstat_oom_kill{${i}}[1h]))`, "short", ANY),
    },
    {
      id: "disk",
      utilisation: figure("disk.u", "ho.u.disk", `max(rate(node_disk_io_time_seconds_total{${i}}[2m]))`, "ratio", FULL),
      saturation: figure("disk.s", "ho.s.pressure", `max(rate(node_pressure_io_waiting_seconds_total{${i}}[2m]))`, "ratio", WAITS),
      errors: null,
    },
    {
      id: "fs",
      utilisation: figure("fs.u", "ho.u.fs", `max(1 - node_filesystem_avail_bytes{${i},${REAL_FS}} / node_filesystem_size_bytes{${i},${REAL_FS}})`, "ratio", FULL),
      saturation: figure("fs.s", "ho.s.inodes", `max(1 - node_filesystem_files_free{${i},${REAL_FS}} / (node_filesystem_files{${i},${REAL_FS}} > 0))`, "ratio", FULL),
      errors: figure("fs.e", "ho.e.fs", `sum(node_filesystem_device_error{${i},${REAL_FS}})`, "short", ANY),
    },
    {
      id: "net",
      utilisation: figure("net.u", "ho.u.net", `sum(rate(node_network_receive_bytes_total{${i},device!="lo"}[2m])) + sum(rate(node_network_transmit_bytes_total{${i},device!="lo"}[2m]))`, "bytes/s"),
      saturation: figure("net.s", "ho.s.drops", `sum(rate(node_network_receive_drop_total{${i},device!="lo"}[5m])) + sum(rate(node_network_transmit_drop_total{${i},device!="lo"}[5m]))`, "ops/s", ANY),
      errors: figure("net.e", "ho.e.net", `sum(rate(node_network_receive_errs_total{${i},device!="lo"}[5m])) + sum(rate(node_network_transmit_errs_total{${i},device!="lo"}[5m]))`, "ops/s", ANY),
    },
  ];
}

/** What there is to know of a host at the top of its page. */
export const factAsks = (instance: string): Ask[] => {
  const i = `instance=${quoted(instance)}`;
  return [
    { id: "uname", expr: `node_uname_info{${i}}` },
    { id: "os", expr: `node_os_info{${i}}` },
    { id: "boot", expr: `time() - max(node_boot_time_seconds{${i}})` },
    { id: "cores", expr: `count(node_cpu_seconds_total{${i},mode="idle"})` },
    { id: "installed", expr: `max(node_memory_MemTotal_bytes{${i}})` },
    { id: "up", expr: `min by (job) (up{${i}})` },
  ];
};
