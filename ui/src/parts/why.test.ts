import { expect, it } from "vitest";
import { metricNames, nearestName } from "./WhyEmpty";

it.each([
  ["up", ["up"]],
  ['avg by (mode) (rate(node_cpu_seconds_total{job="host",mode!="idle"}[1m]))', ["node_cpu_seconds_total"]],
  ['a{x="b c"} - on (instance) b offset 5m', ["a", "b"]],
  ["sum(rate(a[1m])) without (x) > bool 1", ["a"]],
  ['label_replace(a, "x", "y", "", "") or vector(1)', ["a"]],
])("metrics of %s", (expr, names) => expect(metricNames(expr)).toEqual(names));

it("finds the name that was probably meant", () => {
  const names = ["node_load1", "node_load15", "node_load5", "node_memory_MemTotal_bytes", "up"];
  expect(nearestName("nod_load1", names)).toBe("node_load1");
  expect(nearestName("node_memory_MemTotl_byte", names)).toBe("node_memory_MemTotal_bytes");
  expect(nearestName("upp", names)).toBe("up");
  expect(nearestName("something_else", names)).toBeUndefined();
  expect(nearestName("u", [])).toBeUndefined();
});
