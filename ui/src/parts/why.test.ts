import { expect, it } from "vitest";
import { metricNames } from "./WhyEmpty";

it.each([
  ["up", ["up"]],
  ['avg by (mode) (rate(node_cpu_seconds_total{job="host",mode!="idle"}[1m]))', ["node_cpu_seconds_total"]],
  ['a{x="b c"} - on (instance) b offset 5m', ["a", "b"]],
  ["sum(rate(a[1m])) without (x) > bool 1", ["a"]],
  ['label_replace(a, "x", "y", "", "") or vector(1)', ["a"]],
])("metrics of %s", (expr, names) => expect(metricNames(expr)).toEqual(names));
