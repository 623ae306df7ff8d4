// Fifty viewers of one dashboard: WebSocket clients that want all its panels live. What that costs the server.
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { request } from "node:http";
import { ms, told } from "./measure.mjs";
import { goOn, PANELS } from "./write.mjs";

const VIEWERS = 50;
const WATCH_MS = 30_000;

/** A masked text frame, as clients send it. */
function frame(text) {
  const body = Buffer.from(text);
  const mask = randomBytes(4);
  const head = body.length < 126 ? Buffer.from([0x81, 0x80 | body.length]) : Buffer.from([0x81, 0xfe, body.length >> 8, body.length & 255]);
  return Buffer.concat([head, mask, body.map((b, i) => b ^ mask[i % 4])]);
}

function viewer(url) {
  return new Promise((resolve, reject) => {
    const u = new URL(url);
    const ask = request({ host: u.hostname, port: u.port, path: "/api/plimsoll/v1/live", headers: { connection: "Upgrade", upgrade: "websocket", origin: u.origin, "sec-websocket-version": "13", "sec-websocket-key": randomBytes(16).toString("base64") } });
    ask.on("upgrade", (_, socket) => {
      const seen = { bytes: 0, close: () => socket.destroy() };
      socket.on("data", (d) => {
        seen.bytes += d.length;
      });
      socket.on("error", () => {});
      for (let i = 0; i < PANELS; i++) socket.write(frame(JSON.stringify({ type: "subscribe", id: `p${i}`, expr: `bench_panel_${i}`, window_ms: 3_600_000, step_ms: 10_000, max_series: 50 })));
      resolve(seen);
    });
    ask.on("response", (r) => reject(new Error(`the live stream answered ${r.statusCode}`)));
    ask.on("error", reject);
    ask.end();
  });
}

/** CPU time of the process so far, ms. */
async function cpu(pid) {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function cores(pid, during) {
  const [before, began] = [await cpu(pid), Date.now()];
  await new Promise((r) => setTimeout(r, during));
  return ((await cpu(pid)) - before) / (Date.now() - began);
}

export default async function viewers({ url, pid }) {
  if (!pid) return told("50 live viewers", "not measured: PLIMSOLL_PID is not set");
  const stop = goOn(url);
  const idle = await cores(pid, WATCH_MS);
  const one = await viewer(url);
  await new Promise((r) => setTimeout(r, 5_000));
  const single = await cores(pid, WATCH_MS);
  const all = [one];
  for (let i = 1; i < VIEWERS; i++) all.push(await viewer(url));
  // The first pictures, of an hour each, are not what staying costs.
  await new Promise((r) => setTimeout(r, 10_000));
  const before = all.reduce((n, v) => n + v.bytes, 0);
  const busy = await cores(pid, WATCH_MS);
  const sent = all.reduce((n, v) => n + v.bytes, 0) - before;
  for (const v of all) v.close();
  stop();
  told("server without viewers, 240 bench series written every 5 s", `${idle.toFixed(3)} cores`);
  told("server with one viewer of 12 live panels × 20 series", `${single.toFixed(3)} cores`);
  told(`server with ${VIEWERS} such viewers`, `${busy.toFixed(3)} cores`, "0.5 cores", busy < 0.5);
  told("what they are sent", `${(sent / 1024 / (WATCH_MS / 1000)).toFixed(0)} KiB/s in all`);
  told("a viewer more costs", `${ms(((busy - single) / (VIEWERS - 1)) * 1000)} of CPU a second`);
}
