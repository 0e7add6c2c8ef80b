import type { Charging } from "../budget/charging.ts";
import { chargeKey } from "../budget/question.ts";
import type { BudgetView } from "../budget-view.ts";
import { ANY_RESOURCE, type Caller } from "../caller.ts";
import { DomainError } from "../parts/error.ts";
import { eventualOutcome } from "../parts/gathering.ts";
import { parseSequence, printSequence } from "../parts/sequence.ts";
import { beginTimeSlice } from "../parts/time-slice.ts";
import { uuidv7 } from "../parts/uuid.ts";
import { requirePlatform } from "../permission.ts";
import type { BudgetCall, BudgetOutcome } from "../ports/budgets.ts";
import type { Clock } from "../ports/clock.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Revocation } from "../ports/revocations.ts";
import type { KnownResources } from "../replica/known-resources.ts";
import type { RevocationFeed } from "../replica/revocation-feed.ts";
import type { RevocationKnowledge } from "../replica/revocation-knowledge.ts";
import type { BatchResult, Decisions, ItemFault, Verdict, VerifyRequest } from "../service.ts";
import { type AskingFor, askingResource, type Question, rememberedAsking } from "./asking.ts";
import { type Charged, type Concluded, lengthOf, type Waiting, waitedFor } from "./batch-questions.ts";
import { budgetFailures, budgetViews, callOn, leftInRoot, reservationOn } from "./bundle-budgets.ts";
import { summaryOf, summaryWithBudgets } from "./bundle-texts.ts";
import { bundleWeight } from "./bundle-weight.ts";
import { clearToken } from "./clear-token.ts";
import { aboutToken, aboutVerdict, type DecisionRecord, NO_RECORD } from "./decision-record.ts";
import type { KillingEntry } from "./killing-entry.ts";
import type { VerdictObserver } from "./observer.ts";
import { createOwnTokens } from "./own-tokens.ts";
import { allowed, isOfDead, refusedBy } from "./verdicts.ts";
import { subjectOf, type TokenVerifier, type VerifiedToken } from "./verify-token.ts";
import { type Vouching, vouchingFor } from "./vouching.ts";

/**
 * Failed caveats that one batch explains. Each sentence is up to a kilobyte and takes a fraction of a millisecond
 * to write: a thousand tokens of 250 failing caveats made an answer of 300 MB and held everybody up for seconds.
 */
const MOST_FAILURES = 20_000;

/** Bytes, roughly, of the tokens that one batch keeps while they are charged. */
const MOST_HELD = 32_000_000;

/** Milliseconds for which a request waits for `min_sequence`. */
const REACH_WAIT = 2_000;

const NO_BUDGETS: readonly BudgetView[] = [];

/** The answer to a question that the database is not asked for. */
interface Answered {
  readonly verdict: Verdict;
  /** The token that it is about; undefined if its signatures are not right. */
  readonly token: VerifiedToken | undefined;
}

function refusalOf(error: unknown): DomainError | ItemFault {
  return error instanceof DomainError ? error : { fault: error };
}

/** Different `min_sequence` of one batch: each is waited for by itself, and may be looked up. */
const MOST_SEQUENCES = 64;

function tooManySequences(): DomainError {
  const why = `a batch has at most ${MOST_SEQUENCES} different min_sequence: the latest of them is enough`;
  return new DomainError("unprocessable", why, "min_sequence");
}

/**
 * Answers the one question: may this token do this, now? Verifies the token, then clears it for the request. A token with
 * budgets is charged last of all.
 */
export function createDecisions(options: {
  readonly tokenVerifier: TokenVerifier;
  readonly knowledge: Pick<RevocationKnowledge, "requireFresh" | "position" | "isRevoked">;
  readonly killingEntry: KillingEntry;
  readonly feed: Pick<RevocationFeed, "reach">;
  readonly clock: Clock;
  readonly charge: Charging;
  readonly randomness: Randomness;
  readonly resources: KnownResources;
  /** Told of verdicts, for the record. */
  readonly record?: DecisionRecord;
  /** Told of verdicts, for the tree. */
  readonly observe?: VerdictObserver;
}): Decisions {
  const { tokenVerifier, knowledge, killingEntry, feed, clock, charge, randomness, resources } = options;
  const record = options.record ?? NO_RECORD;
  const ownTokens = createOwnTokens(options);

  /** Has a verdict observed. A repeat is the same call as the first time. */
  function see(token: VerifiedToken | undefined, { dryRun }: VerifyRequest, verdict: Verdict): void {
    if (token === undefined || dryRun || (verdict.allowed && verdict.repeated)) return;
    options.observe?.(token, verdict.allowed);
  }

  /** Waits for a `min_sequence`. */
  async function reach(minSequence: string): Promise<void> {
    const wanted = parseSequence(minSequence);
    if (wanted === undefined) {
      throw new DomainError("invalid_request", "is not a sequence of this service", "min_sequence");
    }
    await feed.reach(wanted, REACH_WAIT);
  }

  /** What the token's revocations, its expiry and its caveats say now. */
  function clearNow(
    token: VerifiedToken,
    { context, cost, asking }: Question,
    vouching: Vouching | undefined,
  ) {
    // Nothing is waited for from here on: the verdict is as fresh as the bound promises.
    knowledge.requireFresh();
    const sequence = printSequence(knowledge.position());
    const now = clock.now();
    const cleared = clearToken(token, context, now, asking, cost, vouching);
    const { refusal, failures, undischarged, agents } = cleared;
    const refused: Verdict | undefined = refusal && {
      allowed: false,
      ...refusal,
      failures,
      undischarged,
      sequence,
    };
    return { refused, agents, now, sequence };
  }

  async function reachVerdict(platform: string, request: Question): Promise<Answered | Charged> {
    const verification = await tokenVerifier.verify(request.token, request.discharges, platform);
    if (!verification.ok) {
      knowledge.requireFresh();
      const { code, detail } = verification;
      const sequence = printSequence(knowledge.position());
      const verdict = { allowed: false, code, detail, failures: [], undischarged: [], sequence } as const;
      return { verdict, token: undefined };
    }
    const { holders } = verification.token;
    const vouching = holders.length === 0 ? undefined : await vouchingFor(holders, platform, request, clock);
    // Checking proofs takes turns.
    const token = vouching === undefined ? verification.token : tokenVerifier.again(verification.token);
    const { refused, agents, now, sequence } = clearNow(token, request, vouching);
    if (refused !== undefined) return { verdict: refused, token };
    if (token.budgets.length > 0 || vouching !== undefined) {
      const call = callOf(token, request, vouching?.proof);
      const key = await keyOf(platform, token, request);
      const line = { person: token.principal.id, tree: token.identifier.tokenId };
      const charged = charge(platform, key === undefined ? call : { ...call, key }, line);
      return { token, vouching, asking: request.asking, charged };
    }
    const summary = request.brief ? undefined : summaryOf(token, now);
    return { verdict: allowed(platform, token, agents, NO_BUDGETS, summary, sequence), token };
  }

  function callOf(
    token: VerifiedToken,
    { cost, reserve, dryRun, asking }: Question,
    proof: Uint8Array | undefined,
  ): BudgetCall {
    const { budgets } = token;
    const call = { ...callOn(budgets, cost, dryRun), ...(proof && { proof }) };
    if (budgets.length === 0 || reserve === undefined) return call;
    return { ...call, reserve: { ...reservationFor(token, cost, reserve), resource: asking?.uri } };
  }

  /** Names the question, if it has a `charge_id` and budgets that it could charge. */
  async function keyOf(
    platform: string,
    { budgets, macaroon }: VerifiedToken,
    { context, cost, chargeId, reserve, asking }: Question,
  ) {
    if (chargeId === undefined || budgets.length === 0) return undefined;
    const discharges = macaroon.discharges.flatMap((discharge) =>
      discharge.state === "good" ? [discharge.revocationId.text] : [],
    );
    const asked = { link: macaroon.revocationId.text, discharges, context, cost, reserve };
    return chargeKey({ platform, resource: asking?.uri, chargeId }, asked);
  }

  function reservationFor({ budgets }: VerifiedToken, cost: VerifyRequest["cost"], seconds: number) {
    return reservationOn(budgets, cost, { id: uuidv7(clock.now(), randomness), life: seconds * 1000 });
  }

  /** The answer to a call for which the database was asked. Asks again for all that may have changed meanwhile. */
  function chargedVerdict(
    platform: string,
    charged: Pick<Charged, "token" | "vouching" | "asking">,
    request: VerifyRequest,
    outcome: BudgetOutcome,
  ): Verdict {
    const { vouching, asking } = charged;
    const token = tokenVerifier.again(charged.token);
    const { refused, agents, now, sequence } = clearNow(token, { ...request, asking }, vouching);
    if (refused !== undefined) return refused;
    if (outcome.replayed) return refusedBy(vouching?.replayed ?? [], sequence);
    if (outcome.mismatched) {
      throw new DomainError(
        "charge_mismatch",
        "this charge_id came with another question before",
        "charge_id",
      );
    }
    const { budgets } = token;
    if (outcome.passed) {
      const { repeated, reservation } = outcome;
      const views = budgetViews(budgets, outcome);
      const left = leftInRoot(budgets, views);
      const summary = request.brief ? undefined : summaryWithBudgets(token, now, left);
      return {
        ...allowed(platform, token, agents, views, summary, sequence),
        ...(repeated && { repeated }),
        ...(reservation !== undefined && { reservation }),
      };
    }
    return refusedBy(budgetFailures(budgets, outcome, request.cost), sequence);
  }

  /** Decides one question of a batch as far as that goes without waiting for charges. */
  async function begin(
    caller: Caller,
    platform: string,
    request: VerifyRequest,
    arrived: Promise<void>,
    askingFor: AskingFor,
  ): Promise<Waiting> {
    try {
      await arrived;
      const reached = await reachVerdict(platform, { ...request, asking: await askingFor(request.resource) });
      if ("charged" in reached) {
        const { token, vouching, asking } = reached;
        return { kind: "charged", token, vouching, asking, charged: eventualOutcome(() => reached.charged) };
      }
      const { verdict, token } = reached;
      see(token, request, verdict);
      if (verdict.allowed && token !== undefined)
        return { kind: "allowed", verdict, subject: subjectOf(token) };
      record.note(caller, request, verdict, token && aboutToken(token));
      if (token === undefined || request.brief || !isOfDead(verdict))
        return { kind: "said", result: verdict };
      return { kind: "dead", token, verdict, entry: killingEntry.find(token) };
    } catch (error) {
      return { kind: "said", result: refusalOf(error) };
    }
  }

  /** Adds to a refusal by whom and when the token was revoked, if that is known in time. */
  async function withEntry(
    verdict: Verdict,
    token: VerifiedToken,
    found: Promise<Revocation | undefined>,
    caller: Caller,
  ): Promise<Verdict> {
    const entry = await found;
    if (verdict.allowed || entry === undefined) return verdict;
    const revocation = killingEntry.factsOf(token, entry, caller);
    if (revocation.target.kind !== "approval_id") return { ...verdict, revocation };
    return { ...verdict, detail: "an approval that the token rests on has been withdrawn", revocation };
  }

  /** The answer once the database has answered. */
  async function answer(platform: string, request: VerifyRequest, reached: Charged): Promise<Verdict> {
    return chargedVerdict(platform, reached, request, await reached.charged);
  }

  async function anew(platform: string, request: VerifyRequest, askingFor: AskingFor): Promise<Verdict> {
    const asking = await askingFor(request.resource);
    const reached = await reachVerdict(platform, { ...request, asking });
    return "charged" in reached ? answer(platform, request, reached) : reached.verdict;
  }

  /** Waits for the work of one question of a batch, and keeps no more of its token than of any other. */
  async function conclude(
    caller: Caller,
    platform: string,
    request: VerifyRequest,
    waiting: Waiting,
  ): Promise<Concluded> {
    if (waiting.kind === "dead") {
      const { verdict, token, entry } = waiting;
      return { kind: "said", result: await withEntry(verdict, token, entry, caller) };
    }
    if (waiting.kind !== "charged") return waiting;
    try {
      const outcome = await waiting.charged;
      if (!outcome.ok) return { kind: "said", result: refusalOf(outcome.error) };
      const verdict = chargedVerdict(platform, waiting, request, outcome.value);
      see(waiting.token, request, verdict);
      if (verdict.allowed) return { kind: "allowed", verdict, subject: subjectOf(waiting.token) };
      record.note(caller, request, verdict, aboutToken(waiting.token));
      return { kind: "said", result: verdict };
    } catch (error) {
      return { kind: "said", result: refusalOf(error) };
    }
  }

  /** Answers one question of a batch, as of now. */
  async function finish(
    caller: Caller,
    platform: string,
    request: VerifyRequest,
    begun: Waiting,
    askingFor: AskingFor,
  ): Promise<BatchResult> {
    const waiting = await conclude(caller, platform, request, begun);
    if (waiting.kind === "said") return waiting.result;
    try {
      const { verdict, subject } = waiting;
      knowledge.requireFresh();
      const still = !knowledge.isRevoked(subject) && clock.now() < verdict.expiresAt;
      const last = still ? verdict : await anew(platform, request, askingFor);
      record.note(caller, request, last, aboutVerdict(verdict));
      return last;
    } catch (error) {
      return refusalOf(error);
    }
  }

  return {
    async decide(caller, request) {
      const isPerson = caller.kind === "human";
      const { resource } = request;
      const platform = isPerson
        ? await ownTokens(caller, request)
        : requirePlatform(caller, "verify", resource);
      if (request.minSequence !== undefined) await reach(request.minSequence);
      const finding = askingResource(resources, caller, platform, resource);
      const asking = finding && (await finding);
      const reached = await reachVerdict(platform, { ...request, asking });
      const verdict = "charged" in reached ? await answer(platform, request, reached) : reached.verdict;
      // The credential may have been revoked meanwhile, or be over.
      if ("charged" in reached && !isPerson) requirePlatform(caller, "verify", resource);
      const { token } = reached;
      see(token, request, verdict);
      record.note(caller, request, verdict, token && aboutToken(token));
      if (token === undefined || "charged" in reached || request.brief || !isOfDead(verdict)) return verdict;
      return withEntry(verdict, token, killingEntry.find(token), caller);
    },

    async decideBatch(caller, requests) {
      const platform = requirePlatform(caller, "verify", ANY_RESOURCE);
      const askingFor = rememberedAsking(async (named) => {
        requirePlatform(caller, "verify", named);
        return askingResource(resources, caller, platform, named);
      });
      // All sequences are waited for together, so that a batch waits no longer than one request.
      const sequences = new Set(requests.flatMap(({ minSequence }) => minSequence ?? []));
      const arrivals = new Map(
        [...sequences].map((sequence, index) => [
          sequence,
          index < MOST_SEQUENCES ? reach(sequence) : Promise.reject(tooManySequences()),
        ]),
      );
      await Promise.allSettled(arrivals.values());

      const slice = beginTimeSlice(clock);
      async function takeTurn(): Promise<void> {
        if (!slice.isOver()) return;
        await slice.next();
        // The credential may have been revoked meanwhile, or be over.
        requirePlatform(caller, "verify", ANY_RESOURCE);
      }

      // Charges are not waited for one by one: they are gathered, and decided in this order.
      const waiting: Waiting[] = [];
      let failures = 0;
      let held = 0;
      for (const [index, request] of requests.entries()) {
        if (failures >= MOST_FAILURES) {
          const why = "the answers before this one are too long already: ask in smaller batches";
          waiting.push({ kind: "said", result: new DomainError("unavailable", why) });
          continue;
        }
        await takeTurn();
        const arrived = arrivals.get(request.minSequence ?? "") ?? Promise.resolve();
        const begun = await begin(caller, platform, request, arrived, askingFor);
        failures += lengthOf(begun);
        waiting.push(begun);
        if ("token" in begun) held += bundleWeight(begun.token);
        if (held <= MOST_HELD) continue;
        for (let at = 0; at <= index; at++) {
          const one = waiting[at] as Waiting;
          if (!("token" in one)) continue;
          await takeTurn();
          waiting[at] = await conclude(caller, platform, requests[at] as VerifyRequest, one);
        }
        held = 0;
      }

      await Promise.all(waiting.map(waitedFor));
      requirePlatform(caller, "verify", ANY_RESOURCE);
      const results: BatchResult[] = [];
      for (const [index, request] of requests.entries()) {
        await takeTurn();
        results.push(await finish(caller, platform, request, waiting[index] as Waiting, askingFor));
      }
      return results;
    },
  };
}
