import { describe, expect, it } from "vitest";
import { foundLines, retentionOf, valuesOf } from "./found";

const YAML = "serve:\n  listen: 1\nstore:\n  retention: 10d\n  retention_size: 5GB\n  wal:\n    sync: os\n";

describe("the configuration", () => {
  it("is all there without a word", () => expect(foundLines(YAML, "")).toHaveLength(7));
  it("shows the lines with the word below their keys", () => expect(foundLines(YAML, "SYNC").map((l) => l.line.trim())).toEqual(["store:", "wal:", "sync: os"]));
  it("tells how long samples are kept", () => {
    expect(retentionOf(YAML)).toEqual({ time: "10d", size: "5GB" });
    expect(retentionOf("other:\n  retention: 1d\n")).toEqual({ time: null, size: null });
  });
});

describe("the labels of a metric", () => {
  it("stand by their values, the most first", () => expect(valuesOf([{ __name__: "x", a: "1", b: "1" }, { __name__: "x", a: "1", b: "2" }])).toEqual([{ name: "b", value: 2 }, { name: "a", value: 1 }]));
});
