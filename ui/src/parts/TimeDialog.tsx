// The time range: quick ranges that end now, or a start and an end; the zone; and the earlier time that charts also show.
import { useState } from "preact/hooks";
import { BEFORES, type Before, CALENDAR } from "../lib/before";
import { t } from "../lib/text";
import { parseInstant, resolveRange, type TimeRange } from "../lib/time";
import { wallText, zones } from "../lib/zone";
import { patch, url } from "../state/url";
import { Dialog } from "./Dialog";
import { closeDialog } from "./dialogs";

const QUICK = ["5m", "15m", "30m", "1h", "3h", "6h", "12h", "24h", "2d", "7d", "30d", "90d"];

/** A typed instant: dates are stored as milliseconds, so that the address does not depend on a zone. */
function stored(text: string): string {
  const s = text.trim();
  if (s.startsWith("now")) return s;
  const at = parseInstant(s, Date.now());
  return at === null ? s : String(at);
}

/** The list has one name of each zone; the address may have another. */
const zonesWith = (zone: string): string[] => {
  const all = zones();
  return zone === "browser" || zone === "utc" || all.includes(zone) ? all : [zone, ...all];
};

const shownInstant = (text: string) => (/^\d+$/.test(text) ? wallText(Number(text), url.value.zone) : text);

export function TimeDialog() {
  const { range, zone, before } = url.value;
  const [from, setFrom] = useState(shownInstant(range.from));
  const [to, setTo] = useState(shownInstant(range.to));
  const [bad, setBad] = useState("");
  const take = (next: TimeRange) => {
    patch({ range: next });
    closeDialog();
  };
  const apply = (e: Event) => {
    e.preventDefault();
    const next = { from: stored(from), to: stored(to) };
    if (!resolveRange(next, Date.now())) return setBad(t("time.bad", { from, to }));
    take(next);
  };
  return (
    <Dialog title={t("time.label")} kind="dialog-time" onClose={closeDialog}>
      <h3>{t("time.quick")}</h3>
      <div class="quick">
        {QUICK.map((d) => {
          const on = range.to === "now" && range.from === `now-${d}`;
          return (
            <button type="button" key={d} class="button" data-first={on ? "" : undefined} aria-pressed={on} onClick={() => take({ from: `now-${d}`, to: "now" })}>
              {d}
            </button>
          );
        })}
      </div>
      <div class="quick" role="group" aria-label={t("time.calendar")}>
        {CALENDAR.map((c) => {
          const on = range.from === c.from && range.to === c.to;
          return (
            <button type="button" key={c.name} class="button" data-first={on ? "" : undefined} aria-pressed={on} onClick={() => take({ from: c.from, to: c.to })}>
              {t(`time.cal.${c.name}`)}
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
      <div class="fields time-more">
        <label>
          {t("time.zone")}
          <select class="input" value={zone} onChange={(e) => patch({ zone: e.currentTarget.value }, "replace")}>
            <option value="browser">{t("time.zone.browser", { zone: Intl.DateTimeFormat().resolvedOptions().timeZone })}</option>
            <option value="utc">{t("time.zone.utc")}</option>
            {zonesWith(zone).map((z) => (
              <option key={z} value={z}>
                {z.replace(/_/g, " ")}
              </option>
            ))}
          </select>
        </label>
        <label>
          {t("time.before")}
          <select class="input" value={before} onChange={(e) => patch({ before: e.currentTarget.value as Before }, "replace")}>
            {BEFORES.map((b) => (
              <option key={b} value={b}>
                {t(`time.before.${b || "none"}`)}
              </option>
            ))}
          </select>
        </label>
      </div>
    </Dialog>
  );
}
