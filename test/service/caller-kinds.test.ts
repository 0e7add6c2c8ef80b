/** Who may call what: every route that knows its caller, by every kind of caller. */
import { describe, expect, test } from "vitest";

import { ROUTES } from "../../src/http/routes/all.ts";
import { describeService } from "../support/service.ts";
import { stubRelyingParty } from "../support/service-login.ts";
import { bundle, tickets } from "../support/service-macaroons.ts";
import { answerPage, programOf } from "../support/service-program.ts";

const people = stubRelyingParty();
const LOCATION = "http://127.0.0.1:8080";
const ID = "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7082";

const RESOURCE = { resource: "https://mcp.example.com/mcp", name: "Files" };

type Kind = "administrator" | "platform" | "id token" | "browser" | "program";

const SERVICES: readonly Kind[] = ["administrator", "platform"];
const PERSON: readonly Kind[] = ["id token", "browser"];
const ALL: readonly Kind[] = [...SERVICES, ...PERSON, "program"];

/**
 * Of every route with a caller, a call and the callers who may. `id token`, `browser` and `program` are of one person, who is
 * no administrator. A program gets tokens, sees and revokes them, and ends its own login: its page says no more than that.
 */
const MAY: Readonly<Record<string, { readonly may: readonly Kind[]; readonly body?: object }>> = {
  "POST /v1/tokens": { may: ["platform", ...PERSON, "program"], body: { platform: "default" } },
  "GET /v1/tokens": { may: ALL },
  "GET /v1/tokens/{id}": { may: ALL },
  "GET /v1/tokens/{id}/tree": { may: ALL },
  "GET /v1/links/{revocation_id}": { may: ALL },
  // People ask about their own tokens, without counting.
  "POST /v1/verify": { may: ["platform", ...PERSON], body: { token: "x", context: {}, dry_run: true } },
  "POST /v1/verify/batch": { may: ["platform"], body: { requests: [] } },
  "GET /v1/reservations/{id}": { may: ["platform"] },
  "POST /v1/reservations/{id}/settle": { may: ["platform"], body: { cost: { EUR: "1" } } },
  "DELETE /v1/reservations/{id}": { may: ["platform"] },
  "POST /v1/revocations": { may: ALL, body: { targets: [{ token_id: ID }] } },
  "GET /v1/revocations": { may: SERVICES },
  // Anybody may ask; whether the caller's own word is enough is tested below.
  "POST /v1/discharge": { may: ALL, body: { caveat_id: "AAEC" } },
  "GET /v1/approvals": { may: PERSON },
  // With an ID token one reads, and does not decide: here there is nothing to decide.
  "POST /v1/approvals/{id}": { may: PERSON, body: { decision: "deny" } },
  "GET /v1/sessions": { may: [...PERSON, "program"] },
  "DELETE /v1/sessions/{id}": { may: PERSON },
  "GET /v1/platforms": { may: ["administrator"] },
  "POST /v1/platforms": { may: ["administrator"], body: { name: "shop" } },
  "POST /v1/platforms/{name}/credentials": { may: ["administrator"], body: {} },
  "GET /v1/platforms/{name}/policy": { may: ["administrator"] },
  "PUT /v1/platforms/{name}/policy": { may: ["administrator"], body: { rules: [] } },
  "POST /v1/platforms/{name}/policy": { may: ["administrator"], body: { dry_run: true, subject: "s" } },
  "PATCH /v1/platforms/{name}": { may: ["administrator"], body: { resource_hosts: [] } },
  "GET /v1/platforms/{name}/resources": { may: SERVICES },
  "POST /v1/platforms/{name}/resources": { may: SERVICES, body: RESOURCE },
  "PUT /v1/platforms/{name}/resources/{id}": { may: SERVICES, body: RESOURCE },
  "DELETE /v1/platforms/{name}/resources/{id}": { may: SERVICES },
  "GET /v1/clients": { may: ["administrator"] },
  "POST /v1/clients": { may: ["administrator"], body: { client_name: "x" } },
  "DELETE /v1/clients/{id}": { may: ["administrator"] },
  "GET /v1/consents": { may: ["administrator", ...PERSON] },
  "DELETE /v1/consents/{id}": { may: ["administrator", ...PERSON] },
  "GET /v1/keys": { may: SERVICES },
  "POST /v1/keys/rotate": { may: SERVICES, body: { platform: "default" } },
  "GET /v1/audit": { may: SERVICES },
  "GET /v1/audit/export": { may: SERVICES },
  "GET /v1/audit/checkpoint": { may: ALL },
  "GET /v1/audit/key": { may: ALL },
  "GET /v1/audit/tile/{level}/{first}": { may: ALL },
  "GET /v1/audit/tile/{level}/{first}/{second}": { may: ALL },
  "GET /v1/audit/tile/{level}/{first}/{second}/{third}": { may: ALL },
  "GET /v1/audit/tile/{level}/{first}/{second}/{third}/{fourth}": { may: ALL },
};

const routes = ROUTES.filter(({ auth }) => auth !== "none");

test("every route with a caller says who may", () => {
  expect(routes.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(Object.keys(MAY).sort());
});

interface Listed {
  readonly items: readonly { readonly id: string; readonly kind: string }[];
}

describeService(
  "kinds of callers",
  (service) => {
    const login = (groups: readonly string[] = []) =>
      people.login(service().request, { subject: "alice", groups });

    test("each route lets pass whom it should, and refuses the others", async () => {
      const session = await login();
      const headers: Readonly<Record<Kind, Readonly<Record<string, string>>>> = {
        administrator: service().asAdmin(),
        platform: service().asPlatform(),
        "id token": service().asHuman("alice"),
        browser: session,
        program: await programOf(service(), session),
      };
      for (const { method, path } of routes) {
        const { may, body } = MAY[`${method} ${path}`] ?? { may: [] };
        const target = path
          .replace("{id}", ID)
          .replace("{name}", "shop")
          .replace("{revocation_id}", "A".repeat(22));
        const passed: Kind[] = [];
        for (const kind of ALL) {
          const answer =
            body === undefined
              ? await service().request(target, { method, headers: headers[kind] })
              : await service().send(method, target, body, headers[kind]);
          expect(answer.status, `${kind}: ${answer.text}`).not.toBe(401);
          if (answer.status !== 403) passed.push(kind);
          if (kind === "platform" && path === "/v1/tokens" && method === "POST") {
            expect(answer.json()).toMatchObject({ member: "on_behalf_of" });
          }
        }
        expect(passed, `${method} ${path}`).toEqual(ALL.filter((kind) => may.includes(kind)));
      }
    });

    test("a program proves nothing of a person: what a person must confirm goes to a page", async () => {
      const session = await login(["finance"]);
      const program = await programOf(service(), session);
      for (const condition of [
        "is-authenticated-user",
        "life=86400 is-member-of finance",
        "is-principal",
        "auth-age=300 is-principal",
        "once is-principal",
      ]) {
        const { token } = await service().issue(
          { third_party_caveats: [{ location: LOCATION, condition }] },
          condition.includes("principal") ? "alice" : "mallory",
        );
        const body = { caveat_id: tickets(token)[0], token };
        const answer = await service().send("POST", "/v1/discharge", body, program);
        expect(answer.status, condition).toBe(202);
        const { id, secret } = answer.json<{ id: string; secret: string }>();
        const collected = () => service().send("POST", `/v1/discharge/${id}/collect`, { secret });
        const asProgram = { ...program, origin: LOCATION };
        expect((await answerPage(service(), `/discharges/${id}`, asProgram)).status).toBe(401);
        expect((await answerPage(service(), `/discharges/${id}`, session)).status).toBe(303);
        const { discharge } = (await collected()).json<{ discharge: string }>();
        expect(await service().verify(bundle(token, discharge), {})).toMatchObject({ allowed: true });
      }
    });

    test("a program sees no approval, answers none, and takes none back", async () => {
      const session = await login();
      const program = await programOf(service(), session);
      const { token } = await service().issue(
        { third_party_caveats: [{ location: LOCATION, condition: "approved-by alice Pay" }] },
        "mallory",
      );
      const asked = await service().send("POST", "/v1/discharge", { caveat_id: tickets(token)[0], token });
      const { id, secret } = asked.json<{ id: string; secret: string }>();
      const decide = (decision: string, headers: Readonly<Record<string, string>>) =>
        service().send("POST", `/v1/approvals/${id}`, { decision }, headers);
      for (const decision of ["approve", "deny"])
        expect((await decide(decision, program)).json()).toMatchObject({ status: 403, code: "forbidden" });
      expect((await service().get("/v1/approvals", program)).text).not.toContain(id);
      expect((await decide("approve", session)).status).toBe(200);
      const proof = await service().send("POST", `/v1/discharge/${id}/collect`, { secret });
      const presented = bundle(token, proof.json<{ discharge: string }>().discharge);
      const revoke = (headers: Readonly<Record<string, string>>) =>
        service().send("POST", "/v1/revocations", { targets: [{ approval_id: id }] }, headers);
      await revoke(program);
      expect(await service().verify(presented, {})).toMatchObject({ allowed: true });
      await revoke(session);
      expect(await service().verify(presented, {})).toMatchObject({ code: "revoked" });
    });

    describe("sessions", () => {
      test("a program sees and ends its own login alone", async () => {
        const session = await login();
        const [program, other] = [await programOf(service(), session), await programOf(service(), session)];
        const list = async (headers: Readonly<Record<string, string>>) =>
          (await service().get("/v1/sessions", headers)).json<Listed>().items;
        const all = await list(session);
        const mine = await list(program);
        expect(mine.map(({ kind }) => kind)).toEqual(["program"]);
        const end = (id: string) =>
          service().request(`/v1/sessions/${id}`, { method: "DELETE", headers: program });
        for (const { id } of all.filter((one) => one.id !== mine[0]?.id))
          expect((await end(id)).json()).toMatchObject({ status: 403, code: "forbidden" });
        expect(await list(session)).toEqual(all);
        expect((await end(mine[0]?.id ?? "")).status).toBe(204);
        expect((await service().get("/v1/sessions", { macaroons: program.macaroons })).status).toBe(401);
        expect(await list(other)).toHaveLength(1);
        expect(await list(session)).toHaveLength(all.length - 1);
      });
    });
  },
  { relyingParty: people.relyingParty },
);
