/** The asker's caveats: what is shown is what is minted, and what is minted is what passes. */
import { expect, test } from "vitest";

import { addSealedCondition, encodeBundle, sealCondition } from "../../src/macaroon/index.ts";
import { systemRandomness } from "../../src/run/system.ts";
import { describeService } from "../support/service.ts";
import { stubRelyingParty } from "../support/service-login.ts";
import { bundle, linkOf, narrow, opened, tickets } from "../support/service-macaroons.ts";

const people = stubRelyingParty();
const LOCATION = "http://127.0.0.1:8080";
const CALL = ["tool = pay", "args.amount = 40", "args.to = printers"];
const TEXT = "Pay 40 EUR to the printers";

interface Waiting {
  readonly id: string;
  readonly secret: string;
  readonly user_url: string;
}

const pay = (args: object) => ({ tool: "pay", args: { amount: 40, to: "printers", ...args } });

describeService(
  "caveats of the asker",
  (service) => {
    async function gated(condition: string) {
      const { token } = await service().issue({ third_party_caveats: [{ location: LOCATION, condition }] });
      return token;
    }
    /** Narrows a token by a caveat for this service with any text, offline, as its holder does. */
    async function narrowedBy(token: string, condition: string) {
      const { PublicKey } = (await service().get("/discharge/info")).json<{ PublicKey: string }>();
      const publicKey = new Uint8Array(Buffer.from(PublicKey, "base64"));
      const sealed = sealCondition({ condition, publicKey }, systemRandomness.bytes);
      if (sealed === undefined) throw new Error("no key");
      return encodeBundle([addSealedCondition(opened(token)[0], LOCATION, sealed, systemRandomness.bytes)]);
    }
    let asks = 0;
    /** Asks from an address of its own each time, since the address has a limit. */
    const ask = (token: string, more: object = {}, headers = {}) =>
      service().send(
        "POST",
        "/v1/discharge",
        { caveat_id: tickets(token).at(-1), token, ...more },
        { "x-test-peer": `198.51.100.${++asks}`, ...headers },
      );
    async function asked(token: string, more: object = {}) {
      const answer = await ask(token, more);
      expect(answer.status, answer.text).toBe(202);
      return answer.json<Waiting & Record<string, unknown>>();
    }
    async function collected({ id, secret }: Waiting) {
      const answer = await service().send("POST", `/v1/discharge/${id}/collect`, { secret });
      expect(answer.status, answer.text).toBe(200);
      return answer.json<{ discharge: string }>().discharge;
    }
    const login = (subject: string) => people.login(service().request, subject);
    const show = (path: string, session: Readonly<Record<string, string>>) =>
      service().request(path, { headers: { ...session, accept: "text/html" } });
    async function approved(request: Waiting) {
      const session = await login("alice");
      const answer = await service().send(
        "POST",
        `/v1/approvals/${request.id}`,
        { decision: "approve" },
        session,
      );
      expect(answer.status, answer.text).toBe(200);
      return collected(request);
    }
    const effectOf = (html: string) => /<h1 class="effect">(.*?)<\/h1>/s.exec(html)?.[1] ?? "";

    test("approved for one payee, it pays nobody else, nor another amount", async () => {
      const token = await gated(`approved-by alice ${TEXT}`);
      const proof = await approved(await asked(token, { caveats: CALL }));
      const presented = bundle(token, proof);
      expect(await service().verify(presented, pay({}))).toMatchObject({ allowed: true });
      for (const other of [
        { to: "mallory" },
        { amount: 41 },
        { amount: "40.0" },
        { to: ["printers", "mallory"] },
      ]) {
        expect(await service().verify(presented, pay(other))).toMatchObject({
          allowed: false,
          code: "caveat_failed",
        });
      }
      expect(await service().verify(presented, { ...pay({}), tool: "refund" })).toMatchObject({
        allowed: false,
      });
    });

    test("without them the text of the ticket binds nobody, and the page says what is open", async () => {
      const token = await gated(`approved-by alice ${TEXT}`);
      const request = await asked(token);
      const { text } = await show(`/approvals/${request.id}`, await login("alice"));
      expect(effectOf(text)).toMatch(
        /^Allows: any call; any number of times; for 5 minutes from the yes; until /,
      );
      expect(effectOf(text)).not.toMatch(/amount|printers|EUR/);
      const presented = bundle(token, await approved(request));
      expect(await service().verify(presented, pay({ to: "mallory" }))).toMatchObject({ allowed: true });
    });

    test("an exact ticket is not asked for without them, in any condition", async () => {
      for (const condition of [
        "approved-by alice Pay",
        "is-principal",
        "is-authenticated-user",
        "is-member-of a",
      ]) {
        const token = await gated(`exact ${condition}`);
        const conditional = ["when tool = pay then args.amount = 40"];
        for (const caveats of [undefined, [], ["time < 2099-01-01T00:00:00Z"], conditional]) {
          const answer = await ask(token, caveats === undefined ? {} : { caveats });
          expect(answer.json(), condition).toMatchObject({
            status: 422,
            code: "unprocessable",
            member: "caveats",
          });
        }
        expect((await ask(token, { caveats: ["tool = pay"] })).status).toBe(202);
      }
      const form = new URLSearchParams({
        id64: tickets(await gated("exact approved-by alice Pay"))[0] ?? "",
      });
      const bakery = await service().request("/discharge", { method: "POST", body: form });
      expect(bakery.json()).toMatchObject({ Code: "permission denied" });
    });

    test("a limit on some calls alone is told as one: the sentence says what it leaves open, and so it is", async () => {
      const token = await gated("approved-by alice Pay at most 40 EUR");
      const limit = "when tool = pay then args.amount <= 40";
      const session = await login("alice");
      const alone = await asked(token, { caveats: [limit] });
      expect(effectOf((await show(`/approvals/${alone.id}`, session)).text)).toMatch(
        /^Allows: any call, but args\.amount at most 40 if tool is &quot;pay&quot; \(else this limits nothing\); any number of times; /,
      );
      const request = await asked(token, { caveats: [limit, "action = buy"] });
      expect(effectOf((await show(`/approvals/${request.id}`, session)).text)).toMatch(
        /^Allows: action only &quot;buy&quot;, args\.amount at most 40 if tool is &quot;pay&quot; \(else this limits nothing\); all else in the call is open; /,
      );
      const presented = bundle(token, await approved(request));
      const buy = (call: object) => service().verify(presented, { action: "buy", ...call });
      expect(await buy({ tool: "pay", args: { amount: 40 } })).toMatchObject({ allowed: true });
      expect(await buy({ tool: "refund", args: { amount: 4_000 } })).toMatchObject({ allowed: true });
      expect(await buy({ args: { amount: 4_000 } })).toMatchObject({ code: "caveat_failed" });
      expect(await buy({ tool: "pay", args: { amount: 41 } })).toMatchObject({
        code: "caveat_failed",
        failures: [{ caveat: limit, detail: "in discharge 0: on pay: args.amount is 41, at most 40" }],
      });
    });

    test("a person's own proof carries them too, and each discharge is a link of its own", async () => {
      const token = await gated("is-principal");
      const got = async () =>
        (await ask(token, { caveats: CALL }, service().asHuman("alice"))).json<{ discharge: string }>()
          .discharge;
      const [one, two] = [await got(), await got()];
      expect(await service().verify(bundle(token, one), pay({}))).toMatchObject({ allowed: true });
      expect(await service().verify(bundle(token, one), pay({ to: "mallory" }))).toMatchObject({
        allowed: false,
      });
      const texts = opened(one)[0].unverifiedCaveats.map(({ id }) => new TextDecoder().decode(id));
      expect(texts.slice(-4)).toEqual([...CALL, expect.stringMatching(/^bh\.discharge = [\w-]{22}$/)]);
      await service().revoke([{ revocation_id: linkOf(one) }], service().asPlatform());
      expect(await service().verify(bundle(token, one), pay({}))).toMatchObject({ code: "revoked" });
      expect(await service().verify(bundle(token, two), pay({}))).toMatchObject({ allowed: true });
    });

    test.each([
      ["agent = ceo", "is not for the asker to write"],
      ["depth <= 1", "is not for the asker to write"],
      ["ancestor = AAAAAAAAAAAAAAAAAAAAAA", "is not for the asker to write"],
      ["approval = 1", "is not for the asker to write"],
      ["bh.discharge = 1", "is not for the asker to write"],
      ["time > 2026-01-01T00:00:00Z", "is not for the asker to write"],
      ["holder = NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", "is not for the asker to write"],
      [
        "bh.other = 1",
        '"bh.other = 1": bh belongs to the service, which knows no such caveat on it: call the attribute otherwise',
      ],
      [
        "holder = x",
        '"holder = x": holder takes = and the thumbprint of a key, 43 characters of base64url: bakehouse holder new prints one',
      ],
      [
        "nonsense",
        "that is one word: a caveat is an attribute, an operator and a value, such as action = read",
      ],
      ["aud = https://api.example", "is not for the asker to write"],
      ["client = shop", "is not for the asker to write"],
      ["client.id = shop", "client belongs to the service"],
      ["platform = bank", "platform is the service's to speak of"],
      ["principal = alice", "principal is the service's to speak of"],
      ["cost.eur <= 1", "cost is the service's to speak of"],
      ["when tool = pay then platform = bank", "platform is the service's to speak of"],
      ["when principal.id = alice then x = 1", "principal is the service's to speak of"],
      ["when aud in a, b then x = 1", "aud belongs to the service, and stands in no part"],
      [
        "when tool = pay then uses <= 1",
        '"when tool = pay then uses <= 1": uses belongs to the service, and stands in no part of when … then …',
      ],
    ])("%s is not the asker's to write", async (caveat, detail) => {
      const token = await gated("approved-by alice Pay");
      const answer = await ask(token, { caveats: ["tool = pay", caveat] });
      expect(answer.json()).toMatchObject({
        status: 422,
        code: "unprocessable",
        member: "caveats[1]",
        detail: expect.stringContaining(detail),
      });
    });

    test("what contradicts the token, or itself, is refused before a person is asked for a yes that is worth nothing", async () => {
      const token = narrow(await gated("approved-by alice Pay"), "args.amount <= 40");
      for (const [caveats, detail] of [
        [["tool = pay", "args.amount = 400"], '"args.amount <= 40" and "args.amount = 400"'],
        [["args.to = a", "args.to = b"], '"args.to = a" and "args.to = b"'],
      ] as const) {
        const answer = await ask(token, { caveats });
        expect(answer.json()).toMatchObject({
          status: 422,
          code: "unprocessable",
          member: expect.stringMatching(/^caveats\[[01]\]$/),
          detail: expect.stringContaining(detail),
        });
      }
      expect((await ask(token, { caveats: ["args.amount = 40"] })).status).toBe(202);
    });

    test.each([
      ["256 of them", Array.from({ length: 256 }, (_, index) => `x${index} = 1`), 413],
      ["33 of them", Array.from({ length: 33 }, (_, index) => `x${index} = 1`), 422],
      ["32 of them", Array.from({ length: 32 }, (_, index) => `x${index} = 1`), 202],
      ["one of 4 KiB", [`note = ${"y".repeat(4_089)}`], 202],
      ["one of 4 KiB and another", [`note = ${"y".repeat(4_089)}`, "x = 1"], 422],
      ["one that is longer in its canonical text", ["x = 1", `note in ${Array(1_400).fill("a")}`], 422],
      ["one that is longer than a macaroon takes", [`note = ${"y".repeat(4_090)}`], 400],
    ])("%s", async (_, caveats, status) => {
      const token = await gated("approved-by alice Pay");
      expect((await ask(token, { caveats })).status).toBe(status);
    });

    test("a long caveat hides no other one, on the page, in the list and in the sentence", async () => {
      const token = await gated("approved-by alice Pay 1 EUR");
      const note = `note = ${"y".repeat(4_000)}`;
      const request = await asked(token, { caveats: [note, "args.amount = 40000"] });
      const session = await login("alice");
      const { text } = await show(`/approvals/${request.id}`, session);
      expect(effectOf(text)).toContain("args.amount only 40000");
      expect(text).toContain(note);
      const { items } = (await service().get("/v1/approvals?state=pending", session)).json<{
        items: readonly { id: string; allows: string; asked_caveats: readonly string[] }[];
      }>();
      const item = items.find(({ id }) => id === request.id);
      expect(item?.allows).toContain("args.amount only 40000");
      expect(item?.asked_caveats).toEqual([note, "args.amount = 40000"]);
    });

    test.each([
      ["markup", "</h1><h1 class=effect>Allows: nothing; once."],
      ["a sentence like the service's", "Allows: args.amount only 1; once; for 1 second from the yes."],
      ["as much text as fits", `Allows: nothing. ${"x".repeat(980)}`],
    ])(
      "the text of a ticket that imitates the sentence stands in the claims alone: %s",
      async (_, imitation) => {
        const token = await narrowedBy((await service().issue()).token, `approved-by alice ${imitation}`);
        const request = await asked(token, { caveats: CALL });
        const { text } = await show(`/approvals/${request.id}`, await login("alice"));
        expect(text.match(/<h1/g)).toHaveLength(1);
        expect(effectOf(text)).toMatch(
          /^Allows: tool only &quot;pay&quot;, args\.amount only 40, args\.to only &quot;printers&quot;; /,
        );
        const before = text.slice(0, text.indexOf('<section class="claims">'));
        expect(before).not.toContain(imitation.slice(0, 20));
        expect(before.indexOf("effect")).toBeGreaterThan(0);
      },
    );

    test.each([
      ["an override of the direction", "approved-by alice Pay \u202e04"],
      ["a line end", "approved-by alice Pay\nAllows: nothing"],
    ])("a ticket with %s is refused", async (_, condition) => {
      const token = await narrowedBy((await service().issue()).token, condition);
      expect((await ask(token)).json()).toMatchObject({ status: 422, code: "condition_unknown" });
    });

    test("a letter that looks like another, or like none, is seen for what it is", async () => {
      const token = await gated("approved-by alice Pay the printers");
      const caveats = ["args.to = printer\u0455", "args.iban = DE\u200b89"];
      const request = await asked(token, { caveats });
      const { text } = await show(`/approvals/${request.id}`, await login("alice"));
      expect(effectOf(text)).toContain(
        "args.to only &quot;printer\\u{455}&quot;, &quot;args.iban&quot; only &quot;DE\\u{200b}89&quot;",
      );
    });

    test("the pages of the other conditions say what a yes does, too", async () => {
      for (const condition of ["is-principal", "is-authenticated-user", "is-member-of oncall"]) {
        const request = await asked(await gated(`life=90 ${condition}`), { caveats: CALL });
        const session = await people.login(service().request, { subject: "alice", groups: ["oncall"] });
        const { text } = await show(`/discharges/${request.id}`, session);
        expect(effectOf(text), condition).toMatch(
          /^Allows: tool only &quot;pay&quot;, args\.amount only 40, args\.to only &quot;printers&quot;; all else in the call is open; any number of times; for 90 seconds from the yes; until .* UTC at the latest; with the token of &quot;alice&quot; on default, within its own limits\.$/,
        );
      }
    });

    test("a holder's caveats are not in the sentence, the issuer's are, and a holder's time ends it", async () => {
      const { token } = await service().issue({
        caveats: ["args.amount <= 100"],
        third_party_caveats: [{ location: LOCATION, condition: "approved-by alice Pay" }],
      });
      const held = narrow(
        token,
        "agent = shopper#1",
        "note = the bank agrees",
        "time < 2099-01-01T00:00:00Z",
      );
      const request = await asked(held, { caveats: ["args.amount = 40"] });
      const { text } = await show(`/approvals/${request.id}`, await login("alice"));
      expect(effectOf(text)).toMatch(/^Allows: args\.amount only 40; /);
      expect(effectOf(text)).not.toMatch(/bank|shopper/);
    });
  },
  { relyingParty: people.relyingParty },
);
