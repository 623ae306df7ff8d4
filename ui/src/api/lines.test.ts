import { describe, expect, it } from "vitest";
import { readLines, type Remembered } from "./lines";

interface Doc {
  i: number;
  name: string;
}

/** A body that comes in pieces of so many bytes. */
function body(text: string, piece: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  return new ReadableStream({
    pull(c) {
      if (at >= bytes.length) return c.close();
      c.enqueue(bytes.slice(at, at + piece));
      at += piece;
    },
  });
}

const docs = (n: number): Doc[] => Array.from({ length: n }, (_, i) => ({ i, name: `é ${i}` }));
const text = (all: Doc[], total = all.length) => [{ total }, ...all].map((x) => `${JSON.stringify(x)}\n`).join("");
const read = (all: Doc[], piece: number, before?: Remembered<Doc>, early?: (head: { total: number }, some: Doc[]) => void) => readLines<{ total: number }, Doc>(body(text(all), piece), before, 100, early);

describe("a list that comes line by line", () => {
  it("is whole wherever it is cut into pieces", async () => {
    for (const piece of [1, 7, 64, 100_000]) {
      const got = await read(docs(40), piece);
      expect([got.head, got.all, got.changed]).toEqual([{ total: 40 }, docs(40), true]);
    }
    expect((await read([], 9)).all).toEqual([]);
  });

  it("shows the first of many early", async () => {
    const seen: number[] = [];
    const early = (head: { total: number }, some: Doc[]) => seen.push(head.total, some.length);
    await read(docs(1000), 4096, undefined, early);
    await read(docs(99), 4096, undefined, early);
    expect(seen).toEqual([1000, 100]);
  });

  it("keeps what has not changed, and says whether anything has", async () => {
    const first = await read(docs(50), 64);
    const same = await read(docs(50), 1000, first.remembered);
    expect(same.changed).toBe(false);
    expect(same.all.every((d, i) => d === first.all[i])).toBe(true);
    const other = docs(50).with(7, { i: 7, name: "other" });
    const next = await read(other, 64, same.remembered);
    expect([next.changed, next.all]).toEqual([true, other]);
    expect(next.all.filter((d, i) => d === first.all[i])).toHaveLength(49);
    expect((await read(docs(49), 64, first.remembered)).changed).toBe(true);
    expect((await read(docs(51), 64, first.remembered)).changed).toBe(true);
    expect((await read(docs(50).reverse(), 64, first.remembered)).changed).toBe(true);
  });

  it("is an error when it ends too early", async () => {
    await expect(readLines(body(text(docs(3)).slice(0, -4), 10), undefined, 9)).rejects.toThrow("ended too early");
    await expect(readLines(body("", 10), undefined, 9)).rejects.toThrow("ended too early");
  });
});
