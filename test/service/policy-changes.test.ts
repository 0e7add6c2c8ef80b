import { expect, test } from "vitest";

import { describeService, type Policy } from "../support/service.ts";

/** A policy that can be told from the others by how many rules it has. */
const policyOf = (rules: number): Policy => ({
  rules: Array.from({ length: rules }, () => ({ max_ttl: 60 })),
});

const CLOSED: Policy = { rules: [] };

describeService("policies that change", (service) => {
  const put = (name: string, policy: Policy) =>
    service().send("PUT", `/v1/platforms/${name}/policy`, policy, service().asAdmin());

  test("by many at once end as one of them, and each is answered its own", async () => {
    await service().createPlatform("contested");
    const counts = Array.from({ length: 12 }, (_, index) => index + 1);
    const answers = await Promise.all(counts.map((count) => put("contested", policyOf(count))));
    expect(answers.map(({ status }) => status)).toEqual(counts.map(() => 200));
    expect(answers.map((answer) => answer.json<Policy>().rules.length)).toEqual(counts);
    const kept = await service().get("/v1/platforms/contested/policy", service().asAdmin());
    expect(counts).toContain(kept.json<Policy>().rules.length);
  });

  const path = (name: string) => `/v1/platforms/${name}/policy`;
  const asAdmin = (ifMatch?: string) => ({
    ...service().asAdmin(),
    ...(ifMatch !== undefined && { "if-match": ifMatch }),
  });

  test("are replaced only where the policy that was read still stands", async () => {
    await service().createPlatform("tagged");
    const read = await service().get(path("tagged"), asAdmin());
    const tag = read.headers.get("etag") ?? "";
    expect(tag).toMatch(/^"[\w-]{22}"$/);
    const others = [asAdmin('"another"'), asAdmin(`W/${tag}`), asAdmin('"another", "more"')];
    for (const headers of others) {
      const refused = await service().send("PUT", path("tagged"), policyOf(3), headers);
      expect(refused.status).toBe(412);
      expect(refused.json()).toMatchObject({ code: "precondition_failed", member: "If-Match" });
    }
    const put = await service().send("PUT", path("tagged"), policyOf(2), asAdmin(`"another", ${tag}`));
    expect(put.status).toBe(200);
    const next = put.headers.get("etag") ?? "";
    expect(next).not.toBe(tag);
    expect((await service().get(path("tagged"), asAdmin())).headers.get("etag")).toBe(next);
    // The tag names what stands: the same policy again is the same state.
    expect((await service().send("PUT", path("tagged"), policyOf(2), asAdmin(tag))).status).toBe(412);
    expect((await service().send("PUT", path("tagged"), policyOf(1), asAdmin("*"))).status).toBe(200);
  });

  test("by two who read the same one: the first replaces it, and the other is told", async () => {
    await service().createPlatform("read-twice");
    const other = service().replica();
    await other.start();
    const tag = (await service().get(path("read-twice"), asAdmin())).headers.get("etag") ?? "";
    const puts = [service(), other, service(), other].map((at, index) =>
      at.send("PUT", path("read-twice"), policyOf(index + 2), asAdmin(tag)),
    );
    const answers = await Promise.all(puts);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412]);
    const kept = await service().get(path("read-twice"), asAdmin());
    const winner = answers.find(({ status }) => status === 200);
    expect(kept.json()).toEqual(winner?.json());
    await other.stop();
  });

  const full = {
    rules: [
      { claims: { repository: "acme/web", ref: ["a", "b"] }, max_ttl: 60, session: 600 },
      { claims: { repository: "acme/api" }, max_ttl: 60 },
      { max_ttl: 60 },
    ],
    clients: { metadata_documents: true, domains: ["*.example.com"] },
  };
  const [first, second, third] = full.rules;

  test.each<{ name: string; policy: unknown; member: string | undefined }>([
    { name: "all that an older client does not know", policy: policyOf(3), member: "claims" },
    {
      name: "the claims of one rule",
      policy: { ...full, rules: [{ max_ttl: 60, session: 600 }, second, third] },
      member: "claims",
    },
    { name: "a rule with claims", policy: { ...full, rules: [first, third] }, member: "claims" },
    {
      name: "the session",
      policy: { ...full, rules: [{ ...first, session: undefined }, second, third] },
      member: "session",
    },
    { name: "the clients", policy: { rules: full.rules }, member: "clients" },
    {
      name: "the domains of clients",
      policy: { ...full, clients: { metadata_documents: true } },
      member: "clients.domains",
    },
    {
      name: "nothing: rules that others read alike",
      policy: { ...full, rules: [second, first] },
      member: undefined,
    },
    {
      name: "nothing: other claims, another session, other domains",
      policy: {
        rules: [{ ...first, claims: { repository: "x" }, session: 1 }, second],
        clients: { metadata_documents: false, domains: ["example.com"] },
      },
      member: undefined,
    },
  ])("without If-Match may not drop what restricts: $name", async ({ policy, member }) => {
    const name = "restricted";
    if ((await service().get(path(name), asAdmin())).status === 404) await service().createPlatform(name);
    expect((await service().send("PUT", path(name), full, asAdmin("*"))).status).toBe(200);
    const answer = await service().send("PUT", path(name), policy, asAdmin());
    if (member === undefined) {
      expect(answer.status).toBe(200);
      return;
    }
    expect(answer.status).toBe(409);
    expect(answer.json()).toMatchObject({ code: "conflict", member });
    const stands = await service().get(path(name), asAdmin());
    expect(stands.json()).toMatchObject({ clients: full.clients, rules: [{ session: 600 }, second, third] });
    // Whoever has read it may mean that.
    const tag = stands.headers.get("etag") ?? "";
    expect((await service().send("PUT", path(name), policy, asAdmin(tag))).status).toBe(200);
  });

  test("may go with claims in any order, which are one state", async () => {
    await service().createPlatform("ordered");
    const rule = (claims: object) => ({ rules: [{ max_ttl: 60, claims }] });
    const tags = [
      { a: "1", b: ["2", "3"] },
      { b: ["2", "3"], a: ["1"] },
    ].map(async (claims) => {
      const put = await service().send("PUT", path("ordered"), rule(claims), asAdmin("*"));
      return put.headers.get("etag");
    });
    const [one, other] = await Promise.all(tags);
    expect(one).toBe(other);
  });

  test("bind every issue that is asked for after the answer, here and on another replica", async () => {
    await service().createPlatform("switched");
    const other = service().replica();
    await other.start();
    const issue = (at: Pick<typeof other, "send">) =>
      at.send("POST", "/v1/tokens", { platform: "switched", ttl: 60 }, service().asHuman("alice"));
    for (let round = 0; round < 6; round++) {
      const before = await Promise.all([issue(service()), issue(other)]);
      expect(before.map(({ status }) => status)).toEqual([201, 201]);
      // Under way while the policy changes: either answer is right.
      const meanwhile = Array.from({ length: 6 }, (_, index) => issue(index % 2 === 0 ? other : service()));
      expect((await put("switched", CLOSED)).status).toBe(200);
      const after = await Promise.all([issue(service()), issue(other), issue(service()), issue(other)]);
      expect(after.map(({ status }) => status)).toEqual([403, 403, 403, 403]);
      for (const { status } of await Promise.all(meanwhile)) expect([201, 403]).toContain(status);
      expect((await put("switched", policyOf(1))).status).toBe(200);
    }
    await other.stop();
  });
});
