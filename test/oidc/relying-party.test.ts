import { randomBytes } from "node:crypto";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import type { LoginAttempt, LoginOutcome, RelyingParty } from "../../src/domain/ports/identity.ts";
import { createRelyingParty, type RelyingPartyOptions } from "../../src/oidc/relying-party.ts";
import { createBrowser } from "../support/browser.ts";
import { type FakeIssuer, type IssuerFaults, startFakeIssuer } from "../support/fake-issuer.ts";
import { aliceOf } from "./alice.ts";
import { type ManualClock, manualClock } from "./manual-clock.ts";

const REDIRECT_URI = "http://127.0.0.1:8080/callback";
const MINUTE = 60_000;
const unavailable = { name: "DomainError", code: "unavailable" };

let clock: ManualClock;
let issuer: FakeIssuer;
let party: RelyingParty;

function create(over: Partial<RelyingPartyOptions> = {}): RelyingParty {
  return createRelyingParty({
    issuer: issuer.issuer,
    clientId: "bakehouse",
    redirectUri: REDIRECT_URI,
    development: false,
    allowInsecureIssuer: true,
    clock,
    randomness: { bytes: (length) => new Uint8Array(randomBytes(length)) },
    timing: { timeout: 5_000 }, // a busy machine answers late, and that is not what is tested
    ...over,
  });
}

/** Goes to the issuer and comes back to the callback's address. */
async function visit(url: string): Promise<URL> {
  const browser = createBrowser({ stopAt: (next) => next.pathname === "/callback" });
  return (await browser.get(url)).url;
}

async function logIn(relying: RelyingParty = party): Promise<LoginOutcome> {
  const { url, attempt } = await relying.begin("/");
  return await relying.finish(attempt, await visit(url));
}

beforeEach(async () => {
  clock = manualClock();
  issuer = await startFakeIssuer({ now: clock.now });
  party = create();
});

afterEach(() => issuer.close());

describe("a login", () => {
  test("gives the identity that the issuer signed", async () => {
    expect(await logIn()).toEqual({ ok: true, identity: aliceOf(issuer, clock) });
  });

  test("asks with code flow, PKCE S256, state and nonce of 256 bits", async () => {
    const { url, attempt } = await party.begin("/tokens?x=1");
    const query = new URL(url).searchParams;
    expect(url.startsWith(`${issuer.issuer}/authorize?`)).toBe(true);
    expect(Object.fromEntries(query)).toEqual({
      client_id: "bakehouse",
      response_type: "code",
      redirect_uri: REDIRECT_URI,
      scope: "openid profile email groups",
      state: attempt.state,
      nonce: attempt.nonce,
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: "S256",
      max_age: "86400",
    });
    for (const text of [attempt.state, attempt.codeVerifier]) expect(text).toMatch(/^[\w-]{43}$/);
    expect(attempt.nonce).toMatch(/^bakehouse-login\.[\w-]{43}$/);
    expect(new Set([attempt.state, attempt.nonce, attempt.codeVerifier]).size).toBe(3);
    expect(url).not.toContain(attempt.codeVerifier);
    expect(attempt).toMatchObject({ returnTo: "/tokens?x=1", startedAt: clock.now() });
  });

  test("needs no issuer at start, and finds it when it comes", async () => {
    await issuer.close();
    const early = create();
    await expect(early.begin("/")).rejects.toMatchObject(unavailable);
    await issuer.reopen();
    clock.advance(2_000);
    expect(await logIn(early)).toMatchObject({ ok: true });
  });

  test("marks the development provider's identities", async () => {
    expect(await logIn(create({ development: true }))).toMatchObject({ identity: { development: true } });
  });

  test("sends the redirect address that is registered, whatever host the browser named", async () => {
    const { url, attempt } = await party.begin("/");
    const callback = await visit(url);
    callback.host = "localhost:8080";
    expect(await party.finish(attempt, callback)).toMatchObject({ ok: true });
  });

  test("works once per code", async () => {
    const { url, attempt } = await party.begin("/");
    const callback = await visit(url);
    expect(await party.finish(attempt, callback)).toMatchObject({ ok: true });
    expect(await party.finish(attempt, callback)).toMatchObject({
      ok: false,
      reason: "the login has expired or was finished before",
    });
  });
});

describe("scopes", () => {
  test.each([
    { supported: ["openid"], scope: "openid" },
    { supported: ["openid", "email", "address"], scope: "openid email" },
    { supported: ["groups"], scope: "openid groups" },
    { supported: undefined, scope: "openid profile email" },
    { supported: "openid groups", scope: "openid profile email" },
  ])("of $supported are $scope", async ({ supported, scope }) => {
    issuer.faults.metadata = { scopes_supported: supported };
    const { url } = await party.begin("/");
    expect(new URL(url).searchParams.get("scope")).toBe(scope);
  });
});

describe("the client's secret", () => {
  const secret = "s3cret/with+odd=characters";
  test.each([
    { methods: undefined, used: "basic" },
    { methods: ["client_secret_post", "client_secret_basic"], used: "basic" },
    { methods: ["client_secret_post"], used: "post" },
    { methods: ["client_secret_jwt"], used: "jwt" },
  ])("goes by $used where the issuer has $methods", async ({ methods, used }) => {
    issuer.faults.metadata = { token_endpoint_auth_methods_supported: methods };
    expect(await logIn(create({ clientSecret: secret }))).toMatchObject({ ok: true });
    const { form, authorization } = issuer.lastTokenRequest() ?? { form: new URLSearchParams() };
    const seen = {
      basic: authorization?.startsWith("Basic ") === true,
      post: form.get("client_secret") === secret,
      jwt: form.has("client_assertion"),
    };
    expect(seen).toEqual({ basic: used === "basic", post: used === "post", jwt: used === "jwt" });
  });

  test("is not sent where there is none", async () => {
    await logIn();
    const { form, authorization } = issuer.lastTokenRequest() ?? { form: new URLSearchParams() };
    expect({ authorization, secret: form.get("client_secret"), id: form.get("client_id") }).toEqual({
      authorization: undefined,
      secret: null,
      id: "bakehouse",
    });
  });
});

describe("a login is refused, by a value, where", () => {
  test.each<{ name: string; faults: IssuerFaults; reason: string }>([
    {
      name: "the human says no",
      faults: { authorizationError: "access_denied" },
      reason: "the login was cancelled or refused at the identity provider",
    },
    {
      name: "the issuer wants something else",
      faults: { authorizationError: "login_required" },
      reason: "the identity provider refused the login: login_required",
    },
    {
      name: "the issuer has an error of its own making",
      faults: { authorizationError: "<script>" },
      reason: "the identity provider refused the login",
    },
    {
      name: "another issuer answered (RFC 9207)",
      faults: { callbackIssuer: "https://evil.example" },
      reason: "the identity provider's answer could not be accepted",
    },
    {
      name: "the issuer leaves out the iss that it promised",
      faults: { callbackIssuer: null },
      reason: "the identity provider's answer could not be accepted",
    },
    {
      name: "the nonce is another's",
      faults: { claims: { nonce: "other" } },
      reason: "the nonce claim is not this login's",
    },
    {
      name: "the nonce is missing",
      faults: { claims: { nonce: undefined } },
      reason: "the nonce claim is not this login's",
    },
    {
      name: "the audience is another",
      faults: { claims: { aud: "other" } },
      reason: "the aud claim does not name this service",
    },
    {
      name: "the ID token has expired",
      faults: { claims: { exp: 1 } },
      reason: "the exp claim is in the past",
    },
    {
      name: "the ID token is from the future",
      faults: { claims: { iat: 9_999_999_999 } },
      reason: "the iat claim is in the future",
    },
    {
      name: "the subject is a number",
      faults: { claims: { sub: 7 } },
      reason: "the sub claim is missing or malformed",
    },
    {
      name: "the groups are malformed",
      faults: { claims: { groups: { admins: true } } },
      reason: "the groups claim is malformed",
    },
    {
      name: "the code is not good any more",
      faults: { tokenError: "invalid_grant" },
      reason: "the login has expired or was finished before",
    },
  ])("$name", async ({ faults, reason }) => {
    Object.assign(issuer.faults, faults);
    expect(await logIn()).toMatchObject({ ok: false, reason, facts: { step: expect.any(String) } });
  });

  test("the ID token is signed by someone else", async () => {
    const other = await startFakeIssuer({ now: clock.now });
    issuer.faults.idToken = (claims) => other.signIdToken(claims);
    const outcome = await logIn();
    await other.close();
    expect(outcome).toMatchObject({ ok: false, reason: "the token's signature is not the issuer's" });
  });

  test.each([{ alg: "none" }, { alg: "HS256" }])("the ID token's algorithm is $alg", async ({ alg }) => {
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    issuer.faults.idToken = (claims) => `${part({ alg })}.${part(claims)}.${alg === "none" ? "" : "AA"}`;
    expect(await logIn()).toMatchObject({ ok: false });
  });

  test("there is no ID token", async () => {
    issuer.faults.idToken = () => "";
    expect(await logIn()).toMatchObject({ ok: false });
  });
});

describe("the callback", () => {
  test.each<{ name: string; change: (callback: URL) => void; reason: string }>([
    {
      name: "no state",
      change: (url) => url.searchParams.delete("state"),
      reason: "the login's state is missing",
    },
    {
      name: "two states",
      change: (url) => url.searchParams.append("state", "other"),
      reason: "the login's state is missing",
    },
    {
      name: "another state",
      change: (url) => url.searchParams.set("state", "other"),
      reason: "the login was begun in another browser or another tab",
    },
    {
      name: "no code",
      change: (url) => url.searchParams.delete("code"),
      reason: "the identity provider's answer could not be accepted",
    },
    {
      name: "two codes",
      change: (url) => url.searchParams.append("code", "other"),
      reason: "the identity provider's answer could not be accepted",
    },
    {
      name: "another's code",
      change: (url) => url.searchParams.set("code", "made-up"),
      reason: "the login has expired or was finished before",
    },
  ])("with $name is refused", async ({ change, reason }) => {
    const { url, attempt } = await party.begin("/");
    const callback = await visit(url);
    change(callback);
    expect(await party.finish(attempt, callback)).toMatchObject({ ok: false, reason });
  });

  test("of a stolen code is refused without the PKCE verifier", async () => {
    const victim = await party.begin("/");
    const stolen = (await visit(victim.url)).searchParams.get("code") ?? "";
    const mine = await party.begin("/");
    const callback = await visit(mine.url);
    callback.searchParams.set("code", stolen);
    expect(await party.finish(mine.attempt, callback)).toMatchObject({ ok: false });
  });

  test.each([
    { passed: 10 * MINUTE, ok: true },
    { passed: 10 * MINUTE + 1, ok: false },
    { passed: -2 * MINUTE, ok: false },
  ])("$passed ms after the start is good: $ok", async ({ passed, ok }) => {
    const begun = await party.begin("/");
    const callback = await visit(begun.url);
    const attempt: LoginAttempt = { ...begun.attempt, startedAt: clock.now() - passed };
    expect(await party.finish(attempt, callback)).toMatchObject({ ok });
  });

  test("that is refused costs the issuer no request", async () => {
    const { attempt } = await party.begin("/");
    const before = issuer.requests.length;
    await party.finish(attempt, new URL(`${REDIRECT_URI}?state=other&code=x`));
    await party.finish(
      { ...attempt, startedAt: 0 },
      new URL(`${REDIRECT_URI}?state=${attempt.state}&code=x`),
    );
    expect(issuer.requests.length).toBe(before);
  });
});

describe("an issuer that does not answer the token request is unavailable", () => {
  test.each<{ name: string; faults: IssuerFaults }>([
    { name: "down", faults: { down: true } },
    { name: "slow", faults: { slowMs: 600 } },
    { name: "failing", faults: { status: 503 } },
    { name: "gone", faults: { status: 404 } },
    { name: "answering with HTML", faults: { body: "<html>" } },
    { name: "refusing the client", faults: { tokenError: "invalid_client" } },
    { name: "reporting a fault", faults: { tokenError: "temporarily_unavailable" } },
  ])("$name", async ({ faults }) => {
    const { url, attempt } = await party.begin("/");
    const callback = await visit(url);
    Object.assign(issuer.faults, faults);
    const impatient = create({ timing: { timeout: 300 } });
    await expect(impatient.finish(attempt, callback)).rejects.toMatchObject(unavailable);
  });

  test("and so is one that says so in the callback", async () => {
    issuer.faults.authorizationError = "temporarily_unavailable";
    await expect(logIn()).rejects.toMatchObject(unavailable);
  });

  test("and no error repeats the code, the verifier or the secret", async () => {
    const relying = create({ clientSecret: "canary-secret" });
    const { url, attempt } = await relying.begin("/");
    const callback = await visit(url);
    issuer.faults.down = true;
    const error: unknown = await relying.finish(attempt, callback).catch((reason: unknown) => reason);
    const shown = `${error instanceof Error ? error.stack : ""}${JSON.stringify(error)}`;
    const code = callback.searchParams.get("code") ?? "none";
    for (const secret of [code, attempt.codeVerifier, "canary-secret"]) expect(shown).not.toContain(secret);
    expect(error).not.toHaveProperty("cause");
  });
});

describe("what an ID token leaves to the UserInfo endpoint", () => {
  const thin = { name: undefined, email: undefined, email_verified: undefined, groups: undefined };

  test("is added", async () => {
    issuer.faults.claims = thin;
    issuer.faults.userInfo = { name: "A", email: "a@example.com", email_verified: true, groups: ["g"] };
    expect(await logIn()).toMatchObject({ identity: { name: "A", email: "a@example.com", groups: ["g"] } });
  });

  test.each<{
    name: string;
    claims: Record<string, unknown>;
    userInfo: Record<string, unknown>;
    identity: unknown;
  }>([
    {
      name: "does not replace what is signed",
      claims: { name: undefined },
      userInfo: { name: "A", groups: ["admins"], email: "evil@example.com", email_verified: true },
      identity: { name: "A", groups: ["staff"], email: "alice@example.com" },
    },
    {
      name: "does not verify the ID token's address",
      claims: { name: undefined, email_verified: undefined },
      userInfo: { email: "other@example.com", email_verified: true },
      identity: { email: null },
    },
    {
      name: "is not verified by the ID token",
      claims: { email: undefined },
      userInfo: { email: "other@example.com" },
      identity: { email: null },
    },
    {
      name: "does not count for another subject",
      claims: { ...thin, groups: ["staff"] },
      userInfo: { sub: "mallory", groups: ["admins"], name: "M" },
      identity: { subject: "alice", groups: ["staff"], name: null },
    },
    {
      name: "cannot change the subject or the time of login",
      claims: { name: undefined, auth_time: undefined },
      userInfo: { auth_time: 9, acr: "x", iss: "x" },
      identity: { subject: "alice", authenticatedAt: null, acr: null },
    },
  ])("$name", async ({ claims, userInfo, identity }) => {
    issuer.faults.claims = claims;
    issuer.faults.userInfo = userInfo;
    expect(await logIn()).toMatchObject({ ok: true, identity });
  });

  test("is not asked for where nothing is missing", async () => {
    issuer.faults.userInfo = { name: "A" };
    await logIn();
    expect(issuer.requests).not.toContain("/userinfo");
  });

  test("that is malformed refuses the login", async () => {
    issuer.faults.claims = thin;
    issuer.faults.userInfo = { groups: [7] };
    expect(await logIn()).toMatchObject({ ok: false, reason: "the groups claim is malformed" });
  });

  test("is an outage where the endpoint fails", async () => {
    issuer.faults.claims = thin;
    issuer.faults.metadata = { userinfo_endpoint: "http://127.0.0.1:1/userinfo" };
    await expect(logIn()).rejects.toMatchObject(unavailable);
  });
});
