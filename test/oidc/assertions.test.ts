import { generateKeyPair } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { type AssertionDesk, createAssertionDesk } from "../../src/domain/access/assertions.ts";
import { readVoucher } from "../../src/domain/parts/voucher.ts";
import { createAssertions } from "../../src/oidc/assertions.ts";
import { type FakeIssuer, startFakeIssuer } from "../support/fake-issuer.ts";
import { manualClock } from "./manual-clock.ts";

const SERVICE = "https://bakehouse.test";
const CLIENT = "https://client.test/app";
const DAY = 86_400;
const clock = manualClock();
const now = Math.floor(clock.now() / 1_000);

/** One of jobs, one that asserts people, and one that does both kinds of neither. */
let jobs: FakeIssuer;
let enterprise: FakeIssuer;
let stranger: FakeIssuer;
let desk: AssertionDesk;

beforeAll(async () => {
  [jobs, enterprise, stranger] = await Promise.all([
    startFakeIssuer({ now: clock.now }),
    startFakeIssuer({ now: clock.now }),
    startFakeIssuer({ now: clock.now }),
  ]);
  const usual = { groupsClaim: ["groups"], allowInsecureIssuer: true };
  const assertions = createAssertions({
    issuers: [
      { ...usual, issuer: jobs.issuer, kind: "workload" },
      { ...usual, issuer: enterprise.issuer, kind: "id-jag" },
    ],
    clock,
  });
  desk = createAssertionDesk({ assertions, clock, audience: SERVICE });
});

afterAll(() => Promise.all([jobs, enterprise, stranger].map((issuer) => issuer.close())));

type Over = Record<string, unknown>;

/** The claims that an ID token has and an assertion has not. */
const NO_LOGIN = { nonce: undefined, auth_time: undefined, email: undefined, email_verified: undefined };

const job = (over: Over = {}, header: Over = {}) =>
  jobs.signIdToken(
    {
      ...NO_LOGIN,
      aud: SERVICE,
      sub: "repo:acme/web:ref:refs/heads/main",
      iat: now,
      exp: now + 600,
      groups: undefined,
      repository: "acme/web",
      ...over,
    },
    { header },
  );

const idJag = (over: Over = {}, header: Over = {}) =>
  enterprise.signIdToken(
    {
      ...NO_LOGIN,
      aud: SERVICE,
      sub: "alice",
      iat: now,
      exp: now + 300,
      jti: "9e43f81b64a33f20116179",
      client_id: CLIENT,
      groups: ["engineering"],
      ...over,
    },
    { header: { typ: "oauth-id-jag+jwt", ...header } },
  );

test("a job's assertion names a workload, by all that its issuer says of it", async () => {
  const verdict = await desk.verify(await job(), undefined);
  if (!verdict.ok) throw new Error(verdict.reason);
  const { asserted } = verdict;
  expect(asserted).toMatchObject({
    kind: "workload",
    identity: { subject: "repo:acme/web:ref:refs/heads/main", groups: [], email: null, development: false },
    claims: { repository: "acme/web" },
    spokeAt: now * 1_000,
    expiresAt: (now + 600) * 1_000,
    clientId: undefined,
    resources: undefined,
    scopes: undefined,
    once: undefined,
  });
  // Nothing that a person's issuer is called can be taken for it.
  expect(readVoucher(asserted.identity.issuer)).toEqual({ kind: "workload", issuer: jobs.issuer });
  expect(asserted.identity.issuer).not.toBe(jobs.issuer);
});

test("an ID-JAG names a person, its client, and what it is restricted to", async () => {
  const text = await idJag({
    auth_time: now - 60,
    resource: ["https://mcp.test/a", "https://mcp.test/b"],
    scope: "files:read files:write",
  });
  const verdict = await desk.verify(text, CLIENT);
  if (!verdict.ok) throw new Error(verdict.reason);
  expect(verdict.asserted).toMatchObject({
    kind: "id-jag",
    identity: { issuer: enterprise.issuer, subject: "alice", groups: ["engineering"] },
    spokeAt: (now - 60) * 1_000,
    clientId: CLIENT,
    resources: ["https://mcp.test/a", "https://mcp.test/b"],
    scopes: ["files:read", "files:write"],
  });
  expect(verdict.asserted.once?.hash).toHaveLength(32);
  expect(verdict.asserted.once?.until).toBeGreaterThan(verdict.asserted.expiresAt);
});

test("one name is one use, whatever else stands in it; another issuer's is another", async () => {
  const nameOf = async (text: string) => {
    const verdict = await desk.verify(text, CLIENT);
    return verdict.ok ? Buffer.from(verdict.asserted.once?.hash ?? []).toString("hex") : verdict.reason;
  };
  const first = await nameOf(await idJag());
  expect(await nameOf(await idJag({ exp: now + 200, scope: "x" }))).toBe(first);
  expect(await nameOf(await idJag({ jti: "another" }))).not.toBe(first);
});

describe("what both kinds are refused for", () => {
  const cases: readonly { name: string; claims: Over; reason: string }[] = [
    { name: "another audience", claims: { aud: "https://other.test" }, reason: "aud" },
    { name: "no audience", claims: { aud: undefined }, reason: "aud" },
    { name: "an audience more", claims: { aud: [SERVICE, "https://other.test"] }, reason: "aud" },
    { name: "the audience twice", claims: { aud: [SERVICE, SERVICE] }, reason: "aud" },
    { name: "no audience in a list", claims: { aud: [] }, reason: "aud" },
    { name: "an audience with a slash more", claims: { aud: `${SERVICE}/` }, reason: "aud" },
    { name: "an audience in other letters", claims: { aud: SERVICE.toUpperCase() }, reason: "aud" },
    { name: "the token endpoint as audience", claims: { aud: `${SERVICE}/oauth/token` }, reason: "aud" },
    { name: "an audience in a list in a list", claims: { aud: [[SERVICE]] }, reason: "aud" },
    { name: "no subject", claims: { sub: undefined }, reason: "sub" },
    { name: "an empty subject", claims: { sub: "" }, reason: "sub" },
    { name: "a subject that is a number", claims: { sub: 7 }, reason: "sub" },
    { name: "a long subject", claims: { sub: "a".repeat(256) }, reason: "sub" },
    { name: "a subject with a control character", claims: { sub: "a\u001fb" }, reason: "sub" },
    { name: "being over", claims: { exp: now - 61 }, reason: "exp" },
    { name: "no end", claims: { exp: undefined }, reason: "exp" },
    { name: "an end that is a text", claims: { exp: `${now + 60}` }, reason: "exp" },
    { name: "no issue", claims: { iat: undefined }, reason: "iat" },
    { name: "an issue to come", claims: { iat: now + 62 }, reason: "iat" },
    { name: "a beginning to come", claims: { nbf: now + 62 }, reason: "nbf" },
    { name: "a beginning that is null", claims: { nbf: null }, reason: "nbf" },
    { name: "a login's nonce", claims: { nonce: "n" }, reason: "nonce" },
    { name: "being an event", claims: { events: {} }, reason: "events" },
    { name: "a key that has to be proved", claims: { cnf: { jkt: "x" } }, reason: "cnf" },
    { name: "groups that are none", claims: { groups: { a: 1 } }, reason: "groups" },
  ];
  test.each(cases)("$name", async ({ claims, reason }) => {
    for (const text of [await job(claims), await idJag(claims)]) {
      const verdict = await desk.verify(text, CLIENT);
      expect(verdict).toMatchObject({ ok: false });
      expect(verdict.ok || verdict.reason).toContain(reason);
    }
  });

  test("a moment that revocations are not on record of any more", async () => {
    const iat = now - 90 * DAY;
    for (const text of [await job({ iat }), await idJag({ auth_time: iat })]) {
      const verdict = await desk.verify(text, CLIENT);
      expect(verdict.ok || verdict.reason).toContain("too long ago");
    }
    expect(await desk.verify(await job({ iat: iat + 60 }), undefined)).toMatchObject({ ok: true });
  });

  test("an issuer that nobody trusts, which is not even asked", async () => {
    const text = await stranger.signIdToken({ ...NO_LOGIN, aud: SERVICE });
    expect(await desk.verify(text, CLIENT)).toMatchObject({ ok: false });
    expect(stranger.requests).toEqual([]);
  });

  test("a key that is not the issuer's", async () => {
    const { privateKey } = await generateKeyPair("ES256");
    const forged = await jobs.signIdToken({ ...NO_LOGIN, aud: SERVICE }, { key: privateKey });
    const verdict = await desk.verify(forged, undefined);
    expect(verdict.ok || verdict.reason).toContain("signature");
  });

  test("the signature of another trusted issuer", async () => {
    const text = await jobs.signIdToken({ ...NO_LOGIN, aud: SERVICE, iss: enterprise.issuer, jti: "j" });
    expect(await desk.verify(text, CLIENT)).toMatchObject({ ok: false });
  });

  test.each(["", "x", "a.b.c", "a.b", "..", `${"a".repeat(17_000)}.b.c`])("no JWT: %j", async (text) => {
    expect(await desk.verify(text.slice(0, 20_000), undefined)).toMatchObject({ ok: false });
  });
});

describe("the kind is told by the issuer and by the token's own type", () => {
  test.each<{ name: string; token: () => Promise<string>; ok: boolean }>([
    { name: "a job without a type", token: () => job({}, { typ: undefined }), ok: true },
    { name: "a job of type JWT", token: () => job({}, { typ: "jwt" }), ok: true },
    { name: "a job of the full type", token: () => job({}, { typ: "application/JWT" }), ok: true },
    { name: "an access token", token: () => job({}, { typ: "at+jwt" }), ok: false },
    { name: "a logout token", token: () => job({}, { typ: "logout+jwt" }), ok: false },
    { name: "a proof", token: () => job({}, { typ: "dpop+jwt" }), ok: false },
    { name: "a type that is no text", token: () => job({}, { typ: 7 }), ok: false },
    {
      name: "an ID-JAG of an issuer of jobs",
      token: () => job({ jti: "j", client_id: CLIENT }, { typ: "oauth-id-jag+jwt" }),
      ok: false,
    },
    { name: "a person where a workload is asked", token: () => idJag({}, { typ: "JWT" }), ok: false },
    { name: "a person of no type", token: () => idJag({}, { typ: undefined }), ok: false },
    { name: "an ID-JAG", token: () => idJag(), ok: true },
    { name: "an ID-JAG in other letters", token: () => idJag({}, { typ: "OAuth-ID-JAG+JWT" }), ok: true },
    { name: "a critical header", token: () => job({}, { crit: ["b64"], b64: true }), ok: false },
  ])("$name: $ok", async ({ token, ok }) => {
    expect(await desk.verify(await token(), CLIENT)).toMatchObject({ ok });
  });
});

describe("an ID-JAG is refused besides for", () => {
  test.each<{ name: string; claims: Over; client?: string; reason: string }>([
    { name: "no name of its own", claims: { jti: undefined }, reason: "jti" },
    { name: "an empty name", claims: { jti: "" }, reason: "jti" },
    { name: "a name that is a number", claims: { jti: 7 }, reason: "jti" },
    { name: "a life of more than a day", claims: { exp: now + DAY + 1 }, reason: "exp" },
    { name: "no client", claims: { client_id: undefined }, reason: "client_id" },
    { name: "a client that is a list", claims: { client_id: [CLIENT] }, reason: "client_id" },
    { name: "another client", claims: { client_id: `${CLIENT}2` }, reason: "client_id" },
    { name: "a client that has not authenticated", claims: {}, client: "", reason: "client" },
    { name: "an empty list of resources", claims: { resource: [] }, reason: "resource" },
    { name: "a resource that is no text", claims: { resource: [7] }, reason: "resource" },
    { name: "an empty scope", claims: { scope: "" }, reason: "scope" },
    { name: "a scope with two spaces", claims: { scope: "a  b" }, reason: "scope" },
    { name: "a scope that is a list", claims: { scope: ["a"] }, reason: "scope" },
    { name: "a login to come", claims: { auth_time: now + 62 }, reason: "auth_time" },
  ])("$name", async ({ claims, client = CLIENT, reason }) => {
    const verdict = await desk.verify(await idJag(claims), client === "" ? undefined : client);
    expect(verdict).toMatchObject({ ok: false });
    expect(verdict.ok || verdict.reason).toContain(reason);
  });
});

test("an issuer that does not answer says nothing about an assertion", async () => {
  const silent = await startFakeIssuer({ now: clock.now });
  silent.faults.down = true;
  const usual = { groupsClaim: ["groups"], allowInsecureIssuer: true, kind: "workload" as const };
  const assertions = createAssertions({ issuers: [{ ...usual, issuer: silent.issuer }], clock });
  const other = createAssertionDesk({ assertions, clock, audience: SERVICE });
  const text = await silent.signIdToken({ ...NO_LOGIN, aud: SERVICE });
  await expect(other.verify(text, undefined)).rejects.toMatchObject({ code: "unavailable" });
  // What its claims refuse alone is refused without it.
  const old = await silent.signIdToken({ ...NO_LOGIN, aud: SERVICE, exp: now - 100 });
  expect(await other.verify(old, undefined)).toMatchObject({ ok: false });
  await silent.close();
});
