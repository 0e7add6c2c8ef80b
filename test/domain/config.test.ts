import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { ConfigError } from "../../src/config/environment.ts";
import { type Config, parseConfig } from "../../src/config.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const KEY_HEX = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const SERVER = {
  DATABASE_URL: "postgres://db.example/bakehouse",
  MASTER_KEY: KEY,
  OIDC_ISSUER: "development",
};
const ISSUER = { OIDC_ISSUER: "https://login.example.com", OIDC_CLIENT_ID: "bakehouse" };

const TENANT = "9122040d-6c67-4c5b-b112-36a304b66dad";
const MANY = { ...ISSUER, OIDC_ISSUER: "https://login.microsoftonline.com/organizations/v2.0" };

function noFile(): string {
  throw new Error("ENOENT: no such file");
}

function parse(environment: Environment, readFile: (path: string) => string = noFile): Config {
  return parseConfig(environment, readFile);
}

function problemsOf(environment: Environment, readFile?: (path: string) => string): readonly string[] {
  try {
    parse(environment, readFile);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

const hex = (secret: Config["masterKey"]) => secret && Buffer.from(secret.reveal()).toString("hex");

test("nothing set is a working service on one machine", () => {
  expect(parse({})).toEqual({
    databaseUrl: undefined,
    databaseDirectUrl: undefined,
    databasePool: 10,
    dataDir: "./data",
    host: "127.0.0.1",
    port: 8080,
    publicUrl: "http://127.0.0.1:8080",
    oidc: { kind: "development" },
    providerNetwork: { authorities: [], proxies: { https: undefined, http: undefined, except: [] } },
    trustedIssuers: [],
    groupsClaim: ["groups"],
    adminGroups: [],
    masterKey: undefined,
    previousMasterKey: undefined,
    failover: { failover: undefined, restoreFence: "refuse" },
    retention: 455 * 86_400_000,
    auditDecisions: "refused",
    auditPublic: false,
    revocationMaxStaleness: 10_000,
    trustedProxies: [],
    allowedOrigins: [],
    shutdownDelay: 0,
    startWait: 30_000,
    waitingRequests: {},
    logLevel: "info",
    logRequests: 1,
    metrics: { kind: "main port" },
    traces: undefined,
    warnings: [],
  });
});

test("an empty variable counts as unset", () => {
  const names = [
    "DATABASE_URL DATABASE_DIRECT_URL DATABASE_POOL DATA_DIR HOST PORT PUBLIC_URL",
    "OIDC_ISSUER OIDC_CLIENT_ID OIDC_CLIENT_SECRET",
    "OIDC_CLI_CLIENT_ID OIDC_TRUSTED_ISSUERS ADMIN_GROUPS MASTER_KEY MASTER_KEY_FILE MASTER_KEY_PREVIOUS",
    "REVOCATION_MAX_STALENESS LOG_LEVEL OTEL_EXPORTER_OTLP_ENDPOINT FAILOVER RESTORE_FENCE RETENTION",
    "TRUSTED_PROXIES SHUTDOWN_DELAY START_WAIT DATABASE_URL_FILE OIDC_CLIENT_SECRET_FILE WEBHOOK_SECRET_FILE WAITING_REQUESTS",
    "ALLOWED_ORIGINS AUDIT_DECISIONS AUDIT_PUBLIC METRICS_ADDRESS LOG_REQUESTS",
  ].flatMap((line) => line.split(" "));
  expect(parse(Object.fromEntries(names.map((name) => [name, ""])))).toEqual(parse({}));
});

test("an LDAP name that is cut at its commas is named", () => {
  expect(parse({ ADMIN_GROUPS: "CN=admins,OU=Groups" }).warnings).toEqual([
    'ADMIN_GROUPS: holds a part of an LDAP name: to keep its commas write a JSON list such as ["cn=admins,dc=example"]',
  ]);
  expect(parse({ ADMIN_GROUPS: '["CN=admins,OU=Groups"]' }).warnings).toEqual([]);
});

describe("what is accepted", () => {
  test.each<{ set: Environment; gives: Partial<Config> }>([
    { set: SERVER, gives: { databaseUrl: "postgres://db.example/bakehouse" } },
    { set: { ...SERVER, DATABASE_URL: "postgresql://u:p@db:5433/x?sslmode=require" }, gives: {} },
    {
      set: { ...SERVER, DATABASE_DIRECT_URL: "postgres://db.example:5433/x", DATABASE_POOL: "25" },
      gives: { databaseDirectUrl: "postgres://db.example:5433/x", databasePool: 25 },
    },
    { set: { DATA_DIR: "/var/lib/bakehouse" }, gives: { dataDir: "/var/lib/bakehouse" } },
    { set: { HOST: "::1" }, gives: { host: "::1", publicUrl: "http://[::1]:8080" } },
    { set: { HOST: "localhost" }, gives: { publicUrl: "http://localhost:8080" } },
    { set: { HOST: "0.0.0.0", ...ISSUER }, gives: { host: "0.0.0.0", publicUrl: "http://127.0.0.1:8080" } },
    { set: { PORT: "0" }, gives: { port: 0 } },
    { set: { PORT: "65535" }, gives: { port: 65_535, publicUrl: "http://127.0.0.1:65535" } },
    { set: { PUBLIC_URL: "https://bake.example/", ...ISSUER }, gives: { publicUrl: "https://bake.example" } },
    { set: { PUBLIC_URL: "http://localhost:9" }, gives: { publicUrl: "http://localhost:9" } },
    { set: { OIDC_ISSUER: "development" }, gives: { oidc: { kind: "development" } } },
    {
      set: { ...ISSUER, OIDC_CLIENT_SECRET: "s", OIDC_CLI_CLIENT_ID: "cli" },
      gives: {
        oidc: {
          kind: "issuer",
          issuer: "https://login.example.com",
          tenants: [],
          clientId: "bakehouse",
          clientSecret: "s",
          cliClientId: "cli",
          backChannel: undefined,
        },
      },
    },
    {
      set: { ...ISSUER, OIDC_BACKCHANNEL_URL: "http://keycloak.auth.svc:8080/" },
      gives: {
        oidc: {
          kind: "issuer",
          issuer: "https://login.example.com",
          tenants: [],
          clientId: "bakehouse",
          clientSecret: undefined,
          cliClientId: undefined,
          backChannel: "http://keycloak.auth.svc:8080",
        },
        warnings: [
          "OIDC_BACKCHANNEL_URL: is http: whoever can change what passes there can sign in as anybody (https with OIDC_CA_FILE closes that)",
        ],
      },
    },
    {
      set: {
        HTTPS_PROXY: "http://u:p%40@proxy.example:3128",
        HTTP_PROXY: "proxy.example",
        NO_PROXY: "a, .b c:1",
      },
      gives: {
        providerNetwork: {
          authorities: [],
          proxies: {
            https: "http://u:p%40@proxy.example:3128/",
            http: "http://proxy.example/",
            except: ["a", ".b", "c:1"],
          },
        },
      },
    },
    {
      set: {
        HTTPS_PROXY: "http://upper.example",
        https_proxy: "http://lower.example",
        NO_PROXY: "upper",
        no_proxy: "lower",
      },
      gives: {
        providerNetwork: {
          authorities: [],
          proxies: { https: "http://lower.example/", http: undefined, except: ["lower"] },
        },
        warnings: [],
      },
    },
    {
      set: { HTTPS_PROXY: "socks5://proxy.example:1080" },
      gives: {
        providerNetwork: { authorities: [], proxies: { https: undefined, http: undefined, except: [] } },
        warnings: ["HTTPS_PROXY: is not used: only proxies with http:// or https:// are"],
      },
    },
    // Issuers are compared character by character, so what was written is kept.
    { set: { ...ISSUER, OIDC_ISSUER: "https://login.example.com/realm/" }, gives: {} },
    { set: { ...ISSUER, OIDC_ISSUER: "http://127.0.0.1:4000" }, gives: {} },
    {
      set: { ...ISSUER, OIDC_TRUSTED_ISSUERS: '[{"issuer":"https://p.example","audiences":["a","b"]}]' },
      gives: {
        trustedIssuers: [
          { issuer: "https://p.example", kind: "person", audiences: ["a", "b"], groupsClaim: ["groups"] },
        ],
      },
    },
    {
      set: {
        ...ISSUER,
        OIDC_TRUSTED_ISSUERS: '[{"issuer":"https://p.example","audiences":["a"],"groups_claim":"a.b"}]',
      },
      gives: {
        trustedIssuers: [
          { issuer: "https://p.example", kind: "person", audiences: ["a"], groupsClaim: ["a", "b"] },
        ],
      },
    },
    {
      set: {
        ...ISSUER,
        OIDC_TRUSTED_ISSUERS: JSON.stringify([
          { issuer: "https://ci.example", kind: "workload" },
          { issuer: "https://p.example", kind: "person", audiences: ["a"] },
          { issuer: "https://p.example", kind: "id-jag", groups_claim: "roles" },
          { issuer: ISSUER.OIDC_ISSUER, kind: "id-jag" },
        ]),
      },
      gives: {
        trustedIssuers: [
          { issuer: "https://ci.example", kind: "workload", audiences: [], groupsClaim: ["groups"] },
          { issuer: "https://p.example", kind: "person", audiences: ["a"], groupsClaim: ["groups"] },
          { issuer: "https://p.example", kind: "id-jag", audiences: [], groupsClaim: ["roles"] },
          { issuer: ISSUER.OIDC_ISSUER, kind: "id-jag", audiences: [], groupsClaim: ["groups"] },
        ],
      },
    },
    {
      set: {
        ...MANY,
        OIDC_TENANTS: ` ${TENANT.toUpperCase()}, ${TENANT}, 00000000-0000-0000-0000-000000000001`,
      },
      gives: {
        oidc: {
          kind: "issuer",
          issuer: MANY.OIDC_ISSUER,
          tenants: [TENANT, "00000000-0000-0000-0000-000000000001"],
          clientId: "bakehouse",
          clientSecret: undefined,
          cliClientId: undefined,
          backChannel: undefined,
        },
      },
    },
    { set: { ...ISSUER, OIDC_GROUPS_CLAIM: "roles" }, gives: { groupsClaim: ["roles"] } },
    {
      set: { ...ISSUER, OIDC_GROUPS_CLAIM: "realm_access.roles" },
      gives: { groupsClaim: ["realm_access", "roles"] },
    },
    { set: { ...ISSUER, OIDC_GROUPS_CLAIM: "cognito:groups" }, gives: { groupsClaim: ["cognito:groups"] } },
    {
      set: { ...ISSUER, OIDC_GROUPS_CLAIM: '"https://example.com/groups"' },
      gives: { groupsClaim: ["https://example.com/groups"] },
    },
    {
      set: { ...ISSUER, OIDC_GROUPS_CLAIM: 'resource_access."my.client".roles' },
      gives: { groupsClaim: ["resource_access", "my.client", "roles"] },
    },
    { set: { ...ISSUER, OIDC_GROUPS_CLAIM: "none" }, gives: { groupsClaim: null } },
    { set: { ...ISSUER, OIDC_GROUPS_CLAIM: '"none"' }, gives: { groupsClaim: ["none"] } },
    {
      set: { ADMIN_GROUPS: '["CN=admins,OU=Groups,DC=example,DC=com", "root"]' },
      gives: { adminGroups: ["CN=admins,OU=Groups,DC=example,DC=com", "root"] },
    },
    { set: { ADMIN_GROUPS: " [] " }, gives: { adminGroups: [] } },
    { set: { ADMIN_GROUPS: " admins , root,," }, gives: { adminGroups: ["admins", "root"] } },
    {
      set: { FAILOVER: "synchronous", RESTORE_FENCE: "auto" },
      gives: { failover: { failover: "synchronous", restoreFence: "auto" } },
    },
    {
      set: { RESTORE_FENCE: "refuse" },
      gives: { failover: { failover: undefined, restoreFence: "refuse" } },
    },
    { set: { RETENTION: "91d" }, gives: { retention: 91 * 86_400_000 } },
    { set: { RETENTION: "3650d" }, gives: { retention: 3650 * 86_400_000 } },
    { set: { REVOCATION_MAX_STALENESS: "500ms" }, gives: { revocationMaxStaleness: 500 } },
    { set: { REVOCATION_MAX_STALENESS: "30s" }, gives: { revocationMaxStaleness: 30_000 } },
    { set: { REVOCATION_MAX_STALENESS: "10m" }, gives: { revocationMaxStaleness: 600_000 } },
    { set: { SHUTDOWN_DELAY: "0s", START_WAIT: "0ms" }, gives: { shutdownDelay: 0, startWait: 0 } },
    {
      set: { SHUTDOWN_DELAY: "15s", START_WAIT: "10m" },
      gives: { shutdownDelay: 15_000, startWait: 600_000 },
    },
    {
      set: { TRUSTED_PROXIES: " 10.0.0.1/8 , 2001:db8::/32,192.0.2.7,::ffff:198.51.100.0/120" },
      gives: {
        trustedProxies: [
          { family: 4, words: [0x0a000000], prefix: 8 },
          { family: 6, words: [0x20010db8, 0, 0, 0], prefix: 32 },
          { family: 4, words: [0xc0000207], prefix: 32 },
          { family: 4, words: [0xc6336400], prefix: 24 },
        ],
      },
    },
    {
      set: { ALLOWED_ORIGINS: " https://app.example.com/, http://localhost:3000,https://app.example.com" },
      gives: { allowedOrigins: ["https://app.example.com", "http://localhost:3000"] },
    },
    { set: { WAITING_REQUESTS: "asker=100000" }, gives: { waitingRequests: { asker: 100_000 } } },
    {
      set: { WAITING_REQUESTS: " link=1, asker = 2,approver=3" },
      gives: { waitingRequests: { link: 1, asker: 2, approver: 3 } },
    },
    { set: { LOG_LEVEL: "silent" }, gives: { logLevel: "silent" } },
    { set: { LOG_REQUESTS: "all" }, gives: { logRequests: 1 } },
    { set: { LOG_REQUESTS: "errors" }, gives: { logRequests: 0 } },
    { set: { LOG_REQUESTS: "0.01" }, gives: { logRequests: 0.01 } },
    { set: SERVER, gives: { metrics: { kind: "nowhere" } } },
    {
      set: { HOST: "0.0.0.0", PUBLIC_URL: "https://bakehouse.example", ...ISSUER },
      gives: { metrics: { kind: "nowhere" } },
    },
    {
      set: { METRICS_ADDRESS: "10.0.0.7:9464" },
      gives: { metrics: { kind: "address", host: "10.0.0.7", port: 9464 } },
    },
    {
      set: { METRICS_ADDRESS: "[::1]:9464" },
      gives: { metrics: { kind: "address", host: "::1", port: 9464 } },
    },
    {
      set: { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318" },
      gives: {
        traces: {
          url: "http://127.0.0.1:4318/v1/traces",
          encoding: "protobuf",
          sampler: { kind: "always_on", ratio: 1, parentBased: true },
          propagates: true,
          resource: { "service.name": "bakehouse" },
          batch: {},
        },
      },
    },
  ])("$set", ({ set, gives }) => {
    expect(parse(set)).toMatchObject(gives);
  });

  test.each([
    { name: "base64url", text: KEY },
    { name: "base64, padded", text: `${KEY}=` },
    { name: "with an end of line", text: `${KEY}\n` },
  ])("a master key in $name, from the variable and from a file", ({ text }) => {
    expect(hex(parse({ MASTER_KEY: text }).masterKey)).toBe(KEY_HEX);
    expect(hex(parse({ MASTER_KEY_PREVIOUS: text }).previousMasterKey)).toBe(KEY_HEX);
    const read: string[] = [];
    const config = parse({ MASTER_KEY_FILE: "/run/key" }, (path) => {
      read.push(path);
      return text;
    });
    expect(hex(config.masterKey)).toBe(KEY_HEX);
    expect(read).toEqual(["/run/key"]);
  });
});

/** Never to be seen in a problem. */
const CANARY = "cAnArY";

const GROUPS_CLAIM =
  'must be a claim such as groups, a path such as realm_access.roles, a full name such as "https://example.com/groups" in double quotes, or none';

const REFUSED: readonly { readonly set: Environment; readonly problem: string }[] = [
  {
    set: { DATABASE_URL: CANARY, MASTER_KEY: KEY, OIDC_ISSUER: "development" },
    problem: "DATABASE_URL: must be a URL that begins with postgres:// or postgresql://",
  },
  {
    set: { ...SERVER, DATABASE_URL: `mysql://u:${CANARY}@db/x` },
    problem: "DATABASE_URL: must be a URL that begins with postgres:// or postgresql://",
  },
  {
    set: { ...SERVER, DATABASE_URL: `postgres://u:${CANARY}/x@db/x` },
    problem:
      "DATABASE_URL: has a / before its @: in user and password write % as %25, @ as %40, / as %2F, : as %3A, ? as %3F, # as %23",
  },
  {
    set: { ...SERVER, DATABASE_DIRECT_URL: `postgres://u:${CANARY}@db/x?sslmode=on` },
    problem:
      "DATABASE_DIRECT_URL: parameter sslmode must be disable, allow, prefer, require, verify-ca or verify-full",
  },
  {
    set: { DATABASE_DIRECT_URL: "postgres://db/x" },
    problem: "DATABASE_DIRECT_URL: goes with a DATABASE_URL only",
  },
  { set: { DATABASE_POOL: "5" }, problem: "DATABASE_POOL: goes with a DATABASE_URL only" },
  ...["0", "1001", "ten", "-1", "1.5"].map((size) => ({
    set: { ...SERVER, DATABASE_POOL: size },
    problem: "DATABASE_POOL: must be a number from 1 to 1000",
  })),
  {
    set: { DATABASE_URL: "postgres://db/x", OIDC_ISSUER: "development" },
    problem: "MASTER_KEY: is needed with a DATABASE_URL (or MASTER_KEY_FILE, or MASTER_KEY_COMMAND)",
  },
  {
    set: { DATABASE_URL: "postgres://db/x", MASTER_KEY: KEY },
    problem:
      "OIDC_ISSUER: is needed with a DATABASE_URL (`development` for the development identity provider)",
  },
  { set: { HOST: `${CANARY} host` }, problem: "HOST: must be an IP address or a host name" },
  { set: { HOST: "-x-" }, problem: "HOST: must be an IP address or a host name" },
  { set: { HOST: "0.0.0.0" }, problem: "OIDC_ISSUER: is needed unless HOST and PUBLIC_URL are loopback" },
  { set: { HOST: "192.0.2.1" }, problem: "OIDC_ISSUER: is needed unless HOST and PUBLIC_URL are loopback" },
  {
    set: { PUBLIC_URL: "https://bake.example" },
    problem: "OIDC_ISSUER: is needed unless HOST and PUBLIC_URL are loopback",
  },
  {
    set: { PUBLIC_URL: "http://localhost.evil.example" },
    problem: "OIDC_ISSUER: is needed unless HOST and PUBLIC_URL are loopback",
  },
  {
    set: { HOST: "0.0.0.0", OIDC_ISSUER: "development" },
    problem: "OIDC_ISSUER: is needed unless HOST and PUBLIC_URL are loopback",
  },
  ...["-1", "65536", "80x", "0x50", "1e3", " 80", "8080.0", CANARY].map((PORT) => ({
    set: { PORT },
    problem: "PORT: must be a port number, 0 to 65535",
  })),
  { set: { PUBLIC_URL: CANARY }, problem: "PUBLIC_URL: must be a URL with http:// or https://" },
  { set: { PUBLIC_URL: "ftp://127.0.0.1" }, problem: "PUBLIC_URL: must be a URL with http:// or https://" },
  ...[`/${CANARY}`, `?${CANARY}`, `#${CANARY}`].map((rest) => ({
    set: { PUBLIC_URL: `http://127.0.0.1${rest}` },
    problem: "PUBLIC_URL: must be an origin: scheme, host and port, and nothing behind them",
  })),
  {
    set: { PUBLIC_URL: `http://u:${CANARY}@127.0.0.1` },
    problem: "PUBLIC_URL: must be an origin: scheme, host and port, and nothing behind them",
  },
  {
    set: { OIDC_ISSUER: CANARY, OIDC_CLIENT_ID: "x" },
    problem: "OIDC_ISSUER: must be a URL with https:// or http://",
  },
  {
    set: { OIDC_ISSUER: "http://login.example.com", OIDC_CLIENT_ID: "x" },
    problem: "OIDC_ISSUER: must be https: unless it is on this machine",
  },
  {
    set: { OIDC_ISSUER: `https://u:${CANARY}@login.example.com`, OIDC_CLIENT_ID: "x" },
    problem: "OIDC_ISSUER: must be a URL without user, query and fragment",
  },
  {
    set: { OIDC_ISSUER: "https://login.example.com?x", OIDC_CLIENT_ID: "x" },
    problem: "OIDC_ISSUER: must be a URL without user, query and fragment",
  },
  {
    set: { OIDC_ISSUER: "https://login.example.com" },
    problem: "OIDC_CLIENT_ID: is needed with an OIDC_ISSUER",
  },
  ...[
    "OIDC_CLIENT_ID",
    "OIDC_CLIENT_SECRET",
    "OIDC_CLI_CLIENT_ID",
    "OIDC_BACKCHANNEL_URL",
    "OIDC_GROUPS_CLAIM",
    "OIDC_TENANTS",
  ].map((name) => ({
    set: { [name]: CANARY },
    problem: `${name}: goes with an OIDC_ISSUER only`,
  })),
  ...[
    CANARY,
    "{}",
    "[1]",
    "[null]",
    '[{"issuer":"https://p.example"}]',
    '[{"issuer":"https://p.example","audiences":[]}]',
    '[{"issuer":"https://p.example","audiences":[1]}]',
    '[{"issuer":"https://p.example","audiences":["a"],"x":1}]',
    '[{"issuer":1,"audiences":["a"]}]',
    '[{"issuer":"https://p.example","audiences":["a"],"kind":"robot"}]',
    '[{"issuer":"https://p.example","audiences":["a"],"kind":null}]',
  ].map((text) => ({
    set: { OIDC_TRUSTED_ISSUERS: text },
    problem: 'OIDC_TRUSTED_ISSUERS: must be JSON such as [{"issuer":"https://…","audiences":["…"]}]',
  })),
  ...[
    '[{"issuer":"https://p.example","kind":"workload","audiences":["a"]}]',
    '[{"issuer":"https://p.example","kind":"id-jag","audiences":[]}]',
  ].map((text) => ({
    set: { OIDC_TRUSTED_ISSUERS: text },
    problem:
      "OIDC_TRUSTED_ISSUERS: takes audiences for people only: assertions are for this service's PUBLIC_URL alone",
  })),
  ...[
    [
      { issuer: "https://p.example", kind: "workload" },
      { issuer: "https://p.example", audiences: ["a"] },
    ],
    [
      { issuer: "https://p.example", kind: "id-jag" },
      { issuer: "https://p.example", kind: "workload" },
    ],
    [{ issuer: ISSUER.OIDC_ISSUER, kind: "workload" }],
  ].map((issuers) => ({
    set: { ...ISSUER, OIDC_TRUSTED_ISSUERS: JSON.stringify(issuers) },
    problem: "OIDC_TRUSTED_ISSUERS: names an issuer for people and for workloads: it is of one or the other",
  })),
  ...["workload", "id-jag"].map((kind) => ({
    set: {
      ...ISSUER,
      OIDC_TRUSTED_ISSUERS: JSON.stringify([
        { issuer: "https://p.example", kind },
        { issuer: "https://p.example", kind },
      ]),
    },
    problem: "OIDC_TRUSTED_ISSUERS: names an issuer twice",
  })),
  {
    set: { OIDC_TRUSTED_ISSUERS: '[{"issuer":"http://p.example","audiences":["a"]}]' },
    problem: "OIDC_TRUSTED_ISSUERS: must be https: unless it is on this machine",
  },
  {
    set: { ...ISSUER, OIDC_BACKCHANNEL_URL: `https://keycloak/${CANARY}` },
    problem: "OIDC_BACKCHANNEL_URL: must be an origin: scheme, host and port, and nothing behind them",
  },
  {
    set: { HTTPS_PROXY: `http://${CANARY}:%@p.example` },
    problem: "HTTPS_PROXY: user and password must be percent-encoded: write % as %25",
  },
  {
    set: { http_proxy: `http://${CANARY} x` },
    problem: "http_proxy: must be a URL with http:// or https://",
  },
  {
    set: { OIDC_CA_FILE: `/${CANARY}` },
    problem: "OIDC_CA_FILE: cannot be read: name a file that this user may read",
  },
  {
    set: { OIDC_TRUSTED_ISSUERS: '[{"issuer":"https://p.example","audiences":["a"],"groups_claim":"a..b"}]' },
    problem: `OIDC_TRUSTED_ISSUERS: ${GROUPS_CLAIM}`,
  },
  ...["a b", ".", "a.", ".a", '"a', '""', '"\\x"', "a/b", CANARY.concat("\n"), "a[0]"].map((text) => ({
    set: { ...ISSUER, OIDC_GROUPS_CLAIM: text },
    problem: `OIDC_GROUPS_CLAIM: ${GROUPS_CLAIM}`,
  })),
  {
    set: { ...ISSUER, OIDC_GROUPS_CLAIM: "none", ADMIN_GROUPS: CANARY },
    problem: "ADMIN_GROUPS: nobody is in a group with OIDC_GROUPS_CLAIM none",
  },
  ...["[", "[1]", '[""]', `["${CANARY}"`, '[["a"]]'].map((text) => ({
    set: { ADMIN_GROUPS: text },
    problem: 'ADMIN_GROUPS: must be names between commas, or a JSON list such as ["cn=admins,dc=example"]',
  })),
  {
    set: { ...ISSUER, OIDC_TRUSTED_ISSUERS: '[{"issuer":"https://login.example.com","audiences":["a"]}]' },
    problem: "OIDC_TRUSTED_ISSUERS: names an issuer twice",
  },
  {
    set: { OIDC_TRUSTED_ISSUERS: '[{"issuer":"http://127.0.0.1:8080/dev-idp","audiences":["a"]}]' },
    problem: "OIDC_TRUSTED_ISSUERS: names an issuer twice",
  },
  ...[
    CANARY,
    KEY.slice(1),
    `${KEY}A`,
    `${KEY}==`,
    `${KEY.slice(0, -1)}9`,
    `-${KEY.slice(1, -1)}/`,
    KEY_HEX,
  ].map((MASTER_KEY) => ({
    set: { MASTER_KEY },
    problem:
      "MASTER_KEY: must be exactly 32 bytes in base64 or base64url, as `openssl rand -base64 32` writes them",
  })),
  {
    set: { MASTER_KEY_PREVIOUS: CANARY },
    problem:
      "MASTER_KEY_PREVIOUS: must be exactly 32 bytes in base64 or base64url, as `openssl rand -base64 32` writes them",
  },
  {
    set: { MASTER_KEY: KEY, MASTER_KEY_FILE: "/run/key" },
    problem: "MASTER_KEY: set it or MASTER_KEY_FILE, not both",
  },
  {
    set: { MASTER_KEY_FILE: `/run/${CANARY}` },
    problem: "MASTER_KEY_FILE: cannot be read: name a file that this user may read",
  },
  ...["10", "0s", "499ms", "601s", "11m", "1h", "-1s", "1.5s", CANARY].map((text) => ({
    set: { REVOCATION_MAX_STALENESS: text },
    problem: "REVOCATION_MAX_STALENESS: must be a duration from 500ms to 10m, such as 10s",
  })),
  ...["10", "-1s", "601s", "11m", "1h", CANARY].flatMap((text) =>
    ["SHUTDOWN_DELAY", "START_WAIT"].map((name) => ({
      set: { [name]: text },
      problem: `${name}: must be a duration from 0s to 10m, such as 5s`,
    })),
  ),
  ...["5", "link=0", "link=100001", "link=1,link=2", "nobody=1", "link=1,", "link=1.5", CANARY].map(
    (text) => ({
      set: { WAITING_REQUESTS: text },
      problem:
        "WAITING_REQUESTS: must be numbers from 1 to 100000 by name, such as link=5,asker=50,approver=1000",
    }),
  ),
  ...["*", "null", "https://*.example.com/x", "app.example.com", "https://a.example/b", CANARY].map(
    (text) => ({
      set: { ALLOWED_ORIGINS: `https://app.example.com,${text}` },
      problem:
        "ALLOWED_ORIGINS: must be origins between commas, such as https://app.example.com: no path, and no *",
    }),
  ),
  ...["10.0.0.0/33", "10.0.0", "10.0.0.0/8;::1", "fe80::1%eth0", "proxy.example", CANARY].map((text) => ({
    set: { TRUSTED_PROXIES: `127.0.0.1,${text}` },
    problem: "TRUSTED_PROXIES: must be CIDR blocks between commas, such as 10.0.0.0/8, 2001:db8::/32",
  })),
  {
    set: { FAILOVER: CANARY },
    problem:
      "FAILOVER: must be synchronous, or unset: it says that only a synchronous standby is ever promoted",
  },
  { set: { RESTORE_FENCE: CANARY }, problem: "RESTORE_FENCE: must be refuse or auto" },
  ...["455", "1h", CANARY].map((text) => ({
    set: { RETENTION: text },
    problem: "RETENTION: must be a number of days, such as 455d",
  })),
  {
    set: { RETENTION: "90d" },
    problem: "RETENTION: must be 91d or more, because tokens can live for 90 days",
  },
  ...[CANARY, "9464", ":9464", "::1:9464", "[10.0.0.7", "http://host:9464"].map((text) => ({
    set: { METRICS_ADDRESS: text },
    problem: "METRICS_ADDRESS: must be host:port, such as 127.0.0.1:9464 or [::1]:9464",
  })),
  {
    set: { METRICS_ADDRESS: "127.0.0.1:99999" },
    problem: "METRICS_ADDRESS: must be a port number, 0 to 65535",
  },
  {
    set: { METRICS_ADDRESS: "127.0.0.1:8080" },
    problem: "METRICS_ADDRESS: must be another one than HOST and PORT",
  },
  ...[CANARY, "none", "0", "0.0", "1.5", "-0.1", "1e-2", "50%"].map((text) => ({
    set: { LOG_REQUESTS: text },
    problem: "LOG_REQUESTS: must be all, errors, or a share such as 0.01",
  })),
  {
    set: { LOG_LEVEL: CANARY },
    problem: "LOG_LEVEL: must be one of trace, debug, info, warn, error, fatal, silent",
  },
  {
    set: { OTEL_EXPORTER_OTLP_ENDPOINT: CANARY },
    problem: "OTEL_EXPORTER_OTLP_ENDPOINT: must be a URL with http:// or https://",
  },
];

describe("what is refused says which variable and what it must be, and never what it was", () => {
  test.each(REFUSED)("$set", ({ set, problem }) => {
    const problems = problemsOf(set);
    expect(problems).toEqual([problem]);
    expect(problems.join()).not.toContain(CANARY);
  });

  test("a master key's file that holds something else", () => {
    expect(problemsOf({ MASTER_KEY_FILE: "/run/key" }, () => CANARY)).toEqual([
      "MASTER_KEY_FILE: must be exactly 32 bytes in base64 or base64url, as `openssl rand -base64 32` writes them",
    ]);
  });

  test("all of it at once", () => {
    const problems = problemsOf({
      DATABASE_URL: CANARY,
      HOST: `${CANARY}!`,
      PORT: CANARY,
      PUBLIC_URL: CANARY,
      OIDC_ISSUER: CANARY,
      OIDC_TRUSTED_ISSUERS: CANARY,
      MASTER_KEY: CANARY,
      MASTER_KEY_PREVIOUS: CANARY,
      REVOCATION_MAX_STALENESS: CANARY,
      LOG_LEVEL: CANARY,
      OTEL_EXPORTER_OTLP_ENDPOINT: CANARY,
    });
    expect(problems.map((problem) => problem.split(":", 1)[0]).sort()).toEqual([
      "DATABASE_URL",
      "HOST",
      "LOG_LEVEL",
      "MASTER_KEY",
      "MASTER_KEY_PREVIOUS",
      "OIDC_CLIENT_ID",
      "OIDC_ISSUER",
      "OIDC_TRUSTED_ISSUERS",
      "OTEL_EXPORTER_OTLP_ENDPOINT",
      "PORT",
      "PUBLIC_URL",
      "REVOCATION_MAX_STALENESS",
    ]);
    expect(problems.join("\n")).not.toContain(CANARY);
  });

  test("whatever it was, and nothing but a ConfigError is thrown", () => {
    const variables = [
      "PORT",
      "PUBLIC_URL",
      "OIDC_TRUSTED_ISSUERS",
      "MASTER_KEY",
      "REVOCATION_MAX_STALENESS",
      "HOST",
    ];
    fc.assert(
      fc.property(fc.constantFrom(...variables), fc.string({ minLength: 1 }), (name, text) => {
        const problems = problemsOf({ [name]: `${text}${CANARY}` });
        expect(problems.join("\n")).not.toContain(CANARY);
      }),
    );
  });
});

test("a configuration does not print its master keys", () => {
  const config = parse({ MASTER_KEY: KEY, MASTER_KEY_PREVIOUS: KEY });
  expect(JSON.stringify(config)).not.toContain(KEY.slice(0, 12));
  expect(JSON.stringify(config)).toContain("[secret]");
});
