import { open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Secret } from "../domain/keys/secret.ts";
import { parseSequence, printSequence } from "../domain/parts/sequence.ts";
import type { Randomness } from "../domain/ports/randomness.ts";
import type { PositionFile } from "../domain/ports/revocations.ts";
import type { CredentialFiles } from "../domain/upkeep/credential-files.ts";
import { FolderLockedError, lockFile } from "../storage/engine/folder-lock.ts";
import { codeOf, DataDirError } from "./volume.ts";

/** A file of the data folder is damaged. The message names it, the finding and the cure. */
class DataFileError extends Error {
  override readonly name = "DataFileError";

  constructor(path: string, finding: string) {
    super(`${path} ${finding}: restore it from a backup`);
  }
}

/** Writes a file so that after a crash it is there whole or not at all. */
async function writeDurably(path: string, text: string): Promise<void> {
  const draft = `${path}.draft`;
  await rm(draft, { force: true });
  await writeFile(draft, text, { mode: 0o600, flag: "wx", flush: true });
  await rename(draft, path);
  await syncFolder(join(path, ".."));
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT") return undefined;
    if (code === "EACCES" || code === "EPERM")
      throw new DataDirError(`${path} cannot be read: give it to the user that the service runs as`);
    throw error;
  }
}

const MASTER_KEY_FILE = "master.key";

/** The master key that the data folder keeps; undefined if it keeps none. */
export async function keptMasterKey(dataDir: string): Promise<Secret | undefined> {
  const path = join(dataDir, MASTER_KEY_FILE);
  const kept = await readIfThere(path);
  if (kept === undefined) return undefined;
  const bytes = Buffer.from(kept.trim(), "base64url");
  if (bytes.length !== 32) throw new DataFileError(path, "does not hold 32 bytes in base64url");
  return new Secret(new Uint8Array(bytes));
}

/** The master key of a service with the embedded database: made at the first start, and kept in a file of mode 0600. */
export async function ensureMasterKey(dataDir: string, randomness: Randomness): Promise<Secret> {
  const path = join(dataDir, MASTER_KEY_FILE);
  const kept = await keptMasterKey(dataDir);
  if (kept !== undefined) return kept;
  const made = randomness.bytes(32);
  await writeDurably(path, `${Buffer.from(made).toString("base64url")}\n`);
  return new Secret(made);
}

/** How long a bootstrap waits for another one in the same data folder, milliseconds. */
const TURN_WAIT = 60_000;

/** Takes the data folder's credential files, once nobody else has them. */
async function takeTurn(dataDir: string, patience: number) {
  const path = join(dataDir, "bootstrap.lock");
  const until = performance.now() + patience;
  for (;;) {
    const lock = lockFile(path);
    if (lock !== undefined) return lock;
    if (performance.now() > until)
      throw new FolderLockedError(`folder ${dataDir} is being bootstrapped by another process`);
    await pause(20);
  }
}

/**
 * The credentials of a first start, as files of mode 0600 in the data folder.
 *
 * @param patience milliseconds that {@link CredentialFiles.inTurn} waits
 */
export function credentialFiles(dataDir: string, patience = TURN_WAIT): CredentialFiles {
  const stagedPath = (file: string) => join(dataDir, `${file}.staged`);
  return {
    async inTurn(work) {
      const lock = await takeTurn(dataDir, patience);
      try {
        return await work();
      } finally {
        lock.release();
      }
    },
    stage: (file, token) => writeDurably(stagedPath(file), `${token}\n`),
    staged: async (file) => (await readIfThere(stagedPath(file)))?.trim(),
    async publish(file) {
      const path = join(dataDir, file);
      await rename(stagedPath(file), path);
      await syncFolder(dataDir);
      return path;
    },
    discard: (file) => rm(stagedPath(file), { force: true }),
  };
}

/**
 * How far the revocation log was read, in the data folder.
 *
 * @param worker the number of a worker, if there are several: each has a file of its own
 */
export function positionFile(dataDir: string, worker?: number): PositionFile {
  const path = join(
    dataDir,
    worker === undefined ? "revocations.position" : `revocations-${worker}.position`,
  );
  return {
    async read() {
      const text = await readIfThere(path);
      return text === undefined ? undefined : parseSequence(text.trim());
    },
    write: (position) => writeDurably(path, `${printSequence(position)}\n`),
  };
}
