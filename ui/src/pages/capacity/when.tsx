// When something is full, as people say it: a date with the interval around it.
import type { CapacityDoc, DaysDoc } from "../../api/insight";
import { formatClock, formatDay, formatDuration, formatMoment } from "../../lib/format";
import { t } from "../../lib/text";
import { zone } from "../../state/url";
import { datesOf } from "./rows";

const DAY_MS = 86_400_000;
/** Within this a breach is soon, within the other it is near; ms. */
const SOON_MS = DAY_MS;
const NEAR_MS = 7 * DAY_MS;

/** The hour where that matters, else the day, with the year when it is another. */
export function dateText(at: number, now: number): string {
  if (at - now < DAY_MS && formatDay(at, zone.value) === formatDay(now, zone.value)) return formatClock(at, zone.value, false);
  if (at - now < 2 * DAY_MS) return `${formatDay(at, zone.value)}, ${formatClock(at, zone.value, false)}`;
  const text = formatMoment(at, now, zone.value);
  return text.slice(0, text.lastIndexOf(","));
}

export const urgency = (days: DaysDoc | null): string => (!days ? "" : days.p50 * DAY_MS < SOON_MS ? "cap-soon" : days.p50 * DAY_MS < NEAR_MS ? "cap-near" : "");

/** One line: "24 Nov (23 Nov – 27 Nov)". */
export function whenText(days: DaysDoc | null, state: CapacityDoc["state"], now: number): string {
  const dates = datesOf(days, now);
  if (!dates) return t(state === "learning" ? "cap.learning" : "cap.never");
  const around = dates.late === null ? t("cap.later", { early: dateText(dates.early, now) }) : t("cap.interval", { early: dateText(dates.early, now), late: dateText(dates.late, now) });
  return `${dateText(dates.even, now)} (${around})`;
}

export function When({ days, state, now }: { days: DaysDoc | null; state: CapacityDoc["state"]; now: number }) {
  const dates = datesOf(days, now);
  if (!dates) return <span class="soft">{t(state === "learning" ? "cap.learning" : "cap.never")}</span>;
  return (
    <>
      <span class={`strong num ${urgency(days)}`}>
        {dateText(dates.even, now)} <span class="soft">{t("cap.in", { d: formatDuration(Math.max(0, dates.even - now)) })}</span>
      </span>
      <span class="soft num">{dates.late === null ? t("cap.later", { early: dateText(dates.early, now) }) : t("cap.interval", { early: dateText(dates.early, now), late: dateText(dates.late, now) })}</span>
    </>
  );
}
