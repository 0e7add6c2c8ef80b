import { z } from "zod";
import type { SliceClock } from "../../domain/parts/time-slice.ts";
import type { PolicyTrial, TriedPrincipal } from "../../domain/policy-service.ts";
import type { Policy } from "../../domain/ports/policy.ts";
import type { JsonValue } from "../../json/value.ts";
import { MAX_BODY } from "../request/body.ts";
import { checkAt, type JsonBody } from "../request/json-body.ts";
import { policySchema, readPolicy } from "./policy.ts";
import { lineOfText } from "./text.ts";

const MOST_GROUPS = 1000;

const trialSchemaIn = z
  .strictObject({
    dry_run: z.literal(true).meta({ description: "Nothing is changed, and the request says that it knows." }),
    issuer: lineOfText(1024).optional().meta({ description: "Left out: the service's own." }),
    kind: z.enum(["person", "workload", "id-jag"]).optional().meta({
      description: "The kind of issuer that speaks, as OIDC_TRUSTED_ISSUERS has it. `person` unless said.",
    }),
    subject: lineOfText(255),
    groups: z.array(lineOfText(1024)).max(MOST_GROUPS).optional(),
    claims: z
      .record(z.string().max(255), z.unknown())
      .optional()
      .meta({ description: "Of an assertion. Somebody with an ID token or a session has none." }),
    on_behalf_of: z
      .boolean()
      .optional()
      .meta({ description: "Whether a platform would name them by its own word. False unless said." }),
    policy: policySchema
      .optional()
      .meta({ description: "Held against them in place of the one that stands, before it is put." }),
  })
  .meta({ id: "PolicyTrial", description: "A principal who may never have been here." });

/** A policy is read apart, in turns. */
const frame = trialSchemaIn.extend({ policy: z.unknown().optional() });

interface TrialRequest {
  readonly principal: TriedPrincipal;
  readonly policy: Policy | undefined;
}

async function readTrial(tree: JsonValue, clock: SliceClock): Promise<TrialRequest> {
  const given: JsonValue | undefined = tree instanceof Map ? tree.get("policy") : undefined;
  const rest =
    tree instanceof Map && given !== undefined ? new Map([...tree, ["policy", null] as const]) : tree;
  const read = checkAt([], frame, rest);
  const kind = read.kind ?? "person";
  // By any other door the service has none either.
  const claims = kind === "person" ? undefined : (read.claims ?? {});
  return {
    principal: {
      issuer: read.issuer,
      kind: kind === "workload" ? "workload" : "person",
      subject: read.subject,
      groups: read.groups ?? [],
      claims,
      onBehalfOf: read.on_behalf_of ?? false,
    },
    policy: given === undefined ? undefined : await readPolicy(given, clock, ["policy"]),
  };
}

/** The body of a dry run. */
export const trialBody: JsonBody<TrialRequest> = {
  schema: trialSchemaIn,
  example: {
    dry_run: true,
    issuer: "https://token.actions.githubusercontent.com",
    kind: "workload",
    subject: "repo:acme/web:ref:refs/heads/main",
    claims: { repository: "acme/web" },
  },
  maxBytes: MAX_BODY,
  read: (tree, _, clock) => readTrial(tree, clock),
};

/** The outcome of a dry run, as it is answered. */
export const trialSchema = z
  .strictObject({
    admitted: z.boolean().meta({ description: "Whether a token would be issued." }),
    rule: z.int().optional().meta({ description: "The rule that decides: its place in `rules`, from 0." }),
    caveats: z.array(z.string()).optional().meta({ description: "Those that the rule adds." }),
    max_ttl: z.int().optional().meta({ description: "The longest life, seconds." }),
    session: z.int().optional().meta({ description: "For how long it could be renewed, seconds." }),
    passed_over: z
      .array(
        z.strictObject({
          rule: z.int(),
          why: z.array(z.strictObject({ member: z.string(), detail: z.string() })),
        }),
      )
      .meta({
        description:
          "The rules before it (all of them if none decides), with every member that does not fit.",
      }),
    warnings: z
      .array(z.string())
      .meta({ description: "Why nobody of this description comes here, whatever the policy says." }),
  })
  .meta({ id: "PolicyTrialResult", description: "What a principal would get." });

/** Writes the outcome of a dry run. */
export function trialWire({ decides, passedOver, warnings }: PolicyTrial): z.infer<typeof trialSchema> {
  const { rule, index } = decides ?? {};
  return {
    admitted: rule !== undefined,
    ...(rule !== undefined && {
      rule: index,
      caveats: [...rule.caveats],
      max_ttl: rule.maxTtl,
      ...(rule.session !== undefined && { session: rule.session }),
    }),
    passed_over: passedOver.map(({ index: place, why }) => ({
      rule: place,
      why: why.map(({ member, detail }) => ({ member, detail })),
    })),
    warnings: [...warnings],
  };
}
