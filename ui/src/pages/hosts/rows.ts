// The rows of the list of hosts: how each is, and what is worst about it. Pure.
import type { AlertRow } from "../../api/types";
import type { Figures } from "../../state/figures";
import { FULL, levelOf, WAITS } from "./use";

export type HostState = "ok" | "warning" | "critical" | "unknown";
export const STATES: HostState[] = ["critical", "warning", "unknown", "ok"];

export interface Worst {
  what: "down" | "alerts" | "cpu" | "memory" | "disk" | "pressure" | "unusual" | "none";
  n?: number;
  v?: number;
  jobs?: string[];
}

export interface HostRow {
  name: string;
  state: HostState;
  worst: Worst;
  jobs: string[];
  cpu: number;
  spark: ArrayLike<number>;
  memory: number;
  disk: number;
  pressure: number;
  unusual: number;
  alerts: number;
}

const rank: Record<HostState, number> = { critical: 0, warning: 1, unknown: 2, ok: 3 };
const bad = (severity: string) => severity === "critical" || severity === "page";
/** From a tenth of the series on, a host behaves unusually as a whole. */
const UNUSUAL = 0.1;

function stateOf(r: Omit<HostRow, "state" | "worst">, down: string[], firing: AlertRow[], known: boolean): [HostState, Worst] {
  if (down.length > 0) return ["critical", { what: "down", jobs: down }];
  if (firing.length > 0) return [firing.some((a) => bad(a.severity)) ? "critical" : "warning", { what: "alerts", n: firing.length }];
  if (!known) return ["unknown", { what: "none" }];
  const judged = [
    { what: "disk" as const, v: r.disk, level: levelOf(r.disk, FULL) },
    { what: "memory" as const, v: r.memory, level: levelOf(r.memory, FULL) },
    { what: "pressure" as const, v: r.pressure, level: levelOf(r.pressure, WAITS) },
    // A busy processor alone is work being done; only what waits for it is trouble.
    { what: "cpu" as const, v: r.cpu, level: levelOf(r.cpu, { warning: 0.9, critical: Number.POSITIVE_INFINITY }) },
    { what: "unusual" as const, v: r.unusual, level: levelOf(r.unusual, { warning: UNUSUAL, critical: Number.POSITIVE_INFINITY }) },
  ];
  const worst = judged.find((j) => j.level === "critical") ?? judged.find((j) => j.level === "warning");
  return worst ? [worst.level, { what: worst.what, v: worst.v }] : ["ok", { what: "none" }];
}

/** All hosts of the figures, the worst first, then by name. */
export function hostRows(of: Figures, alerts: readonly AlertRow[]): HostRow[] {
  const by = (id: string) => new Map((of.get(id) ?? []).map((f) => [f.labels["instance"] ?? "", f]));
  const [cpu, memory, disk, pressure, unusual] = ["cpu", "memory", "disk", "pressure", "unusual"].map(by);
  const up = of.get("up") ?? [];
  const jobs = new Map<string, { job: string; last: number }[]>();
  for (const f of up) {
    const name = f.labels["instance"] ?? "";
    jobs.set(name, [...(jobs.get(name) ?? []), { job: f.labels["job"] ?? "", last: f.last }]);
  }
  const firing = new Map<string, AlertRow[]>();
  for (const a of alerts) if (a.state === "firing" && a.labels["instance"]) firing.set(a.labels["instance"], [...(firing.get(a.labels["instance"]) ?? []), a]);
  const names = new Set([...jobs.keys(), ...(cpu?.keys() ?? []), ...(memory?.keys() ?? [])].filter(Boolean));
  const last = (m: typeof cpu, name: string) => m?.get(name)?.last ?? Number.NaN;
  const rows = [...names].map((name): HostRow => {
    const row = {
      name,
      jobs: (jobs.get(name) ?? []).map((j) => j.job),
      cpu: last(cpu, name),
      spark: cpu?.get(name)?.values ?? [],
      memory: last(memory, name),
      disk: last(disk, name),
      pressure: last(pressure, name),
      unusual: last(unusual, name),
      alerts: firing.get(name)?.length ?? 0,
    };
    const known = Number.isFinite(row.cpu) || Number.isFinite(row.memory) || (jobs.get(name) ?? []).some((j) => Number.isFinite(j.last));
    const [state, worst] = stateOf(row, (jobs.get(name) ?? []).filter((j) => j.last === 0).map((j) => j.job), firing.get(name) ?? [], known);
    return { ...row, state, worst };
  });
  return rows.sort((a, b) => rank[a.state] - rank[b.state] || a.name.localeCompare(b.name, undefined, { numeric: true }));
}
