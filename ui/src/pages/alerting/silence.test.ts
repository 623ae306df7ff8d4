import { describe, expect, it } from "vitest";
import { daysOf, draftOf, exactly, readDraft, wishOf } from "./silence";

const NOW = Date.parse("2026-11-21T12:00:00Z");
const m = (name: string, value: string, isRegex = false, isEqual = true) => ({ name, value, isRegex, isEqual });
const draft = (more = {}) => ({ ...draftOf({ matchers: [m("job", "api")] }, "ana", NOW), why: "work", ...more });
const fault = (more: object) => Object.entries(readDraft(draft(more), NOW).faults).filter(([, f]) => f).map(([k, f]) => `${k}: ${f?.key}`);

describe("a silence that is written", () => {
  it("begins with the labels of the alert, its name first", () => expect(exactly({ job: "a", alertname: "X", b: "" })).toEqual([m("alertname", "X"), m("b", ""), m("job", "a")]));
  it("becomes what the server takes", () => {
    const d = draft({ length: "1h30m", windows: [{ weekdays: ["monday"] }] });
    expect(wishOf(d, readDraft(d, NOW))).toEqual({ matchers: [m("job", "api")], startsAt: "2026-11-21T12:00:00.000Z", endsAt: "2026-11-21T13:30:00.000Z", createdBy: "ana", comment: "work", windows: [{ weekdays: ["monday"] }] });
  });
  it("that is changed keeps its end, to the minute above", () => {
    const running = draftOf({ id: "7", matchers: [m("a", "b")], startsAt: "2026-11-21T11:00:00Z", endsAt: "2026-11-21T13:00:30Z" }, "ana", NOW);
    expect([running.id, running.began, running.length]).toEqual(["7", NOW - 3_600_000, "1h1m"]);
    const wish = wishOf({ ...running, length: "4h" }, readDraft({ ...running, length: "4h" }, NOW));
    expect([wish.startsAt, wish.endsAt]).toEqual(["2026-11-21T11:00:00.000Z", "2026-11-21T16:00:00.000Z"]);
    const planned = draftOf({ id: "8", matchers: [m("a", "b")], startsAt: "2026-11-21T20:00:00Z", endsAt: "2026-11-21T22:00:00Z" }, "ana", NOW);
    expect([planned.start, planned.length]).toEqual(["2026-11-21T20:00:00.000Z", "2h"]);
  });
  it("says what is wrong", () => {
    expect(fault({})).toEqual([]);
    expect(fault({ matchers: [m("", "x")] })).toEqual(["matchers: si.bad.matchers"]);
    expect(fault({ matchers: [m("a", ".*", true)] })).toEqual(["matchers: si.bad.matchers"]);
    expect(fault({ matchers: [m("a", "", false, false)] })).toEqual([]);
    expect(fault({ start: "soon" })).toEqual(["start: si.bad.start"].concat([]));
    expect(fault({ length: "long" })).toEqual(["length: si.bad.length"]);
    expect(fault({ matchers: [m("job", "api"), m("", "web1")] })).toEqual(["matchers: si.bad.matchers"]);
    expect(fault({ length: "99999999d" })).toEqual(["length: si.bad.length"]);
    expect(fault({ length: "0s" })).toEqual(["length: si.bad.length"]);
    expect(fault({ start: "2026-11-20T12:00:00Z", length: "1h" })).toEqual(["length: si.bad.past"]);
    expect(fault({ by: " ", why: "" })).toEqual(["by: si.bad.who", "why: si.bad.why"]);
    for (const w of [{}, { times: [{ start_time: "04:00", end_time: "01:00" }] }, { times: [{ start_time: "1", end_time: "2" }] }]) expect(fault({ windows: [w] })).toEqual(["windows: si.bad.window"]);
    expect(fault({ windows: [{ times: [{ start_time: "22:00", end_time: "24:00" }] }] })).toEqual([]);
  });
  it("reads ranges of days", () => {
    expect([...daysOf(["monday:wednesday", "sunday"])]).toEqual(["monday", "tuesday", "wednesday", "sunday"]);
    expect([...daysOf(["saturday:monday"])]).toEqual(["saturday", "sunday", "monday"]);
    expect([...daysOf(["noday", "monday:never"])]).toEqual([]);
  });
});
