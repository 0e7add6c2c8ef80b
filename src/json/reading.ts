import { type JsonOptions, newReader, notUtf8 } from "./parse.ts";
import { stepper } from "./steps.ts";
import { decoderOfPieces } from "./utf8.ts";
import type { JsonValue } from "./value.ts";

/** Characters that one step reads. */
const STEP = 32 * 1024;

/** Bytes that one step decodes. V8 leaves texts of this length where they are, and copies shorter ones from place to place. */
const PIECE = 256 * 1024;

/** A text that is read in steps, so that others can have a turn in between. */
export interface JsonReading {
  /**
   * Reads on, for a fraction of a millisecond or for as long as `maxToken` characters take.
   *
   * @returns the value of the text, once it has been read to its end; undefined before
   * @throws JsonError as `parseJson` does
   */
  step(): { readonly value: JsonValue } | undefined;
}

/**
 * Begins to read one JSON text as `parseJson` does, with the same result.
 *
 * @param bytes UTF-8
 * @param options `maxToken` bounds how much is read in one piece
 */
export function beginJson(
  bytes: Uint8Array,
  options: JsonOptions & { readonly maxToken: number },
): JsonReading {
  const decode = decoderOfPieces();
  const pieces: string[] = [];
  let decoded = 0;
  let readOn: ReturnType<typeof stepper> | undefined;

  function decodeOn(): void {
    const end = Math.min(bytes.length, decoded + PIECE);
    const piece = decode(bytes.subarray(decoded, end), end === bytes.length);
    if (piece === undefined) throw notUtf8();
    pieces.push(piece);
    decoded = end;
    if (decoded < bytes.length) return;
    const [first = "", ...rest] = pieces;
    readOn = stepper(newReader(first, rest, options));
  }

  return {
    step() {
      if (readOn !== undefined) return readOn(STEP);
      decodeOn();
      return undefined;
    },
  };
}
