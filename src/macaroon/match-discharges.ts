import { encodeV2 } from "./codec/v2.ts";
import { encodeBase64Url } from "./parts/base64.ts";
import { compareBytes, constantTimeEqual } from "./parts/bytes.ts";
import type { Limits } from "./parts/limits.ts";
import type { UnverifiedMacaroon } from "./parts/macaroon.ts";
import type { Keyed, MacaroonPlace, SignedDischarge } from "./steps.ts";

/** A caveat, by its macaroon and its place in it. */
export interface CaveatPlace {
  readonly macaroon: MacaroonPlace;
  readonly caveat: number;
}

/**
 * Why a discharge proves nothing.
 *
 * `signature`: its caveat's key did not sign it. `unused`: its caveat has another discharge. `reused`: it
 * would have to serve two caveats. `too_deep`: its caveat is nested too far. `no_such_caveat`: no caveat of
 * the root macaroon, or of a discharge that was looked at, has its identifier as ticket. `parent_invalid`:
 * the discharge with the caveat that it serves is itself invalid.
 */
export type DischargeFault =
  | "signature"
  | "unused"
  | "reused"
  | "too_deep"
  | "no_such_caveat"
  | "parent_invalid";

/** The outcome for one discharge. */
export type Match =
  | { readonly ok: true; readonly forCaveat: CaveatPlace; readonly signed: SignedDischarge }
  | { readonly ok: false; readonly reason: DischargeFault };

/** The outcome for all discharges. */
export interface Matches {
  /** One for each discharge, in the order in which they were given. */
  readonly outcomes: readonly Match[];
  /** The good ones, each after the macaroon with the caveat that it serves. */
  readonly order: readonly number[];
}

interface Candidate {
  readonly place: number;
  readonly discharge: UnverifiedMacaroon;
  /** Why it is invalid if nothing better is found. */
  fault: DischargeFault;
  tried: boolean;
  use?: {
    readonly forCaveat: CaveatPlace;
    readonly key: Uint8Array;
    readonly signed: SignedDischarge;
  };
}

interface Visit {
  readonly place: MacaroonPlace;
  readonly macaroon: UnverifiedMacaroon;
  readonly tails: readonly Uint8Array[];
  readonly depth: number;
}

// Discharges that share an identifier may have to be tried under more keys than one. The bound keeps the
// work in proportion to the size of the bundle, for any bundle.
const MOST_RETRIES = 32;

/** The work of opening a verification id, in links. */
const UNSEALING = 8;

/**
 * Finds for each third-party caveat the one discharge that proves it.
 *
 * Caveats are served level by level, in the order in which they stand; a caveat takes the first discharge
 * of its ticket that is not taken and that its key has signed. "First" is by their bytes and not by their
 * places, so that the order in which a sender lines them up changes nothing. Since no discharge is taken
 * twice, macaroons that discharge each other in a circle come to an end.
 *
 * @yields the work that was just done: see `verifyInSteps`
 */
export function* matchDischarges(
  root: UnverifiedMacaroon,
  rootTails: readonly Uint8Array[],
  discharges: readonly UnverifiedMacaroon[],
  limits: Limits,
  keyed: Keyed,
): Generator<number, Matches, void> {
  if (discharges.length === 0) return { outcomes: [], order: [] };
  const candidates = discharges.map(
    (discharge, place): Candidate => ({ place, discharge, fault: "no_such_caveat", tried: false }),
  );
  const byTicket = groupByTicket(candidates);
  const taken: Candidate[] = [];
  const visits: Visit[] = [{ place: "root", macaroon: root, tails: rootTails, depth: 0 }];
  let retries = MOST_RETRIES;

  const trySigned = (candidate: Candidate, key: Uint8Array): SignedDischarge | undefined => {
    if (candidate.tried && retries-- <= 0) return undefined;
    candidate.tried = true;
    return keyed.discharge(candidate.place, candidate.discharge, key);
  };

  function* serve(
    visit: Visit,
    caveat: number,
    ticket: Uint8Array,
    verificationId: Uint8Array,
  ): Generator<number, void, void> {
    const group = byTicket.get(encodeBase64Url(ticket));
    if (group === undefined) return;
    if (visit.depth >= limits.depth) {
      blame(group, "too_deep");
      return;
    }
    const tail = visit.tails[caveat];
    const key = tail && keyed.unseal(visit.place, caveat, tail, verificationId);
    yield UNSEALING;
    if (key === undefined) {
      blame(group, "signature");
      return;
    }
    const forCaveat = { macaroon: visit.place, caveat };
    let found: Candidate | undefined;
    for (const candidate of group) {
      if (candidate.use !== undefined) continue;
      const signed = trySigned(candidate, key);
      yield candidate.discharge.unverifiedCaveats.length + 1;
      if (signed === undefined) {
        candidate.fault = "signature";
        continue;
      }
      candidate.use = { forCaveat, key, signed };
      found = candidate;
      break;
    }
    if (found?.use === undefined) {
      blameReused(group, key);
      return;
    }
    blame(group, "unused");
    taken.push(found);
    const { tails } = found.use.signed;
    visits.push({ place: found.place, macaroon: found.discharge, tails, depth: visit.depth + 1 });
  }

  for (const visit of visits) {
    for (const [index, { id, verificationId }] of visit.macaroon.unverifiedCaveats.entries()) {
      if (verificationId !== undefined) yield* serve(visit, index, id, verificationId);
    }
  }
  return settle(candidates, taken);
}

function groupByTicket(candidates: readonly Candidate[]): ReadonlyMap<string, Candidate[]> {
  const groups = new Map<string, Candidate[]>();
  for (const candidate of candidates) {
    const ticket = encodeBase64Url(candidate.discharge.identifier);
    const group = groups.get(ticket);
    if (group === undefined) groups.set(ticket, [candidate]);
    else group.push(candidate);
  }
  for (const group of groups.values()) {
    if (group.length === 1) continue;
    const encoded = new Map(group.map((candidate) => [candidate, encodeV2(candidate.discharge)]));
    const bytesOf = (candidate: Candidate): Uint8Array => encoded.get(candidate) ?? new Uint8Array();
    group.sort((a, b) => compareBytes(bytesOf(a), bytesOf(b)));
  }
  return groups;
}

/** Says why those of a ticket are invalid that were not, and will not be, tried with success. */
function blame(group: readonly Candidate[], fault: DischargeFault): void {
  for (const candidate of group) {
    if (candidate.use === undefined && candidate.fault !== "signature") candidate.fault = fault;
  }
}

/** No discharge is left for a caveat: a discharge that its key has signed would have to serve a second time. */
function blameReused(group: readonly Candidate[], key: Uint8Array): void {
  for (const candidate of group) {
    if (candidate.use !== undefined && constantTimeEqual(candidate.use.key, key)) candidate.fault = "reused";
  }
}

function settle(candidates: readonly Candidate[], taken: readonly Candidate[]): Matches {
  const outcomes: Match[] = candidates.map(({ fault }) => ({ ok: false, reason: fault }));
  const order: number[] = [];
  // A discharge is taken after its parent, which carries the caveat that it serves: parents are settled before children.
  for (const { place, fault, use } of taken) {
    if (use === undefined || fault === "reused") continue;
    const { forCaveat, signed } = use;
    if (forCaveat.macaroon !== "root" && !outcomes[forCaveat.macaroon]?.ok) {
      outcomes[place] = { ok: false, reason: "parent_invalid" };
      continue;
    }
    outcomes[place] = { ok: true, forCaveat, signed };
    order.push(place);
  }
  return { outcomes, order };
}
