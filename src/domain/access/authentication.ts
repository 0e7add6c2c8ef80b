import type { JsonObject } from "../../json/value.ts";
import type { Caller, HumanCaller } from "../caller.ts";
import { roleOf } from "../credential-role.ts";
import { DomainError } from "../parts/error.ts";
import type { Clock } from "../ports/clock.ts";
import type { IdTokens } from "../ports/identity.ts";
import { SERVICE_PLATFORM } from "../ports/platforms.ts";
import type { Identity, Session } from "../ports/sessions.ts";
import type { RevocationKnowledge } from "../replica/revocation-knowledge.ts";
import type { Authentication } from "../service.ts";
import { judge } from "../verify/clear-token.ts";
import { type Examination, type GoodToken, subjectOf } from "../verify/verify-token.ts";

function unauthenticated(reason: string): DomainError {
  return new DomainError("unauthenticated", reason);
}

/** A person, with what follows from who they are. @param rules the one issuer whose groups can make an administrator */
export function humanCaller(
  identity: Identity,
  rules: { readonly ownIssuer: string; readonly adminGroups: readonly string[] },
): HumanCaller {
  const administrator =
    identity.issuer === rules.ownIssuer && identity.groups.some((group) => rules.adminGroups.includes(group));
  return { kind: "human", identity, administrator };
}

/**
 * Finds out who is calling.
 *
 * @param ownIssuer the one issuer whose groups can make an administrator
 */
export function createAuthentication(options: {
  readonly examination: Examination;
  readonly knowledge: Pick<RevocationKnowledge, "requireFresh" | "isRevoked">;
  readonly idTokens: IdTokens;
  readonly sessions: { find(cookie: string): Promise<Session | undefined> };
  readonly clock: Clock;
  readonly ownIssuer: string;
  readonly adminGroups: readonly string[];
  readonly trustsDevelopment: boolean;
}): Authentication {
  const { examination, knowledge, idTokens, clock } = options;

  async function macaroon(text: string, request: Parameters<Authentication["bearer"]>[1]): Promise<Caller> {
    const examined = await examination.examine(text, [], SERVICE_PLATFORM);
    knowledge.requireFresh();
    if (!examined.ok) throw unauthenticated("the credential is not one of this service");
    const { token } = examined;
    const role = roleOf(token.principal);
    if (role === undefined) throw unauthenticated("the credential is not one of this service");

    const contextFor = (action: string | undefined, platform: string | undefined): JsonObject => {
      const facts = new Map([
        ["method", request.method],
        ["path", request.path],
        ["ip", request.ip],
      ]);
      if (action !== undefined) facts.set("action", action);
      if (platform !== undefined) facts.set("platform", platform);
      return facts;
    };
    // A body can be held back for half a minute, and whoever holds it back decides when it comes: by then the
    // credential may have been revoked, or be over.
    const standing = (): GoodToken =>
      token.revoked === undefined && knowledge.isRevoked(subjectOf(token))
        ? { ...token, revoked: "the credential has been revoked" }
        : token;
    // Revoked and expired hold whatever the call is for; the other caveats wait for the action.
    const { refusal } = judge(token, contextFor(undefined, undefined), clock.now());
    if (refusal?.code === "revoked" || refusal?.code === "expired") throw unauthenticated(refusal.detail);
    // A request is about one thing, and is asked about it before its body is read and again by the use case. What
    // was found holds until the credential is over or revoked.
    let last:
      | { readonly action: string; readonly platform: string | undefined; readonly refusal?: string }
      | undefined;
    return {
      kind: "service",
      ...role,
      credentialId: token.identifier.tokenId,
      refuses(action, platform) {
        const now = clock.now();
        const current = standing();
        const holds = current.revoked === undefined && now < token.endsAt;
        if (holds && last?.action === action && last.platform === platform) return last.refusal;
        const { refusal } = judge(current, contextFor(action, platform), now);
        last = {
          action,
          platform,
          ...(refusal && { refusal: `the credential does not allow this: ${refusal.detail}` }),
        };
        return last.refusal;
      },
    };
  }

  return {
    async bearer(text, request) {
      // No base64 holds a dot and every JWT in compact form does (RFC 7515 §7.1).
      if (!text.includes(".")) return macaroon(text, request);
      const verdict = await idTokens.verify(text);
      if (!verdict.ok) throw unauthenticated(verdict.reason);
      return humanCaller(verdict.identity, options);
    },

    async session(cookie) {
      const session = await options.sessions.find(cookie);
      // A session ends with the trust in the issuer that began it, the development provider first of all.
      const trusted =
        session?.identity.issuer === options.ownIssuer &&
        (!session.identity.development || options.trustsDevelopment);
      if (session === undefined || !trusted) {
        throw unauthenticated("the session has ended");
      }
      return { ...humanCaller(session.identity, options), sessionBegunAt: session.createdAt };
    },
  };
}
