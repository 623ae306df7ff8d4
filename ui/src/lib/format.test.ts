import { describe, expect, it } from "vitest";
import { formatDuration, formatMoment, formatValue, guessUnit, seriesName, sharedLabels, type Unit } from "./format";

describe("a value", () => {
  it.each<[number, Unit, string]>([
    [0, "bytes", "0 B"],
    [1023, "bytes", "1,023 B"],
    [1024, "bytes", "1 KiB"],
    [1023.9, "bytes", "1 KiB"],
    [1.5 * 2 ** 30, "bytes", "1.5 GiB"],
    [-2048, "bytes", "-2 KiB"],
    [3 * 2 ** 20, "bytes/s", "3 MiB/s"],
    [0.1234, "ratio", "12.3 %"],
    [1, "ratio", "100 %"],
    [-2e-8, "ratio", "0 %"],
    [0.0012, "seconds", "1.2 ms"],
    [90, "seconds", "90 s"],
    [7200, "seconds", "2 h"],
    [1500, "ops/s", "1.5 k/s"],
    [0.25, "ops/s", "0.25/s"],
    [999_999, "short", "1 M"],
    [12_345_678, "short", "12.3 M"],
    [0.00001, "short", "1.0e-5"],
    [Number.NaN, "bytes", "–"],
    [Number.POSITIVE_INFINITY, "short", "+∞"],
  ])("%d as %s is %s", (v, unit, text) => expect(formatValue(v, unit)).toBe(text));
});

describe("a duration", () => {
  it.each([
    [1234, "1.2 s"],
    [59_000, "59 s"],
    [245_000, "4 m 5 s"],
    [7_200_000, "2 h"],
    [183_600_000, "2 d 3 h"],
    [86_400_000 * 40, "40 d"],
  ])("%d is %s", (ms, text) => expect(formatDuration(ms)).toBe(text));
});

describe("the unit", () => {
  it.each<[string, Unit]>([
    ["node_memory_MemAvailable_bytes", "bytes"],
    ['rate(node_network_receive_bytes_total{device!="lo"}[1m])', "bytes/s"],
    ["sum by (device) (irate(node_disk_read_bytes_total[1m]))", "bytes/s"],
    ['avg by (mode) (rate(node_cpu_seconds_total{mode!="idle"}[1m]))', "ratio"],
    ["1 - node_filesystem_avail_bytes / node_filesystem_size_bytes", "ratio"],
    ["node_memory_MemTotal_bytes - node_memory_MemAvailable_bytes", "bytes"],
    ["rate(http_requests_total[5m])", "ops/s"],
    ["scrape_duration_seconds", "seconds"],
    ["disk_used_ratio", "ratio"],
    ["sum(pod:cpu_usage_seconds_total:sum_irate)", "ratio"],
    ["instance:cpu_utilisation:rate5m", "short"],
    ["count by (cpu) (node_cpu_seconds_total)", "short"],
    ["node_load1", "short"],
    ["", "short"],
    ['sum(rate(http_requests_total{code=~"5.."}[5m])) / sum(rate(http_requests_total[5m]))', "ratio"],
    ["histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))", "seconds"],
  ])("of %s is %s", (expr, unit) => expect(guessUnit(expr)).toBe(unit));
  it("as the server says wins", () => expect(guessUnit("node_load1", "bytes")).toBe("bytes"));
});

describe("a series' name", () => {
  it("is PromQL", () => expect(seriesName({ __name__: "up", job: "a", b: 'x"y' })).toBe('up{b="x\\"y", job="a"}'));
  it("leaves out what all share", () => {
    const all = [{ __name__: "up", job: "a", i: "1" }, { __name__: "up", job: "a", i: "2" }];
    expect(all.map((l) => seriesName(l, sharedLabels(all)))).toEqual(["1", "2"]);
  });
  it("of one series stays whole", () => expect(seriesName({ __name__: "up", job: "a" }, sharedLabels([{ __name__: "up", job: "a" }]))).toBe('up{job="a"}'));
  it("of no labels is braces", () => expect(seriesName({})).toBe("{}"));
});

it("a moment has its year when it is another one", () => {
  const now = Date.parse("2026-11-21T12:00:00Z");
  expect([formatMoment(now - 60_000, now, "utc"), formatMoment(now - 400 * 864e5, now, "utc")]).toEqual(["21 Nov, 11:59:00", "17 Oct 2025, 12:00:00"]);
});

it.each([
  [1_479_735, "bits_si/s", "1.48 Mb/s"],
  [1500, "bytes_si", "1.5 kB"],
  [250, "milliseconds", "250 ms"],
  [90, "minutes", "1 h 30 m"],
  [7, "suffix: jobs", "7 jobs"],
  [7, "prefix:$", "$7"],
  [0, "yes_no", "no"],
  [1, "on_off", "on"],
  [1200, "ops/min", "1.2 k/min"],
  [0, "datetime", "1970-01-01 00:00:00"],
  [1e300, "datetime", "–"],
  [255, "hex", "ff"],
])("units of dashboards: %d as %s is %s", (v, unit, text) => expect(formatValue(v, unit as Unit)).toBe(text));
