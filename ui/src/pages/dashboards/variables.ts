// The variables of a dashboard: what the address chooses, resolved by the server in their order, and what panels get of it.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { ALL, type Dashboard, type Resolved, resolveVariables, type Variable } from "../../api/dashboards";
import { resolveRange } from "../../lib/time";
import { patch, url } from "../../state/url";
import { chosenValue, type Values } from "./interpolate";

export interface Variables {
  ready: boolean;
  busy: boolean;
  error: string;
  resolved: ReadonlyMap<string, Resolved>;
  values: Values;
  filters: string[];
}

const NONE: ReadonlyMap<string, Resolved> = new Map();
const NO_VARIABLES: Variable[] = [];

/** What is chosen: by the address, else as the dashboard says. */
export const chosen = (v: Variable, vars: Record<string, string[]>): string[] => vars[v.name] ?? v.current ?? [];

/** What is chosen, for links beside the title; not what nobody chose, nor all. */
export const linked = (d: Dashboard): Values =>
  Object.fromEntries((d.variables ?? []).map((v) => [v.name, { values: chosen(v, url.value.vars) }] as const).filter(([, { values }]) => values.length > 0 && !values.includes(ALL)));

/** Chooses values of a variable; what depends on it is resolved anew. Empty: as the dashboard says. */
export function choose(name: string, values: string[] | null): void {
  const { [name]: _, ...rest } = url.value.vars;
  patch({ vars: values ? { ...rest, [name]: values } : rest }, "replace");
}

/** The same list as before while its contents are the same. */
function useSame<T>(value: T): T {
  const key = JSON.stringify(value);
  return useMemo(() => value, [key]);
}

/** What there is to choose from is looked at again. */
const AGAIN_MS = 60_000;

export function useVariables(dashboard: Dashboard, again = 0): Variables {
  const variables = useSame(dashboard.variables ?? NO_VARIABLES);
  const none = variables.length === 0;
  const { vars, range, live } = url.value;
  const [tick, setTick] = useState(0);
  useEffect(() => {
    if (none || !live) return;
    const timer = setInterval(() => document.hidden || setTick((n) => n + 1), AGAIN_MS);
    return () => clearInterval(timer);
  }, [none, live]);
  const picked = useSame(Object.fromEntries(variables.map((v) => [v.name, chosen(v, vars)])));
  const [state, setState] = useState<{ key: unknown; resolved: ReadonlyMap<string, Resolved>; error: string; busy: boolean }>({ key: null, resolved: NONE, error: "", busy: false });
  useEffect(() => {
    if (none || !range.from) return;
    const now = Date.now();
    const span = resolveRange(range, now) ?? { from: now - 3_600_000, to: now };
    const abort = new AbortController();
    setState((s) => ({ ...s, busy: true }));
    resolveVariables(variables, picked, span.from, span.to, abort.signal).then(
      (a) => setState({ key: variables, resolved: new Map(a.variables.map((v) => [v.name, v])), error: "", busy: false }),
      (e: Error) => abort.signal.aborted || setState((s) => ({ ...s, error: e.message, busy: false })),
    );
    return () => abort.abort();
  }, [variables, picked, range.from, range.to, tick, again]);
  // What cannot be resolved is taken as it was chosen, and the reason stands beside the choices.
  const ready = none || state.key === variables || state.error !== "";
  const values = useSame(
    Object.fromEntries(
      variables.flatMap((v) => {
        const r = state.resolved.get(v.name);
        return v.kind === "adhoc" ? [] : [[v.name, chosenValue(v, r?.current ?? picked[v.name] ?? [], r?.options ?? [])]];
      }),
    ),
  );
  const filters = useSame(variables.flatMap((v) => (v.kind === "adhoc" ? (vars[v.name] ?? state.resolved.get(v.name)?.current ?? v.current ?? []) : [])));
  const last = useRef({ values, filters });
  // While values are resolved anew, panels keep what they show.
  if (ready && !state.busy) last.current = { values, filters };
  return { ready, busy: state.busy, error: state.error, resolved: state.resolved, ...last.current };
}

/** What a choice is called where it is shown. */
export function chosenText(v: Variable, r: Resolved | undefined, vars: Record<string, string[]>): string {
  const current = r?.current ?? chosen(v, vars);
  if (current.includes(ALL)) return "All";
  const texts = current.map((x) => r?.options.find((o) => o.value === x)?.text ?? x);
  return texts.length > 2 ? `${texts.slice(0, 2).join(", ")} +${texts.length - 2}` : texts.join(", ");
}
