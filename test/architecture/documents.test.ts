import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";

const ROOT = join(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

/** README, the manuals and the other documents, by path from the root. */
const DOCUMENTS = execFileSync("git", ["ls-files", "*.md"], { cwd: ROOT, encoding: "utf8" })
  .trim()
  .split("\n");

/** All that a pattern's first group finds in the documents, as `document: found`. */
function found(pattern: RegExp): readonly { readonly path: string; readonly text: string }[] {
  return DOCUMENTS.flatMap((path) =>
    [...read(path).matchAll(pattern)].map(([, text = ""]) => ({ path, text })),
  );
}

const shown = ({ path, text }: { readonly path: string; readonly text: string }) => `${path}: ${text}`;

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

const TEST_FILE = /`test\/[\w/-]+\.test\.ts`/;

/** A part of SECURITY.md, without its heading. */
const security = (heading: string) =>
  read("SECURITY.md").split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";

test("every test that a document names is there, and each limit of SECURITY.md names one", () => {
  const named = found(/`(test\/[\w/.-]+)`/g);
  expect(named.length).toBeGreaterThan(30);
  expect(named.filter(({ text }) => !existsSync(join(ROOT, text))).map(shown)).toEqual([]);

  const points = ["Limits that you should know", "Not vulnerabilities"].flatMap((heading) =>
    security(heading).split(/^- /m).slice(1),
  );
  expect(points.length).toBeGreaterThan(25);
  expect(points.filter((line) => !TEST_FILE.test(line))).toEqual([]);
});

test("each attack of the threat model has what stops it and the tests that hold it, at each boundary", () => {
  const boundaries = security("Threat model").split("\n### ").slice(1);
  const attacks = boundaries.flatMap((part) => {
    const [heading = ""] = part.split("\n", 1);
    if (["Assets", "Not defended"].includes(heading)) return [];
    const rows = part
      .split("\n")
      .filter((line) => line.startsWith("|"))
      .slice(2);
    expect(rows.length, heading).toBeGreaterThan(2);
    return rows.map((row) =>
      row
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  });
  expect(attacks.length).toBeGreaterThan(60);
  for (const [attack = "", stop = "", tests = "", ...more] of attacks) {
    expect(
      [attack, stop].filter((text) => text.length < 7),
      attack,
    ).toEqual([]);
    expect(more, attack).toEqual([]);
    const named = tests.split(", ");
    expect(
      named.map((name) => TEST_FILE.exec(name)?.[0]),
      attack,
    ).toEqual(named);
  }
});

test("README stays short enough to be read", () => {
  expect(read("README.md").split("\n").length).toBeLessThanOrEqual(200);
});

test.each([
  "README.md",
  "src/cli/README.md",
  "src/client/README.md",
  "src/client/python/README.md",
  "src/http/README.md",
  "src/caveats/README.md",
  "src/conditions/README.md",
])("%s says on its first screen what the words mean that it uses", (path) => {
  const text = read(path);
  const screen = text.split("\n").slice(0, 40).join("\n");
  const words = ["macaroon", "caveat", "attenuate", "platform", "principal", "ticket", "discharge"];
  const used = words.filter((word) => new RegExp(`\\b${word}s?\\b`, "i").test(text));
  expect(used.length).toBeGreaterThan(3);
  expect(
    used.filter((word) => !new RegExp(`\\*\\*${word}\\*\\*|^\\| ${word} +\\|`, "m").test(screen)),
  ).toEqual([]);
});

test("every npm command in a document exists", () => {
  const { scripts } = z
    .object({ scripts: z.record(z.string(), z.string()) })
    .parse(JSON.parse(read("package.json")));
  const commands = found(/npm run ([a-z-]+)/g);
  expect(commands.length).toBeGreaterThan(5);
  expect(commands.filter(({ text }) => !(text in scripts)).map(shown)).toEqual([]);
});

test("every link in a document leads to a file, a folder or a heading of this repository", () => {
  const links = found(/\]\(([^)\s]+)\)/g).filter(({ text }) => !/^https?:/.test(text));
  expect(links.length).toBeGreaterThan(40);
  expect(links.filter(({ path, text }) => !leadsSomewhere(path, text)).map(shown)).toEqual([]);
});

test("every source file that a document names is there", () => {
  const files = found(/`([\w./-]+\.tsx?)`/g);
  expect(files.length).toBeGreaterThan(10);
  const missing = files.filter(({ path, text }) => {
    return !existsSync(join(ROOT, dirname(path), text)) && !existsSync(join(ROOT, text));
  });
  expect(missing.map(shown)).toEqual([]);
});

test.each(["src", "test"])("every folder of %s is in its README", (folder) => {
  const readme = read(`${folder}/README.md`);
  const folders = readdirSync(join(ROOT, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== "node_modules")
    .map(({ name }) => name);
  expect(folders.length).toBeGreaterThan(5);
  expect(folders.filter((name) => !new RegExp(`\\W${name}[/\`]`).test(readme))).toEqual([]);
});

test("the table of endpoints is the one of openapi.yaml", () => {
  const described: unknown = parse(read("openapi.yaml"));
  const { paths } = z
    .object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) })
    .parse(described);
  const served = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const written = [...read("src/http/README.md").matchAll(/`((?:GET|POST|PUT|PATCH|DELETE) [^`]+)`/g)].map(
    ([, text]) => text,
  );
  expect(written.sort()).toEqual(served.sort());
});

test("every table of the schema is described, and what the service may do with it", () => {
  const migrations = readdirSync(join(ROOT, "migrations")).filter((name) => name.endsWith(".sql"));
  const sql = migrations.map((name) => read(`migrations/${name}`)).join("\n");
  const tables = [...sql.matchAll(/^create table public\.(\w+) (?!partition)/gm)].map(
    ([, name = ""]) => name,
  );
  expect(tables.length).toBeGreaterThan(10);
  const [described = "", granted = ""] = read("migrations/README.md").split("## Roles");
  expect(tables.filter((name) => !described.includes(`| \`${name}\` `))).toEqual([]);
  expect(tables.filter((name) => !new RegExp(`^\\|.*\`${name}\``, "m").test(granted))).toEqual([]);
});
