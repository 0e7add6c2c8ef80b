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
  /** Takes a flaw that leaves the text's grammar whole, so that reading goes on; undefined refuses the text for it. */
  readonly onFlaw: ((flaw: JsonFlaw) => void) | undefined;
}

/** A rule that a text breaks though its grammar is whole, and the way to the value that breaks it. */
export interface JsonFlaw {
  readonly code: JsonErrorCode;
  readonly rule: string;
  readonly path: readonly JsonPathStep[];
}

/** Refuses the text at the place that the reader has come to. */
export function fail(reader: Reader, code: JsonErrorCode, rule: string): never {
  throw new JsonError(code, rule, reader.path, reader.offset);
}

/** Refuses the text for a flaw, or hands the flaw to the reader's taker and lets reading go on. */
export function flaw(reader: Reader, code: JsonErrorCode, rule: string, offset = reader.offset): void {
  if (reader.onFlaw === undefined) throw new JsonError(code, rule, reader.path, offset);
  reader.onFlaw({ code, rule, path: [...reader.path] });
}

/** Whether a code unit is an ASCII digit. */
export function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39;
}
