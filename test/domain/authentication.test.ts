import { expect, test } from "vitest";

import { createAuthentication } from "../../src/domain/access/authentication.ts";
import { encodeBundle } from "../../src/macaroon/index.ts";
import { createWorld, KEY, KEY_ID, PRINCIPAL, PRINCIPAL_ID, root, rootKey } from "./seen-world.ts";

const OWN = "https://login.example.com";
const PARTNER = "https://partner.example.com";

function authentication(
  session: { readonly issuer: string; readonly development: boolean },
  ends: (login: { readonly spokeAt: number }) => boolean = () => false,
  {
    authenticatedAt = null,
    now = 0,
  }: { readonly authenticatedAt?: number | null; readonly now?: number } = {},
) {
  const never = () => {
    throw new Error("not asked for");
  };
  const identity = {
    ...session,
    subject: "alice",
    email: null,
    name: null,
    groups: ["admins"],
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
  expect(await authentication({ issuer: OWN, development: false }).session("c", "192.0.2.1")).toMatchObject({
    kind: "human",
    administrator: true,
  });
});

test("a session of another tenant stands, and is no administrator's", async () => {
  const session = authentication({ issuer: PARTNER, development: false }).session("c", "192.0.2.1");
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
  await expect(authentication(session).session("c", "192.0.2.1")).rejects.toMatchObject({
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
    const caller = await authentication(own, ends, { authenticatedAt }).session("c", "192.0.2.1");
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
  await expect(authentication(own, () => true).session("c", "192.0.2.1")).rejects.toMatchObject(refused);
  const day = 86_400_000;
  const old = authentication(own, undefined, { authenticatedAt: 0, now: 90 * day + 1 });
  await expect(old.session("c", "192.0.2.1")).rejects.toMatchObject(refused);
});

/** The caller of a platform's credential with these caveats, by a clock that the test moves. */
async function credentialCaller(...caveats: readonly string[]) {
  return credentialFrom("192.0.2.1", ...caveats);
}

/** The same, from an address; undefined for one that cannot be told. */
async function credentialFrom(ip: string | undefined, ...caveats: readonly string[]) {
  const world = createWorld();
  world.keys.set(KEY_ID, rootKey(KEY, "bakehouse"));
  const whose = { platform: "bakehouse", issuer: "bakehouse", subject: "platform:shop" };
  world.principals.set(PRINCIPAL_ID, { ...PRINCIPAL, ...whose });
  const clock = { time: 0, now: () => clock.time, monotonic: () => clock.time };
  const caller = await createAuthentication({
    tokenVerifier: world.tokenVerifier,
    knowledge: {
      requireFresh: () => undefined,
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
  }).bearer(encodeBundle([root(KEY, ...caveats)]), { method: "POST", path: "/v1/tokens", ip });
  if (caller.kind !== "service") throw new Error("not a credential");
  return { world, clock, caller };
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
