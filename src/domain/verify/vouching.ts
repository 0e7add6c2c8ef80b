import type { HolderRefusal } from "../../caveats/clear.ts";
import { MOST_ENDORSEMENTS } from "../../words/holder.ts";
import { readEndorsement, type UnverifiedEndorsement } from "../holder/endorsement.ts";
import { checkProof, type GoodProof } from "../holder/proof.ts";
import { beginTimeSlice, type SliceClock } from "../parts/time-slice.ts";
import type { Clock } from "../ports/clock.ts";
import type { CaveatFailure, VerifyRequest } from "../service.ts";
import type { Holder } from "./bundle-holders.ts";

/** Which keys of a token vouch for one call, by a proof or by endorsements. */
export interface Vouching {
  /**
   * Tells of a chain, by the place of a `holder` in it, why its key does not vouch.
   *
   * @param discharge the place of a discharge; undefined for the root macaroon
   */
  inChain(discharge: number | undefined): (index: number) => HolderRefusal | undefined;
  /** The id of the good proof; undefined if there is none. */
  readonly proof: Uint8Array | undefined;
  /** Every `holder` that rests on the proof, as a failure: for a proof that turns out to have been used before. */
  readonly replayed: readonly CaveatFailure[];
}

/** The detail of a proof that came before. */
const USED = "the proof was used before: each call needs one of its own";

/** The outcome of reading what came with a call: a good proof, why there is none, or that none came. */
type Proved = GoodProof | { readonly refused: string } | undefined;

/**
 * Finds out which keys vouch for a call.
 *
 * The last `holder` of a chain needs a proof of its key, and nothing else will do. An earlier one takes an endorsement as well:
 * its key's word that it handed on a link at or behind the next `holder`. An endorsement of an earlier link could be used by
 * whoever held the token before the next key was named.
 *
 * The work is bounded: one signature of a proof, and as many of endorsements as may come with a call. Others have turns in
 * between.
 *
 * @param holders at least one
 */
export async function vouchingFor(
  holders: readonly Holder[],
  platform: string,
  request: Pick<VerifyRequest, "token" | "proof" | "endorsements">,
  clock: Clock,
): Promise<Vouching> {
  const proved = proofOf(holders, platform, request, clock.now());
  const endorsed = await endorsementsOf(holders, request.endorsements, clock);
  const refusals = new Map<number | undefined, Map<number, HolderRefusal | undefined>>();
  const resting: Holder[] = [];
  for (const holder of holders) {
    const chain = refusals.get(holder.discharge) ?? new Map<number, HolderRefusal | undefined>();
    refusals.set(holder.discharge, chain);
    const rests = isGood(proved) && proved.thumbprint === holder.thumbprint;
    if (rests) resting.push(holder);
    chain.set(holder.index, rests ? undefined : refusalOf(holder, proved, endorsed));
  }
  return {
    inChain: (discharge) => (index) => {
      const chain = refusals.get(discharge);
      if (chain?.has(index)) return chain.get(index);
      throw new Error("a holder that was not looked for");
    },
    proof: isGood(proved) ? proved.id : undefined,
    replayed: resting.map(({ index, text, agent, placed, discharge }) => ({
      index,
      caveat: text,
      agent,
      placed,
      code: "holder_proof_invalid",
      detail: discharge === undefined ? USED : `in discharge ${discharge}: ${USED}`,
    })),
  };
}

function isGood(proved: Proved): proved is GoodProof {
  return proved !== undefined && "id" in proved;
}

function proofOf(
  holders: readonly Holder[],
  platform: string,
  { token, proof }: Pick<VerifyRequest, "token" | "proof">,
  now: number,
): Proved {
  if (proof === undefined) return undefined;
  const thumbprints = new Set(holders.map(({ thumbprint }) => thumbprint));
  const wanted = (thumbprint: string) => thumbprints.has(thumbprint);
  const checked = checkProof(proof, { platform, token, wanted, now });
  return typeof checked === "string" ? { refused: checked } : checked;
}

/** The endorsements of a call: the holders that they serve, and what is wrong with the others. */
interface Endorsed {
  readonly serves: ReadonlySet<Holder>;
  /** By the thumbprint of the key. */
  readonly wrong: ReadonlyMap<string, string>;
  /** Of the first one whose key can't be told. */
  readonly malformed: string | undefined;
}

async function endorsementsOf(
  holders: readonly Holder[],
  texts: readonly string[],
  clock: SliceClock,
): Promise<Endorsed> {
  const serves = new Set<Holder>();
  const wrong = new Map<string, string>();
  const earlier = holders.filter(({ endorsableFrom }) => endorsableFrom !== undefined);
  if (earlier.length === 0 || texts.length === 0) return { serves, wrong, malformed: undefined };
  if (texts.length > MOST_ENDORSEMENTS) {
    return { serves, wrong, malformed: `more than ${MOST_ENDORSEMENTS} endorsements came with the call` };
  }
  let malformed: string | undefined;
  const slice = beginTimeSlice(clock);
  for (const text of texts) {
    if (slice.isOver()) await slice.next();
    const endorsement = readEndorsement(text);
    if (typeof endorsement === "string") {
      malformed ??= `an endorsement is not taken: ${endorsement}`;
      continue;
    }
    const served = earlier.filter((holder) => isFor(endorsement, holder));
    if (served.length > 0 && endorsement.isRight()) {
      for (const holder of served) serves.add(holder);
    } else {
      const why =
        served.length > 0 ? "its signature is wrong" : "it is of no link at or behind the next holder";
      wrong.set(endorsement.thumbprint, `the endorsement of this key is not taken: ${why}`);
    }
  }
  return { serves, wrong, malformed };
}

function isFor({ thumbprint, link }: UnverifiedEndorsement, holder: Holder): boolean {
  const { endorsableFrom = Number.POSITIVE_INFINITY } = holder;
  return thumbprint === holder.thumbprint && (holder.links.get(link) ?? -1) >= endorsableFrom;
}

/** Why a key does not vouch that has no good proof here. */
function refusalOf(
  holder: Holder,
  proved: Proved,
  { serves, wrong, malformed }: Endorsed,
): HolderRefusal | undefined {
  if (serves.has(holder)) return undefined;
  if (holder.endorsableFrom === undefined) {
    if (proved === undefined) return required("the call needs a proof of this key, and came without one");
    return invalid(
      isGood(proved)
        ? "the proof is not taken: it is a proof of another key"
        : `the proof is not taken: ${proved.refused}`,
    );
  }
  const why = wrong.get(holder.thumbprint) ?? malformed;
  return why === undefined
    ? required("the call needs a proof or an endorsement of this key, and came with neither")
    : invalid(why);
}

function required(detail: string): HolderRefusal {
  return { code: "holder_proof_required", detail };
}

function invalid(detail: string): HolderRefusal {
  return { code: "holder_proof_invalid", detail };
}
