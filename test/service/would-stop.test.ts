/** A dry run of a revocation: what each kind of target would stop, for whom, and that nothing is stopped by it. */
import { expect, test } from "vitest";

import { describeService, type Issued, type Problem } from "../support/service.ts";
import { linkOf, narrow } from "../support/service-macaroons.ts";

interface Stop {
  readonly tokens: number;
  readonly links: number;
  readonly agents: readonly string[];
  readonly calls_last_hour: number;
  readonly last_seen: string | null;
  readonly complete: boolean;
}

describeService("a dry run of a revocation", (service) => {
  const dry = (targets: readonly object[], headers: Readonly<Record<string, string>> = {}) =>
    service().send("POST", "/v1/revocations", { targets, dry_run: true }, headers);
  const stops = async (target: object, headers = service().asPlatform()) => {
    const answer = await dry([target], headers);
    expect(answer.status, answer.text).toBe(200);
    return answer.json<{ would_stop: Stop }>().would_stop;
  };

  let people = 0;
  /** A tree of a person of its own: two agents of which one has handed on, each with a call. */
  async function family(): Promise<
    Issued & { person: string; researcher: string; scraper: string; name: string }
  > {
    const name = `n${++people}`;
    const person = `person-${name}`;
    const issued = await service().issue({}, person);
    const researcher = narrow(issued.token, `agent = researcher-${name}#1`);
    const scraper = narrow(researcher, `agent = scraper-${name}#1`, "action = read");
    for (const token of [researcher, scraper, scraper]) await service().verify(token, { action: "read" });
    return { ...issued, person, researcher, scraper, name };
  }

  test("counts what each kind of target would stop", async () => {
    const { token_id, name, person, researcher, scraper, principal } = await family();
    const both = {
      tokens: 1,
      links: 2,
      agents: [`researcher-${name}`, `scraper-${name}`],
      calls_last_hour: 3,
    };
    const one = { tokens: 1, links: 1, agents: [`scraper-${name}`], calls_last_hour: 2, complete: true };
    expect(await stops({ revocation_id: linkOf(scraper) })).toMatchObject(one);
    expect(await stops({ revocation_id: linkOf(researcher) })).toMatchObject(both);
    expect(await stops({ token_id })).toMatchObject(both);
    expect(await stops({ principal: { subject: person } })).toMatchObject(both);
    expect(await stops({ principal: { id: principal.id } })).toMatchObject(both);
    expect(await stops({ agent: `scraper-${name}` })).toMatchObject(one);
    expect(await stops({ agent: `scraper-${name}#1`, token_id })).toMatchObject(one);
    expect(await stops({ agent: `scraper-${name}#2` })).toMatchObject({ tokens: 0, links: 0, agents: [] });
    const earlier = new Date(service().clock.now() - 3_600_000).toISOString();
    expect(await stops({ agent: `researcher-${name}`, issued_before: earlier })).toMatchObject({
      tokens: 0,
      links: 0,
    });
    expect((await stops({ platform: "default" })).links).toBeGreaterThanOrEqual(2);
    const keys = await service().get("/v1/keys", service().asPlatform());
    const [key] = keys.json<{ items: readonly { key_id: string }[] }>().items;
    expect((await stops({ key_id: key?.key_id })).links).toBeGreaterThanOrEqual(2);
    expect(await stops({ approval_id: "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081" })).toMatchObject({ links: 0 });
  });

  test("writes nothing, and stops nothing", async () => {
    const { scraper, token_id, token } = await family();
    const before = (await service().get("/v1/revocations", service().asAdmin())).text;
    await stops({ token_id });
    await stops({ token }, {});
    expect(await service().verify(scraper, { action: "read" })).toMatchObject({ allowed: true });
    expect((await service().get("/v1/revocations", service().asAdmin())).text).toBe(before);
  });

  test("by possession tells of that link and below, and of nothing above or beside it", async () => {
    const { researcher, scraper, name } = await family();
    const unseen = narrow(scraper, "agent = unseen");
    expect(await stops({ token: scraper }, {})).toMatchObject({ links: 1, agents: [`scraper-${name}`] });
    expect(await stops({ token: researcher }, {})).toMatchObject({ links: 2 });
    expect(await stops({ token: unseen }, {})).toMatchObject({ tokens: 0, links: 0, last_seen: null });
    const forged = (await dry([{ token: `${scraper.slice(0, -4)}AAAA` }])).json<Problem>();
    expect(forged).toMatchObject({ status: 404, code: "not_found" });
  });

  test("what is dead already is stopped by nothing", async () => {
    const { researcher, scraper, token_id, name } = await family();
    await service().revoke([{ token: scraper }]);
    expect(await stops({ token_id })).toMatchObject({ links: 1, agents: [`researcher-${name}`] });
    await service().revoke([{ token: researcher }]);
    expect(await stops({ token_id })).toMatchObject({ tokens: 1, links: 0, agents: [] });
  });

  test("reaches as far as the entry would: another's tokens are not counted", async () => {
    const { token_id, name, person } = await family();
    await service().createPlatform("stop-elsewhere");
    const foreign = service().asPlatform("stop-elsewhere");
    const nothing = { tokens: 0, links: 0, agents: [], calls_last_hour: 0, last_seen: null };
    expect(await stops({ token_id }, foreign)).toMatchObject(nothing);
    expect(await stops({ agent: `scraper-${name}` }, foreign)).toMatchObject(nothing);
    expect(await stops({ token_id }, service().asHuman("somebody-else"))).toMatchObject(nothing);
    expect(await stops({ token_id }, service().asHuman(person))).toMatchObject({ links: 2 });
    expect(await stops({ agent: `scraper-${name}` }, service().asAdmin())).toMatchObject({ links: 1 });
  });

  test("asks for the rights of the revocation, and takes a hundred targets at most", async () => {
    const { token_id } = await family();
    expect((await dry([{ token_id }])).status).toBe(401);
    const many = Array.from({ length: 101 }, () => ({ token_id }));
    expect((await dry(many, service().asPlatform())).json<Problem>()).toMatchObject({
      status: 422,
      member: "targets",
    });
    const missing = { principal: { id: "nobody-nobody-xy" } };
    expect((await dry([missing], service().asPlatform())).status).toBe(404);
  });
});
