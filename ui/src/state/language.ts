// What the server knows about the query language: its functions, asked for once, and whether a text is an expression.
import { checkQuery, fetchFunctions } from "../api/http";
import type { Checked, FunctionRow } from "../api/types";

/** Answers that are kept: the text in the box, the one that ran, and some before. */
const CHECKED_MAX = 30;
/** The editor opens without the list rather than later than this. */
const WAIT_MS = 1500;

let functions: Promise<FunctionRow[]> | null = null;
const checked = new Map<string, Promise<Checked>>();

/** The functions; none when the server does not say, and asked again the next time. */
export function wantFunctions(): Promise<FunctionRow[]> {
  functions ??= fetchFunctions(AbortSignal.timeout(WAIT_MS)).catch(() => {
    functions = null;
    return [];
  });
  return functions;
}

/** Whether a text is an expression, and if not, why and where. Fails when the server does not answer. */
export function check(text: string): Promise<Checked> {
  let answer = checked.get(text);
  if (!answer) {
    answer = checkQuery(text);
    answer.catch(() => checked.delete(text));
    for (const oldest of checked.keys()) if (checked.size >= CHECKED_MAX) checked.delete(oldest);
    checked.set(text, answer);
  }
  return answer;
}
