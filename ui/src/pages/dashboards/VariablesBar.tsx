// The choices above a dashboard: one control a variable, and a switch for each kind of mark on the time axis.
import { useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { ALL, type Annotation, type Option, type Resolved, type Variable } from "../../api/dashboards";
import { t } from "../../lib/text";
import { Icon } from "../../parts/Icon";
import { placeAt } from "../../parts/Menu";
import { url } from "../../state/url";
import { flip } from "./kept";
import { choose, chosen, chosenText, type Variables } from "./variables";

interface Props {
  variables: readonly Variable[];
  state: Variables;
  annotations: readonly Annotation[];
  shown: (a: Annotation) => boolean;
}

export function VariablesBar({ variables, state, annotations, shown }: Props) {
  const visible = variables.filter((v) => v.hide !== "variable" && v.kind !== "constant");
  if (visible.length === 0 && annotations.length === 0) return null;
  return (
    <div class="vars" role="group" aria-label={t("da.vars")} aria-busy={state.busy}>
      {visible.map((v) => (
        <div class="var" key={v.name}>
          <One variable={v} resolved={state.resolved.get(v.name)} />
        </div>
      ))}
      {state.error ? (
        <span class="field-error" role="alert">
          {state.error}
        </span>
      ) : null}
      {annotations.map((a) => (
        <label class="check var-mark" key={`${a.kind} ${a.name}`}>
          <input type="checkbox" checked={shown(a)} onChange={() => flip("marks", a.name)} />
          {a.name}
        </label>
      ))}
    </div>
  );
}

const nameOf = (v: Variable) => v.label || v.name;

function One({ variable: v, resolved }: { variable: Variable; resolved: Resolved | undefined }) {
  if (v.kind === "text" || v.kind === "adhoc") return <Written variable={v} resolved={resolved} />;
  return <Select variable={v} resolved={resolved} />;
}

/** A text, or filters like `job="api", instance=~"db.*"`; taken with Enter or when the field is left. */
function Written({ variable: v, resolved }: { variable: Variable; resolved: Resolved | undefined }) {
  const id = useId();
  const current = (resolved?.current ?? chosen(v, url.value.vars)).join(", ");
  const [draft, setDraft] = useState(current);
  useEffect(() => setDraft(current), [current]);
  const take = () => {
    if (draft === current) return;
    const parts = v.kind === "adhoc" ? (draft.match(/[\w.:]+\s*(=~|!~|!=|=)\s*("(\\.|[^"\\])*"|[^\s,]+)/g) ?? []).map((m) => m.replace(/^([\w.:]+)\s*(=~|!~|!=|=)\s*([^"].*)$/s, '$1$2"$3"')) : [draft];
    choose(v.name, parts.length ? parts : null);
  };
  return (
    <>
      <label for={id} class={v.hide === "label" ? "sr-only" : "var-name"}>
        {nameOf(v)}
      </label>
      <input id={id} class="input mono var-text" value={draft} placeholder={v.kind === "adhoc" ? t("da.vars.adhoc") : ""} title={v.description} onInput={(e) => setDraft(e.currentTarget.value)} onBlur={take} onKeyDown={(e) => e.key === "Enter" && take()} spellcheck={false} autocapitalize="off" autocomplete="off" />
    </>
  );
}

const ROW_PX = 30;
const AROUND = 6;
const LIST_PX = 300;

/** A button with what is chosen; a list with a search box below it. Only the options in sight exist. */
function Select({ variable: v, resolved }: { variable: Variable; resolved: Resolved | undefined }) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const pop = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(false);
  const text = chosenText(v, resolved, url.value.vars);
  const toggled = (e: Event) => {
    const now = (e as ToggleEvent).newState === "open";
    setOpen(now);
    if (now && pop.current && button.current) placeAt(pop.current, button.current);
  };
  useLayoutEffect(() => {
    if (open && pop.current && button.current) placeAt(pop.current, button.current);
  }, [open]);
  const close = () => {
    pop.current?.hidePopover();
    button.current?.focus();
  };
  return (
    <>
      <span id={`${id}-name`} class={v.hide === "label" ? "sr-only" : "var-name"}>
        {nameOf(v)}
      </span>
      <button ref={button} type="button" id={`${id}-now`} class={`button var-button ${resolved?.error ? "var-bad" : ""}`} title={resolved?.error || v.description || undefined} aria-labelledby={`${id}-name ${id}-now`} aria-haspopup="dialog" aria-expanded={open} popovertarget={`${id}-pop`}>
        <span class="var-now">{text || t("da.vars.none")}</span>
        <Icon name="chevron" size={14} />
      </button>
      <div ref={pop} id={`${id}-pop`} popover="auto" class="menu var-pop" role="dialog" aria-label={nameOf(v)} onToggle={toggled}>
        {open ? <Options variable={v} resolved={resolved} onClose={close} /> : null}
      </div>
    </>
  );
}

function Options({ variable: v, resolved, onClose }: { variable: Variable; resolved: Resolved | undefined; onClose: () => void }) {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const [query, setQuery] = useState("");
  const [at, setAt] = useState(0);
  const [top, setTop] = useState(0);
  const [draft, setDraft] = useState<string[]>(resolved?.current ?? chosen(v, url.value.vars));
  const latest = useRef(draft);
  latest.current = draft;
  const changed = useRef(false);
  // Several are chosen one after the other, and taken together when the list closes.
  // Before it is painted: who types at once is heard.
  useLayoutEffect(() => input.current?.focus(), []);
  useEffect(
    () => () => {
      if (changed.current) choose(v.name, latest.current);
    },
    [],
  );
  const all = useMemo((): Option[] => [...(v.include_all ? [{ text: t("da.vars.all"), value: ALL }] : []), ...(resolved?.options ?? []).filter((o) => o.value !== ALL)], [resolved, v.include_all]);
  const shown = useMemo(() => {
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    return words.length ? all.filter((o) => words.every((w) => o.text.toLowerCase().includes(w))) : all;
  }, [all, query]);
  const multi = v.multi === true;
  const pick = (o: Option | undefined) => {
    if (!o) return;
    changed.current = true;
    if (!multi) {
      latest.current = [o.value];
      onClose();
      return;
    }
    const without = draft.filter((x) => x !== o.value && x !== ALL);
    const next = o.value === ALL ? [ALL] : draft.includes(o.value) ? without : [...without, o.value];
    setDraft(next.length ? next : v.include_all ? [ALL] : [o.value]);
  };
  const go = (to: number) => {
    const i = Math.max(0, Math.min(shown.length - 1, to));
    setAt(i);
    const el = list.current;
    if (!el) return;
    if (i * ROW_PX < el.scrollTop) el.scrollTop = i * ROW_PX;
    else if ((i + 1) * ROW_PX > el.scrollTop + el.clientHeight) el.scrollTop = (i + 1) * ROW_PX - el.clientHeight;
  };
  const onKeyDown = (e: KeyboardEvent) => {
    e.stopPropagation();
    const page = Math.floor(LIST_PX / ROW_PX) - 1;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page }[e.key];
    if (to !== undefined) go(to);
    else if (e.key === "Enter") pick(shown[at]);
    else if (e.key === "Escape") onClose();
    else return;
    e.preventDefault();
  };
  const first = Math.max(0, Math.floor(top / ROW_PX) - AROUND);
  const last = Math.min(shown.length, Math.ceil((top + LIST_PX) / ROW_PX) + AROUND);
  return (
    <>
      <input
        ref={input}
        class="input var-find"
        role="combobox"
        aria-expanded="true"
        aria-controls={`${id}-list`}
        aria-activedescendant={shown[at] && at >= first && at < last ? `${id}-${at}` : undefined}
        aria-label={t("da.vars.search", { name: nameOf(v) })}
        placeholder={t("da.vars.search", { name: nameOf(v) })}
        value={query}
        onInput={(e) => {
          setQuery(e.currentTarget.value);
          setAt(0);
          if (list.current) list.current.scrollTop = 0;
        }}
        onKeyDown={onKeyDown}
        spellcheck={false}
        autocomplete="off"
      />
      <div ref={list} id={`${id}-list`} role="listbox" aria-label={nameOf(v)} aria-multiselectable={multi} class="var-list" onScroll={(e) => setTop(e.currentTarget.scrollTop)}>
        <div style={{ height: `${shown.length * ROW_PX}px` }} role="presentation">
          {shown.slice(first, last).map((o, k) => {
            const i = first + k;
            const on = draft.includes(o.value);
            return (
              // biome-ignore lint/a11y/useKeyWithClickEvents: keys are handled by the input
              // biome-ignore lint/a11y/useFocusableInteractive: the input keeps the focus
              <div key={o.value} id={`${id}-${i}`} role="option" aria-selected={on} aria-setsize={shown.length} aria-posinset={i + 1} class={`var-option ${i === at ? "var-at" : ""}`} style={{ top: `${i * ROW_PX}px`, height: `${ROW_PX}px` }} onClick={() => pick(o)}>
                <span class="var-tick">{on ? <Icon name="ok" size={13} /> : null}</span>
                <span>{o.text || '""'}</span>
              </div>
            );
          })}
        </div>
      </div>
      {shown.length === 0 ? (
        <p class="soft" role="status">
          {resolved?.error || t("da.vars.empty")}
        </p>
      ) : null}
      {resolved?.truncated ? <p class="soft">{t("da.vars.more")}</p> : null}
      {multi ? (
        <footer class="var-foot">
          <button type="button" class="button button-small" onClick={onClose}>
            {t("da.vars.take")}
          </button>
        </footer>
      ) : null}
    </>
  );
}
