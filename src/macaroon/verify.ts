import { defaultChain } from "./hash/chain-hash.ts";
import { namedBy } from "./hash/revocation-id.ts";
import type { ChainHash } from "./hash/types.ts";
import { requireKey, type SigningKey } from "./key.ts";
import type { Behind, VerifiedLink } from "./known-links.ts";
import { type Match, type Matches, matchDischarges } from "./match-discharges.ts";
import { MacaroonError } from "./parts/error.ts";
import { checkBundle, type LowerLimits, limitsWith } from "./parts/limits.ts";
import { SIGNATURE_BYTES, type UnverifiedCaveat, type UnverifiedMacaroon } from "./parts/macaroon.ts";
import { keyedOperations, type MacaroonPlace, type StepListener } from "./steps.ts";
import type {
  DischargeState,
  Undischarged,
  VerifiedCaveat,
  VerifiedChain,
  VerifiedFacts,
  VerifiedMacaroon,
} from "./verified.ts";

/** A bundle to verify, and the key and hash to verify it with. */
export interface VerifyOptions {
  readonly root: UnverifiedMacaroon;
  readonly discharges?: readonly UnverifiedMacaroon[];
  /** The root key, or the key that {@link signingKey} derived from it. */
  readonly rootKey: Uint8Array | SigningKey;
  readonly limits?: LowerLimits;
  /** A faster hash than the portable one; {@link chainOf} makes one of HMAC and SHA-256 functions. */
  readonly chain?: ChainHash;
}

/** The outcome of verifying. With a wrong signature of the root macaroon, nothing else is said. */
export type Verification =
  | { readonly ok: true; readonly macaroon: VerifiedMacaroon }
  | { readonly ok: false; readonly code: "bad_signature" | "too_large" };

/**
 * Checks every signature of a bundle, and names every link.
 *
 * Limits first, then the root macaroon's signature, then the discharges'. No caveat is parsed: predicates
 * and tickets are bytes here, and a parser above must never see bytes that nobody signed. An invalid
 * discharge is an answer about that discharge; the layers above decide its consequences, and those of an
 * unbound or a missing one.
 *
 * @example
 * const decoded = decodeBundle(text);
 * if (!decoded.ok) throw new Error(decoded.detail);
 * const [root, ...discharges] = decoded.macaroons;
 * const verification = verify({ root, discharges, rootKey });
 * if (verification.ok) console.log(verification.macaroon.revocationId.text);
 */
export function verify(options: VerifyOptions): Verification {
  return verifyStepwise(options);
}

/**
 * Verifies a macaroon without discharges from a link of it that was verified before: hashes and names only what was appended.
 *
 * @returns what {@link verify} would say of it; undefined if the signature is not the one that the chain comes to
 */
export function verifyFrom(
  { link, above }: VerifiedLink,
  behind: Behind,
  chain: ChainHash = defaultChain,
): VerifiedMacaroon | undefined {
  const names = link.namesBehind(behind, chain);
  if (names === undefined) return undefined;
  const revocationIds = above.revocationIds.concat(names.map(namedBy));
  const facts: VerifiedFacts = {
    ...above,
    caveats: above.caveats.concat(behind.caveats.map((caveat) => verifiedCaveat(caveat, undefined))),
    revocationId: revocationIds.at(-1) ?? above.revocationId,
    revocationIds,
    discharges: [],
    undischarged: [],
  };
  return facts as VerifiedMacaroon;
}

/** {@link verify}, with somebody listening. The listener hears secrets. */
export function verifyStepwise(options: VerifyOptions, listener?: StepListener): Verification {
  if (options.discharges === undefined || options.discharges.length === 0)
    return verifyAlone(options, listener);
  const steps = stepsOf(options, listener);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** {@link verify}, of a macaroon without discharges, as nearly all are: one chain is one step, and nothing has to be matched. */
function verifyAlone(options: VerifyOptions, listener: StepListener | undefined): Verification {
  const begun = begin(options, listener);
  if (!begun.ok) return begun;
  const { tails, chain } = begun;
  if (tails === undefined) return BAD_SIGNATURE;
  return verifiedWith(
    verifiedChain(options.root, tails, () => undefined, chain),
    [],
    [],
  );
}

/**
 * {@link verify} in steps, for whoever serves others in between: it ends with the same answer, however slowly it is
 * advanced. A step walks one chain at most, so that a hash whose memory is shared is never interrupted within one.
 *
 * @yields the work that was just done, in links
 */
export function verifyInSteps(options: VerifyOptions): Generator<number, Verification, void> {
  return stepsOf(options, undefined);
}

const BAD_SIGNATURE = { ok: false, code: "bad_signature" } as const;

/** Checks the limits and the root macaroon's signature. @returns its tails, undefined for a wrong signature; or a refusal */
function begin(options: VerifyOptions, listener: StepListener | undefined) {
  const { root, discharges = [], rootKey, chain = defaultChain } = options;
  const limits = limitsWith(options.limits);
  try {
    checkBundle(root, discharges, limits);
  } catch (error) {
    if (error instanceof MacaroonError && error.code === "too_large")
      return { ok: false, code: "too_large" } as const;
    throw error;
  }
  if (rootKey instanceof Uint8Array) requireKey(rootKey);
  if (root.signature.length !== SIGNATURE_BYTES) return BAD_SIGNATURE;
  const keyed = keyedOperations(root, chain, listener);
  return { ok: true, discharges, chain, limits, keyed, tails: keyed.root(rootKey) } as const;
}

function* stepsOf(
  options: VerifyOptions,
  listener: StepListener | undefined,
): Generator<number, Verification, void> {
  const begun = begin(options, listener);
  if (!begun.ok) return begun;
  const { root } = options;
  const { discharges, chain, limits, keyed, tails } = begun;
  yield linksOf(root);
  if (tails === undefined) return BAD_SIGNATURE;
  const matches = yield* matchDischarges(root, tails, discharges, limits, keyed);

  const found = dischargesByCaveat(matches);
  const chainOf = (
    place: MacaroonPlace,
    macaroon: UnverifiedMacaroon,
    links: readonly Uint8Array[],
  ): VerifiedChain => verifiedChain(macaroon, links, (caveat) => found.get(placeKey(place, caveat)), chain);
  const states: DischargeState[] = [];
  for (const [place, outcome] of matches.outcomes.entries()) {
    const discharge = discharges[place];
    if (!outcome.ok || discharge === undefined) {
      states.push({ state: "invalid", reason: faultOf(outcome) });
      continue;
    }
    const { forCaveat, signed } = outcome;
    const { binding } = signed;
    states.push({ state: "good", binding, forCaveat, ...chainOf(place, discharge, signed.tails) });
    yield linksOf(discharge);
  }
  return verifiedWith(chainOf("root", root, tails), states, matches.order);
}

/**
 * The facts of a bundle whose signatures were compared.
 *
 * @param order the places of the good discharges, each after the macaroon with the caveat that it serves
 */
function verifiedWith(
  rootChain: VerifiedChain,
  discharges: readonly DischargeState[],
  order: readonly number[],
): Verification {
  const undischarged: Undischarged[] = [];
  addUndischarged(undischarged, "root", rootChain);
  for (const place of order) {
    const state = discharges[place];
    if (state?.state === "good") addUndischarged(undischarged, place, state);
  }
  const facts: VerifiedFacts = { ...rootChain, discharges, undischarged };
  // Here and in `verifyFrom` alone the brand is given: everything above stands between a sender and the brand.
  return { ok: true, macaroon: facts as VerifiedMacaroon };
}

function linksOf({ unverifiedCaveats }: UnverifiedMacaroon): number {
  return unverifiedCaveats.length + 1;
}

function faultOf(outcome: Match): (Match & { ok: false })["reason"] {
  return outcome.ok ? "no_such_caveat" : outcome.reason;
}

function placeKey(macaroon: MacaroonPlace, caveat: number): string {
  return `${macaroon} ${caveat}`;
}

function dischargesByCaveat({ outcomes }: Matches): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const [place, outcome] of outcomes.entries()) {
    if (outcome.ok) found.set(placeKey(outcome.forCaveat.macaroon, outcome.forCaveat.caveat), place);
  }
  return found;
}

function verifiedChain(
  macaroon: UnverifiedMacaroon,
  tails: readonly Uint8Array[],
  dischargeOf: (caveat: number) => number | undefined,
  chain: ChainHash,
): VerifiedChain {
  const revocationIds = tails.map((tail) => namedBy(chain.name(tail)));
  const last = revocationIds.at(-1);
  if (last === undefined) throw new Error("a chain without tails");
  const caveats = macaroon.unverifiedCaveats.map((caveat, index) =>
    verifiedCaveat(caveat, caveat.verificationId === undefined ? undefined : dischargeOf(index)),
  );
  const { identifier, location } = macaroon;
  const links = { identifier, caveats, revocationId: last, revocationIds };
  return location === undefined ? links : { ...links, location };
}

function verifiedCaveat(
  { id, verificationId, location }: UnverifiedCaveat,
  discharge: number | undefined,
): VerifiedCaveat {
  // Nearly all caveats are of this kind, and engines make objects without a spread faster.
  if (verificationId === undefined && location === undefined) return { kind: "first", id };
  return {
    kind: verificationId === undefined ? "first" : "third",
    id,
    ...(location !== undefined && { location }),
    ...(discharge !== undefined && { discharge }),
  };
}

function addUndischarged(all: Undischarged[], macaroon: MacaroonPlace, chain: VerifiedChain): void {
  for (let caveat = 0; caveat < chain.caveats.length; caveat++) {
    const { kind, id, location, discharge } = chain.caveats[caveat] as VerifiedCaveat;
    if (kind === "first" || discharge !== undefined) continue;
    all.push({ ticket: id, ...(location !== undefined && { location }), at: { macaroon, caveat } });
  }
}
