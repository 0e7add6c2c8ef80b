import type { RefusalCode as KnownRefusalCode } from "../words/refusal-codes.ts";
import type { Place, RevokedBy, SummaryAuthor } from "../words/states.ts";
import {
  count,
  instant,
  list,
  literal,
  nullable,
  object,
  type Reader,
  readJson,
  text,
  truth,
  word,
} from "./read.ts";

/** What a reader makes. */
export type Answer<R> = R extends Reader<infer T> ? T : never;

/** Reads a principal. */
export const principal = object(
  { id: text, issuer: text, subject: text },
  { kind: word<"workload">(), email: text, asserted_by: word<"platform">() },
);

/** A human, or what its `kind` says, on one platform. */
export type Principal = Answer<typeof principal>;

/** Reads the sentences of a summary, told apart by origin. */
export const summaryParts = list(object({ by: word<SummaryAuthor | (string & {})>(), text }));

/** Why a token was refused. A newer service may answer codes that are not in the list. */
export type RefusalCode = KnownRefusalCode | (string & {});

const budget = object(
  { caveat: text, remaining: text },
  { revocation_id: text, agent: nullable(text), limit: text, discharge: count },
);

/** What became of a charge. */
const charge = { repeated: literal(true), reservation: object({ id: text, expires_at: instant }) };

const allowed = object(
  {
    allowed: literal(true),
    token_id: text,
    key_id: text,
    platform: text,
    principal,
    issued_at: instant,
    expires_at: instant,
    agents: list(text),
    caveats: list(text),
    summary: text,
    revocation_id: text,
    revocation_ids: list(text),
    budgets: list(budget),
    sequence: text,
  },
  {
    summary_parts: summaryParts,
    ...charge,
  },
);

/** The token does not forbid the call. */
export type Allowed = Answer<typeof allowed>;

/** The entry that killed a token; `by` is the kind of its author. */
const killing = object(
  {
    revocation_id: text,
    agent: nullable(text),
    depth: count,
    revoked_at: instant,
    by: word<RevokedBy | (string & {})>(),
  },
  { reason: text, target: object({}, { approval_id: text }) },
);

const missing = object({ location: text, caveat_id: text });

const refused = object(
  {
    allowed: literal(false),
    code: word<RefusalCode>(),
    detail: text,
    failures: list(
      object(
        {
          index: count,
          caveat: text,
          agent: nullable(text),
          code: word<RefusalCode>(),
          detail: text,
        },
        { placed: word<Place | (string & {})>(), remaining: text, retry_after: count },
      ),
    ),
    undischarged: list(missing),
    sequence: text,
  },
  { revocation: killing },
);

/** The token forbids the call, or is no good. */
export type Refused = Answer<typeof refused>;

/** May this token do this, now? Switch on `allowed`. */
export type Verdict = Allowed | Refused;

const verdict: Reader<Verdict> = (value, place) =>
  object({ allowed: truth })(value, place).allowed ? allowed(value, place) : refused(value, place);

const allowedDecision = object(
  {
    allowed: literal(true),
    token_id: text,
    principal,
    agents: list(text),
    expires_at: instant,
    revocation_id: text,
    budgets: list(budget),
    sequence: text,
  },
  charge,
);

const refusedDecision = object(
  { allowed: literal(false), code: word<RefusalCode>(), detail: text, sequence: text },
  { undischarged: list(missing) },
);

/** The token does not forbid the call, in short: nothing that people and followers of the log read. */
export type AllowedDecision = Answer<typeof allowedDecision>;

/** The same in short, as `decision` has it. Switch on `allowed`. */
export type VerifyDecision = AllowedDecision | Answer<typeof refusedDecision>;

const decision: Reader<VerifyDecision> = (value, place) =>
  object({ allowed: truth })(value, place).allowed
    ? allowedDecision(value, place)
    : refusedDecision(value, place);

const problem = object({ code: text, detail: text, status: count }, { member: text });

/** An error of the service, as it stands in a batch's answer. */
export type Problem = Answer<typeof problem>;

const batchItem: Reader<Verdict | Problem> = (value, place) =>
  typeof value === "object" && value !== null && "allowed" in value
    ? verdict(value, place)
    : problem(value, place);

export const readVerdict = (body: string): Verdict => readJson(body, verdict);
export const readDecision = (body: string): VerifyDecision => readJson(body, decision);
export const readVerdicts = (body: string): readonly (Verdict | Problem)[] =>
  readJson(body, object({ results: list(batchItem) })).results;
export const readProblem = (body: string): Problem => readJson(body, problem);
