import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { SOURCES } from "./source-graph.ts";

const ROOT = join(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const manifest: unknown = JSON.parse(read("package.json"));

function names(member: string, of: unknown = manifest): readonly string[] {
  const value = (of as Readonly<Record<string, unknown>>)[member];
  return Object.keys((value ?? {}) as Readonly<Record<string, unknown>>);
}

test("every dependency is named in CONTRIBUTING with its reason", () => {
  const contributing = read(".github/CONTRIBUTING.md");
  const table = contributing.slice(contributing.indexOf("| dependency "));
  const missing = [...names("dependencies"), ...names("devDependencies")].filter((name) => {
    return !new RegExp(`[|,] ${name.replace("/", "\\/")}[ ,]`).test(table);
  });
  expect(missing).toEqual([]);
});

test("every variable of the configuration is in the manual", () => {
  const manual = read("src/run/README.md");
  const configuration = SOURCES.filter((file) => /^config(\.ts$|\/)/.test(file));
  const variables = new Set(
    configuration.flatMap((file) =>
      [...read(`src/${file}`).matchAll(/"([A-Z][A-Z0-9_]{3,})"/g)].map(([, name]) => name ?? ""),
    ),
  );
  expect(variables.size).toBeGreaterThan(15);
  expect([...variables].filter((name) => !manual.includes(`\`${name}\``))).toEqual([]);
});

test("the top level holds what it should and nothing else", () => {
  const tracked = execFileSync("git", ["ls-tree", "--name-only", "HEAD"], { cwd: ROOT, encoding: "utf8" });
  const visible = tracked.split("\n").filter((name) => name !== "" && !name.startsWith("."));
  expect(visible.sort()).toEqual(
    [
      "CHANGELOG.md",
      "Dockerfile",
      "LICENSE",
      "README.md",
      "SECURITY.md",
      "migrations",
      "openapi.yaml",
      "package-lock.json",
      "package.json",
      "src",
      "test",
      "tsconfig.json",
    ].sort(),
  );
});

test("every locked package that comes from the registry has a version", () => {
  const { packages } = JSON.parse(read("package-lock.json")) as {
    packages: Record<string, { version?: string; link?: boolean }>;
  };
  const bare = Object.entries(packages).filter(
    ([path, entry]) => path.startsWith("node_modules/") && !entry.link && entry.version === undefined,
  );
  expect(bare).toEqual([]);
});
