// Long lists that come as a JSON document a line: read in slices, so that thousands of them never hold up a key, and what
// has not changed since the last answer is the same object as before.
import { t } from "../lib/text";
import { ApiError } from "./http";

/** As long as one slice may take, ms. */
const SLICE_MS = 6;
/** So many lines are read between two looks at the clock. */
const LINES_EACH = 32;

/** What is remembered of an answer for the next one. */
export interface Remembered<T> {
  head: string;
  of: ReadonlyMap<string, T>;
}

export interface Lines<H, T> {
  head: H;
  all: T[];
  /** false when all of it is as it was, in the same order */
  changed: boolean;
  remembered: Remembered<T>;
}

const rest = () => new Promise<void>((done) => setTimeout(done));

/** Reads the head, which is the first line, and all others. `early` gets the first `few`, when there are so many. */
export async function readLines<H, T>(body: ReadableStream<Uint8Array<ArrayBuffer>>, before: Remembered<T> | undefined, few: number, early?: (head: H, some: T[]) => void): Promise<Lines<H, T>> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const of = new Map<string, T>();
  const all: T[] = [];
  const was = before?.of.values();
  let head: string | undefined;
  let changed = before === undefined;
  let began = performance.now();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    text += done ? decoder.decode() : decoder.decode(value, { stream: true });
    let from = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", from)) {
      const line = text.slice(from, end);
      from = end + 1;
      if (head === undefined) {
        head = line;
        changed ||= head !== before?.head;
        continue;
      }
      const one = before?.of.get(line) ?? (JSON.parse(line) as T);
      of.set(line, one);
      all.push(one);
      changed ||= was?.next().value !== one;
      if (all.length === few) {
        // What is drawn is a task of its own.
        await rest();
        early?.(JSON.parse(head) as H, [...all]);
      } else if (all.length % LINES_EACH || performance.now() - began < SLICE_MS) continue;
      await rest();
      began = performance.now();
    }
    text = text.slice(from);
    if (done) break;
  }
  // What is cut off in the middle is no shorter list.
  if (head === undefined || text !== "") throw new ApiError(t("error.cut"), 0, "cut");
  changed ||= !was?.next().done;
  if (all.length >= few) await rest();
  return { head: JSON.parse(head) as H, all, changed, remembered: { head, of } };
}
