import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { createIdTokens } from "../../src/oidc/id-tokens.ts";
import { hasManyTenants, issuerName } from "../../src/oidc/issuer-name.ts";
import { type FakeIssuer, startFakeIssuer } from "../support/fake-issuer.ts";
import { type ManualClock, manualClock } from "./manual-clock.ts";
import { failureOf, logInAt, relyingPartyOf } from "./provider.ts";

const OWN = "11111111-1111-1111-1111-111111111111";
const PARTNER = "22222222-2222-2222-2222-222222222222";
const STRANGER = "33333333-3333-3333-3333-333333333333";
const PERSONAL = "9188040d-6c67-4c5b-b112-36a304b66dad";

let clock: ManualClock;
let issuer: FakeIssuer;

const named = (tenant: string) => `${issuer.url}/${tenant}/v2.0`;
const claimsOf = (tenant: string) => ({ iss: named(tenant), tid: tenant });

beforeEach(async () => {
  clock = manualClock();
  issuer = await startFakeIssuer({ now: clock.now, path: "/organizations/v2.0" });
  issuer.faults.discoveryIssuer = named("{tenantid}");
  // Entra says nothing of itself in the callback.
  issuer.faults.callbackIssuer = null;
  issuer.faults.metadata = { authorization_response_iss_parameter_supported: undefined };
});

afterEach(() => issuer.close());

function party(tenants: readonly string[] = [OWN, PARTNER]) {
  return relyingPartyOf(issuer, clock, { tenants });
}

function bearer() {
  const own = { issuer: issuer.issuer, audiences: ["bakehouse"], development: true };
  return createIdTokens({ issuers: [{ ...own, tenants: [OWN, PARTNER] }], clock });
}

describe("an issuer of many tenants", () => {
  test.each([OWN, PARTNER])("lets in who comes from %s, under that tenant's own issuer", async (tenant) => {
    issuer.faults.claims = claimsOf(tenant);
    expect(await logInAt(party())).toMatchObject({
      ok: true,
      identity: { issuer: named(tenant), subject: "alice" },
    });
    expect(await bearer().verify(await issuer.signIdToken(claimsOf(tenant)))).toMatchObject({
      ok: true,
      identity: { issuer: named(tenant) },
    });
  });

  test.each([
    ["a tenant that is not listed", claimsOf, STRANGER, "the iss claim is not the issuer"],
    ["personal accounts", claimsOf, PERSONAL, "the iss claim is not the issuer"],
    ["a template that nobody filled", claimsOf, "{tenantid}", "the iss claim is not the issuer"],
    [
      "a tenant that says it is another",
      () => ({ iss: named(OWN), tid: STRANGER }),
      "",
      "the tid claim is not the issuer's tenant",
    ],
    ["no tenant", () => ({ iss: named(OWN) }), "", "the tid claim is not the issuer's tenant"],
    ["the address for all", () => ({ iss: issuer.issuer, tid: OWN }), "", "the iss claim is not the issuer"],
    [
      "another host",
      () => ({ iss: `https://evil.example/${OWN}/v2.0`, tid: OWN }),
      "",
      "the iss claim is not the issuer",
    ],
  ])("refuses %s", async (_, claims, tenant, reason) => {
    issuer.faults.claims = claims(tenant);
    expect(await logInAt(party())).toMatchObject({ ok: false, reason });
    expect(await bearer().verify(await issuer.signIdToken(claims(tenant)))).toMatchObject({ ok: false });
  });

  test("holds a key to the tenant that it is bound to", async () => {
    const key = await issuer.publicKey();
    const keys = (bound: unknown) => ({ keys: [{ ...key, issuer: bound }] });
    issuer.faults.claims = claimsOf(OWN);
    for (const good of [named("{tenantid}"), named(OWN)]) {
      issuer.faults.jwks = keys(good);
      expect(await logInAt(party())).toMatchObject({ ok: true });
    }
    for (const bad of [named(PERSONAL), named(PARTNER)]) {
      issuer.faults.jwks = keys(bad);
      expect(await logInAt(party())).toMatchObject({
        ok: false,
        reason: "the token's key is another tenant's",
      });
    }
    issuer.faults.jwks = undefined;
    const unnamed = await issuer.signIdToken(claimsOf(OWN), { header: { kid: undefined } });
    expect(await bearer().verify(unnamed)).toMatchObject({ ok: false });
  });

  test("is described by its template and by nothing else", async () => {
    for (const described of [issuer.issuer, named(OWN), "https://evil.example/{tenantid}/v2.0"]) {
      issuer.faults.discoveryIssuer = described;
      expect(await failureOf(party().begin("/"))).toMatchObject({
        message: "the identity provider could not be asked: its configuration names another issuer",
      });
    }
  });

  test("without a list is an issuer like any other, whose description does not fit", async () => {
    expect(await failureOf(party([]).begin("/"))).toMatchObject({ code: "unavailable" });
  });
});

test("a template in the description of any other issuer is no template", async () => {
  const other = await startFakeIssuer({ now: clock.now, path: "/tenant/v2.0" });
  other.faults.discoveryIssuer = `${other.url}/{tenantid}/v2.0`;
  const relying = relyingPartyOf(other, clock, { tenants: [OWN] });
  expect(await failureOf(relying.begin("/"))).toMatchObject({ code: "unavailable" });
  await other.close();
});

test("the first tenant is the service's own", () => {
  const name = issuerName("https://login.microsoftonline.com/common/v2.0", [OWN, PARTNER]);
  expect(name.own).toBe(`https://login.microsoftonline.com/${OWN}/v2.0`);
  expect(name.described).toBe("https://login.microsoftonline.com/{tenantid}/v2.0");
  expect([...name.issuers.values()]).toEqual([OWN, PARTNER]);
});

test.each([
  ["https://login.microsoftonline.com/common/v2.0", true],
  ["https://login.microsoftonline.us/organizations/v2.0", true],
  [`https://login.microsoftonline.com/${OWN}/v2.0`, false],
  ["https://login.example.com/common/v2.0/x", false],
  ["https://login.example.com/realms/common", false],
])("%s has many tenants: %s", (address, many) => {
  expect(hasManyTenants(address)).toBe(many);
});
