// Which chunk of the program shows which page. A chunk arrives, with its styles and texts, when first wanted.
import type { ComponentType } from "preact";
import type { PageName } from "../state/places";

const hosts = () => import("../pages/Hosts").then((m) => m.Hosts);
const alerting = () => import("../pages/Alerting").then((m) => m.Alerting);

const insights = () => import("../pages/Insights").then((m) => m.Insights);
const dashboards = () => import("../pages/Dashboards").then((m) => m.Dashboards);

/** Pages with one loader share one component, which stays while these pages are changed. Overview is part of the first load. */
export const CHUNKS: Record<Exclude<PageName, "overview">, () => Promise<ComponentType>> = {
  explore: () => import("../pages/Explore").then((m) => m.Explore),
  dashboards,
  short: dashboards,
  alerts: alerting,
  incidents: alerting,
  silences: alerting,
  history: alerting,
  receivers: alerting,
  rules: alerting,
  files: alerting,
  insights,
  anomalies: insights,
  drift: insights,
  recommendations: insights,
  risks: insights,
  assessments: insights,
  accuracy: insights,
  capacity: () => import("../pages/Capacity").then((m) => m.Capacity),
  compare: () => import("../pages/Compare").then((m) => m.Compare),
  hosts,
  services: hosts,
  reports: () => import("../pages/Reports").then((m) => m.Reports),
  status: () => import("../pages/Status").then((m) => m.Status),
};

/** What explains a window of a chart: a sheet over any page. */
export const WHY = () => import("../pages/Why").then((m) => m.Why);
