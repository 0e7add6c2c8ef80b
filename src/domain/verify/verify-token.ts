import { createCaveatReader } from "../../caveats/memo.ts";
import {
  decodeBundle,
  LIMITS,
  type SigningKey,
  signingKey,
  type UnverifiedMacaroon,
  verify,
} from "../../macaroon/index.ts";
import { parseIdentifier } from "../../words/identifier.ts";
import type { RefusalCode } from "../../words/refusal-codes.ts";
import type { RootKey, RootKeys } from "../keys/root-keys.ts";
import type { Secret } from "../keys/secret.ts";
import type { Principal } from "../ports/principals.ts";
import type { Principals } from "../principals.ts";
import type { RevocationKnowledge } from "../replica/revocation-knowledge.ts";
import type { RevocationSubject } from "../replica/revocation-subject.ts";
import { type BundleCache, bundleKey, isKeepable } from "./bundle-cache.ts";
import { nodeChain, nodeHmac } from "./node-hash.ts";
import type { Sightings } from "./sightings.ts";
import { bundleWeight, readBundle, type VerifiedBundle } from "./verified-bundle.ts";

/** A token whose signature is right, with what only the issuer can have said of it. */
export interface GoodToken extends VerifiedBundle {
  readonly rootKey: RootKey;
  readonly principal: Principal;
  /** By a revocation of any of its links, or because nobody trusts who vouched for its principal any more. */
  readonly revoked: string | undefined;
}

/** A bundle that was verified before, and the key under which its signature was right. */
export interface SeenBundle {
  readonly bundle: VerifiedBundle;
  readonly underKey: Secret;
}

/** What remembers verified bundles: which ones are presented again, and what was found of those. */
export interface Seen {
  readonly sightings: Sightings;
  readonly cache: Pick<BundleCache<SeenBundle>, "find" | "keep">;
}

/** What became of a presented token. Nothing is said of its caveats where its signature is not right. */
export type Examined =
  | { readonly ok: true; readonly token: GoodToken }
  | { readonly ok: false; readonly code: RefusalCode; readonly detail: string };

/** Reads presented tokens and checks everything about them but their caveats. */
export interface Examination {
  /**
   * @param text the token, alone or with its discharges behind it
   * @param discharges further discharges
   * @param platform the platform that asks; tokens of others are as unknown as made-up ones
   *
   * Rejects with `unavailable` where a key or a principal could not be looked up.
   */
  examine(text: string, discharges: readonly string[], platform: string): Promise<Examined>;
  /** As `examine`, for whichever platform's key signed the token. For holders, who prove possession and nothing else. */
  examineAny(text: string): Promise<Examined>;
}

type Presented =
  | {
      readonly ok: true;
      readonly root: UnverifiedMacaroon;
      readonly discharges: readonly UnverifiedMacaroon[];
    }
  | { readonly ok: false; readonly code: "malformed" | "too_large"; readonly detail: string };

function decodeAll(text: string, more: readonly string[]): Presented {
  const size = more.reduce((sum, { length }) => sum + length, text.length);
  if (size > LIMITS.bundleBytes) {
    return {
      ok: false,
      code: "too_large",
      detail: `the token and its discharges exceed ${LIMITS.bundleBytes} bytes`,
    };
  }
  const decoded = decodeBundle(text);
  if (!decoded.ok) return { ...decoded, detail: `the token cannot be read: ${decoded.detail}` };
  const [root, ...discharges] = decoded.macaroons;
  for (const [index, other] of more.entries()) {
    const extra = decodeBundle(other);
    if (!extra.ok) return { ...extra, detail: `discharge ${index} cannot be read: ${extra.detail}` };
    discharges.push(...extra.macaroons);
  }
  return { ok: true, root, discharges };
}

/**
 * What revocations are looked up by. A discharge's links and agents count like the root macaroon's: a call that
 * rests on what has been revoked must not pass, whichever macaroon brought it.
 */
export function subjectOf(token: GoodToken): RevocationSubject {
  return revocationSubject(token, token.rootKey, token.principal);
}

function revocationSubject(
  bundle: VerifiedBundle,
  rootKey: RootKey,
  principal: Principal,
): RevocationSubject {
  return {
    platform: rootKey.platform,
    issuer: principal.issuer,
    subject: principal.subject,
    principalId: principal.id,
    keyId: rootKey.id,
    tokenId: bundle.identifier.tokenId,
    issuedAt: bundle.issuedAt,
    approvals: bundle.approvals,
    agents: bundle.agents,
    revocationIds: bundle.revocationIds,
  };
}

const UNKNOWN_KEY = {
  ok: false,
  code: "unknown_key",
  detail: "no key of this platform signed the token",
} as const;

const REFUSED = {
  too_large: { ok: false, code: "too_large", detail: "the token and its discharges exceed the limits" },
  bad_signature: { ok: false, code: "bad_signature", detail: "the token's signature is wrong" },
} as const;

/**
 * @param trustsDevelopment whether the development identity provider is the one in use
 * @param seen remembers what verification found; only bundles with a right signature enter it
 */
export function createExamination(options: {
  readonly rootKeys: Pick<RootKeys, "find" | "held">;
  readonly principals: Pick<Principals, "find">;
  readonly knowledge: Pick<RevocationKnowledge, "isRevoked">;
  readonly trustsDevelopment: boolean;
  readonly seen: Seen;
}): Examination {
  const { rootKeys, principals, knowledge } = options;
  const { sightings, cache } = options.seen;
  const readCaveat = createCaveatReader();
  // By the secret itself, so that what was derived from a key goes when the key goes.
  const signingKeys = new WeakMap<Secret, SigningKey>();

  function signingKeyOf(key: Secret): SigningKey {
    let derived = signingKeys.get(key);
    if (derived === undefined) {
      derived = signingKey(key.reveal(), nodeHmac);
      signingKeys.set(key, derived);
    }
    return derived;
  }

  function revocationOf(bundle: VerifiedBundle, rootKey: RootKey, principal: Principal): string | undefined {
    const revoked = knowledge.isRevoked(revocationSubject(bundle, rootKey, principal));
    if (revoked) return "the token, or one that it was narrowed from, has been revoked";
    if (principal.development && !options.trustsDevelopment) {
      return "the token was issued to a principal of the development identity provider, which is not in use any more";
    }
    return undefined;
  }

  /** The key that an identifier names, if it is one that the asker's tokens can be under. */
  async function keyFor(keyId: string, platform: string | undefined): Promise<RootKey | undefined> {
    // By the platform that asks: whoever has no credential guesses on the service's own account, not on a platform's.
    const rootKey = rootKeys.held(keyId) ?? (await rootKeys.find(keyId, platform));
    return platform !== undefined && rootKey?.platform !== platform ? undefined : rootKey;
  }

  /**
   * What was found before spares the decoding, the signatures and the reading of caveats, under the very key object
   * that is in use now: one that was read anew, or is another under the same id, is none. Everything that can change
   * between two requests is asked each time: the key, the platform, the principal, the revocations; and time, the
   * context and the freshness of all this by whoever goes on from here.
   */
  async function examineFor(
    text: string,
    more: readonly string[],
    platform: string | undefined,
  ): Promise<Examined> {
    const key = bundleKey(text, more, platform);
    const before = key === undefined ? undefined : cache.find(key);
    if (before !== undefined) {
      const rootKey = await keyFor(before.bundle.identifier.keyId, platform);
      if (rootKey === undefined) return UNKNOWN_KEY;
      if (rootKey.key === before.underKey) return admit(before.bundle, rootKey);
    }

    const presented = decodeAll(text, more);
    if (!presented.ok) return presented;
    const { root, discharges } = presented;
    const identifier = parseIdentifier(root.identifier);
    const rootKey = identifier && (await keyFor(identifier.keyId, platform));
    if (identifier === undefined || rootKey === undefined) return UNKNOWN_KEY;

    const verification = verify({
      root,
      discharges,
      rootKey: signingKeyOf(rootKey.key),
      chain: nodeChain,
    });
    if (!verification.ok) return REFUSED[verification.code];
    const bundle = readBundle(identifier, verification.macaroon, readCaveat);
    if (key !== undefined && sightings.again(root.signature) && isKeepable(text, more)) {
      cache.keep(key, { bundle, underKey: rootKey.key }, key.length + bundleWeight(bundle));
    }
    return admit(bundle, rootKey);
  }

  async function admit(bundle: VerifiedBundle, rootKey: RootKey): Promise<Examined> {
    // Only a key of ours gets here, so a principal that is not there was lost with a database.
    const principal = await principals.find(bundle.identifier.principalId);
    if (principal === undefined || principal.platform !== rootKey.platform) return UNKNOWN_KEY;
    const revoked = revocationOf(bundle, rootKey, principal);
    return { ok: true, token: { ...bundle, rootKey, principal, revoked } };
  }

  return {
    examine: (text, discharges, platform) => examineFor(text, discharges, platform),
    examineAny: (text) => examineFor(text, [], undefined),
  };
}
