// Runs every spec against PLIMSOLL_URL, one after the other; ends with 0 when all pass, 1 otherwise.
//   npm run e2e [-- words that the names of tests must contain]
import { readdirSync } from "node:fs";
import { base, launch } from "./browser.mjs";

const wanted = process.argv.slice(2);
const specs = readdirSync(new URL(".", import.meta.url)).filter((f) => f.endsWith(".spec.mjs")).sort();
const all = [];
for (const f of specs) all.push(...Object.entries((await import(`./${f}`)).default));
const tests = all.filter(([name]) => wanted.every((w) => name.includes(w)));
const TEST_MS_MAX = 90_000;

const browser = await launch();
console.log(`${tests.length} browser tests against ${base} (${browser.version()})`);
let failed = 0;
for (const [name, test] of tests) {
  const began = Date.now();
  let timer;
  const limit = new Promise((_, no) => {
    timer = setTimeout(() => no(new Error(`not done after ${TEST_MS_MAX} ms`)), TEST_MS_MAX);
  });
  try {
    await Promise.race([test(browser), limit]);
    console.log(`ok    ${name} (${Date.now() - began} ms)`);
  } catch (e) {
    failed++;
    console.log(`FAIL  ${name} (${Date.now() - began} ms)\n    ${e.message.split("\n").slice(0, 12).join("\n    ")}`);
    for (const c of browser.contexts()) await c.close();
  } finally {
    clearTimeout(timer);
  }
}
await browser.close();
console.log(failed === 0 ? `all ${tests.length} passed` : `${failed} of ${tests.length} failed`);
process.exit(failed === 0 ? 0 : 1);
