import * as client from "openid-client";

import { DomainError } from "../domain/parts/error.ts";
import { CLOCK_SKEW } from "../domain/parts/token-claims.ts";
import type { Clock } from "../domain/ports/clock.ts";
import type { LoginAttempt, LoginOutcome, RelyingParty } from "../domain/ports/identity.ts";
import type { Randomness } from "../domain/ports/randomness.ts";
import { type GroupsClaim, USUAL_GROUPS_CLAIM } from "./groups-claim.ts";
import { readIdentity } from "./id-token-claims.ts";
import { parseIdToken } from "./id-token-parse.ts";
import { createIdTokenVerifier } from "./id-token-verifier.ts";
import { type Fetch, issuerUnavailable, shownAddress } from "./issuer-fetch.ts";
import type { IssuerDescription, IssuerMetadata } from "./issuer-metadata.ts";
import { issuerName } from "./issuer-name.ts";
import { createIssuerSource, type IssuerTiming } from "./issuer-source.ts";
import { loginFailure } from "./login-failure.ts";
import { clientAuthenticationFor, LOGIN_NONCE, randomText, scopesFor } from "./login-request.ts";
import { endSessionUrl } from "./logout-request.ts";
import { redeemCode, type Tokens } from "./token-request.ts";
import { askUserInfo } from "./user-info.ts";

/** How long a login may take, milliseconds. */
const LOGIN_TIME = 10 * 60_000;

// Asked for so that every certified issuer says when the human last logged in (OpenID Connect Core
// §3.1.2.1: max_age makes auth_time required); seconds. Not insisted on: some issuers know neither.
const MAX_AGE = 24 * 60 * 60;

/** Options of {@link createRelyingParty}. */
export interface RelyingPartyOptions {
  readonly issuer: string;
  readonly clientId: string;
  /** Absent for a public client. */
  readonly clientSecret?: string;
  /** As it is registered with the issuer, character by character. */
  readonly redirectUri: string;
  /** Whether the issuer is the development identity provider. */
  readonly development: boolean;
  /** Accept an http address of this machine as issuer. Implied by `development`. */
  readonly allowInsecureIssuer?: boolean;
  /** The tenants of an issuer of many that are let in, the service's own first. */
  readonly tenants?: readonly string[];
  /** The origin at which this service reaches the issuer, in place of the one that browsers use. */
  readonly backChannel?: string | undefined;
  /** The claim that holds the groups; `groups` unless said. */
  readonly groupsClaim?: GroupsClaim;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly fetch?: Fetch;
  readonly timing?: Partial<IssuerTiming>;
}

/** A relying party that can be asked whether logins would work. */
export interface CheckedRelyingParty extends RelyingParty {
  /** Reads the issuer's description. Rejects with a DomainError `unavailable` if no login can begin by it. */
  check(): Promise<void>;
}

/**
 * Logs humans in with one issuer: authorization code flow with PKCE S256, state and nonce (OpenID Connect
 * Core §3.1, RFC 7636, RFC 9700 §2.1.1).
 *
 * The issuer is first asked when the first login begins, so the service starts without it.
 *
 * @throws TypeError for an issuer that is no acceptable address
 */
export function createRelyingParty(options: RelyingPartyOptions): CheckedRelyingParty {
  const { issuer, clientId, clientSecret, redirectUri, development, clock, randomness } = options;
  const { groupsClaim = USUAL_GROUPS_CLAIM } = options;
  const allowInsecureIssuer = options.allowInsecureIssuer ?? development;
  const name = issuerName(issuer, options.tenants);
  const source = createIssuerSource({
    name,
    allowInsecureIssuer,
    backChannel: options.backChannel,
    clock,
    fetch: options.fetch,
    timing: options.timing,
  });
  const verifier = createIdTokenVerifier({ name, audiences: [clientId], source, clock });

  function configure(metadata: IssuerMetadata): client.Configuration {
    const config = new client.Configuration(
      { ...metadata },
      clientId,
      {
        // openid-client reads the system's clock; the service's own decides.
        [client.clockSkew]: Math.round((clock.now() - Date.now()) / 1_000),
        [client.clockTolerance]: CLOCK_SKEW / 1_000,
      },
      authentication(metadata, clientSecret),
    );
    config[client.customFetch] = (url, init) => source.fetch(url, asRequestInit(init));
    // The addresses are checked by the source's fetch, with the loopback rule that this lacks.
    if (allowInsecureIssuer) client.allowInsecureRequests(config);
    return config;
  }

  /** The endpoint of a login, or an outage that says why there is none. */
  function requireEndpoint(
    { metadata, unusable }: IssuerDescription,
    name: "authorization_endpoint" | "token_endpoint",
  ): void {
    if (metadata[name] !== undefined) return;
    throw endpointUnusable(name, unusable[name]);
  }

  function endpointUnusable(name: string, fault: string | undefined): DomainError {
    const named = fault === undefined ? `no ${name}` : `a ${name} that ${fault}`;
    const facts = { step: "discovery", member: name, address: shownAddress(issuer) };
    return issuerUnavailable(`its configuration names ${named}`, facts);
  }

  return {
    async check() {
      const documents = await source.current();
      requireEndpoint(documents, "authorization_endpoint");
      requireEndpoint(documents, "token_endpoint");
      const { userinfo_endpoint } = documents.unusable;
      if (userinfo_endpoint !== undefined) throw endpointUnusable("userinfo_endpoint", userinfo_endpoint);
    },

    async begin(returnTo, { maxAge = MAX_AGE, acr } = {}) {
      const documents = await source.current();
      const { metadata } = documents;
      requireEndpoint(documents, "authorization_endpoint");
      requireEndpoint(documents, "token_endpoint");
      const attempt: LoginAttempt = {
        state: randomText(randomness),
        nonce: `${LOGIN_NONCE}${randomText(randomness)}`,
        codeVerifier: randomText(randomness),
        returnTo,
        startedAt: clock.now(),
      };
      const url = client.buildAuthorizationUrl(configure(metadata), {
        redirect_uri: redirectUri,
        scope: scopesFor(metadata),
        state: attempt.state,
        nonce: attempt.nonce,
        code_challenge: await client.calculatePKCECodeChallenge(attempt.codeVerifier),
        code_challenge_method: "S256",
        max_age: String(maxAge),
        ...(acr === undefined ? {} : { acr_values: acr.join(" ") }),
      });
      return { url: url.href, attempt };
    },

    async finish(attempt, callback): Promise<LoginOutcome> {
      const age = clock.now() - attempt.startedAt;
      if (age > LOGIN_TIME || age < -CLOCK_SKEW) return refuse("the login took longer than 10 minutes");
      if (callback.searchParams.getAll("state").length !== 1) return refuse("the login's state is missing");
      if (callback.searchParams.get("state") !== attempt.state) {
        return refuse("the login was begun in another browser or another tab");
      }

      const { metadata, unusable } = await source.current();
      const config = configure(metadata);
      // The host that the browser named is its own claim; the code was issued for this address.
      const current = new URL(redirectUri);
      current.search = callback.search;
      let tokens: Tokens;
      try {
        tokens = await redeemCode(config, current, attempt);
      } catch (error) {
        return loginFailure(error);
      }
      if (tokens.idToken === undefined) return refuse("the identity provider gave no ID token", "token");

      // Checked by the code that checks bearer tokens, so that there is one rule for identities.
      const parsed = parseIdToken(tokens.idToken);
      if (!parsed.ok) return refuse(parsed.reason, "id_token");
      const verified = await verifier.verify(tokens.idToken, parsed.token, attempt.nonce);
      if (!verified.ok) return refuse(verified.reason, "id_token");
      const { claims } = verified;
      const userInfo = await askUserInfo(config, tokens.accessToken, claims, {
        groupsClaim,
        unusable: unusable.userinfo_endpoint,
      });
      const now = clock.now();
      const reading = readIdentity(claims, {
        issuer: verified.issuer,
        development,
        now,
        groupsClaim,
        userInfo,
      });
      if (!reading.ok) return { facts: { step: "id_token" }, ...reading };
      return {
        ...reading,
        ...(userInfo.kind === "failed" ? { facts: userInfo.facts } : {}),
        ...(metadata.end_session_endpoint === undefined ? {} : { logoutHint: tokens.idToken }),
      };
    },

    async logoutUrl(hint) {
      const { metadata } = await source.current();
      if (metadata.end_session_endpoint === undefined) return undefined;
      return endSessionUrl(metadata.end_session_endpoint, { clientId, redirectUri, hint });
    },
  };
}

function authentication(metadata: IssuerMetadata, secret: string | undefined): client.ClientAuth {
  switch (clientAuthenticationFor(metadata, secret !== undefined)) {
    case "none":
      return client.None();
    case "client_secret_basic":
      return client.ClientSecretBasic(secret);
    case "client_secret_post":
      return client.ClientSecretPost(secret);
    case "client_secret_jwt":
      return client.ClientSecretJwt(secret);
  }
}

function asRequestInit(init: client.CustomFetchOptions): RequestInit {
  const { body, headers, method, signal } = init;
  if (body instanceof ReadableStream)
    throw new DomainError("unavailable", "a streamed request is not supported");
  return { headers, method, body: body ?? null, ...(signal === undefined ? {} : { signal }) };
}

function refuse(reason: string, step = "callback"): LoginOutcome {
  return { ok: false, reason, facts: { step } };
}
