import type { LogPosition } from "../ports/revocations.ts";

// The epoch is a UUID: the number stands behind the last hyphen.
const TEXT = /^([A-Za-z0-9-]{1,64})-(0|[1-9][0-9]{0,14})$/;

/** Writes a position in the revocation log as callers see it: opaque to them, the epoch and the number to us. */
export function printSequence(position: LogPosition): string {
  return `${position.epoch}-${position.number}`;
}

/** Reads a sequence. @returns undefined for text that `printSequence` never writes */
export function parseSequence(text: string): LogPosition | undefined {
  const [, epoch, number] = TEXT.exec(text) ?? [];
  return epoch === undefined || number === undefined ? undefined : { epoch, number: Number(number) };
}
