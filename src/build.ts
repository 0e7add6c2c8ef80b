import { chmod, copyFile, mkdir, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";

import { rolldown } from "rolldown";

import { DOCS_FILES } from "./http/docs-files.ts";

// One file with its dependencies in it starts several times faster, in a fraction of the memory, than
// the same as installed: Node reads drizzle-orm's large package.json once for each of its modules.
//
// `node src/build.ts [folder] [entry]`: tests build what they run, and their own entries, beside `dist`.
const root = join(import.meta.dirname, "..");
const [folder = "dist", entry = "src/main.ts"] = process.argv.slice(2);
const out = resolve(root, folder);

await rm(out, { recursive: true, force: true });
const bundle = await rolldown({
  input: { bakehouse: resolve(root, entry) },
  platform: "node",
  // PGlite finds its WebAssembly beside its own files; oidc-provider reads its own at run time.
  external: [/^@electric-sql\/pglite/, /^oidc-provider/],
  tsconfig: join(root, "tsconfig.json"),
  onLog(level, log, handle) {
    if (level === "warn") throw new Error(log.message);
    handle(level, log);
  },
});
await bundle.write({
  dir: out,
  format: "esm",
  entryFileNames: "[name].js",
  chunkFileNames: "[name]-[hash].js",
  sourcemap: true,
});
await bundle.close();
await chmod(join(out, "bakehouse.js"), 0o755);

const docs = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
await mkdir(join(out, "docs"));
for (const name of Object.keys(DOCS_FILES)) await copyFile(join(docs, name), join(out, "docs", name));
