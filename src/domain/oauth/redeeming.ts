import type { AssertionDesk } from "../access/assertions.ts";
import { actorOf } from "../audit.ts";
import type { HumanCaller } from "../caller.ts";
import type { Issued, Issuing, Redemption } from "../issue/issuing.ts";
import type { RootKeys } from "../keys/root-keys.ts";
import { OAuthError } from "../oauth-error.ts";
import type { TokenAnswer } from "../oauth-service.ts";
import { DomainError } from "../parts/error.ts";
import { MAX_TOKEN_LIFE } from "../parts/lifetimes.ts";
import { networkOf } from "../parts/network.ts";
import { payerName } from "../parts/turn.ts";
import { readVoucher } from "../parts/voucher.ts";
import { payerOf } from "../payer.ts";
import type { Family, FamilyToken, Granted, StoredCode } from "../ports/oauth.ts";
import type { PolicyRule } from "../ports/policy.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Store } from "../ports/store.ts";
import type { TokenRecord } from "../ports/tokens.ts";
import type { Principals } from "../principals.ts";
import type { Client } from "./client.ts";
import type { Credentials, FormParameters } from "./client-auth.ts";
import type { ClientFinder } from "./clients.ts";
import type { Endings } from "./endings.ts";
import type { OAuthResource, OAuthResources } from "./outside.ts";
import { isWithin, readScope } from "./scope.ts";
import { hashOf, type MadeSecret, type OAuthSecrets } from "./secrets.ts";

/** A refusal of the grant that is presented to be redeemed. */
export const invalidGrant = (why: string) => new OAuthError("invalid_grant", why);

/** Bounds the look-ups of secrets that a stranger may have made up. */
export type LookUps = {
  find<T>(
    secret: string,
    from: string,
    load: () => Promise<T | undefined>,
    isOurs?: boolean,
  ): Promise<T | undefined>;
};

/** The parts that the token endpoint needs. */
export interface TokenOptions {
  readonly store: Store;
  readonly randomness: Randomness;
  /** Issues a token under policy, gathered with all others. */
  readonly issueOne: Issuing;
  readonly secrets: OAuthSecrets;
  readonly rootKeys: RootKeys;
  readonly principals: Pick<Principals, "remember">;
  readonly clients: ClientFinder;
  readonly authenticate: (client: Client, credentials: Credentials) => Promise<void>;
  readonly resources: OAuthResources;
  readonly endings: Endings;
  readonly assertions: AssertionDesk;
  readonly lookUps: LookUps;
}

/** The person of a grant, as the caller of the issue that it is redeemed for. */
export function personOf({ identity, spokeAt }: Granted): HumanCaller {
  return { kind: "human", identity, administrator: false, spokeAt };
}

/** The answer of the token endpoint. @param life of the token, milliseconds */
export function answerOf(
  token: string,
  life: number,
  scopes: readonly string[],
  refresh: MadeSecret | undefined,
): TokenAnswer {
  return {
    access_token: token,
    token_type: "Bearer",
    expires_in: Math.floor(life / 1000),
    ...(refresh === undefined ? {} : { refresh_token: refresh.text }),
    ...(scopes.length === 0 ? {} : { scope: scopes.join(" ") }),
  };
}

/** A token as its family remembers it. */
export const familyToken = (
  { id, keyId, expiresAt }: TokenRecord,
  links: readonly Uint8Array[],
): FamilyToken => ({
  id,
  keyId,
  links: [...new Set(links.map((link) => Buffer.from(link).toString("base64url")))],
  expiresAt,
});

/** The family that a code begins with its first token. @param tokenHash of its refresh token; null if it gets none */
export function familyOfCode(
  code: StoredCode,
  first: Pick<Family, "id" | "tokenHash" | "endsAt"> & {
    readonly token: TokenRecord;
    readonly links: readonly Uint8Array[];
  },
): Family {
  const { hash: codeHash, redirectUri: _uri, challenge: _challenge, expiresAt: _end, ...granted } = code;
  const { id, tokenHash, endsAt, token, links } = first;
  return {
    ...granted,
    id,
    codeHash,
    tokenHash,
    replacedHash: null,
    replacedAt: null,
    answer: null,
    tokens: [familyToken(token, links)],
    createdAt: token.issuedAt,
    endsAt,
  };
}

/** A token that the token endpoint is to mint. */
interface Minting {
  /** The person or workload that it is for. */
  readonly caller: HumanCaller;
  readonly platform: string;
  /** The client's name, for lists of tokens; undefined without a client. */
  readonly label: string | undefined;
  readonly redemption: Redemption;
}

/** The steps that every grant takes at the token endpoint. */
export function createRedeeming(options: TokenOptions) {
  const { store, issueOne, secrets, clients, resources, lookUps } = options;

  const lookUp = <T>(secret: string, from: string, load: () => Promise<T | undefined>) =>
    lookUps.find(
      `oauth ${Buffer.from(hashOf(secret)).toString("base64url")}`,
      from,
      load,
      secrets.isMarked(secret),
    );

  /** Finds a client by its id and lets it authenticate. A document is fetched for a grant that is the client's alone. */
  async function authenticated(
    credentials: Credentials,
    from: string,
    grantOf: () => Promise<Pick<Granted, "clientId" | "platform"> | undefined>,
  ): Promise<Client> {
    const { clientId } = credentials;
    const url = clients.urlOf(clientId);
    const client = url === undefined ? await clients.registered(clientId, from) : await byDocument(url);
    if (client === undefined) throw new OAuthError("invalid_client", "the client is not known here");
    await options.authenticate(client, credentials);
    return client;

    async function byDocument(address: URL): Promise<Client | undefined> {
      const grant = await grantOf();
      if (grant?.clientId !== clientId) throw invalidGrant("it is not good, or no longer");
      const platform = await store.platforms.find(grant.platform);
      if (platform === undefined) return undefined;
      const reading = await clients.byDocument(address, platform.policy, networkOf(from));
      if (reading.ok) return reading.client;
      throw new OAuthError(reading.busy ? "temporarily_unavailable" : "invalid_client", reading.why);
    }
  }

  /** The resource that a token is for: the grant's own, which the request may name again. */
  async function resourceOf(form: FormParameters, grant: Granted): Promise<OAuthResource> {
    const own = await resources.find(grant.resource);
    const named = form.get("resource");
    const said = named === undefined ? own : await resources.find(named);
    if (own === undefined || said?.resource !== own.resource) {
      throw new OAuthError("invalid_target", "resource is not the one that was granted");
    }
    if (own.platform !== grant.platform) throw invalidGrant("the resource belongs to another platform now");
    return own;
  }

  /** The scopes of a token: those granted, as far as they are asked for and the resource still has them. Never more. */
  function scopesOf(form: FormParameters, grant: Granted, resource: OAuthResource): readonly string[] {
    const asked = readScope(form.get("scope") ?? "");
    if (asked === undefined || !isWithin(asked, grant.scopes)) {
      throw new OAuthError("invalid_scope", "scope is malformed, or wider than what was granted");
    }
    const wanted = asked.length === 0 ? grant.scopes : asked;
    const left = wanted.filter((one) => resource.scopes.some(({ scope }) => scope === one));
    // Without a scope it would be good for those that the resource has got since.
    if (left.length === 0 && (grant.scopes.length > 0 || resource.scopes.length > 0))
      throw invalidGrant("the resource has none of its scopes");
    return left;
  }

  /** When a family ends by policy, unix milliseconds; undefined if it gets no refresh token. */
  function sessionEnd(
    { session }: PolicyRule,
    { createdAt, spokeAt }: Pick<Family, "createdAt" | "spokeAt">,
  ) {
    return session === undefined ? undefined : Math.min(createdAt + session * 1000, spokeAt + MAX_TOKEN_LIFE);
  }

  /** Mints for a grant. @throws OAuthError `invalid_grant` if anything has ended it, or policy does not admit its principal */
  async function mint({ caller, platform, label, redemption }: Minting): Promise<Issued> {
    await options.rootKeys.prepare(platform);
    const { identity, claims, spokeAt } = caller;
    const { issuer, subject, groups, email, development } = identity;
    try {
      const issued = await issueOne({
        actor: actorOf(caller),
        payer: payerName(payerOf(caller)),
        spokeAt,
        subject: {
          ...readVoucher(issuer),
          subject,
          groups,
          ...(claims && { claims }),
          assertedBy: "issuer",
        },
        email,
        // They have logged in then, or later.
        saidAt: spokeAt,
        development,
        credentialId: null,
        request: { platform, ttl: undefined, caveats: [], label },
        parties: [],
        warnings: [],
        fault: undefined,
        seal: () => undefined,
        redeems: redemption,
      });
      options.principals.remember(issued.principal);
      return issued;
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      if (error.code === "unauthenticated") throw invalidGrant("it was revoked: let the person log in again");
      if (error.code === "forbidden")
        throw invalidGrant("the platform's policy does not admit the principal");
      throw error;
    }
  }

  return { lookUp, authenticated, resourceOf, scopesOf, sessionEnd, mint };
}
