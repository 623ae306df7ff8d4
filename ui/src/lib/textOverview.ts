// The texts of the lazy part of Overview; they arrive with it.
import { addTexts } from "./text";

const OVERVIEW = {
  "ov.now": "Now",
  "ov.latency": "Latency, p95",
  "ov.traffic": "Requests",
  "ov.errors": "Errors",
  "ov.cpu": "CPU",
  "ov.memory": "Memory",
  "ov.io": "Disks busy",
  "ov.net": "Network",
  "ov.waits": "Waiting",
  "ov.cpu.note": "busiest host",
  "ov.memory.note": "fullest host",
  "ov.io.note": "busiest device",
  "ov.net.note": "all hosts, in and out",
  "ov.waits.note": "for CPU, memory or disks",
  "ov.latency.note": "all services",
  "ov.traffic.note": "all services",
  "ov.errors.note": "share of requests",
  "ov.week": "{v} on last week",
  "ov.week.same": "as last week",
  "ov.unusual": "Unusual series",
  "ov.hosts.counts": "{ok} healthy, {warning} warning, {critical} critical, {unknown} without data",
  "ov.hosts.none": "No host is seen yet.",
  "ov.services.none": "No service is seen yet.",
  "ov.cell": "{name}: {state}",
  "ov.more": "{n} more",
  "ov.insights.note": "by impact and confidence",
  "ov.insights.empty": "Nothing worth telling was found. Analysis looks every few seconds; the first findings take some minutes.",
  "ov.insights.sure": "{pct} sure",
  "ov.recommendations.empty": "Nothing to do.",
  "ov.changes": "Changes",
  "ov.changes.note": "last 24 hours",
  "ov.changes.empty": "Nothing was restarted, deployed or configured anew.",
  "ov.state.ok": "healthy",
  "ov.state.warning": "warning",
  "ov.state.critical": "critical",
  "ov.state.unknown": "no data",
} as const;

export type OverviewKey = keyof typeof OVERVIEW;

addTexts(OVERVIEW);
