/** What a program that catches nothing prints: the message, not the bundle. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { afterAll, beforeAll, expect, test } from "vitest";

import { builtBundle } from "../support/process-bundle.ts";

let folder: string;
let library: string;
beforeAll(() => {
  const built = dirname(builtBundle("src/main.ts", "library"));
  library = join(built, "packages", "bakehouse", "dist", "index.js");
  folder = mkdtempSync(join(tmpdir(), "bakehouse-uncaught-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  [
    "a path for a credential",
    'createBakehouse({ url: "http://127.0.0.1:8080", credential: "data/default.token" })',
    "BakehouseError: the credential is a path",
  ],
  ["an empty address", 'createBakehouse({ url: "" })', "TypeError: "],
  ["a misspelt option", 'createBakehouse({ url: "http://127.0.0.1:8080", credentials: "x" })', "TypeError: "],
  ["no token", 'Token.parse("")', "TokenError: "],
])("an uncaught error is short: %s", (_name, expression, message) => {
  const program = join(folder, "program.mjs");
  writeFileSync(
    program,
    `import { createBakehouse, Token } from ${JSON.stringify(library)};\n${expression};\n`,
  );
  const { status, stderr } = spawnSync(process.execPath, [program], { encoding: "utf8" });
  expect(status).toBe(1);
  expect(stderr).toContain(message);
  expect(stderr.length).toBeLessThan(2_000);
  expect(stderr).not.toContain("undefined");
});
