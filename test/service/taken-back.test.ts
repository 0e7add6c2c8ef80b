/** What a person confirmed or approved ends when they take it back, and when they are revoked. */
import { expect, test } from "vitest";

import { describeService } from "../support/service.ts";
import { type Person, stubRelyingParty } from "../support/service-login.ts";
import { bundle, tickets } from "../support/service-macaroons.ts";
import { until } from "../support/until.ts";

const people = stubRelyingParty();
const LOCATION = "http://127.0.0.1:8080";
type Headers = Readonly<Record<string, string>>;

interface Waiting {
  readonly id: string;
  readonly secret: string;
  readonly user_url: string;
}

describeService(
  "what was granted",
  (service) => {
    const login = (person: Person | string) => people.login(service().request, person);
    const member = (subject: string) => ({ subject, groups: ["oncall"] });

    async function ticket(condition: string, subject = "orchestrator") {
      const third_party_caveats = [{ location: LOCATION, condition }];
      const { token } = await service().issue({ third_party_caveats }, subject);
      return { token, body: { caveat_id: tickets(token)[0], token } };
    }

    async function asked(condition: string, subject?: string) {
      const { token, body } = await ticket(condition, subject);
      const answer = await service().send("POST", "/v1/discharge", body);
      expect(answer.status, answer.text).toBe(202);
      const { id, secret, user_url } = answer.json<Waiting & Record<string, unknown>>();
      return { token, id, secret, path: new URL(user_url).pathname };
    }

    const form = (path: string, session: Headers, decision: string) =>
      service().request(path, {
        method: "POST",
        headers: { ...session, accept: "text/html" },
        body: new URLSearchParams({ decision }),
      });
    const page = async (path: string, session: Headers) =>
      (await service().get(path, { ...session, accept: "text/html" })).text;
    const collect = ({ id, secret }: Pick<Waiting, "id" | "secret">) =>
      service().send("POST", `/v1/discharge/${id}/collect`, { secret });
    const verify = (text: string) => service().verify(text, { action: "pay" });

    async function confirmed(condition: string, session: Headers, subject?: string) {
      const request = await asked(condition, subject);
      expect((await form(request.path, session, "confirm")).status).toBe(303);
      const { discharge } = (await collect(request)).json<{ discharge: string }>();
      const presented = bundle(request.token, discharge);
      expect(await verify(presented)).toMatchObject({ allowed: true });
      return { ...request, presented };
    }

    async function approve(request: Pick<Waiting, "id">, person: string) {
      const said = { decision: "approve" };
      return service().send("POST", `/v1/approvals/${request.id}`, said, await login(person));
    }

    /** Revokes, and waits until a login would be a later one. */
    async function revoke(target: object, headers: Headers = service().asAdmin()) {
      const { revocations } = await service().revoke([target], headers);
      const [before = ""] = revocations.map((one) => String(Reflect.get(one.target, "issued_before")));
      await until(() => Date.now() > Date.parse(before));
    }

    test.each([
      ["an administrator's entry by subject", () => service().asAdmin()],
      ["the platform's entry by subject", () => service().asPlatform()],
      ["the person's own", undefined],
    ])("a confirmation ends with the person who gave it: %s", async (_, as) => {
      const session = await login(member("mia"));
      const { presented, path, ...request } = await confirmed("is-member-of oncall", session);
      await revoke({ principal: { subject: "mia" } }, as?.() ?? session);
      expect(await verify(presented)).toMatchObject({ allowed: false, code: "revoked" });
      expect((await collect(request)).status).toBe(410);
      expect((await confirmed("is-member-of oncall", await login(member("mia")))).path).not.toBe(path);
    });

    test("by their principal's id, it ends where that id is good", async () => {
      await service().createPlatform("aside");
      const { id } = (await service().issue({}, "ida")).principal;
      const session = await login(member("ida"));
      const { presented } = await confirmed("is-member-of oncall", session);
      await revoke({ principal: { id } });
      expect(await verify(presented)).toMatchObject({ allowed: false, code: "revoked" });
    });

    test("what was got at once with a login ends with it, and is on the person's list", async () => {
      const session = await login(member("otto"));
      const { token, body } = await ticket("is-member-of oncall");
      const answer = await service().send("POST", "/v1/discharge", body, session);
      expect(answer.status, answer.text).toBe(200);
      const presented = bundle(token, answer.json<{ discharge: string }>().discharge);
      expect(await verify(presented)).toMatchObject({ allowed: true });
      expect(await page("/", session)).toContain("What you have confirmed");
      await revoke({ principal: { subject: "otto" } });
      expect(await verify(presented)).toMatchObject({ allowed: false, code: "revoked" });
    });

    test("nobody else's entry reaches it, nor one about a login that is younger than its date", async () => {
      const session = await login(member("nora"));
      const { presented } = await confirmed("is-member-of oncall", session);
      await service().createPlatform("foreign");
      const mallory = await login("mallory");
      const before = new Date(Date.now() - 3_600_000).toISOString();
      await service().revoke([{ principal: { subject: "nora" } }], service().asPlatform("foreign"));
      await service().revoke([{ principal: { subject: "mallory" } }], mallory);
      await service().revoke(
        [{ principal: { subject: "nora" }, issued_before: before }],
        service().asAdmin(),
      );
      expect(await verify(presented)).toMatchObject({ allowed: true });
    });

    test("a person sees what they have confirmed and takes it back, and nobody else does", async () => {
      const session = await login(member("tess"));
      const { presented, path, id } = await confirmed("is-member-of oncall", session);
      expect(await page("/", session)).toContain(path);
      expect(await page(path, session)).toContain("Take it back");
      const other = await login(member("tim"));
      expect(await page("/", other)).not.toContain(path);
      expect(await page(path, other)).not.toContain("Take it back");
      expect((await form(path, other, "withdraw")).status).toBe(403);
      expect((await form(path, await login("stranger"), "withdraw")).status).toBe(404);
      expect(await verify(presented)).toMatchObject({ allowed: true });
      // The person who left the group since takes it back all the same.
      expect((await form(path, await login("tess"), "withdraw")).status).toBe(303);
      expect(await verify(presented)).toMatchObject({ allowed: false, code: "revoked" });
      expect(await page(path, session)).toContain("Taken back");
      expect(await page("/", session)).not.toContain(path);
      expect((await form(path, session, "withdraw")).status).toBe(410);
      expect((await collect({ id, secret: "A".repeat(43) })).status).toBe(404);
    });

    test("by the API, too: as an approval", async () => {
      const session = await login("petra");
      const { presented, id } = await confirmed("is-principal", session, "petra");
      await service().revoke([{ approval_id: id }], session);
      expect(await verify(presented)).toMatchObject({ allowed: false, code: "revoked" });
    });

    test("a person's private reason is told to no platform, in the log, in the audit log and in verify", async () => {
      const reason = "my laptop was stolen";
      const read = async () => {
        const answers = [
          await service().get("/v1/audit?limit=200", service().asPlatform()),
          await service().get("/v1/revocations?limit=1000", service().asPlatform()),
        ];
        return answers.map(({ text }) => text).join("\n");
      };
      const session = await login(member("rita"));
      const { presented } = await confirmed("is-member-of oncall", session);
      const said = { targets: [{ principal: { subject: "rita" } }], reason };
      expect((await service().send("POST", "/v1/revocations", said, session)).status).toBe(200);
      const request = await asked("approved-by rosa Pay");
      await approve(request, "rosa");
      const back = { targets: [{ approval_id: request.id }], reason };
      expect((await service().send("POST", "/v1/revocations", back, await login("rosa"))).status).toBe(200);
      expect(JSON.stringify(await verify(presented))).not.toContain(reason);
      expect(await read()).not.toContain(reason);
      const shared = await asked("approved-by rosa Pay");
      await approve(shared, "rosa");
      const open = { targets: [{ approval_id: shared.id }], reason, public_reason: true };
      expect((await service().send("POST", "/v1/revocations", open, await login("rosa"))).status).toBe(200);
      expect(await read()).toContain(reason);
    });

    test("a yes of somebody who was revoked since does not count, and they may say it anew", async () => {
      const request = await asked("approved-by 2 of ann,ben Pay");
      expect((await approve(request, "ann")).status).toBe(200);
      await revoke({ principal: { subject: "ann" } });
      expect((await approve(request, "ben")).json()).toMatchObject({ state: "pending" });
      expect(await page(request.path, await login("ann"))).toContain('value="approve"');
      expect((await approve(request, "ann")).json()).toMatchObject({ state: "granted" });
      expect((await collect(request)).status).toBe(200);
    });

    test("what was approved ends with any of its approvers, collected or not", async () => {
      const [first, second] = [
        await asked("approved-by cid,dan Pay"),
        await asked("approved-by 2 of cid,dan Pay"),
      ];
      await approve(first, "cid");
      for (const person of ["cid", "dan"]) await approve(second, person);
      const { discharge } = (await collect(first)).json<{ discharge: string }>();
      const presented = bundle(first.token, discharge);
      expect(await verify(presented)).toMatchObject({ allowed: true });
      await revoke({ principal: { subject: "cid" } });
      expect(await verify(presented)).toMatchObject({ allowed: false, code: "revoked" });
      expect((await collect(second)).json()).toMatchObject({
        status: 410,
        detail: "this request was withdrawn",
      });
    });
  },
  { relyingParty: people.relyingParty },
);
