// The next times of a schedule, as the server reads it (minute, hour, day of the month, month, day of the week): a time that daylight
// saving skips is right after the gap, one that comes twice is the first. What cannot be read is the server's to explain. Pure.
import { zoneOffset } from "../../lib/zone";

const DAY = 86_400_000;
/** Days that are looked at: leap days come every eight years at worst. */
const DAYS_MAX = 366 * 9;
const NAMED: Record<string, string> = { "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *" };
const MONTHS = ",jan,feb,mar,apr,may,jun,jul,aug,sep,oct,nov,dec".split(",");
const WEEKDAYS = "sun,mon,tue,wed,thu,fri,sat".split(",");

/** The numbers of a field; null when it cannot be read. */
function field(text: string, low: number, high: number, names: string[] = []): Set<number> | null {
  const out = new Set<number>();
  const number = (s: string) => (/^\d+$/.test(s) ? Number(s) : s ? names.indexOf(s.toLowerCase()) : -1);
  for (const part of text.split(",")) {
    const [range = "", step, more] = part.split("/");
    const [a = "", b, rest] = range.split("-");
    const from = range === "*" ? low : number(a);
    const to = range === "*" || (b === undefined && step !== undefined) ? high : b === undefined ? from : number(b);
    const by = step === undefined ? 1 : /^\d+$/.test(step) ? Number(step) : 0;
    if (more !== undefined || rest !== undefined || from < low || to > high || from > to || by < 1 || by > high) return null;
    for (let n = from; n <= to; n += by) out.add(n);
  }
  return out;
}

/** At most `count` times after this one, in ms; null when the text is no schedule. */
export function nextTimes(text: string, zone: string, after: number, count: number): number[] | null {
  const fields = (NAMED[text.trim()] ?? text).trim().split(/\s+/);
  const [m = "", h = "", d = "", mon = "", w = ""] = fields;
  const minutes = field(m, 0, 59);
  const hours = field(h, 0, 23);
  const days = field(d, 1, 31);
  const months = field(mon, 1, 12, MONTHS);
  const weekdays = field(w, 0, 7, WEEKDAYS);
  if (fields.length !== 5 || !minutes || !hours || !days || !months || !weekdays) return null;
  const either = !d.startsWith("*") && !w.startsWith("*");
  const isOn = (at: Date) => {
    const day = days.has(at.getUTCDate());
    const weekday = weekdays.has(at.getUTCDay()) || (at.getUTCDay() === 0 && weekdays.has(7));
    return months.has(at.getUTCMonth() + 1) && (either ? day || weekday : day && weekday);
  };
  const out: number[] = [];
  // A time of yesterday that was skipped may be due today.
  const first = Math.floor((after + zoneOffset(after, zone)) / DAY) * DAY - DAY;
  for (let i = 0; i < DAYS_MAX && out.length < count; i++) {
    const midnight = first + i * DAY;
    if (!isOn(new Date(midnight))) continue;
    const before = zoneOffset(midnight - DAY, zone);
    const later = zoneOffset(midnight + 2 * DAY, zone);
    const instant = (wall: number) => {
      const at = wall - before;
      return before === later || zoneOffset(at, zone) === before || zoneOffset(wall - later, zone) !== later ? at : wall - later;
    };
    const times = new Set<number>();
    for (const hour of hours) for (const minute of minutes) times.add(instant(midnight + hour * 3_600_000 + minute * 60_000));
    out.push(...[...times].filter((at) => at > after && !out.includes(at)).sort((a, b) => a - b));
  }
  return out.length ? out.slice(0, count) : null;
}
