import { expect, it } from "vitest";
import { windowIn } from "./why";

const NOW = 1_000_000_000;
it("reads a window and its query", () => expect(windowIn("100000000~200000000~a ~ b", NOW)).toEqual({ span: { from: 100_000_000, to: 200_000_000 }, query: "a ~ b" }));
it("makes a short one a minute long", () => expect(windowIn("100000000~100010000~up", NOW)).toEqual({ span: { from: 99_975_000, to: 100_035_000 }, query: "up" }));
it("ends now at the latest", () => expect(windowIn(`${NOW - 10_000}~${NOW + 50_000}~up`, NOW)?.span).toEqual({ from: NOW - 60_000 + 0, to: NOW }));
it.each(["", "1~2", "5~4~up", "1~999999999~up", "a~b~up", "1~2~ "])("%j is none", (text) => expect(windowIn(text, NOW)).toBeNull());
