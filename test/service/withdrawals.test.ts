/** What was asked and what was approved can be taken back, by those who may, and everybody is told so. */
import { expect, test } from "vitest";

import { describeService } from "../support/service.ts";
import { type Person, stubRelyingParty } from "../support/service-login.ts";
import { bundle, tickets } from "../support/service-macaroons.ts";

/** A page without what every page has: its header has a button to sign out. */
const contentOf = (page: string) => page.slice(page.indexOf("<main>"));

const people = stubRelyingParty();
const LOCATION = "http://127.0.0.1:8080";
const PAY = { action: "pay" };
/** Deliveries wait for it. */
let gate: Promise<void> = Promise.resolve();
const sent: { readonly type: string; readonly data: Record<string, unknown> }[] = [];

interface Waiting {
  readonly id: string;
  readonly secret: string;
  readonly user_url: string;
}

interface Listed {
  readonly items: readonly (Record<string, unknown> & { readonly id: string; readonly state: string })[];
  readonly next_cursor: string | null;
}

describeService(
  "withdrawals",
  (service) => {
    type Session = Readonly<Record<string, string>>;
    let asks = 0;
    async function asked(condition: string) {
      const { token } = await service().issue({ third_party_caveats: [{ location: LOCATION, condition }] });
      const answer = await service().send(
        "POST",
        "/v1/discharge",
        { caveat_id: tickets(token)[0], token },
        { "x-test-peer": `203.0.113.${++asks}` },
      );
      expect(answer.status, answer.text).toBe(202);
      return { token, ...answer.json<Waiting & Record<string, unknown>>() };
    }
    const login = (person: Person | string) => people.login(service().request, person);
    const decide = (id: string, session: Session, decision = "approve") =>
      service().send("POST", `/v1/approvals/${id}`, { decision }, session);
    const collect = ({ id, secret }: Waiting) =>
      service().send("POST", `/v1/discharge/${id}/collect`, { secret });
    const withdraw = ({ id, secret }: Waiting) =>
      service().send("POST", `/v1/discharge/${id}/withdraw`, { secret });
    const page = (id: string, session: Session, form?: Record<string, string>) =>
      service().request(`/approvals/${id}`, {
        headers: { ...session, accept: "text/html" },
        ...(form === undefined ? {} : { method: "POST", body: new URLSearchParams(form) }),
      });
    const listed = async (session: Session, query = "") =>
      (await service().get(`/v1/approvals${query}`, session)).json<Listed & Record<string, unknown>>();
    const one = async (id: string, session: Session) =>
      (await listed(session)).items.find((item) => item.id === id);

    test("a yes is taken back by a button on the page, by the person who said it", async () => {
      const request = await asked("approved-by alice,bob Pay");
      const alice = await login("alice");
      expect((await page(request.id, alice)).text).not.toContain("Withdraw my approval");
      await decide(request.id, alice);
      const { discharge } = (await collect(request)).json<{ discharge: string }>();
      const presented = bundle(request.token, discharge);
      expect(await service().verify(presented, PAY)).toMatchObject({ allowed: true });
      const shown = (await page(request.id, alice)).text;
      expect(shown).toContain("Withdraw my approval");
      expect(shown).toMatch(/Approved on .* UTC, good until .* UTC\./);

      const bob = await login("bob");
      expect((await page(request.id, bob)).text).not.toContain("Withdraw my approval");
      expect((await page(request.id, bob, { decision: "withdraw" })).status).toBe(403);
      const foreign = { ...alice, origin: "https://evil.example" };
      expect((await page(request.id, foreign, { decision: "withdraw" })).status).toBe(403);
      expect((await page(request.id, await login("mallory"), { decision: "withdraw" })).status).toBe(404);
      expect(await service().verify(presented, PAY)).toMatchObject({ allowed: true });

      expect((await page(request.id, alice, { decision: "withdraw" })).status).toBe(303);
      expect(await service().verify(presented, PAY)).toMatchObject({ code: "revoked" });
      const after = (await page(request.id, alice)).text;
      expect(after).toMatch(/Withdrawn on .* UTC\./);
      expect(contentOf(after)).not.toMatch(/<button/);
      expect(await one(request.id, alice)).toMatchObject({
        state: "withdrawn",
        withdrawn_at: expect.any(String),
        ends_at: expect.any(String),
      });
      expect((await collect(request)).json()).toMatchObject({
        status: 410,
        detail: "this request was withdrawn",
      });
      expect((await page(request.id, alice, { decision: "withdraw" })).status).toBe(410);
      expect((await decide(request.id, alice)).status).toBe(410);
    });

    test("it can be until the discharge has ended, and then there is nothing to take back", async () => {
      const request = await asked("life=60 approved-by alice Pay");
      const alice = await login("alice");
      await decide(request.id, alice);
      expect(await one(request.id, alice)).toMatchObject({ state: "granted", ends_at: expect.any(String) });
      await service().advance(60_000);
      expect((await page(request.id, alice)).text).not.toContain("Withdraw my approval");
      expect((await page(request.id, alice, { decision: "withdraw" })).status).toBe(410);
    });

    test("one yes of two, taken back, ends the request for everybody", async () => {
      const request = await asked("approved-by 2 of alice,bob Pay");
      const alice = await login("alice");
      await decide(request.id, alice);
      const shown = (await page(request.id, alice)).text;
      expect(shown).toContain("Withdraw my approval");
      expect(shown).not.toContain('value="approve"');
      expect((await page(request.id, alice, { decision: "withdraw" })).status).toBe(303);
      const answer = await decide(request.id, await login("bob"));
      expect(answer.json()).toMatchObject({ status: 410, detail: "this request was withdrawn" });
    });

    test("a request that its asker withdraws is answered by nobody, and says so", async () => {
      const request = await asked("approved-by alice Pay");
      const alice = await login("alice");
      expect((await withdraw({ ...request, secret: "A".repeat(43) })).status).toBe(404);
      expect((await one(request.id, alice))?.state).toBe("pending");
      const waiting = collect(request);
      expect((await withdraw(request)).json()).toEqual({ id: request.id, state: "withdrawn" });
      expect((await waiting).status).toBe(410);
      expect((await withdraw(request)).status).toBe(200);
      for (const decision of ["approve", "deny"]) {
        expect((await decide(request.id, alice, decision)).json()).toMatchObject({
          status: 410,
          code: "gone",
        });
      }
      const shown = (await page(request.id, alice)).text;
      expect(shown).toContain("Withdrawn on");
      expect(contentOf(shown)).not.toContain("<form");
      expect((await listed(alice, "?state=pending")).items.map(({ id }) => id)).not.toContain(request.id);
    });

    test("so is one that waits for a confirmation", async () => {
      const request = await asked("is-principal");
      await withdraw(request);
      const alice = await login("alice");
      const path = new URL(request.user_url).pathname;
      const headers = { ...alice, accept: "text/html" };
      expect((await service().request(path, { headers })).text).toContain("This request was withdrawn.");
      const body = new URLSearchParams({ decision: "confirm" });
      expect((await service().request(path, { method: "POST", headers, body })).status).toBe(410);
    });

    test("what is decided its asker withdraws no more", async () => {
      const request = await asked("approved-by alice Pay");
      await decide(request.id, await login("alice"));
      expect((await withdraw(request)).status).toBe(409);
      expect((await collect(request)).status).toBe(200);
    });

    test("an asker who withdraws while a person says yes: one of the two, never both", async () => {
      const alice = await login("alice");
      for (let round = 0; round < 4; round++) {
        const request = await asked("approved-by alice Pay");
        const [yes, back] = await Promise.all([decide(request.id, alice), withdraw(request)]);
        expect([`${yes.status} ${back.status}`]).toEqual([expect.stringMatching(/^(200 409|410 200)$/)]);
        expect((await collect(request)).status).toBe(yes.status === 200 ? 200 : 410);
      }
    });

    test("a revocation by the platform ends what waits, and one by a stranger does not", async () => {
      const request = await asked("approved-by bob Pay");
      const bob = await login("bob");
      const targets = [{ approval_id: request.id }];
      await service().send("POST", "/v1/revocations", { targets }, await login("mallory"));
      await service().createPlatform("elsewhere-w");
      await service().revoke(targets, service().asPlatform("elsewhere-w"));
      expect((await one(request.id, bob))?.state).toBe("pending");
      await service().revoke(targets, service().asPlatform());
      expect((await one(request.id, bob))?.state).toBe("withdrawn");
      expect((await decide(request.id, bob)).status).toBe(410);
    });

    test("the list tells states apart, on its second page too, and an empty one says that it is empty", async () => {
      const person = "lister";
      const session = await login(person);
      const empty = await service().request("/approvals", { headers: { ...session, accept: "text/html" } });
      expect(empty.text).toContain("Nothing is asked of you.");
      expect(await listed(session)).toEqual({ items: [], next_cursor: null });

      const made: Waiting[] = [];
      for (let index = 0; index < 5; index++) made.push(await asked(`approved-by ${person} Pay ${index}`));
      const [expired, denied, granted, withdrawn, pending] = made as [
        Waiting,
        Waiting,
        Waiting,
        Waiting,
        Waiting,
      ];
      await decide(denied.id, session, "deny");
      await decide(granted.id, session);
      await withdraw(withdrawn);
      const first = await listed(session, "?limit=3");
      expect(first.items.map(({ id, state }) => [id, state])).toEqual([
        [pending.id, "pending"],
        [withdrawn.id, "withdrawn"],
        [granted.id, "granted"],
      ]);
      const second = await listed(session, `?limit=3&cursor=${first.next_cursor}`);
      expect(second.items.map(({ id, state }) => [id, state])).toEqual([
        [denied.id, "denied"],
        [expired.id, "pending"],
      ]);
      expect(second.next_cursor).toBeNull();
      const headers = { ...session, accept: "text/html" };
      const list = (await service().request("/approvals", { headers })).text;
      for (const says of ["Waiting since", "Withdrawn on", "Approved on", "Denied on"])
        expect(list).toContain(says);
      const older = (await service().request(`/approvals?before=${denied.id}`, { headers })).text;
      expect(older).toContain(expired.id);
      expect(older).not.toContain(denied.id);
      const none = (await service().request(`/approvals?before=${expired.id}`, { headers })).text;
      expect(none).toContain("There are no older ones.");
      expect((await service().request("/approvals?before=x", { headers })).status).toBe(400);

      await service().advance(3_600_000);
      people.advance(3_600_000);
      const later = await login(person);
      expect((await one(expired.id, later))?.state).toBe("expired");
      expect((await decide(expired.id, later)).json()).toMatchObject({ status: 410, code: "gone" });
      const shown = (await page(expired.id, later)).text;
      expect(shown).toContain("Expired on");
      expect(contentOf(shown)).not.toContain("<form");
    });

    test("notices say what a yes allows, and that it was taken back", async () => {
      const request = await asked("approved-by alice Pay");
      const alice = await login("alice");
      await decide(request.id, alice);
      await page(request.id, alice, { decision: "withdraw" });
      await expect
        .poll(
          () =>
            sent
              .filter(({ data }) => data["id"] === request.id)
              .map(({ type }) => type)
              .sort(),
          {
            timeout: 20_000,
          },
        )
        .toEqual(["approval.asked", "approval.decided", "approval.withdrawn"]);
      const [notice] = sent.filter(
        ({ type, data }) => type === "approval.decided" && data["id"] === request.id,
      );
      expect(notice?.data["allows"]).toMatch(/^Allows: any call; any number of times; until /);
    });

    test("what was withdrawn before anybody was told of it is told to nobody", async () => {
      const typesOf = ({ id }: Waiting) =>
        sent.filter(({ data }) => data["id"] === id).map(({ type }) => type);
      let go = () => {};
      gate = new Promise((resolve) => {
        go = resolve;
      });
      // One delivery is under way at a time, and this one does not end.
      const first = await asked("approved-by alice Pay");
      await expect.poll(() => typesOf(first)).toEqual(["approval.asked"]);
      const withdrawn = await asked("approved-by alice Pay");
      expect((await withdraw(withdrawn)).status).toBe(200);
      const last = await asked("approved-by alice Pay");
      go();
      await expect.poll(() => typesOf(last)).toEqual(["approval.asked"]);
      expect(typesOf(withdrawn)).toEqual([]);
    });
  },
  {
    relyingParty: people.relyingParty,
    webhook: {
      send: async ({ body }) => {
        sent.push(JSON.parse(body));
        await gate;
        return true;
      },
    },
  },
);
