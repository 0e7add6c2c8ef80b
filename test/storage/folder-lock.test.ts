import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, onTestFinished, test } from "vitest";

import { FolderLockedError, lockFolder } from "../../src/storage/engine/folder-lock.ts";
import { openStore } from "../../src/storage/open.ts";
import { describeOn } from "../support/database.ts";
import { nodeFlags } from "../support/process.ts";
import { platform } from "./samples.ts";

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "bakehouse-lock-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Another process that runs some lines, says `ready` and stays until it is killed. */
async function another(
  lines: string,
  stderr: "inherit" | "ignore" = "inherit",
): Promise<{ readonly pid: number; readonly kill: () => Promise<void> }> {
  const child = spawn(
    process.execPath,
    [
      ...nodeFlags(),
      ...["--input-type=module", "-e"],
      `${lines}; process.stdout.write("ready\\n"); setInterval(() => {}, 1000);`,
    ],
    { stdio: ["ignore", "pipe", stderr] },
  );
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const kill = async () => {
    child.kill("SIGKILL");
    await exited;
  };
  onTestFinished(kill);
  await new Promise<void>((resolve, reject) => {
    child.stdout.once("data", () => resolve());
    child.once("exit", () => reject(new Error("the other process ended")));
  });
  return { pid: child.pid ?? 0, kill };
}

const locking = (folder: string) =>
  `import { lockFolder } from ${JSON.stringify(join(import.meta.dirname, "../../src/storage/engine/folder-lock.ts"))};
   globalThis.lock = lockFolder(${JSON.stringify(folder)})`;

describe("folder lock", () => {
  test("says whose it is, is refused to anyone else in this process, and can be taken again", () => {
    const folder = makeFolder();
    const lock = lockFolder(folder);
    expect(readFileSync(join(folder, "lock"), "utf8")).toMatch(
      new RegExp(`^pid ${process.pid}\nsince .*Z\n$`),
    );
    expect(() => lockFolder(folder)).toThrow(FolderLockedError);
    // The refusal itself has let nobody in.
    expect(() => lockFolder(folder)).toThrow(
      `folder ${folder} is in use by another process (pid ${process.pid})`,
    );
    lock.release();
    expect(existsSync(join(folder, "lock"))).toBe(false);
    lockFolder(folder).release();
  });

  test("an attempt that is refused in this process leaves the lock where it is", async () => {
    const folder = makeFolder();
    const lock = lockFolder(folder);
    expect(() => lockFolder(folder)).toThrow(FolderLockedError);
    await expect(another(locking(folder), "ignore")).rejects.toThrow("the other process ended");
    lock.release();
    await another(locking(folder));
  });

  test("another process has it until it is killed, SIGKILL included", async () => {
    const folder = makeFolder();
    const other = await another(locking(folder));
    expect(() => lockFolder(folder)).toThrow(
      `folder ${folder} is in use by another process (pid ${other.pid})`,
    );
    await other.kill();
    expect(existsSync(join(folder, "lock"))).toBe(true);
    lockFolder(folder).release();
  });

  test.each([
    { name: "a process id that is used again", note: `pid ${process.ppid}\n` },
    { name: "our own process id, as after a container's restart", note: `pid ${process.pid}\n` },
    { name: "nonsense", note: "\0\0" },
  ])("a note that was left behind locks nobody out: $name", ({ note }) => {
    const folder = makeFolder();
    writeFileSync(join(folder, "lock"), note);
    writeFileSync(join(folder, "lock.sqlite"), "");
    lockFolder(folder).release();
  });

  test("a lock whose note was deleted still holds", async () => {
    const folder = makeFolder();
    await another(locking(folder));
    rmSync(join(folder, "lock"));
    expect(() => lockFolder(folder)).toThrow(`folder ${folder} is in use by another process`);
  });
});

describeOn("pglite", "embedded database and its folder", (open) => {
  test("a second process is refused while the first has it", async () => {
    const { dataDir = "", store } = await open();
    await expect(openStore({ place: { kind: "folder", folder: dataDir } })).rejects.toMatchObject({
      name: "FolderLockedError",
      message: expect.stringContaining(dataDir),
    });
    await expect(store.refusesChanges()).resolves.toBeUndefined();
  });

  test("what was acknowledged before SIGKILL is there afterwards, and the lock does not stay", async () => {
    const { dataDir = "", store } = await open();
    await store.close();
    const source = (path: string) => JSON.stringify(join(import.meta.dirname, path));
    const other = await another(
      `import { openStore } from ${source("../../src/storage/open.ts")};
       const store = await openStore({ place: { kind: "folder", folder: ${JSON.stringify(dataDir)} } });
       await store.platforms.insert(${JSON.stringify(platform("acknowledged"))})`,
    );
    await other.kill();
    const again = await openStore({ place: { kind: "folder", folder: dataDir } });
    expect(await again.platforms.find("acknowledged")).toEqual(platform("acknowledged"));
    await again.close();
    expect(existsSync(join(dataDir, "lock"))).toBe(false);
  });
});
