import { z } from "zod";
import { millisecondsNotBefore, parseInstant } from "../../caveats/values/instant.ts";
import type { RevocationView } from "../../domain/log-news.ts";
import { DomainError } from "../../domain/parts/error.ts";
import { mapInSlices } from "../../domain/parts/time-slice.ts";
import { shownIssuer } from "../../domain/parts/voucher.ts";
import type { SeenTarget } from "../../domain/ports/revocations.ts";
import type { RevokeRequest, RevokeTarget } from "../../domain/service.ts";
import { AGENT, APPROVAL_ID } from "../../words/ids.ts";
import { REVOCATION_SCOPES, TARGETS, type TargetName } from "../../words/revocations.ts";
import { withPlaces } from "../parts/batch.ts";
import { MAX_BODY } from "../request/body.ts";
import { check, checkAt, type JsonBody, plainBody } from "../request/json-body.ts";
import { toBase64url } from "./base64url.ts";
import {
  instant,
  lineOfText,
  opaqueId,
  platformName,
  printInstant,
  revocationId,
  sequence,
  tokenId,
} from "./text.ts";

const issuedBefore = z
  .string()
  .refine((text) => parseInstant(text) !== undefined, "must be an RFC 3339 instant")
  .meta({
    format: "date-time",
    description:
      "Only tokens whose root macaroon was issued before this. Left out: everything issued until now. It must not lie in the future, nor so far back that all of those have expired (422).",
    examples: ["2026-11-22T13:00:00Z"],
  });

const agent = z
  .string()
  .regex(AGENT, "must be an agent's name, or name#instance")
  .meta({ description: "An agent's name, or `name#instance` as an `agent` caveat has it." });

const approvalId = z
  .string()
  .regex(APPROVAL_ID, "must be an approval id")
  .meta({ description: "An approval, by its `id`." });

const keyId = lineOfText(64).meta({ description: "A root key, by its `key_id`." });

const NAMES = Object.keys(TARGETS) as readonly TargetName[];
const BESIDE: Readonly<Record<TargetName, readonly string[]>> = TARGETS;

/** The member that names a target: an agent's `token_id` only narrows it. */
function nameOf(target: Readonly<Record<string, unknown>>): TargetName | undefined {
  const given = Object.keys(target).filter((key) => target[key] !== undefined);
  const name = "agent" in target ? "agent" : NAMES.find((candidate) => given.includes(candidate));
  if (name === undefined) return undefined;
  return given.every((key) => key === name || BESIDE[name].includes(key)) ? name : undefined;
}

const principal = z
  .strictObject({
    id: lineOfText(64).optional(),
    issuer: lineOfText(2048).optional(),
    subject: lineOfText(255).optional(),
    kind: z.literal("workload").optional().meta({ description: "Left out for people." }),
  })
  .refine(
    ({ id, issuer, subject, kind }) =>
      id === undefined ? subject !== undefined : (issuer ?? subject ?? kind) === undefined,
    "must have a subject, with its issuer where that is not the service's own, or else an id alone",
  )
  .meta({
    description:
      "A person (or, with `kind`, a workload) on all platforms, by `issuer` and `subject`, or on one, by the principal's `id`.",
  });

// One object and a rule, not a union: so the member at fault can be named exactly.
const target = z
  .strictObject({
    token: z.string().min(1).optional().meta({
      description: "The macaroon itself. Holding it suffices: no other credential is asked.",
    }),
    revocation_id: revocationId.optional(),
    token_id: tokenId.optional(),
    successors: z.literal(true).optional().meta({
      description: "Beside `token_id`: the tokens that renewed it, and those that renewed them, as well.",
    }),
    principal: principal.optional(),
    agent: agent.optional(),
    key_id: keyId.optional(),
    approval_id: approvalId.optional(),
    platform: platformName.optional(),
    issued_before: issuedBefore.optional(),
  })
  .refine(
    (read) => nameOf(read) !== undefined,
    `must be an object with exactly one of ${NAMES.slice(0, -1).join(", ")} and platform, with issued_before beside principal, agent or platform only, token_id beside agent, and successors beside token_id`,
  )
  .meta({
    id: "RevocationTarget",
    description: `What to revoke: exactly one of these.

- \`token\` or \`revocation_id\`: that link and everything below it.
- \`token_id\`: a root macaroon's whole tree; with \`successors\` those of the tokens that renewed it, too, each by an entry of its own.
- \`principal\`, with \`issued_before\`: all of a person's tokens, and what their logins from before are good for.
- \`agent\`, with \`issued_before\` and \`token_id\`: every chain that passes through that agent, of one tree where \`token_id\` is given.
- \`key_id\`: every token under a root key. One that signs is replaced first.
- \`approval_id\`: what people have approved, withdrawn. Who approved it may do so, besides those who may revoke the token.
- \`platform\`, with \`issued_before\`: everything of a platform.

A person revokes their own tokens only, by any of these but \`key_id\`; a platform its own tokens; an administrator everyone's.`,
  });

/** The target of an entry. */
export const revokedTarget = z.union([
  z.strictObject({ revocation_id: revocationId }),
  z.strictObject({
    token_id: tokenId,
    successors: z.literal(true).optional().meta({
      description:
        "In the answer to revoking alone: in the log each token that renewed it has an entry of its own.",
    }),
  }),
  z.strictObject({
    principal: z.union([
      z.strictObject({ issuer: z.string(), subject: z.string(), kind: z.literal("workload").optional() }),
      z.strictObject({ id: opaqueId }),
    ]),
    issued_before: instant,
  }),
  z.strictObject({ agent: z.string(), token_id: tokenId.optional(), issued_before: instant }),
  z.strictObject({ key_id: opaqueId }),
  z.strictObject({ approval_id: opaqueId }),
  z.strictObject({ platform: platformName, issued_before: instant }),
  z.strictObject({
    opaque: z
      .strictObject({
        agent_hash: z.string().meta({
          description:
            "base64url of the first 16 bytes of HMAC-SHA-256, by the page's or the stream's `hash_key`, of the agent's text as it was revoked: a name, or `name#instance`.",
        }),
        issued_before: instant,
        token_id: tokenId.optional(),
      })
      .meta({ description: "An agent that somebody else named, in what a platform reads." }),
  }),
]);

const MOST_TARGETS = 10_000;

/** The targets of a revocation, and its reason. */
const revokeRequestSchema = z
  .strictObject({
    targets: z.array(target).min(1).max(MOST_TARGETS),
    reason: lineOfText(500).optional().meta({
      description:
        "For the record. Administrators see it in the log, and a platform where the entry is its own: of what an administrator or a person has revoked it sees none.",
    }),
    dry_run: z.boolean().optional().meta({
      description:
        "Writes nothing, and answers what would be stopped. For a hundred targets at most, with the same rights and within the same rates.",
    }),
    public_reason: z.boolean().optional().meta({
      description:
        "Beside `reason`, true tells it in the `revocation` of a refusal to everybody who verifies what was revoked, and in `revoked_below` of the token's record. The log tells it no further. An entry that stands already keeps what it was written with.",
    }),
  })
  .meta({ id: "RevokeRequest" });

/** A revocation that is asked for, or only asked about. */
interface RevokeBody extends RevokeRequest {
  readonly dryRun: boolean;
}

/** A revocation without what its targets say: they are checked one by one. */
const frame = revokeRequestSchema.extend({ targets: z.array(z.unknown()).min(1).max(MOST_TARGETS) });

/** An entry of the log, as answers write it. */
export const revocationSchema = z
  .strictObject({
    id: opaqueId,
    target: revokedTarget.meta({
      description:
        "As it was asked for, with the instant that `issued_before` came to be; a `token` is named by its revocation id, never repeated.",
    }),
    revoked_at: instant,
    sequence,
    reason: z.string().optional(),
    scope: z.enum(REVOCATION_SCOPES).meta({
      description:
        "Within what it matches: everywhere (an administrator's), the author's platform, the author's own tokens, or that link (a holder's).",
    }),
  })
  .meta({ id: "Revocation", description: "An entry of the revocation log." });

/** Reads a revocation, its targets in turns: there may be ten thousand. */
export const revokeBody: JsonBody<RevokeBody> = {
  schema: revokeRequestSchema,
  example: {
    targets: [{ revocation_id: "q83vEjRWeJCrze8SNFZ4kA" }],
    reason: "the researcher left the sandbox",
  },
  maxBytes: MAX_BODY,
  async read(tree, _, clock) {
    const { elements, rest } = withPlaces(tree, "targets", MOST_TARGETS);
    const { reason, public_reason: isPublic, dry_run: dryRun = false } = check(frame, plainBody(rest));
    if (isPublic === true && reason === undefined)
      throw new DomainError("invalid_request", "goes with a reason", "public_reason");
    const targets = await mapInSlices(elements, clock, (element, index) =>
      targetOf(checkAt(["targets", index], target, element)),
    );
    return { targets, reason, reasonIsPublic: isPublic, dryRun };
  },
};

/** Rounded up, so that no token falls out by rounding. */
function readInstant(text: string | undefined): number | undefined {
  const read = text === undefined ? undefined : parseInstant(text);
  return read && millisecondsNotBefore(read);
}

function targetOf(read: z.infer<typeof target>): RevokeTarget {
  const issuedBefore = readInstant(read.issued_before);
  if (read.token !== undefined) return { kind: "token", token: read.token };
  if (read.agent !== undefined)
    return { kind: "agent", agent: read.agent, tokenId: read.token_id, issuedBefore };
  if (read.token_id !== undefined) {
    const more = read.successors === undefined ? {} : { successors: true as const };
    return { kind: "token_id", tokenId: read.token_id, ...more };
  }
  if (read.revocation_id !== undefined) return { kind: "revocation_id", revocationId: read.revocation_id };
  if (read.approval_id !== undefined) return { kind: "approval_id", approvalId: read.approval_id };
  if (read.key_id !== undefined) return { kind: "key_id", keyId: read.key_id };
  if (read.platform !== undefined) return { kind: "platform", platform: read.platform, issuedBefore };
  const { id, issuer, subject, kind } = read.principal ?? {};
  if (id !== undefined) return { kind: "principal_id", id, issuedBefore };
  if (subject !== undefined) {
    const of = kind === undefined ? {} : { principalKind: kind };
    return { kind: "principal", ...of, issuer, subject, issuedBefore };
  }
  throw new Error("the schema let a target without a name through");
}

/** Writes an entry of the log. */
export function revocationWire(view: RevocationView): z.infer<typeof revocationSchema> {
  const { id, revokedAt, reason, scope, target: named } = view.revocation;
  return {
    id,
    target: targetWire(named),
    revoked_at: printInstant(revokedAt),
    sequence: view.sequence,
    ...(reason === null ? {} : { reason }),
    scope: scope.kind,
  };
}

/** Writes a target. */
export function targetWire(target: SeenTarget): z.infer<typeof revokedTarget> {
  switch (target.kind) {
    case "revocation_id":
      return { revocation_id: toBase64url(target.id) };
    case "token_id":
      return { token_id: target.id, ...(target.successors === true && { successors: true as const }) };
    case "principal": {
      const { issuer, subject, issuedBefore: before } = target;
      return { principal: { ...shownIssuer(issuer), subject }, issued_before: printInstant(before) };
    }
    case "principal_id":
      return { principal: { id: target.id }, issued_before: printInstant(target.issuedBefore) };
    case "agent": {
      const { agent: name, tokenId: tree, issuedBefore: before } = target;
      return {
        agent: name,
        ...(tree === null ? {} : { token_id: tree }),
        issued_before: printInstant(before),
      };
    }
    case "key_id":
      return { key_id: target.id };
    case "approval_id":
      return { approval_id: target.id };
    case "platform":
      return { platform: target.platform, issued_before: printInstant(target.issuedBefore) };
    case "opaque": {
      const { agentHash, tokenId: tree, issuedBefore: before } = target;
      const hashed = { agent_hash: toBase64url(agentHash), issued_before: printInstant(before) };
      return { opaque: tree === null ? hashed : { ...hashed, token_id: tree } };
    }
    default:
      return target satisfies never;
  }
}
