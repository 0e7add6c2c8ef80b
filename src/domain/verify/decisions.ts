import type { Charging } from "../budget/charging.ts";
import { chargeKey } from "../budget/question.ts";
import { DomainError } from "../parts/error.ts";
import { parseSequence, printSequence } from "../parts/sequence.ts";
import { beginTimeSlice } from "../parts/time-slice.ts";
import { uuidv7 } from "../parts/uuid.ts";
import { requirePlatform } from "../permission.ts";
import type { BudgetCall } from "../ports/budgets.ts";
import type { Clock } from "../ports/clock.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { RevocationFeed } from "../replica/revocation-feed.ts";
import type { RevocationKnowledge } from "../replica/revocation-knowledge.ts";
import type {
  BatchResult,
  BudgetView,
  CaveatFailure,
  Decisions,
  ItemFault,
  Verdict,
  VerifyRequest,
} from "../service.ts";
import { budgetFailures, budgetViews, callOn, leftInRoot, reservationOn } from "./bundle-budgets.ts";
import { caveatsOf, linksOf, type Summary, summaryOf, summaryWithBudgets } from "./bundle-texts.ts";
import { clearToken } from "./clear-token.ts";
import type { TokenVerification, TokenVerifier, VerifiedToken } from "./verify-token.ts";
import { type Vouching, vouchingFor } from "./vouching.ts";

/**
 * Failed caveats that one batch explains. Each sentence is up to a kilobyte and takes a fraction of a millisecond
 * to write: a thousand tokens of 250 failing caveats made an answer of 300 MB and held everybody up for seconds.
 */
const MOST_FAILURES = 20_000;

/** Milliseconds for which a request waits for `min_sequence`. */
const REACH_WAIT = 2_000;

const NO_BUDGETS: readonly BudgetView[] = [];

/** A verdict that waits for a charge. It is no promise itself, so that whoever is next in a batch need not wait for it. */
interface Charged {
  /** How many budgets the answer tells of. */
  readonly budgets: number;
  readonly settled: Promise<Verdict>;
}

function refusalOf(error: unknown): DomainError | ItemFault {
  return error instanceof DomainError ? error : { fault: error };
}

/** Whether keys must vouch for the call: those of nearly all tokens need not. */
function asksForHolders(
  verification: TokenVerification,
): verification is Extract<TokenVerification, { readonly ok: true }> {
  return verification.ok && verification.token.holders.length > 0;
}

function allowed(
  platform: string,
  token: VerifiedToken,
  agents: readonly string[],
  budgets: readonly BudgetView[],
  summary: Summary,
  sequence: string,
): Extract<Verdict, { readonly allowed: true }> {
  const links = linksOf(token);
  return {
    allowed: true,
    tokenId: token.identifier.tokenId,
    keyId: token.rootKey.id,
    platform,
    principal: token.principal,
    issuedAt: token.issuedAt,
    expiresAt: token.endsAt,
    agents,
    caveats: caveatsOf(token),
    summary: summary.text,
    summaryParts: summary.parts,
    // The last link's is the macaroon's own.
    revocationId: links.at(-1) ?? token.macaroon.revocationId.text,
    revocationIds: links,
    budgets,
    sequence,
  };
}

/** The refusal of a call that only the database could refuse. @param failures at least one */
function refusedBy(failures: readonly CaveatFailure[], sequence: string): Verdict {
  const [first] = failures;
  if (first === undefined) throw new Error("a charge was refused for no reason");
  return { allowed: false, code: first.code, detail: first.detail, failures, undischarged: [], sequence };
}

/**
 * Answers the one question: may this token do this, now? Verifies the token, then clears it for the request. A token with
 * budgets is charged last of all.
 */
export function createDecisions(options: {
  readonly tokenVerifier: TokenVerifier;
  readonly knowledge: Pick<RevocationKnowledge, "requireFresh" | "position">;
  readonly feed: Pick<RevocationFeed, "reach">;
  readonly clock: Clock;
  readonly charge: Charging;
  readonly randomness: Randomness;
}): Decisions {
  const { tokenVerifier, knowledge, feed, clock, charge, randomness } = options;

  /** Waits for `min_sequence`, if there is one. */
  async function reach(minSequence: string | undefined): Promise<void> {
    if (minSequence === undefined) return;
    const wanted = parseSequence(minSequence);
    if (wanted === undefined) {
      throw new DomainError("invalid_request", "is not a sequence of this service", "min_sequence");
    }
    await feed.reach(wanted, REACH_WAIT);
  }

  async function verdictOn(platform: string, request: VerifyRequest): Promise<Verdict | Charged> {
    const verification = await tokenVerifier.verify(request.token, request.discharges, platform);
    const vouching = asksForHolders(verification)
      ? await vouchingFor(verification.token.holders, platform, request, clock)
      : undefined;
    // Nothing is waited for from here on: the verdict is as fresh as the bound promises.
    knowledge.requireFresh();
    const sequence = printSequence(knowledge.position());
    if (!verification.ok) {
      const { code, detail } = verification;
      return { allowed: false, code, detail, failures: [], undischarged: [], sequence };
    }

    // Checking proofs takes turns.
    const token = vouching === undefined ? verification.token : tokenVerifier.again(verification.token);
    const now = clock.now();
    const { context, cost } = request;
    const { refusal, failures, undischarged, agents } = clearToken(token, context, now, cost, vouching);
    if (refusal !== undefined) return { allowed: false, ...refusal, failures, undischarged, sequence };
    if (token.budgets.length > 0 || vouching !== undefined) {
      return { budgets: token.budgets.length, settled: chargedVerdict(platform, token, request, vouching) };
    }
    return allowed(platform, token, agents, NO_BUDGETS, summaryOf(token, now), sequence);
  }

  function callOf(
    platform: string,
    token: VerifiedToken,
    request: VerifyRequest,
    proof: Uint8Array | undefined,
  ): BudgetCall {
    const { budgets, macaroon } = token;
    const { context, cost, chargeId, reserve, dryRun } = request;
    const call = { ...callOn(budgets, cost, dryRun), ...(proof && { proof }) };
    if (budgets.length === 0) return call;
    const id = { id: uuidv7(clock.now(), randomness), life: (reserve ?? 0) * 1000 };
    const reserved = reserve === undefined ? call : { ...call, reserve: reservationOn(budgets, cost, id) };
    if (chargeId === undefined) return reserved;
    const discharges = macaroon.discharges.flatMap((discharge) =>
      discharge.state === "good" ? [discharge.revocationId.text] : [],
    );
    const asked = { link: macaroon.revocationId.text, discharges, context, cost, reserve };
    return { ...reserved, key: chargeKey(platform, chargeId, asked) };
  }

  /** Charges a call that nothing else forbids, and then asks again for all that may have changed meanwhile. */
  async function chargedVerdict(
    platform: string,
    verified: VerifiedToken,
    request: VerifyRequest,
    vouching: Vouching | undefined,
  ): Promise<Verdict> {
    const { context, cost } = request;
    const { budgets } = verified;
    const outcome = await charge(platform, callOf(platform, verified, request, vouching?.proof));
    knowledge.requireFresh();
    const sequence = printSequence(knowledge.position());
    const token = tokenVerifier.again(verified);
    const now = clock.now();
    const { refusal, failures, undischarged, agents } = clearToken(token, context, now, cost, vouching);
    if (refusal !== undefined) return { allowed: false, ...refusal, failures, undischarged, sequence };
    if (outcome.replayed) return refusedBy(vouching?.replayed ?? [], sequence);
    if (outcome.mismatched) {
      throw new DomainError(
        "charge_mismatch",
        "this charge_id came with another question before",
        "charge_id",
      );
    }
    if (outcome.passed) {
      const { repeated, reservation } = outcome;
      const summary = summaryWithBudgets(token, now, leftInRoot(budgets, outcome));
      return {
        ...allowed(platform, token, agents, budgetViews(budgets, outcome), summary, sequence),
        ...(repeated && { repeated }),
        ...(reservation !== undefined && { reservation }),
      };
    }
    return refusedBy(budgetFailures(budgets, outcome, cost), sequence);
  }

  return {
    async decide(caller, request) {
      const platform = requirePlatform(caller, "verify");
      await reach(request.minSequence);
      const reached = await verdictOn(platform, request);
      if (!("settled" in reached)) return reached;
      const verdict = await reached.settled;
      // The credential may have been revoked meanwhile, or be over.
      requirePlatform(caller, "verify");
      return verdict;
    },

    async decideBatch(caller, requests) {
      const platform = requirePlatform(caller, "verify");
      // All sequences are waited for together, so that a batch waits no longer than one request.
      const sequences = new Set(requests.map(({ minSequence }) => minSequence));
      const arrivals = new Map([...sequences].map((sequence) => [sequence, reach(sequence)]));
      await Promise.allSettled(arrivals.values());

      // Charges are not waited for one by one: they are gathered, and decided in this order.
      const results: (BatchResult | Promise<BatchResult>)[] = [];
      const slice = beginTimeSlice(clock);
      let failures = 0;
      for (const request of requests) {
        if (failures >= MOST_FAILURES) {
          const why = "the answers before this one are too long already: ask in smaller batches";
          results.push(new DomainError("unavailable", why));
          continue;
        }
        if (slice.isOver()) {
          await slice.next();
          // The credential may have been revoked meanwhile, or be over.
          requirePlatform(caller, "verify");
        }
        const arrived = arrivals.get(request.minSequence) ?? Promise.resolve();
        const result = await arrived.then(() => verdictOn(platform, request)).catch(refusalOf);
        if ("settled" in result) {
          failures += result.budgets;
          results.push(result.settled.catch(refusalOf));
        } else {
          if ("failures" in result) failures += result.failures.length;
          results.push(result);
        }
      }
      const settled = await Promise.all(results);
      requirePlatform(caller, "verify");
      return settled;
    },
  };
}
