/** The people that were here: approvers by e-mail, their names on pages, their own tokens. */
import { beforeAll, expect, test } from "vitest";

import { describeService } from "../support/service.ts";
import { stubRelyingParty } from "../support/service-login.ts";
import { linkOf, narrow, tickets } from "../support/service-macaroons.ts";

const people = stubRelyingParty();
const LOCATION = "http://127.0.0.1:8080";

interface Issued {
  readonly token: string;
  readonly token_id: string;
  readonly warnings?: readonly string[];
}

describeService(
  "people who were here",
  (service) => {
    const login = (subject: string, email?: string, name?: string) =>
      people.login(service().request, { subject, ...(email && { email }), ...(name && { name }) });
    const issueFor = (condition: string, headers = service().asPlatform(), more: object = {}) =>
      service().send(
        "POST",
        "/v1/tokens",
        {
          platform: "default",
          on_behalf_of: { subject: "bob" },
          third_party_caveats: [{ location: LOCATION, condition }],
          ...more,
        },
        headers,
      );
    const page = (path: string, session: Readonly<Record<string, string>>, form?: Record<string, string>) =>
      service().request(path, {
        headers: { ...session, accept: "text/html" },
        ...(form === undefined ? {} : { method: "POST", body: new URLSearchParams(form) }),
      });
    const ask = async (token: string) => {
      const answer = await service().send("POST", "/v1/discharge", { caveat_id: tickets(token)[0], token });
      return new URL(answer.json<{ user_url: string }>().user_url).pathname;
    };

    beforeAll(async () => {
      await login("248289761001", "alice@example.com", "Alice");
      await login("5001", "shared@example.com");
      await login("5002", "Shared@example.com");
    });

    test("an approver's e-mail becomes the subject that it is when the ticket is written", async () => {
      const answer = await issueFor("life=900 approved-by Alice@Example.com Pay 40 EUR");
      expect(answer.status, answer.text).toBe(201);
      const { token, warnings } = answer.json<Issued>();
      expect(warnings).toBeUndefined();
      // The address is somebody else's by now, and the ticket is not.
      await login("248289761001", "alice.new@example.com");
      const mallory = await login("mallory", "alice@example.com");
      const path = await ask(token);
      expect((await page(path, mallory)).status).toBe(404);
      const alice = await login("248289761001", "alice@example.com", "Alice");
      const shown = await page(path, alice);
      expect(shown.status).toBe(200);
      expect(shown.text).toContain("<b>Alice</b> <small>248289761001</small>");
      const after = await page(path, alice, { decision: "approve" });
      expect(after.status).toBe(303);
      expect((await page(path, alice)).text).toContain(
        "<b>alice@example.com</b> <small>248289761001</small> approved",
      );
      await login("mallory", "mallory@example.com");
    });

    test.each([
      [
        "nobody",
        "approved-by nobody@example.com Pay",
        "no one person who has signed in here has the verified e-mail",
      ],
      [
        "several people",
        "approved-by shared@example.com Pay",
        "no one person who has signed in here has the verified e-mail",
      ],
      [
        "one person twice",
        "approved-by 2 of 248289761001,alice@example.com Pay",
        "more approvals are needed than people named",
      ],
    ])("an e-mail of %s is refused", async (_, condition, detail) => {
      const answer = await issueFor(condition);
      expect(answer.status, answer.text).toBe(422);
      expect(answer.json()).toMatchObject({ member: "third_party_caveats[0].condition" });
      expect(answer.json<{ detail: string }>().detail).toContain(detail);
    });

    test("an address with a letter that lower case makes ASCII is nobody's", async () => {
      await login("6001", "mar\u212Aus@example.com", "Boss <ceo@example.com>");
      const answer = await issueFor("approved-by markus@example.com Pay");
      expect(answer.status, answer.text).toBe(422);
      // Neither the address nor a name with an address in it passes for what was verified.
      const home = await page("/", await login("6001", "mar\u212Aus@example.com", "Boss <ceo@example.com>"));
      expect(home.text).toContain("Signed in as <b>6001</b>");
    });

    test("an approver is told no verified e-mail of a person whom the platform named", async () => {
      await login("carla", "carla.private@example.com");
      const { text } = await issueFor("approved-by bob Pay", undefined, {
        on_behalf_of: { subject: "carla" },
      });
      const path = await ask(JSON.parse(text).token);
      expect((await page(path, await login("bob"))).text).not.toContain("carla.private");
    });

    test("whose an address is, is told to nobody who names it and is asked as well", async () => {
      await login("vera-4711", "vera.secret@example.com");
      const mapper = await login("mapper");
      const answer = await issueFor("approved-by mapper,vera.secret@example.com Pay", mapper, {
        on_behalf_of: undefined,
      });
      expect(answer.status, answer.text).toBe(201);
      await ask(answer.json<Issued>().token);
      const listed = await service().get("/v1/approvals", mapper);
      expect(listed.text).not.toContain("vera-4711");
      expect(listed.json<{ items: object[] }>().items[0]).toMatchObject({ subjects: ["mapper"], others: 1 });
      const root = await people.login(service().request, { subject: "vera-4711", groups: ["admins"] });
      const all = await service().get("/v1/approvals", root);
      expect(all.json<{ items: object[] }>().items[0]).toMatchObject({ subjects: ["mapper", "vera-4711"] });
    });

    test("an address that the issuer vouches for no more names nobody", async () => {
      await login("olga", "lead@example.com");
      expect((await issueFor("approved-by lead@example.com Pay")).status).toBe(201);
      await login("olga");
      expect((await issueFor("approved-by lead@example.com Pay")).status).toBe(422);
    });

    test("an older ID token brings back no address that the issuer took away since", async () => {
      const before = Date.now() - 600_000;
      const older = service().asHuman({ subject: "otis", email: "cfo@example.com", issuedAt: before });
      const issueAs = (headers: Readonly<Record<string, string>>) =>
        service().send("POST", "/v1/tokens", { platform: "default" }, headers);
      const emailOf = async (headers: Readonly<Record<string, string>>) =>
        (await issueAs(headers)).json<{ principal: { email?: string } }>().principal.email;
      const resolves = async () => (await issueFor("approved-by cfo@example.com Pay")).status;
      expect(await emailOf(older)).toBe("cfo@example.com");
      expect(await resolves()).toBe(201);
      const session = await login("otis");
      expect(await emailOf(session)).toBeUndefined();
      expect(await resolves()).toBe(422);
      expect(await emailOf(older)).toBeUndefined();
      expect(await resolves()).toBe(422);
    });

    test("whether somebody has an e-mail is told to those alone who get tokens", async () => {
      await service().createPlatform("closed", { rules: [] });
      for (const address of ["alice@example.com", "nobody@example.com"]) {
        const more = { platform: "closed", on_behalf_of: undefined };
        const answer = await issueFor(`approved-by ${address} Pay`, service().asHuman("bob"), more);
        expect(answer.json()).toMatchObject({ code: "forbidden" });
      }
    });

    test("a subject whom nobody has seen is warned of, and whoever got a token by themselves was seen", async () => {
      const warnings = async () =>
        (await issueFor("approved-by dora,group:oncall Pay")).json<Issued>().warnings;
      expect(await warnings()).toEqual([
        'nobody with the subject "dora" has signed in here: until they do, they cannot approve',
      ]);
      await service().issue({}, "dora");
      expect(await warnings()).toBeUndefined();
    });

    test("a token of one's own is cut off on its page, which says what that does; nobody else's is", async () => {
      const mine = await service().issue({ label: "Research" }, "erin");
      const child = narrow(mine.token, "agent = researcher");
      const theirs = await service().issue({}, "bob");
      const erin = await login("erin");
      const home = await page("/", erin);
      expect(home.text).toContain("Research");
      expect(home.text).not.toContain(theirs.token_id);
      const path = `/tokens/${mine.token_id}`;
      expect(home.text).toContain(`action="${path}"`);
      const shown = await page(path, erin);
      expect(shown.text).toContain("and everything below it?");
      expect(shown.text).toContain("every token that was narrowed from it");

      const { origin: _, ...strange } = erin;
      expect(
        (await page(path, { ...strange, origin: "https://evil.example" }, { decision: "cut-off" })).status,
      ).toBe(403);
      expect((await page(path, erin, { decision: "approve" })).status).toBe(400);
      expect((await page(`/tokens/${theirs.token_id}`, erin)).text).toContain("for somebody else");
      expect((await page(`/tokens/${theirs.token_id}`, erin, { decision: "cut-off" })).status).toBe(404);
      expect(await service().verify(child)).toMatchObject({ allowed: true });

      const done = await page(path, erin, { decision: "cut-off", reason: "seen in a log" });
      expect(done.status).toBe(200);
      expect(done.text).toContain("This token is cut off");
      for (const token of [mine.token, child]) {
        expect(await service().verify(token)).toMatchObject({ code: "revoked" });
      }
      expect(await service().verify(theirs.token)).toMatchObject({ allowed: true });
      expect((await page("/tokens", erin)).text).toContain("Cut off; it would have ended");
      const over = await page(path, { origin: erin.origin }, { decision: "cut-off" });
      expect(over.status).toBe(401);
    });

    test("a token tells of what is dead below it, to its owner and within the authors' scopes", async () => {
      const { token, token_id } = await service().issue({}, "erin");
      const details = async (headers: Readonly<Record<string, string>>) =>
        (await service().get(`/v1/tokens/${token_id}`, headers)).json<{ revoked_below: readonly object[] }>()
          .revoked_below;
      expect(await details(service().asHuman("erin"))).toEqual([]);
      const child = narrow(token, "agent = scraper#1");
      const lost = { targets: [{ token: child }], reason: "seen in a log" };
      expect((await service().send("POST", "/v1/revocations", lost)).status).toBe(200);
      await service().revoke([{ agent: "searcher", token_id }], service().asHuman("erin"));
      // Naming it does nothing: neither is its owner's nor its platform's.
      await service().revoke([{ agent: "stranger", token_id }], service().asHuman("bob"));
      // Nor does a crowd of such entries hide those that do.
      const crowd = Array.from({ length: 120 }, (_, n) => ({ agent: `stranger-${n}`, token_id }));
      await service().revoke(crowd, service().asHuman("bob"));
      const agent = { agent: "searcher", by: "principal" };
      const link = { revocation_id: linkOf(child), by: "holder" };
      const seen = await details(service().asHuman("erin"));
      expect(seen).toMatchObject([agent, link]);
      expect(JSON.stringify(seen)).not.toContain("seen in a log");
      // The name of an agent that the person revoked is not the platform's to read.
      expect(await details(service().asPlatform())).toMatchObject([{ ...link, reason: "seen in a log" }]);
      expect((await page(`/tokens/${token_id}`, await login("erin"))).text).toContain(linkOf(child));
      await service().revoke([{ token }]);
      expect(await details(service().asHuman("erin"))).toHaveLength(2);
    });

    test("a person asks why about tokens of their own, and nothing is counted", async () => {
      const { token } = await service().issue({ caveats: ["uses <= 1", "action = read"] }, "erin");
      const question = (more: object = {}) => ({
        token,
        context: { action: "read" },
        dry_run: true,
        ...more,
      });
      const as = (who: string) => service().asHuman(who);
      for (let n = 0; n < 3; n++) {
        const answer = await service().send("POST", "/v1/verify", question(), as("erin"));
        expect(answer.json()).toMatchObject({ allowed: true, budgets: [{ remaining: "1" }] });
      }
      const told = await service().send(
        "POST",
        "/v1/verify",
        question({ charge_id: "invoice 1" }),
        as("erin"),
      );
      expect(told.json()).toMatchObject({ code: "forbidden", member: "charge_id" });
      const why = await service().send(
        "POST",
        "/v1/verify",
        question({ context: { action: "pay" } }),
        as("erin"),
      );
      expect(why.json()).toMatchObject({ allowed: false, code: "caveat_failed" });
      const tampered = await service().send(
        "POST",
        "/v1/verify",
        question({ token: `${token.slice(0, -4)}AAAA` }),
        as("erin"),
      );
      const bob = await service().send("POST", "/v1/verify", question(), as("bob"));
      const partner = await service().send(
        "POST",
        "/v1/verify",
        question(),
        service().asHuman({ subject: "erin", issuer: "https://partner.test" }),
      );
      const credential = await service().send(
        "POST",
        "/v1/verify",
        question({ token: service().adminToken }),
        as("erin"),
      );
      for (const answer of [tampered, bob, partner, credential]) {
        expect(answer.json()).toMatchObject({
          allowed: false,
          code: "unknown_key",
          failures: [],
          undischarged: [],
        });
      }
      const counted = await service().send("POST", "/v1/verify", question({ dry_run: false }), as("erin"));
      expect(counted.json()).toMatchObject({ status: 403 });
      expect(await service().verify(token, { action: "read" })).toMatchObject({ allowed: true });
      expect(await service().verify(token, { action: "read" })).toMatchObject({ code: "budget_exhausted" });
    });
  },
  { relyingParty: people.relyingParty },
);
