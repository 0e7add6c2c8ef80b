import { describe, expect, test } from "vitest";

import { createAuthentication } from "../../src/domain/access/authentication.ts";
import { ANY_RESOURCE } from "../../src/domain/caller.ts";
import type { IdTokens } from "../../src/domain/ports/identity.ts";
import { attenuate, encodeBundle, mint } from "../../src/macaroon/index.ts";
import { printIdentifier } from "../../src/words/identifier.ts";
import { createWorld, KEY, KEY_ID, PRINCIPAL, PRINCIPAL_ID, root, rootKey } from "./seen-world.ts";

const OWN = "https://login.example.com";
const PARTNER = "https://partner.example.com";
const ADDRESS = "192.0.2.1";

function authentication(
  session: { readonly issuer: string; readonly development: boolean },
  ends: (login: { readonly spokeAt: number }) => boolean = () => false,
  {
    authenticatedAt = null,
    now = 0,
    groups = ["admins"],
  }: {
    readonly authenticatedAt?: number | null;
    readonly now?: number;
    readonly groups?: readonly string[];
  } = {},
) {
  const never = () => {
    throw new Error("not asked for");
  };
  const identity = {
    ...session,
    subject: "alice",
    email: null,
    name: null,
    groups,
    authenticatedAt,
    acr: null,
  };
  return createAuthentication({
    tokenVerifier: { verify: never, verifyAny: never, again: never },
    // No session asks it for anything.
    knowledge: { requireFresh: never, isRevoked: never, endsLogin: ends },
    idTokens: { verify: never },
    sessions: {
      find: async () => ({
        id: "00000000-0000-4000-8000-000000000000",
        kind: "browser" as const,
        idHash: new Uint8Array(32),
        identity,
        createdAt: 1_000,
        expiresAt: 2_000,
      }),
    },
    clock: { now: () => now, monotonic: () => 0 },
    ownIssuer: OWN,
    loginIssuers: new Set([OWN, PARTNER]),
    adminGroups: ["admins"],
    trustsDevelopment: false,
  });
}

test("a session of the service's own issuer stands", async () => {
  expect(await authentication({ issuer: OWN, development: false }).session("c", ADDRESS)).toMatchObject({
    kind: "human",
    administrator: true,
  });
});

test.each<[readonly string[], boolean]>([
  [["staff", "admins"], true],
  [["staff"], false],
  [[], false],
])("somebody in the groups %j is an administrator: %s", async (groups, administrator) => {
  const session = authentication({ issuer: OWN, development: false }, undefined, { groups });
  expect(await session.session("c", ADDRESS)).toMatchObject({ administrator });
});

test("a session is told with its id and its beginning, which is when its issuer spoke of the person", async () => {
  const session = authentication({ issuer: OWN, development: false });
  expect(await session.session("c", ADDRESS)).toMatchObject({
    spokeAt: 1_000,
    saidAt: 1_000,
    sessionBegunAt: 1_000,
    sessionId: "00000000-0000-4000-8000-000000000000",
  });
});

test("a session of another tenant stands, and is no administrator's", async () => {
  const session = authentication({ issuer: PARTNER, development: false }).session("c", ADDRESS);
  expect(await session).toMatchObject({
    kind: "human",
    identity: { issuer: PARTNER },
    administrator: false,
  });
});

test.each([
  ["an issuer that was the service's own before", { issuer: "https://old.example.com", development: false }],
  ["the development provider", { issuer: OWN, development: true }],
])("a session of %s has ended", async (_whose, session) => {
  await expect(authentication(session).session("c", ADDRESS)).rejects.toMatchObject({
    code: "unauthenticated",
  });
});

test("a session is as old as its person's last word, by the issuer's account or by the login", async () => {
  const own = { issuer: OWN, development: false };
  const spoke = async (authenticatedAt: number | null) => {
    let asked: number | undefined;
    const ends = ({ spokeAt }: { readonly spokeAt: number }) => {
      asked = spokeAt;
      return false;
    };
    const caller = await authentication(own, ends, { authenticatedAt }).session("c", ADDRESS);
    expect(caller.spokeAt).toBe(asked);
    return asked;
  };
  expect(await spoke(null)).toBe(1_000);
  expect(await spoke(400)).toBe(400);
  // The issuer's clock may be ahead: what is revoked after the login ends it all the same.
  expect(await spoke(9_000)).toBe(1_000);
});

test("a session has ended once an administrator revoked its person, and once no entry would be remembered", async () => {
  const own = { issuer: OWN, development: false };
  const refused = { code: "unauthenticated", message: expect.stringContaining("log in again") };
  await expect(authentication(own, () => true).session("c", ADDRESS)).rejects.toMatchObject(refused);
  const day = 86_400_000;
  const old = authentication(own, undefined, { authenticatedAt: 0, now: 90 * day + 1 });
  await expect(old.session("c", ADDRESS)).rejects.toMatchObject(refused);
});

/** The caller of a platform's credential with these caveats, by a clock that the test moves. */
async function credentialCaller(...caveats: readonly string[]) {
  return credentialFrom(ADDRESS, ...caveats);
}

/** The same, from an address; undefined for one that cannot be told. */
async function credentialFrom(ip: string | undefined, ...caveats: readonly string[]) {
  const { world, clock, bearer } = credentials(ip);
  const caller = await bearer(encodeBundle([root(KEY, ...caveats)]));
  if (caller.kind !== "service") throw new Error("not a credential");
  return { world, clock, caller };
}

/** The service that a platform's credential calls, with whatever a test changes of it. */
function credentials(
  ip: string | undefined,
  {
    requireFresh = () => undefined,
    subject = "platform:shop",
  }: { readonly requireFresh?: () => void; readonly subject?: string } = {},
) {
  const world = createWorld();
  world.keys.set(KEY_ID, rootKey(KEY, "bakehouse"));
  const whose = { platform: "bakehouse", issuer: "bakehouse", subject };
  world.principals.set(PRINCIPAL_ID, { ...PRINCIPAL, ...whose });
  const clock = { time: 0, now: () => clock.time, monotonic: () => clock.time };
  const authentication = createAuthentication({
    tokenVerifier: world.tokenVerifier,
    knowledge: {
      requireFresh,
      isRevoked: (subject) => world.revoked(subject),
      endsLogin: () => false,
    },
    idTokens: { verify: () => Promise.reject(new Error("not asked for")) },
    sessions: { find: async () => undefined },
    clock,
    ownIssuer: OWN,
    loginIssuers: new Set([OWN]),
    adminGroups: [],
    trustsDevelopment: false,
  });
  const request = { method: "POST", path: "/v1/tokens", ip };
  return {
    world,
    clock,
    bearer: (token: string) => authentication.bearer(token, request),
    mayReadHealth: (token: string) => authentication.mayReadHealth(token, request),
  };
}

test.each([
  { what: "is revoked", revoked: true, now: 0, says: "has been revoked" },
  { what: "has run out", revoked: false, now: Date.parse("2027-01-01T00:00:00Z"), says: "expired" },
  { what: "still stands", revoked: false, now: Date.parse("2026-12-31T23:59:59Z"), says: undefined },
])("a credential that $what by the time that a body has come", async ({ revoked, now, says }) => {
  const { world, clock, caller } = await credentialCaller();
  expect(caller.refuses("issue", "shop")).toBeUndefined();
  world.revoked = () => revoked;
  clock.time = now;
  const refusal = caller.refuses("issue", "shop");
  if (says === undefined) expect(refusal).toBeUndefined();
  else expect(refusal).toContain(says);
});

test("each use of a credential clears its caveats anew, for its own action and its own moment", async () => {
  const { clock, caller } = await credentialCaller("action = issue", "time > 1970-01-01T00:00:01Z");
  expect(caller.refuses("issue", "shop")).toContain("1970-01-01T00:00:01Z");
  clock.time = 2_000;
  expect(caller.refuses("issue", "shop")).toBeUndefined();
  expect(caller.refuses("revoke", "shop")).toContain("action");
  expect(caller.refuses("issue", "shop")).toBeUndefined();
});

test.each(["ip within 0.0.0.0/0, ::/0", "ip = 192.0.2.1", "ip != 192.0.2.1", "ip not in 192.0.2.1"])(
  "an address that cannot be told passes no caveat on it: %s",
  async (caveat) => {
    const { caller } = await credentialFrom(undefined, caveat);
    expect(caller.refuses("issue", "shop")).toContain("ip is missing");
    expect((await credentialFrom(undefined)).caller.refuses("issue", "shop")).toBeUndefined();
  },
);

test.each<[caveat: string, passes: boolean]>([
  ["method = POST", true],
  ["method = GET", false],
  ["path = /v1/tokens", true],
  ["path = /v1/keys", false],
  ["ip = 192.0.2.1", true],
  ["ip = 192.0.2.2", false],
  ["action = issue", true],
  ["platform = shop", true],
  ["platform = bank", false],
  ["aud = https://mcp.test", false],
])("a credential with %s passes: %s", async (caveat, passes) => {
  const { caller } = await credentialCaller(caveat);
  const refusal = caller.refuses("issue", "shop");
  if (passes) expect(refusal).toBeUndefined();
  else expect(refusal).toMatch(/^the credential does not allow this: ./);
});

test("a fact of one use is not one of the next", async () => {
  const { caller } = await credentialCaller("platform = shop", "resource = https://mcp.test");
  expect(caller.refuses("issue", "shop", "https://mcp.test")).toBeUndefined();
  expect(caller.refuses("issue", undefined, "https://mcp.test")).toContain("platform");
  expect(caller.refuses("issue", "shop")).toContain("resource");
  // Before the resource is known, no condition on it is asked for, and every other one is.
  expect(caller.refuses("issue", "shop", ANY_RESOURCE)).toBeUndefined();
  expect(caller.refuses("issue", "bank", ANY_RESOURCE)).toContain("platform");
});

test("what holders appended is told apart, and is no resource that it was issued for", async () => {
  const { caller } = await credentialCaller("resource = https://mcp.test", "action = issue");
  expect(caller).toMatchObject({
    role: "platform",
    platform: "shop",
    credentialId: "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081",
    resource: undefined,
  });
  expect(caller.links).toHaveLength(4);
  expect(caller.narrowed).toEqual(caller.links.slice(2));
  expect((await credentialCaller()).caller.narrowed).toEqual([]);
});

/** A credential with caveats of the issuer, and then of holders. */
function issued(caveats: readonly string[], ...appended: readonly string[]): string {
  const tokenId = "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081";
  const parts = { keyId: KEY_ID, tokenId, principalId: PRINCIPAL_ID, issuedCaveats: caveats.length };
  return encodeBundle([
    attenuate(mint({ rootKey: KEY, identifier: printIdentifier(parts) }), [...caveats, ...appended]),
  ]);
}

test.each<[readonly string[], readonly string[], string | undefined]>([
  [["action = issue", "resource = https://mcp.test"], [], "https://mcp.test"],
  [["resource = https://mcp.test"], ["resource = https://other.test"], "https://mcp.test"],
  [["no caveat that is known", "resource = https://mcp.test"], [], "https://mcp.test"],
  [["action = issue"], ["resource = https://mcp.test"], undefined],
  [["resource != https://mcp.test"], [], undefined],
  [["resource in https://mcp.test, https://other.test"], [], undefined],
  [["platform = shop"], [], undefined],
  [[], [], undefined],
])(
  "issued with %j and narrowed by %j, a credential is of the resource %j",
  async (own, appended, resource) => {
    const caller = await credentials(ADDRESS).bearer(issued(own, ...appended));
    expect(caller).toMatchObject({ kind: "service", resource });
  },
);

test("a call concerns the credential's own resource, unless it is said which", async () => {
  const caller = await credentials(ADDRESS).bearer(issued(["resource = https://mcp.test"]));
  if (caller.kind !== "service") throw new Error("not a credential");
  expect(caller.refuses("issue", "shop")).toBeUndefined();
  expect(caller.refuses("issue", "shop", "https://mcp.test")).toBeUndefined();
  expect(caller.refuses("issue", "shop", "https://other.test")).toContain("resource");
  expect(caller.refuses("issue", "shop", ANY_RESOURCE)).toBeUndefined();
});

describe("a credential is refused", () => {
  const token = encodeBundle([root()]);
  const refused = (message: string) => ({ code: "unauthenticated", message });

  test("that is none of this service's, or names nobody who has one", async () => {
    const none = refused("the credential is not one of this service");
    const { bearer } = credentials(ADDRESS);
    await expect(bearer("x")).rejects.toMatchObject(none);
    await expect(bearer(encodeBundle([root(new Uint8Array(32).fill(8))]))).rejects.toMatchObject(none);
    await expect(credentials(ADDRESS, { subject: "alice" }).bearer(token)).rejects.toMatchObject(none);
  });

  test("that was revoked, or is over", async () => {
    const { world, clock, bearer } = credentials(ADDRESS);
    world.revoked = () => true;
    await expect(bearer(token)).rejects.toMatchObject(
      refused("the credential, or one that it was narrowed from, has been revoked"),
    );
    world.revoked = () => false;
    clock.time = Date.parse("2027-01-01T00:00:00Z");
    const over = { code: "unauthenticated", message: expect.stringMatching(/^the credential is over: ./) };
    await expect(bearer(token)).rejects.toMatchObject(over);
  });

  test("while too little is known of revocations, but for a look at the health", async () => {
    const requireFresh = () => {
      throw new Error("too old");
    };
    const { bearer, mayReadHealth } = credentials(ADDRESS, { requireFresh });
    await expect(bearer(token)).rejects.toThrow("too old");
    expect(await mayReadHealth(token)).toBe(true);
  });
});

test.each<[string, readonly string[], boolean]>([
  ["any", [], true],
  ["one that may read", ["action = read"], true],
  ["one that may not", ["action = issue"], false],
  ["one for a platform's calls alone", ["platform = shop"], false],
])("the health is read with a credential: %s", async (_name, caveats, reads) => {
  const { world, mayReadHealth } = credentials(ADDRESS);
  const token = encodeBundle([root(KEY, ...caveats)]);
  expect(await mayReadHealth(token)).toBe(reads);
  expect(await mayReadHealth("x")).toBe(false);
  world.revoked = () => true;
  expect(await mayReadHealth(token)).toBe(false);
});

describe("an ID token", () => {
  const IDENTITY = {
    issuer: OWN,
    subject: "alice",
    email: null,
    name: null,
    groups: ["staff", "admins"],
    authenticatedAt: null,
    acr: null,
    development: false,
  };

  function bearer(
    verified: Awaited<ReturnType<IdTokens["verify"]>>,
    { now = 5_000, ends = false }: { readonly now?: number; readonly ends?: boolean } = {},
  ) {
    const never = () => {
      throw new Error("not asked for");
    };
    return createAuthentication({
      tokenVerifier: { verify: never, verifyAny: never, again: never },
      knowledge: { requireFresh: never, isRevoked: never, endsLogin: () => ends },
      idTokens: { verify: async () => verified },
      sessions: { find: never },
      clock: { now: () => now, monotonic: () => now },
      ownIssuer: OWN,
      loginIssuers: new Set([OWN]),
      adminGroups: ["admins"],
      trustsDevelopment: false,
    }).bearer("a.b.c", { method: "GET", path: "/", ip: undefined });
  }

  test.each<[string, number | null, number, object]>([
    ["without a time of the login", null, 4_000, { spokeAt: 4_000, saidAt: 4_000 }],
    ["after the login", 3_000, 4_000, { spokeAt: 3_000, saidAt: 4_000 }],
    ["by a clock that is ahead", null, 6_000, { spokeAt: 6_000, saidAt: 5_000 }],
  ])("%s", async (_name, authenticatedAt, issuedAt, times) => {
    const caller = await bearer({
      ok: true,
      identity: { ...IDENTITY, authenticatedAt },
      issuedAt,
      expiresAt: 9_000,
    });
    expect(caller).toMatchObject({ kind: "human", administrator: true, ...times });
  });

  test("that is none, or whose login has ended, is refused", async () => {
    await expect(bearer({ ok: false, reason: "the ID token is none" })).rejects.toMatchObject({
      code: "unauthenticated",
      message: "the ID token is none",
    });
    const good = { ok: true, identity: IDENTITY, issuedAt: 4_000, expiresAt: 9_000 } as const;
    await expect(bearer(good, { ends: true })).rejects.toMatchObject({ code: "unauthenticated" });
  });
});
