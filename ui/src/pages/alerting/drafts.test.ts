import { expect, it } from "vitest";
import { DRAFTS_MAX, drafts, keepDraft } from "./drafts";

const draft = (text: string) => ({ text, base: 1, comment: "" });

it("keeps a text until it is saved or thrown away", () => {
  keepDraft("a", draft("x"));
  keepDraft("a", draft("y"));
  expect(drafts.value.get("a")?.text).toBe("y");
  keepDraft("a", null);
  expect(drafts.value.size).toBe(0);
});
it("forgets the one that was not changed for longest", () => {
  for (let i = 0; i <= DRAFTS_MAX; i++) keepDraft(`f${i}`, draft(""));
  keepDraft("f1", draft("again"));
  keepDraft("new", draft(""));
  expect([drafts.value.size, drafts.value.has("f0"), drafts.value.has("f1"), drafts.value.has("f2")]).toEqual([DRAFTS_MAX, false, true, false]);
});
