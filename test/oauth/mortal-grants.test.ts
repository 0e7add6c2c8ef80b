/** Every kind of grant against every revocation: what was revoked does not come back by redeeming, also if both happen at once. */
import { describe, expect, test } from "vitest";
import type { Assertions } from "../../src/domain/ports/identity.ts";
import { casesOn, databasesAtLength } from "../support/database.ts";
import { type Answer, bearer, describeService, type Issued, type Policy } from "../support/service.ts";
import { type Person, stubRelyingParty } from "../support/service-login.ts";
import { linkOf, opened } from "../support/service-macaroons.ts";
import { OWN_ISSUER, stubIdToken } from "../support/service-people.ts";
import { programOf } from "../support/service-program.ts";
import { type Client, ISSUER, landed, type Parameters, pkce, player, type Tokens } from "./flow.ts";

const people = stubRelyingParty();
const DAY = 86_400;
const POLICY: Policy = { rules: [{ max_ttl: DAY, session: DAY, on_behalf_of: true }] };
/** A person spoke a minute ago, so that nobody's clock has a say. */
const EARLIER = 60_000;

type Headers = Readonly<Record<string, string>>;

/** What a cell has to itself: a revocation of a platform or a key ends all that is there. */
interface Place {
  readonly platform: string;
  readonly resource: string;
  readonly subject: string;
  readonly client: Client;
}

/** A grant, and a token that was got by it or beside it. */
interface Grant {
  readonly token: string;
  redeem(): Promise<Answer>;
}

const KINDS = [
  "code",
  "device",
  "refresh token",
  "repeated answer",
  "consent",
  "session",
  "program",
  "ID token",
  "assertion",
  "renewal",
] as const;
type Kind = (typeof KINDS)[number];

const TARGETS = [
  "principal",
  "principal, by the person",
  "principal's id",
  "platform",
  "key",
  "client",
  "token id",
  "issued link",
  "possession",
  "consent",
] as const;
type Target = (typeof TARGETS)[number];

/** What a target says nothing of: a login and a consent are nobody's token, and a login is no client's. */
const STANDS: Readonly<Record<Kind, readonly Target[]>> = {
  code: ["token id", "issued link", "possession"],
  device: ["token id", "issued link", "possession"],
  "refresh token": [],
  "repeated answer": [],
  consent: ["token id", "issued link", "possession"],
  session: ["client", "token id", "issued link", "possession", "consent"],
  program: ["client", "token id", "issued link", "possession", "consent"],
  "ID token": ["client", "token id", "issued link", "possession", "consent"],
  assertion: ["token id", "issued link", "possession", "consent"],
  renewal: ["client", "consent"],
};

/** Assertions of people (ID-JAG) by the issuer that they log in with, unsigned: a test writes their claims. */
const asserted: Assertions = {
  open(text) {
    const claims = JSON.parse(text) as Readonly<Record<string, unknown>>;
    const subject = String(claims["sub"]);
    const said = {
      email: null,
      name: null,
      groups: [],
      authenticatedAt: null,
      acr: null,
      development: false,
    };
    return {
      ok: true,
      assertion: {
        issuer: OWN_ISSUER,
        kinds: new Set(["id-jag"]),
        type: "oauth-id-jag+jwt",
        unverifiedClaims: claims,
        isSigned: async () => true,
        readIdentity: (issuer) => ({ ok: true, identity: { issuer, subject, ...said } }),
      },
    };
  },
};

/** The call of the store before which the revocation is placed, where a kind has one of its own. */
const RECORDED_BY: Readonly<Partial<Record<Kind, string>>> = {
  consent: "transaction issue code",
  "repeated answer": "transaction repeat refresh",
};

const CELLS = KINDS.flatMap((kind, row) =>
  TARGETS.map((target, column) => ({
    kind,
    target,
    // Three of each kind, and three of each target.
    isShort: [0, 3, 7].includes((column - row + TARGETS.length) % TARGETS.length),
  })),
);

let meanwhile: (() => Promise<unknown>) | undefined;

/** Does what is placed, once. */
async function pass(): Promise<void> {
  const work = meanwhile;
  meanwhile = undefined;
  await work?.();
}

describeService(
  "a grant that was revoked is redeemed for nothing",
  (service, database) => {
    const play = player(service, people);
    const admin = () => service().asAdmin();
    let places = 0;

    async function place(method = "none"): Promise<Place> {
      const platform = `mortal-${++places}`;
      const resource = `https://${platform}.example/mcp`;
      const subject = `grantee ${places}`;
      await service().createPlatform(platform, POLICY);
      await play.resource(resource, platform);
      const client = await play.client({ token_endpoint_auth_method: method });
      return { platform, resource, subject, client };
    }

    /** Each from an address of its own: one address does not log in so often. */
    const peer = () => ({ "x-test-peer": `198.51.${places >> 7}.${places & 127}` });
    const browser = (person: Person) =>
      people.login(
        (path, init = {}) => service().request(path, { ...init, headers: { ...init.headers, ...peer() } }),
        person,
      );
    const login = ({ subject }: Place) => browser({ subject, authenticatedAt: Date.now() - EARLIER });

    /** Answers the consent page, which is remembered, or is not asked any more. */
    async function code({ client, resource }: Place, session: Headers, more: Parameters = {}) {
      const { verifier, challenge } = pkce();
      const asked = play.query(client.client_id, challenge, { resource, ...more });
      const seen = await play.ask(asked, session);
      const back = seen.status === 303 ? seen : await play.answer(asked, session);
      return { text: landed(back).searchParams.get("code") ?? "", verifier };
    }

    const redeemed = async (at: Place, session: Headers): Promise<Tokens> => {
      const got = await play.redeem(at.client, await code(at, session), { resource: at.resource });
      expect(got.status, got.text).toBe(200);
      return got.json<Tokens>();
    };

    /** A request that a person lets a device have. @returns its code */
    async function device({ client, resource }: Place, session: Headers): Promise<string> {
      const asked = { client_id: client.client_id, resource };
      const begun = await play.post("/oauth/device_authorization", asked, peer());
      expect(begun.status, begun.text).toBe(200);
      const { device_code, user_code } = begun.json<{ device_code: string; user_code: string }>();
      const answered = await answerDevice(session, user_code);
      expect(answered.text).toContain("Go back to the device");
      return device_code;
    }

    /** Shows an assertion of a moment ago, each time another one. */
    function assert({ client, resource, subject }: Place): Promise<Answer> {
      const seconds = Math.floor(Date.now() / 1_000);
      const claims = {
        aud: ISSUER,
        sub: subject,
        client_id: client.client_id,
        jti: crypto.randomUUID(),
        iat: seconds - EARLIER / 1_000,
        exp: seconds + 300,
      };
      return play.post("/oauth/token", {
        grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
        assertion: JSON.stringify(claims),
        client_id: client.client_id,
        client_secret: client.client_secret,
        resource,
      });
    }

    async function answerDevice(headers: Headers, user_code: string): Promise<Answer> {
      const send = (form: Record<string, string>) =>
        service().request("/device", { method: "POST", headers, body: new URLSearchParams(form) });
      const seal = /name="seal" value="([^"]*)"/.exec((await send({ user_code })).text)?.[1] ?? "";
      return send({ user_code, seal, decision: "allow" });
    }

    const issueAs = (platform: string, headers: Headers) =>
      service().send("POST", "/v1/tokens", { platform }, headers);

    /** A login, a program's, or an ID token, and a token that was got by it. */
    async function loginGrant(at: Place, headers: Headers): Promise<Grant> {
      const got = await issueAs(at.platform, headers);
      expect(got.status, got.text).toBe(201);
      return { token: got.json<Issued>().token, redeem: () => issueAs(at.platform, headers) };
    }

    async function grantOf(kind: Kind, at: Place): Promise<Grant> {
      const { client, resource } = at;
      const session = await login(at);
      if (kind === "session") return loginGrant(at, session);
      if (kind === "program") return loginGrant(at, await programOf(service(), session));
      if (kind === "ID token") {
        const text = stubIdToken({ subject: at.subject, issuedAt: Date.now() - EARLIER });
        return loginGrant(at, bearer(text));
      }
      if (kind === "assertion") {
        const first = await assert(at);
        expect(first.status, first.text).toBe(200);
        return { token: first.json<Tokens>().access_token, redeem: () => assert(at) };
      }
      if (kind === "renewal") {
        const { token } = await loginGrant(at, session);
        const id = new TextDecoder().decode(opened(token)[0].identifier).split(".")[2];
        return { token, redeem: () => service().send("POST", `/v1/tokens/${id}/renew`, { token }) };
      }
      const held = await redeemed(at, session);
      const token = held.access_token;
      const refresh = () => play.refresh(client, held.refresh_token);
      switch (kind) {
        case "code": {
          const got = await code(at, session);
          return { token, redeem: () => play.redeem(client, got, { resource }) };
        }
        case "device": {
          const device_code = await device(at, session);
          const grant_type = "urn:ietf:params:oauth:grant-type:device_code";
          const form = { grant_type, device_code, client_id: client.client_id };
          return { token, redeem: () => play.post("/oauth/token", form) };
        }
        case "refresh token":
          return { token, redeem: refresh };
        case "repeated answer": {
          const again = await refresh();
          expect(again.status, again.text).toBe(200);
          return { token: again.json<Tokens>().access_token, redeem: refresh };
        }
        case "consent": {
          // A login of now: the consent is from before.
          const later = await browser({ subject: at.subject, authenticatedAt: Date.now() + 1_000 });
          return { token, redeem: () => consented(at, later) };
        }
        default:
          return kind satisfies never;
      }
    }

    /** Asks again without a page, and redeems what comes. */
    async function consented(at: Place, session: Headers): Promise<Answer> {
      const { verifier, challenge } = pkce();
      const asked = play.query(at.client.client_id, challenge, { resource: at.resource, prompt: "none" });
      const answer = await play.ask(asked, session);
      const text = answer.status === 303 ? landed(answer).searchParams.get("code") : null;
      if (text === null) return answer;
      return play.redeem(at.client, { text, verifier }, { resource: at.resource });
    }

    /** Revokes. What it resolves to has been acknowledged. */
    async function revoke(target: Target, at: Place, token: string): Promise<void> {
      const [, key_id, token_id, id] = new TextDecoder().decode(opened(token)[0].identifier).split(".");
      const by = async (one: object, headers: Headers = admin()) =>
        void (await service().revoke([one], headers));
      const { subject, platform, client } = at;
      switch (target) {
        case "principal":
          return by({ principal: { subject } }, service().asPlatform(platform));
        case "principal, by the person":
          return by({ principal: { subject } }, service().asHuman(subject));
        case "principal's id":
          return by({ principal: { id } });
        case "platform":
          return by({ platform });
        case "key":
          return by({ key_id });
        case "client":
          return gone(`/v1/clients/${client.client_id}`);
        case "token id":
          return by({ token_id });
        case "issued link":
          return by({ revocation_id: linkOf(token) });
        case "possession":
          return by({ token }, {});
        case "consent": {
          const { items } = (await service().get("/v1/consents?limit=1000", admin())).json<{
            items: readonly { readonly id: string; readonly platform: string }[];
          }>();
          for (const one of items.filter((consent) => consent.platform === platform)) {
            await gone(`/v1/consents/${one.id}`);
          }
          return;
        }
        default:
          return target satisfies never;
      }
    }

    async function gone(path: string): Promise<void> {
      const answer = await service().request(path, { method: "DELETE", headers: admin() });
      expect(answer.status, answer.text).toBe(204);
    }

    const REFUSED: Readonly<Record<number, RegExp>> = {
      303: /error=consent_required/,
      400: /invalid_grant|client is not known here/,
      401: /log in again|invalid_client|discharge/,
      404: /good no more/,
    };

    function expectOutcome(answer: Answer, stands: boolean, when: string): void {
      const said = `${when}: ${answer.status} ${answer.headers.get("location") ?? answer.text}`;
      if (stands) expect([200, 201], said).toContain(answer.status);
      else expect(said).toMatch(REFUSED[answer.status] ?? /^never/);
    }

    test.each(casesOn(database, CELLS, ({ isShort }) => isShort))(
      "$kind: $target",
      async ({ kind, target }) => {
        const stands = STANDS[kind].includes(target);
        const method = kind === "assertion" ? "client_secret_post" : "none";
        const first = await place(method);
        const before = await grantOf(kind, first);
        await revoke(target, first, before.token);
        expectOutcome(await before.redeem(), stands, "after it");

        const second = await place(method);
        const between = await grantOf(kind, second);
        meanwhile = () => revoke(target, second, between.token);
        const own = RECORDED_BY[kind];
        if (own !== undefined) service().watched.intercept((call) => (call === own ? pass() : undefined));
        const answer = await between.redeem();
        service().watched.intercept(undefined);
        expect(meanwhile, "the revocation was placed").toBeUndefined();
        expectOutcome(answer, stands, "at once");
      },
    );

    describe("a person whose login ended with a root key is led to sign in anew", () => {
      /** The way in that a page offers. */
      const wayIn = ({ text }: Answer) =>
        new URL(/href="(\/login\?[^"]*)"/.exec(text)?.[1]?.replaceAll("&amp;", "&") ?? "/", ISSUER);

      /** A login that has ended, and a client that it let have tokens. */
      async function ended(at: Place): Promise<Headers> {
        const session = await login(at);
        const { access_token: token } = await redeemed(at, session);
        await revoke("key", at, token);
        return session;
      }

      test("by the consent page, and goes on", async () => {
        const at = await place();
        const session = await ended(at);
        const { challenge } = pkce();
        const asked = play.query(at.client.client_id, challenge, { resource: at.resource });
        // The remembered consent ended too: the person is asked.
        const page = await play.ask(asked, session);
        expect(page.status, page.text).toBe(200);
        const answer = await play.answer(asked, session);
        expect(answer.status, answer.text).toBe(401);
        const { pathname, searchParams } = wayIn(answer);
        expect([pathname, searchParams.get("return_to"), searchParams.get("max_age")]).toEqual([
          "/login",
          `/oauth/authorize?${asked}`,
          "0",
        ]);
        await redeemed(at, await browser({ subject: at.subject, authenticatedAt: Date.now() + 1_000 }));
      });

      test("where a consent is remembered that stands, too", async () => {
        const at = await place();
        const session = await ended(at);
        const later = await browser({ subject: at.subject, authenticatedAt: Date.now() + 1_000 });
        await redeemed(at, later);
        const { challenge } = pkce();
        const asked = play.query(at.client.client_id, challenge, { resource: at.resource });
        expect((await play.ask(asked, later)).status).toBe(303);
        expect((await play.ask(asked, session)).text).toContain('name="seal"');
        expect(wayIn(await play.answer(asked, session)).pathname).toBe("/login");
        const silent = await play.ask(`${asked}&prompt=none`, session);
        expect(landed(silent).searchParams.get("error")).toBe("consent_required");
      });

      test("by the page of devices, whose request goes on waiting", async () => {
        const at = await place();
        const session = await ended(at);
        const asked = { client_id: at.client.client_id, resource: at.resource };
        const begun = await play.post("/oauth/device_authorization", asked, peer());
        const { user_code } = begun.json<{ user_code: string }>();
        const answer = await answerDevice(session, user_code);
        expect(answer.status, answer.text).toBe(401);
        expect(wayIn(answer).search).toBe("?return_to=%2Fdevice&max_age=0");
        const anew = await browser({ subject: at.subject, authenticatedAt: Date.now() + 1_000 });
        expect((await answerDevice(anew, user_code)).text).toContain("Go back to the device");
      });
    });
  },
  {
    kinds: databasesAtLength(),
    relyingParty: people.relyingParty,
    assertions: asserted,
    steps: { passed: (step) => (step === "issue:minted" ? pass() : undefined) },
  },
);
