import { expect, test } from "vitest";

import { createAuthentication } from "../../src/domain/authentication.ts";

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
    examination: { examine: never, examineAny: never },
    // No session asks it for anything.
    feed: new Proxy({} as Parameters<typeof createAuthentication>[0]["feed"], { get: never }),
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
