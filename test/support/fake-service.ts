import type { AuditEventView } from "../../src/domain/audit-service.ts";
import type { Caller, HumanCaller, RequestFacts, ServiceCaller } from "../../src/domain/caller.ts";
import type { ApprovalView, ConfirmationView } from "../../src/domain/discharge-service.ts";
import type { LogNews } from "../../src/domain/log-news.ts";
import type { ConsentView, DeviceView } from "../../src/domain/oauth-service.ts";
import { DomainError } from "../../src/domain/parts/error.ts";
import type { Reservation } from "../../src/domain/ports/budgets.ts";
import type { Consent, RegisteredClient } from "../../src/domain/ports/oauth.ts";
import type { Principal } from "../../src/domain/ports/principals.ts";
import type { Resource } from "../../src/domain/ports/resources.ts";
import type { Revocation } from "../../src/domain/ports/revocations.ts";
import type { Identity, Session } from "../../src/domain/ports/sessions.ts";
import type { IssuedToken, KeyView, Service, TokenView, Verdict } from "../../src/domain/service.ts";
import type { TokenTree } from "../../src/domain/tree-service.ts";

/** One call of a use case, as the fake saw it. */
export interface RecordedCall {
  readonly name: string;
  readonly args: readonly unknown[];
}

type Parts<T> = { readonly [K in keyof T]?: Partial<T[K]> };

/** Bearer credentials and session cookie that the fake knows. */
export const CREDENTIALS = {
  administrator: "administrator-credential",
  platform: "platform-credential",
  human: "human.id.token",
  session: "session-cookie-value-0123456789",
} as const;

export const AT = Date.UTC(2026, 10, 22, 13, 0, 0, 125);

export const ALICE: Identity = {
  issuer: "https://login.example.com",
  subject: "248289761001",
  email: "alice@example.com",
  name: "Alice",
  groups: ["engineering"],
  authenticatedAt: AT,
  acr: null,
  development: false,
};

export const PRINCIPAL: Principal = {
  id: "pW3kD0q9xYb2LmNa",
  platform: "default",
  issuer: ALICE.issuer,
  subject: ALICE.subject,
  email: "alice@example.com",
  assertedBy: "issuer",
  development: false,
  createdAt: AT,
};

export const TOKEN_ID = "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081";
export const REVOCATION_ID = "q83vEjRWeJCrze8SNFZ4kA";
export const SEQUENCE = "k3v9Qm2x-41";

export const ISSUED: IssuedToken = {
  token: "issued-token-text",
  tokenId: TOKEN_ID,
  revocationId: REVOCATION_ID,
  platform: "default",
  principal: PRINCIPAL,
  issuedAt: AT,
  expiresAt: AT + 3_600_000,
  caveats: ["time < 2026-11-22T14:00:00.125Z", "action in read, list"],
  summary: "Until 14:00 UTC, read or list.",
  summaryParts: [{ by: "issued", text: "Until 14:00 UTC, read or list." }],
  warnings: [],
};

const AUDIT_EVENT: AuditEventView = {
  id: "019a8b40-0000-7000-8000-000000000001",
  at: AT,
  action: "token.issued",
  actor: { kind: "credential", tokenId: TOKEN_ID, role: "platform:default" },
  platform: "default",
  details: { token_id: TOKEN_ID, agents: ["a"], number: 1, nothing: null },
  place: { origin: "log.example/1", index: 41 },
};

async function* linesOf(lines: readonly string[]): AsyncGenerator<string> {
  yield* lines;
}

const { token: _token, ...facts } = ISSUED;
export const VIEW: TokenView = {
  ...facts,
  keyId: "Zk3vQm2xT9aBcDeF",
  label: null,
  issuedBy: null,
  status: "active",
};

export const ALLOWED: Verdict = {
  allowed: true,
  tokenId: TOKEN_ID,
  keyId: "Zk3vQm2xT9aBcDeF",
  platform: "default",
  principal: PRINCIPAL,
  issuedAt: AT,
  expiresAt: AT + 3_600_000,
  agents: ["orchestrator"],
  caveats: [...ISSUED.caveats, "agent = orchestrator"],
  summary: ISSUED.summary,
  summaryParts: ISSUED.summaryParts,
  revocationId: "ASNFZ4mrze8BI0VniavN7w",
  revocationIds: [REVOCATION_ID, "ASNFZ4mrze8BI0VniavN7w"],
  budgets: [
    {
      caveat: "uses <= 3",
      revocationId: REVOCATION_ID,
      agent: null,
      limit: "3",
      remaining: "2",
      discharge: undefined,
    },
    {
      caveat: "rate <= 5/m",
      revocationId: "ASNFZ4mrze8BI0VniavN7w",
      agent: "orchestrator",
      limit: "5/m",
      remaining: "0",
      discharge: 0,
    },
  ],
  sequence: SEQUENCE,
};

export const REFUSED: Verdict = {
  allowed: false,
  code: "caveat_failed",
  detail: "args.amount is 250, the token allows at most 100",
  failures: [
    {
      index: 2,
      caveat: "args.amount <= 100",
      agent: "researcher",
      placed: "handed_over",
      code: "caveat_failed",
      detail: "args.amount is 250, the token allows at most 100 (since the hand-over to researcher)",
    },
    {
      index: 3,
      caveat: "rate <= 5/m",
      agent: null,
      placed: "first_holder",
      code: "budget_exhausted",
      detail: "the token allows at most 5 times a minute, and has room again in 12 seconds",
      remaining: "0",
      retryAfter: 12,
    },
  ],
  undischarged: [{ location: "https://third.example", caveatId: "AAEC" }],
  sequence: SEQUENCE,
};

/** A tree with a part that lives, one that was revoked, and one of which nobody knows why it is dead. */
export const TREE: TokenTree = {
  tokenId: TOKEN_ID,
  complete: true,
  asOf: AT + 60_000,
  root: {
    revocationId: REVOCATION_ID,
    agent: null,
    placed: "issued",
    caveats: ISSUED.caveats,
    firstSeen: AT,
    lastSeen: AT,
    allowed: 3,
    refused: 0,
    revoked: null,
    budgets: [],
    children: [
      {
        revocationId: "ASNFZ4mrze8BI0VniavN7w",
        agent: "orchestrator#1",
        placed: "handed_over",
        caveats: ["agent = orchestrator#1", "uses <= 3"],
        firstSeen: AT,
        lastSeen: AT + 1_000,
        allowed: 2,
        refused: 1,
        revoked: {
          revocationId: "ASNFZ4mrze8BI0VniavN7w",
          facts: {
            target: { kind: "revocation_id", id: new Uint8Array(16).fill(3) },
            revocationId: "ASNFZ4mrze8BI0VniavN7w",
            agent: "orchestrator#1",
            depth: 1,
            revokedAt: AT + 2_000,
            by: "platform",
            reason: "it left the sandbox",
          },
        },
        budgets: [
          {
            caveat: "uses <= 3",
            revocationId: "ASNFZ4mrze8BI0VniavN7w",
            agent: "orchestrator#1",
            limit: "3",
            remaining: "1",
            discharge: undefined,
          },
        ],
        children: [
          {
            revocationId: "MzMzMzMzMzMzMzMzMzMzMw",
            agent: "researcher",
            placed: "handed_over",
            caveats: ["agent = researcher"],
            firstSeen: AT,
            lastSeen: AT,
            allowed: 0,
            refused: 0,
            revoked: { revocationId: "ASNFZ4mrze8BI0VniavN7w", facts: undefined },
            budgets: [],
            children: [],
          },
        ],
      },
    ],
  },
};

const RESERVATION: Reservation = {
  id: "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7083",
  state: "open",
  cost: { EUR: "2" },
  settled: null,
  expiresAt: AT + 600_000,
};

export const REVOCATION: Revocation = {
  id: "019a8b40-0000-7000-8000-000000000001",
  number: 42,
  scope: { kind: "platform", platform: "default" },
  target: { kind: "revocation_id", id: Uint8Array.from({ length: 16 }, (_, index) => index) },
  reason: null,
  author: "platform:default",
  revokedAt: AT,
  lastMatchAt: AT + 90 * 86_400_000,
};

export const KEY: KeyView = {
  keyId: "Zk3vQm2xT9aBcDeF",
  platform: "default",
  state: "active",
  createdAt: AT,
  activeFrom: AT,
  retiredAt: null,
  expiresAt: null,
};

const HUMAN: HumanCaller = { kind: "human", identity: ALICE, administrator: false, spokeAt: AT };

function serviceCaller(role: "administrator" | "platform"): ServiceCaller {
  const platform = role === "platform" ? "default" : undefined;
  return {
    kind: "service",
    role,
    platform,
    credentialId: TOKEN_ID,
    links: ["link"],
    narrowed: [],
    resource: undefined,
    refuses: () => undefined,
  };
}

const CALLERS: ReadonlyMap<string, Caller> = new Map<string, Caller>([
  [CREDENTIALS.administrator, serviceCaller("administrator")],
  [CREDENTIALS.platform, serviceCaller("platform")],
  [CREDENTIALS.human, HUMAN],
]);

export const REQUEST_ID = "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7082";
const BAKERY_MACAROON = '{"v":2,"i":"id","c":[],"s64":"S-lnzR6gxrJrr2pKlO6bBbFYhtoLqF6MQqk8jQ4SXvw"}';

const OPTIONS = {
  life: undefined,
  authAge: undefined,
  acr: undefined,
  principalCounts: false,
  once: false,
  exact: false,
};

const SESSION: Session = {
  idHash: new Uint8Array(32),
  id: REQUEST_ID,
  kind: "program",
  identity: ALICE,
  createdAt: AT,
  expiresAt: AT + 3_600_000,
};

const RESOURCE: Resource = {
  id: REQUEST_ID,
  platform: "default",
  resource: "https://mcp.example.com/mcp",
  name: "Files",
  scopes: [{ scope: "files:read", description: "Read your files" }],
  caveats: ["action in read"],
  maxTtl: 3600,
  acceptUnbound: false,
  createdAt: AT,
};

const CLIENT: RegisteredClient = {
  id: REQUEST_ID,
  name: "App",
  redirectUris: ["https://app.example/cb"],
  authMethod: "private_key_jwt",
  jwks: { keys: [{ kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }] },
  secretHash: null,
  createdAt: AT,
};

const CONSENT: Consent = {
  id: REQUEST_ID,
  issuer: ALICE.issuer,
  subject: ALICE.subject,
  clientId: "https://app.example/client.json",
  clientName: "App",
  redirectHost: "app.example",
  clientHash: new Uint8Array(32),
  platform: "default",
  resource: RESOURCE.resource,
  scopes: ["files:read"],
  spokeAt: AT,
  keyId: null,
  createdAt: AT,
  expiresAt: AT + 2_592_000_000,
};

export const CONSENT_VIEW: ConsentView = {
  clientName: "App",
  clientHost: "app.example",
  redirectHost: "app.example",
  isUnprovable: false,
  platform: "default",
  resource: RESOURCE.resource,
  resourceName: RESOURCE.name,
  scopes: RESOURCE.scopes,
  limits: "Only read.",
  tokenLife: 3600,
  session: 86_400,
  isRemembered: true,
  seal: "seal",
};

export const DEVICE_VIEW: DeviceView = {
  clientName: "App",
  clientHost: null,
  isUnprovable: true,
  platform: "default",
  resource: RESOURCE.resource,
  resourceName: RESOURCE.name,
  scopes: RESOURCE.scopes,
  limits: undefined,
  tokenLife: 3600,
  session: undefined,
  userCode: "WDJB-MJHT",
  seal: "seal",
};

const CONFIRMATION: ConfirmationView = {
  id: REQUEST_ID,
  state: "pending",
  condition: "is-authenticated-user",
  code: "BKHS-WXTZ",
  protocol: "native",
  expiresAt: AT + 600_000,
  about: null,
  allows: "Allows: any call; any number of times; for 5 minutes from the yes.",
  caveats: [],
  loginUntil: undefined,
  isMine: false,
  mayTakeBack: false,
  proof: "proven",
  detail: undefined,
  options: OPTIONS,
};

const APPROVAL: ApprovalView = {
  id: REQUEST_ID,
  state: "pending",
  condition: {
    kind: "approved-by",
    needed: 2,
    groups: ["oncall"],
    text: "Pay 40 EUR",
  },
  subjects: ["248289761001"],
  others: 0,
  options: OPTIONS,
  code: "BKHS-WXTZ",
  protocol: "native",
  askedAt: AT,
  expiresAt: AT + 3_600_000,
  decidedAt: null,
  withdrawnAt: null,
  endsAt: null,
  isMine: false,
  mayWithdraw: false,
  life: 300,
  about: {
    platform: "default",
    tokenId: TOKEN_ID,
    revocationId: REVOCATION_ID,
    principal: {
      id: PRINCIPAL.id,
      issuer: ALICE.issuer,
      subject: ALICE.subject,
      email: "alice@example.com",
      assertedBy: "platform",
    },
    caveats: ["time < 2026-11-22T14:00:00.125Z"],
    summary: "Until 14:00 UTC.",
    issuedCaveats: 1,
    summaryParts: [{ by: "issued", text: "Until 14:00 UTC." }],
    agents: ["researcher#7f3a"],
  },
  allows:
    'Allows: tool only "pay"; all else in the call is open; any number of times; for 5 minutes from the yes.',
  caveats: ["tool = pay"],
  decisions: [
    { issuer: ALICE.issuer, subject: ALICE.subject, approved: true, reason: "agreed", at: AT, spokeAt: AT },
  ],
  people: [{ issuer: ALICE.issuer, subject: ALICE.subject, email: ALICE.email, name: ALICE.name }],
  obstacle: undefined,
};

function usual(): Service {
  return {
    authentication: {
      async bearer(token: string, _request: RequestFacts) {
        const caller = CALLERS.get(token);
        if (caller === undefined) throw new DomainError("unauthenticated", "no valid credential");
        return caller;
      },
      async session(cookie) {
        if (cookie !== CREDENTIALS.session) throw new DomainError("unauthenticated", "no such session");
        return HUMAN;
      },
      mayReadHealth: async (token) => CALLERS.get(token)?.kind === "service",
    },
    renewals: { renew: async () => ({ ...ISSUED, predecessor: TOKEN_ID }) },
    tokens: {
      issue: async () => ISSUED,
      list: async () => ({ items: [VIEW], next: TOKEN_ID }),
      get: async () => ({
        ...VIEW,
        predecessor: undefined,
        renewableUntil: undefined,
        revokedBelow: [
          {
            target: { kind: "link", revocationId: REVOCATION_ID },
            revokedAt: AT,
            by: "holder",
            reason: null,
          },
          { target: { kind: "agent", agent: "scraper" }, revokedAt: AT, by: "principal", reason: "lost" },
        ],
      }),
    },
    trees: {
      of: async () => TREE,
      link: async () => {
        const { children: _children, ...part } = TREE.root;
        return { ...part, tokenId: TOKEN_ID, platform: "default", agents: ["orchestrator"], parent: null };
      },
    },
    decisions: {
      decide: async () => ALLOWED,
      decideBatch: async (_caller, requests) => requests.map(() => ALLOWED),
    },
    introspection: { introspect: async () => ({ active: false }) },
    reservations: {
      get: async () => RESERVATION,
      settle: async () => ({ ...RESERVATION, state: "settled", settled: { EUR: "1.25" } }),
      release: async () => ({ ...RESERVATION, state: "released" }),
    },
    revocations: {
      revoke: async (_caller, { targets }) => ({
        revocations: targets.map(() => ({ revocation: REVOCATION, sequence: "k3v9Qm2x-42" })),
        sequence: "k3v9Qm2x-42",
      }),
      wouldStop: async () => ({
        tokens: 1,
        links: 14,
        agents: ["orchestrator", "researcher"],
        callsLastHour: 212,
        lastSeen: AT,
        complete: true,
      }),
      log: async () => ({
        items: [{ revocation: REVOCATION, sequence: "k3v9Qm2x-42" }],
        next: undefined,
        sequence: "k3v9Qm2x-42",
      }),
      follow: async () => {
        const news: LogNews[] = [
          { kind: "entries", items: [{ revocation: REVOCATION, sequence: "k3v9Qm2x-42" }] },
          { kind: "heartbeat", sequence: "k3v9Qm2x-42", ageMilliseconds: 12.5, openMilliseconds: 0.5 },
        ];
        return { next: async () => news.shift(), close: () => {} };
      },
    },
    platforms: {
      create: async (_caller, name, policy) => ({
        name,
        createdAt: AT,
        policy: policy ?? { rules: [] },
        resourceHosts: [],
      }),
      list: async () => ({
        items: [
          { name: "default", createdAt: AT, policy: { rules: [] }, resourceHosts: ["mcp.example.com"] },
        ],
        next: "default",
      }),
      issueCredential: async () => ({ ...ISSUED, platform: "bakehouse" }),
    },
    policies: {
      get: async () => ({ policy: { rules: [] }, version: "1JpZr3mXkQ0fWm7bV0sSxA" }),
      put: async (_caller, _name, policy) => ({ policy, version: "1JpZr3mXkQ0fWm7bV0sSxA" }),
      tryOut: async () => ({ decides: undefined, passedOver: [], warnings: [] }),
    },
    resources: {
      list: async () => ({ items: [RESOURCE], next: RESOURCE.id }),
      register: async () => RESOURCE,
      change: async () => RESOURCE,
      remove: async () => {},
      setHosts: async (_caller, name, hosts) => ({
        name,
        createdAt: AT,
        policy: { rules: [] },
        resourceHosts: hosts,
      }),
    },
    audit: {
      list: async () => ({ items: [AUDIT_EVENT], next: AUDIT_EVENT.id }),
      export: async () => linesOf(['{"kind":"end","events":0,"waiting":0}']),
      trees: async () => [
        { number: 1, origin: "log.example/1", key: "log.example/1+00000000+AA==", checkpoint: null },
      ],
      checkpoint: async () =>
        "log.example/1\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n\u2014 log.example/1 AAAAAA==\n",
      tile: async (_, { width }) => new Uint8Array(32 * width),
    },
    keys: {
      list: async () => ({ items: [KEY], next: "1763816400125 Zk3vQm2xT9aBcDeF" }),
      rotate: async () => ({ ...KEY, state: "pending", retiredAt: AT + 1, expiresAt: AT + 2 }),
    },
    logins: {
      begin: async () => ({
        url: "https://login.example.com/authorize?state=s",
        state: "s",
        attempt: "sealed-attempt",
      }),
      finish: async (attempt) =>
        attempt === undefined
          ? { ok: false, reason: "not begun", facts: { step: "callback" } }
          : { ok: true, cookie: "new-session-cookie", returnTo: "/docs", expiresAt: AT + 43_200_000 },
      logout: async () => {},
      logoutUrl: async () => undefined,
    },
    sessions: {
      list: async () => ({ items: [SESSION], next: REQUEST_ID }),
      end: async () => {},
    },
    discharges: {
      publicKey: async () => new Uint8Array(32).fill(7),
      ask: async () => ({
        state: "pending",
        id: REQUEST_ID,
        secret: "secret",
        code: "BKHS-WXTZ",
        path: `/approvals/${REQUEST_ID}`,
        expiresAt: AT,
      }),
      collect: async () => ({ state: "granted", discharge: "discharge-text" }),
      withdraw: async () => {},
      view: async () => CONFIRMATION,
      confirm: async () => {},
      confirmed: async () => [{ id: REQUEST_ID, allows: CONFIRMATION.allows, decidedAt: AT }],
      takeBack: async () => {},
    },
    approvals: {
      list: async () => ({ items: [APPROVAL], next: REQUEST_ID }),
      waiting: async () => ({ items: [APPROVAL], more: true }),
      get: async () => APPROVAL,
      decide: async () => APPROVAL,
      withdraw: async () => {},
    },
    bakery: {
      discharge: async () => ({ state: "granted", macaroon: BAKERY_MACAROON }),
      wait: async () => new TextEncoder().encode("token"),
      challenge: async () => BAKERY_MACAROON,
      caller: async () => HUMAN,
    },
    oauth: {
      authorize: async () => ({ kind: "login", demands: {}, query: "client_id=c" }),
      decide: async () => ({ kind: "answer", url: "https://app.example/cb?code=c", clientName: "App" }),
      token: async () => '{"access_token":"issued-token-text","token_type":"Bearer","expires_in":3600}',
      revoke: async () => {},
    },
    devices: {
      begin: async () => ({
        device_code: "device-code-text",
        user_code: "WDJB-MJHT",
        verification_uri: "http://127.0.0.1:8080/device",
        expires_in: 600,
        interval: 5,
      }),
      look: async () => ({ kind: "consent", view: DEVICE_VIEW }),
      decide: async () => ({ kind: "answered", allowed: true }),
    },
    clients: {
      create: async () => ({ client: CLIENT, secret: "client-secret-text" }),
      list: async () => ({ items: [CLIENT], next: REQUEST_ID }),
      delete: async () => {},
    },
    consents: {
      list: async () => ({ items: [CONSENT], next: REQUEST_ID }),
      delete: async () => {},
    },
    keySet: { published: async () => [{ id: "Zk3vQm2xT9aBcDeF", publicKey: new Uint8Array(32).fill(7) }] },
    health: { checks: async () => [{ name: "serving", ok: true }] },
  };
}

type Method = (...args: readonly unknown[]) => Promise<unknown>;

/**
 * A service that knows a few credentials, answers every use case, and records what it was asked.
 *
 * @param parts methods to be used in place of the usual ones
 */
export function createFakeService(parts: Parts<Service> = {}) {
  const calls: RecordedCall[] = [];
  const authentications: RecordedCall[] = [];
  const base = usual();

  function record<K extends keyof Service>(name: K): Service[K] {
    const methods: Record<string, Method> = { ...base[name], ...parts[name] } as unknown as Record<
      string,
      Method
    >;
    const recorded = Object.entries(methods).map(([method, run]) => [
      method,
      async (...args: readonly unknown[]) => {
        (name === "authentication" ? authentications : calls).push({ name: `${name}.${method}`, args });
        return run(...args);
      },
    ]);
    return Object.fromEntries(recorded) as unknown as Service[K];
  }

  const service: Service = {
    authentication: record("authentication"),
    tokens: record("tokens"),
    renewals: record("renewals"),
    trees: record("trees"),
    decisions: record("decisions"),
    introspection: record("introspection"),
    reservations: record("reservations"),
    revocations: record("revocations"),
    platforms: record("platforms"),
    policies: record("policies"),
    resources: record("resources"),
    audit: record("audit"),
    keys: record("keys"),
    logins: record("logins"),
    sessions: record("sessions"),
    discharges: record("discharges"),
    approvals: record("approvals"),
    bakery: record("bakery"),
    oauth: record("oauth"),
    devices: record("devices"),
    clients: record("clients"),
    consents: record("consents"),
    keySet: record("keySet"),
    health: record("health"),
  };
  return { service, calls, authentications };
}
