/** What was revoked does not come back by renewing: a login from before gets no tokens and decides nothing. */
import { setTimeout as sleep } from "node:timers/promises";

import { expect, test } from "vitest";

import { issue, token, uuid } from "../storage/samples.ts";

import { describeService, type Problem } from "../support/service.ts";
import { type Person, stubRelyingParty } from "../support/service-login.ts";
import { tickets } from "../support/service-macaroons.ts";
import { OWN_ISSUER } from "../support/service-people.ts";
import { programOf } from "../support/service-program.ts";
import { until } from "../support/until.ts";

const people = stubRelyingParty();
const LOCATION = "http://127.0.0.1:8080";
type Headers = Readonly<Record<string, string>>;

interface Waiting {
  readonly id: string;
  readonly user_url: string;
}

describeService(
  "a login from before a revocation",
  (service) => {
    const login = (person: Person | string) => people.login(service().request, person);
    const issueAs = async (headers: Headers, body: object = {}) =>
      service().send("POST", "/v1/tokens", { platform: "default", ...body }, headers);
    const status = async (path: string, headers: Headers) => (await service().get(path, headers)).status;

    /** Revokes, and waits until a login would be a later one. */
    async function revoke(target: object, headers: Headers = service().asAdmin()) {
      const { revocations } = await service().revoke([target], headers);
      const [before = ""] = revocations.map((one) => String(Reflect.get(one.target, "issued_before")));
      await until(() => Date.now() > Date.parse(before));
    }

    /** A token of somebody else with a ticket, and a request to discharge it that waits. */
    async function asked(condition: string, subject = "orchestrator") {
      const third_party_caveats = [{ location: LOCATION, condition }];
      const { token } = await service().issue({ third_party_caveats }, subject);
      const body = { caveat_id: tickets(token)[0], token };
      const answer = await service().send("POST", "/v1/discharge", body);
      expect(answer.status, answer.text).toBe(202);
      const { id, user_url } = answer.json<Waiting & Record<string, unknown>>();
      return { ...body, id, path: new URL(user_url).pathname };
    }

    const form = (path: string, session: Headers, decision: string) =>
      service().request(path, { method: "POST", headers: session, body: new URLSearchParams({ decision }) });

    test("is good for nothing once an administrator has revoked the person, and a new one is", async () => {
      const session = await login("eve");
      const program = await programOf(service(), session);
      const idToken = service().asHuman({ subject: "eve", issuedAt: Date.now() });
      const all = { session, program, idToken };
      for (const headers of Object.values(all)) expect((await issueAs(headers)).status).toBe(201);
      await revoke({ principal: { subject: "eve" } });
      for (const [how, headers] of Object.entries(all)) {
        const answer = await issueAs(headers);
        expect(answer.status, how).toBe(401);
        // A client of macaroon-bakery is given what it needs to log in again.
        if (how !== "program") expect(answer.json<Problem>().detail, how).toContain("log in again");
        expect(await status("/v1/tokens", headers), how).toBe(401);
      }
      expect((await issueAs(await login("eve"))).status).toBe(201);
      const later = service().asHuman({ subject: "eve", issuedAt: Date.now() });
      expect((await issueAs(later)).status).toBe(201);
    });

    test("administers nothing any more", async () => {
      const root = { subject: "root", groups: ["admins"] };
      const session = await login(root);
      expect(await status("/v1/platforms", session)).toBe(200);
      await revoke({ principal: { subject: "root" } });
      expect(await status("/v1/platforms", session)).toBe(401);
      expect(await status("/v1/platforms", await login(root))).toBe(200);
    });

    test("an issuer that answers with it again is asked for a new one, and begins no session", async () => {
      const before = Date.now() - 1_000;
      await revoke({ principal: { subject: "remembered" } });
      await expect(login({ subject: "remembered", authenticatedAt: before })).rejects.toThrow();
      const attempt = (await service().get("/login")).headers.getSetCookie()[0]?.split(";")[0] ?? "";
      const back = await service().get("/callback?state=s&code=c", { cookie: attempt, accept: "text/html" });
      expect(back.status).toBe(400);
      expect(back.text).toContain("log in again");
      expect(back.text).toContain("max_age=0");
      expect((await issueAs(await login("remembered"))).status).toBe(201);
    });

    test("gets no tokens of a platform that revoked the person, by their id there too, and others' it does", async () => {
      await service().createPlatform("other");
      for (const by of ["subject", "id"] as const) {
        const session = await login(`revoked by ${by}`);
        const { principal } = (await issueAs(session)).json<{ principal: { id: string } }>();
        const named = by === "id" ? { id: principal.id } : { subject: `revoked by ${by}` };
        await revoke({ principal: named }, service().asPlatform());
        expect((await issueAs(session)).status).toBe(401);
        expect(await status("/v1/tokens", session)).toBe(200);
        expect((await issueAs(session, { platform: "other" })).status).toBe(201);
        expect((await issueAs(await login(`revoked by ${by}`))).status).toBe(201);
      }
    });

    test("gets none once the person has revoked all of theirs, and none from before a platform's fence", async () => {
      await service().createPlatform("fenced");
      const session = await login("careful");
      const program = await programOf(service(), session);
      expect((await issueAs(program)).status).toBe(201);
      await revoke({ principal: { subject: "careful" } }, session);
      for (const headers of [session, program]) expect((await issueAs(headers)).status).toBe(401);
      const again = await login("careful");
      expect((await issueAs(again, { platform: "fenced" })).status).toBe(201);
      await revoke({ platform: "fenced" });
      expect((await issueAs(again, { platform: "fenced" })).status).toBe(401);
      expect((await issueAs(again)).status).toBe(201);
    });

    test("what is got with it while a revocation waits for its turn is older than the revocation", async () => {
      const at = Date.now() + 500;
      const n = Math.floor(at / 1000) % 1_000_000;
      let commit = () => {};
      const held = new Promise<void>((resolve) => {
        commit = resolve;
      });
      let redeemed = false;
      const redeeming = service().database.store.transaction("redeem", async (repositories) => {
        const login = { issuer: OWN_ISSUER, subject: "racer", platform: "default", spokeAt: Date.now() };
        await repositories.revocations.endsGrant(login);
        redeemed = true;
        await held;
        const got = token(n, { id: uuid(n, at), platform: "default", issuedAt: at });
        await repositories.issues.record([issue(n, { token: got })]);
      });
      await until(() => redeemed);
      const revoking = service().revoke([{ principal: { subject: "racer" } }], service().asAdmin());
      // Long enough for it to be dated, if it were before its turn.
      await sleep(200);
      commit();
      await redeeming;
      const { target } = (await revoking).revocations[0] ?? { target: {} };
      expect(Date.parse(String(Reflect.get(target, "issued_before")))).toBeGreaterThan(at);
    });

    test("nobody is affected by an entry of another person, or by a platform's word of the moment", async () => {
      const session = await login("bystander");
      await revoke({ principal: { subject: "mallory" } }, service().asHuman("mallory"));
      expect((await issueAs(session)).status).toBe(201);
      await revoke({ principal: { subject: "spoken for" } });
      const named = { on_behalf_of: { subject: "spoken for" } };
      expect((await issueAs(service().asPlatform(), named)).status).toBe(201);
    });

    test("approves nothing, may still say no, and a new one approves", async () => {
      const [first, second] = [await asked("approved-by zed Pay"), await asked("approved-by zed Pay again")];
      const session = await login("zed");
      await revoke({ principal: { subject: "zed" } }, service().asPlatform());
      const { text } = await service().get(first.path, { ...session, accept: "text/html" });
      expect(text).toContain("log in again");
      expect(text).not.toContain('value="approve"');
      const said = await service().send(
        "POST",
        `/v1/approvals/${first.id}`,
        { decision: "approve" },
        session,
      );
      expect(said.status).toBe(403);
      expect((await form(second.path, session, "deny")).status).toBe(303);
      expect((await form(first.path, await login("zed"), "approve")).status).toBe(303);
    });

    test("an approver whose principal's id was revoked at the token's platform approves nothing there", async () => {
      const { id } = (await service().issue({}, "by-id")).principal;
      const { path } = await asked("approved-by by-id Pay");
      const session = await login("by-id");
      await revoke({ principal: { id } }, service().asPlatform());
      expect((await form(path, session, "approve")).status).toBe(403);
      expect((await form(path, await login("by-id"), "approve")).status).toBe(303);
    });

    test("proves nothing of the person, at once or on a page", async () => {
      const session = await login("prover");
      const request = await asked("is-authenticated-user");
      const mine = await asked("is-principal", "prover");
      await revoke({ principal: { subject: "prover" } }, service().asPlatform());
      expect((await form(request.path, session, "confirm")).status).toBe(403);
      // The person's own token is dead as well.
      expect((await form(mine.path, session, "confirm")).status).toBe(410);
      const { caveat_id, token } = request;
      const atOnce = await service().send("POST", "/v1/discharge", { caveat_id, token }, session);
      expect(atOnce.status).toBe(401);
      const again = await login("prover");
      const answer = await service().send("POST", "/v1/discharge", { caveat_id, token }, again);
      expect(answer.status, answer.text).toBe(200);
    });
  },
  { relyingParty: people.relyingParty },
);
