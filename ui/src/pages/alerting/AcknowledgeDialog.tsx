// Acknowledging: who, and what they are doing about it.
import { useState } from "preact/hooks";
import { acknowledge } from "../../api/alerting";
import type { AlertDoc } from "../../api/alertingTypes";
import { t } from "../../lib/text";
import { Dialog } from "../../parts/Dialog";
import { userName } from "../../state/prefs";
import { Field, FormFoot, NameField, NOTE_MAX, remember, useSending } from "./form";
import { LabelText } from "./marks";
import { labelsBut, nameOf } from "./standing";

interface FormProps {
  title: string;
  text: string;
  children?: preact.ComponentChildren;
  send: (by: string, note: string) => Promise<unknown>;
  onClose: () => void;
  onDone: () => void;
}

export function AcknowledgeForm({ title, text, children, send, onClose, onDone }: FormProps) {
  const [by, setBy] = useState(userName.value);
  const [note, setNote] = useState("");
  const [tried, setTried] = useState(false);
  const sending = useSending();
  const submit = (e: Event) => {
    e.preventDefault();
    setTried(true);
    if (!by.trim()) return;
    remember(by);
    sending.run(() => send(by.trim(), note.trim()), onDone);
  };
  const known = userName.value !== "";
  return (
    <Dialog title={title} onClose={onClose}>
      <form class="form" onSubmit={submit}>
        {children}
        <p class="soft">{text}</p>
        <NameField value={by} error={tried && !by.trim() ? t("si.bad.who") : ""} onInput={setBy} first={!known} />
        <Field label={t("al.ack.note")}>{(a) => <textarea {...a} {...(known ? { "data-first": "" } : {})} class="input" rows={2} maxLength={NOTE_MAX} placeholder={t("al.ack.note.hint")} value={note} onInput={(e) => setNote(e.currentTarget.value)} />}</Field>
        <FormFoot sending={sending} label={t("al.acknowledge")} onCancel={onClose} />
      </form>
    </Dialog>
  );
}

export const AcknowledgeDialog = ({ alert: a, onClose, onDone }: { alert: AlertDoc; onClose: () => void; onDone: () => void }) => (
  <AcknowledgeForm title={t("al.ack.title", { name: nameOf(a.labels) })} text={t("al.ack.text")} send={(by, note) => acknowledge(a.fingerprint, by, note)} onClose={onClose} onDone={onDone}>
    <p class="mono form-labels">
      <LabelText labels={labelsBut(a.labels, new Set())} />
    </p>
  </AcknowledgeForm>
);
