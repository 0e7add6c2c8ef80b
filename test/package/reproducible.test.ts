/** A release can be made again, by anybody, to the byte. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..");

interface Machine {
  readonly folder: string;
  readonly umask: string;
  readonly env: Readonly<Record<string, string>>;
}

function shell(machine: Machine, script: string, cwd: string, input = ""): void {
  const { status, stderr } = spawnSync("sh", ["-c", `umask ${machine.umask}; ${script}`], {
    cwd,
    input,
    encoding: "utf8",
    env: { ...process.env, ...machine.env, FOLDER: machine.folder },
  });
  expect(status, stderr).toBe(0);
}

/** Puts a checkout into a folder, with its own copy of the installed packages. */
function checkOut(machine: Machine): void {
  const list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const files = spawnSync("git", list, { cwd: ROOT, encoding: "utf8" }).stdout.split("\0");
  const there = files.filter((name) => name !== "" && existsSync(join(ROOT, name)));
  expect(there.length).toBeGreaterThan(500);
  const copy = 'mkdir -p "$FOLDER" && tar -cf - --null -T - | tar -xf - --no-same-permissions -C "$FOLDER"';
  shell(machine, copy, ROOT, there.join("\0"));
  // Links are quick, where both are on one disk.
  shell(machine, 'cp -al node_modules "$FOLDER/" 2>/dev/null || cp -a node_modules "$FOLDER/"', ROOT);
}

/** Makes the packages by the command of the manual. */
function hashesOf(machine: Machine): Readonly<Record<string, string>> {
  checkOut(machine);
  shell(machine, "npm run packages", machine.folder);
  const archives = readdirSync(machine.folder).filter((name) => name.endsWith(".tgz"));
  const hash = (name: string) =>
    createHash("sha256")
      .update(readFileSync(join(machine.folder, name)))
      .digest("hex");
  return Object.fromEntries(archives.sort().map((name) => [name, hash(name)]));
}

test("two builds in two folders, on other days and by other users, are the same bytes", () => {
  const scratch = mkdtempSync(join(tmpdir(), "bakehouse-twice-"));
  onTestFinished(() => rmSync(scratch, { recursive: true, force: true }));
  const one = { folder: join(scratch, "one"), umask: "022", env: { TZ: "UTC", LANG: "C", LC_ALL: "C" } };
  const other = {
    folder: join(scratch, "far", "away", "other one"),
    umask: "077",
    env: { TZ: "Pacific/Auckland", LANG: "de_DE.UTF-8", LC_ALL: "C.UTF-8", HOME: join(scratch, "home") },
  };
  const first = hashesOf(one);
  expect(Object.keys(first)).toEqual([
    expect.stringMatching(/^bakehouse-\d/),
    expect.stringMatching(/^bakehouse-server-\d/),
  ]);
  expect(hashesOf(other)).toEqual(first);
}, 600_000);
