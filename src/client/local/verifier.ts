import type { Hmac } from "../../macaroon/index.ts";
import type { Revocation, Verdict } from "../answers.ts";
import type { Bakehouse } from "../bakehouse.ts";
import { checkQuestion } from "../bakehouse.ts";
import { isAskedOnce } from "../charges.ts";
import { BakehouseError } from "../error.ts";
import { checkVerifier, type Verifier } from "../guard/guard.ts";
import { createOutage, type OutageListener } from "../guard/outage.ts";
import type { VerifyRequest } from "../requests.ts";
import { aFunction, aNumber, anObject, type Checks, checkOptions, ifSaid } from "../shape.ts";
import type { CallOptions } from "../transport.ts";
import { isReadableCharge } from "./charge.ts";
import { type LocalClock, systemLocalClock } from "./clock.ts";
import { readContext } from "./context.ts";
import { createFollower } from "./follower.ts";
import { createKnowledge } from "./knowledge.ts";
import { isDecidable, verdictOf } from "./token.ts";

/** Settings of a local verifier. */
export interface LocalVerifierOptions {
  /** A client with a platform's credential that may `verify` and `read`. */
  readonly service: Bakehouse;
  /**
   * The bound, milliseconds, 15,000 unless said: nothing is allowed here on knowledge of the revocation log that
   * is older. Older knowledge is forgotten, and the service asked. It must be longer than the service's pause
   * between two heartbeats, which is five seconds, for anything to be answered here.
   */
  readonly maxStaleness?: number;
  /** Characters of memory for tokens, roughly; 64 million unless said. */
  readonly maxMemory?: number;
  /**
   * Revoked links and agents that are kept, 200,000 unless said. If the log names more, only tokens that the
   * service itself was asked about are answered here.
   */
  readonly maxRevocations?: number;
  /**
   * Told why the revocation log cannot be followed: when that begins, once a minute while it lasts, and when it is over.
   * Knowledge is used until it is older than the bound; then the service is asked about every call.
   */
  readonly onError?: OutageListener;
  readonly clock?: LocalClock;
  /** A faster HMAC-SHA256 than the portable one. */
  readonly hmac?: Hmac;
}

/** A verifier in front of the service's. */
export interface LocalVerifier extends Verifier {
  /** How often it has answered by itself, and how often it has asked. */
  readonly counts: { readonly local: number; readonly asked: number };
  /** Milliseconds that its knowledge of the log is old; infinite if it has none. */
  age(): number;
  /**
   * Begins to follow the log, as the first question does too; resolves once it has read all of it.
   *
   * @param options `timeout` in milliseconds for all of it, 30,000 unless said
   * @throws BakehouseError with the reason, such as a credential that may not read the log, or `timeout`
   */
  ready(options?: Pick<CallOptions, "timeout">): Promise<void>;
  /** Ends following the log, and forgets everything. An open stream keeps a process alive. */
  close(): void;
}

const OPTIONS: Checks<LocalVerifierOptions> = {
  service: anObject("what createBakehouse gives"),
  maxStaleness: ifSaid(aNumber("15_000, in milliseconds")),
  maxMemory: ifSaid(aNumber("64_000_000, in characters")),
  maxRevocations: ifSaid(aNumber("200_000")),
  onError: ifSaid(aFunction("console.error")),
  clock: ifSaid(anObject("{ now, monotonic }")),
  hmac: ifSaid(aFunction("(key, data) => bytes")),
};

/**
 * The members of a question that is answered here. One with any other is the service's: as a `resource` it is, too, because whether
 * that still stands and which tokens it takes is not in the log.
 */
const MEMBERS: ReadonlySet<string> = new Set<keyof VerifyRequest>([
  "token",
  "discharges",
  "context",
  "cost",
  "charge_id",
  "reserve",
  "proof",
  "endorsements",
  "min_sequence",
  "dry_run",
]);

const MAX_STALENESS = 15_000;
const READY_TIMEOUT = 30_000;
const MAX_MEMORY = 64_000_000;
const MAX_REVOCATIONS = 200_000;
/** Revocations that may arrive while the service is being asked; more, and its answer is not kept. */
const MOST_MEANWHILE = 1_000;

/**
 * Answers for tokens that the service has allowed once, **and for everything narrowed from them**, without asking.
 *
 * It knows the tail of a token that it was shown, continues the chain by itself, clears caveats with the
 * service's own evaluator, and follows the revocation log: the targets of a revocation are forgotten at once, and
 * everything is when nothing has been heard of the log for the bound. A stream that breaks is silence too: it is opened again
 * at once, and the old knowledge is used within the bound until it is. Then all tokens are forgotten, since it may be
 * another service, set up anew, that answers. The service is asked about the rest: unknown tokens, third-party caveats,
 * caveats that it does not understand, times that are near. So what it allows, the service would have allowed at some moment
 * within the bound.
 *
 * @throws TypeError for options of the wrong shape
 * @example
 * const verifier = createLocalVerifier({ service: createBakehouse({ url, credential }), onError: ({ message }) => console.error(message) });
 */
export function createLocalVerifier(options: LocalVerifierOptions): LocalVerifier {
  checkOptions("createLocalVerifier", options, OPTIONS, "{ service: createBakehouse({ url, credential }) }");
  checkVerifier("createLocalVerifier: service", options.service);
  const { service, maxStaleness = MAX_STALENESS, maxMemory = MAX_MEMORY, clock = systemLocalClock } = options;
  const limits = { characters: maxMemory, revocations: options.maxRevocations ?? MAX_REVOCATIONS };
  const knowledge = createKnowledge(limits, options.hmac);
  const questions = new Set<{ readonly meanwhile: Revocation[] }>();
  const counts = { local: 0, asked: 0 };
  const outage = createOutage(options.onError, () => clock.monotonic());
  const follower = createFollower({
    service,
    clock,
    onRevocation(revocation) {
      knowledge.apply(revocation);
      // Answers that are under way may have been given before it.
      for (const { meanwhile } of questions)
        if (meanwhile.length <= MOST_MEANWHILE) meanwhile.push(revocation);
    },
    onError: outage.failed,
    onHeard: outage.answered,
    onHashKey: (key) => knowledge.learnHashKey(key),
    onGone: () => knowledge.forgetAll(),
    onReopened() {
      knowledge.forgetTokens();
      // Nor are answers kept that were asked for before.
      for (const question of questions) question.meanwhile.length = MOST_MEANWHILE + 1;
    },
  });

  function isFresh(): boolean {
    if (follower.age() <= maxStaleness) return true;
    knowledge.forgetTokens();
    return false;
  }

  async function ask(request: VerifyRequest, callOptions: CallOptions | undefined): Promise<Verdict> {
    counts.asked++;
    follower.start();
    const position = follower.position();
    const fresh = isFresh();
    // An answer counts only if it knows at least as much as is known here: an older one is not looked at again.
    const isBound = position !== undefined && fresh && request.min_sequence === undefined;
    const question = { meanwhile: [] as Revocation[] };
    questions.add(question);
    try {
      const bound = isBound ? { ...request, min_sequence: position } : request;
      const verdict = await service.verify(bound, callOptions).catch((error: unknown) => {
        if (!isBound || !(error instanceof BakehouseError) || error.code !== "unavailable") throw error;
        if (isAskedOnce(request)) throw error;
        // The log may be another one since. An answer without it is not kept.
        question.meanwhile.length = MOST_MEANWHILE + 1;
        return service.verify(request, callOptions);
      });
      if (isBound) learn(request, verdict, question.meanwhile);
      return verdict;
    } finally {
      questions.delete(question);
    }
  }

  function learn(request: VerifyRequest, verdict: Verdict, meanwhile: readonly Revocation[]): void {
    if (!verdict.allowed || request.discharges?.length || meanwhile.length > MOST_MEANWHILE) return;
    knowledge.learn(request.token, verdict, meanwhile);
  }

  /** The answer, if it can be known here. */
  function answer(request: VerifyRequest): Verdict | undefined {
    for (const member of Object.keys(request)) if (!MEMBERS.has(member)) return undefined;
    const { token, discharges, proof, endorsements, min_sequence } = request;
    if (discharges?.length || min_sequence !== undefined) return undefined;
    if (proof !== undefined || endorsements !== undefined) return undefined;
    const sequence = follower.position();
    const window = follower.serviceTime();
    if (sequence === undefined || window === undefined || !isFresh()) return undefined;
    const known = knowledge.find(token);
    if (known === undefined || !isDecidable(known, window)) return undefined;
    // What a call costs is nothing to a token without budgets, and one with budgets is never known here.
    if (!isReadableCharge(request)) return undefined;
    const context = readContext(request.context);
    return context && verdictOf(known, context, window, sequence);
  }

  return {
    counts,
    age: () => follower.age(),

    ready({ timeout = READY_TIMEOUT } = {}) {
      follower.start();
      return follower.caughtUp(timeout);
    },

    async verify(request, callOptions) {
      checkQuestion("verify", request);
      callOptions?.signal?.throwIfAborted();
      const known = answer(request);
      if (known === undefined) return ask(request, callOptions);
      counts.local++;
      return known;
    },

    close() {
      follower.stop();
      knowledge.forgetAll();
    },
  };
}
