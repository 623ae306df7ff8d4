// Lints with Biome's binary for this machine. The binaries are named one by one, and only those for Linux: the package
// that chooses among all platforms cannot be locked where a registry does not hold every one of them.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";

const FOLDERS = ["src", "e2e", "bench", "dev", "scripts"];
let biome;
try {
  biome = createRequire(import.meta.url).resolve(`@biomejs/cli-${process.platform}-${process.arch}/biome`);
} catch {
  console.log(`lint skipped: no linter is installed for ${process.platform}-${process.arch}`);
  process.exit(0);
}
const { status } = spawnSync(biome, ["lint", "--error-on-warnings", ...FOLDERS], { stdio: "inherit" });
process.exit(status ?? 1);
