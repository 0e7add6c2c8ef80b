import { afterAll, beforeAll, expect, test } from "vitest";
import { KEYCLOAK } from "../oidc/profiles.ts";
import { relyingPartyOf } from "../oidc/provider.ts";
import { type Browser, createBrowser, type Page } from "../support/browser.ts";
import { type FakeIssuer, startFakeIssuer } from "../support/fake-issuer.ts";
import { startTestService, type TestService } from "../support/service.ts";

const ORIGIN = "http://127.0.0.1:8080";

let issuer: FakeIssuer;
let service: TestService;

beforeAll(async () => {
  issuer = await startFakeIssuer(KEYCLOAK.options);
  KEYCLOAK.set(issuer);
  const clock = { now: () => Date.now(), monotonic: () => performance.now() };
  service = await startTestService({
    kind: "pglite",
    ownIssuer: issuer.issuer,
    relyingParty: relyingPartyOf(issuer, { ...clock, advance: () => {} }, { clientSecret: "s3cret" }),
  });
});

afterAll(async () => {
  await service.close();
  await issuer.close();
});

/** A browser between the service and the issuer. It stops before the issuer leads back, if that is asked for. */
function newBrowser(stopAtCallback = false): Browser {
  return createBrowser({
    async fetch(url, init) {
      if (!url.startsWith(`${ORIGIN}/`)) return fetch(url, init);
      const answer = await service.request(url.slice(ORIGIN.length), init);
      return new Response(answer.status === 303 ? null : answer.text, {
        status: answer.status,
        headers: answer.headers,
      });
    },
    stopAt: (next) => stopAtCallback && next.pathname === "/callback",
  });
}

async function signedIn(): Promise<{ readonly browser: Browser; readonly home: Page }> {
  const browser = newBrowser();
  const home = await browser.get(`${ORIGIN}/login`);
  expect(home.text).toContain("Signed in as");
  return { browser, home };
}

const formOf = (page: Page, path: string) => {
  const form = [...page.headForms, ...page.forms].find(({ action }) => action.pathname === path);
  if (form === undefined) throw new Error(`no form to ${path}`);
  return form;
};

test("two tabs of one browser both finish, in either order", async () => {
  const browser = newBrowser(true);
  const first = await browser.get(`${ORIGIN}/login?return_to=%2Fapprovals`);
  const second = await browser.get(`${ORIGIN}/login?return_to=%2F%3Ftab%3D2`);
  expect(first.url.searchParams.get("state")).not.toBe(second.url.searchParams.get("state"));
  expect(await browser.get(second.url)).toMatchObject({ status: 200, url: new URL(`${ORIGIN}/?tab=2`) });
  expect(await browser.get(first.url)).toMatchObject({ status: 200, url: new URL(`${ORIGIN}/approvals`) });
  const left = browser.cookies.list().map(({ name }) => name);
  expect(left.sort()).toEqual(["bakehouse", "bakehouse-logout"]);
});

test("another browser finishes neither", async () => {
  const mine = await newBrowser(true).get(`${ORIGIN}/login`);
  const theirs = await newBrowser().get(mine.url);
  expect(theirs.status).toBe(400);
  expect(theirs.text).toContain("was not begun in this browser");
});

test("a login asks the issuer for tokens once, however often its browser comes back", async () => {
  const browser = newBrowser(true);
  const { url } = await browser.get(`${ORIGIN}/login`);
  const cookie = browser.cookies
    .list()
    .map(({ name, value }) => `${name}=${value}`)
    .join("; ");
  const back = async (change: (query: URLSearchParams) => void) => {
    const changed = new URL(url);
    change(changed.searchParams);
    return service.get(`/callback${changed.search}`, { cookie });
  };
  const asked = () => issuer.requests.filter((path) => path.endsWith("token")).length;
  const before = asked();
  // Another state is nobody's login, and uses up none.
  expect((await back((query) => query.set("state", "another"))).status).toBe(400);
  expect(asked()).toBe(before);
  expect((await back((query) => query.set("code", "made-up"))).status).toBe(400);
  const answers = await Promise.all(Array.from({ length: 5 }, () => back(() => {})));
  for (const answer of answers) {
    expect(answer.status).toBe(400);
    expect(answer.text).toContain("was used already");
  }
  expect(asked()).toBe(before + 1);
});

test("signing out ends the session here first, and then the issuer's with the login's ID token", async () => {
  const { browser, home } = await signedIn();
  const cookie = browser.cookies.get("bakehouse", new URL(ORIGIN)) ?? "";
  const page = await browser.submit(formOf(home, "/logout"));
  expect(page.status).toBe(200);
  const [, onward = ""] = /http-equiv="refresh" content="0;url=([^"]+)"/.exec(page.text) ?? [];
  expect((await service.get("/v1/tokens", { cookie: `bakehouse=${cookie}` })).status).toBe(401);
  const back = await browser.get(onward.replaceAll("&amp;", "&"));
  expect(back.url.href).toBe(`${ORIGIN}/`);
  expect(back.text).toContain("Not signed in");
  const hint = issuer.lastLogout()?.get("id_token_hint") ?? "";
  expect(JSON.parse(Buffer.from(hint.split(".")[1] ?? "", "base64url").toString())).toMatchObject({
    sub: issuer.faults.claims?.["sub"],
  });
});

test("the hint is for its own session alone, and what was planted is passed over", async () => {
  const one = await signedIn();
  const other = await signedIn();
  const at = new URL(`${ORIGIN}/logout`);
  const session = one.browser.cookies.get("bakehouse", at) ?? "";
  const hints = [other.browser.cookies.get("bakehouse-logout", at) ?? "", "made-up"];
  for (const hint of hints)
    expect(await service.service.logins.logoutUrl(session, hint)).not.toContain("id_token");
  const own = one.browser.cookies.get("bakehouse-logout", at);
  expect(await service.service.logins.logoutUrl(session, own)).toContain("id_token_hint=");
});

test("an ID token that no cookie would hold is not kept, and the logout goes without", async () => {
  issuer.faults.claims = {
    ...issuer.faults.claims,
    groups: Array.from({ length: 200 }, (_, at) => `/teams/number-${at}`),
  };
  const { browser, home } = await signedIn();
  expect(browser.cookies.get("bakehouse-logout", new URL(`${ORIGIN}/logout`))).toBeUndefined();
  const page = await browser.submit(formOf(home, "/logout"));
  expect(page.text).toContain("client_id=bakehouse");
  expect(page.text).not.toContain("id_token_hint");
  KEYCLOAK.set(issuer);
});

test("an ID token's cookie fits a browser", async () => {
  issuer.faults.claims = { ...issuer.faults.claims, padding: "x".repeat(1_150) };
  const { browser } = await signedIn();
  const kept = browser.cookies.get("bakehouse-logout", new URL(`${ORIGIN}/logout`)) ?? "";
  expect(kept.length).toBeGreaterThan(2_500);
  expect(kept.length).toBeLessThan(4_000);
  KEYCLOAK.set(issuer);
});
