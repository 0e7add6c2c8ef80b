/**
 * Why the macaroon core refused something.
 *
 * `malformed`: the bytes or text break a rule of the format. `too_large`: a limit was passed.
 * `invalid_argument`: the caller gave a key, nonce or text that no macaroon can be made with.
 */
export type MacaroonErrorCode = "malformed" | "too_large" | "invalid_argument";

/** The error that the macaroon core throws. The message names rules and sizes, never contents. */
export class MacaroonError extends Error {
  override readonly name = "MacaroonError";
  readonly code: MacaroonErrorCode;

  constructor(code: MacaroonErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Ends decoding because a rule of the format is broken. */
export function malformed(rule: string): never {
  throw new MacaroonError("malformed", rule);
}

/** Ends work because a limit is passed. */
export function tooLarge(rule: string): never {
  throw new MacaroonError("too_large", rule);
}

/** Refuses an argument of the wrong length. */
export function expectLength(name: string, bytes: Uint8Array, length: number): void {
  if (bytes.length === length) return;
  throw new MacaroonError("invalid_argument", `"${name}" expected ${length} bytes, got ${bytes.length}`);
}
