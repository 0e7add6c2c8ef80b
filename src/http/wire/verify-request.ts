import { z } from "zod";
import { RESERVED_NAMES, reservedMember } from "../../caveats/reserved.ts";
import type { VerifyRequest } from "../../domain/service.ts";
import { JsonNumber, type JsonObject, type JsonValue } from "../../json/value.ts";
import { ENDORSEMENT_TYPE, MOST_ENDORSEMENTS } from "../../words/holder.ts";
import { CHARGE_ID, CONTEXT_DEPTH, RESERVE_SECONDS } from "../../words/limits.ts";
import { MAX_BODY } from "../request/body.ts";
import { check } from "../request/json-body.ts";
import { costSchema, keptAsParsed, NO_COST, readCost } from "./cost.ts";
import { readUri, resourceUri } from "./resource.ts";
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

// Here and in `cost`, numbers must keep their source text: these members stay as they were parsed.
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

// Not an array of strings to the schema, which would remember an offence for each of many wrong elements.
function texts(description: string) {
  return z
    .custom<readonly string[]>(Array.isArray, "must be an array")
    .superRefine((items, issues) => {
      const wrong = items.findIndex((text) => typeof text !== "string");
      if (wrong >= 0) issues.addIssue({ code: "custom", path: [wrong], message: "must be a string" });
    })
    .meta({ type: "array", items: { type: "string" }, description });
}

// Its texts came with the call: one that is no proof is an answer, not an error.
const proof = z
  .strictObject({
    dpop: z.string().meta({ description: "The proof, as it stood in the call's header `DPoP`." }),
    method: z
      .string()
      .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/, "must be a method of HTTP")
      .meta({ description: "The call's method, as the platform received it." }),
    uri: z.string().meta({
      description:
        "The call's URI, http or https, as its caller knows it. Query and fragment are not compared, as in RFC 9449.",
    }),
    content_digest: z.string().min(1).max(512).optional().meta({
      description: "Where given, the proof's claim `content_digest` must be this text.",
    }),
  })
  .meta({
    id: "Proof",
    description:
      "A DPoP proof (RFC 9449) of a key that a `holder` caveat names, and the call that it is for. Not looked at for a token without such a caveat. `ath` is over the text in `token`.",
  });

/** A question about one token. */
export const verifyRequestSchema = z
  .strictObject({
    token: z.string().meta({
      description:
        "The macaroon, or a bundle of it and its discharges, base64url. One that is too large is an answer, not an error.",
    }),
    discharges: texts("Discharges that are not in the bundle.").optional(),
    context,
    cost: costSchema.optional(),
    charge_id: z
      .string()
      .min(1)
      .max(CHARGE_ID)
      .refine((text) => text.isWellFormed(), "must be well-formed text")
      .optional()
      .meta({
        description:
          "A text of the platform's own making, never the caller's, that names this question for a day: asked again, it is decided anew and not charged again (`repeated`). Another question under it is 409. Without it, a call that got no answer may have been charged.",
      }),
    reserve: z.int().min(1).max(RESERVE_SECONDS).optional().meta({
      description:
        "Seconds. Charges `cost` as an upper bound and answers with a `reservation`, which is settled later; at most to the end of the token. Not answered for a token without budgets.",
    }),
    resource: resourceUri.optional().meta({
      description:
        "The resource as which the platform asks, one that it has registered (else 404). Left out: the one that the credential was issued for; without any, no `aud` passes.",
    }),
    proof: proof.optional(),
    endorsements: texts(
      `Compact JWS of keys that earlier \`holder\` caveats name: \`typ: ${ENDORSEMENT_TYPE}\`, with \`jwk\`, and \`{"link":REVOCATION-ID}\` of a link at or behind the next \`holder\`. At most ${MOST_ENDORSEMENTS} are taken.`,
    ).optional(),
    min_sequence: sequence
      .optional()
      .meta({ description: "Answer only once this much of the revocation log is applied here; else 503." }),
    dry_run: z
      .boolean()
      .optional()
      .meta({ description: "The same answer, with nothing counted and nothing recorded as observed." }),
    answer: z.literal("decision").optional().meta({
      description:
        "`decision`: the same decision in a shorter answer, without what people and followers of the log read.",
    }),
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
 * Reads a request of a token, a context and perhaps `answer`, as nearly all are, without the cost of a schema.
 *
 * @returns undefined for a request with other members or a fault: the schema reads it, or names the fault
 */
function readUsual(tree: JsonValue): VerifyRequest | undefined {
  if (!isObject(tree)) return undefined;
  const brief = tree.get("answer") === "decision";
  if (tree.size !== (brief ? 3 : 2)) return undefined;
  const token = tree.get("token");
  const given = tree.get("context");
  if (typeof token !== "string" || !isObject(given)) return undefined;
  if (reservedMember(given) !== undefined || sizeRule(given) !== undefined) return undefined;
  return {
    token,
    discharges: [],
    context: given,
    cost: NO_COST,
    chargeId: undefined,
    reserve: undefined,
    proof: undefined,
    endorsements: [],
    minSequence: undefined,
    dryRun: false,
    brief,
  };
}

function readAny(tree: JsonValue): VerifyRequest {
  const read = check(verifyRequestSchema, keptAsParsed(tree, ["context", "cost"]));
  return {
    token: read.token,
    discharges: read.discharges ?? [],
    context: read.context,
    cost: readCost(read.cost),
    chargeId: read.charge_id,
    reserve: read.reserve,
    proof: read.proof && {
      dpop: read.proof.dpop,
      method: read.proof.method,
      uri: read.proof.uri,
      contentDigest: read.proof.content_digest,
    },
    endorsements: read.endorsements ?? [],
    minSequence: read.min_sequence,
    resource: read.resource === undefined ? undefined : readUri(read.resource, "resource"),
    dryRun: read.dry_run ?? false,
    brief: read.answer === "decision",
  };
}
