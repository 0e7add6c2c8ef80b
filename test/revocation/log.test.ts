import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";

import { beforeAll, expect, test } from "vitest";

import { fenceRestored } from "../../src/domain/revoke/restore-fence.ts";
import { systemRandomness } from "../../src/run/system.ts";
import { describeService, type Issued, type Revoked } from "../support/service.ts";
import { linkOf } from "../support/service-macaroons.ts";
import { until } from "../support/until.ts";

interface Page {
  readonly items: Revoked["revocations"];
  readonly next_cursor: string | null;
  readonly sequence: string;
  readonly hash_key?: string;
}

/** As DESIGN §4 has it: the hash of an agent that somebody else named. */
function hashOf({ hash_key = "" }: Page, agent: string): string {
  const hmac = createHmac("sha256", Buffer.from(hash_key, "base64url")).update(agent);
  return hmac.digest().subarray(0, 16).toString("base64url");
}

/** Before every token of these tests, and not before the oldest that could live. */
const LONG_AGO = new Date(Date.now() - 60 * 86_400_000).toISOString();

describeService("reading the revocation log", (service) => {
  const read = async (query = "", headers = service().asPlatform()) =>
    service().get(`/v1/revocations${query}`, headers);
  const page = async (query = "", headers = service().asPlatform()) =>
    (await read(query, headers)).json<Page>();

  beforeAll(async () => {
    await service().createPlatform("other");
  });

  test("pages through it, in order, once each, and goes on where it ended", async () => {
    const { sequence: start } = await page("?limit=1000");
    const tokens: Issued[] = [];
    for (let n = 0; n < 7; n++) tokens.push(await service().issue());
    for (const { token_id } of tokens) await service().revoke([{ token_id }], service().asPlatform());
    const seen: string[] = [];
    let at = start;
    for (let pages = 1; ; pages++) {
      const { items, next_cursor, sequence } = await page(`?after=${at}&limit=3`);
      seen.push(...items.map(({ target }) => ("token_id" in target ? String(target.token_id) : "")));
      at = next_cursor ?? sequence;
      if (next_cursor !== null) continue;
      expect(pages).toBe(3);
      break;
    }
    expect(seen).toEqual(tokens.map(({ token_id }) => token_id));
    expect(await page(`?after=${at}`)).toMatchObject({ items: [], next_cursor: null, sequence: at });
  });

  test("a platform sees its own entries and what can match its tokens, and no word of anything else", async () => {
    const [mine, yours] = [
      await service().issue({}, "sees-alice"),
      await service().issue({ platform: "other" }, "sees-bob"),
    ];
    const { sequence } = await page("?limit=1000");
    const keys = await service().get("/v1/keys?platform=other", service().asAdmin());
    const [key] = keys.json<{ items: { key_id: string }[] }>().items;
    const past = { issued_before: LONG_AGO };
    const admin = service().asAdmin();
    await service().revoke(
      [
        { token_id: mine.token_id },
        { token_id: yours.token_id },
        { principal: { subject: "sees-alice" } },
        { principal: { subject: "sees-bob" } },
        // About tokens from before she came here: nothing here can match it, and a platform that names her reads no past.
        { principal: { subject: "sees-alice" }, ...past },
        { principal: { id: mine.principal.id }, ...past },
        { principal: { id: yours.principal.id }, ...past },
        { agent: "everywhere", ...past },
        { agent: "there", token_id: yours.token_id, ...past },
        { platform: "default", ...past },
        { platform: "other", ...past },
        { key_id: key?.key_id },
      ],
      admin,
    );
    await service().revoke([{ revocation_id: linkOf(mine.token) }], service().asHuman("sees-alice"));
    await service().revoke([{ revocation_id: linkOf(yours.token) }], service().asHuman("sees-bob"));
    await service().revoke([{ agent: "mine" }], service().asPlatform());
    await service().revoke([{ agent: "yours" }], service().asPlatform("other"));

    const seen = await page(`?after=${sequence}&limit=1000`);
    const { items } = seen;
    expect(items.map(({ target }) => target)).toEqual([
      { token_id: mine.token_id },
      expect.objectContaining({ principal: { id: mine.principal.id } }),
      expect.objectContaining({ principal: { id: mine.principal.id } }),
      { opaque: { agent_hash: hashOf(seen, "everywhere"), issued_before: expect.any(String) } },
      expect.objectContaining({ platform: "default" }),
      { revocation_id: linkOf(mine.token) },
      expect.objectContaining({ agent: "mine" }),
    ]);
    const all = await page(`?after=${sequence}&limit=1000`, admin);
    expect(all.items).toHaveLength(16);
    expect(all.hash_key).toBeUndefined();

    const theirs = await page(`?after=${sequence}&limit=1000`, service().asPlatform("other"));
    expect(theirs.hash_key).not.toBe(seen.hash_key);
    const opaque = theirs.items.filter(({ target }) => "opaque" in target).map(({ target }) => target);
    expect(opaque).toEqual([
      { opaque: { agent_hash: hashOf(theirs, "everywhere"), issued_before: expect.any(String) } },
      {
        opaque: {
          agent_hash: hashOf(theirs, "there"),
          issued_before: expect.any(String),
          token_id: yours.token_id,
        },
      },
    ]);
  });

  test("of a person whom others revoked a platform is told the ids there, and of its own entries what it wrote", async () => {
    const vouched = await service().issue({}, "two-ids");
    const asserted = await service().send(
      "POST",
      "/v1/tokens",
      { platform: "default", on_behalf_of: { subject: "two-ids" } },
      service().asPlatform(),
    );
    const { sequence } = await page("?limit=1000");
    const target = { principal: { subject: "two-ids" } };
    await service().revoke([target], service().asAdmin());
    await service().revoke([target], service().asPlatform());
    const { items } = await page(`?after=${sequence}&limit=1000`);
    expect(items.map((item) => (item.target as { principal: { id?: string } }).principal.id).sort()).toEqual(
      [vouched.principal.id, asserted.json<Issued>().principal.id, undefined].sort(),
    );
    expect(items.at(-1)?.target).toMatchObject({ principal: { subject: "two-ids" } });
    // Of one entry both ids come in one page, however small: a reader that goes on has seen them.
    const first = await page(`?after=${sequence}&limit=1`);
    expect(first.items).toHaveLength(2);
    const rest = await page(`?after=${first.next_cursor}&limit=1000`);
    expect(rest.items).toHaveLength(1);
  });

  test("a platform's key of agents' names is not made of what everybody is told", async () => {
    const { sequence, hash_key } = await page("?limit=1");
    const [epoch = ""] = sequence.split("-");
    const made = createHmac("sha256", epoch).update("bakehouse agent names v1\0").update("default").digest();
    expect(hash_key).toBeDefined();
    expect(hash_key).not.toBe(made.toString("base64url"));
    const replica = service().replica();
    await replica.start();
    const elsewhere = await replica.get("/v1/revocations?limit=1", service().asPlatform());
    expect(elsewhere.json<Page>().hash_key).toBe(hash_key);
  });

  test("a platform reads no reason that an administrator or a person wrote", async () => {
    await service().issue({}, "zoe");
    await service().issue({ platform: "other" }, "zoe");
    const { sequence } = await page("?limit=1000");
    const revoke = async (headers: Readonly<Record<string, string>>, agent: string) => {
      const body = { targets: [{ agent }], reason: `why ${agent}` };
      expect((await service().send("POST", "/v1/revocations", body, headers)).status).toBe(200);
    };
    await revoke(service().asHuman("zoe"), "by-zoe");
    await revoke(service().asAdmin(), "by-admin");
    await revoke(service().asPlatform(), "by-default");
    await revoke(service().asPlatform("other"), "by-other");
    const reasonsOf = async (headers: Readonly<Record<string, string>>) =>
      (await page(`?after=${sequence}&limit=1000`, headers)).items.map(({ reason }) => reason);
    expect(await reasonsOf(service().asPlatform())).toEqual([undefined, undefined, "why by-default"]);
    expect(await reasonsOf(service().asPlatform("other"))).toEqual([undefined, undefined, "why by-other"]);
    expect(await reasonsOf(service().asAdmin())).toEqual(
      ["by-zoe", "by-admin", "by-default", "by-other"].map((agent) => `why ${agent}`),
    );
  });

  test("is not for people and holders", async () => {
    expect((await read("", service().asHuman("alice"))).status).toBe(403);
    expect((await read("", {})).status).toBe(401);
  });

  test("says that it is gone where what followed is not kept any more", async () => {
    const first = await service().revoke([{ agent: "kept" }], service().asPlatform());
    const life = {
      agent: "dropped",
      issued_before: new Date((await service().database.store.now()) - 89 * 86_400_000).toISOString(),
    };
    const [before] = first.revocations;
    await service().revoke([life], service().asPlatform());
    expect((await read(`?after=${before?.sequence}`)).status).toBe(200);
    // All that was kept until here is dropped, and then the log goes on.
    const end = await service().database.store.now();
    await service().database.store.revocations.dropBefore(end + 100 * 86_400_000);
    const answer = await read(`?after=${before?.sequence}`);
    expect([answer.status, answer.json<{ code: string }>().code]).toEqual([410, "gone"]);
    const { sequence } = await page();
    expect((await read(`?after=${sequence}`)).status).toBe(200);
    await service().revoke([{ agent: "next" }], service().asPlatform());
    expect((await page(`?after=${sequence}`)).items).toHaveLength(1);
  });

  test.each(["x", "abc-1", "-1", "0-0", `${"a".repeat(64)}-999`])("refuses %s", async (after) => {
    expect([400, 410]).toContain((await read(`?after=${after}`)).status);
  });

  test("a fence begins another epoch: readers start over, min_sequence is 503, and what was issued before is dead", async () => {
    const { token } = await service().issue();
    const other = await service().issue({ platform: "other" });
    const { sequence } = await page("?limit=1000");
    const fenced = await fenceRestored(
      { store: service().database.store, randomness: systemRandomness },
      undefined,
    );
    expect(fenced.platforms).toEqual(["bakehouse", "default", "other"]);
    await until(() => service().knowledge.position().epoch === fenced.epoch);
    await service().fresh();

    // Credentials among it, so that a new one is needed first.
    expect((await read()).status).toBe(401);
    await service().bootstrap.run(true);
    const fresh = {
      authorization: `Bearer ${readFileSync(`${service().folder}/default.token`, "utf8").trim()}`,
    };
    expect((await read(`?after=${sequence}`, fresh)).json()).toMatchObject({ status: 410, code: "gone" });
    const verify = (body: object) => service().send("POST", "/v1/verify", body, fresh);
    expect((await verify({ token, context: {}, min_sequence: sequence })).status).toBe(503);
    expect((await verify({ token, context: {} })).json()).toMatchObject({ allowed: false, code: "revoked" });
    const next = await service().issue();
    expect((await verify({ token: next.token, context: {} })).json()).toMatchObject({ allowed: true });
    const { items } = await page("?limit=1000", fresh);
    expect(items.at(-1)).toMatchObject({ target: { platform: "default" }, scope: "all" });
    expect(JSON.stringify(items)).not.toContain(other.token_id);
  });
});
