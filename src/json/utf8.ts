import { JsonError } from "./error.ts";

// The core compiles without the types of Node or the DOM; this is all of either that it needs here.
declare const TextDecoder: new (
  label: "utf-8",
  options: { readonly fatal: boolean; readonly ignoreBOM: boolean },
) => { decode(bytes: Uint8Array): string };

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Decodes UTF-8 strictly. A byte order mark is kept as a character, for the caller to refuse.
 *
 * @throws JsonError with code `encoding`
 */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new JsonError("encoding", "text is not utf-8", []);
  }
}
