// Fields of the side sheet: a name, and what can be written or chosen.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { t } from "../../../lib/text";
import { Icon } from "../../../parts/Icon";

/** A text is taken this long after the last key, and when its field is left. */
const TAKE_MS = 500;

/** What is being written; it becomes true a moment later. */
export function useWriting(value: string, take: (next: string) => void): { draft: string; write: (next: string) => void; now: () => void } {
  const [draft, setDraft] = useState(value);
  const latest = useRef({ draft, value, take });
  latest.current = { draft, value, take };
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const now = () => {
    clearTimeout(timer.current);
    const l = latest.current;
    if (l.draft !== l.value) l.take(l.draft);
  };
  useEffect(() => setDraft(value), [value]);
  useEffect(() => now, []);
  return {
    draft,
    write: (next) => {
      setDraft(next);
      clearTimeout(timer.current);
      timer.current = setTimeout(now, TAKE_MS);
    },
    now,
  };
}

interface TextProps {
  label: string;
  value: string | undefined;
  onTake: (next: string) => void;
  mono?: boolean;
  rows?: number;
  hint?: string;
  list?: readonly string[];
  first?: boolean;
}

export function TextField({ label, value = "", onTake, mono, rows, hint, list, first }: TextProps) {
  const id = useId();
  const { draft, write, now } = useWriting(value, onTake);
  const shared = { id, class: `input ${mono ? "mono" : ""}`, value: draft, placeholder: hint ?? "", onBlur: now, spellcheck: false, autocomplete: "off", ...(first ? { "data-first": "" } : {}) };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {rows ? (
        <textarea {...shared} rows={rows} onInput={(e) => write(e.currentTarget.value)} />
      ) : (
        <input type="text" {...shared} {...(list ? { list: `${id}-list` } : {})} onInput={(e) => write(e.currentTarget.value)} onKeyDown={(e) => e.key === "Enter" && now()} />
      )}
      {list ? (
        <datalist id={`${id}-list`}>
          {list.map((x) => (
            <option key={x} value={x} />
          ))}
        </datalist>
      ) : null}
    </div>
  );
}

export function NumberField({ label, value, onTake, min, max, step = "any" }: { label: string; value: number | undefined | null; onTake: (next: number | undefined) => void; min?: number; max?: number; step?: number | "any" }) {
  const id = useId();
  const { draft, write, now } = useWriting(value === undefined || value === null ? "" : String(value), (text) => {
    const n = Number(text);
    if (text.trim() === "") onTake(undefined);
    else if (Number.isFinite(n)) onTake(Math.max(min ?? n, Math.min(max ?? n, n)));
  });
  return (
    <div class="field field-number">
      <label for={id}>{label}</label>
      <input id={id} class="input num" type="number" value={draft} min={min} max={max} step={step} onInput={(e) => write(e.currentTarget.value)} onBlur={now} onKeyDown={(e) => e.key === "Enter" && now()} />
    </div>
  );
}

export const Check = ({ label, value, onTake }: { label: string; value: boolean | undefined; onTake: (next: boolean) => void }) => (
  <label class="check">
    <input type="checkbox" checked={value ?? false} onChange={(e) => onTake(e.currentTarget.checked)} />
    {label}
  </label>
);

interface ListProps<T> {
  label: string;
  items: readonly T[];
  add: string;
  fresh: () => T;
  nameOf: (item: T, i: number) => string;
  onTake: (next: T[]) => void;
  /** whether the order means something */
  ordered?: boolean;
  children: (item: T, set: (next: T) => void, i: number) => ComponentChildren;
}

/** Things in a row, each with its fields; added, taken away, moved. */
export function ListField<T>({ label, items, add, fresh, nameOf, onTake, ordered, children }: ListProps<T>) {
  const box = useRef<HTMLFieldSetElement>(null);
  const without = (i: number) => items.filter((_, k) => k !== i);
  const move = (i: number, by: number) => {
    const next = [...items];
    const [x] = next.splice(i, 1);
    next.splice(i + by, 0, x as T);
    onTake(next);
  };
  return (
    <fieldset class="lf" ref={box}>
      <legend>{label}</legend>
      {items.map((item, i) => (
        <div class="lf-item" key={`${i}`} role="group" aria-label={nameOf(item, i)}>
          <div class="lf-fields">{children(item, (next) => onTake(items.map((x, k) => (k === i ? next : x))), i)}</div>
          <div class="lf-acts">
            {ordered && i > 0 ? (
              <button type="button" class="button button-icon" aria-label={t("ed.up", { what: nameOf(item, i) })} onClick={() => move(i, -1)}>
                ↑
              </button>
            ) : null}
            {ordered && i < items.length - 1 ? (
              <button type="button" class="button button-icon" aria-label={t("ed.down", { what: nameOf(item, i) })} onClick={() => move(i, 1)}>
                ↓
              </button>
            ) : null}
            <button
              type="button"
              class="button button-icon"
              aria-label={t("ed.remove", { what: nameOf(item, i) })}
              onClick={() => {
                onTake(without(i));
                box.current?.querySelector<HTMLElement>(".lf-add")?.focus();
              }}
            >
              <Icon name="trash" size={15} />
            </button>
          </div>
        </div>
      ))}
      <button type="button" class="button button-small lf-add" onClick={() => onTake([...items, fresh()])}>
        <Icon name="plus" size={14} />
        {add}
      </button>
    </fieldset>
  );
}

export interface TabChoice {
  id: string;
  label: string;
}

/** Tabs as the ARIA practices have them: arrows choose. */
export function Tabs({ label, tabs, value, onPick }: { label: string; tabs: readonly TabChoice[]; value: string; onPick: (id: string) => void }) {
  const id = useId();
  const onKeyDown = (e: KeyboardEvent) => {
    const at = tabs.findIndex((x) => x.id === value);
    const to = { ArrowLeft: at - 1 + tabs.length, ArrowRight: at + 1, Home: 0, End: tabs.length - 1 }[e.key];
    if (to === undefined) return;
    e.preventDefault();
    e.stopPropagation();
    const next = tabs[to % tabs.length];
    if (!next) return;
    onPick(next.id);
    document.getElementById(`${id}-${next.id}`)?.focus();
  };
  return (
    <div role="tablist" aria-label={label} class="tabs-row" onKeyDown={onKeyDown}>
      {tabs.map((x) => (
        <button type="button" key={x.id} id={`${id}-${x.id}`} role="tab" class="button button-small" aria-selected={value === x.id} tabIndex={value === x.id ? 0 : -1} onClick={() => onPick(x.id)}>
          {x.label}
        </button>
      ))}
    </div>
  );
}
