// The core compiles without the types of Node or the DOM; this is all of either that it needs.
declare const TextDecoder: new (
  label: "utf-8",
  options: { readonly fatal: boolean; readonly ignoreBOM: boolean },
) => { decode(bytes: Uint8Array, options?: { readonly stream: boolean }): string };

const STRICTLY = { fatal: true, ignoreBOM: true };
const decoder = new TextDecoder("utf-8", STRICTLY);

/** The text of UTF-8 bytes, or undefined if they are not UTF-8. A byte order mark is kept as a character. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** As {@link decodeUtf8}, for bytes that come in pieces: a character may begin in one and end in the next. */
export function decoderOfPieces(): (piece: Uint8Array, isLast: boolean) => string | undefined {
  const streaming = new TextDecoder("utf-8", STRICTLY);
  return (piece, isLast) => {
    try {
      return streaming.decode(piece, { stream: !isLast });
    } catch {
      return undefined;
    }
  };
}
