import { expect, it } from "vitest";
import { queryOf } from "./series";

it("a named series is its expression with the labels", () => {
  expect(queryOf("cpu_busy", { instance: "vm", job: "host" }).query).toBe('1 - avg by (instance, job) (rate(node_cpu_seconds_total{mode="idle",instance="vm",job="host"}[2m]))');
  expect(queryOf("memory_used", { instance: "vm" }).query).toBe('1 - node_memory_MemAvailable_bytes{instance="vm"} / node_memory_MemTotal_bytes{instance="vm"}');
  expect(queryOf("load1", {}).query).toBe("node_load1");
  expect(queryOf("cpu_busy", {}).query).toBe('1 - avg by (instance, job) (rate(node_cpu_seconds_total{mode="idle"}[2m]))');
});
it("a counter is its rate, anything else itself", () => {
  expect(queryOf("http_requests_total", { code: "500" }).query).toBe('rate(http_requests_total{code="500"}[5m])');
  expect(queryOf("queue_length", { series: "queue_length", __name__: "x" }).query).toBe("queue_length");
  expect(queryOf("work", {}, "counter").query).toBe("rate(work[5m])");
  expect(queryOf("odd_total", {}, "gauge").query).toBe("odd_total");
});
it("names and values of any kind are quoted", () => {
  expect(queryOf("http.duration", { a: 'x"$&\\' }).query).toBe('{"http.duration",a="x\\"$&\\\\"}');
  expect(queryOf("load1", { a: "$m$&" }).query).toBe('node_load1{a="$m$&"}');
});
