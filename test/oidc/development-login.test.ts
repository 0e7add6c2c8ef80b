import { createHash, randomBytes } from "node:crypto";

import { decodeJwt } from "jose";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import type { Clock } from "../../src/domain/ports/clock.ts";
import type { IdTokens, LoginOutcome, RelyingParty } from "../../src/domain/ports/identity.ts";
import { createIdTokens } from "../../src/oidc/id-tokens.ts";
import { createRelyingParty } from "../../src/oidc/relying-party.ts";
import { type Browser, createBrowser, type Page } from "../support/browser.ts";
import { type DevelopmentServer, startDevelopmentServer } from "./development-server.ts";

const clock: Clock = { now: Date.now, monotonic: () => performance.now() };
let server: DevelopmentServer;
let party: RelyingParty;
let tokens: IdTokens;

beforeAll(async () => {
  server = await startDevelopmentServer();
  const { issuer } = server.provider;
  party = createRelyingParty({
    issuer,
    clientId: "bakehouse",
    redirectUri: `${server.publicUrl}/callback`,
    development: true,
    clock,
    randomness: { bytes: (length) => new Uint8Array(randomBytes(length)) },
  });
  tokens = createIdTokens({
    issuers: [{ issuer, audiences: ["bakehouse", "bakehouse-cli"], development: true }],
    clock,
  });
});

afterEach(() => {
  expect(server.faults).toEqual([]);
});

afterAll(() => server.close());

function newBrowser(): Browser {
  return createBrowser({ stopAt: (url) => url.pathname === "/callback" });
}

/** Begins a login and goes where it leads: the login page, or the callback where a session answers. */
async function begin(browser: Browser, query: Record<string, string> = {}) {
  const { url, attempt } = await party.begin("/");
  const address = new URL(url);
  for (const [name, value] of Object.entries(query)) address.searchParams.set(name, value);
  const page = await browser.get(address);
  return { page, finish: (last: Page = page): Promise<LoginOutcome> => party.finish(attempt, last.url) };
}

async function logIn(browser: Browser, values: Record<string, string>, query?: Record<string, string>) {
  const { page, finish } = await begin(browser, query);
  return await finish(await browser.submit(page.form(), values));
}

describe("the login page", () => {
  test("logs in under the name, address and groups that were typed", async () => {
    const started = Math.floor(Date.now() / 1_000) * 1_000;
    const outcome = await logIn(newBrowser(), {
      name: "Alice",
      email: "alice@example.com",
      groups: "admins, staff,, admins",
    });
    expect(outcome).toMatchObject({
      ok: true,
      identity: {
        issuer: `${server.publicUrl}/dev-idp`,
        subject: "alice",
        name: "Alice",
        email: "alice@example.com",
        groups: ["admins", "staff"],
        development: true,
      },
    });
    const at = outcome.ok ? outcome.identity.authenticatedAt : null;
    expect(at).toBeGreaterThanOrEqual(started);
    expect(at).toBeLessThanOrEqual(Date.now());
  });

  test("needs a name only", async () => {
    expect(await logIn(newBrowser(), { name: "Bob" })).toMatchObject({
      ok: true,
      identity: { subject: "bob", email: null, groups: [] },
    });
  });

  test.each([
    { name: "  Alice ", subject: /^alice$/ },
    { name: "alice@example.com", subject: /^alice@example\.com$/ },
    { name: "Ada  Lovelace", subject: /^ada-lovelace-[\w-]{10}$/ },
    { name: "Zoë", subject: /^zo-[\w-]{10}$/ },
    { name: "李", subject: /^[\w-]{10}$/ },
  ])("gives $name a subject that stays", async ({ name, subject }) => {
    const first = await logIn(newBrowser(), { name });
    const second = await logIn(newBrowser(), { name });
    expect(first.ok && first.identity.subject).toMatch(subject);
    expect(second.ok && second.identity.subject).toBe(first.ok && first.identity.subject);
  });

  test("says what it is, and has no script and nothing from elsewhere", async () => {
    const { page } = await begin(newBrowser());
    expect(page.status).toBe(200);
    expect(page.text).toContain("Development only");
    expect(page.text).not.toMatch(/<script|\son\w+=|https?:\/\//i);
    const policy = page.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|script-src/);
    expect(page.headers.get("cache-control")).toBe("no-store");
  });

  test("has a style that its policy admits", async () => {
    const { page } = await begin(newBrowser());
    const style = page.text.match(/<style>([\s\S]*?)<\/style>/)?.[1] ?? "";
    const hash = createHash("sha256").update(style).digest("base64");
    expect(page.headers.get("content-security-policy")).toContain(`'sha256-${hash}'`);
  });

  test.each([
    { name: "no name", values: { name: "  " } },
    { name: "a long name", values: { name: "a".repeat(101) } },
    { name: "a name with a control character", values: { name: "a\u0007b" } },
    { name: "an address without @", values: { name: "Al", email: "nobody" } },
    { name: "a long group", values: { name: "Al", groups: "g".repeat(101) } },
    {
      name: "too many groups",
      values: { name: "Al", groups: Array.from({ length: 51 }, (_, i) => i).join() },
    },
  ])("asks again after $name", async ({ values }) => {
    const browser = newBrowser();
    const { page, finish } = await begin(browser);
    const again = await browser.submit(page.form(), values);
    expect(again.status).toBe(400);
    expect(again.text).toContain('role="alert"');
    expect(
      await finish(await browser.submit(again.form(), { name: "Al", email: "", groups: "" })),
    ).toMatchObject({
      ok: true,
    });
  });

  test("escapes what was typed", async () => {
    const browser = newBrowser();
    const { page } = await begin(browser);
    const evil = `"><script>alert('x')</script>&amp;`;
    const again = await browser.submit(page.form(), { name: evil, email: "nobody", groups: evil });
    expect(again.status).toBe(400);
    expect(again.text).not.toContain("<script");
    expect(again.form().fields).toMatchObject({ name: evil, groups: evil });
  });

  test("is nobody else's: another browser cannot open it", async () => {
    const { page } = await begin(newBrowser());
    const other = await newBrowser().get(page.url);
    expect(other.status).toBe(400);
    expect(other.forms).toEqual([]);
  });

  test("is not another login's: a cookie opens its own page only", async () => {
    const browser = newBrowser();
    const { page } = await begin(browser);
    const { page: other } = await begin(newBrowser());
    const cookie = browser.cookies.header(page.url, { method: "GET" }) ?? "";
    expect((await fetch(page.url, { headers: { cookie } })).status).toBe(200);
    expect((await fetch(other.url, { headers: { cookie } })).status).toBe(400);
  });

  test("takes no form from another origin, nor one of another type, nor a large one", async () => {
    const browser = newBrowser();
    const { page } = await begin(browser);
    const cookie = browser.cookies.header(page.url, { method: "POST" }) ?? "";
    const type = "application/x-www-form-urlencoded";
    const send = async (headers: Record<string, string>, body: string) => {
      const init = { method: "POST", headers: { cookie, ...headers }, body, redirect: "manual" as const };
      return (await fetch(page.url, init)).status;
    };
    expect(await send({ "content-type": type, origin: "http://127.0.0.1:9" }, "name=Eve")).toBe(403);
    expect(await send({ "content-type": type, origin: "null" }, "name=Eve")).toBe(403);
    expect(await send({ "content-type": "application/json" }, "{}")).toBe(400);
    expect(await send({ "content-type": type }, `name=${"a".repeat(20_000)}`)).toBe(400);
    expect(await send({ "content-type": type }, "name=%00Eve")).toBe(400);
    expect(await send({ "content-type": type }, "name=Al")).toBe(303);
  });
});

describe("a session", () => {
  test("answers the next login without a page, with the same time of login", async () => {
    const browser = newBrowser();
    const first = await logIn(browser, { name: "Carol", groups: "staff" });
    const { page, finish } = await begin(browser);
    expect(page.url.pathname).toBe("/callback");
    expect(await finish()).toEqual(first);
  });

  test.each([
    { name: "prompt=login", query: { prompt: "login" } },
    { name: "max_age=0", query: { max_age: "0" } },
  ])("is not enough for $name", async ({ query }) => {
    const browser = newBrowser();
    const first = await logIn(browser, { name: "Dave" });
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const { page } = await begin(browser, query);
    expect(page.url.pathname).toMatch(/\/dev-idp\/interaction\//);
    const second = await logIn(browser, { name: "Dave" }, query);
    const times = [first, second].map(
      (outcome) => (outcome.ok ? outcome.identity.authenticatedAt : null) ?? 0,
    );
    expect(times[1]).toBeGreaterThan(times[0] ?? 0);
  });

  test("of someone else ends where another name is typed", async () => {
    const browser = newBrowser();
    await logIn(browser, { name: "Erin", groups: "admins" });
    expect(await logIn(browser, { name: "Frank" }, { prompt: "login" })).toMatchObject({
      ok: true,
      identity: { subject: "frank", groups: [] },
    });
    const { finish } = await begin(browser);
    expect(await finish()).toMatchObject({ identity: { subject: "frank" } });
  });

  test("keeps its cookies to the provider's own path, away from scripts and other sites", async () => {
    const browser = newBrowser();
    await logIn(browser, { name: "Grace" });
    expect(browser.cookies.list().length).toBeGreaterThan(0);
    for (const cookie of browser.cookies.list()) {
      expect(cookie).toMatchObject({ httpOnly: true, sameSite: "lax" });
      expect(cookie.path).toMatch(/^\/dev-idp\//);
    }
    expect(browser.cookies.header(new URL("/", server.publicUrl), { method: "GET" })).toBeUndefined();
  });

  test("prompt=none without one comes back with an error", async () => {
    const { finish } = await begin(newBrowser(), { prompt: "none" });
    expect(await finish()).toMatchObject({
      ok: false,
      reason: "the identity provider refused the login: login_required",
    });
  });
});

describe("the command line", () => {
  const verifier = "v".repeat(43);
  const challenge = createHash("sha256").update(verifier).digest("base64url");

  function address(over: Record<string, string> = {}): URL {
    const url = new URL(`${server.provider.issuer}/auth`);
    url.search = new URLSearchParams({
      client_id: "bakehouse-cli",
      response_type: "code",
      redirect_uri: "http://127.0.0.1:45678/callback",
      scope: "openid profile email groups",
      code_challenge: challenge,
      code_challenge_method: "S256",
      state: "state",
      ...over,
    }).toString();
    return url;
  }

  async function redeem(form: Record<string, string>): Promise<Record<string, unknown>> {
    const body = new URLSearchParams({ client_id: "bakehouse-cli", ...form });
    const response = await fetch(`${server.provider.issuer}/token`, { method: "POST", body });
    return (await response.json()) as Record<string, unknown>;
  }

  test.each([
    "http://127.0.0.1:45678/callback",
    "http://localhost:1/callback",
    "http://[::1]:65535/callback",
  ])("logs in by a page and comes back to %s", async (redirectUri) => {
    const browser = newBrowser();
    const page = await browser.get(address({ redirect_uri: redirectUri }));
    const target = redirectUri.includes("[") ? "http:" : new URL(redirectUri).origin;
    expect(page.headers.get("content-security-policy")).toContain(`form-action 'self' ${target};`);
    const back = await browser.submit(page.form(), { name: "Heidi", groups: "staff" });
    expect(back.url.href.startsWith(`${redirectUri}?`)).toBe(true);
    const answer = await redeem({
      grant_type: "authorization_code",
      code: back.url.searchParams.get("code") ?? "",
      redirect_uri: redirectUri,
      code_verifier: verifier,
    });
    const idToken = String(answer["id_token"]);
    expect(await tokens.verify(idToken)).toMatchObject({
      ok: true,
      identity: {
        subject: "heidi",
        groups: ["staff"],
        development: true,
        authenticatedAt: expect.any(Number),
      },
    });
    const { iat = 0, exp = 0, aud } = decodeJwt(idToken);
    expect({ life: exp - iat, aud }).toEqual({ life: 3_600, aud: "bakehouse-cli" });
  });

  test("never gets a token from a session alone", async () => {
    const browser = newBrowser();
    await logIn(browser, { name: "Ivan" });
    const page = await browser.get(address());
    expect(page.url.pathname).toMatch(/\/dev-idp\/interaction\//);
    const silent = await browser.get(address({ prompt: "none" }));
    expect(silent.url.searchParams.get("error")).toBe("login_required");
  });

  test.each([
    { name: "another host", over: { redirect_uri: "http://evil.example/callback" } },
    { name: "another path", over: { redirect_uri: "http://127.0.0.1:45678/other" } },
    { name: "an unknown client", over: { client_id: "someone" } },
    { name: "the web client with a port of the caller's", over: { client_id: "bakehouse" } },
  ])("is shown an error, and sent nowhere, with $name", async ({ over }) => {
    const page = await newBrowser().get(address(over));
    expect(page.status).toBe(400);
    expect(page.url.pathname).toBe("/dev-idp/auth");
    expect(page.text).toContain("This did not work");
  });

  test("needs PKCE", async () => {
    const url = address();
    url.searchParams.delete("code_challenge");
    url.searchParams.delete("code_challenge_method");
    const page = await newBrowser().get(url);
    expect(page.url.searchParams.get("error")).toBe("invalid_request");
  });

  async function askForDevice() {
    const response = await fetch(`${server.provider.issuer}/device/auth`, {
      method: "POST",
      body: new URLSearchParams({ client_id: "bakehouse-cli", scope: "openid profile groups" }),
    });
    return (await response.json()) as Record<string, string>;
  }

  const GRANT = "urn:ietf:params:oauth:grant-type:device_code";

  test.each(["verification_uri", "verification_uri_complete"])(
    "logs in by the device flow at its %s",
    async (member) => {
      const device = await askForDevice();
      const poll = () => redeem({ grant_type: GRANT, device_code: device["device_code"] ?? "" });
      expect(await poll()).toMatchObject({ error: "authorization_pending" });

      const browser = newBrowser();
      const input = await browser.get(device[member] ?? "");
      expect(input.text).not.toMatch(/<script|\son\w+=/i);
      const typed = member === "verification_uri" ? { user_code: device["user_code"] ?? "" } : {};
      const confirm = await browser.submit(input.form(), typed);
      expect(confirm.text).toContain(device["user_code"]);
      const login = await browser.submit(confirm.form());
      const done = await browser.submit(login.form(), { name: "Judy" });
      expect(done.text).toContain("Logged in");
      const idToken = String((await poll())["id_token"]);
      expect(await tokens.verify(idToken)).toMatchObject({
        ok: true,
        identity: { subject: "judy", authenticatedAt: expect.any(Number) },
      });
    },
  );

  test("is told where the human refuses its device", async () => {
    const device = await askForDevice();
    const browser = newBrowser();
    const input = await browser.get(device["verification_uri_complete"] ?? "");
    const confirm = await browser.submit(input.form());
    const refused = await browser.submit(confirm.form(), { abort: "yes" });
    expect(refused.text).toContain("The login was refused.");
    const answer = await redeem({ grant_type: GRANT, device_code: device["device_code"] ?? "" });
    expect(answer).toMatchObject({ error: "access_denied" });
  });

  test("a wrong device code is asked for again", async () => {
    const browser = newBrowser();
    const input = await browser.get(`${server.provider.issuer}/device`);
    const again = await browser.submit(input.form(), { user_code: '"><script>' });
    expect(again.text).toContain("That code is not valid");
    expect(again.text).not.toContain("<script");
  });
});

test("a provider below a path works the same", async () => {
  const other = await startDevelopmentServer({ path: "/bake/house" });
  try {
    const relying = createRelyingParty({
      issuer: other.provider.issuer,
      clientId: "bakehouse",
      redirectUri: `${other.publicUrl}/callback`,
      development: true,
      clock,
      randomness: { bytes: (length) => new Uint8Array(randomBytes(length)) },
    });
    const { url, attempt } = await relying.begin("/");
    const browser = createBrowser({ stopAt: (next) => next.pathname.endsWith("/callback") });
    const back = await browser.submit((await browser.get(url)).form(), { name: "Ken" });
    expect(await relying.finish(attempt, back.url)).toMatchObject({
      ok: true,
      identity: { issuer: `${other.publicUrl}/dev-idp`, subject: "ken" },
    });
    expect(other.faults).toEqual([]);
  } finally {
    await other.close();
  }
});
