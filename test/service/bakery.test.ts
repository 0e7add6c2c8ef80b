import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";

import { expect, test } from "vitest";

import {
  addThirdPartyCaveat,
  attenuate,
  decodeBundle,
  encode,
  sealTicket,
} from "../../src/macaroon/index.ts";
import { type Answer, describeService } from "../support/service.ts";
import { stubRelyingParty } from "../support/service-login.ts";
import { bound, bundle, opened, tickets } from "../support/service-macaroons.ts";

const people = stubRelyingParty();
const LOCATION = "http://127.0.0.1:8080";
const PAY = { action: "pay" };

interface Nacl {
  readonly box: {
    (message: Uint8Array, nonce: Uint8Array, publicKey: Uint8Array, privateKey: Uint8Array): Uint8Array;
    keyPair(): { readonly publicKey: Uint8Array; readonly secretKey: Uint8Array };
  };
  randomBytes(length: number): Uint8Array;
}

interface Interaction {
  readonly Code: string;
  readonly Message: string;
  readonly Info: {
    readonly InteractionMethods: {
      readonly "browser-window": { readonly VisitURL: string; readonly WaitTokenURL: string };
    };
  };
}

describeService(
  "macaroon-bakery's protocol",
  (service) => {
    /** As Python's client sends it: a form with raw bytes in it, or base64 in the standard alphabet with padding. */
    const post = (parameters: Readonly<Record<string, string>>) =>
      service().request("/discharge", {
        method: "POST",
        headers: { "bakery-protocol-version": "3" },
        body: new URLSearchParams(parameters),
      });
    const standard = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");

    async function gated(condition: string) {
      const third_party_caveats = [{ location: LOCATION, condition }];
      const { token } = await service().issue({ third_party_caveats });
      return { token, ticket: new Uint8Array(Buffer.from(tickets(token)[0] ?? "", "base64url")) };
    }

    const local = (url: string) => url.slice(LOCATION.length);
    const methods = (answer: Answer) => answer.json<Interaction>().Info.InteractionMethods["browser-window"];

    async function act(visitUrl: string, subject: string, decision: string) {
      const session = await people.login(service().request, subject);
      const body = new URLSearchParams({ decision });
      const answer = await service().request(local(visitUrl), { method: "POST", headers: session, body });
      expect(answer.status, answer.text).toBe(303);
    }

    /** Everything that a stock client does to have a ticket discharged. */
    async function acquire(parameters: Readonly<Record<string, string>>, subject: string, decision: string) {
      const { VisitURL, WaitTokenURL } = methods(await post(parameters));
      const waiting = service().get(local(WaitTokenURL));
      await act(VisitURL, subject, decision);
      const waited = await waiting;
      if (waited.status !== 200) return waited;
      const { kind, token64 } = waited.json<{ kind: string; token64: string }>();
      return post({ ...parameters, "token-kind": kind, token64 });
    }

    test("the key, bare and exact", async () => {
      const info = await service().get("/discharge/info");
      expect(info.status).toBe(200);
      expect(info.headers.get("content-type")).toBe("application/json");
      expect(info.text).toMatch(/^\{"PublicKey":"[A-Za-z0-9+/]{43}=","Version":3\}$/);
      const key = info.json<{ PublicKey: string }>().PublicKey;
      expect((await service().get("/publickey")).text).toBe(`{"PublicKey":"${key}"}`);
    });

    test("discharge required, to the byte", async () => {
      const answer = await service().get("/v1/sessions", { "bakery-protocol-version": "3" });
      expect(answer.status).toBe(401);
      // Clients compare both, character by character: no charset, no realm.
      expect(answer.headers.get("www-authenticate")).toBe("Macaroon");
      expect(answer.headers.get("content-type")).toBe("application/json");
      expect(answer.text).toMatch(
        /^\{"Code":"macaroon discharge required","Message":"discharge required","Info":\{"Macaroon":\{"m":\{"v":2,.*\},"v":3,"ns":"std:"\},"MacaroonPath":"\/","CookieNameSuffix":"bakehouse"\}\}$/,
      );
      const { c } = answer.json<{ Info: { Macaroon: { m: { c: readonly Record<string, unknown>[] } } } }>()
        .Info.Macaroon.m;
      // Python takes every caveat with a location for a third party's.
      expect(c.map((caveat) => "l" in caveat)).toEqual([false, true]);
    });

    test.each([
      ["no version", undefined],
      ["version 0", "0"],
      ["a version that is none", "three"],
    ])("with %s the refusal is the ordinary one", async (_, version) => {
      const answer = await service().get(
        "/v1/sessions",
        version === undefined ? {} : { "bakery-protocol-version": version },
      );
      expect(answer.status).toBe(401);
      expect(answer.headers.get("www-authenticate")).toBe(
        'Bearer resource_metadata="http://127.0.0.1:8080/.well-known/oauth-protected-resource"',
      );
      expect(answer.headers.get("content-type")).toBe("application/problem+json");
    });

    test("a login is completed and lets the client call the API, as that person and no longer than an hour", async () => {
      const challenge = await service().get("/v1/sessions", { "bakery-protocol-version": "3" });
      const { m } = challenge.json<{ Info: { Macaroon: { m: object } } }>().Info.Macaroon;
      const decoded = decodeBundle(JSON.stringify(m));
      if (!decoded.ok) throw new Error(decoded.detail);
      const [root] = decoded.macaroons;
      const ticket = root.unverifiedCaveats[1]?.id ?? new Uint8Array();
      const got = await acquire({ id64: standard(ticket) }, "alice", "confirm");
      expect(got.status, got.text).toBe(200);
      const proof = JSON.stringify(got.json<{ Macaroon: { m: object } }>().Macaroon.m);

      const rootText = encode(root);
      const discharge = decodeBundle(proof);
      if (!discharge.ok) throw new Error(discharge.detail);
      const boundProof = opened(bound(rootText, encode(discharge.macaroons[0])))[0];
      const macaroons = `[${JSON.stringify(m)},${encode(boundProof, "v2-json")}]`;
      const value = Buffer.from(macaroons).toString("base64url");
      const padded = value + "=".repeat(-value.length & 3);
      for (const headers of [
        { macaroons: Buffer.from(macaroons).toString("base64") },
        { cookie: `macaroon-bakehouse=${padded}` },
        { cookie: `macaroon-bakehouse="${padded}"` },
      ]) {
        const listed = await service().get("/v1/sessions", { ...headers, "bakery-protocol-version": "3" });
        expect(listed.status, listed.text).toBe(200);
      }
      const issued = await service().send(
        "POST",
        "/v1/tokens",
        { platform: "default" },
        { macaroons: value },
      );
      expect(issued.json()).toMatchObject({ principal: { subject: "alice" } });
      // A page of another site cannot use it, were it in a browser.
      const foreign = { cookie: `macaroon-bakehouse=${padded}`, origin: "https://evil.example" };
      expect((await service().send("POST", "/v1/tokens", { platform: "default" }, foreign)).status).toBe(403);

      // Not without the discharge, not unbound, and not under another root.
      const other = (await service().get("/v1/sessions", { "bakery-protocol-version": "3" })).json<{
        Info: { Macaroon: { m: object } };
      }>().Info.Macaroon.m;
      for (const wrong of [
        `[${JSON.stringify(m)}]`,
        `[${JSON.stringify(m)},${proof}]`,
        `[${JSON.stringify(other)},${encode(boundProof, "v2-json")}]`,
        `[${proof}]`,
        "[]",
      ]) {
        const presented = {
          macaroons: Buffer.from(wrong).toString("base64"),
          "bakery-protocol-version": "3",
        };
        expect((await service().get("/v1/sessions", presented)).json()).toMatchObject({
          Code: "macaroon discharge required",
        });
      }
      await service().advance(3_600_000);
      people.advance(3_600_000);
      const late = await service().get("/v1/sessions", { macaroons: value });
      expect(late.status).toBe(401);
    });

    test("interaction required, to the byte", async () => {
      const { ticket } = await gated("is-authenticated-user");
      const answer = await post({ id64: standard(ticket) });
      expect(answer.status).toBe(401);
      expect(answer.headers.get("www-authenticate")).toBe("Macaroon");
      expect(answer.headers.get("content-type")).toBe("application/json");
      expect(answer.text).toMatch(
        /^\{"Code":"interaction required","Message":"interaction required; code [B-Z]{4}-[B-Z]{4}","Info":\{"InteractionMethods":\{"browser-window":\{"VisitURL":"http:\/\/127\.0\.0\.1:8080\/discharges\/[0-9a-f-]{36}","WaitTokenURL":"http:\/\/127\.0\.0\.1:8080\/wait-token\?did=[0-9a-f-]{36}\.[A-Za-z0-9_-]{43}"\}\}\}\}$/,
      );
    });

    test("wait-token answers token64, in the standard alphabet and padded", async () => {
      const { ticket } = await gated("is-authenticated-user");
      const { VisitURL, WaitTokenURL } = methods(await post({ id64: standard(ticket) }));
      await act(VisitURL, "bob", "confirm");
      const waited = await service().get(local(WaitTokenURL));
      expect(waited.status).toBe(200);
      expect(waited.headers.get("content-type")).toBe("application/json");
      expect(waited.text).toMatch(/^\{"kind":"macaroon","token64":"[A-Za-z0-9+/]+={1,2}"\}$/);
    });

    test("the discharge, to the byte: no location, its caveat id, a namespace", async () => {
      const { token, ticket } = await gated("approved-by alice Pay");
      const got = await acquire({ id64: standard(ticket) }, "alice", "approve");
      expect(got.status).toBe(200);
      expect(got.headers.get("content-type")).toBe("application/json");
      expect(got.text).toMatch(
        /^\{"Macaroon":\{"m":\{"v":2,"i64":"[A-Za-z0-9_-]+","c":\[.*\],"s64":"[A-Za-z0-9_-]{43}"\},"v":3,"ns":"std:"\}\}$/,
      );
      const { m } = got.json<{ Macaroon: { m: { i64: string; c: readonly { i: string }[] } } }>().Macaroon;
      expect(m.i64).toBe(Buffer.from(ticket).toString("base64url"));
      expect(m.c.map(({ i }) => i.split(" ")[0])).toEqual(["time-before", "approval", "bh.discharge"]);

      const discharge = decodeBundle(JSON.stringify(m));
      if (!discharge.ok) throw new Error(discharge.detail);
      const proof = encode(discharge.macaroons[0]);
      // Nothing about the asker was known, so it has to be bound.
      expect(await service().verify(bundle(token, proof), PAY)).toMatchObject({ code: "discharge_invalid" });
      const presented = bundle(token, bound(token, proof));
      expect(await service().verify(presented, PAY)).toMatchObject({ allowed: true });
      const approval = m.c[1]?.i.split(" ")[2];
      const alice = await people.login(service().request, "alice");
      await service().send("POST", "/v1/revocations", { targets: [{ approval_id: approval }] }, alice);
      expect(await service().verify(presented, PAY)).toMatchObject({ code: "revoked" });
    });

    /** A ticket of a foreign service, whose payload travels beside a short id. */
    async function foreignTicket(condition: string) {
      const { PublicKey } = (await service().get("/discharge/info")).json<{ PublicKey: string }>();
      const caveatKey = new Uint8Array(randomBytes(24));
      const ticket = sealTicket({
        version: 3,
        thirdPartyPublicKey: new Uint8Array(Buffer.from(PublicKey, "base64")),
        firstPartyPrivateKey: new Uint8Array(randomBytes(32)),
        nonce: new Uint8Array(randomBytes(24)),
        caveatKey,
        condition,
      });
      return { caveatKey, ticket };
    }

    test("Python's raw NUL in the id, and Go's query without a body or a media type, are the same", async () => {
      const { ticket } = await foreignTicket("need-declared username,groups is-authenticated-user");
      const caveat64 = Buffer.from(ticket).toString("base64url");
      const asked = methods(await post({ id: "\u0003\u0000", caveat64 }));
      const session = await people.login(service().request, "bob");
      const page = await service().get(new URL(asked.VisitURL).pathname, { ...session, accept: "text/html" });
      expect(page.text).toContain("Tells whoever asks the name that you have here");
      const got = await acquire({ id: "\u0003\u0000", caveat64 }, "bob", "confirm");
      const { m } = got.json<{ Macaroon: { m: { i64: string; c: readonly { i: string }[] } } }>().Macaroon;
      expect(m.i64).toBe("AwA");
      expect(m.c.slice(1).map(({ i }) => i)).toEqual([
        expect.stringMatching(/^approval = /),
        "declared username bob",
        "declared groups ",
        expect.stringMatching(/^bh\.discharge = /),
      ]);

      const query = new URLSearchParams({ id64: "AwA", caveat64 });
      const go = await service().request(`/discharge?${query}`, { method: "POST" });
      expect(go.json()).toMatchObject({ Code: "interaction required" });
    });

    test("what somebody denies is permission denied, for wait-token and for the second request", async () => {
      const { ticket } = await gated("approved-by alice Pay");
      const { VisitURL, WaitTokenURL } = methods(await post({ id64: standard(ticket) }));
      const early = new URL(WaitTokenURL).searchParams.get("did") ?? "";
      const unfinished = await post({ id64: standard(ticket), token: early, "token-kind": "macaroon" });
      expect(unfinished.json()).toMatchObject({ Code: "permission denied" });
      await act(VisitURL, "alice", "deny");
      const waited = await service().get(local(WaitTokenURL));
      expect(waited.status).toBe(401);
      expect(waited.headers.get("www-authenticate")).toBeNull();
      expect(waited.json()).toEqual({
        Code: "permission denied",
        Message: "the person who was asked said no",
      });
    });

    test("a token is good for the ticket that was agreed to, and for no other", async () => {
      const [one, two] = [await gated("approved-by alice Pay 1"), await gated("approved-by alice Pay 2")];
      const { VisitURL, WaitTokenURL } = methods(await post({ id64: standard(one.ticket) }));
      await act(VisitURL, "alice", "approve");
      const { token64 } = (await service().get(local(WaitTokenURL))).json<{ token64: string }>();
      const crossed = await post({ id64: standard(two.ticket), token64, "token-kind": "macaroon" });
      expect(crossed.status).toBe(401);
      expect(crossed.json()).toMatchObject({ Code: "permission denied" });
    });

    test.each([
      ["is-principal", 401, "permission denied"],
      ["approved-by group:oncall Pay", 401, "permission denied"],
    ])("%s needs the token, which this protocol cannot show", async (condition, status, code) => {
      const { ticket } = await gated(condition);
      const answer = await post({ id64: standard(ticket) });
      expect(answer.status).toBe(status);
      expect(answer.json()).toMatchObject({ Code: code });
    });

    test.each<[string, Record<string, string>, number]>([
      ["nothing", {}, 400],
      ["both spellings of the id", { id: "a", id64: "AAEC" }, 400],
      ["an id that is no base64", { id64: "!" }, 400],
      ["an id without its payload", { id: "\u0003\u0000" }, 400],
      ["a token that nobody gave", { id: "\u0003\u0000", caveat64: "AAEC" }, 400],
    ])("%s is refused in the protocol's own form", async (_, parameters, status) => {
      const answer = await post(parameters);
      expect(answer.status).toBe(status);
      expect(answer.headers.get("content-type")).toBe("application/json");
      expect(answer.json()).toMatchObject({ Code: "bad request" });
    });

    test("whoever needs no token to ask cannot keep those out who show one", async () => {
      const { token, ticket } = await gated("approved-by flooded Pay");
      const codes = new Set<string>();
      for (let index = 0; index < 22; index++) {
        const answer = await service().request(
          `/discharge?id64=${Buffer.from(ticket).toString("base64url")}`,
          {
            method: "POST",
            headers: { "x-test-peer": `198.51.100.${index}` },
          },
        );
        codes.add(`${answer.status} ${answer.json<{ Code: string }>().Code}`);
      }
      expect([...codes].sort()).toEqual(["401 interaction required", "429 temporarily unavailable"]);
      const native = await service().send("POST", "/v1/discharge", { caveat_id: tickets(token)[0], token });
      expect(native.status).toBe(202);
    });

    test("a request of this protocol is not collected by the other, nor the other way round", async () => {
      const { token, ticket } = await gated("approved-by alice Pay");
      const { WaitTokenURL } = methods(await post({ id64: standard(ticket) }));
      const [id = "", secret = ""] = (new URL(WaitTokenURL).searchParams.get("did") ?? "").split(".");
      expect((await service().send("POST", `/v1/discharge/${id}/collect`, { secret })).status).toBe(404);
      const native = (
        await service().send("POST", "/v1/discharge", { caveat_id: tickets(token)[0], token })
      ).json<{ id: string; secret: string }>();
      expect((await service().get(`/wait-token?did=${native.id}.${native.secret}`)).status).toBe(404);
    });

    test("a foreign library's ticket is discharged, and verifies what was discharged here", async () => {
      const require = createRequire(import.meta.url);
      // The library's own implementation of NaCl's box.
      const nacl: Nacl = createRequire(require.resolve("macaroon"))("tweetnacl");
      const foreign: typeof import("macaroon") = require("macaroon");
      const { PublicKey } = (await service().get("/discharge/info")).json<{ PublicKey: string }>();
      const publicKey = new Uint8Array(Buffer.from(PublicKey, "base64"));
      const pair = nacl.box.keyPair();
      const nonce = nacl.randomBytes(24);
      const caveatKey = nacl.randomBytes(24);
      const plain = Buffer.concat([Buffer.of(2, 24), caveatKey, Buffer.from("is-authenticated-user")]);
      const box = nacl.box(new Uint8Array(plain), nonce, publicKey, pair.secretKey);
      const ticket = new Uint8Array(
        Buffer.concat([Buffer.of(2), publicKey.subarray(0, 4), pair.publicKey, nonce, box]),
      );

      const rootKey = nacl.randomBytes(32);
      const root = foreign.newMacaroon({
        identifier: "root",
        location: "https://elsewhere.test",
        rootKey,
        version: 2,
      });
      root.addThirdPartyCaveat(caveatKey, ticket, LOCATION);
      const answer = await service().send(
        "POST",
        "/v1/discharge",
        { caveat_id: Buffer.from(ticket).toString("base64url") },
        service().asHuman("bob"),
      );
      const { discharge } = answer.json<{ discharge: string }>();
      const proof = foreign.importMacaroon(new Uint8Array(Buffer.from(discharge, "base64url")));
      proof.bindToRoot(root.signature);
      const seen: string[] = [];
      root.verify(
        rootKey,
        (caveat: string) => {
          seen.push(caveat);
          return null;
        },
        [proof],
      );
      expect(seen).toEqual([
        expect.stringMatching(/^time < /),
        expect.stringMatching(/^approval = /),
        expect.stringMatching(/^bh\.discharge = /),
      ]);
      expect(() =>
        root.verify(rootKey, () => null, [
          foreign.importMacaroon(new Uint8Array(Buffer.from(discharge, "base64url"))),
        ]),
      ).toThrow();
    });

    test("a login macaroon is checked as far as its first fault, and no longer than a login can be", async () => {
      const challenge = await service().get("/v1/approvals", { "bakery-protocol-version": "3" });
      const { m } = challenge.json<{ Info: { Macaroon: { m: object } } }>().Info.Macaroon;
      const decoded = decodeBundle(JSON.stringify(m));
      if (!decoded.ok) throw new Error(decoded.detail);
      const [login] = decoded.macaroons;
      const refusalOf = async (...caveats: readonly string[]) => {
        const macaroons = Buffer.from(`[${encode(attenuate(login, caveats), "v2-json")}]`).toString("base64");
        const answer = await service().get("/v1/approvals", { macaroons });
        expect(answer.status).toBe(401);
        return answer.json<{ detail: string }>().detail;
      };
      expect(await refusalOf(...Array(62).fill("x"))).toMatch(/not finished/);
      expect(await refusalOf(...Array(63).fill("x"))).toMatch(/cannot be read/);
      // Caveats that take long to read are counted first: whoever had a login once asks by nobody's allowance.
      expect(await refusalOf(...Array(10).fill(`a within ${"::,".repeat(300)}::`))).toMatch(
        /too many caveats/,
      );
    });

    test("a login macaroon is no other credential, and cannot be widened", async () => {
      const challenge = await service().get("/v1/sessions", { "bakery-protocol-version": "3" });
      const { m } = challenge.json<{ Info: { Macaroon: { m: object } } }>().Info.Macaroon;
      const decoded = decodeBundle(JSON.stringify(m));
      if (!decoded.ok) throw new Error(decoded.detail);
      const text = encode(decoded.macaroons[0]);
      expect((await service().get("/v1/sessions", { authorization: `Bearer ${text}` })).status).toBe(401);
      expect(await service().verify(text, PAY)).toMatchObject({ allowed: false, code: "unknown_key" });
      // Another ticket in the chain, discharged by its writer, opens no session.
      const { caveatKey, ticket } = await foreignTicket("is-authenticated-user");
      const more = addThirdPartyCaveat(decoded.macaroons[0], {
        location: LOCATION,
        ticket,
        caveatKey,
        nonce: new Uint8Array(randomBytes(24)),
      });
      const macaroons = Buffer.from(`[${encode(more, "v2-json")}]`).toString("base64");
      expect((await service().get("/v1/sessions", { macaroons })).status).toBe(401);
    });
  },
  { relyingParty: people.relyingParty },
);
