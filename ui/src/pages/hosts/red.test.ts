import { describe, expect, it } from "vitest";
import { redOf } from "./red";

const of = (...all: [string, Record<string, string>?][]) => all.map(([name, labels]) => ({ __name__: name, job: "api", ...labels }));

describe("the requests of a service", () => {
  it("of the common Prometheus names", () => {
    const red = redOf("api", of(["http_requests_total", { code: "200", handler: "/" }], ["http_requests_total", { code: "503", handler: "/" }], ["http_request_duration_seconds_bucket", { le: "1" }], ["up"]));
    expect(red?.rate).toBe('sum(rate(http_requests_total{job="api"}[2m]))');
    expect(red?.errors).toContain('code=~"5.*"');
    expect(red?.durations.map((d) => d.name)).toEqual(["p50", "p95", "p99"]);
    expect(red?.durations[1]?.expr).toContain("http_request_duration_seconds_bucket");
    expect(red?.by?.label).toBe("handler");
  });
  it("of OpenTelemetry's", () => {
    const red = redOf("shop", of(["http_server_request_duration_seconds_bucket", { http_response_status_code: "200", http_route: "/cart", le: "1" }], ["http_server_request_duration_seconds_count", { http_response_status_code: "200", http_route: "/cart" }]));
    expect(red?.metric).toBe("http_server_request_duration_seconds_count");
    expect(red?.errors).toContain('http_response_status_code=~"5.*"');
    expect(red?.by?.label).toBe("http_route");
  });
  it("of gRPC's", () => {
    const red = redOf("rpc", of(["grpc_server_handled_total", { grpc_code: "OK", grpc_method: "Get" }], ["grpc_server_handling_seconds_bucket", { le: "1" }]));
    expect(red?.errors).toContain("Unavailable");
    expect(red?.durations).toHaveLength(3);
  });
  it("of a counter of requests and one of seconds: a mean", () => {
    const red = redOf("plimsoll", of(["plimsoll_serve_requests_total", { code: "200" }], ["plimsoll_serve_request_seconds_total"]));
    expect(red?.durations).toEqual([{ name: "mean", expr: 'sum(rate(plimsoll_serve_request_seconds_total{job="plimsoll"}[2m])) / sum(rate(plimsoll_serve_requests_total{job="plimsoll"}[2m]))' }]);
  });
  it("are requests rather than queries or calls that it makes", () => expect(redOf("x", of(["a_queries_total"], ["z_requests_total"]))?.metric).toBe("z_requests_total"));
  it("are not those that it sends", () => expect(redOf("api", of(["http_client_requests_total", { code: "200" }]))).toBeNull());
  it("are not there when nothing tells", () => expect(redOf("node", of(["up"], ["node_cpu_seconds_total"]))).toBeNull());
  it("without a word on failures have none", () => expect(redOf("api", of(["http_requests_total", { method: "GET" }]))?.errors).toBeNull());
});
