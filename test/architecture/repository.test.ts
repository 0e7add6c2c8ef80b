import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";

import { SOURCES } from "./source-graph.ts";

const ROOT = join(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const manifest: unknown = JSON.parse(read("package.json"));

function names(member: string, of: unknown = manifest): readonly string[] {
  const value = (of as Readonly<Record<string, unknown>>)[member];
  return Object.keys((value ?? {}) as Readonly<Record<string, unknown>>);
}

// Strict, so that no job can take more rights for itself.
const workflowSchema = z.object({
  permissions: z.record(z.string(), z.string()),
  jobs: z.record(
    z.string(),
    z.strictObject({
      "runs-on": z.string(),
      "timeout-minutes": z.number(),
      steps: z.array(z.object({ uses: z.string().optional(), run: z.string().optional() })),
    }),
  ),
});

test("every dependency is named in CONTRIBUTING with its reason", () => {
  const contributing = read(".github/CONTRIBUTING.md");
  const table = contributing.slice(contributing.indexOf("| dependency "));
  const missing = [...names("dependencies"), ...names("devDependencies")].filter((name) => {
    return !new RegExp(`[|,] ${name.replace("/", "\\/")}[ ,]`).test(table);
  });
  expect(missing).toEqual([]);
});

test("every variable of the configuration is in the manual", () => {
  // Those of OpenTelemetry have a page of their own.
  const manual = read("src/run/README.md") + read("src/run/manual/traces.md");
  const configuration = SOURCES.filter((file) => /^config(\.ts$|\/)/.test(file));
  const variables = new Set(
    configuration.flatMap((file) =>
      [...read(`src/${file}`).matchAll(/"([A-Z][A-Z0-9_]{3,})"/g)].map(([, name]) => name ?? ""),
    ),
  );
  expect(variables.size).toBeGreaterThan(15);
  expect([...variables].filter((name) => !manual.includes(`\`${name}\``))).toEqual([]);
});

test("the subject of every commit since 0.1.0 has at most 72 characters", () => {
  // By date and not by tag: a clone may have no tags, and of the history only its end.
  const since = "--since=2026-11-22T19:18:35Z";
  const log = execFileSync("git", ["log", "--no-merges", since, "--format=%s"], {
    cwd: ROOT,
    encoding: "utf8",
  });
  expect(log.split("\n").filter((subject) => subject.length > 72)).toEqual([]);
});

test("the workflow may only read, runs .ci/run and an audit, and takes actions by their commits", () => {
  const folder = ".github/workflows";
  for (const file of readdirSync(join(ROOT, folder))) {
    const text = read(`${folder}/${file}`);
    const { permissions, jobs } = workflowSchema.parse(parse(text));
    expect(permissions, file).toEqual({ contents: "read" });
    const steps = Object.values(jobs).flatMap((job) => job.steps);
    expect(steps.map(({ run }) => run).filter((run) => run !== undefined)).toEqual([
      ".ci/run",
      "npm audit --omit=dev --audit-level=moderate",
    ]);
    const pinned = text.match(/^ +- uses: \S+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/gm) ?? [];
    expect(pinned).toHaveLength(steps.filter(({ uses }) => uses !== undefined).length);
  }
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

test("every locked package that comes from the registry has a version, and its bytes are known", () => {
  interface Locked {
    readonly version?: string;
    readonly integrity?: string;
    readonly link?: boolean;
    readonly optional?: boolean;
    readonly os?: readonly string[];
    readonly cpu?: readonly string[];
  }
  const { packages } = JSON.parse(read("package-lock.json")) as { packages: Record<string, Locked> };
  const all = Object.entries(packages).filter(
    ([path, { link }]) => path.startsWith("node_modules/") && !link,
  );
  expect(all.length).toBeGreaterThan(300);
  expect(all.filter(([, { version }]) => version === undefined)).toEqual([]);
  // Of binaries for other platforms the registry here tells nothing: .ci/complete-lock.mjs.
  const unknown = all.filter(([, { integrity = "" }]) => !integrity.startsWith("sha512-"));
  expect(unknown.filter(([, { optional, os, cpu }]) => !optional || (os ?? cpu) === undefined)).toEqual([]);
});

test("nothing that is installed runs code while it is installed", () => {
  expect(read(".npmrc").split("\n")).toContain("ignore-scripts=true");
});
