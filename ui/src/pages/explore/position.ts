// Where in the query an error is. The server writes "1:5: parse error: …" (line and column, from 1). Pure.
export interface Located {
  line: number;
  column: number;
  message: string;
}

/** The first "line:column:" in the message, and what stands after it; null when there is none. */
export function locate(message: string): Located | null {
  const m = /(?:^|[\s"(])(\d{1,6}):(\d{1,6}):\s*([\s\S]*)$/.exec(message);
  if (!m) return null;
  return { line: Number(m[1]), column: Number(m[2]), message: (m[3] ?? "").trim() || message };
}

/** The line of the query that the error is in, and how many characters stand before it (never beyond the line's end). */
export function excerpt(expr: string, at: Located): { text: string; before: number } | null {
  const text = expr.split("\n")[at.line - 1];
  if (text === undefined) return null;
  return { text, before: Math.min(text.length, Math.max(0, at.column - 1)) };
}
