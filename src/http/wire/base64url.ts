const ALPHABET = "base64url";

/** Writes bytes as base64url without padding. */
export function toBase64url(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: ALPHABET, omitPadding: true });
}

/** Reads base64url without padding. @returns undefined for any text that {@link toBase64url} never writes */
export function fromBase64url(text: string): Uint8Array | undefined {
  try {
    const bytes = Uint8Array.fromBase64(text, { alphabet: ALPHABET });
    // The decoder lets padding, white space and spare bits pass; one value has one text.
    return toBase64url(bytes) === text ? bytes : undefined;
  } catch {
    return undefined;
  }
}
