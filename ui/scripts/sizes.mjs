// The size budgets of the UI: what the first page loads, and everything, brotli-compressed as the binary serves it.
import { readdirSync, readFileSync } from "node:fs";
import { brotliCompressSync } from "node:zlib";

const KIB = 1024;
const dist = new URL("../dist/", import.meta.url);
const br = new Map(readdirSync(dist).map((f) => [f, brotliCompressSync(readFileSync(new URL(f, dist))).length]));
const sum = (want) => [...br].reduce((n, [f, size]) => (want(f) ? n + size : n), 0);

const budgets = [
  ["U1 JavaScript of the first page", sum((f) => f === "app.js" || f === "core.js"), 60 * KIB],
  ["U2 CSS of the first page", sum((f) => f === "app.css" || f === "core.css"), 10 * KIB],
  ["first load of Overview, all of it", sum((f) => /^(app|core|parts|rolldown-runtime)\.(js|css)$/.test(f)), 90 * KIB],
  // 120 of it are the query editor; every page is a chunk that arrives when it is first wanted.
  ["U3 all JavaScript", sum((f) => f.endsWith(".js")), 320 * KIB],
];

for (const [f, size] of br) console.log(`${f.padEnd(14)} ${String(size).padStart(8)} bytes (brotli)`);
let failed = false;
for (const [name, size, limit] of budgets) {
  const ok = size > 0 && size <= limit;
  failed ||= !ok;
  console.log(`${ok ? "ok  " : "FAIL"} ${name}: ${(size / KIB).toFixed(1)} of ${limit / KIB} KiB`);
}
process.exit(failed ? 1 : 0);
