// Fields of the dialogs of alerting: a label above, what is wrong below.
import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";
import { t } from "../../lib/text";
import { Icon } from "../../parts/Icon";
import { NAME_MAX, setUserName, userName } from "../../state/prefs";

/** Bytes of a note that the server takes; texts are cut at this many letters in the field. */
export const NOTE_MAX = 4096;

interface FieldProps {
  label: string;
  error?: string | undefined;
  children: (attributes: { id: string; "aria-invalid": boolean; "aria-describedby": string }) => ComponentChildren;
}

export function Field({ label, error = "", children }: FieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, "aria-invalid": error !== "", "aria-describedby": `${id}-error` })}
      <span id={`${id}-error`} class="field-error">
        {error}
      </span>
    </div>
  );
}

interface PickProps<T extends string> {
  label: string;
  error?: string;
  value: T | undefined;
  /** what each is, and how it is called */
  of: readonly (readonly [T, string])[];
  /** how nothing is called, where that can be chosen */
  none?: string;
  onTake: (next: T | undefined) => void;
}

/** One of several; the empty value is that nothing is said. */
export const Pick = <T extends string>({ label, error, value, of, none, onTake }: PickProps<T>) => (
  <Field label={label} {...(error ? { error } : {})}>
    {(a) => (
      <select {...a} class="input" value={value ?? ""} onChange={(e) => onTake((e.currentTarget.value || undefined) as T | undefined)}>
        {none === undefined ? null : <option value="">{none}</option>}
        {of.map(([v, text]) => (
          <option key={v} value={v}>
            {text}
          </option>
        ))}
      </select>
    )}
  </Field>
);

/** The name of who sits here; remembered by this browser. */
export const NameField = ({ value, error, onInput, first }: { value: string; error?: string | undefined; onInput: (name: string) => void; first?: boolean }) => (
  <Field label={t("al.ack.by")} error={error}>
    {(a) => <input {...a} {...(first ? { "data-first": "" } : {})} class="input" value={value} maxLength={NAME_MAX} autocomplete="name" onInput={(e) => onInput(e.currentTarget.value)} />}
  </Field>
);

export interface Sending {
  busy: boolean;
  error: string;
  /** runs it once at a time; what it answers is not waited for by others */
  run: (what: () => Promise<unknown>, then: () => void) => void;
}

export function useSending(): Sending {
  const [state, setState] = useState({ busy: false, error: "" });
  return {
    ...state,
    run: (what, then) => {
      if (state.busy) return;
      setState({ busy: true, error: "" });
      what().then(
        () => {
          setState({ busy: false, error: "" });
          then();
        },
        (e: Error) => setState({ busy: false, error: e.message }),
      );
    },
  };
}

export const FormFoot = ({ sending, label, onCancel, children, danger }: { sending: Sending; label: string; onCancel: () => void; children?: ComponentChildren; danger?: boolean }) => (
  <>
    {sending.error ? (
      <p class="form-error" role="alert">
        <Icon name="warning" size={15} />
        {sending.error}
      </p>
    ) : null}
    <footer class="form-foot">
      {children}
      <span class="grow" />
      <button type="button" class="button" onClick={onCancel}>
        {t("form.cancel")}
      </button>
      <button type="submit" class={`button ${danger ? "button-danger" : "button-main"}`} aria-busy={sending.busy}>
        {label}
      </button>
    </footer>
  </>
);

/** A name that was used is there the next time. */
export const remember = (name: string) => name.trim() && name.trim() !== userName.value && setUserName(name.trim());
