// The button that shows the time range and opens its dialog.
import { CALENDAR } from "../lib/before";
import { formatBack, liveWindow, resolveRange } from "../lib/time";
import { formatDateTime } from "../lib/format";
import { t } from "../lib/text";
import { zoneName } from "../lib/zone";
import { url } from "../state/url";
import { openDialog } from "./dialogs";
import { Icon } from "./Icon";

function label(): string {
  const { range, zone } = url.value;
  const w = liveWindow(range);
  if (w !== null) return t("time.last", { d: formatBack(w) ?? "" });
  const named = CALENDAR.find((c) => c.from === range.from && c.to === range.to);
  if (named) return t(`time.cal.${named.name}`);
  const span = resolveRange(range, Date.now());
  return span ? t("time.fixed", { from: formatDateTime(span.from, zone), to: formatDateTime(span.to, zone) }) : `${range.from} – ${range.to}`;
}

export function TimePicker() {
  const zone = zoneName(url.value.zone);
  return (
    <button type="button" class="button" aria-haspopup="dialog" onClick={() => openDialog("time")} title="t">
      <Icon name="clock" size={16} />
      <span class="sr-only">{t("time.label")}: </span>
      <span class="time-label">{label()}</span>
      {zone ? <span class="soft zone-name wide">{zone.split("/").pop()?.replace(/_/g, " ")}</span> : null}
    </button>
  );
}
