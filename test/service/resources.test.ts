import { beforeAll, describe, expect, test } from "vitest";

import { bearer, describeService } from "../support/service.ts";
import { narrow } from "../support/service-macaroons.ts";

interface Registered {
  readonly id: string;
  readonly resource: string;
}

const FILES = {
  resource: "https://mcp.example.com/mcp",
  name: "Files",
  scopes: [{ scope: "files:read", description: "Read your files" }],
  caveats: ["action in read, list"],
  max_ttl: 600,
  accept_unbound: true,
};

describeService("resources", (service) => {
  beforeAll(async () => {
    await service().createPlatform("shop");
    await service().createPlatform("bank");
    expect((await hosts("shop", ["mcp.example.com", "*.acme.example"])).status).toBe(200);
    expect((await hosts("bank", ["bank.example", "mcp.example.com"])).status).toBe(200);
  });

  const asShop = () => service().asPlatform("shop");
  const asBank = () => service().asPlatform("bank");
  const path = (platform: string, id?: string) =>
    `/v1/platforms/${platform}/resources${id === undefined ? "" : `/${id}`}`;
  const hosts = (platform: string, resource_hosts: readonly string[], as = service().asAdmin()) =>
    service().send("PATCH", `/v1/platforms/${platform}`, { resource_hosts }, as);
  const register = (platform: string, body: object, as = service().asPlatform(platform)) =>
    service().send("POST", path(platform), body, as);
  const remove = (platform: string, id: string, as = service().asPlatform(platform)) =>
    service().request(path(platform, id), { method: "DELETE", headers: as });
  const registered = async (platform: string, resource: string) => {
    const answer = await register(platform, { resource, name: "One" });
    expect(answer.status, answer.text).toBe(201);
    return answer.json<Registered & Record<string, unknown>>();
  };
  const uris = async (platform: string) =>
    (await service().get(path(platform), service().asAdmin()))
      .json<{ items: readonly Registered[] }>()
      .items.map(({ resource }) => resource);

  test("one is registered under its canonical URI, listed, changed and removed, each on record", async () => {
    const made = await register("shop", { ...FILES, resource: "HTTPS://MCP.Example.com:443/mcp" });
    expect(made.status).toBe(201);
    const one = made.json<Registered>();
    expect(one).toMatchObject({ ...FILES, platform: "shop" });
    expect(await uris("shop")).toContain(FILES.resource);

    const put = { resource: FILES.resource, name: "Other" };
    const changed = await service().send("PUT", path("shop", one.id), put, asShop());
    const bare = { ...put, scopes: [], caveats: [], accept_unbound: false };
    expect(changed.json()).toEqual({ ...bare, id: one.id, platform: "shop", created_at: expect.any(String) });

    expect((await remove("shop", one.id)).status).toBe(204);
    expect((await remove("shop", one.id)).status).toBe(404);
    expect(await uris("shop")).not.toContain(FILES.resource);
    const audit = await service().get("/v1/audit?platform=shop&limit=3", asShop());
    const events = audit.json<{ items: readonly { action: string; details: object }[] }>().items;
    expect(events.map(({ action }) => action)).toEqual([
      "resource.removed",
      "resource.changed",
      "resource.registered",
    ]);
    expect(events[2]?.details).toEqual({
      resource_id: one.id,
      resource: FILES.resource,
      scopes: ["files:read"],
      max_ttl: 600,
      accept_unbound: true,
    });
  });

  test("a URI is one platform's, however it is spelled, and free again once it is removed", async () => {
    const { id } = await registered("shop", "https://mcp.example.com/one");
    for (const resource of ["https://mcp.example.com/one", "https://MCP.example.com:443/one"]) {
      for (const platform of ["shop", "bank"]) {
        const answer = await register(platform, { resource, name: "Mine" });
        expect(answer.json()).toMatchObject({ status: 409, code: "conflict", member: "resource" });
      }
    }
    expect((await remove("shop", id)).status).toBe(204);
    await registered("bank", "https://mcp.example.com/one");
  });

  test("of platforms that race for a URI one gets it, and the others 409", async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, n) =>
        register(n % 2 === 0 ? "shop" : "bank", { resource: "https://mcp.example.com/raced", name: "R" }),
      ),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([201, 409, 409, 409, 409, 409, 409, 409]);
  });

  describe("hosts", () => {
    test.each([
      "https://bank.example/mcp",
      "https://acme.example/mcp",
      "https://a.b.acme.example/mcp",
      "https://evilacme.example/mcp",
      "https://mcp.example.com.evil.example/mcp",
      "http://localhost/mcp",
    ])("shop was not given that of %s", async (resource) => {
      const answer = await register("shop", { resource, name: "Taken" });
      expect(answer.json()).toMatchObject({ status: 422, code: "unprocessable", member: "resource" });
      // An administrator registers under no other hosts either.
      const asAdmin = await register("shop", { resource, name: "Taken" }, service().asAdmin());
      expect(asAdmin.status).toBe(422);
    });

    test("what another registered under its own host looks no different from what nobody did", async () => {
      await registered("bank", "https://bank.example/there");
      const ask = (end: string) => register("shop", { resource: `https://bank.example/${end}`, name: "X" });
      expect((await ask("there")).json()).toEqual((await ask("not-there")).json());
    });

    test("are an administrator's to give, and checked", async () => {
      expect((await hosts("shop", ["evil.example"], asShop())).status).toBe(403);
      expect((await hosts("shop", [], service().asHuman("mallory"))).status).toBe(403);
      expect((await hosts("nowhere", [])).status).toBe(404);
      expect((await hosts("bakehouse", [])).status).toBe(404);
      for (const host of ["*", "*.example", "UPPER.example", "a.example:443", "https://a.example"]) {
        const answer = await hosts("shop", ["mcp.example.com", host]);
        expect(answer.json(), host).toMatchObject({ status: 400, member: "resource_hosts[1]" });
      }
      const twice = await hosts("shop", ["a.example", "a.example"]);
      expect(twice.json()).toMatchObject({ status: 400, member: "resource_hosts[1]" });
      const list = await service().get("/v1/platforms", service().asAdmin());
      expect(list.json<{ items: object[] }>().items).toContainEqual(
        expect.objectContaining({ name: "shop", resource_hosts: ["mcp.example.com", "*.acme.example"] }),
      );
    });

    test("one that a resource stands under is not taken away", async () => {
      await service().createPlatform("mover");
      await hosts("mover", ["*.moving.example", "gone.example"]);
      const { id } = await registered("mover", "https://a.moving.example/mcp");
      const kept = await hosts("mover", ["b.moving.example"]);
      expect(kept.json()).toMatchObject({ status: 409, code: "conflict", member: "resource_hosts" });
      expect((await hosts("mover", ["a.moving.example"])).status).toBe(200);
      await remove("mover", id);
      expect((await hosts("mover", [])).status).toBe(200);
    });

    test("taken away while a resource is registered: one of the two, never both", async () => {
      await service().createPlatform("contested");
      for (let round = 0; round < 4; round++) {
        await hosts("contested", ["contested.example"]);
        const resource = `https://contested.example/${round}`;
        const [made, taken] = await Promise.all([
          register("contested", { resource, name: "C" }),
          hosts("contested", []),
        ]);
        expect([
          [201, 409],
          [422, 200],
        ]).toContainEqual([made?.status, taken?.status]);
        if (made?.status === 201) await remove("contested", made.json<Registered>().id);
      }
    });
  });

  test("one keeps its URI", async () => {
    const { id, resource } = await registered("shop", "https://files.acme.example/kept");
    const put = (uri: string) =>
      service().send("PUT", path("shop", id), { resource: uri, name: "Moved" }, asShop());
    const moved = await put("https://files.acme.example/other");
    expect(moved.json()).toMatchObject({ status: 422, member: "resource" });
    expect((await put("HTTPS://files.acme.example:443/kept")).json()).toMatchObject({ id, resource });
  });

  test.each([
    [{ ...FILES, resource: "https://mcp.example.com/a#b" }, 400, "resource"],
    [{ ...FILES, resource: "mcp.example.com" }, 400, "resource"],
    [{ ...FILES, resource: "https://a@mcp.example.com/" }, 400, "resource"],
    [{ ...FILES, scopes: [{ scope: "two words", description: "x" }] }, 400, "scopes[0].scope"],
    [{ ...FILES, scopes: [{ scope: 'a"b', description: "x" }] }, 400, "scopes[0].scope"],
    [{ ...FILES, scopes: [...FILES.scopes, ...FILES.scopes] }, 400, "scopes[1].scope"],
    [{ ...FILES, scopes: [{ scope: "a", description: "two\nlines" }] }, 400, "scopes[0].description"],
    [{ ...FILES, caveats: ["no caveat"] }, 400, "caveats[0]"],
    [{ ...FILES, caveats: ["approval = x"] }, 422, "caveats[0]"],
    [{ ...FILES, max_ttl: 0 }, 400, "max_ttl"],
    [{ ...FILES, max_ttl: 90 * 86_400 + 1 }, 400, "max_ttl"],
    [{ ...FILES, name: "" }, 400, "name"],
    [{ ...FILES, owner: "me" }, 400, "owner"],
  ] as const)("%#: a body with a fault is refused", async (body, status, member) => {
    expect((await register("shop", body)).json()).toMatchObject({ status, member });
  });

  test("those of one platform are invisible to every other, and cannot be touched", async () => {
    const { id } = await registered("bank", "https://bank.example/private");
    const unknown = "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7082";
    const body = { resource: "https://bank.example/private", name: "Mine now" };
    const answers = async (platform: string, at: string) => {
      const asked = [
        await service().get(path(platform), asShop()),
        await register(platform, body, asShop()),
        await service().send("PUT", path(platform, at), body, asShop()),
        await remove(platform, at, asShop()),
      ];
      return asked.map((answer) => answer.text.replace(/"request_id":"[^"]*"/, ""));
    };
    expect(await answers("bank", id)).toEqual(await answers("nowhere", unknown));
    // Under the own name, the id of another's is as unknown as one that never was.
    for (const at of [id, unknown]) {
      const put = await service().send("PUT", path("shop", at), body, asShop());
      expect(put.json()).toMatchObject({ status: 404, detail: "no such resource" });
      expect((await remove("shop", at)).json()).toMatchObject({ status: 404 });
    }
    expect((await service().get(path("shop"), asShop())).text).not.toContain("private");
    expect((await service().get(path("bank"), asBank())).text).toContain("private");
  });

  test("a credential needs the action resources", async () => {
    const token = asShop()["authorization"]?.replace(/^Bearer /, "") ?? "";
    const narrowed = (caveat: string) => bearer(narrow(token, caveat));
    expect((await service().get(path("shop"), narrowed("action in verify, platforms, policy"))).status).toBe(
      403,
    );
    expect((await service().get(path("shop"), narrowed("action = resources"))).status).toBe(200);
    const other = await service().get("/v1/keys", narrowed("action = resources"));
    expect(other.status).toBe(403);
  });

  test("pages meet", async () => {
    await service().createPlatform("many");
    await hosts("many", ["many.example"]);
    for (const end of ["a", "b", "c"]) await registered("many", `https://many.example/${end}`);
    const seen: string[] = [];
    for (let cursor: string | null = null; ; ) {
      const at = cursor === null ? "" : `&cursor=${cursor}`;
      const page: { items: readonly Registered[]; next_cursor: string | null } = (
        await service().get(`${path("many")}?limit=2${at}`, service().asPlatform("many"))
      ).json();
      seen.push(...page.items.map(({ resource }) => resource));
      cursor = page.next_cursor;
      if (cursor === null) break;
    }
    expect(seen).toEqual(["a", "b", "c"].map((end) => `https://many.example/${end}`));
  });
});
