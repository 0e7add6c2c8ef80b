import { z } from "zod";
import { RESERVED_NAMES, reservedMember } from "../../caveats/reserved.ts";
import { type Decimal, type DecimalReading, readDecimal } from "../../caveats/values/decimal.ts";
import type { VerifyRequest } from "../../domain/service.ts";
import { JsonNumber, type JsonObject, type JsonValue } from "../../json/value.ts";
import { UNIT } from "../../words/ids.ts";
import { CONTEXT_DEPTH } from "../../words/limits.ts";
import { MAX_BODY } from "../request/body.ts";
import { check, plainBody } from "../request/json-body.ts";
import { sequence } from "./text.ts";

function isObject(value: unknown): value is JsonObject {
  return value instanceof Map;
}

/** Most values of a context: as many as a body of one question holds. One of a batch has no more. */
const MOST_VALUES = MAX_BODY / 16;

/** How a context is too large; undefined if it is not. */
function sizeRule(context: JsonObject): string | undefined {
  const size = { values: 0 };
  if (depth(context, size) > CONTEXT_DEPTH) return `must be nested at most ${CONTEXT_DEPTH} deep`;
  return size.values > MOST_VALUES ? `must have at most ${MOST_VALUES} values` : undefined;
}

/** @param size counts the values, until there are too many */
function depth(value: JsonValue, size: { values: number }): number {
  if (value === null || typeof value !== "object" || value instanceof JsonNumber) return 0;
  let deepest = 0;
  for (const member of value.values() as Iterable<JsonValue>) {
    if (++size.values > MOST_VALUES) break;
    deepest = Math.max(deepest, depth(member, size));
  }
  return deepest + 1;
}

// In two members, numbers must keep their source text: these stay as they were parsed.
const context = z
  .custom<JsonObject>(isObject, "must be an object")
  .superRefine((members, issues) => {
    const name = reservedMember(members);
    if (name !== undefined) {
      issues.addIssue({ code: "custom", path: [name], message: "belongs to the service and cannot be set" });
      return;
    }
    const rule = sizeRule(members);
    if (rule !== undefined) issues.addIssue({ code: "custom", message: rule });
  })
  .meta({
    type: "object",
    additionalProperties: true,
    description: `The facts of the call that the token's caveats are cleared against; any member can be constrained by \`name\` or a dotted path. Numbers are compared as written, digit by digit. The names that belong to the service are refused: \`${RESERVED_NAMES.join(" ")}\`. Nested at most ${CONTEXT_DEPTH} deep.`,
  });

const cost = z
  .custom<JsonObject>(isObject, "must be an object")
  .superRefine((members, issues) => {
    for (const [unit, amount] of members) {
      const rule = costRule(unit, amount);
      if (rule === undefined) continue;
      issues.addIssue({ code: "custom", path: [unit], message: rule });
      return;
    }
  })
  .meta({
    type: "object",
    additionalProperties: {
      anyOf: [
        { type: "number", minimum: 0 },
        { type: "string", pattern: "^(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?$" },
      ],
    },
    description:
      "What the call costs, by unit, for `spend` budgets: numbers, or texts of the same form, of at least 0 and at most 40 digits, read digit by digit. A token with a `spend` in a unit that is missing here is refused (`caveat_failed`).",
  });

function costRule(unit: string, amount: JsonValue): string | undefined {
  if (!UNIT.test(unit)) return "must be named by a letter or _, then up to 63 letters, digits, _ or -";
  const decimal = readAmount(amount);
  if (decimal === "too_long") return "must have at most 40 digits";
  return decimal === undefined ? "must be a number of at least 0, or a text that holds one" : undefined;
}

function readAmount(amount: JsonValue): DecimalReading {
  const text = amount instanceof JsonNumber ? amount.text : amount;
  return typeof text === "string" && !text.startsWith("-") ? readDecimal(text) : undefined;
}

const NO_COST: ReadonlyMap<string, Decimal> = new Map();

/** @param members as the schema let them pass */
function readCost(members: JsonObject | undefined): ReadonlyMap<string, Decimal> {
  if (members === undefined) return NO_COST;
  const costs = new Map<string, Decimal>();
  for (const [unit, amount] of members) {
    const decimal = readAmount(amount);
    if (typeof decimal === "object") costs.set(unit, decimal);
  }
  return costs;
}

// Not an array of strings to the schema, which would remember an offence for each of many wrong elements.
const discharges = z
  .custom<readonly string[]>(Array.isArray, "must be an array")
  .superRefine((texts, issues) => {
    const wrong = texts.findIndex((text) => typeof text !== "string");
    if (wrong >= 0) issues.addIssue({ code: "custom", path: [wrong], message: "must be a string" });
  })
  .meta({
    type: "array",
    items: { type: "string" },
    description: "Discharges that are not in the bundle.",
  });

/** A question about one token. */
export const verifyRequestSchema = z
  .strictObject({
    token: z.string().meta({
      description:
        "The macaroon, or a bundle of it and its discharges, base64url. One that is too large is an answer, not an error.",
    }),
    discharges: discharges.optional(),
    context,
    cost: cost.optional(),
    proof: z.string().max(16_384).optional().meta({
      description:
        "A DPoP proof. Not looked at until `holder` caveats are built; a token with one is refused as `caveat_unknown`, with or without a proof.",
    }),
    min_sequence: sequence
      .optional()
      .meta({ description: "Answer only once this much of the revocation log is applied here; else 503." }),
    dry_run: z
      .boolean()
      .optional()
      .meta({ description: "The same answer, with nothing counted and nothing recorded as observed." }),
  })
  .meta({ id: "VerifyRequest", description: "May this token do this, now?" });

/**
 * Reads one request of verify.
 *
 * @throws DomainError or JsonError that names the member at fault
 */
export function readVerifyRequest(tree: JsonValue): VerifyRequest {
  return readUsual(tree) ?? readAny(tree);
}

/**
 * Reads a request of a token and a context, as nearly all are, without the cost of a schema.
 *
 * @returns undefined for a request with other members or a fault: the schema reads it, or names the fault
 */
function readUsual(tree: JsonValue): VerifyRequest | undefined {
  if (!isObject(tree) || tree.size !== 2) return undefined;
  const token = tree.get("token");
  const given = tree.get("context");
  if (typeof token !== "string" || !isObject(given)) return undefined;
  if (reservedMember(given) !== undefined || sizeRule(given) !== undefined) return undefined;
  return { token, discharges: [], context: given, cost: NO_COST, minSequence: undefined, dryRun: false };
}

function readAny(tree: JsonValue): VerifyRequest {
  const read = check(verifyRequestSchema, isObject(tree) ? shallow(tree) : plainBody(tree));
  return {
    token: read.token,
    discharges: read.discharges ?? [],
    context: read.context,
    cost: readCost(read.cost),
    minSequence: read.min_sequence,
    dryRun: read.dry_run ?? false,
  };
}

function shallow(tree: JsonObject): object {
  const kept = ["context", "cost"];
  const rest = plainBody(new Map([...tree].filter(([name]) => !kept.includes(name)))) as object;
  for (const name of kept) {
    if (tree.has(name)) Object.defineProperty(rest, name, { value: tree.get(name), enumerable: true });
  }
  return rest;
}
