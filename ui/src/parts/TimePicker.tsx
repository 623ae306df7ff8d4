// The time range: quick ranges that end now, or a start and an end; browser time or UTC.
import { useState } from "preact/hooks";
import { formatDateTime } from "../lib/format";
import { t } from "../lib/text";
import { formatBack, liveWindow, parseInstant, resolveRange } from "../lib/time";
import { patch, url } from "../state/url";
import { Dialog } from "./Dialog";
import { closeDialog, dialog, openDialog } from "./dialogs";
import { Icon } from "./Icon";

const QUICK = ["5m", "15m", "30m", "1h", "3h", "6h", "12h", "24h", "2d", "7d", "30d", "90d"];

function label(): string {
  const { range, zone } = url.value;
  const w = liveWindow(range);
  if (w !== null) return t("time.last", { d: formatBack(w) ?? "" });
  const span = resolveRange(range, Date.now());
  return span ? t("time.fixed", { from: formatDateTime(span.from, zone), to: formatDateTime(span.to, zone) }) : `${range.from} – ${range.to}`;
}

export function TimePicker() {
  return (
    <>
      <button type="button" class="button" aria-haspopup="dialog" onClick={() => openDialog("time")} title="t">
        <Icon name="clock" size={16} />
        <span class="sr-only">{t("time.label")}: </span>
        <span class="time-label">{label()}</span>
      </button>
      {dialog.value === "time" ? <TimeDialog /> : null}
    </>
  );
}

/** A typed instant: dates are stored as milliseconds, so that the address does not depend on a zone. */
function stored(text: string): string {
  const s = text.trim();
  if (s.startsWith("now")) return s;
  const utc = url.value.zone === "utc" && /^\d{4}-\d\d-\d\d[ T]\d/.test(s) && !/[zZ]|[+-]\d\d:?\d\d$/.test(s) ? `${s.replace(" ", "T")}Z` : s;
  const at = parseInstant(utc, Date.now());
  return at === null ? s : String(at);
}

function shownInstant(text: string): string {
  if (!/^\d+$/.test(text)) return text;
  const d = new Date(Number(text));
  const pad = (n: number) => String(n).padStart(2, "0");
  return url.value.zone === "utc"
    ? d.toISOString().slice(0, 19).replace("T", " ")
    : `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())} ${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}`;
}

function TimeDialog() {
  const { range, zone } = url.value;
  const [from, setFrom] = useState(shownInstant(range.from));
  const [to, setTo] = useState(shownInstant(range.to));
  const [bad, setBad] = useState("");
  const quick = (d: string) => {
    patch({ range: { from: `now-${d}`, to: "now" } });
    closeDialog();
  };
  const apply = (e: Event) => {
    e.preventDefault();
    const next = { from: stored(from), to: stored(to) };
    if (!resolveRange(next, Date.now())) return setBad(t("time.bad", { from, to }));
    patch({ range: next });
    closeDialog();
  };
  return (
    <Dialog title={t("time.label")} kind="dialog-time" onClose={closeDialog}>
      <h3>{t("time.quick")}</h3>
      <div class="quick">
        {QUICK.map((d) => {
          const on = range.to === "now" && range.from === `now-${d}`;
          return (
            <button type="button" key={d} class="button" data-first={on ? "" : undefined} aria-pressed={on} onClick={() => quick(d)}>
              {d}
            </button>
          );
        })}
      </div>
      <form onSubmit={apply}>
        <h3>{t("time.custom")}</h3>
        <div class="fields">
          <label>
            {t("time.from")}
            <input class="input" value={from} onInput={(e) => setFrom(e.currentTarget.value)} aria-describedby="time-hint" spellcheck={false} />
          </label>
          <label>
            {t("time.to")}
            <input class="input" value={to} onInput={(e) => setTo(e.currentTarget.value)} aria-describedby="time-hint" spellcheck={false} />
          </label>
          <button type="submit" class="button button-main">
            {t("time.apply")}
          </button>
        </div>
        <p id="time-hint" class="soft">
          {t("time.hint")}
        </p>
        {bad ? (
          <p class="field-error" role="alert">
            {bad}
          </p>
        ) : null}
      </form>
      <label class="zone">
        {t("time.zone")}
        <select class="input" value={zone} onChange={(e) => patch({ zone: e.currentTarget.value === "utc" ? "utc" : "browser" }, "replace")}>
          <option value="browser">{t("time.zone.browser")}</option>
          <option value="utc">{t("time.zone.utc")}</option>
        </select>
      </label>
    </Dialog>
  );
}
