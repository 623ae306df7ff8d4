// What was changed, step by step, and back again. Changes of one kind that follow each other quickly are one step. Pure.
export interface History<T> {
  steps: readonly T[];
  at: number;
  tag: string;
  when: number;
}

/** Steps that can be taken back. */
export const STEPS_MAX = 100;
const TOGETHER_MS = 1_000;

export const begin = <T>(first: T): History<T> => ({ steps: [first], at: 0, tag: "", when: 0 });

/** The next step; one with the tag of the last, soon after it, takes its place. */
export function change<T>(h: History<T>, next: T, tag: string, now: number): History<T> {
  const same = tag !== "" && tag === h.tag && h.at > 0 && h.at === h.steps.length - 1 && now - h.when < TOGETHER_MS;
  const kept = h.steps.slice(0, same ? h.at : h.at + 1);
  const steps = [...kept, next].slice(-STEPS_MAX - 1);
  return { steps, at: steps.length - 1, tag, when: now };
}

export const back = <T>(h: History<T>): History<T> => ({ ...h, at: Math.max(0, h.at - 1), tag: "" });
export const on = <T>(h: History<T>): History<T> => ({ ...h, at: Math.min(h.steps.length - 1, h.at + 1), tag: "" });
