// Reports: what each is to contain, when and to whom it goes, and the finished document as data (docs/user/reports.md).
import { request } from "./http";
import { get, OWN, send, withQuery } from "./rest";

export const FORMATS = ["pdf", "html", "png", "csv", "json", "md"] as const;
export type Format = (typeof FORMATS)[number];

export const SECTIONS = ["summary", "health", "availability", "incidents", "capacity", "risks", "recommendations", "insights", "dashboard", "panel", "top", "text"] as const;
export type SectionKind = (typeof SECTIONS)[number];

export interface Section {
  kind: SectionKind;
  title?: string | undefined;
  text?: string | undefined;
  expr?: string | undefined;
  unit?: string | undefined;
  /** a share, such as 0.999 */
  target?: number | undefined;
  limit?: number | undefined;
  dashboard?: string | undefined;
  /** a panel as dashboards have them, or the number of one of `dashboard` */
  panel?: unknown;
  variables?: Record<string, unknown> | undefined;
}

export interface Schedule {
  cron: string;
  receivers: string[];
}

export interface Report {
  id: string;
  title: string;
  sections: Section[];
  period: string;
  timezone: string;
  schedule?: Schedule | undefined;
  format: Format;
}

export interface ReportDoc extends Report {
  /** 0 of one that is always there */
  version: number;
  source: "built-in" | "api";
  author: string | null;
  changed_at: string | null;
  /** for when its schedule sent it last */
  sent_for: string | null;
  next_at: string | null;
}

/** The reports, and who can be sent one. */
export interface Reports {
  reports: ReportDoc[];
  receivers: string[];
}

/** A number as it is and as it is read. */
export interface Shown {
  value: number | null;
  text: string;
}

export interface Series {
  name: string;
  last: Shown | null;
  /** ms and value; null for a gap */
  points: [number, number | null][];
}

export type Block =
  | { kind: "text" | "missing"; text: string }
  | { kind: "facts"; facts: (Shown & { label: string; source: string })[] }
  | { kind: "table"; title: string; source: string; columns: string[]; rows: Shown[][]; left_out: number }
  | { kind: "figure"; title: string; source: string[]; unit: string; series: Series[]; columns: string[]; rows: string[][]; text: string };

export interface Finished {
  title: string;
  /** ms */
  from: number;
  to: number;
  timezone: string;
  /** the same for people */
  period: string;
  made_at: number;
  host: string;
  /** `within`: belongs to the one before it, as a row of a dashboard does */
  sections: { title: string; within?: boolean; kind: string; blocks: Block[] }[];
}

const at = (id: string, rest = "") => `${OWN}/reports/${encodeURIComponent(id)}${rest}`;

interface Time {
  from: number;
  to: number;
}
const seconds = (time: Time | null) => (time ? { from: String(time.from / 1000), to: String(time.to / 1000) } : {});

/** What of a document was written by people. */
export const written = ({ id, title, sections, period, timezone, schedule, format }: Report): Report => ({ id, title, sections, period, timezone, ...(schedule ? { schedule } : {}), format });

export const fetchReports = (signal: AbortSignal) => get<Reports>(`${OWN}/reports`, {}, signal);
export const fetchReport = (id: string) => get<ReportDoc>(at(id));
/** A report as data, about this time or its own. */
export const finish = (id: string, time: Time | null, signal: AbortSignal) => get<Finished>(at(id, "/render"), { format: "json", ...seconds(time) }, signal);
/** A report that need not be kept; what is wrong with it is an error. */
export const finishDraft = (report: Report, signal: AbortSignal) => send<Finished>("POST", `${OWN}/reports/render`, { report: written(report), format: "json" }, signal);
/** How the first attempt at a message went. */
export interface SendResult {
  receiver: string;
  /** of its channel; empty when nothing of it takes reports */
  kind: string;
  integration: string;
  state: "sent" | "retried" | "failed" | "waiting";
  error: string;
}
export const sendReport = (id: string, receivers: string[], time: Time) => send<{ results: SendResult[] }>("POST", at(id, "/send"), { receivers, ...seconds(time) });

interface Saved {
  id: string;
  version: number;
}
/** Who changes it, and why. */
interface By {
  author: string;
  note: string;
}
export const createReport = (report: Report, by: By) => send<Saved>("POST", `${OWN}/reports`, { report: written(report), ...by });
export const saveReport = (report: Report, version: number, by: By) => send<Saved>("PUT", at(report.id), { report: written(report), version, ...by });
export const deleteReport = (id: string, version: number) => send<unknown>("DELETE", at(id, `?version=${version}`));

export interface ReportVersion {
  version: number;
  author: string;
  at: string;
  note: string;
  sections: number;
}
export const fetchReportVersions = (id: string, signal: AbortSignal) => get<{ versions: ReportVersion[] }>(at(id, "/versions"), {}, signal);
export const fetchReportDiff = (id: string, from: number, to: number, signal: AbortSignal) => get<{ diff: string }>(at(id, "/diff"), { from: String(from), to: String(to) }, signal);
export const restoreReport = (id: string, version: number, author: string) => send<Saved>("POST", at(id, "/restore"), { version, author });

/** A report as a file, with the name that the server gives it. */
export async function fetchFile(id: string, format: Format, time: Time): Promise<{ blob: Blob; name: string }> {
  const response = await request(withQuery(at(id, "/render"), { format, ...seconds(time) }));
  const name = /filename="([^"]+)"/.exec(response.headers.get("content-disposition") ?? "")?.[1];
  return { blob: await response.blob(), name: name ?? `${id}.${format}` };
}
