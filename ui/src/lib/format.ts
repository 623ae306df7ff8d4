// Numbers and times as people read them. All through Intl; digits are tabular in CSS.
import { zoneName } from "./zone";

// A unit that is not known here is written after the number, as it is.
export type Unit = "bytes" | "bytes/s" | "bits" | "bits/s" | "seconds" | "ratio" | "percent" | "ops/s" | "short" | "count" | "none" | "celsius" | "hertz" | "volts" | "watts" | (string & {});

const IEC = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
const SI = ["", "k", "M", "G", "T", "P"];

const cache = new Map<string, Intl.NumberFormat>();
function digits(v: number, max: number): string {
  const key = String(max);
  let f = cache.get(key);
  if (!f) {
    f = new Intl.NumberFormat("en", { maximumFractionDigits: max });
    cache.set(key, f);
  }
  return f.format(Object.is(v, -0) ? 0 : v);
}

const fixed = new Map<number, Intl.NumberFormat>();

/** Three significant digits, but never fewer than the whole part; or so many decimals as are asked for. */
function compact(v: number, decimals?: number): string {
  const a = Math.abs(v);
  if (decimals !== undefined) {
    const n = Math.max(0, Math.min(10, Math.round(decimals) || 0));
    let f = fixed.get(n);
    if (!f) {
      f = new Intl.NumberFormat("en", { minimumFractionDigits: n, maximumFractionDigits: n, signDisplay: "negative" });
      fixed.set(n, f);
    }
    return f.format(a === 0 ? 0 : v);
  }
  if (a === 0) return "0";
  if (a < 0.001) return v.toExponential(1);
  return digits(v, a >= 100 ? 0 : a >= 10 ? 1 : a >= 1 ? 2 : 3);
}

function scaled(v: number, base: number, names: string[], decimals?: number): [string, string] {
  let a = Math.abs(v);
  let i = 0;
  // 999.5 and up would print as 1,000 of the smaller unit.
  while (a >= base - base * 0.0005 && i < names.length - 1) {
    a /= base;
    i++;
  }
  return [compact(v < 0 ? -a : a, decimals), names[i] ?? ""];
}

function seconds(v: number, decimals?: number): string {
  const a = Math.abs(v);
  if (a === 0) return "0 s";
  if (a < 1e-6) return `${compact(v * 1e9, decimals)} ns`;
  if (a < 1e-3) return `${compact(v * 1e6, decimals)} µs`;
  if (a < 1) return `${compact(v * 1e3, decimals)} ms`;
  if (a < 120) return `${compact(v, decimals)} s`;
  return `${v < 0 ? "-" : ""}${formatDuration(v * 1000)}`;
}

/** What stands after numbers that are shortened by thousands. */
const SI_UNITS: Record<string, string> = { "bits/s": "b/s", bits: "b", "bits_si/s": "b/s", bits_si: "b", "bytes_si/s": "B/s", bytes_si: "B", hertz: "Hz", volts: "V", amperes: "A", watts: "W", joules: "J", watt_hours: "Wh" };
const PLAIN_UNITS: Record<string, string> = { percent: "%", celsius: "°C", fahrenheit: "°F", kelvin: "K", decibels: "dB", count: "", none: "" };
/** How many seconds one is. */
const SECONDS: Record<string, number> = { milliseconds: 1e-3, microseconds: 1e-6, nanoseconds: 1e-9, minutes: 60, hours: 3_600, days: 86_400 };
/** What 0 and everything else are called. */
const EITHER: Record<string, [string, string]> = { bool: ["false", "true"], yes_no: ["no", "yes"], on_off: ["off", "on"] };

/** A value with its unit; "–" for a gap. */
export function formatValue(v: number, unit: Unit, decimals?: number): string {
  if (Number.isNaN(v)) return "–";
  if (!Number.isFinite(v)) return v > 0 ? "+∞" : "−∞";
  switch (unit) {
    case "bytes":
    case "bytes/s": {
      const [n, u] = scaled(v, 1024, IEC, decimals);
      return `${n} ${u}${unit === "bytes/s" ? "/s" : ""}`;
    }
    case "seconds":
      return seconds(v, decimals);
    case "ratio":
      // What is left over from subtracting a base is noise, not a share.
      return `${compact(Math.abs(v) < 1e-6 ? 0 : v * 100, decimals)} %`;
    case "ops/s": {
      const [n, u] = scaled(v, 1000, SI, decimals);
      return `${n}${u ? ` ${u}` : ""}/s`;
    }
    case "ops/min": {
      const [n, u] = scaled(v, 1000, SI, decimals);
      return `${n}${u ? ` ${u}` : ""}/min`;
    }
    case "datetime":
      return Math.abs(v) > 8.64e15 ? "–" : new Date(v).toISOString().slice(0, 19).replace("T", " ");
    case "hex":
      return Math.trunc(v).toString(16);
    case "scientific":
      return v.toExponential(decimals ?? 2);
    case "":
    case "short": {
      const [n, u] = scaled(v, 1000, SI, decimals);
      return `${n}${u ? ` ${u}` : ""}`;
    }
  }
  const one = SECONDS[unit];
  if (one !== undefined) return seconds(v * one, decimals);
  const either = EITHER[unit];
  if (either) return either[v === 0 ? 0 : 1];
  if (unit.startsWith("prefix:")) return `${unit.slice(7)}${compact(v, decimals)}`;
  if (unit.startsWith("suffix:")) return `${compact(v, decimals)} ${unit.slice(7).trim()}`.trim();
  const si = SI_UNITS[unit];
  if (si !== undefined) {
    const [n, u] = scaled(v, 1000, SI, decimals);
    return `${n} ${u}${si}`;
  }
  const after = PLAIN_UNITS[unit] ?? unit;
  return after ? `${compact(v, decimals)} ${after}` : compact(v, decimals);
}

/** A whole count with thousands separators. */
export const formatCount = (v: number) => (Number.isFinite(v) ? digits(v, 0) : "–");

/** "2 d 3 h", "4 m 5 s", "1.2 s": two parts at most. */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) return "–";
  const s = Math.abs(ms) / 1000;
  if (s < 10) return `${digits(s, 1)} s`;
  if (s < 60) return `${Math.floor(s)} s`;
  const parts: [number, string][] = [
    [86_400, "d"],
    [3_600, "h"],
    [60, "m"],
    [1, "s"],
  ];
  const at = parts.findIndex(([size]) => s >= size);
  const [size, name] = parts[at] ?? [1, "s"];
  const whole = Math.floor(s / size);
  const next = parts[at + 1];
  const rest = next ? Math.floor((s - whole * size) / next[0]) : 0;
  return next && rest > 0 && whole < 10 ? `${whole} ${name} ${rest} ${next[1]}` : `${whole} ${name}`;
}

/** Which unit a query's values have, from the server's word, the metric's name and the functions around it. */
export function guessUnit(expr: string, serverUnit = ""): Unit {
  const told: Record<string, Unit> = { bytes: "bytes", "bytes/s": "bytes/s", seconds: "seconds", ratio: "ratio", "ops/s": "ops/s" };
  const known = told[serverUnit];
  if (known) return known;
  const unit = unitOf(expr);
  const times = scaleOf(expr);
  return times === 1 ? unit : times === 100 && unit === "ratio" ? "percent" : "short";
}

/** What of an expression says nothing of its scale: texts, matchers and times, what is compared with, arguments. */
const ASIDE = [/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`/g, /\{[^}]*\}|\[[^\]]*\]/g, /(?:[<>]=?|[=!]=)\s*(?:bool\s+)?[\d.][\de.\s*/+-]*/g];
const ARGUMENT = /,\s*[\d.][\de.\s*/+-]*([,)])/g;
const BEFORE = /(?:^|[^\w.])(\d[\d.]*(?:e[+-]?\d+)?)\s*([*/])/gi;
const AFTER = /([*/])\s*\(?\s*(\d[\d.]*(?:e[+-]?\d+)?)/gi;

/** The number that an expression multiplies what it reads with; NaN where it divides, too. */
function scaleOf(expr: string): number {
  const bare = ASIDE.reduce((text, re) => text.replace(re, " "), expr).replace(ARGUMENT, "$1");
  let scale = 1;
  for (const [, n, op] of bare.matchAll(BEFORE)) scale *= op === "*" ? Number(n) : Number.NaN;
  for (const [, op, n] of bare.matchAll(AFTER)) scale *= op === "*" || Number(n) === 1 ? Number(n) : Number.NaN;
  return scale;
}

/** The unit of what an expression reads. */
function unitOf(expr: string): Unit {
  // Two different things divided are a ratio only when both carry the same unit; we do not guess further.
  const names = expr.match(/[a-zA-Z_:][\w:]*_(bytes|seconds|ratio|total|celsius)(_total)?\b/g) ?? [];
  const name = names[0] ?? "";
  const perSecond = /\b(i?rate|deriv)\s*\(|_total:\w*rate/.test(expr);
  const bucket = /_(seconds|bytes)_bucket\b/.exec(expr)?.[1];
  if (bucket && /\bhistogram_quantile\s*\(/.test(expr)) return bucket as Unit;
  if (/\bcount\b\s*(by|without)?\s*\(/.test(expr)) return "short";
  const divided = /\)\s*\/\s*(ignoring|on|\w|\()|[a-z}]\s*\/\s*[a-z(]/.test(expr);
  // Means of what a histogram or a summary adds up.
  const sum = /_(seconds|bytes)_sum\b/.exec(expr)?.[1];
  if (sum && divided && /_count\b/.test(expr)) return sum as Unit;
  // What is left of one.
  if (divided && /(^|\()\s*1\s*-\s/.test(expr)) return "ratio";
  if (divided && names.length >= 2 && names.every((x) => /_bytes/.test(x))) return "ratio";
  if (divided && names.length >= 2 && names.every((x) => /_total$/.test(x) && !/_(bytes|seconds)_total$/.test(x))) return "ratio";
  if (/_bytes(_total)?$/.test(name)) return perSecond ? "bytes/s" : "bytes";
  if (/_seconds_total$/.test(name) || /_seconds$/.test(name)) {
    if (divided && perSecond && /_count\b/.test(expr)) return "seconds";
    return perSecond ? "ratio" : "seconds";
  }
  if (/_ratio$/.test(name)) return "ratio";
  if (perSecond) return "ops/s";
  return "short";
}

const esc = (v: string) => v.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");

/** A series as PromQL would write it, without labels that all series share. */
export function seriesName(labels: Record<string, string>, shared: ReadonlySet<string> = new Set()): string {
  const name = labels["__name__"] ?? "";
  const rest = Object.keys(labels)
    .filter((k) => k !== "__name__" && !shared.has(k))
    .sort();
  if (rest.length === 1 && (!name || shared.has("__name__"))) return labels[rest[0] as string] || "{}";
  const inner = rest.map((k) => `${k}="${esc(labels[k] ?? "")}"`).join(", ");
  const shown = shared.has("__name__") && inner ? "" : name;
  return inner ? `${shown}{${inner}}` : shown || "{}";
}

/** Label names with one and the same value in every series (only when there are several). */
export function sharedLabels(all: Record<string, string>[]): Set<string> {
  const first = all[0];
  if (!first || all.length < 2) return new Set();
  return new Set(Object.keys(first).filter((k) => all.every((l) => l[k] === first[k])));
}

/** "browser", "utc", or a name that Intl knows ("Europe/Berlin"). */
export type Zone = string;

const dates = new Map<string, Intl.DateTimeFormat>();
function dateFormat(zone: Zone, key: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const id = `${zone}/${key}`;
  let f = dates.get(id);
  if (!f) {
    f = new Intl.DateTimeFormat("en-GB", { ...options, hourCycle: "h23", timeZone: zoneName(zone) });
    dates.set(id, f);
  }
  return f;
}

const clock = { hour: "2-digit", minute: "2-digit" } as const;
const day = { day: "numeric", month: "short" } as const;

export const formatClock = (ms: number, zone: Zone, withSeconds: boolean) =>
  dateFormat(zone, withSeconds ? "hms" : "hm", withSeconds ? { ...clock, second: "2-digit" } : clock).format(ms);
export const formatDay = (ms: number, zone: Zone) => dateFormat(zone, "day", day).format(ms);
/** A time in a list: the year only when it is another one than that of `now`. */
export function formatMoment(ms: number, now: number, zone: Zone): string {
  const year = dateFormat(zone, "year", { year: "numeric" });
  const far = year.format(ms) !== year.format(now);
  return dateFormat(zone, far ? "full" : "moment", { ...day, ...(far ? { year: "numeric" } : {}), ...clock, second: "2-digit" }).format(ms);
}
export const formatDateTime = (ms: number, zone: Zone) =>
  dateFormat(zone, "full", { ...day, year: "numeric", ...clock, second: "2-digit" }).format(ms);
