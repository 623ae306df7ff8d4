import { expect, it } from "vitest";
import type { Line } from "../../charts/plot";
import { csvOf } from "./csv";

const line = (name: string, values: number[], hidden = false): Line => ({ name, values, hidden, colour: "#000000", dash: [] });

it("has a row a time and a column a series; gaps are empty, hidden series left out", () =>
  expect(csvOf({ start: 0, step: 1000, n: 2, lines: [line('{a="1", b="2"}', [1, Number.NaN]), line("x", [9, 9], true), line("-y", [-0.5, 2])] })).toBe(
    'time,"{a=""1"", b=""2""}",\'-y\r\n1970-01-01T00:00:00.000Z,1,-0.5\r\n1970-01-01T00:00:01.000Z,,2\r\n',
  ));
