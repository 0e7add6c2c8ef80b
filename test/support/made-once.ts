import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";

/** Milliseconds between two looks at whether another process is done. */
const INTERVAL = 50;

/**
 * Makes a folder that stays for later runs. Where several processes ask for it at once, one makes it and the others
 * wait, blocked.
 *
 * @param target the folder; its name says everything that its contents depend on
 * @param owner the user who owns it: another user can guess a name below the temporary folder
 * @param make fills an empty folder, which then gets the target's name
 * @throws Error where another user owns the target
 */
export function madeOnce(target: string, owner: number, make: (folder: string) => void): string {
  const release = takeTurn(target, owner);
  if (release === undefined) return target;
  try {
    const folder = mkdtempSync(`${target}-`);
    make(folder);
    putInPlace(folder, target);
    return target;
  } finally {
    release();
  }
}

/** As {@link madeOnce}, for contents that are waited for. */
export async function madeOnceAsync(
  target: string,
  owner: number,
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const release = takeTurn(target, owner);
  if (release === undefined) return target;
  try {
    const folder = mkdtempSync(`${target}-`);
    await make(folder);
    putInPlace(folder, target);
    return target;
  } finally {
    release();
  }
}

/** Waits until the target is there, or until nobody else makes it: then a function is returned that ends the turn. */
function takeTurn(target: string, owner: number): (() => void) | undefined {
  const lock = `${target}.lock`;
  for (;;) {
    if (existsSync(target)) {
      if (statSync(target).uid !== owner) throw new Error(`${target} is not ours`);
      return undefined;
    }
    try {
      writeFileSync(lock, String(process.pid), { flag: "wx", mode: 0o600 });
      return () => rmSync(lock, { force: true });
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    }
    // Two that find a dead holder at once may both make it. The first to finish wins, as it would without a lock.
    if (isGone(lock)) rmSync(lock, { force: true });
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, INTERVAL);
  }
}

/** Whether the process that holds the lock has ended. */
function isGone(lock: string): boolean {
  try {
    process.kill(Number(readFileSync(lock, "utf8")), 0);
    return false;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ESRCH";
  }
}

function putInPlace(folder: string, target: string): void {
  try {
    renameSync(folder, target);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    if (!existsSync(target)) throw error;
  }
}
