import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { createIdTokens } from "../../src/oidc/id-tokens.ts";
import { type FakeIssuer, startFakeIssuer } from "../support/fake-issuer.ts";
import { type ManualClock, manualClock } from "./manual-clock.ts";
import { logInAt, relyingPartyOf } from "./provider.ts";

let clock: ManualClock;
let issuer: FakeIssuer;

beforeEach(async () => {
  clock = manualClock();
  issuer = await startFakeIssuer({ now: clock.now });
});

afterEach(() => issuer.close());

/** The hint that a login gives. */
async function hintOf(): Promise<string | undefined> {
  const outcome = await logInAt(relyingPartyOf(issuer, clock));
  if (!outcome.ok) throw new Error(outcome.reason);
  return outcome.logoutHint;
}

async function logoutParameters(hint: string | undefined) {
  const url = await relyingPartyOf(issuer, clock).logoutUrl(hint);
  return url === undefined ? undefined : Object.fromEntries(new URL(url).searchParams);
}

describe("a logout at the issuer", () => {
  test("names client, front page and the ID token of the login", async () => {
    issuer.faults.logout = true;
    const hint = await hintOf();
    expect(await logoutParameters(hint)).toEqual({
      client_id: "bakehouse",
      post_logout_redirect_uri: "http://127.0.0.1:8080/",
      id_token_hint: hint,
    });
  });

  test("says whom it concerns where the ID token says how", async () => {
    issuer.faults.logout = true;
    issuer.faults.claims = { login_hint: "O.CiQ" };
    expect(await logoutParameters(await hintOf())).toMatchObject({ logout_hint: "O.CiQ" });
  });

  test("goes without a hint that was not kept", async () => {
    issuer.faults.logout = true;
    expect(Object.keys((await logoutParameters(undefined)) ?? {})).toEqual([
      "client_id",
      "post_logout_redirect_uri",
    ]);
  });

  test("keeps what the address holds already", async () => {
    issuer.faults.metadata = { end_session_endpoint: `${issuer.url}/logout?policy=a%20b` };
    expect(await logoutParameters(undefined)).toMatchObject({ policy: "a b", client_id: "bakehouse" });
  });

  test("is not where the issuer has none, and no ID token is kept then", async () => {
    expect(await hintOf()).toBeUndefined();
    expect(await logoutParameters(undefined)).toBeUndefined();
  });

  test("never goes to an address that is http", async () => {
    issuer.faults.metadata = { end_session_endpoint: "http://login.example.com/logout" };
    expect(await hintOf()).toBeUndefined();
    expect(await logoutParameters(undefined)).toBeUndefined();
  });
});

test("the ID token of a browser's login is no credential, since a logout shows it in an address", async () => {
  issuer.faults.logout = true;
  const hint = (await hintOf()) ?? "";
  const bearer = createIdTokens({
    issuers: [{ issuer: issuer.issuer, audiences: ["bakehouse"], development: true }],
    clock,
  });
  expect(await bearer.verify(hint)).toEqual({
    ok: false,
    reason: "the ID token is that of a browser's login, which is no credential",
  });
  // Another program's login has a nonce of its own.
  expect(await bearer.verify(await issuer.signIdToken({ nonce: "n" }))).toMatchObject({ ok: true });
});
