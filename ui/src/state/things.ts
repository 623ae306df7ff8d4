// What the command palette finds besides pages and metrics: hosts, services, dashboards and reports; asked for when first wanted
// and again after a minute. What cannot be asked is left out.
import { signal } from "@preact/signals";
import { request } from "../api/http";
import { placeNamed } from "./places";

interface Named {
  id: string;
  title: string;
}

export interface Things {
  hosts: string[];
  services: string[];
  dashboards: Named[];
  reports: Named[];
}

const KEEP_MS = 60_000;
/** Of each kind; more is not searched. */
const THINGS_MAX = 2_000;
export const things = signal<Things>({ hosts: [], services: [], dashboards: [], reports: [] });
let askedAt = Number.NEGATIVE_INFINITY;

const json = async <T>(path: string): Promise<T | null> => {
  try {
    return (await (await request(path)).json()) as T;
  } catch {
    return null;
  }
};

const named = (all: Named[] = []) => all.slice(0, THINGS_MAX).map(({ id, title }) => ({ id, title }));

export async function wantThings(): Promise<void> {
  if (Date.now() - askedAt < KEEP_MS) return;
  askedAt = Date.now();
  const [hosts, services, boards, reports] = await Promise.all([
    json<{ data?: string[] }>(`/api/v1/label/instance/values?limit=${THINGS_MAX}`),
    json<{ data?: string[] }>(`/api/v1/label/job/values?limit=${THINGS_MAX}`),
    placeNamed("dashboards") ? json<{ dashboards?: Named[] }>("/api/plimsoll/v1/dashboards") : null,
    json<{ reports?: Named[] }>("/api/plimsoll/v1/reports"),
  ]);
  things.value = {
    hosts: (hosts?.data ?? []).slice(0, THINGS_MAX),
    services: (services?.data ?? []).slice(0, THINGS_MAX),
    dashboards: named(boards?.dashboards),
    reports: named(reports?.reports),
  };
}
