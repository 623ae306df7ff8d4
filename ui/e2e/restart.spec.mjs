// A server that dies and comes back, for real: a process of its own on a port of its own. Environment: PLIMSOLL_BIN (the
// binary; without it this says that it was left out).
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, drawn, open, shot, until } from "./browser.mjs";
import { overview, top } from "./pages.mjs";

const BIN = process.env["PLIMSOLL_BIN"];
const READY_MS = 20_000;

const freePort = () =>
  new Promise((yes, no) => {
    const server = createServer().on("error", no);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => yes(port));
    });
  });

/** Starts the server and waits until it answers. */
async function start(dir, port) {
  const child = spawn(BIN, ["serve", "--data-dir", dir, "--listen", `127.0.0.1:${port}`], { stdio: "ignore" });
  const gone = new Promise((yes) => child.once("exit", yes));
  await until("the server answers", READY_MS, async () => {
    assert(child.exitCode === null, `the server ended with ${child.exitCode}`);
    return fetch(`http://127.0.0.1:${port}/-/ready`).then((r) => r.ok, () => false);
  });
  return {
    kill: async () => {
      child.kill("SIGKILL");
      await gone;
    },
  };
}

export default {
  "a server that is killed is told of within 3 s; once it is back the page goes on within 5 s, without a reload": async (browser) => {
    if (!BIN) return void console.log("left out: PLIMSOLL_BIN is not set");
    const [dir, port] = [await mkdtemp(join(tmpdir(), "plimsoll-restart-")), await freePort()];
    let server = await start(dir, port);
    try {
      const { page, close } = await open(browser, `http://127.0.0.1:${port}/`);
      await until("CPU drawn", 20_000, () => drawn(overview(page).panel("CPU")));
      await page.evaluate(() => {
        globalThis.kept = true;
      });
      await server.kill();
      await until("the stale badge", 3_000, () => top(page).stale.isVisible());
      await shot(page, "killed");
      server = await start(dir, port);
      await until("the badge is gone", 5_000, async () => !(await top(page).stale.isVisible()));
      await until("figures are new again", 10_000, async () => /collected [0-9.]+ (ms|s) ago/.test(await page.locator(".health-facts").textContent()));
      assert(await page.evaluate(() => globalThis.kept === true), "the page was loaded anew");
      await shot(page, "back");
      await close();
    } finally {
      await server.kill();
      await rm(dir, { recursive: true, force: true });
    }
  },
};
