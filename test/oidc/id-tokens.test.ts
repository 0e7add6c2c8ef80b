import { exportJWK, exportSPKI, generateKeyPair, importJWK, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import type { IdTokens } from "../../src/domain/ports/identity.ts";
import { claimsProblem } from "../../src/oidc/id-token-claims.ts";
import { parseIdToken } from "../../src/oidc/id-token-parse.ts";
import { createIdTokens } from "../../src/oidc/id-tokens.ts";
import { type FakeIssuer, startFakeIssuer } from "../support/fake-issuer.ts";
import { aliceOf } from "./alice.ts";
import { manualClock } from "./manual-clock.ts";

const clock = manualClock();
const now = Math.floor(clock.now() / 1_000);
let issuer: FakeIssuer;
let tokens: IdTokens;

beforeAll(async () => {
  issuer = await startFakeIssuer({ now: clock.now });
  tokens = createIdTokens({
    issuers: [
      {
        issuer: issuer.issuer,
        audiences: ["bakehouse", "bakehouse-cli"],
        development: false,
        allowInsecureIssuer: true,
      },
    ],
    clock,
  });
});

afterAll(() => issuer.close());

test("a good token gives the identity that the issuer wrote", async () => {
  expect(await tokens.verify(await issuer.signIdToken({ acr: "urn:example:mfa" }))).toEqual({
    ok: true,
    identity: aliceOf(issuer, clock, "urn:example:mfa"),
    issuedAt: now * 1_000,
    expiresAt: (now + 3_600) * 1_000,
  });
});

describe("a token is refused for", () => {
  test.each<{ name: string; claims: Record<string, unknown>; reason: string }>([
    {
      name: "another audience",
      claims: { aud: "other" },
      reason: "the aud claim does not name this service",
    },
    { name: "no audience", claims: { aud: undefined }, reason: "the aud claim is missing or malformed" },
    {
      name: "an audience that is a number",
      claims: { aud: 7 },
      reason: "the aud claim is missing or malformed",
    },
    {
      name: "an odd audience",
      claims: { aud: ["bakehouse", 7] },
      reason: "the aud claim is missing or malformed",
    },
    {
      name: "an empty list of audiences",
      claims: { aud: [] },
      reason: "the aud claim does not name this service",
    },
    {
      name: "several audiences and no azp",
      claims: { aud: ["bakehouse", "x"] },
      reason: "the azp claim is missing",
    },
    {
      name: "several audiences and another azp",
      claims: { aud: ["bakehouse", "x"], azp: "x" },
      reason: "the azp claim does not name this service",
    },
    {
      name: "one audience and another azp",
      claims: { azp: "x" },
      reason: "the azp claim does not name this service",
    },
    {
      name: "an azp that is a list",
      claims: { azp: ["bakehouse"] },
      reason: "the azp claim does not name this service",
    },
    {
      name: "being expired beyond the skew",
      claims: { exp: now - 61 },
      reason: "the exp claim is in the past",
    },
    { name: "no exp", claims: { exp: undefined }, reason: "the exp claim is missing or malformed" },
    {
      name: "an exp that is a text",
      claims: { exp: "9999999999" },
      reason: "the exp claim is missing or malformed",
    },
    {
      name: "an exp beyond all dates",
      claims: { exp: 1e300 },
      reason: "the exp claim is missing or malformed",
    },
    { name: "an iat in the future", claims: { iat: now + 62 }, reason: "the iat claim is in the future" },
    { name: "no iat", claims: { iat: undefined }, reason: "the iat claim is missing or malformed" },
    {
      name: "an iat that is a text",
      claims: { iat: `${now}` },
      reason: "the iat claim is missing or malformed",
    },
    { name: "an nbf in the future", claims: { nbf: now + 62 }, reason: "the nbf claim is in the future" },
    { name: "an nbf that is null", claims: { nbf: null }, reason: "the nbf claim is malformed" },
    { name: "no sub", claims: { sub: undefined }, reason: "the sub claim is missing or malformed" },
    { name: "a numeric sub", claims: { sub: 7 }, reason: "the sub claim is missing or malformed" },
    { name: "an empty sub", claims: { sub: "" }, reason: "the sub claim is missing or malformed" },
    { name: "a long sub", claims: { sub: "a".repeat(256) }, reason: "the sub claim is missing or malformed" },
    {
      name: "a sub with NUL",
      claims: { sub: "alice\u0000" },
      reason: "the sub claim is missing or malformed",
    },
    {
      name: "a sub with a lone surrogate",
      claims: { sub: "a\ud800" },
      reason: "the sub claim is missing or malformed",
    },
    {
      name: "groups that are an object",
      claims: { groups: { admins: true } },
      reason: "the groups claim is malformed",
    },
    {
      name: "groups that are an empty text",
      claims: { groups: "" },
      reason: "the groups claim is malformed",
    },
    {
      name: "groups with a number in them",
      claims: { groups: ["a", 7] },
      reason: "the groups claim is malformed",
    },
    {
      name: "a group with a line break",
      claims: { groups: ["a\nb"] },
      reason: "the groups claim is malformed",
    },
    {
      name: "too many groups",
      claims: { groups: Array.from({ length: 1_001 }, (_, i) => `${i}`) },
      reason: "the groups claim is malformed",
    },
    {
      name: "a long group",
      claims: { groups: ["g".repeat(1_025)] },
      reason: "the groups claim is malformed",
    },
    {
      name: "an auth_time in the future",
      claims: { auth_time: now + 62 },
      reason: "the auth_time claim is in the future",
    },
    {
      name: "an auth_time that is no time",
      claims: { auth_time: "yesterday" },
      reason: "the auth_time claim is malformed",
    },
    {
      name: "an auth_time without a zone",
      claims: { auth_time: "2026-01-02T03:04:05" },
      reason: "the auth_time claim is malformed",
    },
    {
      name: "an auth_time on a day that there is not",
      claims: { auth_time: "2026-13-02T03:04:05Z" },
      reason: "the auth_time claim is malformed",
    },
    { name: "an acr that is a number", claims: { acr: 1 }, reason: "the acr claim is malformed" },
    {
      name: "being a logout token",
      claims: { events: { "http://schemas.openid.net/event/backchannel-logout": {} } },
      reason: "the events claim marks a token that is no ID token",
    },
    {
      name: "being an access token",
      claims: { typ: "Bearer" },
      reason: "the typ claim marks a token that is no ID token",
    },
    {
      name: "an untrusted issuer",
      claims: { iss: "https://evil.example" },
      reason: "the iss claim does not name a trusted issuer",
    },
    { name: "no issuer", claims: { iss: undefined }, reason: "the iss claim does not name a trusted issuer" },
    {
      name: "a list of issuers",
      claims: { iss: ["x"] },
      reason: "the iss claim does not name a trusted issuer",
    },
  ])("$name", async ({ claims, reason }) => {
    expect(await tokens.verify(await issuer.signIdToken(claims))).toMatchObject({ ok: false, reason });
  });

  test("the issuer with a slash more", async () => {
    const verdict = await tokens.verify(await issuer.signIdToken({ iss: `${issuer.issuer}/` }));
    expect(verdict).toEqual({ ok: false, reason: "the iss claim does not name a trusted issuer" });
  });
});

test.each([
  { nonce: "mine", reason: undefined },
  { nonce: "other", reason: "the nonce claim is not this login's" },
  { nonce: undefined, reason: "the nonce claim is not this login's" },
  { nonce: ["mine"], reason: "the nonce claim is not this login's" },
])("a login's nonce is compared: $nonce", ({ nonce, reason }) => {
  const issuers = new Map([[issuer.issuer, undefined]]);
  const rules = { issuers, audiences: ["bakehouse"], now: clock.now(), nonce: "mine" };
  expect(claimsProblem({ ...issuer.claims(), nonce }, rules)).toBe(reason);
});

describe("a token is accepted", () => {
  test.each<{ name: string; claims: Record<string, unknown> }>([
    { name: "for the other client", claims: { aud: "bakehouse-cli" } },
    { name: "for several, issued to us", claims: { aud: ["x", "bakehouse"], azp: "bakehouse" } },
    { name: "that expired within the skew", claims: { exp: now - 58 } },
    {
      name: "from a clock that is ahead within the skew",
      claims: { iat: now + 60, nbf: now + 60, auth_time: now + 60 },
    },
    { name: "with a sub of 255 characters", claims: { sub: "a".repeat(255) } },
    { name: "with an ID token's typ claim", claims: { typ: "ID" } },
  ])("$name", async ({ claims }) => {
    expect(await tokens.verify(await issuer.signIdToken(claims))).toMatchObject({ ok: true });
  });
});

describe("claims that are only shown are left out where they are not fit", () => {
  test.each<{ name: string; claims: Record<string, unknown>; expected: Record<string, unknown> }>([
    { name: "unverified", claims: { email_verified: false }, expected: { email: null } },
    { name: "verified by a text", claims: { email_verified: "true" }, expected: { email: null } },
    { name: "not said to be verified", claims: { email_verified: undefined }, expected: { email: null } },
    { name: "an address with a line break", claims: { email: "a@b\nc" }, expected: { email: null } },
    { name: "an address that is a list", claims: { email: ["a@b"] }, expected: { email: null } },
    { name: "an address without @", claims: { email: "alice" }, expected: { email: null } },
    { name: "a name that is a number", claims: { name: 7 }, expected: { name: null } },
    { name: "a name that turns the text around", claims: { name: "a\u202eb" }, expected: { name: null } },
    { name: "no name", claims: { name: undefined }, expected: { name: null } },
    { name: "no groups", claims: { groups: undefined }, expected: { groups: [] } },
    { name: "groups null", claims: { groups: null }, expected: { groups: [] } },
    { name: "a group twice", claims: { groups: ["a", "b", "a"] }, expected: { groups: ["a", "b"] } },
    { name: "one group as a text", claims: { groups: "staff" }, expected: { groups: ["staff"] } },
    {
      name: "a group with commas as a text, which stays one",
      claims: { groups: "CN=admins,OU=Groups,DC=example,DC=com" },
      expected: { groups: ["CN=admins,OU=Groups,DC=example,DC=com"] },
    },
    {
      name: "an auth_time as RFC 3339",
      claims: { auth_time: "2026-01-02T03:04:05.678Z" },
      expected: { authenticatedAt: Date.UTC(2026, 0, 2, 3, 4, 5, 678) },
    },
    {
      name: "an auth_time with another zone",
      claims: { auth_time: "2026-01-02T03:04:05+02:00" },
      expected: { authenticatedAt: Date.UTC(2026, 0, 2, 1, 4, 5) },
    },
    {
      name: "an auth_time as a number in quotes",
      claims: { auth_time: "1700000000" },
      expected: { authenticatedAt: 1_700_000_000_000 },
    },
    {
      name: "an opaque subject",
      claims: { sub: "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ/=+" },
      expected: { subject: "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ/=+" },
    },
    { name: "no auth_time", claims: { auth_time: undefined }, expected: { authenticatedAt: null } },
  ])("$name", async ({ claims, expected }) => {
    const verdict = await tokens.verify(await issuer.signIdToken(claims));
    expect(verdict).toMatchObject({ ok: true, identity: expected });
  });
});

describe("the header", () => {
  test.each<{ name: string; header: Record<string, unknown>; reason: string }>([
    {
      name: "access token",
      header: { typ: "at+jwt" },
      reason: "the token's type is not that of an ID token",
    },
    {
      name: "access token, spelt out",
      header: { typ: "application/at+jwt" },
      reason: "the token's type is not that of an ID token",
    },
    {
      name: "logout token",
      header: { typ: "logout+jwt" },
      reason: "the token's type is not that of an ID token",
    },
    {
      name: "type that is a number",
      header: { typ: 7 },
      reason: "the token's type is not that of an ID token",
    },
    { name: "key id that is a number", header: { kid: 7 }, reason: "the token's key id is malformed" },
    {
      name: "key id of nobody",
      header: { kid: "nobody" },
      reason: "the token's signature is not the issuer's",
    },
  ])("$name is refused", async ({ header, reason }) => {
    const token = await withHeader(await issuer.signIdToken({ iat: now - 3_000 }), header);
    expect(await tokens.verify(token)).toEqual({ ok: false, reason });
  });

  test("members of one name are refused, in the header and in the claims", async () => {
    const base64url = (text: string) => Buffer.from(text).toString("base64url");
    for (const [header, claims] of [
      ['{"alg":"RS256","alg":"ES256"}', '{"sub":"a"}'],
      ['{"alg":"RS256"}', '{"sub":"a","sub":"b"}'],
      ['{"alg":"RS256"}', '{"a":{"b":1,"\\u0062":2}}'],
    ] as const) {
      const parsed = parseIdToken(`${base64url(header)}.${base64url(claims)}.c2ln`);
      expect(parsed).toEqual({ ok: false, reason: "the token repeats a member" });
    }
    expect(
      parseIdToken(`${base64url('{"alg":"RS256"}')}.${base64url('{"a":{"sub":1},"sub":"b"}')}.c2ln`).ok,
    ).toBe(true);
  });

  test("critical members are refused, b64 among them", async () => {
    const token = await withHeader(await issuer.signIdToken(), { crit: ["b64"], b64: true });
    expect(await tokens.verify(token)).toEqual({
      ok: false,
      reason: "the token has critical header members",
    });
  });

  test.each([{ typ: undefined }, { typ: "jwt" }, { typ: "application/JWT" }])(
    "typ $typ is accepted",
    async (header) => {
      expect(await tokens.verify(await issuer.signIdToken({}, { header }))).toMatchObject({ ok: true });
    },
  );

  test("without a key id, every key that fits is tried", async () => {
    await issuer.rotateKeys({ keep: true });
    const fresh = createIdTokens({
      issuers: [
        { issuer: issuer.issuer, audiences: ["bakehouse"], development: false, allowInsecureIssuer: true },
      ],
      clock,
    });
    const token = await issuer.signIdToken({}, { header: { kid: undefined } });
    expect(await fresh.verify(token)).toMatchObject({ ok: true });
  });
});

describe("algorithm confusion", () => {
  test("a token signed by HMAC with the public key as secret is refused", async () => {
    const jwk = await issuer.publicKey();
    const key = await importJWK({ ...jwk, ext: true }, "ES256");
    if (key instanceof Uint8Array) throw new Error("unexpected key");
    const secret = new TextEncoder().encode(await exportSPKI(key));
    const token = await new SignJWT(issuer.claims())
      .setProtectedHeader({ alg: "HS256", kid: jwk.kid ?? "" })
      .sign(secret);
    expect(await tokens.verify(token)).toEqual({
      ok: false,
      reason: "the token's algorithm is not accepted",
    });
  });

  test.each(["none", "None", "HS384", "HS512", "RS1", "ES256K", "", 7])("alg %s is refused", async (alg) => {
    const token = await withHeader(await issuer.signIdToken(), { alg });
    const stripped = token.replace(/[^.]+$/, "AA");
    expect(await tokens.verify(stripped)).toMatchObject({ ok: false });
  });

  test("a token without signature is refused", async () => {
    const [, payload] = (await issuer.signIdToken()).split(".");
    const header = encode({ alg: "none" });
    expect(await tokens.verify(`${header}.${payload}.`)).toEqual({
      ok: false,
      reason: "the token is not a signed JWT",
    });
  });

  test("another's key under the issuer's key id is refused", async () => {
    const { privateKey } = await generateKeyPair("ES256");
    const token = await issuer.signIdToken({}, { key: privateKey });
    expect(await tokens.verify(token)).toEqual({
      ok: false,
      reason: "the token's signature is not the issuer's",
    });
  });

  test("a key inside the token is not used", async () => {
    const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
    const jwk = await exportJWK(publicKey);
    const token = await issuer.signIdToken(
      { iat: now - 3_000 },
      { key: privateKey, header: { jwk, kid: "mine" } },
    );
    expect(await tokens.verify(token)).toEqual({
      ok: false,
      reason: "the token's signature is not the issuer's",
    });
  });
});

describe("what is no token", () => {
  test.each([
    { name: "nothing", text: "" },
    { name: "words", text: "hello" },
    { name: "an encrypted JWT", text: "a.b.c.d.e" },
    { name: "spaces", text: "a. b.c" },
    { name: "a line break at its end", text: "e30.e30.AA\n" },
    { name: "padding", text: "e30=.e30=.AA" },
    { name: "a payload that is a list", text: `${encode({ alg: "ES256" })}.${encode([])}.AA` },
    { name: "a payload that is not JSON", text: `${encode({ alg: "ES256" })}.AAAA.AA` },
  ])("$name is refused", async ({ text }) => {
    expect(await tokens.verify(text)).toEqual({ ok: false, reason: "the token is not a signed JWT" });
  });

  test("a token over 16 KiB is refused whatever it holds", async () => {
    const token = await issuer.signIdToken({ extra: "x".repeat(16 * 1024) });
    expect(await tokens.verify(token)).toEqual({
      ok: false,
      reason: "the token is longer than 16384 characters",
    });
  });

  test("a changed payload is refused", async () => {
    const [header, , signature] = (await issuer.signIdToken()).split(".");
    const token = `${header}.${encode({ ...issuer.claims(), sub: "mallory" })}.${signature}`;
    expect(await tokens.verify(token)).toEqual({
      ok: false,
      reason: "the token's signature is not the issuer's",
    });
  });
});

test("no reason repeats a value", async () => {
  const canary = "canary-7f3a";
  const over = [
    "iss",
    "sub",
    "aud",
    "azp",
    "exp",
    "iat",
    "nbf",
    "groups",
    "auth_time",
    "acr",
    "typ",
    "events",
  ];
  for (const claim of over) {
    const verdict = await tokens.verify(await issuer.signIdToken({ [claim]: { [canary]: canary } }));
    expect(verdict.ok).toBe(false);
    expect(JSON.stringify(verdict)).not.toContain(canary);
  }
});

describe("the list of issuers", () => {
  const entry = { audiences: ["a"], development: false };
  test.each([
    {
      name: "http elsewhere",
      issuers: [{ ...entry, issuer: "http://id.example", allowInsecureIssuer: true }],
    },
    { name: "http here without saying so", issuers: [{ ...entry, issuer: "http://127.0.0.1:1" }] },
    { name: "credentials", issuers: [{ ...entry, issuer: "https://u:p@id.example" }] },
    { name: "a query", issuers: [{ ...entry, issuer: "https://id.example/?a" }] },
    { name: "no address", issuers: [{ ...entry, issuer: "id.example" }] },
    { name: "no audience", issuers: [{ ...entry, audiences: [], issuer: "https://id.example" }] },
    {
      name: "a repetition",
      issuers: [
        { ...entry, issuer: "https://id.example" },
        { ...entry, issuer: "https://id.example" },
      ],
    },
  ])("with $name is refused at start", ({ issuers }) => {
    expect(() => createIdTokens({ issuers, clock })).toThrow(TypeError);
  });
});

async function withHeader(token: string, over: Record<string, unknown>): Promise<string> {
  const [header = "", payload = "", signature = ""] = token.split(".");
  const decoded: unknown = JSON.parse(Buffer.from(header, "base64url").toString());
  return `${encode({ ...(decoded as object), ...over })}.${payload}.${signature}`;
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
