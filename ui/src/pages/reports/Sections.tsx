// The sections of a report in the form: each with the fields of its kind; added, taken away, moved.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { fetchDashboard, fetchDashboards, type Panel } from "../../api/dashboards";
import { SECTIONS, type Section, type SectionKind } from "../../api/reports";
import { t, type TextKey } from "../../lib/text";
import { Icon } from "../../parts/Icon";
import { usePoll } from "../../state/poll";
import { Field } from "../alerting/form";
import { ExprBox } from "../dashboards/edit/ExprBox";
import { Pick } from "../alerting/form";
import { Write } from "./pieces";

const ONCE = Number.POSITIVE_INFINITY;
type Word = "title" | "text" | "expr" | "unit" | "target" | "limit" | "dashboard";

/** The fields of each kind, beside its title. */
const FIELDS: Record<SectionKind, readonly Word[]> = {
  summary: [],
  health: ["limit"],
  availability: ["expr", "target", "limit"],
  incidents: ["limit"],
  capacity: ["limit"],
  risks: ["limit"],
  recommendations: ["limit"],
  insights: ["limit"],
  dashboard: ["dashboard"],
  panel: ["dashboard"],
  top: ["expr", "unit", "limit"],
  text: ["text"],
};

export const kindName = (kind: SectionKind) => t(`rp.kind.${kind}` as TextKey);

interface ListProps {
  of: readonly Section[];
  wrong: (path: string) => string;
  onTake: (next: Section[]) => void;
}

export function Sections({ of, wrong, onTake }: ListProps) {
  const [kind, setKind] = useState<SectionKind>("capacity");
  const box = useRef<HTMLFieldSetElement>(null);
  const focus = useRef("");
  useLayoutEffect(() => {
    if (focus.current) box.current?.querySelector<HTMLElement>(focus.current)?.focus();
    focus.current = "";
  }, [of]);
  const move = (i: number, by: number) => {
    const next = [...of];
    const [s] = next.splice(i, 1);
    next.splice(i + by, 0, s as Section);
    // The button that moved it goes with it, until there is no further.
    focus.current = `[data-at="${i + by}"] [data-act="${by}"]:not(:disabled), [data-at="${i + by}"] [data-act]:not(:disabled)`;
    onTake(next);
  };
  const add = () => {
    focus.current = `[data-at="${of.length}"] .input`;
    onTake([...of, { kind, ...(kind === "panel" ? { panel: { id: 1, kind: "timeseries", title: "", queries: [{ ref: "A", expr: "" }] } } : {}) }]);
  };
  return (
    <fieldset class="rp-sections" ref={box}>
      <legend>{t("rp.sections")}</legend>
      {wrong("sections") ? <p class="field-error">{wrong("sections")}</p> : null}
      {of.map((s, i) => {
          const name = `${i + 1}. ${s.title || kindName(s.kind)}`;
          const put = (change: Partial<Section>) => onTake(of.map((x, k) => (k === i ? { ...x, ...change } : x)));
          return (
            <div key={`${i}`} class="rp-section" data-at={i} role="group" aria-label={name}>
              <header>
                <strong>
                  {i + 1}. {kindName(s.kind)}
                </strong>
                <span class="grow" />
                {([-1, 1] as const).map((by) => (
                  <button type="button" key={by} class="button button-icon" data-act={by} aria-label={t(by < 0 ? "rp.up" : "rp.down", { name })} disabled={!of[i + by]} onClick={() => move(i, by)}>
                    <Icon name={by < 0 ? "up" : "down"} size={15} />
                  </button>
                ))}
                <button
                  type="button"
                  class="button button-icon"
                  aria-label={t("rp.remove", { name })}
                  onClick={() => {
                    focus.current = ".rp-add select";
                    onTake(of.filter((_, k) => k !== i));
                  }}
                >
                  <Icon name="trash" size={15} />
                </button>
              </header>
              <Fields of={s} put={put} wrong={(key) => wrong(`sections[${i}].${key}`)} />
            </div>
          );
        })}
      <div class="form-row rp-add">
        <Pick label={t("rp.add.kind")} value={kind} of={SECTIONS.map((k) => [k, kindName(k)] as const)} onTake={(k) => k && setKind(k)} />
        <button type="button" class="button" onClick={add}>
          <Icon name="plus" size={15} />
          {t("rp.add")}
        </button>
      </div>
    </fieldset>
  );
}

interface FieldsProps {
  of: Section;
  put: (change: Partial<Section>) => void;
  wrong: (key: string) => string;
}

function Fields({ of: s, put, wrong }: FieldsProps) {
  return (
    <div class="form-row">
      {(["title", ...FIELDS[s.kind]] as const).map((word) =>
        word === "dashboard" ? (
          <OfDashboard key={word} of={s} put={put} wrong={wrong} />
        ) : word === "expr" ? (
          <Query key={word} value={s.expr} error={wrong(word)} onTake={(text) => put({ expr: text.trim() ? text : undefined })} />
        ) : word === "title" || word === "unit" ? (
          <Write key={word} label={t(`rp.key.${word}`)} error={wrong(word)} value={s[word]} onWrite={(text) => put({ [word]: text || undefined })} />
        ) : (
          <Field key={word} label={t(`rp.key.${word}`)} error={wrong(word)}>
            {(a) => (word === "text" ? <textarea {...a} class="input" rows={4} value={s.text} onInput={(e) => put({ text: e.currentTarget.value })} /> : <NumberInput {...a} value={s[word]} onTake={(n) => put({ [word]: n })} />)}
          </Field>
        ),
      )}
    </div>
  );
}

/** What is written stays as it is written ("0." on the way to "0.999"), until another number is given. */
function NumberInput({ value, onTake, ...a }: { value: number | undefined; onTake: (n: number | undefined) => void; id: string }) {
  const [text, setText] = useState(String(value ?? ""));
  const read = (s: string) => (s.trim() && Number.isFinite(Number(s)) ? Number(s) : undefined);
  useEffect(() => {
    if (read(text) !== value) setText(String(value ?? ""));
  }, [value]);
  return (
    <input
      {...a}
      class="input rp-number"
      inputMode="decimal"
      value={text}
      autocomplete="off"
      onInput={(e) => {
        setText(e.currentTarget.value);
        onTake(read(e.currentTarget.value));
      }}
    />
  );
}

const Query = ({ value = "", error, onTake }: { value: string | undefined; error: string; onTake: (next: string) => void }) => (
  <div class="field rp-query">
    <span class="soft">{t("rp.key.expr")}</span>
    <ExprBox label={t("rp.key.expr")} value={value} onTake={onTake} />
    <span class="field-error">{error}</span>
  </div>
);

/** A dashboard, or one panel: of a dashboard by its number, or with a query of its own. */
function OfDashboard({ of: s, put, wrong }: FieldsProps) {
  const boards = usePoll("dashboards", (signal) => fetchDashboards(signal), ONCE);
  const id = s.dashboard ?? "";
  const board = usePoll(`dashboard ${id}`, (signal) => (id ? fetchDashboard(id, null, signal) : Promise.resolve(null)), ONCE);
  const single = s.kind === "panel";
  const all = boards.data?.dashboards ?? [];
  const panels = (board.data?.dashboard.panels ?? []).filter((p) => p.kind !== "row");
  const own = (single && typeof s.panel === "object" && s.panel !== null ? s.panel : {}) as Partial<Panel>;
  const draw = (change: Partial<Panel>) => put({ panel: { ...own, ...change } });
  const [first, ...others] = own.queries ?? [];
  const pick = (next: string | undefined) => put({ dashboard: next, variables: undefined, ...(single ? { panel: next ? undefined : { id: 1, kind: "timeseries", title: "", queries: [] } } : {}) });
  return (
    <>
      <Pick
        label={t("rp.key.dashboard")}
        error={wrong("dashboard") || boards.error}
        value={id}
        none={t(single ? "rp.panel.own" : "rp.choose")}
        of={[...(id && !all.some((d) => d.id === id) ? [[id, id] as const] : []), ...all.map((d) => [d.id, d.title || d.id] as const)]}
        onTake={pick}
      />
      {single && id ? (
        <Pick label={t("rp.key.panel")} error={wrong("panel") || board.error} value={String(s.panel ?? "")} none={t("rp.choose")} of={panels.map((p) => [String(p.id), p.title || String(p.id)] as const)} onTake={(n) => put({ panel: Number(n) })} />
      ) : single ? (
        <>
          <Write label={t("rp.key.unit")} value={own.unit} onWrite={(unit) => draw({ unit })} />
          <Query value={first?.expr} error={wrong("panel")} onTake={(expr) => draw({ queries: [{ ...first, ref: first?.ref ?? "A", expr }, ...others] })} />
        </>
      ) : null}
      {id
        ? (board.data?.dashboard.variables ?? []).map((v) => (
            <Write
              key={v.name}
              label={v.label || v.name}
              hint={(v.current ?? []).join(", ")}
              value={[s.variables?.[v.name] ?? []].flat().join(", ")}
              onWrite={(text) => {
                const { [v.name]: _, ...rest } = s.variables ?? {};
                put({ variables: text ? { ...rest, [v.name]: text.split(/,\s*/) } : rest });
              }}
            />
          ))
        : null}
    </>
  );
}
