import { expect, test } from "vitest";

import { createAuthentication } from "../../src/domain/access/authentication.ts";
import { encodeBundle } from "../../src/macaroon/index.ts";
import { createWorld, KEY, KEY_ID, PRINCIPAL, PRINCIPAL_ID, root, rootKey } from "./seen-world.ts";

const OWN = "https://login.example.com";

function authentication(session: { readonly issuer: string; readonly development: boolean }) {
  const never = () => {
    throw new Error("not asked for");
  };
  const identity = {
    ...session,
    subject: "alice",
    email: null,
    name: null,
    groups: ["admins"],
    authenticatedAt: null,
    acr: null,
  };
  return createAuthentication({
    tokenVerifier: { verify: never, verifyAny: never },
    // No session asks it for anything.
    knowledge: { requireFresh: never, isRevoked: never },
    idTokens: { verify: never },
    sessions: { find: async () => ({ idHash: new Uint8Array(32), identity, createdAt: 0, expiresAt: 1 }) },
    clock: { now: () => 0, monotonic: () => 0 },
    ownIssuer: OWN,
    adminGroups: ["admins"],
    trustsDevelopment: false,
  });
}

test("a session of the service's own issuer stands", async () => {
  expect(await authentication({ issuer: OWN, development: false }).session("c")).toMatchObject({
    kind: "human",
    administrator: true,
  });
});

test.each([
  ["an issuer that was the service's own before", { issuer: "https://old.example.com", development: false }],
  ["the development provider", { issuer: OWN, development: true }],
])("a session of %s has ended", async (_whose, session) => {
  await expect(authentication(session).session("c")).rejects.toMatchObject({ code: "unauthenticated" });
});

test.each([
  { what: "is revoked", revoked: true, now: 0, says: "has been revoked" },
  { what: "has run out", revoked: false, now: Date.parse("2027-01-01T00:00:00Z"), says: "expired" },
  { what: "still stands", revoked: false, now: Date.parse("2026-12-31T23:59:59Z"), says: undefined },
])("a credential that $what by the time that a body has come", async ({ revoked, now, says }) => {
  const world = createWorld();
  world.keys.set(KEY_ID, rootKey(KEY, "bakehouse"));
  const whose = { platform: "bakehouse", issuer: "bakehouse", subject: "platform:shop" };
  world.principals.set(PRINCIPAL_ID, { ...PRINCIPAL, ...whose });
  let time = 0;
  const caller = await createAuthentication({
    tokenVerifier: world.tokenVerifier,
    knowledge: { requireFresh: () => undefined, isRevoked: (subject) => world.revoked(subject) },
    idTokens: { verify: () => Promise.reject(new Error("not asked for")) },
    sessions: { find: async () => undefined },
    clock: { now: () => time, monotonic: () => time },
    ownIssuer: OWN,
    adminGroups: [],
    trustsDevelopment: false,
  }).bearer(encodeBundle([root()]), { method: "POST", path: "/v1/tokens", ip: "192.0.2.1" });
  if (caller.kind !== "service") throw new Error("not a credential");

  expect(caller.refuses("issue", "shop")).toBeUndefined();
  world.revoked = () => revoked;
  time = now;
  const refusal = caller.refuses("issue", "shop");
  if (says === undefined) expect(refusal).toBeUndefined();
  else expect(refusal).toContain(says);
});
