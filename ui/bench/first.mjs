// The first load of Overview: bytes, other origins, the policy, the largest paint, the main thread.
import { kib, least, meter, ms, pair, quiet, times, told } from "./measure.mjs";

const RUNS = 5;

export default async function first({ browser, url }) {
  const policy = (await fetch(url)).headers.get("content-security-policy") ?? "";
  told("content security policy", `\`${policy}\``, "default-src 'self'", /default-src '(self|none)'/.test(policy) && !policy.includes("unsafe"));
  const runs = await times(RUNS, async () => {
    const m = await meter(browser);
    await m.page.goto(url);
    await m.page.getByText(/collected .* ago/).waitFor();
    await m.page.waitForTimeout(1500);
    const task = await m.task();
    const { lcp, long } = await m.seen();
    const out = { lcp, long, task, ...m.net };
    await m.close();
    return out;
  });
  const loaded = runs[0];
  told("first load of Overview, scripts and styles as sent, the lazy part of the page included", `${kib(loaded.script)} + ${kib(loaded.style)}`, "90 KiB", loaded.script + loaded.style <= 90 * 1024);
  told("other origins contacted", String(loaded.hosts.size - 1), "0", loaded.hosts.size === 1);
  told("console errors", String(runs.flatMap((r) => r.errors).length), "0", runs.every((r) => r.errors.length === 0));
  told("LCP of Overview, loopback, cold", pair(runs.map((r) => r.lcp)), "1000 ms", least(runs.map((r) => r.lcp)) < 1000);
  told("main thread until 1.5 s after Overview's data", pair(runs.map((r) => r.task)));
  told("longest task of it", ms(least(runs.map((r) => r.long))));
  const m = await meter(browser);
  await m.page.goto(url);
  await m.page.getByText(/collected .* ago/).waitFor();
  await quiet(m);
  const [before, began] = [await m.task(), Date.now()];
  await m.page.waitForTimeout(10_000);
  told("Overview live: main thread a second", ms(((await m.task()) - before) / ((Date.now() - began) / 1000)), "50 ms", ((await m.task()) - before) / ((Date.now() - began) / 1000) <= 50);
  told("heap of Overview", `${(await m.heap()).toFixed(1)} MiB`, "80 MiB", (await m.heap()) < 80);
  await m.close();
}
