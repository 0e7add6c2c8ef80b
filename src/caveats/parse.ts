import { decodeUtf8 } from "../json/utf8.ts";
import {
  type AttributeCaveat,
  type Caveat,
  type ComparisonCaveat,
  type ConditionalCaveat,
  type DenialCaveat,
  isOnAttribute,
  type Operator,
} from "./caveat.ts";
import { isServiceName } from "./reserved.ts";
import { parseServiceCaveat } from "./service.ts";
import { type Block, parseBlock } from "./values/address.ts";
import { CODE, hasEdgeSpace, isClean, isDigit } from "./values/characters.ts";
import { readDecimal } from "./values/decimal.ts";
import { parseInstant } from "./values/instant.ts";
import { parseList, readWords } from "./values/list.ts";

// The condition that macaroon-bakery's libraries add; here it is another spelling of `time <`.
const TIME_BEFORE = "time-before";

const WHEN = "when";
const THEN = " then ";

/**
 * Reads a caveat, or undefined for a text that is not exactly a sentence of the grammar in README.md.
 *
 * Undefined means `caveat_unknown`: nothing is guessed, since the text's writer meant to forbid something.
 */
export function parseCaveat(text: string): Caveat | undefined {
  return isClean(text) ? parseClean(text, true) : undefined;
}

function parseClean(text: string, mayBranch: boolean): Caveat | undefined {
  const space = text.indexOf(" ");
  if (space < 0) return undefined;
  const attribute = text.slice(0, space);
  const dot = readAttribute(attribute);
  if (dot === undefined) return undefined;
  if (attribute === TIME_BEFORE) return timeBefore(text.slice(space + 1));

  const operator = operatorAt(text, space + 1);
  // A text with an operator behind `when` is a test of an attribute of that name, or nothing.
  if (operator === undefined) {
    return mayBranch && attribute === WHEN ? parseConditional(text) : undefined;
  }
  const value = text.slice(space + operator.length + 2);
  if (value === "" || hasEdgeSpace(value)) return undefined;
  if (isServiceName(dot < 0 ? attribute : attribute.slice(0, dot))) {
    return parseServiceCaveat(attribute, operator, value);
  }
  return parseAttributeCaveat(attribute, operator, value);
}

/** Reads a caveat as it stands in a macaroon; bytes that are not UTF-8 are no caveat. */
export function parseCaveatBytes(bytes: Uint8Array): Caveat | undefined {
  const text = decodeCaveat(bytes);
  return text === undefined ? undefined : parseCaveat(text);
}

/** The text of a caveat's bytes; undefined if they are not UTF-8. */
export function decodeCaveat(bytes: Uint8Array): string | undefined {
  try {
    return decodeUtf8(bytes);
  } catch {
    return undefined;
  }
}

// Each with the space after it, so that `<` is not found in `<=` and a missing space is no operator.
const OPERATORS: readonly Operator[] = ["=", "in", "<=", "matches", "<", "within", ">=", ">", "!=", "not in"];

function operatorAt(text: string, from: number): Operator | undefined {
  for (const operator of OPERATORS) {
    if (text.startsWith(operator, from) && text.charCodeAt(from + operator.length) === CODE.space) {
      return operator;
    }
  }
  return undefined;
}

function parseConditional(text: string): ConditionalCaveat | undefined {
  const from = WHEN.length + 1;
  const space = text.indexOf(" ", from);
  if (space < 0) return undefined;
  const attribute = text.slice(from, space);
  const dot = readAttribute(attribute);
  if (dot === undefined || attribute === TIME_BEFORE) return undefined;
  if (isServiceName(dot < 0 ? attribute : attribute.slice(0, dot))) return undefined;
  const operator = operatorAt(text, space + 1);
  if (operator !== "=" && operator !== "in") return undefined;
  const read = readWords(text, space + operator.length + 2, operator === "in");
  if (read === undefined || !text.startsWith(THEN, read.end)) return undefined;
  const test = parseClean(text.slice(read.end + THEN.length), false);
  if (test === undefined || !isOnAttribute(test)) return undefined;
  return { kind: "conditional", unless: denial(attribute, operator, read.values), test };
}

function denial(attribute: string, operator: "=" | "in", values: readonly string[]): DenialCaveat {
  const [value = ""] = values;
  return operator === "="
    ? { kind: "equality", attribute, operator: "!=", value }
    : { kind: "membership", attribute, operator: "not in", items: values };
}

function parseAttributeCaveat(
  attribute: string,
  operator: Operator,
  value: string,
): AttributeCaveat | undefined {
  switch (operator) {
    case "=":
    case "!=":
      return { kind: "equality", attribute, operator, value };
    case "in":
    case "not in": {
      const items = parseList(value);
      return items && { kind: "membership", attribute, operator, items };
    }
    case "<":
    case "<=":
    case ">":
    case ">=": {
      const bound = parseBound(value);
      return bound && { kind: "comparison", attribute, operator, bound };
    }
    case "matches":
      return { kind: "glob", attribute, pattern: value };
    case "within": {
      const blocks = parseBlocks(value);
      return blocks && { kind: "network", attribute, blocks };
    }
    default:
      return operator satisfies never;
  }
}

function parseBound(value: string): ComparisonCaveat["bound"] | undefined {
  const decimal = readDecimal(value);
  if (decimal === "too_long") return undefined;
  return decimal ?? parseInstant(value);
}

function parseBlocks(value: string): readonly Block[] | undefined {
  const items = parseList(value);
  if (items === undefined) return undefined;
  const blocks: Block[] = [];
  for (const item of items) {
    const block = parseBlock(item);
    if (block === undefined) return undefined;
    blocks.push(block);
  }
  return blocks;
}

function timeBefore(value: string): Caveat | undefined {
  const at = parseInstant(value);
  return at && { kind: "time", operator: "<", at };
}

/** The position of the first dot, or -1 for none; undefined if a name is missing or malformed. */
function readAttribute(text: string): number | undefined {
  let firstDot = -1;
  let atStart = true;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === CODE.dot) {
      if (atStart) return undefined;
      if (firstDot < 0) firstDot = at;
      atStart = true;
    } else if (isLetter(code) || (!atStart && (isDigit(code) || code === CODE.minus))) {
      atStart = false;
    } else {
      return undefined;
    }
  }
  return atStart ? undefined : firstDot;
}

function isLetter(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || code === 0x5f;
}
