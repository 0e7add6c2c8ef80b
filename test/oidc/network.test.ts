import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createProxyChoice } from "../../src/config/proxy-choice.ts";
import type { RelyingParty } from "../../src/domain/ports/identity.ts";
import { connectionTrouble } from "../../src/oidc/connection-trouble.ts";
import type { Fetch } from "../../src/oidc/issuer-fetch.ts";
import { createTransport } from "../../src/oidc/issuer-transport.ts";
import { createAuthority } from "../support/authority.ts";
import { createBrowser } from "../support/browser.ts";
import { type FakeIssuer, type FakeIssuerOptions, startFakeIssuer } from "../support/fake-issuer.ts";
import { startWebProxy, type WebProxy } from "../support/web-proxy.ts";
import { aliceOf } from "./alice.ts";
import { type ManualClock, manualClock } from "./manual-clock.ts";
import { failureOf, relyingPartyOf } from "./provider.ts";

const authority = createAuthority();
const authorities = [authority.cert];
const SAID = "the identity provider could not be asked";

let clock: ManualClock;
let issuer: FakeIssuer;
let proxy: WebProxy | undefined;

async function start(options: FakeIssuerOptions): Promise<FakeIssuer> {
  issuer = await startFakeIssuer({ now: clock.now, ...options });
  return issuer;
}

beforeEach(() => {
  clock = manualClock();
});

afterEach(async () => {
  await proxy?.close();
  proxy = undefined;
  await issuer.close();
});

/** A login whose browser reaches the issuer by a way of its own. */
async function logIn(party: RelyingParty, browse: Fetch) {
  const { url, attempt } = await party.begin("/");
  const browser = createBrowser({ fetch: browse, stopAt: (next) => next.pathname === "/callback" });
  return { begun: url, outcome: await party.finish(attempt, (await browser.get(url)).url) };
}

/** Reaches the issuer whatever host is named. */
const directly: Fetch = (address, init) => {
  const { pathname, search } = new URL(address);
  return createTransport({ authorities })(`${issuer.url}${pathname}${search}`, init);
};

describe("an authority of one's own", () => {
  test("is believed where it is named, for every request of a login", async () => {
    await start({ tls: authority.certify("localhost") });
    const fetch = createTransport({ authorities });
    const { outcome } = await logIn(relyingPartyOf(issuer, clock, { fetch }), fetch);
    expect(outcome).toEqual({ ok: true, identity: aliceOf(issuer, clock) });
  });

  test("is believed besides the usual ones", async () => {
    await start({ tls: authority.certify("localhost") });
    const usual = getCACertificates("default");
    setDefaultCACertificates([...usual, authority.cert]);
    try {
      const fetch = createTransport({ authorities: [createAuthority("Another").cert] });
      await relyingPartyOf(issuer, clock, { fetch }).begin("/");
    } finally {
      setDefaultCACertificates(usual);
    }
    expect(issuer.requests).toEqual(["/.well-known/openid-configuration", "/jwks"]);
  });

  test.each([
    {
      name: "nobody named it",
      host: "localhost",
      until: undefined,
      named: [],
      code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    },
    {
      name: "another one of the same name was named",
      host: "localhost",
      until: undefined,
      named: [createAuthority().cert],
      code: /^(?:CERT_SIGNATURE_FAILURE|UNABLE_TO_VERIFY_LEAF_SIGNATURE)$/,
    },
    {
      name: "its certificate has expired",
      host: "localhost",
      until: "210101000000Z",
      named: authorities,
      code: "CERT_HAS_EXPIRED",
    },
    {
      name: "its certificate is for another host",
      host: "login.example",
      until: undefined,
      named: authorities,
      code: "ERR_TLS_CERT_ALTNAME_INVALID",
    },
  ])("is not believed where $name, and that is said", async ({ host, until, named, code }) => {
    await start({ tls: authority.certify(host, until) });
    const fetch = createTransport({ authorities: named });
    expect(await failureOf(relyingPartyOf(issuer, clock, { fetch }).begin("/"))).toEqual({
      code: "unavailable",
      message: `${SAID}: its certificate or TLS is not accepted`,
      facts: {
        address: `${issuer.issuer}/.well-known/openid-configuration`,
        cause: "tls",
        code: typeof code === "string" ? code : expect.stringMatching(code),
      },
    });
    expect(issuer.requests).toEqual([]);
  });
});

describe("what stands in the way is named", () => {
  test.each([
    {
      name: "nothing listens",
      port: 1,
      cause: "refused",
      code: "ECONNREFUSED",
      words: "it refuses connections",
    },
  ])("where $name", async ({ cause, code, words }) => {
    await start({});
    await issuer.close();
    expect(await failureOf(relyingPartyOf(issuer, clock).begin("/"))).toMatchObject({
      code: "unavailable",
      message: `${SAID}: ${words}`,
      facts: { cause, code },
    });
  });

  test("where the host is not known", async () => {
    await start({});
    // Too long a name for any resolver, so that nobody is asked.
    const party = relyingPartyOf(issuer, clock, { issuer: `https://${"a".repeat(64)}.invalid` });
    expect(await failureOf(party.begin("/"))).toMatchObject({
      message: `${SAID}: its host name is not found`,
      facts: { cause: "dns", code: "ENOTFOUND" },
    });
  });

  test("where it answers too late, with an error, or with what it should not", async () => {
    await start({});
    issuer.faults.slowMs = 300;
    const hurried = relyingPartyOf(issuer, clock, { timing: { timeout: 50 } });
    expect(await failureOf(hurried.begin("/"))).toMatchObject({ facts: { cause: "timeout" } });
    issuer.faults.slowMs = 0;
    for (const status of [404, 429, 500]) {
      issuer.faults.replace = { keys: (usual) => ({ ...usual, status }) };
      expect(await failureOf(relyingPartyOf(issuer, clock).begin("/"))).toMatchObject({
        facts: { cause: "http_status", status, address: `${issuer.issuer}/jwks` },
      });
    }
    issuer.faults.replace = { discovery: (usual) => ({ ...usual, body: "<html>" }) };
    expect(await failureOf(relyingPartyOf(issuer, clock).begin("/"))).toMatchObject({
      message: `${SAID}: its configuration is not JSON`,
      facts: { cause: "answer", address: `${issuer.issuer}/.well-known/openid-configuration` },
    });
  });

  test.each([
    [
      Object.assign(new TypeError("fetch failed"), {
        cause: Object.assign(new Error(), { code: "EAI_AGAIN" }),
      }),
      "dns",
      "EAI_AGAIN",
    ],
    [new AggregateError([Object.assign(new Error(), { code: "ECONNREFUSED" })]), "refused", "ECONNREFUSED"],
    [
      Object.assign(new Error(), { code: "ERR_SSL_WRONG_VERSION_NUMBER" }),
      "tls",
      "ERR_SSL_WRONG_VERSION_NUMBER",
    ],
    [Object.assign(new Error(), { code: "ECONNRESET" }), "connection", "ECONNRESET"],
    [Object.assign(new Error(), { code: "a secret of some kind" }), "connection", undefined],
    [Object.assign(new Error(), { code: 7 }), "connection", undefined],
    ["text", "connection", undefined],
  ])("%s is %s", (error, cause, code) => {
    expect(connectionTrouble(error)).toMatchObject({ cause, code });
  });

  test.each(["authorization_endpoint", "token_endpoint"])(
    "where the %s is http and the issuer is not, at the start too",
    async (member) => {
      await start({});
      issuer.faults.metadata = { [member]: "http://login.example.com/x" };
      const failure = {
        code: "unavailable",
        message: `${SAID}: its configuration names a ${member} that is http and not https`,
        facts: { step: "discovery", member, address: `${issuer.issuer}/` },
      };
      const party = relyingPartyOf(issuer, clock);
      expect(await failureOf(party.begin("/"))).toEqual(failure);
      expect(await failureOf(party.check())).toEqual(failure);
    },
  );

  test.each([
    ["jwks_uri", "http://login.example.com/x", "a jwks_uri that is http and not https"],
    ["jwks_uri", "https://u:secret@login.example.com/x", "a jwks_uri that holds credentials"],
    ["userinfo_endpoint", "http://login.example.com/x", "a userinfo_endpoint that is http and not https"],
    ["token_endpoint", undefined, "no token_endpoint"],
    ["issuer", "https://evil.example/?secret", "another issuer"],
  ])("where %s is %s, at the start", async (member, address, named) => {
    await start({});
    issuer.faults.metadata = { [member]: address };
    const failure = await failureOf(relyingPartyOf(issuer, clock).check());
    expect(failure).toMatchObject({ message: `${SAID}: its configuration names ${named}` });
    expect(JSON.stringify(failure)).not.toContain("secret");
  });

  test("and nothing is where all is well", async () => {
    await start({});
    issuer.faults.userInfo = {};
    expect(await failureOf(relyingPartyOf(issuer, clock).check())).toBeUndefined();
  });
});

describe("a proxy", () => {
  const HOST = "https://login.test";

  async function behindProxy(refusal?: number): Promise<Fetch> {
    await start({ tls: authority.certify("login.test"), publicOrigin: HOST });
    proxy = await startWebProxy(Number(new URL(issuer.url).port), refusal);
    const https = proxy.url.replace("://", "://user:p%40ss@");
    const proxyFor = createProxyChoice({ https, http: undefined, except: ["other.test"] });
    return createTransport({ authorities, proxyFor });
  }

  test("leads every request of a login to the issuer, encrypted from end to end", async () => {
    const fetch = await behindProxy();
    issuer.faults.userInfo = { name: "Alice" };
    issuer.faults.claims = { name: undefined };
    const { outcome } = await logIn(relyingPartyOf(issuer, clock, { fetch }), fetch);
    expect(outcome).toEqual({ ok: true, identity: aliceOf(issuer, clock) });
    // Description, keys, token, UserInfo.
    expect(proxy?.asked).toEqual(new Array(proxy?.asked.length).fill("CONNECT login.test:443"));
    expect(proxy?.asked.length).toBeGreaterThanOrEqual(4);
    const basic = `Basic ${Buffer.from("user:p@ss").toString("base64")}`;
    expect(new Set(proxy?.credentials)).toEqual(new Set([basic]));
  });

  test("that refuses is named, without its password", async () => {
    const fetch = await behindProxy(407);
    const failure = await failureOf(relyingPartyOf(issuer, clock, { fetch }).begin("/"));
    expect(failure).toMatchObject({
      message: `${SAID}: the proxy lets no connection to it through`,
      facts: { cause: "proxy", code: "ERR_PROXY_TUNNEL" },
    });
    expect(JSON.stringify(failure)).not.toMatch(/p@ss|p%40ss/);
  });

  test("for http is asked for the whole address", async () => {
    await start({ publicOrigin: HOST });
    proxy = await startWebProxy(Number(new URL(issuer.url).port));
    const proxyFor = createProxyChoice({ https: undefined, http: proxy.url, except: [] });
    const fetch = createTransport({ proxyFor });
    const backChannel = "http://login.auth.svc:8080";
    const { outcome } = await logIn(relyingPartyOf(issuer, clock, { fetch, backChannel }), directly);
    expect(outcome).toMatchObject({ ok: true });
    expect(new Set(proxy.asked)).toEqual(
      new Set([
        "GET http://login.auth.svc:8080/.well-known/openid-configuration",
        "GET http://login.auth.svc:8080/jwks",
        "POST http://login.auth.svc:8080/token",
      ]),
    );
  });

  test.each([
    ["https://login.test/x", true],
    ["http://login.test/x", false],
    ["https://127.0.0.1:9", false],
    ["https://LOCALHOST", false],
    ["https://[::1]", false],
    ["https://example.com", false],
    ["https://a.b.example.com", false],
    ["https://notexample.com", true],
    ["https://sub.dot.test", false],
    ["https://dot.test", false],
    ["https://star.test", false],
    ["https://port.test", true],
    ["https://port.test:8443", false],
    ["https://10.1.2.3", false],
    ["https://11.1.2.3", true],
    ["https://192.0.2.7", false],
    ["https://192.0.2.70", true],
    ["https://[2001:db8::7]", false],
    ["https://[2001:db9::7]", true],
  ])("is used for %s: %s", (address, used) => {
    const choice = createProxyChoice({
      https: "http://proxy.test",
      http: undefined,
      except: [
        "Example.com",
        ".dot.test",
        "*.star.test",
        "port.test:8443",
        "10.0.0.0/8",
        "192.0.2.7",
        "2001:db8::/32",
      ],
    });
    expect(choice(new URL(address))).toBe(used ? "http://proxy.test" : undefined);
  });

  test("is used for nothing with an asterisk", () => {
    const choice = createProxyChoice({ https: "http://p", http: "http://p", except: ["*"] });
    expect(choice(new URL("https://login.test"))).toBeUndefined();
  });
});

describe("a back channel", () => {
  const PUBLIC = "https://login.test";

  test("serves all requests of the service, and browsers go to the public address", async () => {
    await start({ publicOrigin: PUBLIC });
    issuer.faults.userInfo = { groups: ["staff"] };
    issuer.faults.claims = { groups: undefined };
    const party = relyingPartyOf(issuer, clock, { backChannel: issuer.url, allowInsecureIssuer: false });
    const { begun, outcome } = await logIn(party, directly);
    expect(begun.startsWith(`${PUBLIC}/authorize?`)).toBe(true);
    expect(outcome).toMatchObject({ ok: true, identity: { issuer: PUBLIC, groups: ["staff"] } });
    expect(new Set(issuer.requests)).toEqual(
      new Set(["/.well-known/openid-configuration", "/jwks", "/authorize", "/token", "/userinfo"]),
    );
  });

  test("that the issuer itself names for its endpoints is not where browsers are sent", async () => {
    await start({ publicOrigin: PUBLIC });
    issuer.faults.metadata = Object.fromEntries(
      [
        ["jwks_uri", "/jwks"],
        ["token_endpoint", "/token"],
        ["authorization_endpoint", "/authorize"],
      ].map(([member, path]) => [member, `${issuer.url}${path}`]),
    );
    const party = relyingPartyOf(issuer, clock, { backChannel: issuer.url, allowInsecureIssuer: false });
    const { begun, outcome } = await logIn(party, directly);
    expect(begun.startsWith(`${PUBLIC}/authorize?`)).toBe(true);
    expect(outcome).toMatchObject({ ok: true, identity: { issuer: PUBLIC } });
  });

  test("does not make another issuer of it", async () => {
    await start({ publicOrigin: PUBLIC });
    issuer.faults.discoveryIssuer = issuer.url;
    const party = relyingPartyOf(issuer, clock, { backChannel: issuer.url, allowInsecureIssuer: false });
    expect(await failureOf(party.begin("/"))).toMatchObject({
      message: `${SAID}: its configuration names another issuer`,
      facts: { issuer: `${issuer.url}/` },
    });
  });

  test("opens no other host to http", async () => {
    await start({ publicOrigin: PUBLIC });
    issuer.faults.metadata = { token_endpoint: "http://other.test/token" };
    const party = relyingPartyOf(issuer, clock, { backChannel: issuer.url, allowInsecureIssuer: false });
    expect(await failureOf(party.begin("/"))).toMatchObject({ facts: { member: "token_endpoint" } });
  });
});
