// The charts of a host's page, by resource. Queries only; pure.
import { t } from "../../lib/text";
import type { PanelSpec } from "../../parts/Panel";
import { quoted, REAL_FS, type UseRow } from "./use";

const MODES = ["user", "system", "iowait", "steal", "softirq", "irq", "nice"];

export function hostPanels(instance: string): Record<UseRow["id"], PanelSpec[]> {
  const i = `instance=${quoted(instance)}`;
  const net = `${i},device!="lo"`;
  return {
    cpu: [
      { id: "cpu.mode", title: t("ho.p.cpu"), note: t("ho.p.cpu.note"), unit: "ratio", stacked: true, order: MODES, asks: [{ id: "mode", expr: `avg by (mode) (rate(node_cpu_seconds_total{${i},mode!="idle"}[1m]))` }] },
      { id: "cpu.core", title: t("ho.p.cores"), note: t("ho.p.cores.note"), unit: "ratio", asks: [{ id: "core", expr: `sum by (cpu) (rate(node_cpu_seconds_total{${i},mode!="idle"}[1m]))` }] },
      {
        id: "cpu.load",
        title: t("ho.p.load"),
        note: t("ho.p.load.note"),
        unit: "short",
        asks: [
          { id: "l1", name: t("ho.p.load.1"), expr: `max(node_load1{${i}})` },
          { id: "l5", name: t("ho.p.load.5"), expr: `max(node_load5{${i}})` },
          { id: "l15", name: t("ho.p.load.15"), expr: `max(node_load15{${i}})` },
          { id: "cores", name: t("ho.p.load.cores"), reference: true, expr: `count(node_cpu_seconds_total{${i},mode="idle"})` },
        ],
      },
      { id: "cpu.wait", title: t("ho.p.cpuwait"), note: t("ho.p.pressure.note"), unit: "ratio", area: true, asks: [{ id: "w", name: t("ho.p.waiting"), expr: `max(rate(node_pressure_cpu_waiting_seconds_total{${i}}[1m]))` }] },
    ],
    memory: [
      {
        id: "mem.use",
        title: t("ho.p.memory"),
        note: t("ho.p.memory.note"),
        unit: "bytes",
        area: true,
        asks: [
          { id: "used", name: t("over.memory.used"), expr: `max(node_memory_MemTotal_bytes{${i}} - node_memory_MemAvailable_bytes{${i}})` },
          { id: "cache", name: t("ho.p.memory.cache"), expr: `max(node_memory_Cached_bytes{${i}} + node_memory_Buffers_bytes{${i}})` },
          { id: "total", name: t("over.memory.total"), reference: true, expr: `max(node_memory_MemTotal_bytes{${i}})` },
        ],
      },
      { id: "mem.wait", title: t("ho.p.memwait"), note: t("ho.p.pressure.note"), unit: "ratio", area: true, asks: [{ id: "w", name: t("ho.p.waiting"), expr: `max(rate(node_pressure_memory_waiting_seconds_total{${i}}[1m]))` }] },
      {
        id: "mem.swap",
        title: t("ho.p.swap"),
        note: t("ho.p.swap.note"),
        unit: "ops/s",
        asks: [
          { id: "in", name: t("ho.p.swap.in"), expr: `max(rate(node_vmstat_pswpin{${i}}[1m]))` },
          { id: "out", name: t("ho.p.swap.out"), expr: `max(rate(node_vmstat_pswpout{${i}}[1m]))` },
        ],
      },
      { id: "mem.fault", title: t("ho.p.faults"), note: t("ho.p.faults.note"), unit: "ops/s", asks: [{ id: "f", name: t("ho.p.faults.major"), expr: `max(rate(node_vmstat_pgmajfault{${i}}[1m]))` }] },
    ],
    disk: [
      { id: "disk.busy", title: t("ho.p.busy"), note: t("ho.p.busy.note"), unit: "ratio", asks: [{ id: "b", expr: `rate(node_disk_io_time_seconds_total{${i}}[1m])` }] },
      {
        id: "disk.bytes",
        title: t("ho.p.diskbytes"),
        note: t("over.disk.note"),
        unit: "bytes/s",
        area: true,
        asks: [
          { id: "read", name: t("over.disk.read"), expr: `sum(rate(node_disk_read_bytes_total{${i}}[1m]))` },
          { id: "written", name: t("over.disk.written"), expr: `sum(rate(node_disk_written_bytes_total{${i}}[1m]))` },
        ],
      },
      {
        id: "disk.ms",
        title: t("ho.p.disktime"),
        note: t("ho.p.disktime.note"),
        unit: "seconds",
        asks: [
          { id: "r", name: t("over.disk.read"), expr: `sum(rate(node_disk_read_time_seconds_total{${i}}[1m])) / sum(rate(node_disk_reads_completed_total{${i}}[1m]))` },
          { id: "w", name: t("over.disk.written"), expr: `sum(rate(node_disk_write_time_seconds_total{${i}}[1m])) / sum(rate(node_disk_writes_completed_total{${i}}[1m]))` },
        ],
      },
      { id: "disk.wait", title: t("ho.p.iowait"), note: t("ho.p.pressure.note"), unit: "ratio", area: true, asks: [{ id: "w", name: t("ho.p.waiting"), expr: `max(rate(node_pressure_io_waiting_seconds_total{${i}}[1m]))` }] },
    ],
    fs: [
      { id: "fs.used", title: t("ho.p.fs"), note: t("ho.p.fs.note"), unit: "ratio", asks: [{ id: "u", expr: `1 - max by (mountpoint) (node_filesystem_avail_bytes{${i},${REAL_FS}} / node_filesystem_size_bytes{${i},${REAL_FS}})` }] },
      { id: "fs.inodes", title: t("ho.p.inodes"), note: t("ho.p.fs.note"), unit: "ratio", asks: [{ id: "u", expr: `1 - max by (mountpoint) (node_filesystem_files_free{${i},${REAL_FS}} / (node_filesystem_files{${i},${REAL_FS}} > 0))` }] },
    ],
    net: [
      { id: "net.in", title: t("ho.p.netin"), note: t("ho.p.net.note"), unit: "bytes/s", asks: [{ id: "in", expr: `sum by (device) (rate(node_network_receive_bytes_total{${net}}[1m]))` }] },
      { id: "net.out", title: t("ho.p.netout"), note: t("ho.p.net.note"), unit: "bytes/s", asks: [{ id: "out", expr: `sum by (device) (rate(node_network_transmit_bytes_total{${net}}[1m]))` }] },
      {
        id: "net.bad",
        title: t("ho.p.netbad"),
        note: t("ho.p.netbad.note"),
        unit: "ops/s",
        asks: [
          { id: "drop", name: t("ho.p.netbad.drops"), expr: `sum(rate(node_network_receive_drop_total{${net}}[1m])) + sum(rate(node_network_transmit_drop_total{${net}}[1m]))` },
          { id: "err", name: t("ho.p.netbad.errors"), expr: `sum(rate(node_network_receive_errs_total{${net}}[1m])) + sum(rate(node_network_transmit_errs_total{${net}}[1m]))` },
          { id: "retrans", name: t("ho.p.netbad.retrans"), expr: `sum(rate(node_netstat_Tcp_RetransSegs{${i}}[1m]))` },
        ],
      },
      { id: "net.conn", title: t("ho.p.conns"), note: t("ho.p.conns.note"), unit: "short", asks: [{ id: "c", name: t("ho.p.conns.open"), expr: `max(node_netstat_Tcp_CurrEstab{${i}})` }] },
    ],
  };
}
