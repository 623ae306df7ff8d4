// Puts the values of variables into expressions, titles, links and texts. Pure; agrees with the server's (fixtures/dashboards/interpolate.json).
// `$name`, `${name}`, `${name:format}`, `[[name]]`; in expressions several values become a pattern unless a format is asked for.
import { ALL, type Option } from "../../api/dashboards";
import { formatBack } from "../../lib/time";

export type Target = "expr" | "text" | "url";

export interface Value {
  values: string[];
  /** what people read, in the order of the values */
  texts?: string[] | undefined;
  /** several can be chosen: between quotes it is a pattern then */
  multi?: boolean | undefined;
  /** all are chosen */
  all?: boolean | undefined;
  /** what stands for all, where that is said */
  all_value?: string | undefined;
}

export type Values = Readonly<Record<string, Value>>;

const REFERENCE = /\$\{([a-zA-Z_]\w*)(?::([\w:\-. ]*))?\}|\[\[([a-zA-Z_]\w*)(?::([\w:\-. ]*))?\]\]|\$([a-zA-Z_]\w*)/g;
const SPECIAL = /[\\^$.*+?()[\]{}|]/g;

const escaped = (v: string) => v.replace(SPECIAL, "\\$&");
const pattern = (values: string[]) => (values.length === 1 ? escaped(values[0] ?? "") : `(${values.map(escaped).join("|")})`);
const encoded = (v: string) => encodeURIComponent(v).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
const quoted = (v: string, quote: string) => `${quote}${v.replace(/\\/g, "\\\\").replaceAll(quote, `\\${quote}`)}${quote}`;
const textOf = (v: Value) => (v.all ? "All" : (v.texts?.length === v.values.length ? v.texts : v.values).join(" + "));

/** Whether a place is between quotes of PromQL, and what stood before them. */
class Quotes {
  open = "";
  private before = "";
  private last = "";
  private skip = false;

  pass(text: string): void {
    for (const c of text) {
      if (!this.open) {
        if (c === '"' || c === "'" || c === "`") {
          this.open = c;
          this.before = this.last;
        } else if (c.trim()) this.last = c;
      } else if (this.skip) this.skip = false;
      else if (c === "\\" && this.open !== "`") this.skip = true;
      else if (c === this.open) {
        this.open = "";
        this.last = '"';
      }
    }
  }

  /** What is between the quotes is compared as it is. */
  get plain(): boolean {
    return this.before === "=";
  }

  escape(v: string): string {
    if (this.open !== '"' && this.open !== "'") return v;
    return v.replace(/\\/g, "\\\\").replaceAll(this.open, `\\${this.open}`).replace(/\n/g, "\\n");
  }
}

function written(name: string, v: Value, format: string | undefined, target: Target, quotes: Quotes): string {
  const { values } = v;
  if (v.all && v.all_value && format !== "text" && (target !== "text" || format !== undefined)) {
    if (target === "url" && format === undefined) return encoded(v.all_value);
    return target === "url" && format === "queryparam" ? `var-${name}=${encoded(v.all_value)}` : v.all_value;
  }
  switch (format) {
    case "regex":
      return quotes.escape(pattern(values));
    case "pipe":
      return values.join("|");
    case "csv":
    case "raw":
      return values.join(",");
    case "glob":
      return values.length === 1 ? (values[0] ?? "") : `{${values.join(",")}}`;
    case "json":
      return JSON.stringify(values.length === 1 && !v.multi ? values[0] : values);
    case "queryparam":
      return values.map((x) => `var-${name}=${encoded(x)}`).join("&");
    case "percentencode":
      return encoded(values.length === 1 ? (values[0] ?? "") : `{${values.join(",")}}`);
    case "doublequote":
      return values.map((x) => quoted(x, '"')).join(",");
    case "singlequote":
      return values.map((x) => quoted(x, "'")).join(",");
    case "text":
      return textOf(v);
  }
  if (target === "text") return textOf(v);
  if (target === "url") return values.map(encoded).join(",");
  if (!quotes.open) return values.join(",");
  return quotes.escape(values.length === 1 && (!v.multi || quotes.plain) ? (values[0] ?? "") : pattern(values));
}

/** The text with every variable that has a value replaced; others stay as they are. */
export function interpolate(text: string, values: Values, target: Target): string {
  if (!text.includes("$") && !text.includes("[[")) return text;
  const quotes = new Quotes();
  let behind = 0;
  return text.replace(REFERENCE, (whole, braced: string | undefined, format: string | undefined, old: string | undefined, oldFormat: string | undefined, plain: string | undefined, at: number) => {
    const name = braced ?? old ?? plain ?? "";
    const v = Object.hasOwn(values, name) ? values[name] : undefined;
    if (!v) return whole;
    quotes.pass(text.slice(behind, at));
    behind = at + whole.length;
    return written(name, v, format ?? oldFormat, target, quotes);
  });
}

export interface Times {
  from: number;
  to: number;
  step_ms: number;
  /** the least step that the query asks for */
  least_ms?: number | null;
  scrape_ms: number;
  dashboard: string;
}

const duration = (ms: number) => formatBack(Math.max(1, ms)) ?? `${Math.max(1, Math.round(ms))}ms`;
const one = (v: string | number): Value => ({ values: [String(v)] });

/** `$__interval` is never shorter unless the query says so, as in Grafana: what changes within one step of a short range could not be told from one sample. */
export const INTERVAL_MIN_MS = 15_000;

/** The values that every dashboard has. */
export function builtIn(o: Times): Values {
  const range = Math.max(0, Math.round(o.to - o.from));
  const seconds = Math.round(range / 1000);
  const interval = Math.max(o.least_ms ?? INTERVAL_MIN_MS, o.step_ms);
  const scrape = o.least_ms ?? o.scrape_ms;
  const rate = Math.max(4 * scrape, o.step_ms + scrape);
  return {
    __interval: one(duration(interval)),
    __interval_ms: one(interval),
    __rate_interval: one(duration(rate)),
    __rate_interval_ms: one(rate),
    __range: one(`${Math.max(1, seconds)}s`),
    __range_s: one(seconds),
    __range_ms: one(range),
    __from: one(Math.round(o.from)),
    __to: one(Math.round(o.to)),
    __dashboard: one(o.dashboard),
  };
}

/** A variable's value of what is chosen among its options. */
export function chosenValue(v: { multi?: boolean; include_all?: boolean; all_value?: string }, current: string[], options: readonly Option[]): Value {
  const all = current.includes(ALL);
  const values = all ? options.map((o) => o.value).filter((x) => x !== ALL) : current;
  const texts = values.map((x) => options.find((o) => o.value === x)?.text ?? x);
  return { values, texts, multi: (v.multi ?? false) || (v.include_all ?? false), ...(all ? { all, all_value: v.all_value || (values.length === 0 ? ".*" : undefined) } : {}) };
}

const WORD = /"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`|#[^\n]*|\{|\}|\[[^\]]*\]|[a-zA-Z_:][\w:]*|[\s\S]/g;
const KEYWORDS = new Set(["by", "without", "on", "ignoring", "group_left", "group_right", "and", "or", "unless", "offset", "bool", "atan2", "inf", "nan", "start", "end"]);
const LISTS = new Set(["by", "without", "on", "ignoring", "group_left", "group_right"]);

/** The expression with matchers added to every selector in it. Names of functions, of labels in lists and keywords are none. */
export function addMatchers(expr: string, matchers: string[]): string {
  const more = matchers.map((m) => m.trim()).filter(Boolean).join(",");
  if (!more) return expr;
  const tokens = expr.match(WORD) ?? [];
  const next = (i: number) => {
    for (let k = i + 1; k < tokens.length; k++) if (/\S/.test(tokens[k] ?? "")) return tokens[k] ?? "";
    return "";
  };
  let out = "";
  let list = false;
  let inside = 0;
  tokens.forEach((token, i) => {
    if (list) {
      out += token;
      if (token === ")") list = false;
      return;
    }
    if (token === "{") {
      inside++;
      out += `{${more}${next(i) === "}" ? "" : ","}`;
      return;
    }
    if (token === "}") inside--;
    out += token;
    if (inside > 0 || !/^[a-zA-Z_:]/.test(token)) return;
    if (LISTS.has(token.toLowerCase()) && next(i) === "(") list = true;
    else if (!KEYWORDS.has(token.toLowerCase()) && next(i) !== "(" && next(i) !== "{" && !/\d$/.test(tokens[i - 1] ?? "") && !isAggregated(tokens, i)) out += `{${more}}`;
  });
  return out;
}

/** The expression of one of its series alone; null where its labels cannot be told to a single selector. */
export function narrowed(expr: string, labels: Readonly<Record<string, string>>): string | null {
  const matchers = Object.entries(labels).flatMap(([k, v]) => (k === "__name__" || !/^\w+$/.test(k) ? [] : [`${k}=${JSON.stringify(v)}`]));
  // Labels that the expression itself makes are not those of what is stored.
  if (matchers.length === 0 || /\b(label_replace|label_join|count_values|info|le)\b/.test(expr)) return null;
  const out = addMatchers(expr, matchers);
  return out.split(`{${matchers.join(",")}`).length === 2 ? out : null;
}

const AGGREGATIONS = /^(sum|avg|min|max|count|stddev|stdvar|topk|bottomk|quantile|group|count_values|limitk|limit_ratio)$/i;
/** `sum by (job) (…)`: the word before its list is no metric. */
function isAggregated(tokens: string[], i: number): boolean {
  if (!AGGREGATIONS.test(tokens[i] ?? "")) return false;
  for (let k = i + 1; k < tokens.length; k++) {
    const token = (tokens[k] ?? "").toLowerCase();
    if (/\S/.test(token)) return token === "by" || token === "without" || token === "(";
  }
  return false;
}
