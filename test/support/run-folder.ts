import {
  accessSync,
  chmodSync,
  constants,
  mkdtempSync,
  readdirSync,
  rmSync,
  statfsSync,
  statSync,
} from "node:fs";
import { freemem, tmpdir } from "node:os";
import { join } from "node:path";

import { SCRATCH } from "./scratch.ts";

const PREFIX = "bakehouse-test-run-";
const MEMORY = "/dev/shm";
/** Octets that must be free before data of tests are kept in memory. A run takes less than a quarter of it. */
const ROOM = 4 * 1024 ** 3;

/**
 * Makes the folder of a test run and removes it when the run ends.
 *
 * It lies in memory where there is room. Tests make and remove a hundred databases of hundreds of small files each,
 * and some file systems take more processor time for that than all tests together.
 */
export function setup(): () => void {
  const parent = hasRoom() ? MEMORY : tmpdir();
  removeAbandoned(parent);
  const folder = mkdtempSync(join(parent, `${PREFIX}${process.pid}-`));
  // A Postgres server that is run by another user keeps its data below.
  chmodSync(folder, 0o711);
  process.env[SCRATCH] = folder;
  // Processes that tests start share what the first of them has compiled.
  process.env["NODE_COMPILE_CACHE"] = join(folder, "compiled");
  return () => rmSync(folder, { recursive: true, force: true });
}

function hasRoom(): boolean {
  try {
    accessSync(MEMORY, constants.W_OK);
    const { bavail, bsize } = statfsSync(MEMORY);
    return bavail * bsize > ROOM && freemem() > ROOM;
  } catch {
    return false;
  }
}

/** Removes the folders of runs that were killed before they could do it. */
function removeAbandoned(parent: string): void {
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(PREFIX) || isAlive(Number.parseInt(name.slice(PREFIX.length), 10))) continue;
    const folder = join(parent, name);
    if (statSync(folder).uid === process.getuid?.()) rmSync(folder, { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}
