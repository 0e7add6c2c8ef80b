import { agentText } from "../caveats/caveat.ts";
import { type Condition, compileCaveat, thirdParty } from "../caveats/condition.ts";
import {
  decodeBundle,
  LIMITS,
  type UnverifiedMacaroon,
  type VerifiedChain,
  type VerifiedMacaroon,
  verify,
} from "../macaroon/index.ts";
import { type Identifier, parseIdentifier } from "./identifier.ts";
import { nodeHmac, nodeSha256 } from "./node-hash.ts";
import type { Principal } from "./ports/principals.ts";
import type { Principals } from "./principals.ts";
import type { RevocationFeed } from "./revocation-feed.ts";
import type { RevocationSubject } from "./revocation-set.ts";
import type { RootKey, RootKeys } from "./root-keys.ts";
import type { RefusalCode } from "./service.ts";
import { uuidv7Time } from "./uuid.ts";

/** A token whose signature is right, with what only the issuer can have said of it. */
export interface GoodToken {
  readonly identifier: Identifier;
  readonly rootKey: RootKey;
  readonly principal: Principal;
  readonly macaroon: VerifiedMacaroon;
  /** The root macaroon's caveats, read. */
  readonly conditions: readonly Condition[];
  /** Those of each discharge, in the given order; empty for one that is invalid. */
  readonly dischargeConditions: readonly (readonly Condition[])[];
  /** By a revocation of any of its links, or because nobody trusts who vouched for its principal any more. */
  readonly revoked: string | undefined;
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

function read(chain: VerifiedChain): readonly Condition[] {
  return chain.caveats.map(({ kind, id, location }) =>
    kind === "third" ? thirdParty(location ?? "") : compileCaveat(id),
  );
}

/** The agents that caveats name, each by its name and, where there is one, with its instance. */
export function agentsOf(conditions: readonly Condition[]): readonly string[] {
  return conditions.flatMap((condition) => {
    if (condition.state !== "known" || condition.caveat.kind !== "agent") return [];
    const { caveat } = condition;
    return caveat.instance === undefined ? [caveat.name] : [caveat.name, agentText(caveat)];
  });
}

/** The approvals that a caveat names. */
function approvalsOf(condition: Condition): readonly string[] {
  return condition.state === "known" && condition.caveat.kind === "approval" ? [condition.caveat.id] : [];
}

/**
 * What revocations are looked up by. A discharge's links and agents count like the root macaroon's: a call that
 * rests on what has been revoked must not pass, whichever macaroon brought it.
 */
export function subjectOf(token: Omit<GoodToken, "revoked">): RevocationSubject {
  const { macaroon, principal, identifier, rootKey } = token;
  const chains = [macaroon, ...macaroon.discharges.filter((discharge) => discharge.state === "good")];
  return {
    platform: rootKey.platform,
    issuer: principal.issuer,
    subject: principal.subject,
    principalId: principal.id,
    keyId: rootKey.id,
    tokenId: identifier.tokenId,
    issuedAt: uuidv7Time(identifier.tokenId),
    approvals: token.dischargeConditions.flat().flatMap(approvalsOf),
    agents: [token.conditions, ...token.dischargeConditions].flatMap(agentsOf),
    revocationIds: chains.flatMap(({ revocationIds }) => revocationIds.map(({ bytes }) => bytes)),
  };
}

const UNKNOWN_KEY = {
  ok: false,
  code: "unknown_key",
  detail: "no key of this platform signed the token",
} as const;

/** @param trustsDevelopment whether the development identity provider is the one in use */
export function createExamination(options: {
  readonly rootKeys: RootKeys;
  readonly principals: Principals;
  readonly feed: RevocationFeed;
  readonly trustsDevelopment: boolean;
}): Examination {
  const { rootKeys, principals, feed } = options;

  function revocationOf(token: Omit<GoodToken, "revoked">): string | undefined {
    const revoked = feed.isRevoked(subjectOf(token));
    if (revoked) return "the token, or one that it was narrowed from, has been revoked";
    if (token.principal.development && !options.trustsDevelopment) {
      return "the token was issued to a principal of the development identity provider, which is not in use any more";
    }
    return undefined;
  }

  async function examineFor(presented: Presented, platform: string | undefined): Promise<Examined> {
    if (!presented.ok) return presented;
    const identifier = parseIdentifier(presented.root.identifier);
    // By the platform that asks: whoever has no credential guesses on the service's own account, not on a platform's.
    const rootKey = identifier && (await rootKeys.find(identifier.keyId, platform));
    if (identifier === undefined || rootKey === undefined) return UNKNOWN_KEY;
    if (platform !== undefined && rootKey.platform !== platform) return UNKNOWN_KEY;

    const { root, discharges } = presented;
    const verification = verify({
      root,
      discharges,
      rootKey: rootKey.key.reveal(),
      hmac: nodeHmac,
      sha256: nodeSha256,
    });
    if (!verification.ok) {
      const tooLarge = verification.code === "too_large";
      const detail = tooLarge
        ? "the token and its discharges exceed the limits"
        : "the token's signature is wrong";
      return { ok: false, code: verification.code, detail };
    }

    // Only a key of ours gets here, so a principal that is not there was lost with a database.
    const principal = await principals.find(identifier.principalId);
    if (principal === undefined || principal.platform !== rootKey.platform) return UNKNOWN_KEY;
    const { macaroon } = verification;
    const token = {
      identifier,
      rootKey,
      principal,
      macaroon,
      conditions: read(macaroon),
      dischargeConditions: macaroon.discharges.map((discharge) =>
        discharge.state === "good" ? read(discharge) : [],
      ),
    };
    return { ok: true, token: { ...token, revoked: revocationOf(token) } };
  }

  return {
    examine: (text, discharges, platform) => examineFor(decodeAll(text, discharges), platform),
    examineAny: (text) => examineFor(decodeAll(text, []), undefined),
  };
}
