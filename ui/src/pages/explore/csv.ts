// A chart's data as a CSV file (RFC 4180): one row a time, one column a series. Pure but for `save`.
import type { PlotData } from "../../charts/plot";

/** Rows of a file. */
const ROWS_MAX = 50_000;

/** Spreadsheets take a text that begins with one of these for a formula. */
const field = (text: string) => {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
};

export function csvOf(data: PlotData): string {
  const lines = data.lines.filter((l) => !l.hidden);
  const head = ["time", ...lines.map((l) => field(l.name))].join(",");
  const rows = Array.from({ length: Math.min(data.n, ROWS_MAX) }, (_, i) => [new Date(data.start + i * data.step).toISOString(), ...lines.map((l) => (Number.isFinite(l.values[i]) ? String(l.values[i]) : ""))].join(","));
  return `${[head, ...rows].join("\r\n")}\r\n`;
}

/** Hands a text to the browser as a file. */
export function save(name: string, text: string): void {
  const a = document.createElement("a");
  a.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 10_000);
}
