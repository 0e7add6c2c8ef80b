/** Every kind of grant against every revocation: what was revoked does not come back by redeeming, also if both happen at once. */
import { expect, test } from "vitest";
import { type Answer, bearer, describeService, type Issued, type Policy } from "../support/service.ts";
import { type Person, stubRelyingParty } from "../support/service-login.ts";
import { linkOf, opened } from "../support/service-macaroons.ts";
import { stubIdToken } from "../support/service-people.ts";
import { programOf } from "../support/service-program.ts";
import { type Client, landed, type Parameters, pkce, player, type Tokens } from "./flow.ts";

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
  "refresh token",
  "repeated answer",
  "consent",
  "session",
  "program",
  "ID token",
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
  "refresh token": [],
  "repeated answer": [],
  consent: ["token id", "issued link", "possession"],
  session: ["client", "token id", "issued link", "possession", "consent"],
  program: ["client", "token id", "issued link", "possession", "consent"],
  "ID token": ["client", "token id", "issued link", "possession", "consent"],
  renewal: ["client", "consent"],
};

/** The call of the store before which the revocation is placed, where a kind has one of its own. */
const RECORDED_BY: Readonly<Partial<Record<Kind, string>>> = {
  consent: "transaction issue code",
  "repeated answer": "transaction repeat refresh",
};

const CELLS = KINDS.flatMap((kind) => TARGETS.map((target) => ({ kind, target })));

let meanwhile: (() => Promise<unknown>) | undefined;

/** Does what is placed, once. */
async function pass(): Promise<void> {
  const work = meanwhile;
  meanwhile = undefined;
  await work?.();
}

describeService(
  "a grant that was revoked is redeemed for nothing",
  (service) => {
    const play = player(service, people);
    const admin = () => service().asAdmin();
    let places = 0;

    async function place(): Promise<Place> {
      const platform = `mortal-${++places}`;
      const resource = `https://${platform}.example/mcp`;
      const subject = `grantee ${places}`;
      await service().createPlatform(platform, POLICY);
      await play.resource(resource, platform);
      const client = await play.client();
      return { platform, resource, subject, client };
    }

    /** Each from an address of its own: one address does not log in so often. */
    const browser = (person: Person) =>
      people.login((path, init = {}) => {
        const headers = { ...init.headers, "x-test-peer": `198.51.${places >> 7}.${places & 127}` };
        return service().request(path, { ...init, headers });
      }, person);
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
    async function revoke(target: Target, at: Place, { token }: Grant): Promise<void> {
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

    test.each(CELLS)("$kind: $target", async ({ kind, target }) => {
      const stands = STANDS[kind].includes(target);
      const first = await place();
      const before = await grantOf(kind, first);
      await revoke(target, first, before);
      expectOutcome(await before.redeem(), stands, "after it");

      const second = await place();
      const between = await grantOf(kind, second);
      meanwhile = () => revoke(target, second, between);
      const own = RECORDED_BY[kind];
      if (own !== undefined) service().watched.intercept((call) => (call === own ? pass() : undefined));
      const answer = await between.redeem();
      service().watched.intercept(undefined);
      expect(meanwhile, "the revocation was placed").toBeUndefined();
      expectOutcome(answer, stands, "at once");
    });
  },
  {
    relyingParty: people.relyingParty,
    steps: { passed: (step) => (step === "issue:minted" ? pass() : undefined) },
  },
);
