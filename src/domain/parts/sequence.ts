import type { LogPosition } from "../ports/revocations.ts";

// The number stands last, and the hash looks like a part of the epoch: so version 0.1.0, which knows epoch and number
// alone, takes a sequence with a hash for one of another epoch, and not for nonsense.
const TEXT = /^([A-Za-z0-9]{1,64})(?:-([0-9a-f]{16}))?-(0|[1-9][0-9]{0,14})$/;

/** Writes a position in the revocation log as callers see it: opaque to them, epoch, hash and number to us. */
export function printSequence({ epoch, hash, number }: LogPosition): string {
  return hash === undefined ? `${epoch}-${number}` : `${epoch}-${hash}-${number}`;
}

/**
 * Reads a sequence, also one without a hash: version 0.1.0 gave out no others, and the entries that it wrote have none.
 *
 * @returns undefined for text that `printSequence` never writes
 */
export function parseSequence(text: string): LogPosition | undefined {
  const [, epoch, hash, number] = TEXT.exec(text) ?? [];
  return epoch === undefined || number === undefined ? undefined : { epoch, number: Number(number), hash };
}
