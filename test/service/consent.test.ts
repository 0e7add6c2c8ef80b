import { expect, test } from "vitest";

import { addThirdPartyCaveat, encode } from "../../src/macaroon/index.ts";
import { describeService } from "../support/service.ts";
import { type Person, stubRelyingParty } from "../support/service-login.ts";
import { bound, bundle, linkOf, narrow, opened, tickets } from "../support/service-macaroons.ts";

const people = stubRelyingParty();
const LOCATION = "http://127.0.0.1:8080";
const PAY = { action: "pay", args: { amount: 40 } };

interface Waiting {
  readonly id: string;
  readonly secret: string;
  readonly user_url: string;
}

describeService(
  "what a person confirms",
  (service) => {
    const ask = (token: string, more: object = {}, headers = {}) =>
      service().send("POST", "/v1/discharge", { caveat_id: tickets(token).at(-1), token, ...more }, headers);
    const login = (person: Person | string) => people.login(service().request, person);
    const pathOf = (answer: { json<T>(): T }) => new URL(answer.json<Waiting>().user_url).pathname;
    const page = (path: string, session: Readonly<Record<string, string>>, form?: Record<string, string>) =>
      service().request(path, {
        headers: { ...session, accept: "text/html" },
        ...(form === undefined ? {} : { method: "POST", body: new URLSearchParams(form) }),
      });

    async function gated(condition: string) {
      const { token } = await service().issue({ third_party_caveats: [{ location: LOCATION, condition }] });
      return { wide: token, narrowed: narrow(token, "agent = shopper#1", "args.amount <= 1") };
    }

    const CONDITIONS = [
      "is-authenticated-user",
      "is-principal",
      "is-member-of oncall",
      "approved-by alice Pay 1",
    ];

    test.each(CONDITIONS)(
      "%s cannot be asked for a wider link than the one that is shown",
      async (condition) => {
        const { wide, narrowed } = await gated(condition);
        const answer = await ask(narrowed, { ancestor: linkOf(wide) });
        expect(answer.status).toBe(422);
        expect(answer.json()).toMatchObject({ member: "ancestor" });
      },
    );

    test.each(CONDITIONS)("%s is tied to the link that was shown, bound or not", async (condition) => {
      const { wide, narrowed } = await gated(condition);
      const asked = await ask(narrowed);
      const session = await login({ subject: "alice", groups: ["oncall"] });
      const path = pathOf(asked);
      const decision = path.startsWith("/approvals") ? "approve" : "confirm";
      expect((await page(path, session, { decision })).status).toBe(303);
      const { id, secret } = asked.json<Waiting>();
      const { discharge } = (await service().send("POST", `/v1/discharge/${id}/collect`, { secret })).json<{
        discharge: string;
      }>();
      const small = { action: "pay", args: { amount: 1 } };
      expect(await service().verify(bundle(narrowed, discharge), small)).toMatchObject({ allowed: true });
      expect(
        await service().verify(bundle(narrow(narrowed, "action = pay"), discharge), small),
      ).toMatchObject({
        allowed: true,
      });
      for (const presented of [bundle(wide, discharge), bundle(wide, bound(wide, discharge))]) {
        expect(await service().verify(presented, PAY)).toMatchObject({ allowed: false });
      }
    });

    test("a discharge that the caller's own login proves is tied to the shown link as well", async () => {
      const { wide, narrowed } = await gated("is-principal");
      const answer = await ask(narrowed, {}, service().asHuman("alice"));
      const { discharge } = answer.json<{ discharge: string }>();
      expect(await service().verify(bundle(wide, bound(wide, discharge)), PAY)).toMatchObject({
        allowed: false,
      });
    });

    test.each([
      ["is-principal", "alice", []],
      ["is-member-of oncall", "member", ["oncall"]],
      ["approved-by alice Pay 1", "alice", []],
    ])("%s is shown to and decided by whom it concerns", async (condition, subject, groups) => {
      const { narrowed } = await gated(condition);
      const path = pathOf(await ask(narrowed));
      const mallory = await login("mallory");
      const shown = await page(path, mallory);
      expect(shown.status).toBe(404);
      expect(shown.text).toContain("for somebody else");
      expect(shown.text).toContain("signed in as <b>mallory</b>");
      expect(shown.text).toContain(`/login?return_to=${encodeURIComponent(path)}&amp;max_age=0`);
      expect(shown.text).not.toContain("alice");
      expect(shown.text).not.toContain("Pay 1");
      for (const decision of ["deny", "confirm", "approve"]) {
        expect((await page(path, mallory, { decision })).status).not.toBe(303);
      }
      // It waits still for the one whom it concerns.
      const session = await login({ subject, groups });
      expect((await page(path, session)).text).toContain('value="deny"');
      expect((await page(path, session, { decision: "deny" })).status).toBe(303);
    });

    test("no name of a person's choice is among the facts, nor a word of what they had issued that is not in quotes", async () => {
      const pat = { subject: "pat-4711", name: "Chief Financial Officer", email: "pat@example.com" };
      const issued = await service().send(
        "POST",
        "/v1/tokens",
        {
          platform: "default",
          caveats: ["checked.by.the.bank = yes"],
          third_party_caveats: [{ location: LOCATION, condition: "approved-by alice Pay 1" }],
        },
        await login(pat),
      );
      const asked = await ask(issued.json<{ token: string }>().token);
      const { text } = await page(pathOf(asked), await login("alice"));
      const facts = /<section class="facts">.*?<\/section>/s.exec(text)?.[0] ?? "";
      const claims = [...text.matchAll(/<section class="claims">.*?<\/section>/gs)].join("");
      expect(facts).toContain("pat@example.com");
      expect(facts).not.toContain("Chief Financial Officer");
      expect(claims).toContain("Chief Financial Officer");
      expect(facts.replaceAll(/&quot;[^&]*&quot;/g, "")).not.toContain("bank");
      expect(claims).toContain("checked.by.the.bank = yes");
    });

    test("a person whom a platform names is told to be so, in the sentence of the effect too", async () => {
      const { narrowed } = await gated("approved-by alice Pay 1");
      const alice = await login("alice");
      const own = await page(pathOf(await ask(narrowed)), alice);
      expect(/<h1 class="effect">.*?<\/h1>/s.exec(own.text)?.[0]).not.toContain("by its own word");
      const issued = await service().send(
        "POST",
        "/v1/tokens",
        {
          platform: "default",
          on_behalf_of: { subject: "ceo" },
          third_party_caveats: [{ location: LOCATION, condition: "approved-by alice Pay 1" }],
        },
        service().asPlatform(),
      );
      const { text } = await page(pathOf(await ask(issued.json<{ token: string }>().token)), alice);
      const effect = /<h1 class="effect">.*?<\/h1>/s.exec(text)?.[0] ?? "";
      expect(effect).toContain("somebody whom default calls &quot;ceo&quot; by its own word");
    });

    test("a page that was shown to one person acts for no other who has signed in since", async () => {
      const { narrowed } = await gated("approved-by alice,bob Pay 1");
      const path = pathOf(await ask(narrowed));
      const { text } = await page(path, await login("alice"));
      const shown_to = /name="shown_to" value="([^"]+)"/.exec(text)?.[1] ?? "";
      const bob = await login("bob");
      const answer = await page(path, bob, { decision: "approve", shown_to });
      expect(answer.status).toBe(409);
      expect((await page(path, bob)).text).toContain('value="approve"');
      expect((await page(path, await login("alice"), { decision: "approve", shown_to })).status).toBe(303);
    });

    test.each(["is-principal", "approved-by alice Pay 1"])(
      "%s: no word of a holder's is among the facts",
      async (condition) => {
        const { wide } = await gated(condition);
        const lure = "https://fraud-check-passed.bank.example";
        const nonce = new Uint8Array(24);
        const parties = { location: lure, ticket: new Uint8Array(64), caveatKey: new Uint8Array(32), nonce };
        const [macaroon] = opened(narrow(wide, "agent = ceo#1", "note = holders-text", "holders nonsense"));
        if (macaroon === undefined) throw new Error("no macaroon");
        const token = encode(addThirdPartyCaveat(macaroon, parties));
        const caveat_id = tickets(wide).at(-1);
        const asked = await service().send("POST", "/v1/discharge", { caveat_id, token });
        const session = await login("alice");
        const { text } = await page(pathOf(asked), session);
        const facts = [...text.matchAll(/<section class="facts">.*?<\/section>/gs)].join("");
        expect(facts).toContain("Verified by this service");
        const words = ["fraud-check-passed", "ceo", "holders-text", "holders nonsense"];
        for (const word of words) {
          expect(text).toContain(word);
          expect(facts).not.toContain(word);
          const framed = [...text.matchAll(/<section class="claims">.*?<\/section>/gs)].join("");
          expect(framed).toContain(word);
        }
        if (condition === "is-principal") return;
        const { items } = (await service().get("/v1/approvals?state=pending", session)).json<{
          items: readonly {
            id: string;
            token: { summary_parts: readonly { by: string }[] };
            unverified: unknown;
          }[];
        }>();
        const item = items.find(({ id }) => id === asked.json<Waiting>().id);
        if (item === undefined) throw new Error("the approval is not listed");
        const { summary_parts: parts, ...verified } = item.token;
        const told = JSON.stringify([verified, parts.filter(({ by }) => by !== "holder")]);
        for (const word of words) {
          expect(told).not.toContain(word);
          expect(JSON.stringify(item.unverified)).toContain(word);
        }
      },
    );

    test("verify and issue say whose words a summary is made of", async () => {
      const issued = await service().issue({ caveats: ["action = pay"] });
      expect(issued).toMatchObject({ summary_parts: [{ by: "issued", text: issued.summary }] });
      const verdict = await service().verify(narrow(issued.token, "note = x"), { action: "pay", note: "x" });
      expect(verdict).toMatchObject({
        allowed: true,
        summary_parts: [
          { by: "issued", text: issued.summary },
          { by: "holder", text: expect.stringContaining("note") },
        ],
      });
    });

    test("Enter in the reason field presses nothing", async () => {
      const { narrowed } = await gated("approved-by alice Pay 1");
      const { text } = await page(pathOf(await ask(narrowed)), await login("alice"));
      const [, form = ""] = /<form method="post" action="\/approvals[^>]*>(.*?)<\/form>/s.exec(text) ?? [];
      // A form's first submit button is the one that Enter presses.
      expect(/<button[^>]*>/.exec(form)?.[0]).toMatch(/ disabled/);
    });

    test("a request that there is not looks the same", async () => {
      const { narrowed } = await gated("is-principal");
      const path = pathOf(await ask(narrowed));
      const unknown = "/discharges/019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7082";
      const mallory = await login("mallory");
      const [one, other] = [await page(path, mallory), await page(unknown, mallory)];
      expect(one.text.replaceAll(encodeURIComponent(path), "")).toBe(
        other.text.replaceAll(encodeURIComponent(unknown), ""),
      );
    });
  },
  { relyingParty: people.relyingParty },
);
