/** What is published: a client that needs nothing, and the service. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync } from "node:fs";
import { isBuiltin } from "node:module";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, relative } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";

import { SERVER_COMMANDS } from "../../src/cli/cli.ts";
import { serverCommands } from "../../src/run/command/commands.ts";
import { DEPLOY } from "../deploy/files.ts";
import { findProgram } from "../support/find-program.ts";
import { atLength } from "../support/form.ts";
import { othersByVersion } from "../support/other-nodes.ts";
import { type Installed, installPackage, packed } from "../support/package.ts";
import { filesOf } from "../support/process-bundle.ts";

const manifestSchema = z.object({
  name: z.string(),
  version: z.string(),
  engines: z.object({ node: z.string() }),
  dependencies: z.record(z.string(), z.string()).optional(),
  bin: z.record(z.string(), z.string()),
});

let installed: Installed;
beforeAll(() => {
  installed = installPackage();
});
afterAll(() => installed?.remove());

const folderOf = (name: string) => join(installed.folder, "node_modules", name);
const manifestOf = (name: string) =>
  manifestSchema.parse(JSON.parse(readFileSync(join(folderOf(name), "package.json"), "utf8")));

function say(command: string, ...args: readonly string[]) {
  const env = { PATH: `${installed.bin}${delimiter}${process.env["PATH"]}`, HOME: installed.folder };
  const { status, stdout, stderr } = spawnSync(join(installed.bin, command), args, {
    env,
    encoding: "utf8",
  });
  return { code: status, stdout, stderr };
}

/** A script without the lines of its comments: an example in one imports nothing. */
const withoutComments = (script: string) => script.replace(/^[ \t]*(?:\*|\/\/).*$/gm, "");

/** The packages that the scripts of a folder import. */
function imported(folder: string): readonly string[] {
  const scripts = readdirSync(folder).filter((name) => name.endsWith(".js"));
  const names = scripts.flatMap((name) =>
    [
      ...withoutComments(readFileSync(join(folder, name), "utf8")).matchAll(
        /\b(?:from|import)(?: ?\(?"|\(?`)([@a-z][\w@./-]*)["`]/g,
      ),
    ].map(([, specifier = ""]) => specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/")),
  );
  return [...new Set(names)].filter((name) => !isBuiltin(name)).toSorted();
}

describe("the client", () => {
  test("needs nothing, is small, and runs on Node 20", () => {
    const { version, ...manifest } = manifestOf("bakehouse");
    expect(manifest).toEqual({
      name: "bakehouse",
      engines: { node: ">=20" },
      bin: { bakehouse: "dist/bakehouse.js" },
    });
    const folder = folderOf("bakehouse");
    // Of `bakehouse/mcp` alone, for those who have it.
    const { peerDependencies, peerDependenciesMeta } = JSON.parse(
      readFileSync(join(folder, "package.json"), "utf8"),
    );
    expect(imported(join(folder, "dist"))).toEqual(Object.keys(peerDependencies));
    expect(imported(join(folder, "dist"))).toEqual(Object.keys(peerDependenciesMeta));
    const size = filesOf(folder).reduce((sum, file) => sum + statSync(file).size, 0);
    expect(size).toBeLessThan(1_000_000);
    expect(say("bakehouse", "--version")).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  });

  test("says which package has the commands of the service", () => {
    for (const name of SERVER_COMMANDS) {
      const stderr = `bakehouse: ${name} is a command of the package bakehouse-server: npx bakehouse-server ${name}\n`;
      expect(say("bakehouse", name)).toEqual({ code: 2, stdout: "", stderr });
    }
    expect(say("bakehouse", "--help").stdout).toContain("npx bakehouse-server serve");
    const server = serverCommands({ environment: {}, say: () => {}, node: process.versions.node });
    expect(server.map(({ name }) => name).toSorted()).toEqual([...SERVER_COMMANDS].toSorted());
  });

  atLength(() => {
    test("is run by npx from its archive without a word about Node", () => {
      const npm = realpathSync(findProgram("npm") ?? "");
      const folder = mkdtempSync(join(tmpdir(), "bakehouse-npx-"));
      try {
        const args = ["exec", "--yes", "--offline", "--package", join(packed(), "client.tgz"), "--"];
        for (const node of [process.execPath, ...othersByVersion().values()]) {
          const { stdout, stderr } = spawnSync(node, [npm, ...args, "bakehouse", "--version"], {
            cwd: folder,
            encoding: "utf8",
            env: { PATH: `${dirname(node)}${delimiter}${process.env["PATH"]}`, HOME: folder },
          });
          const { version } = manifestOf("bakehouse");
          expect({ node, stdout, stderr }).toEqual({ node, stdout: `${version}\n`, stderr: "" });
        }
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
  });
});

describe("the service's", () => {
  test("dependencies are what it imports, and it holds what it reads", () => {
    const { version, dependencies = {}, engines } = manifestOf("bakehouse-server");
    expect(engines).toEqual({ node: ">=26" });
    const folder = folderOf("bakehouse-server");
    expect(Object.keys(dependencies).toSorted()).toEqual(imported(join(folder, "dist")));
    expect(readdirSync(folder).toSorted()).toEqual(
      ["LICENSE", "README.md", "deploy", "dist", "migrations", "openapi.yaml", "package.json"].toSorted(),
    );
    // Of what a checkout has for operators, that which is committed: never the secrets that one keeps beside it.
    const committed = spawnSync("git", ["ls-files"], { cwd: DEPLOY, encoding: "utf8" }).stdout;
    const shipped = filesOf(join(folder, "deploy")).map((file) => relative(join(folder, "deploy"), file));
    expect(shipped.toSorted()).toEqual(committed.trim().split("\n").toSorted());
    expect(say("bakehouse-server", "--version")).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
    // Its start, from this package: test/start/what-next.test.ts.
  });
});
