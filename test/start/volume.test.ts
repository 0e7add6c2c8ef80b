import { spawnSync } from "node:child_process";
import { chmodSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { DataDirError, isWritable, prepareDataDir, type VolumeSystem } from "../../src/run/volume.ts";
import { scratchFolder } from "../support/scratch.ts";

const failing = (code: string) => () => {
  throw Object.assign(new Error(`${code}: canary`), { code });
};

/** A system in which everything works, and whose folder is open to its group. */
function system(parts: Partial<VolumeSystem> = {}) {
  const closed: string[] = [];
  const warnings: string[] = [];
  const made: VolumeSystem = {
    makeFolder: () => {},
    mode: () => 0o775,
    close: (path) => void closed.push(path),
    requireWritable: () => {},
    user: () => ({ uid: 1000660000, gid: 0 }),
    ...parts,
  };
  return { closed, warnings, prepare: () => prepareDataDir("/data", (text) => warnings.push(text), made) };
}

describe("a data folder", () => {
  test("that is open to others is closed to them", () => {
    const { prepare, closed, warnings } = system();
    prepare();
    expect([closed, warnings]).toEqual([["/data"], []]);
  });

  test("that is closed already is left alone", () => {
    const { prepare, closed, warnings } = system({ mode: () => 0o700, close: failing("EPERM") });
    prepare();
    expect([closed, warnings]).toEqual([[], []]);
  });

  test.each(["EPERM", "EACCES", "EROFS", "ENOTSUP"])(
    "that cannot be closed (%s) and can be written to is warned of by name, and used",
    (code) => {
      const { prepare, warnings } = system({ close: failing(code) });
      prepare();
      expect(warnings).toHaveLength(1);
      expect(warnings[0]).toMatch(
        `DATA_DIR: folder /data has mode 0775 and cannot be closed to others (${code}), because`,
      );
    },
  );

  test.each([
    [
      "cannot be written to",
      { requireWritable: failing("EACCES") },
      "DATA_DIR: folder /data cannot be written to (EACCES): let uid 1000660000 or gid 0 write to it (chown, or fsGroup in Kubernetes), or set DATA_DIR to another folder",
    ],
    [
      "cannot be made",
      { makeFolder: failing("EROFS") },
      "DATA_DIR: folder /data cannot be made (EROFS): let uid 1000660000 or gid 0 write to it (chown, or fsGroup in Kubernetes), or set DATA_DIR to another folder",
    ],
    [
      "cannot be made, by a user that the system does not number",
      { makeFolder: failing("EROFS"), user: () => undefined },
      "DATA_DIR: folder /data cannot be made (EROFS): let this user write to it (chown, or fsGroup in Kubernetes), or set DATA_DIR to another folder",
    ],
  ])("that %s is refused, with the cure", (_, parts, message) => {
    const { prepare, closed, warnings } = system(parts);
    expect(prepare).toThrow(new DataDirError(message));
    expect([closed, warnings]).toEqual([[], []]);
  });

  test("is made with mode 0700 whatever the umask is", () => {
    const folder = join(scratchFolder("volume"), "a", "b");
    const before = process.umask(0);
    try {
      prepareDataDir(folder, () => expect.unreachable());
    } finally {
      process.umask(before);
    }
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(isWritable(folder)).toBe(true);
    expect(isWritable(join(folder, "absent"))).toBe(false);
  });
});

const isRoot = process.getuid?.() === 0;

/**
 * Prepares a folder and makes a master key in it, as a user whom the machine does not know and whose group is 0, as
 * OpenShift starts processes; as this one where only root may choose.
 */
function asStranger(folder: string): { readonly warnings: readonly string[]; readonly failed?: string } {
  const source = (file: string) => new URL(`../../src/run/${file}`, import.meta.url).href;
  const code = `
    const { prepareDataDir } = await import(${JSON.stringify(source("volume.ts"))});
    const { ensureMasterKey } = await import(${JSON.stringify(source("data-dir.ts"))});
    const { systemRandomness } = await import(${JSON.stringify(source("system.ts"))});
    if (${isRoot}) { process.setgroups([]); process.setgid(0); process.setuid(1000660000); }
    const warnings = [];
    try {
      prepareDataDir(process.argv[1], (text) => warnings.push(text));
      await ensureMasterKey(process.argv[1], systemRandomness);
      console.log(JSON.stringify({ warnings }));
    } catch (error) {
      console.log(JSON.stringify({ warnings, failed: error.name + ": " + error.message }));
    }`;
  const node = spawnSync(process.execPath, ["--input-type=module", "-e", code, folder], { encoding: "utf8" });
  expect(node.stderr).toBe("");
  return JSON.parse(node.stdout);
}

function folderOf(mode: number): string {
  const folder = scratchFolder("volume");
  chmodSync(folder, mode);
  return folder;
}

describe("a user whom the machine does not know, with group 0", () => {
  test.each([
    ["an emptyDir's", 0o777],
    ["a folder's of the group 0", 0o775],
  ])("keeps files to itself in a volume with %s mode", (_, mode) => {
    const folder = folderOf(mode);
    const { warnings, failed } = asStranger(folder);
    expect(failed).toBeUndefined();
    const shown = mode.toString(8).padStart(4, "0");
    const told = `DATA_DIR: folder ${folder} has mode ${shown} and cannot be closed to others (EPERM)`;
    expect(warnings).toEqual(isRoot ? [expect.stringContaining(told)] : []);
    expect(statSync(join(folder, "master.key")).mode & 0o777).toBe(0o600);
    // And again, with what it has made.
    expect(asStranger(folder).failed).toBeUndefined();
  });

  test("is told the folder and the cure where it may not write", () => {
    const folder = folderOf(0o555);
    expect(asStranger(folder).failed).toMatch(
      `DataDirError: DATA_DIR: folder ${folder} cannot be written to (EACCES): let uid `,
    );
  });

  test("is told the file that another user has kept to itself", () => {
    const folder = folderOf(0o777);
    writeFileSync(join(folder, "master.key"), "kept", { mode: 0o000 });
    expect(asStranger(folder).failed).toBe(
      `DataDirError: ${join(folder, "master.key")} cannot be read: give it to the user that the service runs as`,
    );
  });
});
