import { expect, test } from "vitest";
import { BLOCKS_MAX, markdown, safeHref } from "./markdown";

test("blocks and what stands in lines", () => {
  expect(markdown("# A *b*\n\ntext `x` **y**\nmore\n\n- one\n- two\n\n1. first\n\n> said\n\n---\n```\nraw <b>\n```")).toEqual([
    { kind: "heading", level: 1, of: [{ kind: "text", text: "A " }, { kind: "italic", of: [{ kind: "text", text: "b" }] }] },
    { kind: "paragraph", of: [{ kind: "text", text: "text " }, { kind: "code", text: "x" }, { kind: "text", text: " " }, { kind: "bold", of: [{ kind: "text", text: "y" }] }, { kind: "text", text: "\nmore" }] },
    { kind: "list", ordered: false, items: [[{ kind: "text", text: "one" }], [{ kind: "text", text: "two" }]] },
    { kind: "list", ordered: true, items: [[{ kind: "text", text: "first" }]] },
    { kind: "quote", of: [{ kind: "text", text: "said" }] },
    { kind: "rule" },
    { kind: "code", text: "raw " },
  ]);
  expect(markdown("| a | b |\n|---|:-:|\n| 1 | 2 |")).toEqual([{ kind: "table", head: [[{ kind: "text", text: "a" }], [{ kind: "text", text: "b" }]], rows: [[[{ kind: "text", text: "1" }], [{ kind: "text", text: "2" }]]] }]);
});

test("addresses that run something are no links, tags are gone, words stay", () => {
  for (const bad of ["javascript:alert(1)", "JaVaScRiPt:x", "data:text/html,x", "//evil.example", "/\\evil", "vbscript:x", " "]) expect(safeHref(bad)).toBeNull();
  for (const good of ["https://x.example/a?b=c", "/explore?expr=up", "mailto:a@b.example", "#top"]) expect(safeHref(good)).toBe(good);
  const text = JSON.stringify(markdown('<img src=x onerror=alert(1)>hello [x](javascript:alert(1)) <script>alert(1)</script>'));
  expect(text).toContain("hello");
  expect(text).not.toContain("javascript:");
  expect(text).not.toContain("onerror");
});

test("any text ends in bounded time and size", () => {
  let seed = 11;
  const random = (n: number) => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed % n;
  };
  const marks = ["*", "_", "`", "[", "](", ")", "#", "\n", "|", "-", ">", "~~", " ", "a", "<", "/>", "1. "];
  for (let k = 0; k < 300; k++) {
    const blocks = markdown(Array.from({ length: random(200) }, () => marks[random(marks.length)]).join(""));
    expect(blocks.length).toBeLessThanOrEqual(BLOCKS_MAX);
  }
  expect(markdown("- x\n\n".repeat(5_000)).length).toBe(BLOCKS_MAX);
});
