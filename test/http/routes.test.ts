import { expect, test } from "vitest";

import { ROUTES } from "../../src/http/routes/all.ts";
import { REQUEST_ID, REVOCATION_ID, TOKEN_ID } from "../support/fake-service.ts";
import { type RouteSample, routeSuite } from "../support/route-suite.ts";

const LIMITS = ["0", "-1", "1001", "1e2", "01", "+5", "5.0", "ten", "99999999999999999999"];
const CURSORS = [
  "!",
  "AAAA",
  "bm9uZTo",
  "dG9rZW5zOg",
  "dG9rZW5zOngn",
  "cGxhdGZvcm1zOicgb3I",
  "a".repeat(700),
];
const NAMES = ["Default", "-a", "a-", "a_b", "a".repeat(64), "%E2%80%AE"];
const SEQUENCES = ["%20", "a%20b", "%C3%BC", "a".repeat(129)];

const INSTANTS = ["x", "2026", "2026-11-22", "1763816400", "2026-13-01T00:00:00Z"];
const AUDIT_QUERY = {
  token_id: ["x"],
  revocation_id: ["x"],
  action: ["token", "Token.issued"],
  platform: NAMES,
  actor: ["", "a%0Ab"],
  from: INSTANTS,
  to: INSTANTS,
};
const TREES = ["0", "-1", "x", "1e2"];

const POLICY = {
  rules: [
    {
      issuer: "https://login.example.com",
      groups: ["engineering"],
      subjects: ["248289761001"],
      claims: { repository: "acme/web" },
      caveats: ["action in read"],
      max_ttl: 3600,
      session: 86_400,
      on_behalf_of: false,
    },
  ],
  clients: { metadata_documents: true, domains: ["*.example.com"] },
};
const POLICY_LINES = ["rules[0].issuer", "rules[0].groups[0]", "rules[0].subjects[0]"];

const RESOURCE = {
  resource: "https://mcp.example.com/mcp",
  name: "Files",
  scopes: [{ scope: "files:read", description: "Read your files" }],
  caveats: ["action in read"],
  max_ttl: 3600,
  accept_unbound: false,
};

const VERIFY = {
  token: "some-token",
  discharges: ["some-discharge"],
  context: { action: "read", args: { amount: 12.5 } },
  cost: { EUR: 1.25 },
  charge_id: "order 17",
  reserve: 600,
  proof: { dpop: "some.dpop.proof", method: "POST", uri: "https://api.example/orders", content_digest: "d" },
  endorsements: ["some.signed.endorsement"],
  min_sequence: "k3v9Qm2x-41",
  dry_run: true,
};

/** One sample for each route: what the common suite needs to know of it. */
const SAMPLES: Readonly<Record<string, RouteSample>> = {
  issueToken: {
    path: "/v1/tokens",
    body: {
      platform: "default",
      ttl: 3600,
      caveats: ["action in read"],
      third_party_caveats: [
        { location: "https://third.example", condition: "is-principal", public_key: `${"A".repeat(43)}=` },
      ],
      label: "for the demo",
      on_behalf_of: { issuer: "https://login.example.com", subject: "248289761001" },
    },
    required: ["platform"],
    lines: [
      "platform",
      "label",
      "on_behalf_of.issuer",
      "on_behalf_of.subject",
      "third_party_caveats[0].location",
    ],
  },
  listTokens: { path: "/v1/tokens", query: { platform: NAMES, limit: LIMITS, cursor: CURSORS } },
  getToken: {
    path: `/v1/tokens/${TOKEN_ID}`,
    noIds: ["constructor", "019a8b3c-5d7e-4f10-8a2b-3c4d5e6f7081"],
  },
  getTree: {
    path: `/v1/tokens/${TOKEN_ID}/tree`,
    noIds: ["constructor", "019a8b3c-5d7e-4f10-8a2b-3c4d5e6f7081"],
  },
  getLink: { path: `/v1/links/${REVOCATION_ID}`, noIds: ["constructor", `${"A".repeat(21)}B`] },
  verify: { path: "/v1/verify", body: VERIFY, required: ["token", "context"], lines: ["min_sequence"] },
  verifyBatch: { path: "/v1/verify/batch", body: { requests: [] }, required: ["requests"] },
  revoke: {
    path: "/v1/revocations",
    body: {
      targets: [
        { token: "some-token" },
        { revocation_id: REVOCATION_ID },
        { token_id: TOKEN_ID },
        {
          principal: { subject: "248289761001", issuer: "https://login.example.com" },
          issued_before: "2026-11-22T12:00:00Z",
        },
        { agent: "researcher#1", token_id: TOKEN_ID },
        { key_id: "Zk3vQm2xT9aBcDeF" },
        { platform: "default" },
      ],
      reason: "it left the sandbox",
      dry_run: false,
    },
    required: ["targets"],
    lines: [
      "reason",
      "targets[1].revocation_id",
      "targets[2].token_id",
      "targets[3].principal.subject",
      "targets[3].principal.issuer",
      "targets[3].issued_before",
      "targets[4].agent",
      "targets[5].key_id",
      "targets[6].platform",
    ],
  },
  revocationLog: { path: "/v1/revocations", query: { limit: LIMITS, after: SEQUENCES } },
  oauthRevoke: { path: "/oauth/revoke", form: "token=some-token" },
  oauthIntrospect: { path: "/oauth/introspect", form: "token=some-token" },
  authorize: { path: "/oauth/authorize" },
  decideAuthorization: { path: "/oauth/authorize", ownRefusal: true },
  oauthToken: { path: "/oauth/token", form: "grant_type=authorization_code" },
  deviceAuthorization: { path: "/oauth/device_authorization", form: "client_id=c" },
  devicePage: { path: "/device" },
  answerDevice: { path: "/device", ownRefusal: true },
  listClients: { path: "/v1/clients", query: { limit: LIMITS, cursor: CURSORS } },
  createClient: {
    path: "/v1/clients",
    body: {
      client_name: "App",
      redirect_uris: ["https://app.example/cb"],
      token_endpoint_auth_method: "client_secret_basic",
    },
    required: ["client_name", "redirect_uris", "token_endpoint_auth_method"],
    lines: ["client_name", "redirect_uris[0]"],
  },
  deleteClient: { path: `/v1/clients/${REQUEST_ID}` },
  listConsents: { path: "/v1/consents", query: { limit: LIMITS, cursor: CURSORS } },
  deleteConsent: { path: `/v1/consents/${REQUEST_ID}` },
  listPlatforms: { path: "/v1/platforms", query: { limit: LIMITS, cursor: CURSORS } },
  createPlatform: {
    path: "/v1/platforms",
    body: { name: "shop", policy: POLICY },
    required: ["name"],
    lines: ["name", ...POLICY_LINES.map((line) => `policy.${line}`)],
  },
  createCredential: {
    path: "/v1/platforms/default/credentials",
    body: { ttl: 3600, caveats: ["action in verify"], label: "the gateway" },
    lines: ["label"],
  },
  changePlatform: {
    path: "/v1/platforms/default",
    body: { resource_hosts: ["mcp.example.com"] },
    required: ["resource_hosts"],
  },
  listResources: {
    path: "/v1/platforms/default/resources",
    query: { limit: LIMITS, cursor: CURSORS.filter((c) => c !== "") },
  },
  registerResource: {
    path: "/v1/platforms/default/resources",
    body: RESOURCE,
    required: ["resource", "name"],
    lines: ["name", "scopes[0].description"],
  },
  putResource: {
    path: `/v1/platforms/default/resources/${REQUEST_ID}`,
    body: RESOURCE,
    required: ["resource", "name"],
    lines: ["name", "scopes[0].description"],
    noIds: ["constructor", "x"],
  },
  removeResource: { path: `/v1/platforms/default/resources/${REQUEST_ID}`, noIds: ["constructor", "x"] },
  getPolicy: { path: "/v1/platforms/default/policy" },
  putPolicy: { path: "/v1/platforms/default/policy", body: POLICY, required: ["rules"], lines: POLICY_LINES },
  renewToken: {
    path: `/v1/tokens/${TOKEN_ID}/renew`,
    body: { token: "some-token", ttl: 3600, caveats: ["action in read"] },
    required: ["token"],
  },
  tryPolicy: {
    path: "/v1/platforms/default/policy",
    body: {
      dry_run: true,
      issuer: "https://login.example.com",
      kind: "id-jag",
      subject: "248289761001",
      groups: ["engineering"],
      claims: { client_id: "cursor" },
      on_behalf_of: false,
      policy: POLICY,
    },
    required: ["dry_run", "subject"],
    lines: ["issuer", "subject", "groups[0]", ...POLICY_LINES.map((line) => `policy.${line}`)],
  },
  getReservation: { path: `/v1/reservations/${REQUEST_ID}` },
  settleReservation: {
    path: `/v1/reservations/${REQUEST_ID}/settle`,
    body: { cost: { EUR: "1.25" } },
    required: ["cost"],
  },
  releaseReservation: { path: `/v1/reservations/${REQUEST_ID}` },
  listKeys: {
    path: "/v1/keys",
    query: { platform: NAMES, limit: LIMITS, cursor: CURSORS.filter((c) => c !== "") },
  },
  rotateKey: { path: "/v1/keys/rotate", body: { platform: "default" }, lines: ["platform"] },
  listAuditEvents: {
    path: "/v1/audit",
    query: { ...AUDIT_QUERY, limit: LIMITS, cursor: CURSORS.filter((c) => c !== "") },
  },
  exportAuditEvents: { path: "/v1/audit/export", query: AUDIT_QUERY },
  auditCheckpoint: { path: "/v1/audit/checkpoint" },
  auditKey: { path: "/v1/audit/key" },
  auditTile: { path: "/v1/audit/tile/0/067", query: { tree: TREES }, noIds: ["67", "x067", "067.p"] },
  auditTileOf2: { path: "/v1/audit/tile/0/067.p/5", query: { tree: TREES }, noIds: ["0", "256", "067"] },
  auditTileOf3: { path: "/v1/audit/tile/0/x001/x234/067", query: { tree: TREES } },
  auditTileOf4: { path: "/v1/audit/tile/0/x001/x234/067.p/5", query: { tree: TREES } },
  askDischarge: {
    path: "/v1/discharge",
    body: {
      caveat_id: "AAEC",
      caveat: "AAEC",
      token: "some-token",
      ancestor: REVOCATION_ID,
      caveats: ["tool = pay"],
    },
    required: ["caveat_id"],
    lines: ["caveat_id", "caveat", "ancestor"],
  },
  collectDischarge: {
    path: `/v1/discharge/${REQUEST_ID}/collect`,
    body: { secret: "some-secret" },
    required: ["secret"],
  },
  withdrawDischarge: {
    path: `/v1/discharge/${REQUEST_ID}/withdraw`,
    body: { secret: "some-secret" },
    required: ["secret"],
  },
  listApprovals: {
    path: "/v1/approvals",
    query: { state: ["granted", "Pending"], limit: LIMITS, cursor: CURSORS },
  },
  decideApproval: {
    path: `/v1/approvals/${REQUEST_ID}`,
    body: { decision: "approve", reason: "agreed" },
    required: ["decision"],
    lines: ["reason"],
    noIds: ["019a8b3c-5d7e-4f10-8a2b-3c4d5e6f7081"],
  },
  listSessions: { path: "/v1/sessions", query: { limit: LIMITS, cursor: CURSORS } },
  endSession: { path: `/v1/sessions/${REQUEST_ID}` },
  endSessionOnPage: { path: `/sessions/${REQUEST_ID}/end`, ownRefusal: true },
  dischargeInfo: { path: "/discharge/info" },
  publicKey: { path: "/publickey" },
  bakeryDischarge: { path: "/discharge", ownRefusal: true },
  waitToken: { path: "/wait-token" },
  confirmationPage: { path: `/discharges/${REQUEST_ID}` },
  confirm: { path: `/discharges/${REQUEST_ID}`, ownRefusal: true },
  approvalsPage: { path: "/approvals", query: { before: ["x", "019a8b3c-5d7e-4f10-8a2b-3c4d5e6f7081"] } },
  approvalPage: { path: `/approvals/${REQUEST_ID}` },
  answerApproval: { path: `/approvals/${REQUEST_ID}`, ownRefusal: true },
  tokensPage: { path: "/tokens", query: { before: ["x", "019a8b3c-5d7e-4f10-8a2b-3c4d5e6f7081"] } },
  tokenPage: { path: `/tokens/${TOKEN_ID}` },
  cutOffToken: { path: `/tokens/${TOKEN_ID}`, ownRefusal: true },
  login: {
    path: "/login",
    query: {
      return_to: ["//evil.example", "https://evil.example/", "login", "/login"],
      max_age: ["-1", "1.5", "123456"],
      acr_values: ["%20a", "a%20%20b", "a%0Ab"],
    },
  },
  callback: { path: "/callback" },
  logout: { path: "/logout" },
  home: { path: "/" },
  authorizationServer: { path: "/.well-known/oauth-authorization-server" },
  openidConfiguration: { path: "/.well-known/openid-configuration" },
  jwks: { path: "/.well-known/jwks.json" },
  protectedResource: { path: "/.well-known/oauth-protected-resource" },
  healthz: { path: "/healthz" },
  readyz: { path: "/readyz" },
  // The suite asks from another machine.
  metrics: { path: "/metrics", ownRefusal: true },
  openapi: { path: "/openapi.yaml" },
  docs: { path: "/docs" },
  docsFile: { path: "/docs/start.js" },
};

test("every route has a sample, so that the common suite attacks it", () => {
  expect(Object.keys(SAMPLES).sort()).toEqual(ROUTES.map(({ operationId }) => operationId).sort());
});

for (const route of ROUTES) {
  const sample = SAMPLES[route.operationId];
  if (sample !== undefined) routeSuite(route, sample);
}
