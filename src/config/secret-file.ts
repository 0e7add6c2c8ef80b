import { closeSync, fstatSync, openSync, readSync } from "node:fs";

import { Invalid, type SecretFile } from "./environment.ts";

/** Bytes that a secret's file may hold. */
const MOST_BYTES = 64 * 1024;

/**
 * Reads a file that holds a secret: a bounded amount, since the name may be that of a device.
 *
 * @throws {Invalid} if it is too long or no UTF-8
 * @throws the system's error if it cannot be read
 */
export function readSecretFile(path: string, mostBytes = MOST_BYTES): SecretFile {
  const file = openSync(path, "r");
  try {
    const bytes = new Uint8Array(mostBytes + 1);
    let length = 0;
    while (length < bytes.length) {
      const read = readSync(file, bytes, length, bytes.length - length, null);
      if (read === 0) break;
      length += read;
    }
    if (length > mostBytes) throw new Invalid(`the file is longer than ${mostBytes / 1024} KiB`);
    return { text: textOf(bytes.subarray(0, length)), mode: fstatSync(file).mode };
  } finally {
    closeSync(file);
  }
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Invalid("the file is no UTF-8");
  }
}
