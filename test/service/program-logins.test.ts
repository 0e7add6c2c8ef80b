import { expect, test } from "vitest";

import { sealTicket } from "../../src/macaroon/index.ts";
import { describeService } from "../support/service.ts";
import { type Person, stubRelyingParty } from "../support/service-login.ts";
import { answerPage, beginProgram, programOf } from "../support/service-program.ts";

const people = stubRelyingParty();
const BAKERY = { "bakery-protocol-version": "3" };
const MINUTE = 60_000;
/** Another tenant of the issuer with which people log in. */
const TENANT = "https://tenant.test";

interface Listed {
  readonly items: readonly { readonly id: string; readonly kind: string; readonly expires_at: string }[];
}

describeService(
  "a program's login to this API by macaroon-bakery's protocol",
  (service) => {
    const publicKey = async () => {
      const { PublicKey } = (await service().get("/discharge/info")).json<{ PublicKey: string }>();
      return new Uint8Array(Buffer.from(PublicKey, "base64"));
    };
    const login = (person: Person | string) => people.login(service().request, person);

    const begun = () => beginProgram(service());
    const answer = (page: string, session: Readonly<Record<string, string>>, decision?: string) =>
      answerPage(service(), page, session, decision);

    async function loggedIn(person: Person | string) {
      const session = await login(person);
      return { session, program: await programOf(service(), session) };
    }

    const status = async (path: string, headers: Readonly<Record<string, string>>) =>
      (await service().get(path, headers)).status;

    test("its page says what the yes does and until when, and looks like no other", async () => {
      const session = await login("alice");
      const { page } = await begun();
      const { text } = await service().get(page, session);
      expect(text).toMatch(
        /<h1>Let this program act as you at Bakehouse until [0-9-]{10} [0-9:]{5} UTC\?<\/h1>/,
      );
      expect(text).toContain("administrator");
      expect(text).not.toContain("proof that you are here");
    });

    test("it needs a login of the last five minutes", async () => {
      const session = await login({ subject: "alice", authenticatedAt: Date.now() - 6 * MINUTE });
      const { page } = await begun();
      expect((await service().get(page, session)).text).toContain("login of the last 5 minutes");
      const said = await answer(page, session);
      expect(said.status).toBe(403);
      const again = await login("alice");
      expect((await answer(page, again)).status).toBe(303);
    });

    test("it never carries an administrator's rights", async () => {
      const { program, session } = await loggedIn({ subject: "root", groups: ["admins"] });
      expect(await status("/v1/platforms", session)).toBe(200);
      expect(await status("/v1/platforms", program)).toBe(403);
      expect(await status("/v1/sessions", program)).toBe(200);
    });

    test("one that revokes without end leaves the person all that they revoke with, and other programs theirs", async () => {
      const { program, session } = await loggedIn("drained");
      const other = await loggedIn("drained");
      const revoke = async (headers: Readonly<Record<string, string>>, count = 1) => {
        const targets = Array.from({ length: count }, () => ({ principal: { subject: "drained" } }));
        return (await service().send("POST", "/v1/revocations", { targets }, headers)).status;
      };
      // Nothing of it is written: one target is too many.
      expect(await revoke(program, 9_999)).toBe(429);
      expect(await revoke(program)).toBe(429);
      for (const headers of [session, service().asHuman("drained"), other.program]) {
        expect(await revoke(headers)).toBe(200);
      }
    });

    test("people of another tenant have browsers and programs, and are no administrators", async () => {
      const person = { subject: "root", issuer: TENANT, groups: ["admins"] };
      const { session, program } = await loggedIn(person);
      for (const headers of [session, program]) {
        expect(await status("/v1/sessions", headers)).toBe(200);
        expect(await status("/v1/platforms", headers)).toBe(403);
      }
    });

    test("both end with the trust in the tenant", async () => {
      const { session, program } = await loggedIn({ subject: "alice", issuer: TENANT });
      const replica = service().replica({ otherTenants: [] });
      await replica.start();
      for (const headers of [session, program])
        expect((await replica.get("/v1/sessions", headers)).status).toBe(401);
    });

    test("people of an issuer that nobody logs in with have no session", async () => {
      const { cookie } = await login({ subject: "alice", issuer: "https://else.test" });
      expect(await status("/v1/sessions", { cookie })).toBe(401);
    });

    test("it is listed, on the front page and by the API, and can be ended alone", async () => {
      const { session, program } = await loggedIn("lister");
      const { items } = (await service().get("/v1/sessions", session)).json<Listed>();
      expect(items.map(({ kind }) => kind).sort()).toEqual(["browser", "program"]);
      const id = items.find(({ kind }) => kind === "program")?.id ?? "";
      expect((await service().get("/", session)).text).toContain(`/sessions/${id}/end`);

      // Somebody else sees nothing of it and cannot end it.
      const other = await login("stranger");
      expect((await service().get("/v1/sessions", other)).text).not.toContain(id);
      expect(
        (await service().request(`/v1/sessions/${id}`, { method: "DELETE", headers: other })).status,
      ).toBe(404);
      expect(await status("/v1/sessions", program)).toBe(200);

      const ended = await service().request(`/v1/sessions/${id}`, { method: "DELETE", headers: session });
      expect(ended.status).toBe(204);
      expect(await status("/v1/sessions", program)).toBe(401);
      expect(await status("/v1/sessions", session)).toBe(200);
    });

    test("the front page's button ends it", async () => {
      const { session, program } = await loggedIn("presser");
      const { text } = await service().get("/", session);
      const path = /action="(\/sessions\/[0-9a-f-]{36}\/end)"/.exec(text)?.[1] ?? "";
      const foreign = { cookie: session.cookie, origin: "https://evil.example" };
      expect((await service().request(path, { method: "POST", headers: foreign })).status).toBe(403);
      expect((await service().request(path, { method: "POST", headers: session })).status).toBe(303);
      expect(await status("/v1/sessions", program)).toBe(401);
    });

    test("signing out ends it, and signing in anew does not", async () => {
      const { session, program } = await loggedIn("leaver");
      const begin = await service().get("/login", session);
      const attempt = begin.headers.getSetCookie()[0]?.split(";")[0] ?? "";
      const back = await service().get("/callback?state=s&code=c", {
        cookie: `${session.cookie}; ${attempt}`,
      });
      const cookie =
        back.headers
          .getSetCookie()
          .find((one) => one.startsWith("bakehouse="))
          ?.split(";")[0] ?? "";
      expect(await status("/v1/sessions", program)).toBe(200);
      const out = await service().request("/logout", { method: "POST", headers: { ...session, cookie } });
      expect(out.status).toBe(303);
      expect(await status("/v1/sessions", program)).toBe(401);
    });

    test("it ends where somebody else signs in over the person, who can sign out there no more", async () => {
      const { session, program } = await loggedIn("first");
      expect(await status("/v1/sessions", program)).toBe(200);
      await people.login(
        (path, init) =>
          service().request(path, {
            ...init,
            headers: { cookie: [session.cookie, new Headers(init?.headers).get("cookie")].join("; ") },
          }),
        "second",
      );
      expect(await status("/v1/sessions", program)).toBe(401);
    });

    test("let in while the person signs out, it ends as well", async () => {
      for (let round = 0; round < 4; round++) {
        const session = await login("hasty");
        const client = await begun();
        const [said] = await Promise.all([
          answer(client.page, session),
          service().request("/logout", { method: "POST", headers: session }),
        ]);
        const { items } = (await service().get("/v1/sessions", await login("hasty"))).json<Listed>();
        const programs = items.filter(({ kind }) => kind === "program");
        expect([said.status, programs]).toEqual([said.status, []]);
      }
    });

    test("it lasts as long as its page says, and no longer", async () => {
      const { program } = await loggedIn("lasting");
      await service().advance(50 * MINUTE);
      people.advance(50 * MINUTE);
      expect(await status("/v1/sessions", program)).toBe(200);
      await service().advance(10 * MINUTE);
      people.advance(10 * MINUTE);
      expect(await status("/v1/sessions", program)).toBe(401);
    });

    test("its ticket is confirmed once, by one person, however many ask for it and whatever became of it", async () => {
      const [alice, mallory] = [await login("alice"), await login("mallory")];
      const client = await begun();
      const pages = await Promise.all(Array.from({ length: 4 }, client.again));
      const waiting = pages.pop() ?? "";
      const said = await Promise.all(pages.map((page, at) => answer(page, at === 0 ? alice : mallory)));
      expect(said.map(({ status: code }) => code).sort()).toEqual([303, 409, 409]);

      const other = await begun();
      expect((await answer(other.page, alice)).status).toBe(303);
      const program = await other.finish();
      const late = await other.again();
      expect((await answer(late, mallory)).text).toContain("confirmed already");
      expect((await answer(await other.again(), alice)).status).toBe(409);
      const whose = async () =>
        (await service().send("POST", "/v1/tokens", { platform: "default" }, program)).json<{
          principal: { subject: string };
        }>().principal.subject;
      expect(await whose()).toBe("alice");

      // After the session has ended, too: the program still has its macaroons.
      const { items } = (await service().get("/v1/sessions", alice)).json<Listed>();
      for (const { id } of items.filter(({ kind }) => kind === "program"))
        await service().request(`/v1/sessions/${id}`, { method: "DELETE", headers: alice });
      expect((await answer(await other.again(), mallory)).status).toBe(409);
      expect((await answer(waiting, mallory, "deny")).status).toBe(303);
      expect(await status("/v1/sessions", program)).toBe(401);
    });

    test("another ticket is not discharged in the place of its own", async () => {
      const mallory = await login("mallory");
      const { id64 } = await begun();
      const flipped = new Uint8Array(Buffer.from(id64, "base64url"));
      flipped[36] = (flipped[36] ?? 0) ^ 0x80;
      const foreign = sealTicket({
        version: 2,
        thirdPartyPublicKey: await publicKey(),
        firstPartyPrivateKey: new Uint8Array(32).fill(9),
        nonce: new Uint8Array(24).fill(1),
        caveatKey: new Uint8Array(24).fill(2),
        condition: "is-authenticated-user",
      });
      for (const beside of [flipped, foreign]) {
        const caveat = Buffer.from(beside).toString("base64url");
        const native = await service().send("POST", "/v1/discharge", { caveat_id: id64, caveat }, mallory);
        expect(native.status, native.text).toBe(422);
        expect(native.json()).toMatchObject({ code: "ticket_invalid" });
        const body = new URLSearchParams({ id64, caveat64: caveat });
        const bakery = await service().request("/discharge", { method: "POST", headers: BAKERY, body });
        expect(bakery.text).not.toContain("VisitURL");
      }
    });

    test("its ticket is discharged by no other page", async () => {
      const { id64 } = await begun();
      const asked = await service().send(
        "POST",
        "/v1/discharge",
        { caveat_id: id64 },
        service().asHuman("mallory"),
      );
      expect(asked.status).toBe(422);
      expect(asked.json()).toMatchObject({ code: "ticket_invalid" });
    });
  },
  { relyingParty: people.relyingParty, otherTenants: [TENANT] },
);
