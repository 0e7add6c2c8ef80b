/** One table of policy, decided by the service as it issues, and by a dry run. */
import { expect, test } from "vitest";

import { type Asserted, callerOf } from "../../src/domain/access/assertions.ts";
import { DomainError } from "../../src/domain/parts/error.ts";
import { voucherOf } from "../../src/domain/parts/voucher.ts";
import { describeService, type Issued, type TestService } from "../support/service.ts";
import { PEOPLE, POLICY_CASES, type PolicyCase, type Who } from "./policy-cases.ts";

/** What a token says of the rule that it was issued by. */
interface Got {
  readonly caveats: readonly string[];
  readonly life: number;
}

/** Rules that can be told apart by what is issued under them. */
const policyOf = ({ rules }: PolicyCase) => ({
  rules: rules.map((rule, index) => ({ ...rule, caveats: [`rule = ${index}`], max_ttl: 600 + index })),
});

function assertedOf(who: Who): Asserted {
  const kind = who.kind === "workload" ? "workload" : "id-jag";
  const issuer = voucherOf(kind === "workload" ? "workload" : "person", who.issuer ?? PEOPLE);
  const identity = {
    issuer,
    subject: who.subject,
    groups: who.groups ?? [],
    email: null,
    name: null,
    authenticatedAt: null,
    acr: null,
    development: false,
  };
  const once = undefined;
  const free = { clientId: undefined, resources: undefined, scopes: undefined, once };
  return {
    kind,
    identity,
    claims: who.claims ?? {},
    spokeAt: Date.now() + 1e9,
    expiresAt: Date.now() + 1e7,
    ...free,
  };
}

/** Issues as whoever it is would be issued to. @returns undefined if policy says no */
async function issued(service: TestService, platform: string, who: Who): Promise<Got | undefined> {
  if (who.kind === "workload" || who.kind === "id-jag") {
    const request = {
      platform,
      ttl: undefined,
      caveats: [],
      thirdPartyCaveats: [],
      label: undefined,
      onBehalfOf: undefined,
    };
    try {
      const token = await service.service.tokens.issue(callerOf(assertedOf(who)), request);
      return { caveats: token.caveats, life: token.expiresAt - token.issuedAt };
    } catch (error) {
      if (error instanceof DomainError && error.code === "forbidden") return undefined;
      throw error;
    }
  }
  const { issuer, subject, groups } = who;
  const named = { subject, ...(issuer !== undefined && { issuer }) };
  const answer = await service.send(
    "POST",
    "/v1/tokens",
    { platform, ...(who.on_behalf_of === true && { on_behalf_of: named }) },
    who.on_behalf_of === true
      ? service.asPlatform(platform)
      : service.asHuman({ ...named, ...(groups && { groups }) }),
  );
  if (answer.status === 403) return undefined;
  expect(answer.status, answer.text).toBe(201);
  const { caveats, issued_at, expires_at } = answer.json<Issued>();
  return { caveats, life: Date.parse(expires_at) - Date.parse(issued_at) };
}

test("the table has at least 80 cases, each with a name of its own", () => {
  const names = new Set(POLICY_CASES.map(({ name }) => name));
  expect(names.size).toBe(POLICY_CASES.length);
  expect(names.size).toBeGreaterThanOrEqual(80);
});

describeService("the table of policy", (service) => {
  const PLATFORM = "table";
  const path = `/v1/platforms/${PLATFORM}/policy`;
  const asAdmin = () => ({ ...service().asAdmin(), "if-match": "*" });
  const trial = (body: object) =>
    service().send("POST", path, { dry_run: true, ...body }, service().asAdmin());

  test.each(POLICY_CASES)("$name: $wants", async (one) => {
    const { who, wants } = one;
    if ((await service().get(path, asAdmin())).status === 404) await service().createPlatform(PLATFORM);
    const policy = policyOf(one);
    // As it would be, before it is put.
    const before = await trial({ ...who, policy });
    expect((await service().send("PUT", path, policy, asAdmin())).status).toBe(200);
    const dry = await trial(who);
    expect(dry.status, dry.text).toBe(200);
    expect(before.json()).toEqual(dry.json());
    const got = await issued(service(), PLATFORM, who);
    const rule = wants === undefined ? undefined : one.rules[wants];
    expect(dry.json()).toMatchObject(
      wants === undefined
        ? { admitted: false, passed_over: one.rules.map((_, index) => ({ rule: index })) }
        : { admitted: true, rule: wants, caveats: [`rule = ${wants}`], max_ttl: 600 + wants },
    );
    expect(dry.json()["session"]).toBe(rule?.session);
    for (const { why } of dry.json<{ passed_over: readonly { why: readonly object[] }[] }>().passed_over) {
      expect(why).not.toEqual([]);
    }
    expect(got && { rule: got.caveats[1], life: got.life }).toEqual(
      wants === undefined ? undefined : { rule: `rule = ${wants}`, life: (600 + wants) * 1000 },
    );
  });

  test("a dry run changes nothing, and issues nothing", async () => {
    const platform = "dry";
    await service().createPlatform(platform, { rules: [] });
    const at = `/v1/platforms/${platform}/policy`;
    const body = { dry_run: true, subject: "alice", policy: { rules: [{ max_ttl: 60 }] } };
    const answer = await service().send("POST", at, body, service().asAdmin());
    expect(answer.json()).toMatchObject({ admitted: true, rule: 0 });
    expect((await service().get(at, service().asAdmin())).json()).toEqual({ rules: [] });
    const tokens = await service().get(`/v1/tokens?platform=${platform}`, service().asPlatform(platform));
    expect(tokens.json()).toMatchObject({ items: [] });
    const wrong = { ...body, policy: { rules: [{ max_ttl: 60, caveats: ["a<1"] }] } };
    expect((await service().send("POST", at, wrong, service().asAdmin())).status).toBe(400);
    const unknown = await service().send("POST", "/v1/platforms/nobody/policy", body, service().asAdmin());
    expect(unknown.status).toBe(404);
  });

  test("it says of an issuer that nobody trusts that nobody of it comes here", async () => {
    await service().createPlatform("warned", { rules: [{ issuer: "https://nobody.test", max_ttl: 60 }] });
    const body = { dry_run: true, subject: "x", issuer: "https://nobody.test" };
    const at = "/v1/platforms/warned/policy";
    const person = await service().send("POST", at, body, service().asAdmin());
    expect(person.json()).toMatchObject({ admitted: true, warnings: [expect.stringContaining("of people")] });
    const job = await service().send("POST", at, { ...body, kind: "workload" }, service().asAdmin());
    expect(job.json()).toMatchObject({ warnings: [expect.stringContaining("of workloads")] });
    const own = await service().send("POST", at, { dry_run: true, subject: "x" }, service().asAdmin());
    expect(own.json()).toMatchObject({ admitted: false, warnings: [] });
  });

  test("a workload is told from a person of the same issuer and subject, everywhere", async () => {
    const platform = "twins";
    await service().createPlatform(platform, {
      rules: [{ issuer: "https://twin.test", max_ttl: 600, session: 600 }],
    });
    const who = { issuer: "https://twin.test", subject: "twin" };
    const person = await issued(service(), platform, who);
    const job = { ...who, kind: "workload" as const };
    const request = {
      platform,
      ttl: undefined,
      caveats: [],
      thirdPartyCaveats: [],
      label: undefined,
      onBehalfOf: undefined,
    };
    const mint = () => service().service.tokens.issue(callerOf(assertedOf(job)), request);
    const root = await mint();
    expect(person).toBeDefined();
    const verdict = await service().verify(root.token, { action: "read" }, {}, platform);
    expect(verdict).toMatchObject({
      allowed: true,
      principal: { ...who, kind: "workload" },
      summary: expect.stringContaining("Issued to a workload, and to no person."),
    });
    const list = await service().get(`/v1/tokens?platform=${platform}`, service().asPlatform(platform));
    const principals = list.json<{ items: readonly Issued[] }>().items.map(({ principal }) => principal);
    expect(principals).toEqual([
      { id: root.principal.id, ...who, kind: "workload" },
      { id: expect.any(String), ...who },
    ]);
    expect(list.text).not.toContain("\\u001f");
    // The person sees and revokes nothing of the workload.
    const own = await service().get("/v1/tokens", service().asHuman(who));
    expect(own.json<{ items: readonly Issued[] }>().items).toHaveLength(1);
    await service().revoke([{ principal: who }], service().asAdmin());
    await service().revoke([{ token_id: root.tokenId }], service().asHuman(who));
    expect(await service().verify(root.token, { action: "read" }, {}, platform)).toMatchObject({
      allowed: true,
    });
    const target = { principal: { ...who, kind: "workload" } };
    const { revocations } = await service().revoke([target], service().asPlatform(platform));
    expect(revocations[0]?.target).toMatchObject(target);
    expect(await service().verify(root.token, { action: "read" }, {}, platform)).toMatchObject({
      allowed: false,
      code: "revoked",
    });
    // What ends with an assertion has no line of its own.
    const renewal = await service().send("POST", `/v1/tokens/${root.tokenId}/renew`, { token: root.token });
    expect(renewal.status).toBe(404);
    const log = await service().get("/v1/revocations", service().asAdmin());
    expect(log.text).not.toContain("\\u001f");
    expect(log.text).toContain('"kind":"workload"');
    const audit = await service().get(`/v1/audit?platform=${platform}`, service().asAdmin());
    expect(audit.text).not.toContain("\\u001f");
    expect(audit.json<{ items: readonly object[] }>().items).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ action: "token.issued", actor: { kind: "workload", ...who } }),
      ]),
    );
    // No request can write what tells the two apart.
    for (const issuer of ["workload\u001fhttps://twin.test"]) {
      const named = { platform, on_behalf_of: { issuer, subject: "twin" } };
      const refused = await service().send("POST", "/v1/tokens", named, service().asPlatform(platform));
      expect(refused.status).toBe(400);
    }
  });
});
