// How the UI is built: stable file names (the binary embeds them and serves ETags), no inline
// scripts or styles (the page runs under `default-src 'self'`), nothing from another origin.
import { defineConfig } from "vitest/config";

declare const process: { env: Record<string, string | undefined> };
const server = process.env.PLIMSOLL_URL ?? "http://127.0.0.1:7546";

/** What Prometheus says of its functions: ours are told by the server (src/pages/explore/language.ts). */
const withoutFunctionDocs = {
  name: "without-function-docs",
  transform(code: string, id: string) {
    if (!id.includes("codemirror-promql") || !/promql\.terms\.js/.test(id)) return null;
    const [before, after] = code.split(/(?=export const functionIdentifierTerms)/);
    if (!before || !after) throw new Error(`${id}: no list of functions`);
    const end = after.indexOf("\n];");
    return { code: before + after.slice(0, end).replace(/^\s*info: .*,\n/gm, "") + after.slice(end), map: null };
  },
};

export default defineConfig({
  base: "/",
  plugins: [withoutFunctionDocs],
  build: {
    target: "es2022",
    outDir: "dist",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: false,
    reportCompressedSize: false,
    rollupOptions: {
      output: {
        entryFileNames: "app.js",
        // Everything that the first page needs is one file, whatever pages share of it. The entry only starts it. What two
        // or more of the other chunks share is one file too: many small ones would be asked for one by one, and be 5 KiB
        // larger together (brotli). The part of Overview that arrives after its first picture stands before that, with all it
        // needs: the first load must not wait for what other pages share.
        codeSplitting: {
          groups: [
            { name: "core", test: /src\/parts\/App\.tsx$|src\/state\/prefs\.ts$/, priority: 2 },
            { name: "parts", test: /src\/pages\/overview\/Parts\.tsx$/, priority: 1.5 },
            { name: "shared", test: /src\/.*\.tsx?$/, minShareCount: 2, priority: 1.2 },
            // Tabs of one page, of which the next is a click away: 2 KiB smaller as one file (brotli).
            { name: "insights", test: /src\/pages\/(Insights|Capacity|Compare|(capacity|compare)\/\w+|insights\/(?!Causes|pieces)\w+)\.tsx?$/, priority: 1 },
          ],
        },
        chunkFileNames: (chunk) => `${chunk.name.toLowerCase()}.js`,
        // the styles of a chunk are named after it: app.css, alerting.css
        assetFileNames: (asset) => (asset.names.some((n) => n.endsWith(".css")) ? (asset.names[0] ?? "index.css").toLowerCase().replace(/^index\./, "app.") : "[name][extname]"),
      },
    },
  },
  worker: { format: "es", rollupOptions: { output: { entryFileNames: (chunk) => `${chunk.name.replace(".worker", "")}.js` } } },
  test: { include: ["src/**/*.test.ts"] },
  server: {
    proxy: {
      "/api": { target: server, ws: true },
    },
  },
});
