import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { createProxyChoice } from "../config/proxy-choice.ts";
import type { Config } from "../config.ts";
import type { ClientAssertions, DocumentFetch } from "../domain/oauth/outside.ts";
import type { Clock } from "../domain/ports/clock.ts";
import type { Assertions, IdTokens, RelyingParty } from "../domain/ports/identity.ts";
import type { PrincipalKind } from "../domain/ports/principals.ts";
import type { Randomness } from "../domain/ports/randomness.ts";
import { createAssertions } from "../oidc/assertions.ts";
import { clientAssertions } from "../oidc/client-assertion.ts";
import { developmentIssuer } from "../oidc/development/issuer.ts";
import { createDocumentFetch } from "../oidc/document-fetch.ts";
import { createIdTokens } from "../oidc/id-tokens.ts";
import type { Fetch } from "../oidc/issuer-fetch.ts";
import { issuerName } from "../oidc/issuer-name.ts";
import { createTransport } from "../oidc/issuer-transport.ts";
import { createRelyingParty } from "../oidc/relying-party.ts";

/** The source of humans. */
export interface People {
  readonly idTokens: IdTokens;
  readonly assertions: Assertions;
  /** Whether an issuer is believed to speak of principals of a kind. */
  vouches(issuer: string, kind: PrincipalKind): boolean;
  readonly relyingParty: RelyingParty;
  readonly documents: DocumentFetch;
  readonly clientAssertions: ClientAssertions;
  /** Asks whether logins would work. Rejects with a DomainError that says why not. */
  checkIssuer(): Promise<void>;
  readonly ownIssuer: string;
  /** All issuers whose people can log in: the own one, and those of its other tenants. */
  readonly loginIssuers: ReadonlySet<string>;
  readonly isDevelopment: boolean;
  /** The client that the command line logs in with; undefined if no client id is set for it. */
  readonly commandLineLogin: { readonly issuer: string; readonly clientId: string } | undefined;
  /** The development identity provider's part of this origin; undefined with a real issuer. */
  readonly developmentProvider:
    | {
        owns(path: string): boolean;
        handler(request: IncomingMessage, response: ServerResponse): Promise<void>;
      }
    | undefined;
}

/** Client ids at the development identity provider. */
const DEVELOPMENT_CLIENTS = { web: "bakehouse", cli: "bakehouse-cli" } as const;

/**
 * Connects to the configured issuer, or opens the development identity provider. Asks no issuer
 * anything yet, so the service starts while one is down.
 *
 * @param onFault told of the class of a fault inside the development identity provider
 * @param watched records calls of issuers
 */
export async function openPeople(
  config: Config,
  { clock, randomness }: { readonly clock: Clock; readonly randomness: Randomness },
  onFault: (error: unknown) => void,
  watched: (fetch: Fetch) => Fetch = (fetch) => fetch,
): Promise<People> {
  const { publicUrl, oidc, groupsClaim } = config;
  const redirectUri = `${publicUrl}/callback`;
  const { authorities, proxies } = config.providerNetwork;
  const fetch = watched(createTransport({ authorities, proxyFor: createProxyChoice(proxies) }));
  const tenants = oidc.kind === "issuer" ? oidc.tenants : [];
  const backChannel = oidc.kind === "issuer" ? oidc.backChannel : undefined;
  const isDevelopment = oidc.kind === "development";
  const own = isDevelopment
    ? {
        issuer: developmentIssuer(publicUrl),
        clientId: DEVELOPMENT_CLIENTS.web,
        cliClientId: DEVELOPMENT_CLIENTS.cli,
      }
    : oidc;
  // Of many tenants the first is meant where no issuer is said, and administrators come from it alone.
  const { own: ownIssuer, issuers } = issuerName(own.issuer, tenants);
  const audiences = [own.clientId, ...(own.cliClientId === undefined ? [] : [own.cliClientId])];
  const allowInsecureIssuer = (issuer: string) => issuer.startsWith("http:"); // on this machine only: see config.ts
  const trusted = config.trustedIssuers
    .filter(({ kind }) => kind === "person")
    .map((issuer) => ({
      ...issuer,
      development: false,
      allowInsecureIssuer: allowInsecureIssuer(issuer.issuer),
    }));
  const relyingParty = createRelyingParty({
    issuer: own.issuer,
    clientId: own.clientId,
    ...(oidc.kind === "issuer" && oidc.clientSecret !== undefined ? { clientSecret: oidc.clientSecret } : {}),
    redirectUri,
    development: isDevelopment,
    allowInsecureIssuer: allowInsecureIssuer(own.issuer),
    groupsClaim,
    backChannel,
    tenants,
    fetch,
    clock,
    randomness,
  });
  return {
    idTokens: createIdTokens({
      issuers: [
        {
          issuer: own.issuer,
          audiences,
          development: isDevelopment,
          allowInsecureIssuer: allowInsecureIssuer(own.issuer),
          groupsClaim,
          backChannel,
          tenants,
        },
        ...trusted,
      ],
      clock,
      fetch,
    }),
    assertions: createAssertions({
      issuers: config.trustedIssuers.flatMap(({ issuer, kind, groupsClaim: claim }) =>
        kind === "person"
          ? []
          : [{ issuer, kind, groupsClaim: claim, allowInsecureIssuer: allowInsecureIssuer(issuer) }],
      ),
      clock,
      fetch,
    }),
    vouches: (issuer, kind) => {
      const isNamed = config.trustedIssuers.some(
        (one) => one.issuer === issuer && (kind === "workload") === (one.kind === "workload"),
      );
      return isNamed || (kind === "person" && issuers.has(issuer));
    },
    relyingParty,
    documents: createDocumentFetch({ allowsLoopback: isDevelopment }),
    clientAssertions,
    // The development provider answers by this service itself, which does not listen yet.
    checkIssuer: async () => (isDevelopment ? undefined : relyingParty.check()),
    ownIssuer,
    loginIssuers: new Set(issuers.keys()),
    isDevelopment,
    commandLineLogin:
      own.cliClientId === undefined ? undefined : { issuer: ownIssuer, clientId: own.cliClientId },
    developmentProvider: isDevelopment
      ? await openDevelopmentProvider(config, redirectUri, onFault)
      : undefined,
  };
}

async function openDevelopmentProvider(
  config: Config,
  redirectUri: string,
  onFault: (error: unknown) => void,
) {
  // Loaded only here: a service with a real issuer never runs any of it.
  const [{ createDevelopmentProvider }, { signingKeysFile }] = await Promise.all([
    import("../oidc/development/provider.ts"),
    import("../oidc/development/signing-keys.ts"),
  ]);
  return createDevelopmentProvider({
    publicUrl: config.publicUrl,
    signingKeys: signingKeysFile(join(config.dataDir, "dev-idp.jwks")),
    cookieKeys: [randomBytes(32).toString("base64url")],
    clients: {
      web: { id: DEVELOPMENT_CLIENTS.web, redirectUri },
      cli: { id: DEVELOPMENT_CLIENTS.cli },
    },
    onFault,
  });
}
