import { decodeHash, encodeBase64 } from "./base64.ts";
import { isKeyName } from "./note.ts";
import type { SeenTree } from "./proofs.ts";

/** What a checkpoint says (C2SP tlog-checkpoint): so many leaves, with this root, in the log of this origin. */
export interface Checkpoint extends SeenTree {
  readonly origin: string;
}

/** Writes the text that a checkpoint's signature covers. */
export function printCheckpoint({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${encodeBase64(root)}\n`;
}

/**
 * Reads the text of a note as a checkpoint. Lines that follow the root are extensions, and are passed over.
 *
 * @returns undefined for a text that is no checkpoint
 */
export function parseCheckpoint(text: string): Checkpoint | undefined {
  const [origin = "", digits = "", hash = "", ...rest] = text.split("\n");
  const size = /^(?:0|[1-9][0-9]{0,15})$/.test(digits) ? Number(digits) : Number.NaN;
  const root = decodeHash(hash);
  if (!isKeyName(origin) || !Number.isSafeInteger(size) || root === undefined) return undefined;
  // What ends in a newline splits into an empty text at the end; no extension line is empty.
  if (rest.at(-1) !== "" || rest.slice(0, -1).includes("")) return undefined;
  return { origin, size, root };
}
