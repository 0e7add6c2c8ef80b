import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { createIdTokens } from "../../src/oidc/id-tokens.ts";
import { type FakeIssuer, type IssuerAnswer, startFakeIssuer } from "../support/fake-issuer.ts";
import { type ManualClock, manualClock } from "./manual-clock.ts";
import { logInAt, relyingPartyOf } from "./provider.ts";

const TOO_MANY =
  "your groups are not known: they are too many for the ID token, and the identity provider left them out";
const OVERAGE = {
  groups: undefined,
  _claim_names: { groups: "src1" },
  _claim_sources: { src1: { endpoint: "https://graph.windows.net/t/users/u/getMemberObjects" } },
};

let clock: ManualClock;
let issuer: FakeIssuer;

beforeEach(async () => {
  clock = manualClock();
  issuer = await startFakeIssuer({ now: clock.now });
});

afterEach(() => issuer.close());

describe("groups are read", () => {
  test.each<{
    name: string;
    claim: readonly string[] | null;
    claims: Record<string, unknown>;
    groups: readonly string[];
  }>([
    { name: "from one text", claim: ["groups"], claims: { groups: "staff" }, groups: ["staff"] },
    {
      name: "from one text with commas",
      claim: ["groups"],
      claims: { groups: "CN=a,DC=b" },
      groups: ["CN=a,DC=b"],
    },
    {
      name: "by a path",
      claim: ["realm_access", "roles"],
      claims: { groups: ["other"], realm_access: { roles: ["admin", "user"] } },
      groups: ["admin", "user"],
    },
    {
      name: "by a full name",
      claim: ["https://example.com/groups"],
      claims: { "https://example.com/groups": ["g"] },
      groups: ["g"],
    },
    {
      name: "by a path that leads nowhere: none",
      claim: ["a", "b"],
      claims: { a: { c: ["x"] } },
      groups: [],
    },
    { name: "by a path into nothing: none", claim: ["a", "b"], claims: { a: null }, groups: [] },
    { name: "by a name that every object has: none", claim: ["constructor", "name"], claims: {}, groups: [] },
    { name: "not at all if that is set", claim: null, claims: OVERAGE, groups: [] },
    {
      name: "as listed beside a sign of more elsewhere",
      claim: ["groups"],
      claims: { ...OVERAGE, groups: ["staff"] },
      groups: ["staff"],
    },
    {
      name: "though another claim is elsewhere",
      claim: ["groups"],
      claims: { groups: undefined, _claim_names: { address: "src1" } },
      groups: [],
    },
  ])("$name", async ({ claim, claims, groups }) => {
    issuer.faults.claims = claims;
    const party = relyingPartyOf(issuer, clock, { groupsClaim: claim });
    expect(await logInAt(party)).toMatchObject({ ok: true, identity: { groups } });
    const bearer = createIdTokens({
      issuers: [{ issuer: issuer.issuer, audiences: ["bakehouse"], development: true, groupsClaim: claim }],
      clock,
    });
    expect(await bearer.verify(await issuer.signIdToken(claims))).toMatchObject({ identity: { groups } });
  });

  test("from UserInfo where the ID token has none, by the same path", async () => {
    issuer.faults.claims = { realm_access: { other: 1 } };
    issuer.faults.userInfo = { realm_access: { roles: "admin" }, groups: ["decoy"] };
    const party = relyingPartyOf(issuer, clock, { groupsClaim: ["realm_access", "roles"] });
    expect(await logInAt(party)).toMatchObject({ ok: true, identity: { groups: ["admin"] } });
  });

  test("from UserInfo where the ID token says that they are elsewhere", async () => {
    issuer.faults.claims = OVERAGE;
    issuer.faults.userInfo = { groups: ["staff"] };
    expect(await logInAt(relyingPartyOf(issuer, clock))).toMatchObject({ identity: { groups: ["staff"] } });
  });

  test("as none where UserInfo says nothing of them", async () => {
    issuer.faults.claims = { groups: undefined };
    issuer.faults.userInfo = { name: "Alice" };
    expect(await logInAt(relyingPartyOf(issuer, clock))).toMatchObject({
      ok: true,
      identity: { groups: [] },
    });
  });
});

describe("groups that cannot be known refuse, and say so", () => {
  test.each<{ name: string; claims: Record<string, unknown>; sign: string }>([
    { name: "an overage", claims: OVERAGE, sign: "_claim_names" },
    { name: "an overage in short", claims: { groups: undefined, hasgroups: true }, sign: "hasgroups" },
    { name: "one in quotes", claims: { groups: undefined, hasgroups: "true" }, sign: "hasgroups" },
  ])("$name", async ({ claims, sign }) => {
    issuer.faults.claims = claims;
    // As Entra's own does: it never names groups.
    issuer.faults.userInfo = { name: "Alice" };
    const facts = { step: "groups", claim: "groups", sign };
    expect(await logInAt(relyingPartyOf(issuer, clock))).toEqual({ ok: false, reason: TOO_MANY, facts });
    const bearer = createIdTokens({
      issuers: [{ issuer: issuer.issuer, audiences: ["bakehouse"], development: true }],
      clock,
    });
    const verdict = await bearer.verify(await issuer.signIdToken(claims));
    expect(verdict).toEqual({ ok: false, reason: TOO_MANY, facts });
  });

  const answer = (status: number, body: string, type = "application/json"): IssuerAnswer => ({
    status,
    headers: { "content-type": type },
    body,
  });

  test.each<{ name: string; sent: IssuerAnswer; reason: string; facts: Record<string, unknown> }>([
    {
      name: "UserInfo answers 401",
      sent: answer(401, "{}"),
      reason: "its UserInfo endpoint answered with status 401",
      facts: { cause: "http_status", status: 401 },
    },
    {
      name: "UserInfo answers 401 with a challenge",
      sent: { ...answer(401, ""), headers: { "www-authenticate": 'Bearer error="invalid_token"' } },
      reason: "its UserInfo endpoint answered with status 401",
      facts: { cause: "http_status", status: 401 },
    },
    {
      name: "UserInfo answers 403",
      sent: answer(403, "<html>no</html>", "text/html"),
      reason: "its UserInfo endpoint answered with status 403",
      facts: { cause: "http_status", status: 403 },
    },
    {
      name: "UserInfo is not there",
      sent: answer(404, ""),
      reason: "its UserInfo endpoint answered with status 404",
      facts: { status: 404 },
    },
    {
      name: "UserInfo answers a page",
      sent: answer(200, "<html>", "text/html"),
      reason: "the answer of its UserInfo endpoint cannot be used",
      facts: { cause: "OAUTH_RESPONSE_IS_NOT_JSON" },
    },
    {
      name: "UserInfo answers half of something",
      sent: answer(200, '{"sub":"ali'),
      reason: "the answer of its UserInfo endpoint cannot be used",
      facts: { cause: "OAUTH_PARSE_ERROR" },
    },
    {
      name: "UserInfo speaks of another person",
      sent: answer(200, '{"sub":"mallory","groups":["admins"]}'),
      reason: "the answer of its UserInfo endpoint cannot be used",
      facts: { step: "groups" },
    },
  ])("$name", async ({ sent, reason, facts }) => {
    issuer.faults.userInfo = {};
    issuer.faults.replace = { userinfo: () => sent };
    issuer.faults.claims = { groups: undefined };
    expect(await logInAt(relyingPartyOf(issuer, clock))).toMatchObject({
      ok: false,
      reason: `your groups are not known: they are not in the ID token, and ${reason}`,
      facts: { step: "groups", claim: "groups", ...facts },
    });

    // What is only shown is left out, and the log is told.
    issuer.faults.claims = { name: undefined };
    expect(await logInAt(relyingPartyOf(issuer, clock))).toMatchObject({
      ok: true,
      identity: { groups: ["staff"], name: null },
      facts: { step: "userinfo" },
    });
  });

  test("a UserInfo endpoint that is http where the issuer is not", async () => {
    issuer.faults.metadata = { userinfo_endpoint: "http://login.example.com/userinfo" };
    issuer.faults.claims = { groups: undefined };
    expect(await logInAt(relyingPartyOf(issuer, clock))).toMatchObject({
      ok: false,
      reason:
        "your groups are not known: they are not in the ID token, and the userinfo_endpoint is http and not https",
      facts: { step: "groups", cause: "address" },
    });
  });
});
