import { randomBytes } from "node:crypto";

import { expect, test } from "vitest";

import { addThirdPartyCaveat, attenuate, encodeBundle, sealTicket } from "../../src/macaroon/index.ts";
import { describeService, type TestService } from "../support/service.ts";
import { stubRelyingParty } from "../support/service-login.ts";
import { bound, bundle, linkOf, narrow, opened, tickets } from "../support/service-macaroons.ts";

/** A page without what every page has: its header has a button to sign out. */
const contentOf = (page: string) => page.slice(page.indexOf("<main>"));

const people = stubRelyingParty();
const PAY = { action: "pay", args: { amount: 40 } };
const LOCATION = "http://127.0.0.1:8080";

interface Waiting {
  readonly id: string;
  readonly secret: string;
  readonly user_url: string;
  readonly user_code: string;
}

/** What the flows have in common. */
function steps(service: () => TestService) {
  const ticketOf = (token: string) => tickets(token).at(-1) ?? "";
  return {
    ticketOf,
    /** A token of alice's whose use depends on a condition; narrowed behind it. */
    async gated(condition: string, ...narrower: readonly string[]) {
      const third_party_caveats = [{ location: LOCATION, condition }];
      const { token } = await service().issue({ third_party_caveats });
      return narrower.length === 0 ? token : narrow(token, ...narrower);
    },
    ask: (token: string, more: object = {}, headers = {}) =>
      service().send("POST", "/v1/discharge", { caveat_id: ticketOf(token), ...more }, headers),
    async waiting(token: string, more: object = {}, headers = {}): Promise<Waiting> {
      const answer = await service().send(
        "POST",
        "/v1/discharge",
        { caveat_id: ticketOf(token), ...more },
        headers,
      );
      expect(answer.status, answer.text).toBe(202);
      return answer.json<Waiting & Record<string, unknown>>();
    },
    collect: ({ id, secret }: Pick<Waiting, "id" | "secret">) =>
      service().send("POST", `/v1/discharge/${id}/collect`, { secret }),
    login: (person: Parameters<typeof people.login>[1]) => people.login(service().request, person),
    decide: (id: string, session: Readonly<Record<string, string>>, decision = "approve") =>
      service().send("POST", `/v1/approvals/${id}`, { decision }, session),
    page: (path: string, session: Readonly<Record<string, string>>, form?: Record<string, string>) =>
      service().request(path, {
        headers: { ...session, accept: "text/html" },
        ...(form === undefined ? {} : { method: "POST", body: new URLSearchParams(form) }),
      }),
  };
}

describeService(
  "discharges",
  (service) => {
    const { gated, ask, waiting, collect, login, decide, page, ticketOf } = steps(service);
    const discharge = (answer: { json<T>(): T }) => answer.json<{ readonly discharge: string }>().discharge;

    test("verify says what is missing and where to go; the principal's ID token discharges it at once", async () => {
      const token = await gated("is-principal");
      expect(await service().verify(token, PAY)).toMatchObject({
        allowed: false,
        code: "discharge_missing",
        undischarged: [{ location: LOCATION, caveat_id: ticketOf(token) }],
      });
      const answer = await ask(token, { token }, service().asHuman("alice"));
      expect(answer.status).toBe(200);
      const proof = discharge(answer);
      expect(await service().verify(bundle(token, bound(token, proof)), PAY)).toMatchObject({
        allowed: true,
      });
      // It is for the link that was shown, so it needs no binding; with another root it proves nothing.
      expect(await service().verify(bundle(token, proof), PAY)).toMatchObject({ allowed: true });
      const other = await gated("is-principal");
      expect(await service().verify(bundle(other, bound(other, proof)), PAY)).toMatchObject({
        code: "discharge_invalid",
      });
      // It lives for five minutes.
      const again = discharge(await ask(token, { token }, service().asHuman("alice")));
      expect(Buffer.from(again, "base64url").toString("latin1")).toContain("time < ");
    });

    test.each([
      ["is-principal", "mallory", [], "denied"],
      ["is-member-of oncall", "alice", ["staff"], "denied"],
      ["is-member-of oncall", "bob", ["oncall"], undefined],
      ["is-authenticated-user", "bob", [], undefined],
    ])("%s, asked by %s of %j", async (condition, subject, groups, code) => {
      const token = await gated(condition);
      const answer = await ask(token, { token }, service().asHuman({ subject, groups }));
      expect(answer.status).toBe(code === undefined ? 200 : 403);
      if (code !== undefined) expect(answer.json()).toMatchObject({ code });
    });

    test("groups of another issuer are not the groups that are meant", async () => {
      const token = await gated("is-member-of oncall");
      const partner = { subject: "bob", groups: ["oncall"], issuer: "https://partner.test" };
      expect((await ask(token, {}, service().asHuman(partner))).status).toBe(403);
    });

    test("a discharge with an ancestor serves that link and all below it, and none elsewhere", async () => {
      const root = await gated("is-authenticated-user");
      const researcher = narrow(root, "agent = researcher#1");
      const ancestor = linkOf(researcher);
      const proof = discharge(await ask(root, { ancestor }, service().asHuman("alice")));
      for (const token of [researcher, narrow(researcher, "agent = scraper#1", "args.amount <= 50")]) {
        expect(await service().verify(bundle(token, proof), PAY)).toMatchObject({ allowed: true });
      }
      for (const token of [root, narrow(root, "agent = researcher#2")]) {
        expect(await service().verify(bundle(token, proof), PAY)).toMatchObject({ code: "caveat_failed" });
      }
      const foreign = await gated("is-authenticated-user");
      expect((await ask(root, { token: root, ancestor: linkOf(foreign) })).status).toBe(422);
    });

    test("without a credential a person confirms on a page, and only the asker collects", async () => {
      const token = await gated("is-authenticated-user");
      const request = await waiting(token);
      expect(request.user_code).toMatch(/^[B-Z]{4}-[B-Z]{4}$/);
      const path = new URL(request.user_url).pathname;
      expect((await page(path, {})).headers.get("location")).toBe(
        `/login?return_to=${encodeURIComponent(path)}`,
      );
      const session = await login("bob");
      const shown = await page(path, session);
      expect(shown.text).toContain(request.user_code);
      // A look at the page does nothing, nor does a form from elsewhere, nor a wrong secret.
      const foreign = { ...session, origin: "https://evil.example" };
      expect((await page(path, foreign, { decision: "confirm" })).status).toBe(403);
      const guess = { id: request.id, secret: "A".repeat(43) };
      expect((await collect(guess)).status).toBe(404);

      const collecting = collect(request);
      expect((await page(path, session, { decision: "confirm" })).status).toBe(303);
      const collected = await collecting;
      expect(collected.status).toBe(200);
      expect((await collect(guess)).status).toBe(404);
      const presented = bundle(token, bound(token, discharge(collected)));
      expect(await service().verify(presented, PAY)).toMatchObject({ allowed: true });
      // A lost answer can be had again, and is the same.
      expect((await collect(request)).text).toBe(collected.text);
      expect((await page(path, session, { decision: "confirm" })).status).toBe(409);
    });

    test("a refusal on the page ends it", async () => {
      const request = await waiting(await gated("is-authenticated-user"));
      const session = await login("bob");
      await page(new URL(request.user_url).pathname, session, { decision: "deny" });
      expect((await collect(request)).json()).toMatchObject({ status: 403, code: "denied" });
    });

    test("auth-age and acr ask for another login, and are believed only where the issuer says so", async () => {
      const token = await gated("auth-age=60 acr=phr is-authenticated-user");
      const request = await waiting(token, {}, service().asHuman("bob"));
      const path = new URL(request.user_url).pathname;
      const old = await login({ subject: "bob", authenticatedAt: Date.now() - 120_000, acr: "phr" });
      const weak = await login({ subject: "bob" });
      const silent = await login({ subject: "bob", authenticatedAt: null, acr: "phr" });
      for (const session of [old, weak, silent]) {
        const shown = await page(path, session);
        expect(shown.text).toContain("max_age=60&amp;acr_values=phr");
        expect((await page(path, session, { decision: "confirm" })).status).toBe(403);
      }
      const fresh = await login({ subject: "bob", acr: "phr" });
      expect((await page(path, fresh, { decision: "confirm" })).status).toBe(303);
      expect((await collect(request)).status).toBe(200);

      await service().get("/login?return_to=/approvals&max_age=60&acr_values=phr");
      expect(people.demanded.at(-1)).toEqual({ maxAge: 60, acr: ["phr"] });
    });

    test("a person approves, verify passes; it is withdrawn, and verify refuses", async () => {
      const token = await gated(
        "life=600 approved-by alice Pay 40 EUR",
        "agent = shopper#1",
        "args.amount <= 40",
      );
      const request = await waiting(token, { token });
      const session = await login("alice");
      const { items } = (await service().get("/v1/approvals?state=pending", session)).json<{
        items: readonly Record<string, unknown>[];
      }>();
      expect(items[0]).toMatchObject({
        id: request.id,
        user_code: request.user_code,
        state: "pending",
        discharge_life: 600,
        token: { platform: "default", principal: { subject: "alice" }, revocation_id: linkOf(token) },
        unverified: { text: "Pay 40 EUR", agents: ["shopper#1"] },
      });
      expect((await collectNow(request)).status).toBe("pending");
      expect((await decide(request.id, session)).json()).toMatchObject({ state: "granted" });
      const proof = discharge(await collect(request));
      const presented = bundle(token, proof);
      expect(await service().verify(presented, PAY)).toMatchObject({ allowed: true });
      // Narrowed further it still serves; the wider link above, which nobody was shown, it does not.
      expect(
        await service().verify(bundle(narrow(token, "args.amount <= 39"), proof), {
          ...PAY,
          args: { amount: 1 },
        }),
      ).toMatchObject({ allowed: true });
      const wider = encodeBundle([{ ...opened(token)[0] }]);
      expect(wider).toBe(token);

      const withdrawn = await service().send(
        "POST",
        "/v1/revocations",
        { targets: [{ approval_id: request.id }] },
        session,
      );
      expect(withdrawn.json()).toMatchObject({
        revocations: [{ target: { approval_id: request.id }, scope: "platform" }],
      });
      expect(await service().verify(presented, PAY)).toMatchObject({ allowed: false, code: "revoked" });
      expect(await service().verify(token, PAY)).toMatchObject({ code: "discharge_missing" });
    });

    /** Where a request stands, without waiting as the API does. */
    async function collectNow({ id }: Waiting): Promise<{ readonly status: string }> {
      const found = await service().database.store.dischargeRequests.find(id);
      return { status: found?.state ?? "none" };
    }

    test("withdrawn on one replica, an approval is dead on another within the bound", async () => {
      const other = service().replica();
      await other.start();
      const token = await gated("approved-by alice Pay");
      const request = await waiting(token, { token });
      const session = await login("alice");
      await decide(request.id, session);
      const presented = bundle(token, discharge(await collect(request)));
      const ask_ = () =>
        other.send("POST", "/v1/verify", { token: presented, context: PAY }, service().asPlatform());
      expect((await ask_()).json()).toMatchObject({ allowed: true });
      const targets = [{ approval_id: request.id }];
      const { sequence } = (await service().send("POST", "/v1/revocations", { targets }, session)).json<{
        sequence: string;
      }>();
      const refused = await other.send(
        "POST",
        "/v1/verify",
        { token: presented, context: PAY, min_sequence: sequence },
        service().asPlatform(),
      );
      expect(refused.json()).toMatchObject({ allowed: false, code: "revoked" });
    });

    test("strangers can neither see nor decide nor withdraw an approval", async () => {
      const token = await gated("approved-by alice Pay");
      const request = await waiting(token, { token });
      const mallory = await login("mallory");
      expect((await decide(request.id, mallory)).status).toBe(404);
      expect((await page(`/approvals/${request.id}`, mallory)).status).toBe(404);
      const alice = await login("alice");
      await decide(request.id, alice);
      const presented = bundle(token, discharge(await collect(request)));
      await service().send("POST", "/v1/revocations", { targets: [{ approval_id: request.id }] }, mallory);
      expect(await service().verify(presented, PAY)).toMatchObject({ allowed: true });
    });

    test("never by a macaroon, nor an ID token, nor an old session; a denial may be older", async () => {
      const token = await gated("approved-by alice Pay");
      const request = await waiting(token, { token });
      expect((await decide(request.id, service().asPlatform())).status).toBe(403);
      expect((await decide(request.id, service().asHuman("alice"))).status).toBe(403);
      const old = await login({ subject: "alice", authenticatedAt: Date.now() - 31 * 60_000 });
      expect((await decide(request.id, old)).status).toBe(403);
      expect((await page(`/approvals/${request.id}`, old)).text).toContain("Sign in again");
      expect((await decide(request.id, old, "deny")).json()).toMatchObject({ state: "denied" });
      expect((await collect(request)).json()).toMatchObject({ code: "denied" });
      expect((await decide(request.id, await login("alice"))).status).toBe(409);
    });

    test("whoever asked is told why, where the person says so", async () => {
      const token = await gated("approved-by alice Pay");
      const request = await waiting(token, { token });
      const form = { decision: "deny", reason: 'ask again in "May"' };
      expect((await page(`/approvals/${request.id}`, await login("alice"), form)).status).toBe(303);
      expect((await collect(request)).json()).toMatchObject({
        code: "denied",
        detail: 'the person who was asked said no: "ask again in \\"May\\""',
      });
    });

    test("two of a group: each counts once, and the token's principal does not", async () => {
      const token = await gated("approved-by 2 of group:oncall Restart");
      const request = await waiting(token, { token });
      const member = (subject: string) => login({ subject, groups: ["oncall"] });
      const alice = await member("alice");
      expect((await decide(request.id, alice)).status).toBe(403);
      const bob = await member("bob");
      expect((await decide(request.id, bob)).json()).toMatchObject({ state: "pending" });
      expect((await decide(request.id, bob)).json()).toMatchObject({
        state: "pending",
        decisions: [{ subject: "bob" }],
      });
      expect((await decide(request.id, bob, "deny")).status).toBe(409);
      expect((await decide(request.id, await login("carol"))).status).toBe(404);
      expect((await decide(request.id, await member("carol"))).json()).toMatchObject({ state: "granted" });
      expect(await service().verify(bundle(token, discharge(await collect(request))), PAY)).toMatchObject({
        allowed: true,
      });
    });

    test("the principal counts where the ticket says so", async () => {
      const token = await gated("principal=counts approved-by group:oncall Restart");
      const request = await waiting(token, { token });
      const alice = await login({ subject: "alice", groups: ["oncall"] });
      expect((await decide(request.id, alice)).json()).toMatchObject({ state: "granted" });
    });

    test("of many who decide at once exactly one decision is the last", async () => {
      const token = await gated("approved-by group:oncall Restart");
      const request = await waiting(token, { token });
      const sessions = [];
      for (const subject of ["bob", "carol", "dave"])
        sessions.push(await login({ subject, groups: ["oncall"] }));
      const answers = await Promise.all(
        sessions.map((session, index) => decide(request.id, session, index === 1 ? "deny" : "approve")),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
    });

    test.each([
      [
        "a ticket for another key",
        (ticket: Buffer) => Buffer.concat([ticket.subarray(0, 1), randomBytes(4), ticket.subarray(5)]),
        "ticket_invalid",
      ],
      ["a ticket that was cut", (ticket: Buffer) => ticket.subarray(0, -1), "ticket_invalid"],
      [
        "a ticket that was changed",
        (ticket: Buffer) => Buffer.concat([ticket.subarray(0, -1), Buffer.of((ticket.at(-1) ?? 0) ^ 1)]),
        "ticket_invalid",
      ],
      ["a short id without its payload", () => Buffer.of(3, 0), "ticket_invalid"],
      ["bytes that are no ticket", () => Buffer.from("hello"), "ticket_invalid"],
    ])("%s is refused", async (_, change, code) => {
      const ticket = Buffer.from(ticketOf(await gated("is-authenticated-user")), "base64url");
      const answer = await service().send("POST", "/v1/discharge", {
        caveat_id: change(ticket).toString("base64url"),
      });
      expect(answer.json()).toMatchObject({ status: 422, code });
    });

    /** Narrows a token by a caveat for this service, offline, as its holder does. */
    async function narrowBy(token: string, condition: string, caveatId?: Uint8Array) {
      const info = (await service().get("/discharge/info")).json<{ PublicKey: string; Version: number }>();
      expect(info.Version).toBe(3);
      const caveatKey = new Uint8Array(randomBytes(24));
      const ticket = sealTicket({
        version: 3,
        thirdPartyPublicKey: new Uint8Array(Buffer.from(info.PublicKey, "base64")),
        firstPartyPrivateKey: new Uint8Array(randomBytes(32)),
        nonce: new Uint8Array(randomBytes(24)),
        caveatKey,
        condition,
      });
      const nonce = new Uint8Array(randomBytes(24));
      const made = addThirdPartyCaveat(opened(token)[0], {
        location: LOCATION,
        ticket: caveatId ?? ticket,
        caveatKey,
        nonce,
      });
      return { token: encodeBundle([made]), ticket };
    }

    test("anyone writes a caveat offline, in the short form of bakery clients too", async () => {
      const { token: root } = await service().issue();
      const { token, ticket } = await narrowBy(root, "is-authenticated-user", Uint8Array.of(3, 0));
      const answer = await service().send(
        "POST",
        "/v1/discharge",
        { caveat_id: "AwA", caveat: Buffer.from(ticket).toString("base64url"), token },
        service().asHuman("bob"),
      );
      const proof = discharge(answer);
      expect(await service().verify(bundle(token, bound(token, proof)), PAY)).toMatchObject({
        allowed: true,
      });
    });

    test.each([
      ["is-human", "condition_unknown"],
      ["approved-by alice", "condition_unknown"],
      [`approved-by alice ${"x".repeat(3000)}`, "condition_unknown"],
      ["within=1 is-principal", "condition_unknown"],
    ])("the condition %s is refused with a clear code", async (condition, code) => {
      const { token } = await narrowBy((await service().issue()).token, condition);
      expect((await ask(token, { token })).json()).toMatchObject({ status: 422, code });
    });

    test("issuing refuses a condition that this service would never discharge", async () => {
      const body = (condition: string) => ({
        platform: "default",
        third_party_caveats: [{ location: LOCATION, condition }],
      });
      const issue = (condition: string) =>
        service().send("POST", "/v1/tokens", body(condition), service().asHuman("alice"));
      expect((await issue("is-human")).json()).toMatchObject({
        code: "condition_unknown",
        member: "third_party_caveats[0].condition",
      });
      expect((await issue("approved-by alice")).json()).toMatchObject({ code: "invalid_request" });
    });

    test("an approval needs the live token that carries the ticket", async () => {
      const token = await gated("approved-by alice Pay");
      expect((await ask(token)).json()).toMatchObject({ status: 400, member: "token" });
      const other = (await service().issue()).token;
      expect((await ask(token, { token: other })).json()).toMatchObject({ status: 422, member: "token" });
      expect((await ask(token, { token, ancestor: linkOf(narrow(token, "a = b")) })).status).toBe(422);
      const below = encodeBundle([attenuate(opened(token)[0], ["agent = x"])]);
      expect((await ask(token, { token: below, ancestor: linkOf(token) })).json()).toMatchObject({
        status: 422,
        member: "ancestor",
      });
      await service().revoke([{ token }]);
      expect((await ask(token, { token })).json()).toMatchObject({ status: 404, member: "token" });
    });

    test("of too many requests for one token the newest is refused, and nothing that waits is lost", async () => {
      const token = await gated("approved-by bob Pay");
      const requests: Waiting[] = [];
      for (let index = 0; index < 5; index++)
        requests.push(await waiting(token, { token }, { "x-test-peer": `2001:db8:${index}::1` }));
      const refused = await ask(token, { token }, { "x-test-peer": "2001:db8:9::1" });
      expect(refused.json()).toMatchObject({ status: 429, detail: expect.stringContaining("of this token") });
      for (const request of requests) expect((await collectNow(request)).status).toBe("pending");
      // A rogue below fills what it can; the link above it still asks.
      const codes = new Set<number>();
      for (let index = 0; index < 60; index++) {
        const below = narrow(token, "agent = rogue#1", `note = ${index}`);
        codes.add((await ask(token, { token: below }, { "x-test-peer": `2001:db8:8:${index}::1` })).status);
      }
      expect([...codes].sort()).toEqual([202, 429]);
      const above = await gated("approved-by bob Pay again");
      expect((await ask(above, { token: above })).status).toBe(202);
    });

    test("of many requests for one token at once as many wait as may, and none more", async () => {
      const third_party_caveats = [{ location: LOCATION, condition: "approved-by carol Deploy" }];
      const { token } = await service().issue({ third_party_caveats }, "racer");
      const body = { caveat_id: tickets(token).at(-1), token };
      const answers = await Promise.all(
        Array.from({ length: 12 }, () =>
          service().send("POST", "/v1/discharge", body, { "x-test-peer": "198.51.100.77" }),
        ),
      );
      const statuses = answers.map(({ status }) => status).sort();
      expect(statuses).toEqual([...Array(5).fill(202), ...Array(7).fill(429)]);
    });

    test("a caller who asks without end is told to wait, whichever address of its network it uses", async () => {
      const token = await gated("is-authenticated-user");
      const statuses = new Set<number>();
      for (let index = 0; index < 60; index++) {
        statuses.add((await ask(token, {}, { "x-test-peer": `2001:db8:ffff:1::${index}` })).status);
      }
      expect([...statuses].sort()).toEqual([202, 429]);
      expect((await ask(token, {}, { "x-test-peer": "2001:db8:ffff:2::1" })).status).toBe(202);
    });

    test("text cannot pass for the page: it is escaped, in a frame of its own", async () => {
      const evil = `<form action="/logout"><b>Verified by this service</b> &amp;`;
      const { token } = await narrowBy((await service().issue()).token, `approved-by alice ${evil}`);
      const request = await waiting(token, { token });
      const { text, headers } = await page(`/approvals/${request.id}`, await login("alice"));
      expect(text).not.toContain("<b>Verified");
      expect(contentOf(text).match(/<form/g)).toHaveLength(1);
      const frame = text.slice(text.indexOf('<section class="claims">'), text.indexOf("</section>"));
      expect(frame).toContain("&lt;form action=");
      expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
      expect(headers.get("x-frame-options")).toBe("DENY");
      expect(text).not.toMatch(/<script|\son\w+=/i);
    });

    test("no secret of a request is kept in the clear", async () => {
      const token = await gated("is-authenticated-user");
      const request = await waiting(token);
      const found = await service().database.store.dischargeRequests.find(request.id);
      const kept = JSON.stringify(found, (_, value) =>
        value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : value,
      );
      expect(kept).toContain(request.user_code);
      expect(kept).not.toContain(request.secret);
      expect(kept).not.toContain(Buffer.from(request.secret, "base64url").toString("latin1"));
    });
  },
  { relyingParty: people.relyingParty },
);
