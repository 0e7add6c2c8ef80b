import { beforeAll, describe, expect, test } from "vitest";

import { describeService, type Issued, type Problem, type Revoked } from "../support/service.ts";
import { linkOf, narrow } from "../support/service-macaroons.ts";

interface Page<T = Readonly<Record<string, unknown>>> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
}
type Token = Omit<Issued, "token"> & { readonly status: string; readonly label?: string };

describeService("lists", (service) => {
  const get = (path: string, headers = service().asAdmin()) => service().get(path, headers);
  const page = async <T>(path: string, headers = service().asAdmin()): Promise<Page<T>> => {
    const answer = await get(path, headers);
    expect(answer.status, answer.text).toBe(200);
    return answer.json<Page<T>>();
  };

  /** All pages of a list, `limit` items each. */
  async function pages<T>(path: string, limit: number, headers = service().asAdmin()) {
    const found: (readonly T[])[] = [];
    let cursor: string | null = null;
    do {
      const next: Page<T> = await page<T>(
        `${path}${path.includes("?") ? "&" : "?"}limit=${limit}${cursor === null ? "" : `&cursor=${cursor}`}`,
        headers,
      );
      found.push(next.items);
      cursor = next.next_cursor;
    } while (cursor !== null && found.length < 50);
    return found;
  }

  test("with nothing in them are empty, on one page", async () => {
    await service().createPlatform("empty");
    const asEmpty = service().asPlatform("empty");
    expect(await page("/v1/tokens", asEmpty)).toEqual({ items: [], next_cursor: null });
    expect(await page("/v1/tokens", service().asHuman("newcomer"))).toEqual({ items: [], next_cursor: null });
    const log = await page<object>("/v1/revocations", asEmpty);
    expect(log).toMatchObject({ items: [], next_cursor: null, sequence: expect.any(String) });
  });

  describe("in pages", () => {
    const issued: Issued[] = [];
    beforeAll(async () => {
      issued.length = 0;
      await service().createPlatform("paged");
      for (let index = 0; index < 6; index++) {
        issued.push(await service().issue({ platform: "paged", label: `number ${index}` }, "pat"));
        await service().issue({ platform: "default" }, "somebody else");
      }
    });

    test.each([1, 2, 4, 5, 6, 7, 1_000])("of %i: everything once, newest first", async (limit) => {
      const found = await pages<Token>("/v1/tokens", limit, service().asPlatform("paged"));
      const labels = found.flat().map(({ label }) => label);
      expect(labels).toEqual([5, 4, 3, 2, 1, 0].map((index) => `number ${index}`));
      expect(found.slice(0, -1).every(({ length }) => length === limit)).toBe(true);
      expect(found.at(-1)).not.toEqual([]);
    });

    test("what is issued while somebody turns pages does not shift them", async () => {
      const first = await page<Token>("/v1/tokens?limit=3", service().asPlatform("paged"));
      await service().issue({ platform: "paged", label: "meanwhile" }, "pat");
      const second = await page<Token>(
        `/v1/tokens?limit=3&cursor=${first.next_cursor}`,
        service().asPlatform("paged"),
      );
      const labels = [...first.items, ...second.items].map(({ label }) => label);
      expect(labels).toEqual([5, 4, 3, 2, 1, 0].map((index) => `number ${index}`));
    });

    test("a person has theirs of all platforms, an administrator those of a platform", async () => {
      const own = await service().issue({}, "pat");
      const listed = (await pages<Token>("/v1/tokens", 3, service().asHuman("pat"))).flat();
      expect(listed.map(({ token_id }) => token_id)).toContain(own.token_id);
      expect(new Set(listed.map(({ principal }) => principal.subject))).toEqual(new Set(["pat"]));
      const narrowed = await page<Token>("/v1/tokens?platform=default", service().asHuman("pat"));
      expect(narrowed.items.map(({ token_id }) => token_id)).toEqual([own.token_id]);
      const asRoot = service().asHuman({ subject: "root", groups: ["admins"] });
      const all = await page<Token>("/v1/tokens?platform=paged", asRoot);
      expect(all.items.length).toBeGreaterThanOrEqual(6);
      expect((await page<Token>("/v1/tokens", asRoot)).items).toEqual([]);
    });

    test("a cursor is good for its own list and caller's view only", async () => {
      const { next_cursor } = await page<Token>("/v1/tokens?limit=2", service().asPlatform("paged"));
      for (const path of ["/v1/keys", "/v1/platforms"]) {
        expect((await get(`${path}?cursor=${next_cursor}`)).json<Problem>()).toMatchObject({
          status: 400,
          member: "cursor",
        });
      }
      // Another platform gets its own tokens from there on and none of this one's.
      const foreign = await page<Token>(`/v1/tokens?cursor=${next_cursor}`, service().asPlatform("default"));
      expect(new Set(foreign.items.map(({ platform }) => platform))).toEqual(new Set(["default"]));
    });
  });

  test("platforms are listed by name, without the reserved one, over all pages", async () => {
    for (const name of ["alpha", "bakehouse2", "zeta"]) await service().createPlatform(name);
    for (const limit of [1, 2, 3, 100]) {
      const names = (await pages<{ name: string }>("/v1/platforms", limit)).flat().map(({ name }) => name);
      expect(names).toEqual([...names].sort());
      expect(names).toEqual(expect.arrayContaining(["alpha", "bakehouse2", "default", "zeta"]));
      expect(names).not.toContain("bakehouse");
      expect(new Set(names).size).toBe(names.length);
    }
  });

  test("keys are listed newest first, a platform's own or for an administrator all", async () => {
    await service().createPlatform("keyed");
    await service().send("POST", "/v1/keys/rotate", {}, service().asPlatform("keyed"));
    const own = (await pages<{ state: string }>("/v1/keys", 1, service().asPlatform("keyed"))).flat();
    expect(own.map(({ state }) => state)).toEqual(["pending", "active"]);
    const all = (await pages<{ key_id: string; platform: string }>("/v1/keys", 2)).flat();
    expect(new Set(all.map(({ key_id }) => key_id)).size).toBe(all.length);
    expect(all.map(({ platform }) => platform)).toEqual(
      expect.arrayContaining(["keyed", "default", "bakehouse"]),
    );
  });

  describe("the revocation log", () => {
    test("is read in pages and then from where one stands", async () => {
      await service().createPlatform("logged");
      const asLogged = service().asPlatform("logged");
      const targets = [];
      for (let index = 0; index < 5; index++) {
        targets.push({ token_id: (await service().issue({ platform: "logged" })).token_id });
      }
      await service().revoke(targets, asLogged);
      const read: unknown[] = [];
      let after = "";
      for (let turn = 0; turn < 10; turn++) {
        const answer = await get(`/v1/revocations?limit=2${after}`, asLogged);
        const part = answer.json<Page<Revoked["revocations"][number]> & { sequence: string }>();
        read.push(...part.items.map(({ target }) => target));
        after = `&after=${part.next_cursor ?? part.sequence}`;
        if (part.next_cursor === null) break;
      }
      expect(read).toEqual(targets);
      const later = await service().issue({ platform: "logged" });
      await service().revoke([{ token: later.token }]);
      const news = (await get(`/v1/revocations?limit=2${after}`, asLogged)).json<Page>();
      expect(news.items).toEqual([
        expect.objectContaining({ target: { revocation_id: later.revocation_id }, scope: "link" }),
      ]);
    });

    test.each([
      { after: "anotherepoch-0", status: 410, code: "gone" },
      { after: "anotherepoch-1", status: 410, code: "gone" },
      { after: "x", status: 400, code: "invalid_request" },
      { after: "", status: 400, code: "invalid_request" },
    ])("after $after is $status", async ({ after, status, code }) => {
      const answer = await get(`/v1/revocations?after=${after}`, service().asPlatform());
      expect(answer.json<Problem>()).toMatchObject({ status, code, member: "after" });
    });

    test("a position that the log has not reached is gone, not empty", async () => {
      const { sequence } = (await get("/v1/revocations")).json<{ sequence: string }>();
      const [epoch, hash, number] = sequence.split("-");
      for (const after of [`${epoch}-${Number(number) + 1}`, `${epoch}-${hash}-${Number(number) + 1}`]) {
        const answer = await get(`/v1/revocations?after=${after}`);
        expect(answer.json<Problem>()).toMatchObject({ status: 410, code: "gone" });
      }
    });

    test("a position of another history is gone, and one without a hash, as 0.1.0 gave them out, is read on from", async () => {
      for (let n = 0; n < 2; n += 1) await service().revoke([{ token: (await service().issue()).token }]);
      const { items } = (await get("/v1/revocations")).json<{ items: readonly { sequence: string }[] }>();
      const [before = "", last = ""] = items.slice(-2).map(({ sequence }) => sequence);
      const follows = { items: [{ sequence: last }], next_cursor: null, sequence: last };
      const [epoch, , number] = before.split("-");
      for (const after of [before, `${epoch}-${number}`])
        expect((await get(`/v1/revocations?after=${after}`)).json()).toMatchObject(follows);
      const other = await get(`/v1/revocations?after=${epoch}-${"0".repeat(16)}-${number}`);
      expect(other.json<Problem>()).toMatchObject({ status: 410, code: "gone" });
    });

    test("is not a person's to read", async () => {
      expect((await get("/v1/revocations", service().asHuman("alice"))).status).toBe(403);
    });
  });

  test.each([
    { query: "limit=0", member: "limit" },
    { query: "limit=1001", member: "limit" },
    { query: "limit=01", member: "limit" },
    { query: "limit=1.5", member: "limit" },
    { query: "limit=", member: "limit" },
    { query: "limit=1&limit=2", member: "limit" },
    { query: "cursor=", member: "cursor" },
    { query: "cursor=AAAA", member: "cursor" },
    { query: "cursor=%00", member: "cursor" },
    { query: "nonsense=1", member: "nonsense" },
  ])("?$query is refused everywhere", async ({ query, member }) => {
    for (const path of ["/v1/tokens", "/v1/keys", "/v1/platforms"]) {
      expect((await get(`${path}?${query}`)).json<Problem>()).toMatchObject({ status: 400, member });
    }
  });

  describe("a token's status", () => {
    const statusOf = async (token_id: string) => {
      const record = (await get(`/v1/tokens/${token_id}`, service().asPlatform())).json<Token>();
      const { items } = await page<Token>("/v1/tokens?limit=1000", service().asPlatform());
      expect(items.find((item) => item.token_id === token_id)?.status).toBe(record.status);
      return record.status;
    };

    test("is active, and revoked once its tree or an issued link of it is", async () => {
      const issued = await service().issue();
      expect(await statusOf(issued.token_id)).toBe("active");
      await service().revoke(
        [{ revocation_id: linkOf(narrow(issued.token, "agent = a")) }],
        service().asPlatform(),
      );
      expect(await statusOf(issued.token_id)).toBe("active");
      await service().revoke([{ token_id: issued.token_id }], service().asPlatform());
      expect(await statusOf(issued.token_id)).toBe("revoked");
      const other = await service().issue();
      await service().revoke([{ token: other.token }]);
      expect(await statusOf(other.token_id)).toBe("revoked");
    });

    test.each([0, 1, 2])("is revoked whichever of its issued links is: %i", async (index) => {
      const issued = await service().issue({ caveats: ["action = read"] });
      const answer = await service().verify(issued.token, { action: "read" });
      if (!answer.allowed) throw new Error(answer.code);
      await service().revoke([{ revocation_id: answer.revocation_ids[index] }], service().asPlatform());
      expect(await service().verify(issued.token, { action: "read" })).toMatchObject({ code: "revoked" });
      expect(await statusOf(issued.token_id)).toBe("revoked");
    });

    test("is revoked where an agent is that the issuer named in it", async () => {
      const issued = await service().issue({ caveats: ["agent = crawler#7"] });
      await service().revoke([{ agent: "crawler" }], service().asPlatform());
      expect(await service().verify(issued.token)).toMatchObject({ code: "revoked" });
      expect(await statusOf(issued.token_id)).toBe("revoked");
    });

    test("is not another platform's to see, nor another person's", async () => {
      const { token_id } = await service().issue({}, "alice");
      expect((await get(`/v1/tokens/${token_id}`, service().asHuman("alice"))).status).toBe(200);
      expect((await get(`/v1/tokens/${token_id}`, service().asHuman("mallory"))).status).toBe(404);
      expect((await get(`/v1/tokens/${token_id}`)).status).toBe(200);
    });

    test.each(["x", "019A8B3C-5D7E-7F10-8A2B-3C4D5E6F7081", "019a8b3c-5d7e-4f10-8a2b-3c4d5e6f7081", "%00"])(
      "an id that is none: %s",
      async (id) => {
        expect((await get(`/v1/tokens/${id}`)).json<Problem>()).toMatchObject({ status: 404 });
      },
    );
  });
});
