import type { JsonObject } from "../../json/value.ts";
import type { ApiAction } from "../../words/actions.ts";
import { ANY_RESOURCE, type Caller, type HumanCaller, type RequestFacts } from "../caller.ts";
import { roleOf } from "../credential-role.ts";
import { DomainError } from "../parts/error.ts";
import type { Clock } from "../ports/clock.ts";
import type { IdTokens } from "../ports/identity.ts";
import { SERVICE_PLATFORM } from "../ports/platforms.ts";
import type { Identity, Session } from "../ports/sessions.ts";
import type { RevocationKnowledge } from "../replica/revocation-knowledge.ts";
import type { Authentication } from "../service.ts";
import { linksOf } from "../verify/bundle-texts.ts";
import { clearToken, refusalOfEnded, whateverResource } from "../verify/clear-token.ts";
import { subjectOf, type TokenVerifier, type VerifiedToken } from "../verify/verify-token.ts";
import { createLoginCheck } from "./standing-login.ts";

const CREDENTIAL_REVOKED = "the credential, or one that it was narrowed from, has been revoked";

function unauthenticated(reason: string): DomainError {
  return new DomainError("unauthenticated", reason);
}

/**
 * Makes the facts that a credential's caveats are cleared against. One map serves all uses of a credential in a request, since
 * nothing keeps it: each use sets what differs.
 */
function factsOf({ method, path, ip }: RequestFacts) {
  const facts = new Map<string, string>().set("method", method).set("path", path);
  if (ip !== undefined) facts.set("ip", ip);
  const put = (name: string, value: string | undefined) =>
    value === undefined ? facts.delete(name) : facts.set(name, value);
  return (action: ApiAction, platform: string | undefined, resource: string | undefined): JsonObject => {
    put("action", action);
    put("platform", platform);
    put("resource", resource);
    return facts;
  };
}

/** The resource that a credential was issued for: the issuer's word, and nothing that a holder appended. */
function issuedResource({ conditions, identifier }: VerifiedToken): string | undefined {
  for (let index = 0; index < identifier.issuedCaveats; index++) {
    const condition = conditions[index];
    if (condition?.state !== "known") continue;
    const { caveat } = condition;
    if (caveat.kind === "equality" && caveat.attribute === "resource" && caveat.operator === "=") {
      return caveat.value;
    }
  }
  return undefined;
}

/** When the person of a session last spoke, unix milliseconds: at its login, or before if the issuer remembered one. */
export function spokeAtOf({ identity, createdAt }: Pick<Session, "identity" | "createdAt">): number {
  return Math.min(identity.authenticatedAt ?? createdAt, createdAt);
}

/** Makes the caller of a person. @param rules administrators are members of these groups of this one issuer */
function humanCaller(
  identity: Identity,
  spokeAt: number,
  rules: { readonly ownIssuer: string; readonly adminGroups: readonly string[] },
): HumanCaller {
  const administrator =
    identity.issuer === rules.ownIssuer && identity.groups.some((group) => rules.adminGroups.includes(group));
  return { kind: "human", identity, administrator, spokeAt };
}

/**
 * Makes the authentication of callers.
 *
 * @param ownIssuer the one issuer that administrators come from
 * @param loginIssuers all issuers that people log in with, so that sessions can be theirs
 */
export function createAuthentication(options: {
  readonly tokenVerifier: TokenVerifier;
  readonly knowledge: Pick<RevocationKnowledge, "requireFresh" | "isRevoked" | "endsLogin">;
  readonly idTokens: IdTokens;
  readonly sessions: { find(cookie: string, from: string): Promise<Session | undefined> };
  readonly clock: Clock;
  readonly ownIssuer: string;
  readonly loginIssuers: ReadonlySet<string>;
  readonly adminGroups: readonly string[];
  readonly trustsDevelopment: boolean;
}): Authentication {
  const { tokenVerifier, knowledge, idTokens, clock } = options;
  const requireStandingLogin = createLoginCheck(options);

  async function macaroon(
    text: string,
    request: RequestFacts,
    requireFresh = knowledge.requireFresh,
  ): Promise<Caller> {
    const verification = await tokenVerifier.verify(text, [], SERVICE_PLATFORM);
    requireFresh();
    if (!verification.ok) throw unauthenticated("the credential is not one of this service");
    const { token } = verification;
    const role = roleOf(token.principal);
    if (role === undefined) throw unauthenticated("the credential is not one of this service");
    // Revocation and expiry hold for every call. The other caveats wait for the action.
    const ended = refusalOfEnded(token, clock.now());
    if (ended?.code === "revoked") throw unauthenticated(CREDENTIAL_REVOKED);
    if (ended !== undefined) throw unauthenticated(`the credential is over: ${ended.detail}`);

    // The sender of a body can hold it back for half a minute: by then the credential may have been revoked or be
    // over. Each use of the credential therefore asks for its revocations and clears its caveats anew.
    const subject = subjectOf(token);
    const asItStands = (): VerifiedToken =>
      token.revoked === undefined && knowledge.isRevoked(subject)
        ? { ...token, revoked: CREDENTIAL_REVOKED }
        : token;
    const facts = factsOf(request);
    const issuedFor = issuedResource(token);
    const links = linksOf(token);
    return {
      kind: "service",
      ...role,
      credentialId: token.identifier.tokenId,
      links,
      narrowed: links.slice(token.identifier.issuedCaveats + 1),
      resource: issuedFor,
      refuses(action, platform, resource = issuedFor) {
        const standing = resource === ANY_RESOURCE ? whateverResource(asItStands()) : asItStands();
        // No resource asks this API itself: a credential is bound by `resource`, and an `aud` on one never passes.
        const { refusal } = clearToken(standing, facts(action, platform, resource), clock.now(), undefined);
        return refusal && `the credential does not allow this: ${refusal.detail}`;
      },
    };
  }

  async function idToken(text: string): Promise<Caller> {
    const verified = await idTokens.verify(text);
    if (!verified.ok) {
      throw new DomainError("unauthenticated", verified.reason, undefined, verified.facts);
    }
    const { identity, issuedAt } = verified;
    const caller = humanCaller(identity, identity.authenticatedAt ?? issuedAt, options);
    requireStandingLogin(caller);
    // An issuer's clock that is ahead makes none of its later words an older one.
    return { ...caller, saidAt: Math.min(issuedAt, clock.now()) };
  }

  return {
    // No base64 holds a dot and every JWT in compact form does (RFC 7515 §7.1).
    bearer: (text, request) => (text.includes(".") ? idToken(text) : macaroon(text, request)),

    async session(cookie, from) {
      const session = await options.sessions.find(cookie, from);
      // A session ends with the trust in the issuer that began it, the development provider first of all.
      const trusted =
        session !== undefined &&
        options.loginIssuers.has(session.identity.issuer) &&
        (!session.identity.development || options.trustsDevelopment);
      if (!trusted) throw unauthenticated("the session has ended");
      const caller = humanCaller(session.identity, spokeAtOf(session), options);
      requireStandingLogin(caller);
      const { id, createdAt } = session;
      return { ...caller, saidAt: createdAt, sessionBegunAt: createdAt, sessionId: id };
    },

    async mayReadHealth(text, request) {
      try {
        const caller = await macaroon(text, request, () => undefined);
        return caller.kind === "service" && caller.refuses("read", undefined) === undefined;
      } catch {
        return false;
      }
    },
  };
}
