import { expect, it } from "vitest";
import { idOf, problemsOf } from "./problems";

it("what is wrong stands at its field", () => {
  const said = 'title: a title has 1 to 200 characters; period: "soon" is no period (write 24h; or 7d); schedule.cron: "x; y: z" has 3 fields; sections[10].text: the words are missing';
  expect([...problemsOf(said)]).toEqual([
    ["title", "a title has 1 to 200 characters"],
    ["period", '"soon" is no period (write 24h; or 7d)'],
    ["schedule.cron", '"x; y: z" has 3 fields'],
    ["sections[10].text", "the words are missing"],
  ]);
});

it("another failure is at no field", () => expect(problemsOf("too many reports are being made; try again later").size).toBe(0));

it("a title gives a name that the server takes", () => {
  expect(idOf("  The Shop: last week, für Jürgen!  ")).toBe("the-shop-last-week-fur-jurgen");
  expect(idOf("…")).toBe("");
});
