// What the pages of reports share: addresses, periods in words, when and to whom a report goes.
import type { ComponentChildren } from "preact";
import type { ReportDoc } from "../../api/reports";
import { formatDateTime } from "../../lib/format";
import { t, type TextKey } from "../../lib/text";
import { hrefOf, zone } from "../../state/url";
import { Field } from "../alerting/form";

/** Stands for a report that is not there yet. */
export const NEW = "+";

/** A report has a time of its own: the one of the page before is left behind. */
export const reportHref = (open: string, params: Record<string, string> = {}) => hrefOf("reports", { open, params, range: { from: "", to: "" } });

/** Times that people choose by name. */
export const PERIODS = ["24h", "7d", "30d", "today", "yesterday", "this_week", "last_week", "this_month", "last_month"] as const;

export const periodName = (p: string) => ((PERIODS as readonly string[]).includes(p) ? t(`rp.period.${p}` as TextKey) : t("rp.period.other", { p }));

const timeOf = (at: string) => formatDateTime(Date.parse(at), zone.value).replace(/:\d\d$/, "");

export const NextTime = ({ of: r }: { of: ReportDoc }) =>
  r.schedule ? (
    <>
      {r.next_at ? <span class="num">{timeOf(r.next_at)}</span> : null} <code class="soft">{r.schedule.cron}</code>
    </>
  ) : (
    <span class="soft">{t("rp.unsent")}</span>
  );

export const LastTime = ({ of: r }: { of: ReportDoc }) => <span class="num">{r.sent_for ? timeOf(r.sent_for) : "–"}</span>;

export const Origin = ({ of: r }: { of: ReportDoc }) =>
  r.source === "built-in" ? (
    <span class="badge" title={t("rp.always.text")}>
      {t("rp.always")}
    </span>
  ) : null;

/** Who gets it; one that is chosen and not there any more can be taken away. */
export const Receivers = ({ all, value, onTake }: { all: readonly string[]; value: readonly string[]; onTake: (next: string[]) => void }) => (
  <fieldset class="rp-to">
    <legend>{t("rp.col.to")}</legend>
    {[...new Set([...all, ...value])].map((name) => (
      <label class="check" key={name}>
        <input type="checkbox" checked={value.includes(name)} onChange={(e) => onTake(e.currentTarget.checked ? [...value, name] : value.filter((x) => x !== name))} />
        {name}
      </label>
    ))}
  </fieldset>
);

interface WriteProps {
  label: string;
  error?: string;
  value: string | undefined;
  /** what can be chosen instead of written */
  list?: readonly string[];
  hint?: string;
  onWrite: (text: string) => void;
  children?: ComponentChildren;
}

/** A line that is written. */
export const Write = ({ label, error, value = "", list, hint, onWrite, children }: WriteProps) => (
  <Field label={label} error={error}>
    {({ id, ...a }) => (
      <>
        <input {...a} id={id} type="text" class="input" value={value} placeholder={hint ?? ""} autocomplete="off" spellcheck={false} {...(list ? { list: `${id}-list` } : {})} onInput={(e) => onWrite(e.currentTarget.value)} />
        {list ? (
          <datalist id={`${id}-list`}>
            {list.map((x) => (
              <option key={x} value={x} />
            ))}
          </datalist>
        ) : null}
        {children}
      </>
    )}
  </Field>
);
