/** Those who hold what a token was narrowed to keep out none beside them and none above, however often they ask. */
import { expect, test } from "vitest";

import { bearer, describeService } from "../support/service.ts";
import { stubRelyingParty } from "../support/service-login.ts";
import { narrow, tickets } from "../support/service-macaroons.ts";

const people = stubRelyingParty();
const LOCATION = "http://127.0.0.1:8080";

describeService(
  "asking, by the branches of a token",
  (service) => {
    let asks = 0;
    const ask = (token: string, from = `203.0.113.${(asks++ % 250) + 1}`, more: object = {}) =>
      service().send(
        "POST",
        "/v1/discharge",
        { caveat_id: tickets(token)[0], token, ...more },
        { "x-test-peer": from },
      );

    async function gated(subject: string, condition = "approved-by alice Pay"): Promise<string> {
      const third_party_caveats = [{ location: LOCATION, condition }];
      const { token } = await service().issue({ third_party_caveats }, subject);
      return token;
    }

    test("a rogue agent fills its part of the waiting requests, and no part of the others'", async () => {
      const root = await gated("carol");
      const orchestrator = narrow(root, "agent = orchestrator");
      const rogue = narrow(orchestrator, "agent = rogue");
      let taken = 0;
      let last = await ask(narrow(rogue, "x = 0"));
      for (; last.status === 202; taken++) last = await ask(narrow(rogue, `x = ${taken + 1}`));
      expect(last.json()).toMatchObject({ status: 429, code: "rate_limited" });
      expect(taken).toBeLessThanOrEqual(30);
      // What it hands on itself is its own part, too.
      expect((await ask(narrow(rogue, "agent = another"))).status).toBe(429);

      const above = narrow(orchestrator, "a = 1", "b = 2", "c = 3", "d = 4");
      const beside = narrow(orchestrator, "agent = sibling", "a = 1", "b = 2", "c = 3");
      const elsewhere = narrow(root, "agent = other", "a = 1", "b = 2", "c = 3");
      for (const token of [above, beside, elsewhere, await gated("carol")]) {
        const answer = await ask(token);
        expect(answer.status, answer.text).toBe(202);
      }
    });

    test("those behind one address who show no good token keep out none who does", async () => {
      const token = await gated("dave");
      const from = "198.51.100.7";
      const broken = `${token.slice(0, -4)}AAAA`;
      let refused = 0;
      for (let count = 0; count < 45; count++) refused += Number((await ask(broken, from)).status === 429);
      expect(refused).toBeGreaterThan(0);
      expect((await ask(token, from)).status).toBe(202);
      // Nor do those who do.
      const loud = await gated("erin");
      for (let count = 0; count < 45; count++) await ask(narrow(loud, "agent = loud"), from);
      expect((await ask(narrow(loud, "agent = loud"), from)).status).toBe(429);
      expect((await ask(await gated("frank"), from)).status).toBe(202);
    });

    test("a no holds for a while: the same is not asked again by the same agent or below it", async () => {
      const root = await gated("grace");
      const agent = narrow(root, "agent = eager");
      const caveats = ["args.amount = 40"];
      const asked = (await ask(agent, undefined, { caveats })).json<{ id: string }>();
      const alice = await people.login(service().request, "alice");
      const denied = await service().send("POST", `/v1/approvals/${asked.id}`, { decision: "deny" }, alice);
      expect(denied.status, denied.text).toBe(200);
      for (const token of [agent, narrow(agent, "x = 1"), narrow(agent, "agent = helper")]) {
        const answer = await ask(token, undefined, { caveats });
        expect(answer.json()).toMatchObject({ status: 403, code: "denied" });
      }
      // Something else may be asked for, and the same by those above and beside.
      for (const [token, other] of [
        [agent, ["args.amount = 20"]],
        [root, caveats],
        [narrow(root, "agent = calm"), caveats],
      ] as const) {
        const answer = await ask(token, undefined, { caveats: other });
        expect(answer.status, answer.text).toBe(202);
      }
    });

    test("nor from a link further up of its own, nor as another of its own making", async () => {
      const agent = narrow(await gated("gina"), "agent = eager");
      const asked = (await ask(narrow(agent, "a = 1", "b = 2", "c = 3"))).json<{ id: string }>();
      const alice = await people.login(service().request, "alice");
      await service().send("POST", `/v1/approvals/${asked.id}`, { decision: "deny" }, alice);
      for (const token of [agent, narrow(agent, "a = 1"), narrow(agent, "agent = innocent")]) {
        expect((await ask(token)).json()).toMatchObject({ status: 403, code: "denied" });
      }
    });

    test("the people whom a platform invents leave its real ones their turn at the front page", async () => {
      const real = await service().send(
        "POST",
        "/v1/tokens",
        {
          platform: "default",
          third_party_caveats: [{ location: LOCATION, condition: "approved-by walt The real one" }],
        },
        service().asHuman("wanda"),
      );
      expect((await ask(real.json<{ token: string }>().token)).status).toBe(202);
      for (let count = 0; count < 21; count++) {
        const body = {
          platform: "default",
          on_behalf_of: { subject: `invented-${count}` },
          third_party_caveats: [{ location: LOCATION, condition: "approved-by walt Spam" }],
        };
        const answer = await service().send("POST", "/v1/tokens", body, service().asPlatform());
        expect((await ask(answer.json<{ token: string }>().token)).status).toBe(202);
      }
      const page = (await service().get("/", await people.login(service().request, "walt"))).text;
      expect(page).toContain("The real one");
    });

    /** Asks until it is refused because too many wait. @returns the number that wait */
    async function fill(askOnce: () => Promise<{ readonly status: number; readonly text: string }>) {
      for (let taken = 0, tries = 0; tries < 120; tries++) {
        const answer = await askOnce();
        if (answer.text.includes("wait already")) return taken;
        if (answer.status === 429) await service().advance(5_000);
        else taken++;
      }
      throw new Error("nothing was refused");
    }

    test("without a token, what was narrowed or acts for somebody fills a part of the places above it", async () => {
      const [caveat_id] = tickets(await gated("henry", "is-member-of nobody"));
      const askAs = (headers: Record<string, string>) =>
        service().send("POST", "/v1/discharge", { caveat_id }, headers);
      const whole = service().asPlatform()["authorization"]?.replace("Bearer ", "") ?? "";
      const narrowed = bearer(narrow(whole, "agent = helper", "action = discharge"));
      expect(await fill(() => askAs(narrowed))).toBeLessThan(50);
      expect((await askAs(bearer(narrow(whole, "agent = other")))).status).toBe(202);
      expect((await askAs(service().asPlatform())).status).toBe(202);

      const [mine] = tickets(await gated("henry", "auth-age=0 is-authenticated-user"));
      const askMine = (headers: Record<string, string>) =>
        service().send("POST", "/v1/discharge", { caveat_id: mine }, headers);
      expect(await fill(() => askMine(service().asHuman("ida")))).toBeLessThan(50);
      const ida = await people.login(service().request, "ida");
      expect((await askMine(ida)).status).toBe(202);
    });

    test("strangers of one network fill a part of an approver's places, and no front page", async () => {
      const asTicket = async (subject: string, text: string) => {
        const [id64 = ""] = tickets(await gated(subject, `approved-by judy ${text}`));
        return (from: string) =>
          service().request("/discharge", {
            method: "POST",
            headers: { "bakery-protocol-version": "3", "x-test-peer": from },
            body: new URLSearchParams({ id64 }),
          });
      };
      const genuine = await gated("kate", "approved-by judy Pay the salaries");
      expect((await ask(narrow(genuine, "agent = payroll"))).status).toBe(202);

      const spam = await asTicket("mallory", "Spam by strangers");
      let taken = 0;
      for (let host = 20; host < 40; host++) {
        for (let count = 0; count < 6; count++)
          taken += Number((await spam(`203.0.113.${host}`)).text.includes("interaction required"));
      }
      expect(taken).toBeLessThanOrEqual(15);
      const real = await (await asTicket("larry", "The real one"))("198.51.100.77");
      expect(real.text).toContain("interaction required");

      const loud = await gated("mallory", "approved-by judy Spam with a token");
      for (let count = 0; count < 25; count++) await ask(narrow(loud, `agent = a${count}`));
      const page = (await service().get("/", await people.login(service().request, "judy"))).text;
      expect(page).toContain("Pay the salaries");
      expect(page).toContain("The real one");
      expect(page).toContain("More wait than are shown here");
    });

    test("a label is no name of a row: it stands in the frame of claims", async () => {
      const { token_id } = await service().issue({ label: "Mail assistant. Cut off 2026-11-27" }, "nora");
      const session = await people.login(service().request, "nora");
      for (const path of ["/", "/tokens", `/tokens/${token_id}`]) {
        const page = (await service().get(path, session)).text;
        expect(page).toMatch(/<div class="claims"><p>Label, unverified: <span>Mail assistant/);
        expect(page.split("Mail assistant")).toHaveLength(2);
      }
      expect((await service().get("/", session)).text).toContain(`<b>Token ${token_id}</b>`);
    });
  },
  { relyingParty: people.relyingParty },
);
