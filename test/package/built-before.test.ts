import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { expect, test } from "vitest";

import { inputsOf, isBuiltOf, noteBuilt } from "../../src/built-before.ts";
import { scratchFolder } from "../support/scratch.ts";

function put(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

const SOURCES = {
  "package.json": "{}",
  "openapi.yaml": "openapi: 3.1.0",
  "src/main.ts": "main",
  "src/cli/cli.ts": "cli",
  "migrations/0000_a.sql": "select 1",
};

test.each([
  ["a file deep in src", { "src/cli/cli.ts": "cli 2" }],
  ["a file more in src", { "src/cli/more.ts": "" }],
  ["the versions of packages", { "package-lock.json": "{}" }],
  ["a migration", { "migrations/0000_a.sql": "select 2" }],
  ["the API's description", { "openapi.yaml": "openapi: 3.1.1" }],
])("%s makes another build", async (_, change) => {
  const root = scratchFolder("inputs");
  put(root, SOURCES);
  const before = await inputsOf(root);
  put(root, { "README.md": "x", "test/a.test.ts": "x", "dist/bakehouse.js": "x" });
  expect(await inputsOf(root)).toBe(before);
  put(root, change);
  expect(await inputsOf(root)).not.toBe(before);
});

test("two files do not read as one", async () => {
  const root = scratchFolder("inputs");
  put(root, { "src/a": "", "src/b": "src" });
  const before = await inputsOf(root);
  put(root, { "src/a": "src", "src/b": "" });
  expect(await inputsOf(root)).not.toBe(before);
});

test("a build is used again if it is whole and of the same inputs", async () => {
  const out = scratchFolder("built");
  put(out, { "bakehouse.js": "x", "docs/docs.css": "x" });
  expect(await isBuiltOf(out, "a")).toBe(false);
  await noteBuilt(out, "a");
  expect([await isBuiltOf(out, "a"), await isBuiltOf(out, "b")]).toEqual([true, false]);
  rmSync(join(out, "docs", "docs.css"));
  expect(await isBuiltOf(out, "a")).toBe(false);
});
