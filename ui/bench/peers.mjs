// The same query over the same samples in the browser applications of Prometheus and VictoriaMetrics, as Debian has them.
import { kib, meter, pair, quiet, times, told } from "./measure.mjs";
import { seed } from "./write.mjs";

const RUNS = Number(process.env["BENCH_RUNS"] ?? 5);

/** Each with the address that draws 20 series over an hour, and how the picture is known. */
const pages = ({ url, prometheus, victoria }) =>
  [
    ["Plimsoll, Explore", `${url}/explore?expr=bench_panel_1&from=now-1h&to=now&live=0`, "main canvas"],
    // Debian's package has the older of its two pages only.
    ["Prometheus (Debian)", prometheus && `${prometheus}/classic/graph?g0.expr=bench_panel_1&g0.tab=0&g0.range_input=1h`, "canvas, .rickshaw_graph svg path, .graph svg path"],
    ["vmui (Debian's VictoriaMetrics)", victoria && `${victoria}/vmui/#/?g0.expr=bench_panel_1&g0.range_input=1h&g0.step_input=5s&g0.relative_time=last_1_hour`, "canvas"],
  ].filter(([, address]) => address);

export default async function peers({ browser, url, prometheus, victoria }) {
  // A second run finds the samples of the first.
  for (const peer of [prometheus, victoria].filter(Boolean)) await seed(peer).catch((e) => told(`seeding ${peer}`, e.message));
  for (const [name, address, picture] of pages({ url, prometheus, victoria })) {
    const there = await fetch(address.split("?")[0].replace("#/", ""));
    if (!there.ok) {
      told(name, `not measured: this package answers ${there.status} there`);
      continue;
    }
    const runs = await times(RUNS, async () => {
      const m = await meter(browser);
      const began = Date.now();
      await m.page.goto(address);
      const there = await m.page.locator(picture).first().waitFor({ timeout: 20_000 }).then(() => true, () => false);
      const wall = Date.now() - began;
      const task = await quiet(m);
      const out = { there, wall, task, heap: await m.heap(), ...m.net };
      await m.close();
      return out;
    });
    const r = runs[0];
    told(`${name}: 20 series × 1 h, main thread from nothing to still`, runs.every((x) => x.there) ? pair(runs.map((x) => x.task)) : "no picture");
    told(`${name}: until a picture, wall`, pair(runs.map((x) => x.wall)));
    told(`${name}: scripts and styles as sent, other origins`, `${kib(r.script)} + ${kib(r.style)}, ${r.hosts.size - 1}`);
    told(`${name}: heap`, `${r.heap.toFixed(1)} MiB`);
  }
}
