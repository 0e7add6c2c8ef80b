import { DomainError } from "../parts/error.ts";
import { MAX_TOKEN_LIFE } from "../parts/lifetimes.ts";
import { LINE_LIMITS, type NewIssue, type TokenLine } from "../ports/issues.ts";
import type { PolicyRule, PolicySubject } from "../ports/policy.ts";
import type { TokenRecord } from "../ports/tokens.ts";

/** The refusal of a renewal that policy does not allow, or does not any more. */
export function sessionOver(): DomainError {
  return new DomainError(
    "forbidden",
    "policy allows no session for it, or that has ended: log in again",
    "token",
  );
}

/** The refusal of a renewal where a line has as many tokens as one may. */
export function lineCrowded(): DomainError {
  const { alive, tokens } = LINE_LIMITS;
  const why = `at most ${alive} tokens that renew one another live at a time, and ${tokens} are issued in all`;
  return new DomainError("rate_limited", why, "token");
}

/** Milliseconds left until an instant, in whole seconds; undefined for less than one. */
function secondsUntil(instant: number, now: number): number | undefined {
  const seconds = Math.floor((instant - now) / 1000);
  return seconds < 1 ? undefined : seconds * 1000;
}

/**
 * Milliseconds that a token may live besides what its rule says of all: a renewal's session, and the end of the assertion
 * that vouches for a workload.
 *
 * @param now unix milliseconds
 * @throws DomainError `forbidden` where the rule has no session, or it has ended; `unauthenticated` for an assertion that is over
 */
export function lifeLeft(
  { session }: PolicyRule,
  job: {
    readonly until?: number | undefined;
    readonly renewal?: { readonly endsAt: number; readonly firstAt: number };
  },
  now: number,
): number {
  const { until, renewal } = job;
  if (renewal !== undefined) {
    // A session that was made shorter ends sooner at once; a longer one is for new lines.
    const end = session === undefined ? now : Math.min(renewal.endsAt, renewal.firstAt + session * 1000);
    const left = secondsUntil(end, now);
    if (left === undefined) throw sessionOver();
    return left;
  }
  if (until === undefined) return Number.POSITIVE_INFINITY;
  const left = secondsUntil(until, now);
  if (left === undefined) throw new DomainError("unauthenticated", "the assertion is over");
  return left;
}

const MOST_CLAIM = 1_024;

/** The claims that a policy's rule can ask for. */
function textsOf({ claims }: PolicySubject): TokenLine["claims"] {
  if (claims === undefined) return null;
  const texts = Object.entries(claims).filter(
    (claim): claim is [string, string] => typeof claim[1] === "string" && claim[1].length <= MOST_CLAIM,
  );
  return Object.fromEntries(texts);
}

/**
 * The line that a token begins, where its rule has a session.
 *
 * It ends no later than the revocation log still says what ended a login of that age: otherwise what was revoked could come
 * back by renewing.
 *
 * @param now unix milliseconds
 */
export function lineFor(
  job: {
    readonly subject: PolicySubject;
    readonly spokeAt: number | undefined;
    readonly until?: number | undefined;
    readonly redeems?: unknown;
  },
  { session }: PolicyRule,
  { id }: Pick<TokenRecord, "id">,
  now: number,
): Pick<NewIssue, "opens"> {
  // What ends with an assertion does not go on without one, and a grant's family is renewed by its refresh tokens.
  if (session === undefined || job.until !== undefined || job.redeems !== undefined) return {};
  const { subject } = job;
  // An issuer's clock may be ahead: what is revoked after the issue ends the line in any case.
  const spokeAt = Math.min(job.spokeAt ?? now, now);
  const endsAt = Math.min(now + session * 1000, spokeAt + MAX_TOKEN_LIFE);
  if (endsAt <= now) return {};
  return { opens: { id, spokeAt, groups: subject.groups, claims: textsOf(subject), endsAt } };
}
