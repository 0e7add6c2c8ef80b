import { roleOf } from "../credential-role.ts";
import { DomainError } from "../parts/error.ts";
import { forgetOldest } from "../parts/forget-oldest.ts";
import { createRateLimit } from "../parts/rate-limit.ts";
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
 * Entries by possession a second, and at once, of the links that stand equally deep in one branch of a root macaroon's
 * tree: below one link that stands right under what was issued. A descendant always stands deeper than its ancestors, so
 * a holder that mints and revokes descendants without end uses up no ancestor's allowance, nor that of another branch.
 */
const BY_HOLDER = { perSecond: 1, burst: 20 };

/**
 * Branches a second, and at once, of one tree that are new here. Only who holds the token as it was issued makes one, so
 * whoever uses this up stands above all whom it keeps waiting.
 */
const NEW_BRANCHES = { perSecond: 1, burst: 20 };

/** Look-ups a second, and at once, of the entry that killed the links equally deep in one branch: they cost no entry. */
const BY_DEAD_LINK = { perSecond: 10, burst: 100 };

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
  const byHolder = createRateLimit({ clock, ...BY_HOLDER, maxKeys: TREES });
  const byDeadLink = createRateLimit({ clock, ...BY_DEAD_LINK, maxKeys: TREES });

  const newBranches = createRateLimit({ clock, ...NEW_BRANCHES, maxKeys: TREES });
  /** Those that have added an entry, the longest unused first. */
  const branches = new Set<string>();

  /** Whether a branch may add entries here. What was issued is above all branches. */
  function admitsBranch(tree: string, branch: string | undefined): boolean {
    if (branch === undefined) return true;
    if (!branches.delete(branch) && !newBranches.take(tree)) return false;
    branches.add(branch);
    forgetOldest(branches, TREES);
    return true;
  }

  async function held(token: string, member: string): Promise<VerifiedToken> {
    const verification = await tokenVerifier.verifyAny(token);
    if (!verification.ok || refusalOfEnded(verification.token, clock.now())?.code === "expired")
      throw new DomainError("not_found", "is not a good token of this service", member);
    return verification.token;
  }

  /** The entry that has killed a token, as its holder may see it: with the token's link in place of target and reason. */
  async function coveringEntry(token: VerifiedToken): Promise<Revocation | undefined> {
    const { identifier, macaroon, rootKey, principal } = token;
    const subject = subjectOf(token);
    // The entry's place in the log is asked for by a hash for each scope and link: of the links that are dead alone.
    const own = { ...subject, revocationIds: macaroon.revocationIds.map(({ bytes }) => bytes) };
    const ids = knowledge.deadLinks(own, MOST_DEAD);
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
      }
    );
  }

  async function wantedOf(text: string, member: string): Promise<Wanted> {
    const token = await held(text, member);
    const { identifier, macaroon, rootKey } = token;
    const { tokenId, issuedCaveats } = identifier;
    // The first link that a holder added.
    const branch = macaroon.revocationIds[issuedCaveats + 1]?.text;
    const place = `${tokenId} ${branch ?? ""} ${macaroon.revocationIds.length}`;
    const require = (isAllowed: boolean) => {
      if (isAllowed) return;
      throw new DomainError("rate_limited", "too many revocations of links of one token at once", member);
    };
    // The holder of a revoked link adds no entry, and so takes nothing from the allowance for entries.
    if (token.revoked !== undefined) {
      require(byDeadLink.take(place));
      const revocation = await coveringEntry(token);
      if (revocation !== undefined) return { kind: "there", revocation };
    }
    require(admitsBranch(tokenId, branch) && byHolder.take(place));
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
