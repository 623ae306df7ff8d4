// Where in the query something is. The server counts lines and columns from 1, and bytes of UTF-8; the page counts
// UTF-16 units. Errors are "1:5: parse error: …", notes end with "(1:5)". Pure.
import type { Checked } from "../../api/types";

export interface Located {
  line: number;
  /** in bytes, from 1 */
  column: number;
  message: string;
}

/** A warning or an info of an answer, taken apart. */
export interface Note extends Located {
  severity: "warning" | "info";
}

const bytesOf = (code: number) => (code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4);

/** The index of the character that the byte belongs to; never beyond the end. */
export function indexOfByte(text: string, byte: number): number {
  let bytes = 0;
  let index = 0;
  for (const c of text) {
    bytes += bytesOf(c.codePointAt(0) ?? 0);
    if (bytes > byte) break;
    index += c.length;
  }
  return index;
}

/** `indexOfByte` for many places of one text. */
export function byteIndex(text: string): (byte: number) => number {
  const at: number[] = [];
  let index = 0;
  for (const c of text) {
    for (let i = bytesOf(c.codePointAt(0) ?? 0); i > 0; i--) at.push(index);
    index += c.length;
  }
  return at.length === text.length ? (byte) => Math.min(Math.max(byte, 0), text.length) : (byte) => at[byte] ?? (byte < 0 ? 0 : text.length);
}

/** The index in the whole text of a line and column; null when there is no such line. */
export function indexOf(text: string, at: { line: number; column: number }): number | null {
  const lines = text.split("\n");
  const line = lines[at.line - 1];
  if (line === undefined) return null;
  const before = lines.slice(0, at.line - 1).reduce((n, l) => n + l.length + 1, 0);
  return before + indexOfByte(line, Math.max(0, at.column - 1));
}

/** The first "line:column:" in the message, and what stands after it; null when there is none. */
export function locate(message: string): Located | null {
  const m = /(?:^|[\s"(])(\d{1,6}):(\d{1,6}):\s*([\s\S]*)$/.exec(message);
  if (!m) return null;
  return { line: Number(m[1]), column: Number(m[2]), message: (m[3] ?? "").trim() || message };
}

/** "PromQL info: … (1:5)" in its parts; line 0 when the text names no place. */
export function noteOf(text: string): Note {
  const m = /^(?:PromQL (warning|info): )?([\s\S]*?)(?: \((\d{1,6}):(\d{1,6})\))?$/.exec(text);
  return { severity: m?.[1] === "info" ? "info" : "warning", message: m?.[2] || text, line: Number(m?.[3] ?? 0), column: Number(m?.[4] ?? 0) };
}

/** The line of the query that the error is in, and how many characters stand before it (never beyond the line's end). */
export function excerpt(expr: string, at: Located): { text: string; before: number } | null {
  const text = expr.split("\n")[at.line - 1];
  if (text === undefined) return null;
  return { text, before: indexOfByte(text, Math.max(0, at.column - 1)) };
}

/** A name, a number or one sign: what is underlined when only its beginning is known. */
export function wordAt(text: string, from: number): number {
  return from + (/^(?:[\w:]+|"(?:\\.|[^"\\])*"|.)/su.exec(text.slice(from))?.[0].length ?? 0);
}

/** The text with the function that was probably meant; null when none is known. */
export function mended(text: string, said: Checked): { name: string; text: string } | null {
  const e = said.error;
  if (!e?.suggestion) return null;
  const from = indexOfByte(text, e.at[0]);
  return { name: e.suggestion, text: text.slice(0, from) + e.suggestion + text.slice(wordAt(text, from)) };
}
