import { assert, assertEqual, axe, open, shot, until } from "./browser.mjs";
import { files } from "./pages.mjs";

const RULES = (threshold) => `groups:
  - name: browser
    rules:
      - alert: BrowserTest
        expr: vector(1) > ${threshold}
        labels:
          severity: info
`;

export default {
  "a query in Explore becomes a rule": async (browser) => {
    const { page, sins, close } = await open(browser, "/explore?expr=node_load1%20%3E%203");
    await page.getByRole("link", { name: "Alert on this query" }).click();
    const f = files(page);
    await f.editor.waitFor();
    await until("the query in the text", 5000, async () => ((await f.editor.textContent()) ?? "").includes("node_load1 > 3"));
    await until("no problems", 10_000, async () => ((await f.problems.textContent()) ?? "").includes("No problems"));
    await page.getByRole("group", { name: "Time to replay" }).getByRole("button", { name: "1d" }).click();
    await page.getByText("Pages per week", { exact: true }).waitFor({ timeout: 30_000 });
    await shot(page, "file-from-query");
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },

  "a rule file is written, refused with its line, saved, changed, compared, restored and deleted": async (browser) => {
    const { page, sins, close } = await open(browser, "/rules/files");
    const f = files(page);
    const name = `e2e-${Date.now()}`;
    await page.getByRole("button", { name: "New file" }).click();
    await f.editor.waitFor();
    await f.write(`${RULES(2)}        fro: 5m\n`);
    await until("the problem at its line", 10_000, async () => /line 8/.test((await f.problems.textContent()) ?? ""));
    await shot(page, "file-problem");
    await axe(page, "a file with a problem");
    await f.write(RULES(2));
    await until("no problems", 10_000, async () => ((await f.problems.textContent()) ?? "").includes("No problems"));
    await page.getByLabel("Name of the file").fill(name);
    await page.getByLabel("What changes, and why").fill("the first");
    await page.getByLabel("Your name").fill("ana");
    await f.save.click();
    await until("the file in the list", 10_000, async () => (await f.row(name).count()) === 1);
    assertEqual(new URL(page.url()).searchParams.get("open"), name, "what is open");

    await f.editor.waitFor();
    await f.write(RULES(3));
    await f.row(name).getByText("not saved").waitFor();
    await page.getByLabel("What changes, and why").fill("less of it");
    await f.save.click();
    await f.row(name).getByText("version 2").waitFor();

    await page.getByRole("button", { name: "Versions" }).click();
    await page.getByText("less of it").waitFor();
    assert((await page.locator(".diff-more").count()) === 1 && (await page.locator(".diff-less").count()) === 1, "the difference is not one line");
    await shot(page, "file-versions");
    await axe(page, "versions of a file");
    await page.getByRole("button", { name: /^Restore: version 1/ }).click();
    await f.editor.waitFor();
    await until("the text of version 1", 5000, async () => ((await f.editor.textContent()) ?? "").includes("> 2"));
    await f.save.click();
    await f.row(name).getByText("version 3").waitFor();

    await page.getByRole("button", { name: "Delete" }).click();
    const dialog = page.getByRole("dialog", { name: `Delete ${name}?` });
    await axe(page, "delete a file");
    await dialog.getByRole("button", { name: "Delete" }).click();
    await until("gone from the list", 10_000, async () => (await f.row(name).count()) === 0);
    assert(sins.length === 0, sins.join("\n"));
    await close();
  },
};
