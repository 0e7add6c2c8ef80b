import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { expect, test } from "vitest";

import { SOURCES } from "./source-graph.ts";

const ROOT = join(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const manifest: unknown = JSON.parse(read("package.json"));
const documents = execFileSync("git", ["ls-files", "*.md"], { cwd: ROOT, encoding: "utf8" })
  .trim()
  .split("\n");

function names(member: string, of: unknown = manifest): readonly string[] {
  const value = (of as Readonly<Record<string, unknown>>)[member];
  return Object.keys((value ?? {}) as Readonly<Record<string, unknown>>);
}

/** The name by which a heading is linked to. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(" ", "-");
}

function leadsSomewhere(from: string, target: string): boolean {
  const [file = "", fragment] = target.split("#", 2);
  const path = file === "" ? from : join(dirname(from), file);
  if (!existsSync(join(ROOT, path))) return false;
  const headings = () => [...read(path).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => anchor(heading));
  return fragment === undefined || headings().includes(fragment);
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

test("every npm command in README and in the manuals exists", () => {
  const commands = documents.flatMap((path) =>
    [...read(path).matchAll(/npm run ([a-z-]+)/g)].map(([, name = ""]) => ({ path, name })),
  );
  expect(commands.map(({ path }) => path)).toContain("README.md");
  expect(commands.filter(({ name }) => !names("scripts").includes(name))).toEqual([]);
});

test("every link in README and in the manuals leads to a file or a heading of this repository", () => {
  const dead = documents.flatMap((path) =>
    [...read(path).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target = ""]) => target)
      .filter((target) => !/^https?:/.test(target) && !leadsSomewhere(path, target))
      .map((target) => `${path}: ${target}`),
  );
  expect(dead).toEqual([]);
});

test("README stays short enough to be read", () => {
  expect(read("README.md").split("\n").length).toBeLessThanOrEqual(200);
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
