import { GrantGone, type Redemption } from "../issue/issuing.ts";
import { OAuthError } from "../oauth-error.ts";
import type { OAuth } from "../oauth-service.ts";
import { atMostOnce } from "../parts/at-most-once.ts";
import { DomainError } from "../parts/error.ts";
import { REFRESH_REPEAT } from "../parts/lifetimes.ts";
import { uuidv7 } from "../parts/uuid.ts";
import type { Family, Granted, Redeeming, StoredCode } from "../ports/oauth.ts";
import { createAssertionGrant, JWT_BEARER } from "./assertion-grant.ts";
import type { Client } from "./client.ts";
import { type Credentials, type FormParameters, formOf, readCredentials } from "./client-auth.ts";
import { createDeviceGrant, DEVICE_CODE } from "./devices.ts";
import { createExchange, type ExchangeOptions, TOKEN_EXCHANGE } from "./exchange.ts";
import { isVerifier, meetsChallenge } from "./pkce.ts";
import { answerOf, createRedeeming, familyOfCode, familyToken, invalidGrant, personOf } from "./redeeming.ts";
import { familyOf, hashOf, isCode, isSecret, type MadeSecret, openAnswer, sealAnswer } from "./secrets.ts";
import { caveatsOf, lifeOf } from "./shape.ts";
import { asksForVerdict, createVerdictGrant, type VerdictOptions } from "./verdict-grant.ts";

/** Most links of a family's living tokens: all of them are held against the revocation log when it goes on. */
const MOST_LINKS = 300;

const wrong = (why: string) => new OAuthError("invalid_request", why);

const provenClient = ({ proven, clientId }: Granted) => (proven ? clientId : undefined);

const mintingFor = (grant: Granted, { name }: Client) => ({
  caller: personOf(grant),
  platform: grant.platform,
  label: name,
});

/**
 * The token endpoint (RFC 6749 §3.2) and the revocation of refresh tokens (RFC 7009).
 *
 * The order of durable effects of a redeem: (1) the token's record with the family's row, the code's end and the audit event, by
 * one statement that holds the code or family and then the revocation log; (2) the answer. Redeems that arrive together are
 * gathered, as issues are. Of two at once one wins; the other finds the code used.
 */
export function createTokenEndpoint(
  options: ExchangeOptions & VerdictOptions,
): Pick<OAuth, "token" | "revoke"> {
  const { store, randomness, secrets, endings } = options;
  const redeeming = createRedeeming(options);
  const { lookUp, authenticated, resourceOf, scopesOf, sessionEnd, mint } = redeeming;
  const redeemAssertion = createAssertionGrant(options, redeeming);
  const exchange = createExchange(options, redeeming);
  const signVerdict = createVerdictGrant(options, redeeming);

  async function redeemCode(form: FormParameters, credentials: Credentials, from: string): Promise<string> {
    const text = form.get("code");
    const verifier = form.get("code_verifier");
    if (text === undefined) throw wrong("code is missing");
    if (verifier === undefined) throw wrong("code_verifier is missing");
    if (!isVerifier(verifier)) throw wrong("code_verifier is malformed");
    const hash = hashOf(text);
    const find = atMostOnce(
      async (): Promise<StoredCode | Family | undefined> =>
        isCode(text)
          ? lookUp(
              text,
              from,
              async () => (await store.oauth.findCode(hash)) ?? store.oauth.findFamilyOfCode(hash),
            )
          : undefined,
    );
    const client = await authenticated(credentials, from, find);
    const found = await find();
    if (found?.clientId !== client.id) throw invalidGrant("the code is not good, or no longer");
    if ("codeHash" in found) return usedTwice(found);
    if (!meetsChallenge(verifier, found.challenge)) throw invalidGrant("code_verifier is not the code's");
    const redirect = form.get("redirect_uri");
    if (redirect !== undefined && redirect !== found.redirectUri)
      throw invalidGrant("redirect_uri is another");
    return redeemStored(found, client, form, "authorization_code");
  }

  /** Redeems a code, or what a person let a device have: that is kept as one. @param grant its type, for the audit event */
  async function redeemStored(
    found: StoredCode,
    client: Client,
    form: FormParameters,
    grant: string,
  ): Promise<string> {
    const resource = await resourceOf(form, found);
    const scopes = scopesOf(form, found, resource);

    let refresh: MadeSecret | undefined;
    const redemption: Redemption = {
      weight: 0,
      details: { grant, client_id: client.id },
      shape(rule, now) {
        if (now >= found.expiresAt) throw invalidGrant("the code has expired");
        const ends = sessionEnd(rule, { createdAt: now, spokeAt: found.spokeAt });
        const life = Math.min(lifeOf(resource, rule), (ends ?? Number.POSITIVE_INFINITY) - now);
        if (life <= 0) throw invalidGrant("the login is too long ago");
        return { caveats: caveatsOf({ resource, scopes, client: provenClient(found) }, rule), life };
      },
      record({ token, links }, rule): Redeeming {
        const id = uuidv7(token.issuedAt, randomness);
        const ends = sessionEnd(rule, { createdAt: token.issuedAt, spokeAt: found.spokeAt });
        refresh = ends === undefined ? undefined : secrets.refresh(id);
        // Without a refresh token it is there for a second use of the code alone.
        const endsAt = ends ?? token.expiresAt;
        const family = familyOfCode(found, { id, tokenHash: refresh?.hash ?? null, endsAt, token, links });
        return { kind: "code", code: found, family };
      },
    };
    try {
      const { answer } = await mint({ ...mintingFor(found, client), redemption });
      return JSON.stringify(answerOf(answer.token, answer.expiresAt - answer.issuedAt, scopes, refresh));
    } catch (error) {
      if (!(error instanceof GrantGone)) throw error;
      const winner = await store.oauth.findFamilyOfCode(found.hash);
      return winner === undefined ? goneCode() : usedTwice(winner);
    }
  }

  function goneCode(): never {
    throw invalidGrant("the code is not good, or no longer");
  }

  const redeemDevice = createDeviceGrant(options, redeeming, { redeemStored, usedTwice });

  /** RFC 6749 §4.1.2: the second user of a code may be the thief, or the first was. */
  async function usedTwice(family: Family): Promise<never> {
    await endings.endFamily(family, "its code was used a second time");
    throw invalidGrant("the code was used before: what it gave is revoked");
  }

  /** Finds the family of a presented refresh token; undefined for a text that was never one of it. */
  async function findFamily(text: string, from: string): Promise<Family | undefined> {
    const id = familyOf(text);
    if (id === undefined) return undefined;
    const family = await lookUp(text, from, () => store.oauth.findFamily(id));
    if (family === undefined) return undefined;
    const isOne = [family.tokenHash, family.replacedHash].some(
      (hash) => hash !== null && isSecret(text, hash),
    );
    return isOne || secrets.isMarked(text) ? family : undefined;
  }

  async function redeemRefresh(
    form: FormParameters,
    credentials: Credentials,
    from: string,
  ): Promise<string> {
    const text = form.get("refresh_token");
    if (text === undefined) throw wrong("refresh_token is missing");
    const find = atMostOnce(() => findFamily(text, from));
    const client = await authenticated(credentials, from, find);
    return refreshed(text, form, client, await find(), true);
  }

  async function refreshed(
    text: string,
    form: FormParameters,
    client: Client,
    before: Family | undefined,
    mayRepeat: boolean,
  ): Promise<string> {
    if (before?.clientId !== client.id) throw invalidGrant("the refresh token is not good, or no longer");
    if (before.tokenHash === null || !isSecret(text, before.tokenHash)) return replaced(text, before);
    const resource = await resourceOf(form, before);
    const scopes = scopesOf(form, before, resource);
    const links = before.tokens.reduce((sum, token) => sum + token.links.length, 0);
    const refresh = secrets.refresh(before.id);
    const redemption: Redemption = {
      weight: links,
      details: { grant: "refresh_token", client_id: client.id, family: before.id },
      shape(rule, now) {
        const ends = Math.min(before.endsAt, sessionEnd(rule, before) ?? 0);
        if (ends <= now) throw invalidGrant("the session has ended: let the person log in again");
        const life = Math.min(lifeOf(resource, rule), ends - now);
        return { caveats: caveatsOf({ resource, scopes, client: provenClient(before) }, rule), life };
      },
      record({ text: newToken, token, links: newLinks }, rule): Redeeming {
        const alive = before.tokens.filter(({ expiresAt }) => expiresAt > token.issuedAt);
        const tokens = [...alive, familyToken(token, newLinks)];
        if (tokens.reduce((sum, one) => sum + one.links.length, 0) > MOST_LINKS) {
          throw new DomainError("rate_limited", "too many of the session's tokens are alive: use the newest");
        }
        const said = answerOf(newToken, token.expiresAt - token.issuedAt, scopes, refresh);
        const after: Family = {
          ...before,
          tokenHash: refresh.hash,
          replacedHash: hashOf(text),
          replacedAt: token.issuedAt,
          answer: sealAnswer(JSON.stringify(said), text, before.id, randomness),
          tokens,
          endsAt: Math.min(before.endsAt, sessionEnd(rule, before) ?? before.endsAt),
        };
        return { kind: "refresh", before, after };
      },
    };
    try {
      const { answer } = await mint({ ...mintingFor(before, client), redemption });
      return JSON.stringify(answerOf(answer.token, answer.expiresAt - answer.issuedAt, scopes, refresh));
    } catch (error) {
      if (!(error instanceof GrantGone) || !mayRepeat) throw error;
      // Another request with the same token was first: its answer is this one's, too.
      return refreshed(text, form, client, await store.oauth.findFamily(before.id), false);
    }
  }

  /** A refresh token that was replaced: the same answer for a while, then a theft. */
  async function replaced(text: string, family: Family): Promise<string> {
    const { replacedHash, replacedAt, answer } = family;
    const isLast = replacedHash !== null && isSecret(text, replacedHash);
    const isSoon = replacedAt !== null && (await store.now()) - replacedAt < REFRESH_REPEAT;
    const kept = isLast && isSoon && answer !== null ? openAnswer(answer, text, family.id) : undefined;
    if (kept === undefined) {
      await endings.endFamily(family, "a refresh token was used a second time");
      throw invalidGrant("the refresh token was used before: what its session gave is revoked");
    }
    await requireAlive(family);
    return kept;
  }

  async function requireAlive(family: Family): Promise<void> {
    const { identity, platform, spokeAt } = family;
    const { issuer, subject } = identity;
    const hasEnded = await store.transaction("repeat refresh", async ({ revocations, oauth }) => {
      if (await revocations.endsGrant({ issuer, subject, platform, spokeAt })) return true;
      // With a consent that was taken back the family alone ends.
      if ((await oauth.findFamily(family.id)) === undefined) return true;
      return oauth.isMortallyHit(family, family.tokens);
    });
    if (hasEnded) throw invalidGrant("it was revoked: let the person log in again");
  }

  return {
    async token(request) {
      const form = formOf(request);
      const grant = form.get("grant_type");
      if (grant === undefined) throw wrong("grant_type is missing");
      switch (grant) {
        case "authorization_code":
          return redeemCode(form, readCredentials(form, request), request.from);
        case "refresh_token":
          return redeemRefresh(form, readCredentials(form, request), request.from);
        case DEVICE_CODE:
          return redeemDevice(form, readCredentials(form, request), request.from);
        case JWT_BEARER:
          return redeemAssertion(form, request);
        case TOKEN_EXCHANGE:
          return asksForVerdict(form) ? signVerdict(form, request) : exchange(form, request);
        default:
          throw new OAuthError("unsupported_grant_type", "grant_type is not served");
      }
    },

    async revoke(request) {
      const text = request.parameters.find(([name]) => name === "token")?.[1] ?? "";
      const form = formOf(request);
      const credentials = readCredentials(form, request);
      const find = atMostOnce(() => findFamily(text, request.from));
      // Nothing is fetched for a client that has nothing here, and nothing is left to do (RFC 7009 §2.2).
      if (options.clients.urlOf(credentials.clientId) !== undefined && (await find()) === undefined) return;
      const client = await authenticated(credentials, request.from, find);
      const family = await find();
      if (family === undefined) return;
      if (family.clientId !== client.id)
        throw new OAuthError("invalid_client", "the token is another client's");
      await endings.endFamily(family, "its client gave it back");
    },
  };
}
