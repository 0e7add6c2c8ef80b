import { spawnSync } from "node:child_process";
import { chmod, copyFile, glob, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { gzipSync } from "node:zlib";

import { rolldown } from "rolldown";

import manifest from "../package.json" with { type: "json" };

import { inputsOf, isBuiltOf, noteBuilt } from "./built-before.ts";
import { DOCS_FILES } from "./http/parts/docs-files.ts";
import { isOutside, makePackages, SMALL } from "./pack.ts";

// One file with its dependencies in it starts several times faster, in a fraction of the memory, than
// the same as installed: Node reads drizzle-orm's large package.json once for each of its modules.
//
// `node src/build.ts [folder] [entry] [library]`: tests build their programs, and their own entries, beside `dist`,
// without the library unless they say so: its types take a while. With the library come two folders for `npm pack`.
const root = join(import.meta.dirname, "..");
const [folder = "dist", entry = "src/main.ts", library = folder === "dist" ? "library" : ""] =
  process.argv.slice(2);
const out = resolve(root, folder);

// `npm start`, `demo` and `example` all begin with a build: one of the same sources is used again, and a service that
// runs from it keeps its files.
const inputs = process.argv.length === 2 ? await inputsOf(root) : undefined;
if (inputs !== undefined && (await isBuiltOf(out, inputs))) process.exit();

await rm(out, { recursive: true, force: true });
const bundle = await rolldown({
  input: { bakehouse: resolve(root, entry) },
  platform: "node",
  external: isOutside,
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

// The library: one file for each of the package's exports, with nothing of Node in it, and its types.
const LIBRARY = {
  index: "src/client/index.ts",
  macaroon: "src/macaroon/index.ts",
  mcp: "src/client/mcp/mcp.ts",
};

/** What a program that imports `bakehouse/mcp` has already. */
const PEERS = Object.keys(manifest.peerDependencies);

/** `bakehouse/mcp` has no second copy of the library: an error of the one would be none of the other's. */
const BESIDE = {
  name: "beside",
  resolveId: (source: string, importer: string | undefined) =>
    source === "../index.ts" && importer?.startsWith(join(root, "src/client/mcp")) === true
      ? { id: "./index.js", external: true }
      : null,
};

async function buildLibrary(name: string, source: string): Promise<void> {
  const made = await rolldown({
    input: { [name]: join(root, source) },
    platform: "neutral",
    resolve: { conditionNames: ["import", "default"] },
    tsconfig: join(root, "src/client/tsconfig.json"),
    external: PEERS,
    plugins: [BESIDE],
  });
  // Minified, since short programs read and parse all of it each time; the source map leads to the source.
  const { output } = await made.write({
    dir: out,
    format: "esm",
    entryFileNames: "[name].js",
    sourcemap: true,
    ...SMALL,
  });
  await made.close();
  const code = output[0].code;
  const kilobytes = (length: number) => `${Math.round(length / 1000)} kB`;
  process.stdout.write(
    `${name}.js: ${kilobytes(code.length)} minified, ${kilobytes(gzipSync(code).length)} as gzip\n`,
  );
}

async function buildTypes(): Promise<void> {
  const types = join(out, "types");
  const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc");
  const project = join(root, "src/client/tsconfig.build.json");
  const run = spawnSync(process.execPath, [tsc, "-p", project, "--outDir", types], { encoding: "utf8" });
  if (run.status !== 0) throw new Error(`tsc: ${run.stdout}${run.stderr}`);
  // A declaration that imports `./x.ts` asks its reader for a compiler setting.
  for await (const file of glob("**/*.d.ts", { cwd: types })) {
    const text = await readFile(join(types, file), "utf8");
    await writeFile(join(types, file), text.replace(/(from |import\()"(\.[^"]+)\.ts"/g, '$1"$2.js"'));
  }
}

if (library === "library") {
  for (const [name, source] of Object.entries(LIBRARY)) await buildLibrary(name, source);
  await buildTypes();
  await makePackages(out);
}
if (inputs !== undefined) await noteBuilt(out, inputs);
