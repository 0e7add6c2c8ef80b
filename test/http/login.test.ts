import { describe, expect, test } from "vitest";

import { DomainError } from "../../src/domain/parts/error.ts";
import { ALICE, AT, CREDENTIALS } from "../support/fake-service.ts";
import { as, createTestApp, HTTPS_ORIGIN, ORIGIN, problemOf } from "./app.ts";

const HTTPS = { publicUrl: HTTPS_ORIGIN };
const PLAIN = { login: "bakehouse-login", session: "bakehouse", secure: "" };
const PREFIXED = { login: "__Host-bakehouse-login", session: "__Host-bakehouse", secure: "; Secure" };

describe("GET /login", () => {
  test.each([
    ["http", {}, PLAIN],
    ["https", HTTPS, PREFIXED],
  ])("on %s sends the browser to the issuer and ties the attempt to it", async (_, overrides, names) => {
    const { request, calls } = createTestApp({}, overrides);
    const response = await request("/login?return_to=%2Fdocs%3Fa%3Db");
    expect(response.status).toBe(303);
    expect(response.headers.get("location")).toBe("https://login.example.com/authorize?state=s");
    expect(response.headers.getSetCookie()).toEqual([
      `${names.login}-s=sealed-attempt; Path=/; Max-Age=600; HttpOnly; SameSite=Lax${names.secure}`,
    ]);
    expect(calls).toEqual([{ name: "logins.begin", args: ["/docs?a=b", {}] }]);
  });

  test("returns to the front page where nothing is said", async () => {
    const { request, calls } = createTestApp();
    await request("/login");
    expect(calls[0]?.args).toEqual(["/", {}]);
  });

  test("is not begun by a HEAD", async () => {
    const { request, calls } = createTestApp();
    const response = await request("/login", { method: "HEAD" });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("GET, OPTIONS");
    expect(calls).toEqual([]);
  });

  test("says on a page that the issuer does not answer, with a reference to the cause in the log", async () => {
    const facts = { address: "https://login.example.com/keys", cause: "tls", code: "CERT_HAS_EXPIRED" };
    const begin = async () =>
      Promise.reject(new DomainError("unavailable", "the issuer does not answer", undefined, facts));
    const { request, failures } = createTestApp({ logins: { begin } });
    const response = await request("/login", { headers: { accept: "text/html,*/*;q=0.8" } });
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("2");
    const text = await response.text();
    const requestId = response.headers.get("x-request-id") ?? "none";
    expect(text).toContain("the issuer does not answer");
    expect(text).toContain(`reference <code>${requestId}</code>`);
    expect(text).not.toContain("CERT_HAS_EXPIRED");
    expect(failures).toEqual([{ requestId, route: "/login", detail: "the issuer does not answer", facts }]);
  });
});

describe("several logins in one browser", () => {
  const begun = (...states: readonly string[]) =>
    states.map((state) => `bakehouse-login-${state}=attempt-${state}`).join("; ");

  test("each keep their own state", async () => {
    const { request, calls } = createTestApp();
    const cookie = `${begun("first", "second")}; bakehouse-login=older`;
    for (const state of ["second", "first"]) {
      const response = await request(`/callback?code=c&state=${state}`, { headers: { cookie } });
      expect(response.status).toBe(303);
      expect(response.headers.getSetCookie()[0]).toBe(
        `bakehouse-login-${state}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax`,
      );
    }
    expect(calls.map(({ args }) => args[0])).toEqual(["attempt-second", "attempt-first"]);
  });

  test("that an older version began are finished too", async () => {
    const { request, calls } = createTestApp();
    const cookie = "bakehouse-login=older";
    expect((await request("/callback?code=c&state=any", { headers: { cookie } })).status).toBe(303);
    expect(calls.map(({ args }) => args[0])).toEqual(["older"]);
  });

  test.each(["?state=first&state=first", "?state=", "?state=%0d%0aset-cookie:x", "?state=other"])(
    "are not finished with %s",
    async (query) => {
      const { request, calls } = createTestApp();
      const response = await request(`/callback${query}`, { headers: { cookie: begun("first") } });
      expect(response.status).toBe(400);
      expect(calls.map(({ args }) => args[0])).toEqual([undefined]);
    },
  );

  test("are four at most: the oldest makes room, and no other cookie does", async () => {
    const { request } = createTestApp();
    const others = "bakehouse=session; bakehouse-logins-x=1; x-bakehouse-login-y=1";
    const three = await request("/login", { headers: { cookie: `${others}; ${begun("a", "b", "c")}` } });
    expect(three.headers.getSetCookie()).toHaveLength(1);
    const five = await request("/login", {
      headers: { cookie: `${others}; ${begun("a", "b", "c", "d", "e")}` },
    });
    expect(five.headers.getSetCookie().slice(1)).toEqual([
      "bakehouse-login-a=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax",
      "bakehouse-login-b=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax",
    ]);
  });
});

describe("GET /callback", () => {
  const query = "?code=planted-code&state=planted-state&iss=https%3A%2F%2Flogin.example.com&code=twice";

  test.each([
    ["http", ORIGIN, {}, PLAIN],
    ["https", HTTPS_ORIGIN, HTTPS, PREFIXED],
  ])(
    "on %s finishes the login with a new session and forgets the attempt",
    async (_, origin, overrides, names) => {
      const { app, calls } = createTestApp({}, overrides);
      // Whatever host the request names, the issuer sent the browser to PUBLIC_URL.
      const response = await app.request(`http://evil.example/callback${query}`, {
        headers: { cookie: `${names.login}=sealed-attempt`, "x-forwarded-host": "evil.example" },
      });
      expect(response.status).toBe(303);
      expect(response.headers.get("location")).toBe("/docs");
      expect(response.headers.getSetCookie()).toEqual([
        `${names.login}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax${names.secure}`,
        `${names.session}=new-session-cookie; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax${names.secure}`,
      ]);
      expect(calls).toEqual([
        {
          name: "logins.finish",
          args: ["sealed-attempt", new URL(`${origin}/callback${query}`), "192.0.2.7"],
        },
      ]);
    },
  );

  test("ends the session that the browser had", async () => {
    const { request, calls } = createTestApp();
    const cookie = `bakehouse-login=sealed-attempt; bakehouse=${CREDENTIALS.session}`;
    await request(`/callback${query}`, { headers: { cookie } });
    expect(calls.map(({ name }) => name)).toEqual(["logins.finish", "logins.logout"]);
    // The programs that act as the person stay, if it is the person who goes on.
    expect(calls[1]?.args).toEqual([CREDENTIALS.session, "192.0.2.7", "new-session-cookie"]);
  });

  test("the new login stands where the old session cannot be ended", async () => {
    const logout = async () => Promise.reject(new DomainError("unavailable", "database"));
    const { request, faults } = createTestApp({ logins: { logout } });
    const cookie = `bakehouse-login=sealed-attempt; bakehouse=${CREDENTIALS.session}`;
    const response = await request(`/callback${query}`, { headers: { cookie } });
    expect(response.status).toBe(303);
    expect(response.headers.getSetCookie().join()).toContain("bakehouse=new-session-cookie");
    expect(faults).toMatchObject([{ code: "unavailable" }]);
  });

  test.each([
    ["no attempt", {}, {}],
    ["the other name's attempt", { cookie: "__Host-bakehouse-login=sealed-attempt" }, {}],
    ["on https the other name's attempt", { cookie: "bakehouse-login=sealed-attempt" }, HTTPS],
    ["two attempts", { cookie: "bakehouse-login=a; bakehouse-login=b" }, {}],
    ["an attempt that is none", { cookie: 'bakehouse-login="a b"' }, {}],
  ])("with %s is a page that says so, and nothing else happens", async (_, headers, overrides) => {
    const { request, calls, requests } = createTestApp({}, overrides);
    const response = await request(`/callback${query}`, { headers });
    const text = await response.text();
    expect(response.status).toBe(400);
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(text).toContain("not begun");
    expect(text).not.toContain("planted");
    expect(calls).toMatchObject([{ name: "logins.finish", args: [undefined, {}, "192.0.2.7"] }]);
    expect(requests).toMatchObject([{ route: "/callback", status: 400, code: "invalid_request" }]);
    expect(JSON.stringify(requests)).not.toContain("planted");
  });

  test("shows why the issuer refused, as text, and forgets the attempt", async () => {
    const reason = "<script>alert(1)</script> & access denied";
    const facts = { step: "groups", claim: "groups" };
    const finish = async () => ({ ok: false, reason, facts }) as const;
    const { request, failures } = createTestApp({ logins: { finish } });
    const response = await request(`/callback${query}`, {
      headers: { cookie: "bakehouse-login=sealed-attempt" },
    });
    const text = await response.text();
    expect(response.status).toBe(400);
    expect(text).toContain("&lt;script&gt;alert(1)&lt;/script&gt; &amp; access denied");
    expect(text).not.toContain("<script");
    const requestId = response.headers.get("x-request-id") ?? "none";
    expect(text).toContain(`reference <code>${requestId}</code>`);
    expect(failures).toEqual([{ requestId, route: "/callback", detail: reason, facts }]);
    expect(response.headers.getSetCookie()).toEqual([
      "bakehouse-login=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax",
    ]);
  });

  test("a login that could do without something is logged", async () => {
    const facts = { step: "userinfo", status: 403 };
    const finish = async () =>
      ({ ok: true, cookie: "c", returnTo: "/docs", expiresAt: AT + 1_000, facts }) as const;
    const { request, failures } = createTestApp({ logins: { finish } });
    const response = await request("/callback", { headers: { cookie: "bakehouse-login=sealed-attempt" } });
    expect(response.headers.get("location")).toBe("/docs");
    expect(failures).toMatchObject([{ route: "/callback", facts }]);
  });

  test("an issuer that does not answer is a page with 503, and the attempt is kept for another try", async () => {
    const finish = async () => Promise.reject(new DomainError("unavailable", "the issuer does not answer"));
    const { request } = createTestApp({ logins: { finish } });
    const response = await request(`/callback${query}`, {
      headers: { cookie: "bakehouse-login=sealed-attempt" },
    });
    expect(response.status).toBe(503);
    expect(response.headers.getSetCookie()).toEqual([]);
    const text = await response.text();
    expect(text).toContain("the issuer does not answer");
    expect(text).not.toContain("planted");
  });

  test("never returns to where a login must not, whatever the attempt says", async () => {
    const finish = async () => ({ ok: true, cookie: "c", returnTo: "//evil.example", expiresAt: 0 }) as const;
    const { request } = createTestApp({ logins: { finish } });
    const response = await request("/callback", { headers: { cookie: "bakehouse-login=sealed-attempt" } });
    expect(response.headers.get("location")).toBe("/");
  });

  test("is not finished by a HEAD", async () => {
    const { request, calls } = createTestApp();
    const headers = { cookie: "bakehouse-login=sealed-attempt" };
    expect((await request(`/callback${query}`, { method: "HEAD", headers })).status).toBe(405);
    expect(calls).toEqual([]);
  });
});

describe("POST /logout", () => {
  test.each([
    ["http", ORIGIN, {}, PLAIN],
    ["https", HTTPS_ORIGIN, HTTPS, PREFIXED],
  ])("on %s ends the session and clears its cookie", async (_, origin, overrides, names) => {
    const { request, calls } = createTestApp({}, overrides);
    const headers = { ...as("session", origin), "content-type": "application/x-www-form-urlencoded" };
    const response = await request("/logout", { method: "POST", headers, body: "" });
    expect(response.status).toBe(303);
    expect(response.headers.get("location")).toBe("/");
    expect(response.headers.getSetCookie()[0]).toBe(
      `${names.session}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax${names.secure}`,
    );
    expect(calls).toEqual([
      { name: "logins.logout", args: [CREDENTIALS.session, "192.0.2.7"] },
      { name: "logins.logoutUrl", args: [CREDENTIALS.session, undefined] },
    ]);
  });

  describe("where the issuer ends its own session", () => {
    const url = "https://login.example.com/logout?client_id=bakehouse&post_logout_redirect_uri=x";

    test.each([
      ["http", ORIGIN, {}, "bakehouse-logout", ""],
      ["https", HTTPS_ORIGIN, HTTPS, "__Secure-bakehouse-logout", "; Secure"],
    ])(
      "on %s a page leads on, once the session here is ended",
      async (_, origin, overrides, name, secure) => {
        const logoutUrl = async () => url;
        const { request, calls } = createTestApp({ logins: { logoutUrl } }, overrides);
        const headers = as("session", origin);
        const cookie = `${headers["cookie"]}; ${name}=sealed-hint`;
        const response = await request("/logout", { method: "POST", headers: { ...headers, cookie } });
        expect(response.status).toBe(200);
        const text = await response.text();
        const escaped = url.replaceAll("&", "&amp;");
        expect(text).toContain(`<meta http-equiv="refresh" content="0;url=${escaped}"`);
        expect(text).toContain(`<a href="${escaped}">`);
        expect(response.headers.get("content-security-policy")).toContain("form-action 'self'");
        expect(response.headers.getSetCookie()[1]).toBe(
          `${name}=; Path=/logout; Max-Age=0; HttpOnly; SameSite=Lax${secure}`,
        );
        expect(calls.map(({ name: call, args }) => [call, args[0], args[1]])).toEqual([
          ["logins.logout", CREDENTIALS.session, "192.0.2.7"],
          ["logins.logoutUrl", CREDENTIALS.session, "sealed-hint"],
        ]);
      },
    );

    test("the session here is ended although the issuer cannot be asked, and that is logged", async () => {
      const facts = { cause: "refused" };
      const logoutUrl = async () => Promise.reject(new DomainError("unavailable", "away", undefined, facts));
      const { request, failures, calls } = createTestApp({ logins: { logoutUrl } });
      const response = await request("/logout", { method: "POST", headers: as("session") });
      expect(response.status).toBe(303);
      expect(response.headers.get("location")).toBe("/");
      expect(calls[0]?.name).toBe("logins.logout");
      expect(failures).toMatchObject([{ route: "/logout", detail: "away", facts }]);
    });

    test("a login gives the browser the hint for that path alone", async () => {
      const finish = async () =>
        ({
          ok: true,
          cookie: "c",
          returnTo: "/",
          expiresAt: AT + 60_000,
          logoutHint: "sealed-hint",
        }) as const;
      const { request } = createTestApp({ logins: { finish } }, HTTPS);
      const cookie = "__Host-bakehouse-login-s=sealed-attempt";
      const response = await request("/callback?state=s", { headers: { cookie } });
      expect(response.headers.getSetCookie()[2]).toBe(
        "__Secure-bakehouse-logout=sealed-hint; Path=/logout; Max-Age=60; HttpOnly; SameSite=Lax; Secure",
      );
    });
  });

  test("without a session is no error", async () => {
    const { request, calls } = createTestApp();
    expect((await request("/logout", { method: "POST", headers: { origin: ORIGIN } })).status).toBe(303);
    expect(calls).toEqual([]);
  });

  test.each([
    ["no origin", {}],
    ["another origin", { origin: "https://evil.example" }],
    ["the origin null", { origin: "null" }],
    ["cross-site", { origin: ORIGIN, "sec-fetch-site": "cross-site" }],
  ])("from %s is refused", async (_, origin) => {
    const { request, calls } = createTestApp();
    const headers = { cookie: `bakehouse=${CREDENTIALS.session}`, accept: "application/json", ...origin };
    const response = await request("/logout", { method: "POST", headers });
    expect(await problemOf(response)).toMatchObject({ status: 403, code: "forbidden" });
    expect(calls).toEqual([]);
  });
});

describe("sessions on the API", () => {
  test.each([
    ["http", ORIGIN, {}],
    ["https", HTTPS_ORIGIN, HTTPS],
  ])("on %s a session reads, and writes from the service's own pages", async (_, origin, overrides) => {
    const { request, send, calls } = createTestApp({}, overrides);
    const { cookie = "" } = as("session", origin);
    expect((await request("/v1/tokens", { headers: { cookie } })).status).toBe(200);
    const headers = { cookie, origin, "sec-fetch-site": "same-origin" };
    expect((await send("POST", "/v1/tokens", { platform: "default" }, headers)).status).toBe(201);
    expect(calls.map(({ args }) => (args[0] as { kind: string }).kind)).toEqual(["human", "human"]);
  });

  test.each([
    ["on http the prefixed name", `__Host-bakehouse=${CREDENTIALS.session}`, {}],
    ["on https the bare name", `bakehouse=${CREDENTIALS.session}`, HTTPS],
    ["a planted second cookie", `bakehouse=${CREDENTIALS.session}; bakehouse=other`, {}],
    ["another case", `Bakehouse=${CREDENTIALS.session}`, {}],
  ])("%s is no session", async (_, cookie, overrides) => {
    const { request, authentications } = createTestApp({}, overrides);
    expect((await request("/v1/tokens", { headers: { cookie } })).status).toBe(401);
    expect(authentications).toEqual([]);
  });

  test("a session that is over is 401, and its cookie is cleared", async () => {
    const { request } = createTestApp();
    const response = await request("/v1/tokens", { headers: { cookie: "bakehouse=gone" } });
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe(
      'Bearer resource_metadata="http://127.0.0.1:8080/.well-known/oauth-protected-resource"',
    );
    expect(response.headers.getSetCookie()).toEqual([
      "bakehouse=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax",
    ]);
  });

  test("a session that could not be looked up is 503 and stays", async () => {
    const session = async () => Promise.reject(new DomainError("unavailable", "database"));
    const { request } = createTestApp({ authentication: { session } });
    const response = await request("/v1/tokens", { headers: as("session") });
    expect(response.status).toBe(503);
    expect(response.headers.getSetCookie()).toEqual([]);
  });

  test("a bearer credential wins over the cookie", async () => {
    const { request, calls, authentications } = createTestApp();
    await request("/v1/tokens", { headers: { ...as("session"), ...as("platform") } });
    expect(authentications.map(({ name }) => name)).toEqual(["authentication.bearer"]);
    expect(calls[0]?.args[0]).toMatchObject({ kind: "service", role: "platform" });
  });
});

describe("GET /", () => {
  test("shows who is signed in, as text", async () => {
    const identity = { ...ALICE, name: `<img src=x onerror="alert(1)">`, development: true };
    const session = async () => ({ kind: "human", identity, administrator: false, spokeAt: 0 }) as const;
    const { request } = createTestApp({ authentication: { session } });
    const text = await (await request("/", { headers: as("session") })).text();
    expect(text).toContain("&lt;img src=x onerror=&quot;alert(1)&quot;&gt;");
    expect(text).not.toContain("<img");
    expect(text).toContain("alice@example.com");
    expect(text).toContain("development identity provider");
    expect(text).toContain('<form method="post" action="/logout">');
    expect(text).not.toContain("Sign in");
  });

  test.each([
    ["nobody", {}],
    ["a session that is over", { cookie: "bakehouse=gone" }],
  ])("offers to sign in to %s", async (_, headers) => {
    const { request } = createTestApp();
    const response = await request("/?utm=1", { headers });
    const text = await response.text();
    expect(response.status).toBe(200);
    expect(text).toContain('<a href="/login">Sign in</a>');
    expect(text).not.toContain("/logout");
  });

  test("cannot say who is signed in while that cannot be found out", async () => {
    const session = async () =>
      Promise.reject(new DomainError("unavailable", "the database does not answer"));
    const { request } = createTestApp({ authentication: { session } });
    const response = await request("/", { headers: as("session") });
    expect(response.status).toBe(503);
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
  });
});

describe("a form whose session has ended", () => {
  const id = "019a8c5e-7a00-7000-8000-000000000001";

  test.each([
    [`/discharges/${id}`, "decision=confirm", `%2Fdischarges%2F${id}`],
    [`/approvals/${id}`, "decision=approve", `%2Fapprovals%2F${id}`],
    [`/sessions/${id}/end`, "", "%2F"],
  ])("at %s is a page with a way in, and nothing happens", async (path, body, back) => {
    const { request, calls } = createTestApp();
    for (const cookie of [{}, { cookie: "bakehouse=gone" }]) {
      const headers = { origin: ORIGIN, "content-type": "application/x-www-form-urlencoded", ...cookie };
      const response = await request(path, { method: "POST", headers, body });
      expect(response.status).toBe(401);
      expect(response.headers.get("location")).toBeNull();
      expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
      const text = await response.text();
      expect(text).toContain("What you sent was not done");
      expect(text).toContain(`<a href="/login?return_to=${back}">`);
    }
    expect(calls).toEqual([]);
  });
});

describe("another name of this machine", () => {
  const LOCAL = { publicUrl: "http://127.0.0.1:8080" };
  const ask = async (asked: string, overrides: { readonly publicUrl: string } = LOCAL, method = "GET") => {
    const { app, calls } = createTestApp({}, overrides);
    const response = await app.request(asked, { method, headers: { origin: overrides.publicUrl } });
    return { status: response.status, location: response.headers.get("location"), calls };
  };

  test.each([
    ["http://localhost:8080/", LOCAL.publicUrl, "http://127.0.0.1:8080/"],
    [
      "http://localhost:8080/login?return_to=%2Fdocs",
      LOCAL.publicUrl,
      "http://127.0.0.1:8080/login?return_to=%2Fdocs",
    ],
    ["http://LOCALHOST:8080/", LOCAL.publicUrl, "http://127.0.0.1:8080/"],
    ["http://[::1]:8080/approvals", LOCAL.publicUrl, "http://127.0.0.1:8080/approvals"],
    ["http://127.0.0.1:8080/login", "http://localhost:8080", "http://localhost:8080/login"],
    [
      "http://localhost:8080/?next=//evil.example",
      LOCAL.publicUrl,
      "http://127.0.0.1:8080/?next=//evil.example",
    ],
  ])("%s leads to the one of %s before anything begins", async (asked, publicUrl, location) => {
    const led = await ask(asked, { publicUrl });
    expect(led).toEqual({ status: 303, location, calls: [] });
  });

  test.each([
    ["the right host", "http://127.0.0.1:8080/", LOCAL.publicUrl],
    ["another port, which may be another program", "http://localhost:9999/", LOCAL.publicUrl],
    ["a host that is none of this machine's names", "http://evil.example:8080/", LOCAL.publicUrl],
    ["a name that only looks like one", "http://localhost.evil.example:8080/", LOCAL.publicUrl],
    ["a service that others reach", "http://localhost:8080/", "https://bakehouse.example"],
  ])("leads nowhere from %s", async (_, asked, publicUrl) => {
    expect((await ask(asked, { publicUrl })).status).toBe(200);
  });

  test("leads nowhere on the API, nor a form", async () => {
    expect((await ask("http://localhost:8080/healthz")).status).toBe(200);
    expect((await ask("http://localhost:8080/v1/tokens")).status).toBe(401);
    expect((await ask("http://localhost:8080/logout", LOCAL, "POST")).location).toBe("/");
    expect((await ask("http://localhost:8080//evil.example/")).status).toBe(404);
  });
});
