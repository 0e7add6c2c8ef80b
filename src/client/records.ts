import {
  type Approval,
  type IssuedToken,
  type Key,
  type Page,
  type Platform,
  type Policy,
  type PolicyTrialResult,
  type Reservation,
  readApprovalPage,
  readIssuedToken,
  readKey,
  readKeyPage,
  readPlatform,
  readPlatformPage,
  readPolicy,
  readPolicyTrial,
  readReservation,
  readTokenPage,
  readTokenRecord,
  type TokenRecord,
} from "./answers.ts";
import { count, instant, list, nullable, object, type Reader, readJson, text, truth } from "./read.ts";
import type { CredentialRequest, PageRequest, PolicyTrial } from "./requests.ts";
import type { CallOptions, Transport } from "./transport.ts";
import { type Link, readLink, readTree, type TokenTree, TREE_FORMS, type TreeForm } from "./tree.ts";

/** The records that a service keeps, by kind. Lists come in pages: `next_cursor` is null on the last one. */
export interface BakehouseRecords {
  readonly tokens: {
    list(
      request?: PageRequest & { readonly platform?: string },
      options?: CallOptions,
    ): Promise<Page<TokenRecord>>;
    get(tokenId: string, options?: CallOptions): Promise<TokenRecord>;
    /**
     * How a token was handed on, as verify saw it.
     *
     * @example
     * const { root } = await bakehouse.tokens.tree(tokenId);
     * console.log(root.children.map(({ agent, allowed }) => `${agent}: ${allowed} calls`));
     */
    tree(tokenId: string, options?: CallOptions): Promise<TokenTree>;
    /** The same for people: an outline in plain text, or a drawing in SVG. */
    drawTree(tokenId: string, form: TreeForm, options?: CallOptions): Promise<string>;
  };
  readonly links: {
    /** One link that verify has seen, by its revocation id. Rejects with `not_found` for others. */
    get(revocationId: string, options?: CallOptions): Promise<Link>;
  };
  /** Reservations, made by `reserve` of verify. The first to settle or release wins; the same again is answered the same. */
  readonly reservations: {
    get(id: string, options?: CallOptions): Promise<Reservation>;
    /** Says the final amount of each reserved unit, and gives the rest back. */
    settle(
      id: string,
      cost: Readonly<Record<string, number | string>>,
      options?: CallOptions,
    ): Promise<Reservation>;
    /** Gives all of it back. */
    release(id: string, options?: CallOptions): Promise<Reservation>;
  };
  readonly approvals: {
    /** The caller's approvals, open or decided. Deciding takes a browser: the page is `/approvals/{id}`. */
    list(
      request?: PageRequest & { readonly state?: "pending" | "all" },
      options?: CallOptions,
    ): Promise<Page<Approval>>;
  };
  readonly platforms: PolicyCalls & {
    list(request?: PageRequest, options?: CallOptions): Promise<Page<Platform>>;
    create(
      request: { readonly name: string; readonly policy?: Policy },
      options?: CallOptions,
    ): Promise<Platform>;
    /** Issues a credential of a platform. Its `token` is a secret. */
    issueCredential(name: string, request?: CredentialRequest, options?: CallOptions): Promise<IssuedToken>;
  };
  readonly resources: ResourceRecords;
  /** Registered OAuth clients, for administrators. They belong to the service. */
  readonly clients: {
    list(request?: PageRequest, options?: CallOptions): Promise<Page<OAuthClient>>;
    /** Registers one. Its `client_secret`, if its method has one, is shown this once. */
    register(request: OAuthClientRequest, options?: CallOptions): Promise<NewOAuthClient>;
    /** Ends all that it holds: codes, refresh tokens, remembered consents, and the access tokens of its sessions. */
    remove(id: string, options?: CallOptions): Promise<void>;
  };
  /** What people let clients do: a person's own, or to an administrator everybody's. */
  readonly consents: {
    list(request?: PageRequest, options?: CallOptions): Promise<Page<Consent>>;
    /** The person is asked anew; refresh tokens end that the client holds of them for that resource. */
    remove(id: string, options?: CallOptions): Promise<void>;
  };
  readonly keys: {
    list(request?: PageRequest & { readonly platform?: string }, options?: CallOptions): Promise<Page<Key>>;
    rotate(platform?: string, options?: CallOptions): Promise<Key>;
  };
}

/** The records of the service that a transport reaches. */
export function createRecords(transport: Transport): BakehouseRecords {
  return {
    tokens: {
      list: (request, callOptions) =>
        get(transport, "/v1/tokens", readTokenPage, { ...request }, callOptions),
      get: (tokenId, callOptions) =>
        get(transport, `/v1/tokens/${encodeURIComponent(tokenId)}`, readTokenRecord, undefined, callOptions),
      tree: (tokenId, callOptions) => get(transport, treePath(tokenId), readTree, undefined, callOptions),
      async drawTree(tokenId, form, callOptions) {
        const headers = { accept: TREE_FORMS[form] };
        const call = { method: "GET", path: treePath(tokenId), headers, repeat: "always" } as const;
        return (await transport.call(call, callOptions)).body;
      },
    },

    links: {
      get: (revocationId, callOptions) =>
        get(transport, `/v1/links/${encodeURIComponent(revocationId)}`, readLink, undefined, callOptions),
    },

    reservations: {
      get: (id, callOptions) => get(transport, reservationPath(id), readReservation, undefined, callOptions),
      async settle(id, cost, callOptions) {
        const path = `${reservationPath(id)}/settle`;
        const call = { method: "POST", path, body: { cost }, repeat: "always" } as const;
        return readReservation((await transport.call(call, callOptions)).body);
      },
      async release(id, callOptions) {
        const call = { method: "DELETE", path: reservationPath(id), repeat: "always" } as const;
        return readReservation((await transport.call(call, callOptions)).body);
      },
    },

    approvals: {
      list: (request, callOptions) =>
        get(transport, "/v1/approvals", readApprovalPage, { ...request }, callOptions),
    },

    platforms: {
      ...createPolicyCalls(transport),
      list: (request, callOptions) =>
        get(transport, "/v1/platforms", readPlatformPage, { ...request }, callOptions),
      async create(request, callOptions) {
        const call = { method: "POST", path: "/v1/platforms", body: request, repeat: "never" } as const;
        return readPlatform((await transport.call(call, callOptions)).body);
      },
      async issueCredential(name, request = {}, callOptions) {
        const path = `/v1/platforms/${encodeURIComponent(name)}/credentials`;
        const call = { method: "POST", path, body: request, repeat: "never" } as const;
        return readIssuedToken((await transport.call(call, callOptions)).body);
      },
    },

    resources: createResourceRecords(transport),

    clients: {
      list: (request, callOptions) =>
        get(transport, "/v1/clients", (body) => readJson(body, clients), { ...request }, callOptions),
      async register(request, callOptions) {
        const call = { method: "POST", path: "/v1/clients", body: request, repeat: "never" } as const;
        return readJson((await transport.call(call, callOptions)).body, newClient);
      },
      remove: (id, callOptions) => remove(transport, `/v1/clients/${encodeURIComponent(id)}`, callOptions),
    },

    consents: {
      list: (request, callOptions) =>
        get(transport, "/v1/consents", (body) => readJson(body, consents), { ...request }, callOptions),
      remove: (id, callOptions) => remove(transport, `/v1/consents/${encodeURIComponent(id)}`, callOptions),
    },

    keys: {
      list: (request, callOptions) => get(transport, "/v1/keys", readKeyPage, { ...request }, callOptions),
      async rotate(platform, callOptions) {
        const body = platform === undefined ? {} : { platform };
        const call = { method: "POST", path: "/v1/keys/rotate", body, repeat: "never" } as const;
        return readKey((await transport.call(call, callOptions)).body);
      },
    },
  };
}

/** Reads what a path of the service answers. */
export async function get<T>(
  transport: Transport,
  path: string,
  read: (body: string) => T,
  query: Readonly<Record<string, string | number | undefined>> | undefined,
  callOptions: CallOptions | undefined,
): Promise<T> {
  const call = { method: "GET", path, repeat: "always", ...(query && { query }) } as const;
  return read((await transport.call(call, callOptions)).body);
}

async function remove(
  transport: Transport,
  path: string,
  callOptions: CallOptions | undefined,
): Promise<void> {
  await transport.call({ method: "DELETE", path, repeat: "never" }, callOptions);
}

function treePath(tokenId: string): string {
  return `/v1/tokens/${encodeURIComponent(tokenId)}/tree`;
}

function reservationPath(id: string): string {
  return `/v1/reservations/${encodeURIComponent(id)}`;
}

/** A condition on the policy that stands. */
interface PutOptions extends CallOptions {
  /**
   * The `etag` of {@link PolicyCalls.standingPolicy}, or `*` for whichever policy stands. Without it a policy that would
   * drop `claims`, `session` or `clients` is refused as a `conflict`.
   */
  readonly ifMatch?: string;
}

/** Platforms' policies, for administrators. */
interface PolicyCalls {
  policy(name: string, options?: CallOptions): Promise<Policy>;
  /** The policy with the name of its state, for {@link setPolicy}. */
  standingPolicy(
    name: string,
    options?: CallOptions,
  ): Promise<{ readonly policy: Policy; readonly etag: string | undefined }>;
  /**
   * Replaces a policy. Rejects with `precondition_failed` if another one stands than `ifMatch` says.
   *
   * @example
   * const { policy, etag } = await bakehouse.platforms.standingPolicy("shop");
   * const rules = [...policy.rules, { groups: ["support"], max_ttl: 3600 }];
   * await bakehouse.platforms.setPolicy("shop", { ...policy, rules }, { ifMatch: etag });
   */
  setPolicy(name: string, policy: Policy, options?: PutOptions): Promise<Policy>;
  /** Says what somebody would get, and why not. Changes nothing. */
  tryPolicy(name: string, trial: PolicyTrial, options?: CallOptions): Promise<PolicyTrialResult>;
}

/** The calls about policies that a transport makes. */
function createPolicyCalls(transport: Transport): PolicyCalls {
  async function standingPolicy(name: string, options?: CallOptions) {
    const call = { method: "GET", path: policyPath(name), repeat: "always" } as const;
    const { body, headers } = await transport.call(call, options);
    return { policy: readPolicy(body), etag: headers.get("etag") ?? undefined };
  }
  return {
    policy: async (name, options) => (await standingPolicy(name, options)).policy,
    standingPolicy,
    async setPolicy(name, wanted, { ifMatch, ...options } = {}) {
      // A repeat would find the policy that the lost answer was about.
      const condition = ifMatch === undefined ? {} : { headers: { "if-match": ifMatch } };
      const repeat = ifMatch === undefined || ifMatch === "*" ? "always" : "unanswered";
      const call = { method: "PUT", path: policyPath(name), body: wanted, ...condition, repeat } as const;
      return readPolicy((await transport.call(call, options)).body);
    },
    async tryPolicy(name, asked, options) {
      const body = { dry_run: true, ...asked };
      const call = { method: "POST", path: policyPath(name), body, repeat: "always" } as const;
      return readPolicyTrial((await transport.call(call, options)).body);
    },
  };
}

function policyPath(name: string): string {
  return `/v1/platforms/${encodeURIComponent(name)}/policy`;
}

type Answer<R> = R extends Reader<infer T> ? T : never;

const resource = object(
  {
    id: text,
    platform: text,
    resource: text,
    name: text,
    scopes: list(object({ scope: text, description: text })),
    caveats: list(text),
    accept_unbound: truth,
    created_at: instant,
  },
  { max_ttl: count },
);
const resources = object({ items: list(resource), next_cursor: nullable(text) });

const clientFacts = {
  client_id: text,
  client_name: text,
  redirect_uris: list(text),
  token_endpoint_auth_method: text,
  created_at: instant,
};
const clients = object({ items: list(object(clientFacts)), next_cursor: nullable(text) });
const newClient = object(clientFacts, { client_secret: text });
const consents = object({
  items: list(
    object({
      id: text,
      issuer: text,
      subject: text,
      client_id: text,
      client_name: text,
      redirect_host: text,
      platform: text,
      resource: text,
      scopes: list(text),
      created_at: instant,
      expires_at: instant,
    }),
  ),
  next_cursor: nullable(text),
});

/** A registered OAuth client. */
export type OAuthClient = Answer<typeof clients>["items"][number];

/** A client that was registered just now. `client_secret` is a secret. */
export type NewOAuthClient = Answer<typeof newClient>;

/** What one person let one client do. */
export type Consent = Answer<typeof consents>["items"][number];

/** A client as it is to be. */
export interface OAuthClientRequest {
  readonly client_name: string;
  /** Exact; of a loopback address any port will do. */
  readonly redirect_uris: readonly string[];
  readonly token_endpoint_auth_method:
    | "none"
    | "client_secret_basic"
    | "client_secret_post"
    | "private_key_jwt";
  /** Its public keys, for `private_key_jwt`. */
  readonly jwks?: { readonly keys: readonly object[] };
}

/** An API or tool server of a platform. */
export type Resource = Answer<typeof resource>;

/** A resource as it is to be. */
export interface ResourceRequest {
  /** Its URI; the answer has the canonical one. It never changes. */
  readonly resource: string;
  readonly name: string;
  readonly scopes?: readonly { readonly scope: string; readonly description: string }[];
  /** Of every token that the token endpoint issues for it. */
  readonly caveats?: readonly string[];
  /** Seconds. */
  readonly max_ttl?: number;
  /** Whether it takes tokens that were issued without an `aud` that names it; false unless said. */
  readonly accept_unbound?: boolean;
}

/** The resources of platforms: for administrators, and for a platform its own. */
export interface ResourceRecords {
  list(platform: string, request?: PageRequest, options?: CallOptions): Promise<Page<Resource>>;
  /** Rejects with `conflict` for a URI that is registered, with `unprocessable` under a host that the platform was not given. */
  register(platform: string, request: ResourceRequest, options?: CallOptions): Promise<Resource>;
  /** Replaces all that is said of it, but its URI. */
  put(platform: string, id: string, request: ResourceRequest, options?: CallOptions): Promise<Resource>;
  remove(platform: string, id: string, options?: CallOptions): Promise<void>;
  /** Says under which hosts a platform may register: each a host, or `*.` and a name. For administrators. */
  setHosts(platform: string, hosts: readonly string[], options?: CallOptions): Promise<Platform>;
}

/** The resources of the service that a transport reaches. */
function createResourceRecords(transport: Transport): ResourceRecords {
  return {
    async list(platform, request, callOptions) {
      const path = pathOf(platform);
      const call = { method: "GET", path, query: { ...request }, repeat: "always" } as const;
      return readJson((await transport.call(call, callOptions)).body, resources);
    },
    async register(platform, request, callOptions) {
      const call = { method: "POST", path: pathOf(platform), body: request, repeat: "never" } as const;
      return readJson((await transport.call(call, callOptions)).body, resource);
    },
    async put(platform, id, request, callOptions) {
      const call = { method: "PUT", path: pathOf(platform, id), body: request, repeat: "always" } as const;
      return readJson((await transport.call(call, callOptions)).body, resource);
    },
    remove: (platform, id, callOptions) => remove(transport, pathOf(platform, id), callOptions),
    async setHosts(platform, hosts, callOptions) {
      const path = `/v1/platforms/${encodeURIComponent(platform)}`;
      const call = { method: "PATCH", path, body: { resource_hosts: hosts }, repeat: "always" } as const;
      return readPlatform((await transport.call(call, callOptions)).body);
    },
  };
}

function pathOf(platform: string, id?: string): string {
  const all = `/v1/platforms/${encodeURIComponent(platform)}/resources`;
  return id === undefined ? all : `${all}/${encodeURIComponent(id)}`;
}
