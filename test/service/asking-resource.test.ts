import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { boundCaveats } from "../../src/domain/issue/bound-caveats.ts";
import { NO_WORD } from "../../src/domain/issue/issuing.ts";

import { type Allowed, bearer, describeService, type Issued, type Refused } from "../support/service.ts";
import { narrow } from "../support/service-macaroons.ts";
import { OWN_ISSUER } from "../support/service-people.ts";

const FILES = "https://mcp.example.com/files";
const MAIL = "https://mcp.example.com/mail";
const OPEN = "https://mcp.example.com/open";
const FOREIGN = "https://mcp.example.com/foreign";

const SRC = join(import.meta.dirname, "../../src");

/** Files of the service, below src, in which something stands. */
function sourcesWith(pattern: RegExp): readonly string[] {
  return readdirSync(SRC, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && pattern.test(readFileSync(join(SRC, file), "utf8")))
    .sort();
}

test("the doors: every place that clears caveats is known here", () => {
  // What is held against the resource that asks is held there, in clearToken; whoever calls it says who asks.
  expect(sourcesWith(/ clearToken\(/)).toEqual([
    "domain/access/authentication.ts",
    "domain/verify/clear-token.ts",
    "domain/verify/decisions.ts",
    "domain/verify/introspection.ts",
  ]);
  expect(sourcesWith(/import \{[^}]*\bclear\b[^}]*\} from "[^"]*\/clear\.ts"/)).toEqual([
    "client/local/token.ts",
    "domain/discharge/bakery-login.ts",
    "domain/verify/clear-token.ts",
  ]);
});

describeService("a platform asks as a resource", (service) => {
  let bound: string;
  let unbound: string;
  let credential: string;
  let filesId: string;

  const asShop = () => service().asPlatform("shop");
  const register = async (platform: string, resource: string, accept_unbound: boolean) => {
    const body = { resource, name: "R", accept_unbound };
    const path = `/v1/platforms/${platform}/resources`;
    const answer = await service().send("POST", path, body, service().asAdmin());
    expect(answer.status, answer.text).toBe(201);
    return answer.json<{ id: string }>().id;
  };
  const credentialFor = (body: object) =>
    service().send("POST", "/v1/platforms/shop/credentials", body, service().asAdmin());

  beforeAll(async () => {
    for (const name of ["shop", "bank"]) {
      await service().createPlatform(name);
      const body = { resource_hosts: ["mcp.example.com"] };
      await service().send("PATCH", `/v1/platforms/${name}`, body, service().asAdmin());
    }
    filesId = await register("shop", FILES, false);
    await register("shop", MAIL, false);
    await register("shop", OPEN, true);
    await register("bank", FOREIGN, true);
    bound = (await service().issue({ platform: "shop", caveats: [`aud = ${FILES}`] })).token;
    unbound = (await service().issue({ platform: "shop" })).token;
    credential = (await credentialFor({ resource: FILES })).json<Issued>().token;
  });

  const ask = async (token: string, more: object = {}, as = asShop()) => {
    const answer = await service().send("POST", "/v1/verify", { token, context: {}, ...more }, as);
    return answer.json<(Allowed | Refused) & { status?: number }>();
  };
  const askMany = async (requests: readonly object[], as = asShop()) =>
    (await service().send("POST", "/v1/verify/batch", { requests }, as)).json<{
      results: readonly (Allowed | Refused)[];
    }>().results;

  /** Every way of asking, each as a resource: whether it allows. */
  const DOORS: Readonly<Record<string, (token: string, resource: string | undefined) => Promise<boolean>>> = {
    verify: async (token, resource) => (await ask(token, { resource })).allowed,
    "verify with a cost": async (token, resource) =>
      (await ask(token, { resource, cost: { EUR: 1 } })).allowed,
    "verify with a budget": async (token, resource) =>
      (await ask(narrow(token, "uses <= 1000"), { resource })).allowed,
    "verify with a reservation": async (token, resource) =>
      (await ask(narrow(token, "spend.EUR <= 9"), { resource, cost: { EUR: 1 }, reserve: 60 })).allowed,
    "verify with a charge_id": async (token, resource) =>
      (await ask(narrow(token, "uses <= 1000"), { resource, charge_id: crypto.randomUUID() })).allowed,
    "dry run": async (token, resource) => (await ask(token, { resource, dry_run: true })).allowed,
    "dry run by the person": async (token, resource) =>
      (await ask(token, { resource, dry_run: true }, service().asHuman("alice"))).allowed,
    batch: async (token, resource) =>
      (await askMany([{ token, context: {}, resource }]))[0]?.allowed === true,
    "batch with a budget": async (token, resource) =>
      (await askMany([{ token: narrow(token, "uses <= 1000"), context: {}, resource }]))[0]?.allowed === true,
    "the resource's own credential": async (token, resource) => {
      const issued = resource === undefined ? undefined : await credentialFor({ resource });
      return issued === undefined
        ? false
        : (await ask(token, {}, bearer(issued.json<Issued>().token))).allowed;
    },
  };

  /** What holders may append in the hope that it names a resource. */
  const APPENDED = [
    `aud = ${MAIL}`,
    `aud in ${FILES}, ${MAIL}`,
    `resource = ${MAIL}`,
    "client = app",
    `agent = ${MAIL}`,
  ];

  describe.each(Object.entries(DOORS))("%s", (_door, allows) => {
    test("allows a bound token as its resource alone, and an unbound one where that is accepted", async () => {
      expect(await allows(bound, FILES)).toBe(true);
      expect(await allows(bound, MAIL)).toBe(false);
      expect(await allows(bound, OPEN)).toBe(false);
      expect(await allows(bound, undefined)).toBe(false);
      expect(await allows(unbound, OPEN)).toBe(true);
      expect(await allows(unbound, FILES)).toBe(false);
    });

    test("nothing that a holder appends binds an unbound token, or widens a bound one", async () => {
      for (const caveat of APPENDED) {
        expect(await allows(narrow(unbound, caveat), MAIL), caveat).toBe(false);
        expect(await allows(narrow(bound, caveat), MAIL), caveat).toBe(false);
        expect(await allows(narrow(bound, caveat), undefined), caveat).toBe(false);
      }
      expect(await allows(narrow(bound, `aud in ${FILES}, ${MAIL}`), FILES)).toBe(true);
      expect(await allows(narrow(bound, `aud = ${MAIL}`), FILES)).toBe(false);
      expect(await allows(narrow(unbound, `aud = ${OPEN}`), OPEN)).toBe(true);
    });
  });

  test("the refusal says which resource asks, and what is missing", async () => {
    expect(await ask(unbound, { resource: FILES })).toMatchObject({
      code: "caveat_failed",
      detail: expect.stringContaining("takes only tokens that were issued for it"),
      failures: [],
    });
    expect(await ask(bound, { resource: MAIL })).toMatchObject({
      code: "caveat_failed",
      detail: `the resource ${MAIL} asks, the token is only for ${FILES}`,
      failures: [{ index: 1, placed: "issued" }],
    });
  });

  test("a resource is named in any spelling, and a foreign one is as unknown as none", async () => {
    expect(await ask(bound, { resource: "HTTPS://MCP.example.com:443/files" })).toMatchObject({
      allowed: true,
    });
    const problems = [];
    for (const resource of [FOREIGN, "https://mcp.example.com/nothing"]) {
      problems.push(await ask(bound, { resource }));
      const [, second] = await askMany([
        { token: unbound, context: {} },
        { token: bound, context: {}, resource },
      ]);
      expect(second).toMatchObject({ status: 404, code: "not_found", member: "resource" });
    }
    expect(problems[0]).toMatchObject({ status: 404, code: "not_found", member: "resource" });
    expect(problems[0]).toEqual(problems[1]);
    expect(await ask(bound, { resource: "https://a#b" })).toMatchObject({ status: 400, member: "resource" });
    const foreignCredential = await credentialFor({ resource: FOREIGN });
    expect(foreignCredential.json()).toMatchObject({ status: 404, member: "resource" });
  });

  test("a person learns nothing of a foreign platform's resources", async () => {
    const bank = (await service().issue({ platform: "bank" }, "bob")).token;
    for (const resource of [FOREIGN, "https://mcp.example.com/nothing", FILES]) {
      const answer = await ask(bank, { resource, dry_run: true }, service().asHuman("mallory"));
      expect(answer).toMatchObject({ allowed: false, code: "unknown_key" });
    }
  });

  test("a context does not say who asks, nor which client", async () => {
    for (const name of ["aud", "client"]) {
      const answer = await ask(bound, { context: { [name]: FILES } });
      expect(answer).toMatchObject({ status: 400, member: `context.${name}` });
    }
  });

  describe("credentials", () => {
    const refused = (answer: object) => expect(answer).toMatchObject({ status: 403, code: "forbidden" });

    test("one that was issued for a resource asks as it, and as no other", async () => {
      expect(await ask(bound, {}, bearer(credential))).toMatchObject({ allowed: true });
      expect(await ask(bound, { resource: FILES }, bearer(credential))).toMatchObject({ allowed: true });
      expect(await ask(unbound, {}, bearer(credential))).toMatchObject({ allowed: false });
      refused(await ask(unbound, { resource: OPEN }, bearer(credential)));
      const [own, other] = await askMany(
        [
          { token: bound, context: {} },
          { token: unbound, context: {}, resource: OPEN },
        ],
        bearer(credential),
      );
      expect(own).toMatchObject({ allowed: true });
      refused(other ?? {});
    });

    test("what is appended to one is a condition, and never names a resource", async () => {
      const plain = asShop()["authorization"]?.replace(/^Bearer /, "") ?? "";
      const appended = bearer(narrow(plain, `resource = ${FILES}`));
      refused(await ask(bound, {}, appended));
      expect(await ask(bound, { resource: FILES }, appended)).toMatchObject({ allowed: true });
      refused(await ask(bound, { resource: MAIL }, appended));
      const [named, unnamed] = await askMany(
        [
          { token: bound, context: {}, resource: FILES },
          { token: bound, context: {} },
        ],
        appended,
      );
      expect(named).toMatchObject({ allowed: true });
      refused(unnamed ?? {});
      refused(await ask(bound, {}, bearer(narrow(credential, `resource = ${OPEN}`))));
      refused(await ask(bound, { resource: OPEN }, bearer(narrow(credential, `resource = ${OPEN}`))));
    });

    test("one that is bound reads what its platform may, and changes no other resource", async () => {
      expect((await service().get("/v1/revocations", bearer(credential))).status).toBe(200);
      const body = { resource: FILES, name: "Files", accept_unbound: false };
      const put = (id: string, resource: string) =>
        service().send(
          "PUT",
          `/v1/platforms/shop/resources/${id}`,
          { ...body, resource },
          bearer(credential),
        );
      expect((await put(filesId, FILES)).status).toBe(200);
      const all = await service().get("/v1/platforms/shop/resources", bearer(credential));
      const mail = all
        .json<{ items: readonly { id: string; resource: string }[] }>()
        .items.find(({ resource }) => resource === MAIL);
      expect((await put(mail?.id ?? "", MAIL)).status).toBe(403);
      const made = { ...body, resource: "https://mcp.example.com/new" };
      const path = "/v1/platforms/shop/resources";
      expect((await service().send("POST", path, made, bearer(credential))).status).toBe(403);
    });
  });

  describe("charges", () => {
    test("a charge_id is one question for each resource", async () => {
      const token = (
        await service().issue({ platform: "shop", caveats: [`aud in ${FILES}, ${MAIL}`, "uses <= 5"] })
      ).token;
      const charge_id = "order 1";
      const left = async (resource: string) => {
        const answer = await ask(token, { resource, charge_id });
        return answer.allowed ? [answer.budgets[0]?.remaining, answer.repeated] : [];
      };
      expect(await left(FILES)).toEqual(["4", undefined]);
      expect(await left(MAIL)).toEqual(["3", undefined]);
      expect(await left(FILES)).toEqual(["3", true]);
    });

    test("a reservation is settled by the platform and the resource that reserved", async () => {
      const token = (
        await service().issue({ platform: "shop", caveats: [`aud in ${FILES}, ${MAIL}`, "spend.EUR <= 100"] })
      ).token;
      const reserve = async (resource: string) => {
        const answer = await ask(token, { resource, cost: { EUR: 5 }, reserve: 60 });
        return answer.allowed ? (answer.reservation?.id ?? "") : "";
      };
      const settle = (id: string, as: Readonly<Record<string, string>>) =>
        service().send("POST", `/v1/reservations/${id}/settle`, { cost: { EUR: 2 } }, as);
      const mail = await reserve(MAIL);
      const files = await reserve(FILES);
      const plain = asShop()["authorization"]?.replace(/^Bearer /, "") ?? "";
      for (const as of [bearer(credential), bearer(narrow(plain, `resource = ${FILES}`))]) {
        expect((await service().get(`/v1/reservations/${mail}`, as)).status).toBe(404);
        expect((await settle(mail, as)).status).toBe(404);
        expect((await service().get(`/v1/reservations/${files}`, as)).status).toBe(200);
        expect((await settle(files, as)).status).toBe(200);
      }
      expect((await settle(mail, asShop())).json()).toMatchObject({ state: "settled" });
      expect((await settle(mail, service().asPlatform("bank"))).status).toBe(404);
    });
  });

  test("a resource that is removed or closed is noticed here at once, elsewhere within the bound", async () => {
    const uri = "https://mcp.example.com/changing";
    const id = await register("shop", uri, true);
    const path = `/v1/platforms/shop/resources/${id}`;
    const other = service().replica();
    await other.start();
    const askAt = async (at: Pick<typeof other, "send">) =>
      (await at.send("POST", "/v1/verify", { token: unbound, context: {}, resource: uri }, asShop())).json<{
        allowed?: boolean;
        status?: number;
      }>();
    expect([await askAt(service()), await askAt(other)]).toMatchObject([
      { allowed: true },
      { allowed: true },
    ]);
    const body = { resource: uri, name: "Closed", accept_unbound: false };
    expect((await service().send("PUT", path, body, asShop())).status).toBe(200);
    expect(await askAt(service())).toMatchObject({ allowed: false });
    await service().advance(10_000);
    await other.fresh();
    expect(await askAt(other)).toMatchObject({ allowed: false });
    await service().request(path, { method: "DELETE", headers: asShop() });
    expect(await askAt(service())).toMatchObject({ status: 404 });
    await service().advance(10_000);
    await other.fresh();
    expect(await askAt(other)).toMatchObject({ status: 404 });
    await other.stop();
  });

  describe("what callers ask for", () => {
    const issue = (caveats: readonly string[]) =>
      service().send("POST", "/v1/tokens", { platform: "shop", caveats }, service().asHuman("alice"));

    test.each([
      ["client = app", "token endpoint"],
      ["aud = https://MCP.example.com/files", FILES],
      ["aud = files", "no such resource ever asks"],
    ])("%s is 422", async (caveat, why) => {
      const answer = (await issue(["action = read", caveat])).json<{ detail: string }>();
      expect(answer).toMatchObject({ status: 422, member: "caveats[1]" });
      expect(answer.detail).toContain(why);
    });

    test("nor do a policy, a resource or a credential say a client", async () => {
      const policy = { rules: [{ max_ttl: 60, caveats: ["client = app"] }] };
      const put = await service().send("PUT", "/v1/platforms/bank/policy", policy, service().asAdmin());
      expect(put.json()).toMatchObject({ status: 422, member: "rules[0].caveats[0]" });
      const resource = { resource: "https://mcp.example.com/c", name: "C", caveats: ["client = app"] };
      const made = await service().send("POST", "/v1/platforms/shop/resources", resource, asShop());
      expect(made.json()).toMatchObject({ status: 422, member: "caveats[0]" });
      expect((await credentialFor({ caveats: ["client = app"] })).status).toBe(422);
      expect((await credentialFor({ caveats: [`aud = ${FILES}`] })).status).toBe(422);
    });
  });

  test("the token endpoint alone binds a token to a client, and to its resource first", async () => {
    const { answer } = await service().issueOne({
      actor: { kind: "principal", issuer: OWN_ISSUER, subject: "alice" },
      payer: "alice",
      spokeAt: Date.now(),
      saidAt: NO_WORD,
      subject: { issuer: OWN_ISSUER, kind: "person", subject: "alice", groups: [], assertedBy: "issuer" },
      email: null,
      development: false,
      credentialId: null,
      request: {
        platform: "shop",
        ttl: 300,
        caveats: boundCaveats({
          resource: {
            resource: FILES,
            scopes: [
              { scope: "files:read", description: "Read" },
              { scope: "files:write", description: "Write" },
            ],
            caveats: ["action in read, list"],
            maxTtl: 300,
          },
          scopes: ["files:read"],
          client: "app",
        }),
        label: undefined,
      },
      parties: [],
      warnings: [],
      fault: undefined,
      seal: () => undefined,
    });
    expect(answer.caveats.slice(1)).toEqual([
      `aud = ${FILES}`,
      "scope in files:read",
      "client = app",
      "action in read, list",
    ]);
    expect(answer.expiresAt - answer.issuedAt).toBe(300_000);
    expect(answer.summary).toContain(`only for ${FILES}, issued to the client app`);
    const context = { action: "read", scope: ["files:read"] };
    expect(await ask(answer.token, { resource: FILES, context })).toMatchObject({ allowed: true });
    const wider = { ...context, scope: ["files:read", "files:write"] };
    expect(await ask(answer.token, { resource: FILES, context: wider })).toMatchObject({ allowed: false });
    expect(await ask(answer.token, { resource: FILES, context: { action: "read" } })).toMatchObject({
      code: "caveat_failed",
    });
    const appended = narrow(answer.token, "client = app");
    expect(await ask(appended, { resource: FILES, context })).toMatchObject({ code: "caveat_unknown" });
  });
});
