// Making and changing a silence: its labels, its time, who and why; and all the while, what it would mute.
import { useEffect, useState } from "preact/hooks";
import { previewSilence, saveSilence } from "../../api/alerting";
import type { Matcher, NoticeDoc, Window } from "../../api/alertingTypes";
import { formatDateTime } from "../../lib/format";
import { opOf } from "../../lib/matchers";
import { t } from "../../lib/text";
import { Dialog } from "../../parts/Dialog";
import { Icon } from "../../parts/Icon";
import { NAME_MAX, userName } from "../../state/prefs";
import { zone } from "../../state/url";
import { Field, FormFoot, NOTE_MAX, remember, useSending } from "./form";
import { LabelText } from "./marks";
import { type Draft, draftOf, type Fault, type From, LENGTHS, readDraft, WEEKDAYS, wishOf, daysOf } from "./silence";
import { labelsBut, nameOf } from "./standing";

const OPS = ["=", "!=", "=~", "!~"] as const;
/** The preview waits this long after the last key. */
const PREVIEW_MS = 300;
const PREVIEW_SHOWN = 5;
const DAY_TEXTS = ["day.mon", "day.tue", "day.wed", "day.thu", "day.fri", "day.sat", "day.sun"] as const;

const said = (f: Fault) => (f ? t(f.key, { text: f.text ?? "" }) : "");

export function SilenceDialog({ from, onClose, onDone }: { from: From; onClose: () => void; onDone: (id: string) => void }) {
  const [draft, setDraft] = useState<Draft>(() => draftOf(from, userName.value, Date.now()));
  const [tried, setTried] = useState(false);
  const sending = useSending();
  const change = (more: Partial<Draft>) => setDraft((d) => ({ ...d, ...more }));
  const read = readDraft(draft, Date.now());
  const { faults } = read;
  const shown = (f: Fault) => (tried ? said(f) : "");
  const submit = (e: Event) => {
    e.preventDefault();
    setTried(true);
    if (!read.good) return;
    remember(draft.by);
    let id = "";
    sending.run(
      () => saveSilence(wishOf(draft, read)).then((saved) => {
        id = saved.silenceID;
      }),
      () => onDone(id),
    );
  };
  const edits = from.id !== undefined;
  return (
    <Dialog title={t(edits ? "si.title.edit" : "si.title.new")} kind="dialog-wide" onClose={onClose}>
      <form class="form" onSubmit={submit}>
        <Matchers all={draft.matchers} error={shown(faults.matchers)} onChange={(matchers) => change({ matchers })} />
        <Preview matchers={read.matchers} />
        <div class="form-row">
          <Field label={t("si.length")} error={said(faults.length)}>
            {(a) => (
              <div class="lengths">
                <div class="chips" role="group" aria-label={t("si.length")}>
                  {LENGTHS.map((l) => (
                    <button type="button" key={l} class="button chip-button" aria-pressed={draft.length === l} onClick={() => change({ length: l })}>
                      {l}
                    </button>
                  ))}
                </div>
                <input {...a} class="input mono" value={draft.length} placeholder={t("si.length.hint")} onInput={(e) => change({ length: e.currentTarget.value })} />
              </div>
            )}
          </Field>
        </div>
        <div class="form-row">
          {draft.began === undefined ? (
            <Field label={t("si.start")} error={said(faults.start)}>
              {(a) => <input {...a} class="input mono" value={draft.start} placeholder={t("si.start.hint")} onInput={(e) => change({ start: e.currentTarget.value })} />}
            </Field>
          ) : null}
          <p class="soft form-said num" role="status">
            {Number.isNaN(read.endMs) ? "" : draft.start.trim() === "now" && draft.began === undefined ? t("si.ends", { at: formatDateTime(read.endMs, zone.value) }) : t("si.ends.span", { from: formatDateTime(read.startMs, zone.value), to: formatDateTime(read.endMs, zone.value) })}
          </p>
        </div>
        <Windows all={draft.windows} error={shown(faults.windows)} onChange={(windows) => change({ windows })} />
        <div class="form-row">
          <Field label={t("si.by")} error={shown(faults.by)}>
            {(a) => <input {...a} {...(userName.value ? {} : { "data-first": "" })} class="input" value={draft.by} maxLength={NAME_MAX} autocomplete="name" onInput={(e) => change({ by: e.currentTarget.value })} />}
          </Field>
          <Field label={t("si.why")} error={shown(faults.why)}>
            {(a) => <input {...a} {...(userName.value ? { "data-first": "" } : {})} class="input" value={draft.why} maxLength={NOTE_MAX} placeholder={t("si.why.hint")} autocomplete="off" onInput={(e) => change({ why: e.currentTarget.value })} />}
          </Field>
        </div>
        <FormFoot sending={sending} label={t(edits ? "si.save.edit" : "al.silence")} onCancel={onClose} />
      </form>
    </Dialog>
  );
}

function Matchers({ all, error, onChange }: { all: Matcher[]; error: string; onChange: (all: Matcher[]) => void }) {
  const set = (i: number, more: Partial<Matcher>) => onChange(all.map((m, k) => (k === i ? { ...m, ...more } : m)));
  return (
    <fieldset class="matchers">
      <legend>{t("si.matchers")}</legend>
      {all.map((m, i) => (
        <div class="matcher" key={i}>
          <input class="input mono" aria-label={t("si.matcher.name")} placeholder={t("si.matcher.name")} value={m.name} onInput={(e) => set(i, { name: e.currentTarget.value })} spellcheck={false} autocapitalize="off" autocomplete="off" />
          <select class="input mono" aria-label={t("si.matcher.op")} value={opOf(m)} onChange={(e) => set(i, { isRegex: e.currentTarget.value.endsWith("~"), isEqual: e.currentTarget.value.startsWith("=") })}>
            {OPS.map((op) => (
              <option key={op} value={op}>
                {op}
              </option>
            ))}
          </select>
          <input class="input mono" aria-label={t("col.value")} placeholder={t("col.value")} value={m.value} onInput={(e) => set(i, { value: e.currentTarget.value })} spellcheck={false} autocapitalize="off" autocomplete="off" />
          <button type="button" class="button button-icon" aria-label={t("si.matcher.remove", { name: m.name })} title={t("si.matcher.remove", { name: m.name })} disabled={all.length === 1} onClick={() => onChange(all.filter((_, k) => k !== i))}>
            <Icon name="close" size={15} />
          </button>
        </div>
      ))}
      <button type="button" class="button button-small" onClick={() => onChange([...all, { name: "", value: "", isRegex: false, isEqual: true }])}>
        <Icon name="plus" size={14} />
        {t("si.matcher.add")}
      </button>
      <span class="field-error" role="status">
        {error}
      </span>
    </fieldset>
  );
}

/** The alerts that it would mute now. */
export function Preview({ matchers, over }: { matchers: Matcher[]; over?: boolean }) {
  const [answer, setAnswer] = useState<{ alerts: NoticeDoc[] | null; error: string }>({ alerts: null, error: "" });
  const key = JSON.stringify(matchers);
  const any = matchers.length > 0;
  useEffect(() => {
    if (!any) return;
    const abort = new AbortController();
    setAnswer({ alerts: null, error: "" });
    const timer = setTimeout(() => {
      previewSilence(JSON.parse(key) as Matcher[], abort.signal).then(
        ({ alerts }) => setAnswer({ alerts, error: "" }),
        (e: Error) => abort.signal.aborted || setAnswer({ alerts: null, error: e.message }),
      );
    }, PREVIEW_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [key, any]);
  const { alerts, error } = answer;
  if (!any) return null;
  return (
    <div class={`preview ${alerts?.length ? "preview-some" : ""}`} role="status">
      {error ? (
        <span class="field-error">{error}</span>
      ) : !alerts ? (
        <span class="soft">{t("si.preview.busy")}</span>
      ) : alerts.length === 0 ? (
        <span class="soft">{t("si.preview.none")}</span>
      ) : (
        <>
          <span class="strong">{t(over ? "si.preview.ended" : "si.preview", { n: alerts.length })}</span>
          <ul>
            {alerts.slice(0, PREVIEW_SHOWN).map((a) => (
              <li key={a.fingerprint}>
                {nameOf(a.labels)}{" "}
                <span class="mono soft">
                  <LabelText labels={labelsBut(a.labels, new Set())} />
                </span>
              </li>
            ))}
            {alerts.length > PREVIEW_SHOWN ? <li class="soft">{t("health.more", { n: alerts.length - PREVIEW_SHOWN })}</li> : null}
          </ul>
        </>
      )}
    </div>
  );
}

const emptyWindow = (): Window => ({ times: [{ start_time: "01:00", end_time: "04:00" }], weekdays: [] });
/** What a window has that the fields do not show, in words. */
const more = (w: Window) => [...(w.days_of_month ?? []), ...(w.months ?? []), ...(w.years ?? []), ...(w.times ?? []).slice(1).map((x) => `${x.start_time}-${x.end_time}`)].join(", ");

function Windows({ all, error, onChange }: { all: Window[]; error: string; onChange: (all: Window[]) => void }) {
  const set = (i: number, more: Partial<Window>) => onChange(all.map((w, k) => (k === i ? { ...w, ...more } : w)));
  return (
    <details class="windows" open={all.length > 0}>
      <summary>{t("si.recur")}</summary>
      <p class="soft">{t("si.recur.note")}</p>
      {all.map((w, i) => (
        <OneWindow key={i} n={i + 1} window={w} onChange={(m) => set(i, m)} onRemove={() => onChange(all.filter((_, k) => k !== i))} />
      ))}
      <button type="button" class="button button-small" onClick={() => onChange([...all, emptyWindow()])}>
        <Icon name="plus" size={14} />
        {t("si.window.add")}
      </button>
      <span class="field-error" role="status">
        {error}
      </span>
    </details>
  );
}

function OneWindow({ n, window: w, onChange, onRemove }: { n: number; window: Window; onChange: (more: Partial<Window>) => void; onRemove: () => void }) {
  const days = daysOf(w.weekdays);
  const [time] = w.times ?? [];
  const setTime = (start_time: string, end_time: string) => onChange({ times: start_time || end_time ? [{ start_time, end_time }, ...(w.times ?? []).slice(1)] : (w.times ?? []).slice(1) });
  const toggle = (day: string) => {
    if (!days.delete(day)) days.add(day);
    onChange({ weekdays: WEEKDAYS.filter((d) => days.has(d)) });
  };
  const rest = more(w);
  return (
    <fieldset class="window">
      <legend class="sr-only">{t("si.window", { n })}</legend>
      <div class="chips" role="group" aria-label={t("si.window.days")}>
        {WEEKDAYS.map((d, i) => (
          <button type="button" key={d} class="button chip-button" aria-pressed={days.has(d)} onClick={() => toggle(d)}>
            {t(DAY_TEXTS[i] ?? "day.mon")}
          </button>
        ))}
      </div>
      <div class="window-times">
        <label>
          <span class="soft">{t("si.window.from")}</span>
          <input class="input mono" value={time?.start_time ?? ""} placeholder="00:00" size={5} maxLength={5} onInput={(e) => setTime(e.currentTarget.value, time?.end_time ?? "")} />
        </label>
        <label>
          <span class="soft">{t("si.window.to")}</span>
          <input class="input mono" value={time?.end_time ?? ""} placeholder="24:00" size={5} maxLength={5} onInput={(e) => setTime(time?.start_time ?? "", e.currentTarget.value)} />
        </label>
        <label>
          <span class="soft">{t("si.window.zone")}</span>
          <input
            class="input mono"
            value={w.location ?? ""}
            placeholder={t("si.window.zone.hint")}
            onInput={(e) => onChange(e.currentTarget.value ? { location: e.currentTarget.value } : { location: undefined as unknown as string })}
            spellcheck={false}
          />
        </label>
        <button type="button" class="button button-icon" aria-label={t("si.window.remove", { n })} onClick={onRemove}>
          <Icon name="close" size={15} />
        </button>
      </div>
      {rest ? <p class="soft">{t("si.window.also", { what: rest })}</p> : null}
    </fieldset>
  );
}
