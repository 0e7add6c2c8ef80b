/** U+0000, which Postgres cannot store, where it gets in without JSON: it is refused or kept as it is, and is no fault. */
import { expect, test } from "vitest";

import { bearer, describeService } from "../support/service.ts";
import { stubRelyingParty } from "../support/service-login.ts";
import { createThirdParty, narrow, tickets } from "../support/service-macaroons.ts";

const people = stubRelyingParty();
const LOCATION = "http://127.0.0.1:8080";

describeService(
  "U+0000",
  (service) => {
    const send = (path: string, body: object, headers: Readonly<Record<string, string>> = {}) =>
      service().send("POST", path, body, { "x-test-peer": `192.0.2.${++asks % 250}`, ...headers });
    const form = (path: string, body: string, headers: Readonly<Record<string, string>> = {}) =>
      service().request(path, {
        method: "POST",
        body,
        headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
      });
    let asks = 0;

    async function gated(condition = "approved-by alice Pay"): Promise<string> {
      const third_party_caveats = [{ location: LOCATION, condition }];
      return (await service().issue({ third_party_caveats })).token;
    }

    test.each([
      "x = a\0b",
      "agent = a\0b",
      "\0",
      "uses <= 3\0",
      "spend.E\0 <= 3",
      "time < 2099-01-01T00:00:00Z\0",
    ])("in a caveat that a holder appends: %j", async (caveat) => {
      const token = narrow(await gated(), caveat);
      const [ticket = ""] = tickets(token);
      const question = { token, context: {}, charge_id: "c", reserve: 60, cost: { EUR: 1 } };
      const asPlatform = service().asPlatform();
      const refused = { allowed: false, code: "caveat_unknown" };
      expect((await send("/v1/verify", question, asPlatform)).json()).toMatchObject(refused);
      const { results } = (await send("/v1/verify/batch", { requests: [question] }, asPlatform)).json();
      expect(results).toMatchObject([refused]);
      expect((await service().get("/v1/keys", bearer(token))).status).toBe(401);
      expect((await send("/v1/discharge", { caveat_id: ticket, token })).status).toBe(202);
      const alice = await people.login(service().request, "alice");
      const { items } = (await service().get("/v1/approvals?limit=1", alice)).json<{ items: [object] }>();
      expect(JSON.stringify(items)).not.toContain("\\u0000");
      expect((await service().get("/approvals", alice)).status).toBe(200);
      expect((await form("/oauth/revoke", `token=${token}`)).status).toBe(200);
      expect((await send("/v1/revocations", { targets: [{ token }] })).status).toBe(200);
    });

    test("in the place and the condition of a third party", async () => {
      const stranger = createThirdParty("https://a\0b.test");
      const token = stranger.require(await gated(), "c\0d");
      const [ticket = "", foreign = ""] = tickets(token);
      const question = { token, context: {} };
      expect((await send("/v1/verify", question, service().asPlatform())).json()).toMatchObject({
        code: "discharge_missing",
      });
      expect((await send("/v1/discharge", { caveat_id: ticket, token })).status).toBe(202);
      expect((await send("/v1/discharge", { caveat_id: foreign, token })).status).toBe(422);
      const alice = await people.login(service().request, "alice");
      const pages = [await service().get("/v1/approvals", alice), await service().get("/approvals", alice)];
      expect(pages.map(({ status }) => status)).toEqual([200, 200]);
    });

    test.each(["approved-by alice a\0b", "approved-by a\0b Pay", "is-member-of a\0b", "is-\0", "\0"])(
      "in a ticket that anyone can seal to this service: %j",
      async (condition) => {
        const { PublicKey } = (await service().get("/discharge/info")).json<{ PublicKey: string }>();
        const token = createThirdParty(LOCATION, PublicKey).require(
          (await service().issue()).token,
          condition,
        );
        const [ticket = ""] = tickets(token);
        const answer = await send("/v1/discharge", { caveat_id: ticket, token });
        expect(answer.json()).toMatchObject({ status: 422, code: "condition_unknown" });
        expect((await form("/discharge", `id64=${ticket}`)).status).toBe(400);
      },
    );

    test("in the reason of an answer", async () => {
      const token = await gated();
      const asked = await send("/v1/discharge", { caveat_id: tickets(token)[0], token });
      const { id } = asked.json<{ id: string }>();
      const alice = await people.login(service().request, "alice");
      expect((await form(`/approvals/${id}`, "decision=approve&reason=a%00", alice)).status).toBe(400);
      expect((await send(`/v1/approvals/${id}`, { decision: "approve" }, alice)).status).toBe(200);
    });

    test.each([
      ["/oauth/revoke", "token=%00"],
      ["/oauth/revoke", "token=x&token_type_hint=%00"],
      ["/discharge", "id=%00"],
      ["/discharge", "id64=AAAA&caveat64=%00"],
      ["/discharge", "id64=AAAA&token=%00&token-kind=a%00"],
      ["/approvals/019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7083", "decision=%00"],
      ["/discharges/019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7083", "decision=%00"],
    ])("in a form: %s %s", async (path, body) => {
      const alice = await people.login(service().request, "alice");
      expect((await form(path, body, alice)).status).toBeLessThan(500);
    });

    test.each([
      "/login?return_to=/%00",
      "/login?acr_values=a%00",
      "/callback?code=%00&state=%00",
      "/callback?error=%00&state=x",
      "/wait-token?id=%00",
      "/discharges/%00",
    ])("in a query or a path: %s", async (path) => {
      expect((await service().get(path)).status).toBeLessThan(500);
    });
  },
  { relyingParty: people.relyingParty },
);
