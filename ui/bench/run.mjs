// Measures the browser application against a running server and prints a table; ends with 1 where a budget is not kept.
//   PLIMSOLL_URL=… [PLIMSOLL_PID=…] [PROMETHEUS_URL=…] [VICTORIA_URL=…] node bench/run.mjs [names of benchmarks]
// `cargo xtask bench ui` starts the servers and this.
import { loadavg } from "node:os";
import { latency, launch, table, told } from "./measure.mjs";
import { seed } from "./write.mjs";

const ALL = ["first", "panels", "hundred", "switches", "viewers", "peers", "alerts", "answers"];
const wanted = process.argv.slice(2);
const url = (process.env["PLIMSOLL_URL"] ?? "http://127.0.0.1:7546").replace(/\/$/, "");
const env = { url, pid: process.env["PLIMSOLL_PID"], prometheus: process.env["PROMETHEUS_URL"], victoria: process.env["VICTORIA_URL"] };

await seed(url);
const browser = await launch();
console.log(`${url}, Chromium ${browser.version()}, load ${loadavg().map((x) => x.toFixed(1)).join(" ")}, memory ${latency().toFixed(0)} ns`);
let failed = false;
for (const name of ALL.filter((n) => wanted.length === 0 || wanted.includes(n))) {
  try {
    await (await import(`./${name}.mjs`)).default({ ...env, browser });
  } catch (e) {
    failed = true;
    told(name, `failed: ${e.message.split("\n")[0]}`, "an answer", false);
  }
}
await browser.close();
console.log(`load at the end ${loadavg().map((x) => x.toFixed(1)).join(" ")}, memory ${latency().toFixed(0)} ns`);
process.exit(table() && !failed ? 0 : 1);
