import { describe, expect, test } from "vitest";

import { encodeBundle } from "../../src/macaroon/index.ts";
import { describeService, type Issued, type Policy, type Problem } from "../support/service.ts";
import {
  bound,
  bundle,
  createThirdParty,
  linkOf,
  narrow,
  opened,
  tickets,
} from "../support/service-macaroons.ts";
import { OTHER_ISSUER, OWN_ISSUER, type TestHuman } from "../support/service-people.ts";

const NOT_ADMITTED = {
  status: 403,
  code: "forbidden",
  member: "platform",
  detail: "no platform of this name issues tokens to this principal",
};

interface Refusal {
  readonly caveats: readonly string[];
  readonly member: string;
  readonly detail: string;
  readonly status?: number;
}

describeService("issuing", (service) => {
  const send = (body: object, headers: Readonly<Record<string, string>>) =>
    service().send("POST", "/v1/tokens", body, headers);

  let platforms = 0;
  /** A platform of its own for each test, with this policy. */
  async function platformWith(policy: Policy): Promise<string> {
    const name = `issue-${++platforms}`;
    await service().createPlatform(name, policy);
    return name;
  }

  describe("policy", () => {
    const RULES: Policy = {
      rules: [
        { subjects: ["mallory"], max_ttl: 1, caveats: ["action = nothing"] },
        { groups: ["engineering", "support"], max_ttl: 86_400, caveats: ["action in read, list"] },
        { subjects: ["carol"], max_ttl: 7200 },
        { issuer: OTHER_ISSUER, subjects: ["dave"], max_ttl: 600, caveats: ["partner = yes"] },
        { subjects: ["erin"], max_ttl: 60, on_behalf_of: true, caveats: ["asserted = yes"] },
      ],
    };
    const ttlOf = ({ issued_at, expires_at }: Issued) =>
      (Date.parse(expires_at) - Date.parse(issued_at)) / 1000;

    const PEOPLE: readonly {
      readonly human: TestHuman;
      readonly rule: { readonly caveats: readonly string[]; readonly ttl: number } | undefined;
    }[] = [
      { human: { subject: "alice" }, rule: undefined },
      { human: { subject: "alice", groups: [] }, rule: undefined },
      { human: { subject: "alice", groups: ["sales"] }, rule: undefined },
      { human: { subject: "engineering" }, rule: undefined },
      {
        human: { subject: "alice", groups: ["sales", "support"] },
        rule: { caveats: ["action in read, list"], ttl: 3600 },
      },
      { human: { subject: "alice", groups: ["engineering"], issuer: OTHER_ISSUER }, rule: undefined },
      { human: { subject: "carol" }, rule: { caveats: [], ttl: 3600 } },
      { human: { subject: "Carol" }, rule: undefined },
      { human: { subject: "carol", issuer: OTHER_ISSUER }, rule: undefined },
      { human: { subject: "dave", issuer: OTHER_ISSUER }, rule: { caveats: ["partner = yes"], ttl: 600 } },
      { human: { subject: "dave" }, rule: undefined },
      // The first rule that matches decides, not the kindest.
      {
        human: { subject: "mallory", groups: ["engineering"] },
        rule: { caveats: ["action = nothing"], ttl: 1 },
      },
      {
        human: { subject: "carol", groups: ["support"] },
        rule: { caveats: ["action in read, list"], ttl: 3600 },
      },
      { human: { subject: "erin" }, rule: { caveats: ["asserted = yes"], ttl: 60 } },
    ];

    test("decides for whom, with what and for how long", async () => {
      const platform = await platformWith(RULES);
      for (const { human, rule } of PEOPLE) {
        const answer = await send({ platform }, service().asHuman(human));
        if (rule === undefined) {
          expect(answer.json<Problem>(), JSON.stringify(human)).toMatchObject(NOT_ADMITTED);
          continue;
        }
        const issued = answer.json<Issued>();
        expect(issued.caveats.slice(1), JSON.stringify(human)).toEqual(rule.caveats);
        expect(ttlOf(issued)).toBe(rule.ttl);
      }
    });

    test.each([
      { subject: "erin", issuer: undefined, admitted: true },
      { subject: "erin", issuer: OWN_ISSUER, admitted: true },
      { subject: "erin", issuer: OTHER_ISSUER, admitted: false },
      { subject: "carol", issuer: undefined, admitted: false }, // no rule lets the platform speak for her
      { subject: "dave", issuer: OTHER_ISSUER, admitted: false },
    ])("a platform's word for $subject of $issuer: $admitted", async ({ subject, issuer, admitted }) => {
      const platform = await platformWith(RULES);
      const onBehalfOf = issuer === undefined ? { subject } : { subject, issuer };
      const answer = await send({ platform, on_behalf_of: onBehalfOf }, service().asPlatform(platform));
      if (!admitted) {
        expect(answer.json<Problem>()).toMatchObject(NOT_ADMITTED);
        return;
      }
      expect(answer.json<Issued>()).toMatchObject({
        caveats: [expect.any(String), "asserted = yes"],
        principal: { subject, issuer: OWN_ISSUER, asserted_by: "platform" },
      });
    });

    test("a new platform admits nobody, and putting a policy changes that at once", async () => {
      const platform = await platformWith({ rules: [] });
      const asAlice = service().asHuman("alice");
      expect((await send({ platform }, asAlice)).json<Problem>()).toMatchObject(NOT_ADMITTED);
      const put = await service().send(
        "PUT",
        `/v1/platforms/${platform}/policy`,
        { rules: [{ max_ttl: 60 }] },
        service().asAdmin(),
      );
      expect(put.status).toBe(200);
      expect((await send({ platform }, asAlice)).status).toBe(201);
    });

    test.each([
      { path: "caveats[1]", status: 400, rules: [{ max_ttl: 1, caveats: ["x = 1", "uses = 1"] }] },
      { path: "caveats[0]", status: 422, rules: [{ max_ttl: 1, caveats: ["approval = x"] }] },
    ])("a policy with a caveat that never clears is refused: $path", async ({ path, status, rules }) => {
      const answer = await service().send(
        "PUT",
        "/v1/platforms/default/policy",
        { rules },
        service().asAdmin(),
      );
      expect(answer.json<Problem>()).toMatchObject({ status, member: `rules[0].${path}` });
    });

    test("the reserved platform has no policy that anyone could open", async () => {
      const body = { rules: [{ max_ttl: 60 }] };
      const put = await service().send("PUT", "/v1/platforms/bakehouse/policy", body, service().asAdmin());
      expect(put.status).toBe(404);
      const create = await service().send(
        "POST",
        "/v1/platforms",
        { name: "bakehouse" },
        service().asAdmin(),
      );
      expect(create.status).toBe(409);
      const asAlice = service().asHuman({ subject: "alice", groups: ["admins"] });
      expect((await send({ platform: "bakehouse" }, asAlice)).json<Problem>()).toMatchObject(NOT_ADMITTED);
    });
  });

  describe("who asks for whom", () => {
    test("a person cannot ask for another", async () => {
      const answer = await send(
        { platform: "default", on_behalf_of: { subject: "bob" } },
        service().asHuman("alice"),
      );
      expect(answer.json<Problem>()).toMatchObject({ status: 403, member: "on_behalf_of" });
    });

    test("a person asks for three hundred tokens at once, and no more; nobody else's are fewer for it", async () => {
      const platform = await platformWith({ rules: [{ max_ttl: 60 }] });
      const ask = (subject: string, headers = {}) =>
        send({ platform }, { ...service().asHuman({ subject }), ...headers });
      const kept = { "idempotency-key": "issued-before" };
      const first = await ask("hamster", kept);
      const asked = Array.from({ length: 299 }, () => ask("hamster"));
      expect(new Set((await Promise.all(asked)).map(({ status }) => status))).toEqual(new Set([201]));
      // A few are given back each minute, and the tests' clock may have moved.
      let refused = await ask("hamster");
      for (let more = 0; more < 50 && refused.status === 201; more++) refused = await ask("hamster");
      expect(refused.json<Problem>()).toMatchObject({ status: 429, detail: "too many tokens by one person" });
      expect((await ask("hamster", kept)).json<Issued>().token).toBe(first.json<Issued>().token);
      expect((await ask("another")).status).toBe(201);
    });

    test("a platform says whom it asks for", async () => {
      const answer = await send({ platform: "default" }, service().asPlatform());
      expect(answer.json<Problem>()).toMatchObject({ status: 400, member: "on_behalf_of" });
    });

    test("an administrator's credential is nobody's", async () => {
      expect((await send({ platform: "default" }, service().asAdmin())).status).toBe(403);
    });

    test("the record names the credential that asked, and none where the principal did", async () => {
      const asked = await send(
        { platform: "default", on_behalf_of: { subject: "alice" } },
        service().asPlatform(),
      );
      const { token_id } = asked.json<Issued>();
      const record = (await service().get(`/v1/tokens/${token_id}`, service().asPlatform())).json();
      expect(record["issued_by"]).toMatch(/^[0-9a-f-]{36}$/);
      const own = await service().issue();
      const other = (await service().get(`/v1/tokens/${own.token_id}`, service().asPlatform())).json();
      expect(other).not.toHaveProperty("issued_by");
    });
  });

  describe("the life of a token", () => {
    test.each([
      { ttl: undefined, seconds: 3600 },
      { ttl: 1, seconds: 1 },
      { ttl: 86_400, seconds: 86_400 },
    ])("ttl $ttl gives $seconds seconds", async ({ ttl, seconds }) => {
      const issued = await service().issue(ttl === undefined ? {} : { ttl });
      expect(Date.parse(issued.expires_at) - Date.parse(issued.issued_at)).toBe(seconds * 1000);
      expect(issued.caveats[0]).toBe(`time < ${issued.expires_at}`);
    });

    test.each([86_401, 9_007_199_254_740_991])("ttl %i is more than the policy allows", async (ttl) => {
      const answer = await send({ platform: "default", ttl }, service().asHuman("alice"));
      expect(answer.json<Problem>()).toMatchObject({
        status: 422,
        code: "ttl_too_long",
        member: "ttl",
        detail: "at most 86400 seconds are allowed here",
      });
    });

    test.each([0, -1, 1.5, "60", null, 1e21])("ttl %s is none", async (ttl) => {
      const answer = await send({ platform: "default", ttl }, service().asHuman("alice"));
      expect(answer.json<Problem>()).toMatchObject({ status: 400, member: "ttl" });
    });

    test("where it is asked to end sooner by a caveat, it says so", async () => {
      const at = new Date(Date.now() + 60_000).toISOString();
      const issued = await service().issue({ caveats: [`time < ${at}`] });
      expect(issued.expires_at).toBe(at);
      expect(await service().verify(issued.token)).toMatchObject({ expires_at: at });
      const { token_id } = issued;
      const record = await service().get(`/v1/tokens/${token_id}`, service().asPlatform());
      expect(record.json()).toMatchObject({ expires_at: at, status: "active" });
    });

    test("one that has run out is refused and listed as expired", async () => {
      const issued = await service().issue({ ttl: 1 });
      expect(await service().verify(issued.token)).toMatchObject({ allowed: true });
      await service().advance(1_500);
      expect(await service().verify(issued.token)).toMatchObject({ code: "expired" });
      const record = await service().get(`/v1/tokens/${issued.token_id}`, service().asPlatform());
      expect(record.json()).toMatchObject({ status: "expired" });
    });
  });

  describe("caveats", () => {
    test("stand in order: life, policy's, the caller's, third parties'", async () => {
      const third = createThirdParty();
      const platform = await platformWith({ rules: [{ max_ttl: 60, caveats: ["a = 1", "b = 2"] }] });
      const issued = await service().issue({
        platform,
        caveats: ["c = 3", "d = 4"],
        third_party_caveats: [
          { location: third.location, condition: "e", public_key: third.publicKey },
          { location: "https://other.test", condition: "f", public_key: third.publicKey },
        ],
      });
      const listed = [
        `time < ${issued.expires_at}`,
        "a = 1",
        "b = 2",
        "c = 3",
        "d = 4",
        "third-party https://third.test",
        "third-party https://other.test",
      ];
      expect(issued.caveats).toEqual(listed);
      const record = await service().get(`/v1/tokens/${issued.token_id}`, service().asPlatform(platform));
      expect(record.json()).toMatchObject({ caveats: listed, revocation_id: linkOf(issued.token) });
      const [macaroon] = opened(issued.token);
      const identifier = Buffer.from(macaroon.identifier).toString();
      expect(identifier).toMatch(/^bh1\.[\w-]{16}\.[0-9a-f-]{36}\.[\w-]{16}\.7$/);
      expect(identifier).toContain(issued.token_id);
      expect(macaroon.location).toBe("http://127.0.0.1:8080");
    });

    test.each<Refusal>([
      {
        caveats: ["x = 1", "action=read"],
        member: "caveats[1]",
        detail: '"action=read": one space on each side of =: action = read',
      },
      {
        caveats: ["uses = 1"],
        member: "caveats[0]",
        detail: '"uses = 1": uses takes <= and a whole number: uses <= 1',
      },
      ...["approval = x", "bh.discharge = x", "ancestor = AAAAAAAAAAAAAAAAAAAAAA"].map((caveat) => ({
        caveats: [caveat],
        member: "caveats[0]",
        detail: "goes into discharges only",
        status: 422,
      })),
      { caveats: Array(256).fill("x = 1"), member: "caveats", detail: "more than 256 caveats" },
      {
        caveats: Array(16).fill(`x = ${"y".repeat(4000)}`),
        member: "caveats",
        detail: "bundle of more than 65536 bytes",
      },
    ])(
      "are refused while the caller still listens: $member, $detail",
      async ({ caveats, member, detail, status = 400 }) => {
        const answer = await send({ platform: "default", caveats }, service().asHuman("alice"));
        expect(answer.json<Problem>()).toMatchObject({ status, member, detail });
      },
    );

    test("that can never pass together are issued with a warning", async () => {
      const caveats = ["action in read", "action in write"];
      const issued = await service().issue({ caveats });
      expect(issued.warnings).toHaveLength(1);
      expect(issued.warnings?.[0]).toContain("action");
      expect(await service().issue({ caveats: ["action in read"] })).not.toHaveProperty("warnings");
    });

    test("are summed up in sentences, the same ones when the token is looked up", async () => {
      const issued = await service().issue({ caveats: ["action in read, list", "args.amount <= 100"] });
      expect(issued.summary).toMatch(/^Until .*read or list.*100/s);
      const record = await service().get(`/v1/tokens/${issued.token_id}`, service().asPlatform());
      expect(record.json()).toMatchObject({ summary: issued.summary });
    });
  });

  test("a label is kept for people, and is not in the token", async () => {
    const issued = await service().issue({ label: "the nightly crawl" });
    const record = await service().get(`/v1/tokens/${issued.token_id}`, service().asPlatform());
    expect(record.json()).toMatchObject({ label: "the nightly crawl" });
    expect(Buffer.from(issued.token, "base64url").toString("latin1")).not.toContain("crawl");
  });

  test("an email appears where the issuer vouched for it, and never becomes another principal", async () => {
    const without = await service().issue({}, { subject: "gail" });
    const withEmail = await service().issue({}, { subject: "gail", email: "gail@example.com" });
    expect(without.principal).not.toHaveProperty("email");
    expect(withEmail.principal).toEqual({ ...without.principal, email: "gail@example.com" });
  });

  describe("third-party caveats", () => {
    const third = createThirdParty();
    const asked = { location: third.location, condition: "is-member-of staff", public_key: third.publicKey };

    async function root() {
      const { token } = await service().issue({ third_party_caveats: [asked] });
      const [ticket = ""] = tickets(token);
      return { token, ticket };
    }
    const ask = async (token: string, ...discharges: readonly string[]) => {
      const answer = await service().verify(token, { action: "read" }, { discharges });
      return answer.allowed ? "allowed" : answer.code;
    };

    test("without a discharge say where to go with which ticket", async () => {
      const { token, ticket } = await root();
      expect(await service().verify(token)).toMatchObject({
        code: "discharge_missing",
        undischarged: [{ location: third.location, caveat_id: ticket }],
      });
      expect(third.conditionOf(ticket)).toBe("is-member-of staff");
    });

    test("are met by a discharge that is bound, beside the token or behind it", async () => {
      const { token, ticket } = await root();
      const discharge = bound(token, third.discharge(ticket));
      expect(await ask(token, discharge)).toBe("allowed");
      expect(await ask(bundle(token, discharge))).toBe("allowed");
    });

    test.each([
      { what: "unbound", make: (_: string, ticket: string) => third.discharge(ticket) },
      {
        what: "bound to another token",
        make: (token: string, ticket: string) => bound(narrow(token, "x = 1"), third.discharge(ticket)),
      },
      {
        what: "of another third party",
        make: (token: string, ticket: string) => {
          const other = createThirdParty();
          const foreign = tickets(other.require(token, "c")).at(-1) ?? "";
          return bound(token, withIdentifierOf(ticket, other.discharge(foreign)));
        },
      },
    ])("are not met by one that is $what", async ({ make }) => {
      const { token, ticket } = await root();
      expect(await ask(token, make(token, ticket))).toBe("discharge_invalid");
    });

    test("with `ancestor`, an unbound discharge serves that link and what descends from it, nothing else", async () => {
      const { token, ticket } = await root();
      const child = narrow(token, "agent = child");
      const discharge = third.discharge(ticket, `ancestor = ${linkOf(child)}`);
      expect(await ask(child, discharge)).toBe("allowed");
      expect(await ask(narrow(child, "agent = grandchild", "action = read"), discharge)).toBe("allowed");
      expect(await ask(token, discharge)).toBe("caveat_failed");
      expect(await ask(narrow(token, "agent = sibling"), discharge)).toBe("caveat_failed");
    });

    test("a discharge's own caveats count", async () => {
      const { token, ticket } = await root();
      const discharge = (...caveats: string[]) => bound(token, third.discharge(ticket, ...caveats));
      expect(await ask(token, discharge("action = read", "time < 2100-01-01T00:00:00Z"))).toBe("allowed");
      expect(await ask(token, discharge("action = write"))).toBe("caveat_failed");
      expect(await ask(token, discharge("time < 2020-01-01T00:00:00Z"))).toBe("expired");
      expect(await ask(token, discharge("nonsense"))).toBe("caveat_unknown");
    });

    test("a discharge's life bounds the answer's", async () => {
      const { token, ticket } = await root();
      const at = new Date(Date.now() + 30_000).toISOString();
      const discharge = bound(token, third.discharge(ticket, `time < ${at}`));
      expect(await service().verify(token, {}, { discharges: [discharge] })).toMatchObject({
        expires_at: at,
      });
    });

    test("one discharge serves one caveat", async () => {
      const { token, ticket } = await root();
      const discharge = bound(token, third.discharge(ticket));
      expect(await ask(token, discharge, discharge)).toBe("discharge_invalid");
      const leftOver = bound(token, third.discharge(tickets(third.require(token, "c")).at(-1) ?? ""));
      expect(await ask(token, discharge, leftOver)).toBe("discharge_invalid");
    });

    test("a discharge may ask for another one, and must get it", async () => {
      const { token, ticket } = await root();
      const nested = createThirdParty("https://nested.test");
      const outer = nested.require(third.discharge(ticket), "really");
      const [inner = ""] = tickets(outer);
      expect(await ask(token, bound(token, outer))).toBe("discharge_missing");
      expect(await ask(token, bound(token, outer), bound(token, nested.discharge(inner)))).toBe("allowed");
      expect(await ask(token, bound(token, nested.discharge(inner)))).toBe("discharge_invalid");
    });

    test("discharges in a circle serve nobody", async () => {
      const { token, ticket } = await root();
      const again = third.requireAgain(third.discharge(ticket), ticket);
      expect(await ask(token, bound(token, again))).toBe("discharge_invalid");
    });

    test("a discharge is revoked like any link, and its token is refused", async () => {
      const { token, ticket } = await root();
      const discharge = third.discharge(ticket, "agent = approver");
      const presented = bound(token, discharge);
      expect(await ask(token, presented)).toBe("allowed");
      await service().revoke([{ revocation_id: linkOf(discharge) }], service().asPlatform());
      expect(await ask(token, presented)).toBe("revoked");
      expect(await ask(token, bound(token, third.discharge(ticket)))).toBe("allowed");
    });

    test.each([
      { what: "no key", change: { public_key: undefined }, member: "public_key" },
      { what: "a short key", change: { public_key: "AAAA" }, member: "public_key" },
      {
        what: "another's key at the service's own location",
        change: { location: "http://127.0.0.1:8080" },
        member: "public_key",
      },
      {
        what: "a key with spare bits",
        change: { public_key: `${"A".repeat(42)}B` },
        member: "public_key",
      },
      {
        what: "a key of low order, for which everyone knows the secret",
        change: { public_key: "A".repeat(43) },
        member: "public_key",
      },
      {
        what: "a key in both alphabets",
        change: { public_key: `-${"A".repeat(40)}/A` },
        member: "public_key",
      },
      {
        what: "a condition too long for a ticket",
        change: { condition: "c".repeat(4096) },
        member: undefined,
      },
      {
        what: "condition and location too long together",
        change: { condition: "c".repeat(3000), location: `https://${"l".repeat(2000)}` },
        member: undefined,
      },
    ])("with $what are refused: 400 that names the caveat", async ({ change, member }) => {
      const caveats = [asked, { ...asked, ...change }];
      const answer = await send(
        { platform: "default", third_party_caveats: caveats },
        service().asHuman("alice"),
      );
      expect(answer.json<Problem>()).toMatchObject({
        status: 400,
        member: member === undefined ? "third_party_caveats[1]" : `third_party_caveats[1].${member}`,
      });
    });
  });
});

/** A discharge under another ticket, which its key did not sign. */
function withIdentifierOf(ticket: string, discharge: string): string {
  const [macaroon] = opened(discharge);
  return encodeBundle([{ ...macaroon, identifier: new Uint8Array(Buffer.from(ticket, "base64url")) }]);
}
