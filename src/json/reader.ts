import { JsonError, type JsonErrorCode, type JsonPathStep } from "./error.ts";

/** The code unit of `"`. */
export const QUOTE = 0x22;

/** A text and how far it has been read. */
export interface Reader {
  readonly text: string;
  offset: number;
  /** The way to the value being read; its length is the depth. */
  readonly path: JsonPathStep[];
  readonly maxDepth: number;
  readonly allowNul: boolean;
  readonly maxValues: number;
  /** Values begun so far. */
  values: number;
}

/** Refuses the text at the place that the reader has come to. */
export function fail(reader: Reader, code: JsonErrorCode, rule: string): never {
  throw new JsonError(code, rule, reader.path, reader.offset);
}

/** Whether a code unit is an ASCII digit. */
export function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39;
}
