/** The bytes of a base64url text without padding; undefined for any other text, and for one that is not canonical. */
export function bytesOf(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? new Uint8Array(bytes) : undefined;
}
