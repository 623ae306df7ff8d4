// Styles arrive with the chunks of pages and stay: a class that two of them define would look as the page before left it.
// Ends with 1 where a class alone is styled in two sheets, and not the same way.
import { readdirSync, readFileSync } from "node:fs";

const dir = new URL("../src/css/", import.meta.url);

/** The rules of a sheet that are about one class alone and hold everywhere: its name, and what is said of it. */
const rules = (text) =>
  [...text.replace(/\/\*[\s\S]*?\*\//g, "").matchAll(/^([^\s@}][^{}]*)\{([^{}]*)\}/gm)]
    .flatMap(([, heads, body]) => heads.split(",").map((h) => [h.trim(), body.replace(/\s+/g, " ").trim()]))
    .filter(([h]) => /^\.[\w-]+$/.test(h));

const seen = new Map();
for (const file of readdirSync(dir).filter((f) => f.endsWith(".css")))
  for (const [name, body] of rules(readFileSync(new URL(file, dir), "utf8"))) {
    const sheets = seen.get(name) ?? new Map();
    sheets.set(file, (sheets.get(file) ?? "") + body);
    seen.set(name, sheets);
  }
const twice = [...seen].filter(([, sheets]) => new Set(sheets.values()).size > 1);
for (const [name, sheets] of twice) console.log(`FAIL ${name} is styled in ${[...sheets.keys()].join(" and ")}`);
if (twice.length === 0) console.log(`ok   ${seen.size} classes are styled in one sheet each`);
process.exit(twice.length === 0 && seen.size > 0 ? 0 : 1);
