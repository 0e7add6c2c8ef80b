import { clear, type Failure } from "../caveats/clear.ts";
import type { Condition } from "../caveats/condition.ts";
import { instantFromMilliseconds } from "../caveats/instant.ts";
import { reservedMember } from "../caveats/reserved.ts";
import { summarise } from "../caveats/summary.ts";
import { JsonError } from "../json/error.ts";
import { parseJson } from "../json/parse.ts";
import { JsonNumber, type JsonObject, type JsonValue } from "../json/value.ts";
import { decodeBundle, type Hmac } from "../macaroon/index.ts";
import type { Revocation, Verdict } from "./answers.ts";
import type { Bakehouse } from "./bakehouse.ts";
import { BakehouseError } from "./error.ts";
import type { Verifier } from "./guard.ts";
import { type LocalClock, systemLocalClock, type Window } from "./local-clock.ts";
import { createFollower } from "./local-follower.ts";
import { createKnowledge, isLearnable, type KnownToken } from "./local-knowledge.ts";
import type { Context, VerifyRequest } from "./requests.ts";
import type { CallOptions } from "./transport.ts";

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
   * Revoked links and agents that are kept, 200,000 unless said. Where the log names more, only tokens that the
   * service itself was asked about are answered here.
   */
  readonly maxRevocations?: number;
  readonly clock?: LocalClock;
  /** A faster HMAC-SHA256 than the portable one. */
  readonly hmac?: Hmac;
}

/** A verifier in front of the service's. */
export interface LocalVerifier extends Verifier {
  /** How often it has answered by itself, and how often it has asked. */
  readonly counts: { readonly local: number; readonly asked: number };
  /** Milliseconds that its knowledge of the log is old; infinite where it has none. */
  age(): number;
  /** Begins to follow the log, as the first question does too; resolves once it has read all of it. */
  ready(): Promise<void>;
  /** Ends following the log, and forgets everything. An open stream keeps a process alive. */
  close(): void;
}

const MAX_STALENESS = 15_000;
const MAX_MEMORY = 64_000_000;
const MAX_REVOCATIONS = 200_000;
const CONTEXT_DEPTH = 64;
/** Revocations that may arrive while the service is being asked; more, and its answer is not kept. */
const MOST_MEANWHILE = 1_000;

/**
 * Answers for tokens that the service has allowed once, **and for everything narrowed from them**, without asking.
 *
 * It knows the tail of a token that it was shown, continues the chain by itself, clears caveats with the
 * service's own evaluator, and follows the revocation log: what a revocation names is forgotten at once, and when
 * the log has been silent past the bound, or its stream broke, everything is. Whatever it cannot know goes to the service: unknown
 * tokens, third-party caveats, caveats that it does not understand, times that are near. So what it allows, the
 * service would have allowed at some moment within the bound.
 */
export function createLocalVerifier(options: LocalVerifierOptions): LocalVerifier {
  const { service, maxStaleness = MAX_STALENESS, maxMemory = MAX_MEMORY, clock = systemLocalClock } = options;
  const limits = { characters: maxMemory, revocations: options.maxRevocations ?? MAX_REVOCATIONS };
  const knowledge = createKnowledge(limits, options.hmac);
  const questions = new Set<{ readonly meanwhile: Revocation[] }>();
  const counts = { local: 0, asked: 0 };
  const follower = createFollower({
    service,
    clock,
    onRevocation(revocation) {
      knowledge.apply(revocation);
      // Answers that are under way may have been given before it.
      for (const { meanwhile } of questions)
        if (meanwhile.length <= MOST_MEANWHILE) meanwhile.push(revocation);
    },
    onGone: () => knowledge.forgetAll(),
    onBreak() {
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
    // An answer counts only if it knows at least what is known here: what came before is not looked at again.
    const isBound = position !== undefined && fresh && request.min_sequence === undefined;
    const question = { meanwhile: [] as Revocation[] };
    questions.add(question);
    try {
      const bound = isBound ? { ...request, min_sequence: position } : request;
      const verdict = await service.verify(bound, callOptions).catch((error: unknown) => {
        if (!isBound || !(error instanceof BakehouseError) || error.code !== "unavailable") throw error;
        // The log may be another one since. What is answered without it is not kept.
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
    const decoded = decodeBundle(request.token);
    if (!decoded.ok || !isLearnable(decoded.macaroons, verdict)) return;
    const [macaroon] = decoded.macaroons;
    knowledge.learn(request.token, macaroon, verdict, meanwhile);
  }

  function find(text: string): KnownToken | undefined {
    const seen = knowledge.seen(text);
    if (seen !== undefined) return seen;
    if (knowledge.size === 0) return undefined;
    const decoded = decodeBundle(text);
    if (!decoded.ok || decoded.macaroons.length > 1) return undefined;
    return knowledge.derive(text, decoded.macaroons[0]);
  }

  /** The answer, where it can be known here. */
  function answer(request: VerifyRequest): Verdict | undefined {
    const { token, discharges, cost, proof, min_sequence } = request;
    if (discharges?.length || cost !== undefined || proof !== undefined || min_sequence !== undefined)
      return undefined;
    const sequence = follower.position();
    const window = follower.serviceTime();
    if (sequence === undefined || window === undefined || !isFresh()) return undefined;
    const known = find(token);
    if (known === undefined || !known.conditions.every((condition) => isDecidable(condition, window)))
      return undefined;
    const context = readContext(request.context);
    if (context === undefined) return undefined;
    const now = instantFromMilliseconds(Math.floor(window.to));
    const { failures } = clear(known.conditions, { now, context, place: "root" });
    return failures.length === 0 ? allowedOf(known, sequence, now) : refusedOf(failures, sequence);
  }

  return {
    counts,
    age: () => follower.age(),

    ready() {
      follower.start();
      return follower.caughtUp();
    },

    async verify(request, callOptions) {
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

/** Whether a condition means the same wherever in the window the service's clock stands, and is understood at all. */
function isDecidable(condition: Condition, window: Window): boolean {
  if (condition.state !== "known") return false;
  if (condition.caveat.kind !== "time") return true;
  const { seconds } = condition.caveat.at;
  return (seconds + 1) * 1000 < window.from || seconds * 1000 > window.to;
}

/** The context as the service would read it from a request's body; undefined where it would refuse it. */
function readContext(context: Context): JsonObject | undefined {
  try {
    const value = parseJson(JSON.stringify(context));
    if (!(value instanceof Map) || reservedMember(value) !== undefined || depthOf(value) > CONTEXT_DEPTH) {
      return undefined;
    }
    return value;
  } catch (error) {
    if (error instanceof JsonError || error instanceof TypeError) return undefined;
    throw error;
  }
}

function depthOf(value: JsonValue): number {
  if (value === null || typeof value !== "object" || value instanceof JsonNumber) return 0;
  let deepest = 0;
  for (const member of value.values() as Iterable<JsonValue>) deepest = Math.max(deepest, depthOf(member));
  return deepest + 1;
}

function allowedOf(
  known: KnownToken,
  sequence: string,
  now: ReturnType<typeof instantFromMilliseconds>,
): Verdict {
  const { root, conditions, agents, revocationIds } = known;
  return {
    ...root,
    expires_at: expiryOf(known),
    agents,
    caveats: conditions.map((condition) => (condition.state === "third_party" ? "" : condition.text)),
    // Made when somebody reads it: it costs more than the answer.
    get summary() {
      return summarise(conditions, { now });
    },
    revocation_id: revocationIds.at(-1) ?? root.revocation_id,
    revocation_ids: revocationIds,
    sequence,
  };
}

function expiryOf({ root, conditions }: KnownToken): string {
  let earliest = Date.parse(root.expires_at);
  for (const condition of conditions) {
    if (condition.state !== "known" || condition.caveat.kind !== "time" || condition.caveat.operator !== "<")
      continue;
    const { seconds, fraction } = condition.caveat.at;
    earliest = Math.min(earliest, seconds * 1000 + Number(fraction.slice(0, 3).padEnd(3, "0")));
  }
  return new Date(earliest).toISOString();
}

/** In the order in which the service names the first reason. */
const ORDER: readonly Failure["code"][] = ["expired", "depth_exceeded", "caveat_unknown", "caveat_failed"];

function refusedOf(failures: readonly Failure[], sequence: string): Verdict {
  const code =
    ORDER.find((candidate) => failures.some((failure) => failure.code === candidate)) ?? "caveat_failed";
  const first = failures.find((failure) => failure.code === code);
  return { allowed: false, code, detail: first?.detail ?? "", failures, undischarged: [], sequence };
}
