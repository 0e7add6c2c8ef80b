import type { HumanCaller } from "../caller.ts";
import { grantOf } from "../grant.ts";
import { DomainError } from "../parts/error.ts";
import type { DischargeDecision, DischargeRequest } from "../ports/discharge-requests.ts";
import type { Grant } from "../ports/sessions.ts";
import type { Repositories } from "../ports/store.ts";
import type { RevocationKnowledge } from "../replica/revocation-knowledge.ts";
import { termsOf } from "./requests.ts";

/** Living discharges that rest on one person's word: a revocation of the person ends all of them in one transaction. */
const MOST_LIVE = 1_000;

/** Those of them that programs may take up, so that the person themselves can always say yes. */
const MOST_BY_PROGRAMS = 900;

type Said = Pick<DischargeRequest, "about" | "decisions">;

/** Tells the decisions of one person from those of others. */
export function isBy({ identity }: Pick<HumanCaller, "identity">): (said: DischargeDecision) => boolean {
  return ({ issuer, subject }) => issuer === identity.issuer && subject === identity.subject;
}

/** Whether a person has said yes to a request, whatever became of it since. */
export function hasSaidYes({ decisions }: Pick<Said, "decisions">, caller: HumanCaller): boolean {
  return decisions.some((said) => said.approved && isBy(caller)(said));
}

/** The login that a decision was made with, as a later revocation ends it. */
export function grantBehind({ about }: Pick<Said, "about">, said: DischargeDecision): Grant {
  // One that an older version recorded is as old as it is dated: the login was not younger.
  return grantOf({ identity: said, spokeAt: said.spokeAt ?? said.at }, about?.platform ?? null);
}

/**
 * The yes's of a request that still count. A yes ends with the login that it was said with, as everything does that such a
 * login is good for: with a stolen login nobody must go on deciding once the person was revoked.
 */
export function standingYes(
  request: Said,
  knowledge: Pick<RevocationKnowledge, "endsGrant">,
): readonly DischargeDecision[] {
  return request.decisions.filter(
    (said) => said.approved && !knowledge.endsGrant(grantBehind(request, said)),
  );
}

/** How many people have to say yes to a request. */
function neededFor(request: Pick<DischargeRequest, "condition">): number {
  const { condition } = termsOf(request);
  return condition.kind === "approved-by" ? condition.needed : 1;
}

/** Whether a request was granted, and too few of those who granted it still stand. */
export function hasLostItsYes(
  request: Said & Pick<DischargeRequest, "state" | "condition">,
  knowledge: Pick<RevocationKnowledge, "endsGrant">,
): boolean {
  if (request.state !== "granted") return false;
  return standingYes(request, knowledge).length < neededFor(request);
}

/**
 * Lets a yes pass of a person on whose word few discharges rest.
 *
 * @throws DomainError `rate_limited`
 */
export async function requireFewLive(
  { dischargeRequests }: Pick<Repositories, "dischargeRequests">,
  { identity, program, sessionBegunAt }: HumanCaller,
  now: number,
): Promise<void> {
  // An ID token is what programs hold.
  const isProgram = program !== undefined || sessionBegunAt === undefined;
  const most = isProgram ? MOST_BY_PROGRAMS : MOST_LIVE;
  if ((await dischargeRequests.countConfirmed(identity, now, most)) < most) return;
  const why = `${most} discharges that this person has granted are good still: wait until some have ended, or take some back`;
  throw new DomainError("rate_limited", why);
}
