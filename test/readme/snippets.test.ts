import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterAll, beforeAll, expect, test } from "vitest";

import { readManual } from "../support/manual.ts";
import { scratchFolder } from "../support/scratch.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const PAGES = ["README.md", "src/client/README.md", "src/macaroon/README.md"];

/** The programs of a page: blocks of TypeScript, and what a block for the shell feeds to Node. */
function programs(page: string): readonly string[] {
  const { text } = readManual(page);
  return [...text.matchAll(/^```ts\n([\s\S]*?)\n```$|<<'END'\n([\s\S]*?)\nEND$/gm)].map(
    ([, whole, fed]) => whole ?? fed ?? "",
  );
}

let folder: string;
beforeAll(() => {
  folder = scratchFolder("snippets");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("every program of the pages compiles strictly, as a reader's own compiler has it", () => {
  let count = 0;
  for (const [page, path] of PAGES.entries()) {
    const found = programs(path);
    expect(found.length, path).toBeGreaterThan(0);
    count += found.length;
    for (const [at, code] of found.entries()) {
      // The core's example begins with a token that its reader has.
      const given = path.startsWith("src/macaroon") ? "declare const token: string;\n" : "";
      writeFileSync(join(folder, `${page}-${at}.ts`), given + code);
    }
  }
  expect(count).toBeGreaterThanOrEqual(8);
  writeFileSync(
    join(folder, "model.ts"),
    `export async function model({ prompt }: { readonly prompt: string; readonly most: number }) {
       return { text: prompt, usage: prompt.length };
     }`,
  );
  const compilerOptions = {
    strict: true,
    noEmit: true,
    target: "es2024",
    module: "nodenext",
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    types: ["node"],
    typeRoots: [join(ROOT, "node_modules", "@types")],
    paths: {
      bakehouse: [join(ROOT, "src/client/index.ts")],
      "bakehouse/macaroon": [join(ROOT, "src/macaroon/index.ts")],
      "bakehouse/mcp": [join(ROOT, "src/client/mcp/mcp.ts")],
      "@modelcontextprotocol/server": [
        join(ROOT, "node_modules/@modelcontextprotocol/server/dist/index.d.mts"),
      ],
      "@hono/node-server": [join(ROOT, "node_modules/@hono/node-server/dist/index.d.mts")],
      zod: [join(ROOT, "node_modules/zod/index.d.ts")],
      hono: [join(ROOT, "node_modules/hono/dist/types/index.d.ts")],
    },
  };
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }));
  const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  const { stdout } = spawnSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8" });
  expect(stdout).toBe("");
});
