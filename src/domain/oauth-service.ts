import type { Caller, HumanCaller } from "./caller.ts";
import type { LoginDemands } from "./ports/identity.ts";
import type { ClientAuthMethod, Consent, RegisteredClient } from "./ports/oauth.ts";
import type { Page, PageRequest } from "./ports/parts/page.ts";

/*
 * The authorization server (RFC 6749 as OAuth 2.1 has it), as the adapters see it. Instants are unix milliseconds. Besides a
 * DomainError the methods of `OAuth` reject with an OAuthError: its code is for the client.
 */

/** Parameters as they came, in order: a name may come twice, and is then refused. */
export type OAuthParameters = readonly (readonly [name: string, value: string])[];

/** The rights that a client asks a person for. */
export interface RightsView {
  /** By an administrator's word, or by the client's own if it has a host. */
  readonly clientName: string;
  /** The host of the client's metadata document; null for a registered client. */
  readonly clientHost: string | null;
  readonly platform: string;
  /** The resource's URI, and its name by its platform's word. */
  readonly resource: string;
  readonly resourceName: string;
  readonly scopes: readonly { readonly scope: string; readonly description: string }[];
  /** The limits that the platform and the resource add, in a sentence that this service enforces; undefined if none. */
  readonly limits: string | undefined;
  /** Life of each token, seconds. */
  readonly tokenLife: number;
  /** Seconds until the client has to ask the person again; undefined if it gets one token and no more. */
  readonly session: number | undefined;
}

/** The question to a person before a client gets a token. */
export interface ConsentView extends RightsView {
  /** The place that the answer goes to: a host with its port, or an app's scheme. */
  readonly redirectHost: string;
  /** Whether nobody can tell which program on the person's device receives the answer. */
  readonly isUnprovable: boolean;
  /** Whether the consent will be remembered. */
  readonly isRemembered: boolean;
  /** Stands for all of this and for the person: the answer brings it back. */
  readonly seal: string;
}

/** The next step for a request for authorization. A request that names no good client or redirect is a DomainError: a page. */
export type AuthorizationStep =
  /** The browser is sent back to the client, with a code or an error. Holds a secret. */
  | { readonly kind: "answer"; readonly url: string; readonly clientName: string }
  /** The person signs in and comes back. `query` is the request's own, without the parameters that the login settles. */
  | { readonly kind: "login"; readonly demands: LoginDemands; readonly query: string }
  | {
      readonly kind: "consent";
      readonly view: ConsentView /** Set if the person answered another question. */;
      readonly changed?: true;
    };

/** How a client authenticates in one request: the parameters of its body, and its `Authorization` header. */
export interface ClientRequest {
  readonly parameters: OAuthParameters;
  readonly authorization: string | undefined;
  /** The address that it comes from, for allowances. */
  readonly from: string;
}

/** The answer of the token endpoint (RFC 6749 §5.1, RFC 8693 §2.2.1). Holds secrets. */
export interface TokenAnswer {
  readonly access_token: string;
  /** Of an exchange alone. */
  readonly issued_token_type?: string;
  readonly token_type: "Bearer";
  /** Seconds. */
  readonly expires_in: number;
  readonly refresh_token?: string;
  /** Absent for a resource without scopes. */
  readonly scope?: string;
}

/** The endpoints of OAuth. */
export interface OAuth {
  /** @param from the address of the browser, for allowances */
  authorize(
    caller: HumanCaller | undefined,
    asked: OAuthParameters,
    from: string,
  ): Promise<AuthorizationStep>;
  /** Takes the person's answer to a consent page. @param seal as the page had it */
  decide(
    caller: HumanCaller,
    asked: OAuthParameters,
    answer: { readonly allowed: boolean; readonly seal: string },
    from: string,
  ): Promise<AuthorizationStep>;
  /** @returns the answer's text */
  token(request: ClientRequest): Promise<string>;
  /** Revokes a refresh token, the request's `token`, with all that its family gave (RFC 7009). One that is not good is no error. */
  revoke(request: ClientRequest): Promise<void>;
}

/** A request that was made for a device (RFC 8628 §3.2). Holds a secret, by which the device asks for its answer. */
export interface DeviceAnswer {
  readonly device_code: string;
  readonly user_code: string;
  readonly verification_uri: string;
  /** Seconds. */
  readonly expires_in: number;
  /** Seconds to wait between two questions. */
  readonly interval: number;
}

/** The question to a person before a device gets a token. */
export interface DeviceView extends RightsView {
  /** As the device shows it. */
  readonly userCode: string;
  /** Whether any program can say that it is this client. */
  readonly isUnprovable: boolean;
  /** Stands for all of this and for the person: the answer brings it back. */
  readonly seal: string;
}

/** The next step for a person who has typed a device's code. */
export type DeviceStep =
  /** No request has this code, or it is over or was answered. */
  | { readonly kind: "unknown" }
  | {
      readonly kind: "consent";
      readonly view: DeviceView;
      /** Set if the person answered another question. */
      readonly changed?: true;
    }
  | { readonly kind: "answered"; readonly allowed: boolean };

/** The requests of devices (RFC 8628). Besides a DomainError `begin` rejects with an OAuthError: its code is for the client. */
export interface Devices {
  begin(request: ClientRequest): Promise<DeviceAnswer>;
  /**
   * Finds a request by the code that a person typed. Rejects with `rate_limited` for a person who guesses.
   *
   * @param from the address of the browser, for allowances
   */
  look(caller: HumanCaller, userCode: string, from: string): Promise<DeviceStep>;
  /** Takes the person's answer. @param seal as the page had it */
  decide(
    caller: HumanCaller,
    userCode: string,
    answer: { readonly allowed: boolean; readonly seal: string },
    from: string,
  ): Promise<DeviceStep>;
}

/** A client to be registered. */
export interface NewClient {
  readonly name: string;
  readonly redirectUris: readonly string[];
  readonly authMethod: ClientAuthMethod;
  readonly jwks: unknown;
}

/** Registered clients: an administrator's business. */
export interface Clients {
  /** @returns the client, with its secret if it has one: it is shown this once */
  create(
    caller: Caller,
    client: NewClient,
  ): Promise<{ readonly client: RegisteredClient; readonly secret: string | undefined }>;
  list(caller: Caller, page: PageRequest): Promise<Page<RegisteredClient>>;
  /** Deletes a client and ends all that it holds. Rejects with `not_found`. */
  delete(caller: Caller, id: string): Promise<void>;
}

/** Consents that are remembered: a person's own, or everybody's for an administrator's credential. */
export interface Consents {
  list(caller: Caller, page: PageRequest): Promise<Page<Consent>>;
  /** Forgets one, and ends everything that the client holds by it. Rejects with `not_found` for somebody else's. */
  delete(caller: Caller, id: string): Promise<void>;
}

/** The public half of a key that signs verdicts. */
export interface PublishedKey {
  /** The `kid` of what it signs. */
  readonly id: string;
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** The keys under which short signed verdicts verify. */
interface VerdictKeySet {
  /** Those that have signed what may be good still, that sign, and that will. */
  published(): Promise<readonly PublishedKey[]>;
}

/** The authorization server's part of the service. */
export interface OAuthPart {
  readonly oauth: OAuth;
  readonly devices: Devices;
  readonly clients: Clients;
  readonly consents: Consents;
  readonly keySet: VerdictKeySet;
}
