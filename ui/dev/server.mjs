// For work on the UI only: serves ui/dist and answers the UI's endpoints with made-up data, under the
// same content security policy as the binary. Not shipped; no test of the product uses it.
//   node dev/server.mjs [port] [scene]     scenes: full, many, learning, empty, error, first, loading
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { alerting } from "./alerting.mjs";

const port = Number(process.argv[2] ?? 7599);
const scene = process.argv[3] ?? "full";
const ofAlerting = alerting(scene);
const dist = fileURLToPath(new URL("../dist", import.meta.url));
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
export const CSP = "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; form-action 'self'";
const GIB = 2 ** 30;
const born = Date.now();

/** Smooth noise in [0, 1] that depends only on the time and a seed. */
function wave(t, seed, period = 60_000) {
  const x = t / period;
  const f = (k) => Math.sin(x * (1 + k * 0.73) + seed * (k + 1.7) + k);
  const fast = Math.sin(t * 0.00131 + seed * 9) * Math.sin(t * 0.00047 + seed * 3);
  return Math.max(0, Math.min(1, 0.5 + 0.22 * f(0) + 0.13 * f(1) + 0.08 * f(2) + 0.1 * fast));
}

const one = (labels, f) => [{ labels, f }];
const SHAPES = [
  [/avg by \(mode\)|node_cpu_seconds_total/, () => [["user", 0.34], ["system", 0.12], ["iowait", 0.06], ["steal", 0.01], ["softirq", 0.015], ["irq", 0.002], ["nice", 0.004]].map(([mode, k], i) => ({ labels: { mode }, f: (t) => k * wave(t, i + 1, 90_000) * 1.4 }))],
  [/MemTotal_bytes\{[^}]*\} - |MemTotal_bytes - /, () => one({ instance: "web-1", job: "host" }, (t) => (9.1 + 0.9 * wave(t, 3, 300_000)) * GIB)],
  [/node_memory_MemTotal/, () => one({ instance: "web-1", job: "host" }, () => 15.5 * GIB)],
  [/node_disk_read/, () => one({}, (t) => 3e6 * wave(t, 5, 40_000) ** 2)],
  [/node_disk_written/, () => one({}, (t) => 2.4e7 * wave(t, 6, 70_000) ** 3)],
  [/sum\(rate\(node_network_receive/, () => one({}, (t) => 1.9e6 * wave(t, 7))],
  [/sum\(rate\(node_network_transmit/, () => one({}, (t) => 7e5 * wave(t, 8))],
  [/node_network/, () => ["eth0", "eth1", "docker0", "lo"].map((device, i) => ({ labels: { device, instance: "web-1", job: "host" }, f: (t) => 1e6 * (i + 0.4) * wave(t, i + 11) }))],
  [/avail_bytes \/ node_filesystem_size/, () => one({ mountpoint: "/data", device: "/dev/vdb", instance: "db-1", job: "host" }, (t) => 0.931 + ((t - born) / 3.6e6) * 0.011)],
  [/node_filesystem/, () => ["/", "/data", "/boot", "/var/lib/containers"].map((mountpoint, i) => ({ labels: { mountpoint, device: `/dev/vda${i + 1}`, fstype: "ext4", instance: "web-1", job: "host" }, f: () => [0.78, 0.91, 0.22, 0.4][i] }))],
  [/node_load/, () => one({ __name__: "node_load1", instance: "web-1", job: "host" }, (t) => 3 * wave(t, 20))],
  [/many/, () => Array.from({ length: 50 }, (_, i) => ({ labels: { __name__: "many", i: String(i), path: `/api/v1/things/${i}/and/a/rather/long/path` }, f: (t) => i + wave(t, i) }))],
  [/http_requests_total/, () => ["web-1", "web-2", "web-3", "web-4"].map((instance, i) => ({ labels: { instance, job: "checkout" }, f: (t) => (i < 3 && t > born - (16 + i) * 60_000 ? 0.03 : 0.003) + 0.006 * wave(t, i + 40, 45_000) }))],
  [/backup_last/, () => one({ job: "ledger-backup" }, (t) => 137_000 + (t - born) / 1000)],
  [/time_to_limit/, () => one({ instance: "db-2", mountpoint: "/", job: "host" }, (t) => 39_600 + (born - t) / 1000)],
  [/duration_seconds/, () => ["search", "report"].map((job, i) => ({ labels: { job }, f: (t) => 0.5 + 0.9 * wave(t, i + 60, 80_000) }))],
  [/nothing|^absent/, () => []],
];

function answer(expr) {
  const open = (expr.match(/\(/g) ?? []).length - (expr.match(/\)/g) ?? []).length;
  if (open !== 0 || /[!@#$]$/.test(expr)) {
    const at = expr.length + 1;
    return { error: { type: "bad_data", message: `invalid parameter "query": 1:${at}: parse error: unclosed left parenthesis` } };
  }
  if (scene === "error") return { error: { type: "execution", message: "query needs 2,100,000 samples, at most 2,000,000 are allowed: shorten the range or raise query.samples_max" } };
  if (scene === "empty") return { series: [] };
  return { series: SHAPES.find(([re]) => re.test(expr))?.[1]() ?? [] };
}

function encode(header, columns, dtype) {
  const json = Buffer.from(JSON.stringify(header));
  const width = dtype === "f32" ? 4 : 8;
  const stride = (header.n * width + 7) & ~7;
  const from = (4 + json.length + 7) & ~7;
  const out = Buffer.alloc(from + stride * columns.length);
  out.writeUInt32LE(json.length, 0);
  json.copy(out, 4);
  columns.forEach((c, k) => {
    c.forEach((v, i) => {
      const at = from + k * stride + i * width;
      if (dtype === "f32") out.writeFloatLE(v - header.series[k].base, at);
      else out.writeDoubleLE(v, at);
    });
  });
  return out;
}

function frame(id, kind, expr, start, step, n, dtype = "f32") {
  const a = answer(expr);
  const base = { id, start, step, dtype, truncated: /many/.test(expr) ? 14 : 0, warnings: /warn/.test(expr) ? ['PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "warn" (1:6)'] : [] };
  if (a.error) return encode({ ...base, kind: "error", n: 0, series: [], error: a.error, cost: { series: 0, samples: 0, ms: 0 } }, [], dtype);
  const born = scene === "first" ? Date.now() - 12_000 : 0;
  const columns = a.series.map((s) => Array.from({ length: n }, (_, i) => (start + i * step < born ? Number.NaN : s.f(start + i * step))));
  const series = a.series.map((s, k) => {
    const ok = columns[k].filter(Number.isFinite);
    const stats = { min: Math.min(...ok), max: Math.max(...ok), avg: ok.reduce((x, y) => x + y, 0) / ok.length, last: ok.at(-1) };
    return { labels: s.labels, base: dtype === "f32" ? (ok[0] ?? 0) : 0, unit: "", stats };
  });
  return encode({ ...base, kind, n, series, error: null, cost: { series: series.length, samples: n * series.length * 12, ms: 1.3 } }, columns, dtype);
}

function overview() {
  const now = Date.now();
  const learning = scene === "learning" || scene === "first";
  const res = (id, title, unit, used, limit, forecast, more = {}) => ({ id, title, unit, used, limit, ratio: used / limit, warning: 0.8, critical: 0.9, defaults: true, forecast: learning ? { state: "learning", learned_ratio: 0.4, text: "learning: 2 m of 5 m" } : forecast, ...more });
  const days = (p50, p10, p90) => ({ state: "ok", days: { p50, p10, p90 }, text: `full in ${p50} d (${p10}-${p90})` });
  const none = { state: "none", text: "no breach in 90 d" };
  const quiet = scene === "empty" || scene === "first";
  return {
    now,
    started_at: now - (learning ? 130_000 : 3 * 86_400_000),
    version: "0.1.0",
    hostname: "web-1",
    health: learning
      ? { state: "learning", reasons: [] }
      : quiet
        ? { state: "healthy", reasons: [] }
        : { state: "warning", reasons: [{ severity: "critical", text: "disk /data is 93 % full", link: "/explore?expr=node_filesystem_avail_bytes" }, { severity: "warning", text: "disk / is full in 11 days", link: "/explore?expr=node_filesystem_avail_bytes" }, { severity: "warning", text: "target db-2:9100 is down" }] },
    collected_ago_ms: 1200,
    series: quiet ? 0 : 1240,
    samples_per_second: quiet ? 0 : 248,
    resources: scene === "empty" ? [] : [
      res("disk:/", "/ disk", "bytes", 196 * GIB, 250 * GIB, days(11, 8, 16)),
      res("disk:/data", "/data disk", "bytes", 930 * GIB, 1000 * GIB, days(2.5, 2, 3)),
      res("memory", "Memory", "bytes", 9.4 * GIB, 15.5 * GIB, none),
      res("cpu", "CPU", "ratio", 0.34, 1, none),
      res("inodes:/", "/ inodes", "", 2.1e6, 1.6e7, { state: "learning", learned_ratio: 0.7, text: "learning: 3 m 30 s of 5 m" }),
    ],
    processes: scene === "empty" ? [] : [["postgres: writer", 812, 0.41, 1.9], ["node /srv/shop/server.js --port 8080", 2290, 0.22, 0.8], ["plimsoll", 4001, 0.02, 0.04], ["sshd", 1, 0.001, 0.01], ["kworker/u8:2-events_unbound", 77, 0, 0]].map(([name, pid, cpu_ratio, g]) => ({ pid, name, cpu_ratio, rss_bytes: g * GIB })),
    alerts: quiet || learning ? [] : [
      { name: "DiskAlmostFull", state: "firing", severity: "critical", since: now - 720_000, value: 0.93, summary: "/data on web-1 is 93 % full", labels: { mountpoint: "/data" } },
      { name: "DiskFillsSoon", state: "firing", severity: "warning", since: now - 7_200_000, value: 11, summary: "/ on web-1 is full in 11 days (8-16)", labels: { mountpoint: "/" } },
      { name: "TargetDown", state: "pending", severity: "warning", since: now - 20_000, value: 0, summary: "db-2:9100 does not answer", labels: {} },
    ],
    anomalies: quiet || learning ? [] : [{ series: "node_load1", score: 0.83, labels: { instance: "web-1" } }, { series: "node_network_receive_bytes_total", score: 0.61, labels: { device: "eth0" } }],
    targets: scene === "empty" ? [] : [{ job: "host", instance: "web-1", up: true, last_error: "", last_ms: 3.1, samples: 420 }, ...(quiet ? [] : [{ job: "node", instance: "db-2:9100", up: false, last_error: "connect to db-2:9100: connection refused", last_ms: 12, samples: 0 }])],
    notes: ["no login is needed on loopback"],
  };
}

/** A share in a sum, of which one part stands twice. */
function explained(query, start, end) {
  const steps = Math.floor((end - start) / 5) + 1;
  const read = (series, tier) => ({ series, samples: series * steps * 2, from_ms: start * 1000, to_ms: end * 1000, tier, series_by_tier: tier === "raw" ? 0 : series, why: tier === "raw" ? "less than two hours are read" : "nothing coarser covers the range" });
  const n = query.length;
  const half = Math.floor(n / 2);
  const part = (name, kind, from, to, own, below, more) => ({ kind, name, at: [from, to], evaluated: 1, own_ms: own, wall_ms: own + below.reduce((a, b) => a + b.wall_ms, 0), series: 3, children: below, ...more });
  const left = part("sum", "aggregation", 0, half, 12, [part("a[5m]", "range", 0, Math.max(1, half - 2), 140, [], { read: read(24, "raw") })]);
  const right = part("b", "selector", half + 1, n, 30, [], { read: read(3, "1h") });
  const tree = part("+", "operator", 0, n, 2, [left, right]);
  return { query, tree, totals: { steps, series: 3, samples: 54 * steps, bytes_peak: 4e5, wall_ms: tree.wall_ms + 6 }, cached_steps: 40, warnings: /warn/.test(query) ? ['PromQL warning: quantile value should be between 0 and 1, got 7 (1:1)'] : [], infos: [] };
}

const FUNCTIONS = [
  ["rate", ["range vector"], "growth per second of a counter"],
  ["forecast", ["range vector", "scalar"], "value expected some seconds ahead", true],
].map(([name, args, doc, ours = false]) => ({ name, args, args_min: args.length, args_max: args.length, returns: "instant vector", doc, ours, experimental: false, on: true }));

const NAMES = ["many", "node_cpu_seconds_total", "node_disk_read_bytes_total", "node_disk_written_bytes_total", "node_filesystem_avail_bytes", "node_filesystem_size_bytes", "node_load1", "node_load15", "node_load5", "node_memory_MemAvailable_bytes", "node_memory_MemTotal_bytes", "node_network_receive_bytes_total", "node_network_transmit_bytes_total", "node_pressure_cpu_waiting_seconds_total", "plimsoll_store_series", "up"];

async function body(req) {
  const parts = [];
  for await (const c of req) parts.push(c);
  return Buffer.concat(parts);
}

async function panels(req, res) {
  const q = JSON.parse(await body(req));
  res.writeHead(200, { "content-type": "application/vnd.plimsoll.frame" });
  for (const { id, expr, kind, step_ms } of q.queries) {
    const step = step_ms ?? 5000;
    const start = Math.ceil(q.range.from / step) * step;
    const n = Math.floor((q.range.to - start) / step) + 1;
    const f = kind === "instant" ? frame(id, "full", expr, q.range.to, 0, 1, "f64") : frame(id, "full", expr, start, step, n);
    const len = Buffer.alloc(4);
    len.writeUInt32LE(f.length);
    res.write(Buffer.concat([len, f]));
  }
  res.end();
}

const json = (res, data) => res.writeHead(200, { "content-type": "application/json" }).end(typeof data === "string" ? data : JSON.stringify(data));

const server = createServer(async (req, res) => {
  const { pathname, searchParams } = new URL(req.url, "http://x");
  res.setHeader("content-security-policy", CSP);
  if (scene === "loading" && pathname.startsWith("/api")) return;
  if (pathname === "/api/plimsoll/v1/panels/query") return panels(req, res);
  if (pathname === "/api/plimsoll/v1/overview") return scene === "error" ? res.writeHead(503, { "content-type": "application/json" }).end('{"status":"error","errorType":"unavailable","error":"the store is still replaying its log"}') : json(res, overview());
  if (pathname === "/api/plimsoll/v1/query/functions") return json(res, { functions: FUNCTIONS });
  if (pathname === "/api/plimsoll/v1/query/check" || pathname === "/api/plimsoll/v1/query/explain") {
    const form = new URLSearchParams((await body(req)).toString());
    const query = form.get("query") ?? "";
    const { error } = answer(query);
    if (pathname.endsWith("check")) return json(res, error ? { valid: false, error: { message: error.message.replace(/^.*parse error: /, ""), line: 1, column: query.length + 1, at: [query.length, query.length] } } : { valid: true, type: "instant vector" });
    if (error) return res.writeHead(400, { "content-type": "application/json" }).end(JSON.stringify({ status: "error", errorType: error.type, error: error.message }));
    return json(res, explained(query, Number(form.get("start")), Number(form.get("end"))));
  }
  if (/^\/api\/(v1\/rules|v2\/(alerts|silence)|plimsoll\/v1\/(alerts|silences|incidents|rules))/.test(pathname)) {
    if (scene === "error") return res.writeHead(503, { "content-type": "application/json" }).end('{"status":"error","errorType":"unavailable","error":"the store is still replaying its log"}');
    const doc = ofAlerting(req.method, pathname, searchParams, (await body(req)).toString());
    if (doc?.code) return res.writeHead(doc.code, { "content-type": "application/json" }).end(JSON.stringify({ status: "error", errorType: "bad_data", ...doc }));
    if (doc !== undefined) return json(res, doc);
  }
  if (pathname === "/api/v1/label/__name__/values") return json(res, { status: "success", data: scene === "empty" ? [] : NAMES });
  if (pathname === "/api/v1/metadata") return json(res, { status: "success", data: { node_load1: [{ type: "gauge", help: "1m load average.", unit: "" }], node_cpu_seconds_total: [{ type: "counter", help: "Seconds the CPUs spent in each mode.", unit: "" }], up: [{ type: "gauge", help: "1 when the target answered.", unit: "" }] } });
  if (/^\/api\/v1\/(labels|label\/\w+\/values|series)/.test(pathname)) return json(res, { status: "success", data: [] });
  if (pathname.startsWith("/api")) return res.writeHead(404).end();
  const file = extname(pathname) ? pathname : "/index.html";
  try {
    const bytes = await readFile(join(dist, file));
    res.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" }).end(bytes);
  } catch {
    res.writeHead(404).end();
  }
});

// --- a small WebSocket server: enough for one browser ---
function wsFrame(opcode, payload) {
  const n = payload.length;
  const head = n < 126 ? Buffer.from([0x80 | opcode, n]) : n < 65536 ? Buffer.from([0x80 | opcode, 126, n >> 8, n & 255]) : Buffer.from([0x80 | opcode, 127, 0, 0, 0, 0, (n >>> 24) & 255, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]);
  return Buffer.concat([head, payload]);
}

server.on("upgrade", (req, socket) => {
  const key = createHash("sha1").update(`${req.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${key}\r\n\r\n`);
  const subs = new Map();
  const send = (b) => socket.writable && socket.write(wsFrame(2, b));
  const speak = (s) => {
    if (s.topic === "overview") {
      if (scene !== "error") send(encode({ id: s.id, kind: "overview", start: 0, step: 0, n: 0, dtype: "f32", series: [], overview: overview() }, [], "f32"));
      return;
    }
    const end = Math.floor(Date.now() / s.step_ms) * s.step_ms;
    if (s.sent === undefined) {
      const n = Math.floor(s.window_ms / s.step_ms) + 1;
      send(frame(s.id, "full", s.expr, end - (n - 1) * s.step_ms, s.step_ms, n));
    } else if (end > s.sent) send(frame(s.id, "append", s.expr, s.sent + s.step_ms, s.step_ms, (end - s.sent) / s.step_ms));
    s.sent = end;
  };
  const timer = setInterval(() => {
    for (const s of subs.values()) {
      s.tick = (s.tick ?? 0) + 1;
      if (!s.topic || s.tick % 5 === 0) speak(s);
    }
  }, 1000);
  let rest = Buffer.alloc(0);
  socket.on("data", (d) => {
    rest = Buffer.concat([rest, d]);
    while (rest.length >= 6) {
      let n = rest[1] & 127;
      let at = 2;
      if (n === 126) {
        n = rest.readUInt16BE(2);
        at = 4;
      }
      if (rest.length < at + 4 + n) return;
      const mask = rest.subarray(at, at + 4);
      const text = Buffer.from(rest.subarray(at + 4, at + 4 + n).map((b, i) => b ^ mask[i % 4]));
      const op = rest[0] & 15;
      rest = rest.subarray(at + 4 + n);
      if (op === 8) return socket.end();
      if (op !== 1) continue;
      const m = JSON.parse(text);
      if (m.type === "unsubscribe") subs.delete(m.id);
      else {
        subs.set(m.id, m);
        if (scene !== "loading") speak(m);
      }
    }
  });
  const end = () => clearInterval(timer);
  socket.on("close", end);
  socket.on("error", end);
});

server.listen(port, "127.0.0.1", () => process.stdout.write(`http://127.0.0.1:${port} (${scene})\n`));
