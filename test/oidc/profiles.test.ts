import { describe, expect, test } from "vitest";

import type { RelyingPartyOptions } from "../../src/oidc/relying-party.ts";
import { createBrowser } from "../support/browser.ts";
import { startFakeIssuer } from "../support/fake-issuer.ts";
import { manualClock } from "./manual-clock.ts";
import { ADFS, ENTRA, GOOGLE, KEYCLOAK, OKTA, type Profile } from "./profiles.ts";
import { logInAt, relyingPartyOf } from "./provider.ts";

interface Expected {
  readonly identity: Readonly<Record<string, unknown>>;
  readonly scope: string;
  /** The parameters of a logout besides client and way back; undefined if the provider has none. */
  readonly logout: readonly string[] | undefined;
  /** Where the browser ends without the ID token; undefined for where it ends with it. */
  readonly withoutHint?: string;
}

describe.each<[string, Profile, Expected]>([
  [
    "Entra",
    ENTRA,
    {
      identity: {
        subject: "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
        name: "Alice",
        // Entra vouches for no address.
        email: null,
        groups: ["0b6ae2ae-1f2c-4f43-8b0a-6a3a8e8d6f10", "bd1c0f9e-7a0f-4c1a-8a43-0d4a0c6f7a11"],
        authenticatedAt: null,
      },
      scope: "openid profile email",
      logout: ["id_token_hint", "logout_hint"],
    },
  ],
  [
    "Okta",
    OKTA,
    {
      identity: {
        subject: "00uid4BxXw6I6TV4m0g3",
        email: "alice@example.com",
        groups: ["Everyone", "bakehouse-admins"],
        authenticatedAt: expect.any(Number),
      },
      scope: "openid profile email groups",
      logout: ["id_token_hint"],
      withoutHint: "/oauth2/v1/logout",
    },
  ],
  [
    "Keycloak",
    KEYCLOAK,
    {
      identity: {
        subject: "5e9d1c07-5a3c-4a3a-9a53-1d4f5c9f3c55",
        email: "alice@example.com",
        groups: ["/admins", "/staff/bakers"],
        acr: "1",
      },
      scope: "openid profile email",
      logout: ["id_token_hint"],
    },
  ],
  [
    "Google",
    GOOGLE,
    {
      identity: { subject: "110169484474386276334", name: "Alice", groups: [], authenticatedAt: null },
      scope: "openid profile email",
      logout: undefined,
    },
  ],
  [
    "ADFS",
    ADFS,
    {
      identity: {
        subject: "mVVnbBcPwh+LoK0wUcWKGPjkzUJVLOsdSTzPL2fGmGE=",
        name: null,
        groups: ["CN=Bakehouse Admins,OU=Groups,DC=corp,DC=example,DC=com"],
        authenticatedAt: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
      },
      scope: "openid profile email",
      logout: ["id_token_hint"],
      withoutHint: "/adfs/oauth2/logout",
    },
  ],
])("a stand-in for %s", (_, { options, set }, expected) => {
  async function start(over: Partial<RelyingPartyOptions> = {}) {
    const clock = manualClock();
    const issuer = await startFakeIssuer({ now: clock.now, ...options });
    set(issuer);
    const party = relyingPartyOf(issuer, clock, { clientSecret: "s3cret", ...over });
    return { issuer, party };
  }

  test("logs in, with groups, and out", async () => {
    const { issuer, party } = await start();
    await party.check();
    const outcome = await logInAt(party);
    expect(outcome).toMatchObject({
      ok: true,
      identity: { ...expected.identity, issuer: issuer.issuer, development: false },
    });
    expect(issuer.lastAuthorization()?.get("scope")).toBe(expected.scope);

    const hint = outcome.ok ? outcome.logoutHint : undefined;
    const url = await party.logoutUrl(hint);
    if (expected.logout === undefined) expect(url).toBeUndefined();
    else {
      const names = [...new URL(url ?? "").searchParams.keys()];
      expect(names).toEqual(["client_id", "post_logout_redirect_uri", ...expected.logout]);
      const browser = createBrowser({ stopAt: (next) => next.port === "8080" });
      expect((await browser.get(url ?? "")).url.href).toBe("http://127.0.0.1:8080/");
      expect(issuer.lastLogout()?.get("id_token_hint")).toBe(hint);
      const bare = await browser.get((await party.logoutUrl(undefined)) ?? "");
      expect(bare.url.pathname).toBe(expected.withoutHint ?? "/");
    }
    await issuer.close();
  });

  test("whose UserInfo endpoint refuses lets in only whose groups are known", async () => {
    const { issuer, party } = await start();
    issuer.faults.replace = { userinfo: (usual) => ({ ...usual, status: 403 }) };
    const known = issuer.faults.claims?.["groups"] !== undefined;
    expect(await logInAt(party)).toMatchObject({ ok: known });
    await issuer.close();
  });
});

test("Keycloak's roles are read by their path", async () => {
  const clock = manualClock();
  const issuer = await startFakeIssuer({ now: clock.now, ...KEYCLOAK.options });
  KEYCLOAK.set(issuer);
  const party = relyingPartyOf(issuer, clock, { groupsClaim: ["realm_access", "roles"] });
  expect(await logInAt(party)).toMatchObject({ identity: { groups: ["offline_access", "baker"] } });
  await issuer.close();
});

test("Google without groups is said to have none at all, and then UserInfo may refuse", async () => {
  const clock = manualClock();
  const issuer = await startFakeIssuer({ now: clock.now, ...GOOGLE.options });
  GOOGLE.set(issuer);
  issuer.faults.replace = { userinfo: (usual) => ({ ...usual, status: 401 }) };
  const party = relyingPartyOf(issuer, clock, { groupsClaim: null });
  expect(await logInAt(party)).toMatchObject({ ok: true, identity: { groups: [] } });
  await issuer.close();
});
