/** Once means once: one use of the discharge, and one live discharge for the link that asks. */
import { expect, test } from "vitest";

import { describeService, type TestReplica } from "../support/service.ts";
import { type Person, stubRelyingParty } from "../support/service-login.ts";
import { bundle, narrow, opened, tickets } from "../support/service-macaroons.ts";

const people = stubRelyingParty();
const LOCATION = "http://127.0.0.1:8080";
const CALL = ["tool = pay", "args.amount = 40", "args.to = printers"];
const TEXT = "Pay 40 EUR to the printers";

interface Waiting {
  readonly id: string;
  readonly secret: string;
}

const pay = (args: object = {}) => ({ tool: "pay", args: { amount: 40, to: "printers", ...args } });

describeService(
  "once",
  (service) => {
    let asks = 0;
    async function gated(condition: string) {
      const { token } = await service().issue({ third_party_caveats: [{ location: LOCATION, condition }] });
      return token;
    }
    const ask = (token: string, more: object = {}, headers = {}, at: TestReplica = service()) =>
      at.send(
        "POST",
        "/v1/discharge",
        { caveat_id: tickets(token).at(-1), token, caveats: CALL, ...more },
        { "x-test-peer": `192.0.2.${++asks % 250}`, ...headers },
      );
    async function asked(token: string): Promise<Waiting> {
      const answer = await ask(token);
      expect(answer.status, answer.text).toBe(202);
      return answer.json<Waiting & Record<string, unknown>>();
    }
    const login = (person: Person | string) => people.login(service().request, person);
    const decide = async ({ id }: Waiting, decision = "approve") =>
      service().send("POST", `/v1/approvals/${id}`, { decision }, await login("alice"));
    const collect = ({ id, secret }: Waiting) =>
      service().send("POST", `/v1/discharge/${id}/collect`, { secret });
    const proofOf = async (request: Waiting) =>
      (await collect(request)).json<{ discharge: string }>().discharge;

    test("approved once, it is paid once, to nobody else, however often it is collected and narrowed", async () => {
      const token = await gated(`once exact approved-by alice ${TEXT}`);
      const request = await asked(token);
      await decide(request);
      const [proof, again] = [await proofOf(request), await proofOf(request)];
      expect(again).toBe(proof);
      const presented = bundle(token, proof);
      const other = await service().verify(presented, pay({ to: "mallory" }));
      expect(other).toMatchObject({ allowed: false, code: "caveat_failed" });
      expect(await service().verify(presented, pay())).toMatchObject({ allowed: true });
      const narrowed = bundle(narrow(token, "agent = other#1"), narrow(proof, "x = 1"));
      for (const second of [
        presented,
        bundle(token, again),
        narrowed,
        bundle(token, narrow(proof, "tool = pay")),
      ]) {
        const verdict = await service().verify(second, { ...pay(), x: 1 });
        expect(verdict).toMatchObject({ allowed: false, code: "budget_exhausted" });
      }
    });

    test("the sentence says how often, and that what it does not name is open", async () => {
      const allows = async (condition: string, caveats: readonly string[]) => {
        const token = await gated(condition);
        const { id } = (await ask(token, { caveats })).json<Waiting & Record<string, unknown>>();
        const { items } = (await service().get("/v1/approvals?limit=5", await login("alice"))).json<{
          items: readonly { id: string; allows: string }[];
        }>();
        return items.find((item) => item.id === id)?.allows.split("; for ")[0];
      };
      const rest =
        'tool only "pay", args.amount only 40, args.to only "printers"; all else in the call is open';
      expect(await allows("once approved-by alice Pay", CALL)).toBe(`Allows: ${rest}; once`);
      expect(await allows("approved-by alice Pay", [...CALL, "uses <= 1"])).toBe(`Allows: ${rest}; once`);
      expect(await allows("approved-by alice Pay", CALL)).toBe(`Allows: ${rest}; any number of times`);
      expect(await allows("approved-by alice Pay", [...CALL, "uses <= 3", "uses <= 5"])).toBe(
        `Allows: ${rest}; at most 3 times in all`,
      );
      expect(await allows("approved-by alice Pay", ["spend.EUR <= 40", "rate <= 2/h"])).toBe(
        "Allows: any call; any number of times, at most 40 EUR in all, at most 2 times an hour",
      );
      expect(await allows("once approved-by alice Pay", ["tool = pay", "args.amount <= 40"])).toBe(
        'Allows: tool only "pay", args.amount at most 40; all else in the call is open; once',
      );
      expect(await allows("once approved-by alice Pay", ["time < 2099-01-01T00:00:00Z"])).toBe(
        "Allows: any call; once",
      );
      expect(
        await allows("once approved-by alice Pay", ["args.x.amount <= 1", "args.x.currency = EUR"]),
      ).toBe(
        'Allows: "args.x.amount" at most 1, "args.x.currency" only "EUR"; all else in the call is open; once',
      );
    });

    test("one lives for the link that asks, until it is denied, withdrawn or over", async () => {
      const token = await gated("once life=600 approved-by alice Pay");
      const refused = async (asking = token) => {
        const answer = await ask(asking);
        expect(answer.json()).toMatchObject({ status: 409, code: "conflict" });
      };
      const another = await gated("once life=600 approved-by alice Pay");
      const denied = await asked(another);
      await refused(another);
      await decide(denied, "deny");
      // The same question is denied for a while; with other caveats it is another one.
      expect((await ask(another)).json()).toMatchObject({ status: 403, code: "denied" });
      expect((await ask(another, { caveats: [...CALL, "x = 1"] })).status).toBe(202);

      const withdrawn = await asked(token);
      await refused();
      await service().send("POST", `/v1/discharge/${withdrawn.id}/withdraw`, { secret: withdrawn.secret });

      const granted = await asked(token);
      await decide(granted);
      await refused();
      // What is narrowed from the link asks for itself.
      const below = await ask(narrow(token, "agent = other#1"));
      expect(below.status).toBe(202);
      const proof = await proofOf(granted);
      await service().revoke([{ approval_id: granted.id }], service().asPlatform());
      expect(await service().verify(bundle(token, proof), pay())).toMatchObject({ code: "revoked" });

      const ended = await asked(token);
      await decide(ended);
      await service().advance(600_000);
      people.advance(600_000);
      await asked(token);
      await refused();
    });

    test("no other spelling of the ticket opens, so that none takes a second place", async () => {
      const token = await gated("once approved-by alice Pay");
      await asked(token);
      const [text = ""] = tickets(token);
      const spelled = new Uint8Array(Buffer.from(text, "base64url"));
      // The last bit of the writer's public key, which X25519 passes over (RFC 7748, 5).
      spelled[36] = (spelled[36] ?? 0) ^ 0x80;
      const other = Buffer.from(spelled).toString("base64url");
      for (const more of [{ caveat: other }, { caveat_id: other }, { caveat_id: other, caveat: text }]) {
        const answer = await ask(token, more);
        expect(answer.status, answer.text).toBeGreaterThanOrEqual(400);
        expect(answer.status).toBeLessThan(500);
      }
      expect((await ask(token, { caveat: other })).json()).toMatchObject({ code: "ticket_invalid" });
    });

    test("of many who ask at once, at two replicas, one is heard", async () => {
      const other = service().replica();
      await other.start();
      for (const condition of ["once approved-by alice Pay", "once is-principal"]) {
        const token = await gated(condition);
        const headers = condition.includes("is-principal") ? service().asHuman("alice") : {};
        const answers = await Promise.all(
          Array.from({ length: 6 }, (_, index) =>
            ask(token, {}, headers, index % 2 === 0 ? service() : other),
          ),
        );
        const statuses = answers.map(({ status }) => status).sort();
        const first = condition.includes("is-principal") ? 200 : 202;
        expect(statuses, condition).toEqual([first, 409, 409, 409, 409, 409]);
      }
    });

    test("a person's own proof is good once, and the next one is to be had when it has ended", async () => {
      const token = await gated("once life=60 is-principal");
      const alice = service().asHuman("alice");
      const { discharge } = (await ask(token, {}, alice)).json<{ discharge: string }>();
      const texts = opened(discharge)[0].unverifiedCaveats.map(({ id }) => new TextDecoder().decode(id));
      expect(texts.slice(2)).toEqual([
        expect.stringMatching(/^approval = /),
        "uses <= 1",
        ...CALL,
        expect.stringMatching(/^bh\.discharge = /),
      ]);
      expect(await service().verify(bundle(token, discharge), pay())).toMatchObject({ allowed: true });
      expect(await service().verify(bundle(token, discharge), pay())).toMatchObject({
        code: "budget_exhausted",
      });
      expect((await ask(token, {}, alice)).status).toBe(409);
      await service().advance(60_000);
      expect((await ask(token, {}, service().asHuman("alice"))).status).toBe(200);
    });

    test("it needs the token, so that nobody takes the place of a link by naming it", async () => {
      const token = await gated("once is-authenticated-user");
      const answer = await ask(token, { token: undefined });
      expect(answer.json()).toMatchObject({ status: 400, member: "token" });
      const form = new URLSearchParams({ id64: tickets(token)[0] ?? "" });
      const bakery = await service().request("/discharge", { method: "POST", body: form });
      expect(bakery.json()).toMatchObject({ Code: "permission denied" });
    });
  },
  { relyingParty: people.relyingParty },
);
