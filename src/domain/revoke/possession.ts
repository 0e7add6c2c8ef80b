import { roleOf } from "../credential-role.ts";
import { DomainError } from "../parts/error.ts";
import { createTreeLimit } from "../parts/tree-limit.ts";
import type { Clock } from "../ports/clock.ts";
import type { Revocation } from "../ports/revocations.ts";
import type { Store } from "../ports/store.ts";
import type { RevocationKnowledge } from "../replica/revocation-knowledge.ts";
import { refusalOfEnded } from "../verify/clear-token.ts";
import { subjectOf, type TokenVerifier, type VerifiedToken } from "../verify/verify-token.ts";
import type { Allowed } from "./rights.ts";

/** The need of a target: a new entry, or none because an entry that covers it stands in the log. */
export type Wanted =
  | ({ readonly kind: "entry" } & Allowed)
  | { readonly kind: "there"; readonly revocation: Revocation };

/**
 * Entries by possession of one tree: at once, and a second. A link is dead once it has an entry, and needs no further one,
 * but anybody can make links below their own without end, so links alone bound nothing.
 *
 * An entry counts for the links above the revoked one, in the shares of {@link createTreeLimit}. Those who hold one token alone
 * can make it count for that link, for links below, and for those above only as far as one branch may. So
 * the holder of a link above revokes, whatever they do: the link itself, links above it, and those beside it with
 * what is below them.
 */
const ENTRIES = { perSecond: 1, burst: 512 };

/** Look-ups of the entries that killed links of one tree, at once and a second. They make no entry. */
const LOOK_UPS = { perSecond: 20, burst: 512 };

/** Dead links of one token that an entry is looked up for. */
const MOST_DEAD = 8;

/** The number of trees that rates are remembered for. */
const TREES = 50_000;

/**
 * The revocation of a link by a token that descends to it: holding the token suffices, no other credential is asked.
 *
 * @returns a function of a token's text and the member of the request that it stands in
 */
export function createPossession(options: {
  readonly store: Pick<Store, "revocations">;
  readonly tokenVerifier: TokenVerifier;
  readonly knowledge: Pick<RevocationKnowledge, "deadLinks" | "wideMatch">;
  readonly clock: Clock;
}): (text: string, member: string) => Promise<Wanted> {
  const { store, tokenVerifier, knowledge, clock } = options;
  const entries = createTreeLimit({ clock, ...ENTRIES, maxTrees: TREES });
  const lookUps = createTreeLimit({ clock, ...LOOK_UPS, maxTrees: TREES });

  async function held(token: string, member: string): Promise<VerifiedToken> {
    const verification = await tokenVerifier.verifyAny(token);
    if (!verification.ok || refusalOfEnded(verification.token, clock.now())?.code === "expired")
      throw new DomainError("not_found", "is not a good token of this service", member);
    return verification.token;
  }

  /** The entry that has killed a token, as its holder may see it: with the token's link in place of target and reason. */
  async function coveringEntry(
    token: VerifiedToken,
    ids: readonly Uint8Array[],
  ): Promise<Revocation | undefined> {
    const { identifier, macaroon, rootKey, principal } = token;
    const subject = subjectOf(token);
    const { platform } = rootKey;
    const number = knowledge.wideMatch(subject);
    // A platform's credentials are of the reserved platform, and the platform's own all the same.
    const owner = roleOf(principal)?.platform;
    const within = (name: string) => store.revocations.covering(name, principal, identifier.tokenId, ids);
    const entry =
      (await within(platform)) ??
      (owner === undefined ? undefined : await within(owner)) ??
      (number === undefined ? undefined : await store.revocations.find(number));
    return (
      entry && {
        ...entry,
        scope: { kind: "link", platform },
        target: { kind: "revocation_id", id: macaroon.revocationId.bytes },
        reason: null,
        reasonIsPublic: false,
      }
    );
  }

  async function wantedOf(text: string, member: string): Promise<Wanted> {
    const token = await held(text, member);
    const { identifier, macaroon, rootKey } = token;
    const { tokenId, issuedCaveats } = identifier;
    const require = (isAllowed: boolean) => {
      if (isAllowed) return;
      throw new DomainError("rate_limited", "too many revocations of links of one token at once", member);
    };
    // The issued links, and those that holders added.
    const way = [tokenId, ...macaroon.revocationIds.slice(issuedCaveats + 1).map(({ text }) => text)];
    // The holder of a revoked link adds no entry, and so takes nothing from the allowance for entries.
    if (token.revoked !== undefined) {
      // The entry's place in the log is asked for by a hash for each scope and link: of the links that are dead alone.
      const chain = macaroon.revocationIds.map(({ bytes }) => bytes);
      const dead = knowledge.deadLinks({ ...subjectOf(token), revocationIds: chain }, MOST_DEAD);
      const [first] = dead;
      // All that descends from a dead link asks for the same entry, and has one share.
      const asked =
        first === undefined ? way : way.slice(0, Math.max(1, chain.indexOf(first) - issuedCaveats + 1));
      require(lookUps.take(asked));
      const revocation = await coveringEntry(token, dead);
      if (revocation !== undefined) return { kind: "there", revocation };
    }
    // An entry stands under the link above: what is used up below a link is not what it is revoked with.
    const [last = ""] = way.slice(1).slice(-1);
    require(entries.take([tokenId, ...way.slice(1, -1), `${last} itself`]));
    return {
      kind: "entry",
      draft: {
        scope: { kind: "link", platform: rootKey.platform },
        target: () => ({ kind: "revocation_id", id: macaroon.revocationId.bytes, tree: tokenId }),
        author: "holder",
        actor: { kind: "holder", tokenId: identifier.tokenId },
        member,
      },
      key: undefined,
    };
  }

  return wantedOf;
}
