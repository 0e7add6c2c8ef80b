import { readResourceUri } from "../../words/resource-uri.ts";
import type { AssertionDesk } from "../access/assertions.ts";
import type { Issuing } from "../issue/issuing.ts";
import type { RootKeys } from "../keys/root-keys.ts";
import type { Sealing } from "../keys/sealing.ts";
import type { VerdictKeys } from "../keys/verdict-keys.ts";
import type { OAuthPart } from "../oauth-service.ts";
import type { Clock } from "../ports/clock.ts";
import type { IdTokens } from "../ports/identity.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Steps } from "../ports/steps.ts";
import type { Store } from "../ports/store.ts";
import type { Principals } from "../principals.ts";
import type { RevocationFeed } from "../replica/revocation-feed.ts";
import type { RevocationKnowledge } from "../replica/revocation-knowledge.ts";
import { createRevocationWriter } from "../revoke/append.ts";
import type { TokenVerifier } from "../verify/verify-token.ts";
import { createAuthorization } from "./authorize.ts";
import { createClientAuthentication } from "./client-auth.ts";
import { createClientFinder, createClients } from "./clients.ts";
import { createConsents } from "./consents.ts";
import { createDevices } from "./devices.ts";
import { createClientDocuments } from "./documents.ts";
import { createEndings } from "./endings.ts";
import type { ClientAssertions, DocumentFetch, OAuthResources } from "./outside.ts";
import type { LookUps } from "./redeeming.ts";
import { createOAuthSecrets } from "./secrets.ts";
import { createTokenEndpoint } from "./token.ts";
import type { VerdictOptions } from "./verdict-grant.ts";

/** The resources of the store, by any spelling of their URIs. */
function resourcesOf({ resources }: Pick<Store, "resources">): OAuthResources {
  return {
    async find(text) {
      const uri = readResourceUri(text);
      return uri.ok ? resources.findByUri(uri.uri) : undefined;
    },
    only: () => resources.only(),
  };
}

/**
 * Puts the authorization server together.
 *
 * @param isDevelopment whether clients' documents on this very machine count
 */
export function openOAuth(options: {
  readonly store: Store;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly steps: Steps;
  readonly sealing: Sealing;
  readonly rootKeys: RootKeys;
  readonly issueOne: Issuing;
  readonly principals: Pick<Principals, "remember">;
  readonly feed: Pick<RevocationFeed, "learn">;
  readonly lookUps: LookUps;
  readonly documents: DocumentFetch;
  readonly clientAssertions: ClientAssertions;
  readonly assertions: AssertionDesk;
  readonly idTokens: IdTokens;
  readonly tokenVerifier: Pick<TokenVerifier, "verifyAny">;
  readonly knowledge: Pick<RevocationKnowledge, "requireFresh">;
  readonly publicUrl: string;
  readonly ownIssuer: string;
  readonly isDevelopment: boolean;
  readonly inspect: VerdictOptions["inspect"];
  readonly knownResources: VerdictOptions["knownResources"];
  readonly verdictKeys: Pick<VerdictKeys, "signJwt" | "published">;
}): OAuthPart {
  const { documents, isDevelopment: allowsLoopback } = options;
  const secrets = createOAuthSecrets(options);
  const known = createClientDocuments({ documents, clock: options.clock });
  const clients = createClientFinder({ ...options, documents: known, allowsLoopback });
  const endings = createEndings({ ...options, write: createRevocationWriter(options) });
  const parts = { ...options, secrets, clients, endings, resources: resourcesOf(options.store) };
  return {
    oauth: {
      ...createAuthorization(parts),
      ...createTokenEndpoint({ ...parts, authenticate: createClientAuthentication(options) }),
    },
    devices: createDevices({ ...parts, authenticate: createClientAuthentication(options) }),
    clients: createClients({ ...parts, revokeTokens: endings.revokeTokens }),
    consents: createConsents(options),
    keySet: options.verdictKeys,
  };
}
