import { expect, test } from "vitest";
import { offOf, switched } from "./off";

const shown = (hide: string[], panel: string) => {
  const { solo, hidden } = offOf(panel, hide);
  return [solo, ...hidden];
};

test("one series alone, then all again; panels do not know of each other", () => {
  let hide = switched([], "1", "idle", true);
  hide = switched(hide, "11", "user", false);
  expect([shown(hide, "1"), shown(hide, "11")]).toEqual([["idle"], ["", "user"]]);
  expect(switched(hide, "1", "idle", true)).toEqual(["11/user"]);
});

test("several are hidden, and shown again; who is alone ends that", () => {
  let hide = switched(switched([], "1", "a/b", false), "1", "c", false);
  expect(shown(hide, "1")).toEqual(["", "a/b", "c"]);
  hide = switched(hide, "1", "a/b", false);
  expect(shown(hide, "1")).toEqual(["", "c"]);
  hide = switched(hide, "1", "x", true);
  expect(shown(hide, "1")).toEqual(["x"]);
  expect(shown(switched(hide, "1", "y", false), "1")).toEqual(["", "y"]);
});

test("copies of a repeated panel have their own", () => {
  const hide = switched([], "3~web", "x", false);
  expect([shown(hide, "3"), shown(hide, "3~web")]).toEqual([[""], ["", "x"]]);
});
