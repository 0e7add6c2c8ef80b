/** Keys that hold tokens: proofs and endorsements over HTTP, on both databases, made by foreign libraries. */
import * as dpop from "dpop";
import { CompactSign, calculateJwkThumbprint, exportJWK } from "jose";
import { describe, expect, test } from "vitest";

import { CALL, createProver, type Prover, proved } from "../support/prover.ts";
import { type Allowed, describeService, type Refused } from "../support/service.ts";
import { bound, createThirdParty, linkOf, narrow, tickets } from "../support/service-macaroons.ts";

const MINUTE = 60_000;
const third = createThirdParty();

describeService("holders", (service) => {
  const now = () => service().clock.now();
  const proof = (prover: Prover, token: string, more: object = {}) => proved(prover, token, now(), more);
  const verify = (token: string, more: object = {}, context: object = {}) =>
    service().verify(token, context, more);
  const codeOf = async (token: string, more: object = {}, context: object = {}) => {
    const verdict = await verify(token, more, context);
    return verdict.allowed ? "allowed" : verdict.code;
  };

  const charges = () => service().watched.calls.filter((call) => call === "budgets.charge");

  async function batch(requests: readonly object[]): Promise<readonly (Allowed | Refused)[]> {
    const answer = await service().send("POST", "/v1/verify/batch", { requests }, service().asPlatform());
    expect(answer.status).toBe(200);
    return answer.json<{ results: readonly (Allowed | Refused)[] }>().results;
  }

  describe.each(["Ed25519", "ES256"] as const)("a key of %s", (alg) => {
    test("proves itself by panva's dpop, and its token is nobody else's", async () => {
      const pair = await dpop.generateKeyPair(alg);
      const { token } = await service().issue({
        caveats: [`holder = ${await dpop.calculateThumbprint(pair.publicKey)}`],
      });
      const foreign = await dpop.generateProof(pair, CALL.uri, CALL.method, undefined, token);
      expect(await verify(token, { proof: { dpop: foreign, ...CALL } })).toMatchObject({
        allowed: true,
        summary: expect.stringMatching(/only where the key \S{43} vouches for the call/),
        budgets: [],
      });
      expect(await codeOf(token)).toBe("holder_proof_required");
      expect(await codeOf(token, { proof: { dpop: foreign, ...CALL } })).toBe("holder_proof_invalid");
      const other = await dpop.generateKeyPair(alg);
      const wrong = await dpop.generateProof(other, CALL.uri, CALL.method, undefined, token);
      expect(await codeOf(token, { proof: { dpop: wrong, ...CALL } })).toBe("holder_proof_invalid");
    });

    test("endorses by jose", async () => {
      const [parent, child] = [await dpop.generateKeyPair(alg), createProver(alg)];
      const jwk = await exportJWK(parent.publicKey);
      const { token } = await service().issue({ caveats: [`holder = ${await calculateJwkThumbprint(jwk)}`] });
      const handed = narrow(token, "agent = child#1", child.caveat, "action = read");
      const endorsement = await new CompactSign(Buffer.from(JSON.stringify({ link: linkOf(handed) })))
        .setProtectedHeader({ alg, typ: "bakehouse-endorsement+jwt", jwk })
        .sign(parent.privateKey);
      const more = { ...proof(child, handed), endorsements: [endorsement] };
      expect(await codeOf(handed, more, { action: "read" })).toBe("allowed");
    });
  });

  test("EdDSA is another name of Ed25519", async () => {
    const key = createProver();
    const { token } = await service().issue({ caveats: [key.caveat] });
    const { proof: good } = proof(key, token) as { proof: { dpop: string } };
    const payload = Buffer.from(good.dpop.split(".")[1] ?? "", "base64url").toString();
    const renamed = key.jws({ typ: "dpop+jwt", alg: "EdDSA" }, JSON.parse(payload));
    expect(await codeOf(token, { proof: { dpop: renamed, ...CALL } })).toBe("allowed");
  });

  test("down a chain, each earlier key endorses, and the last proves itself", async () => {
    const [root, middle, last] = [createProver(), createProver("ES256"), createProver()];
    const { token } = await service().issue({ caveats: [root.caveat] });
    const first = narrow(token, "agent = a#1", middle.caveat, "action in read, list");
    const second = narrow(first, "agent = b#1", last.caveat);
    const presented = narrow(second, "action = read");
    const endorsements = [middle.endorsement(linkOf(second)), root.endorsement(linkOf(first))];
    const read = { action: "read" };
    expect(await codeOf(presented, { ...proof(last, presented), endorsements }, read)).toBe("allowed");
    // A key that proves itself need not endorse, and the last must prove itself.
    expect(await verify(presented, { ...proof(middle, presented), endorsements }, read)).toMatchObject({
      code: "holder_proof_invalid",
      detail: "the proof is not taken: it is a proof of another key (since the hand-over to b)",
      failures: [{ index: 6, agent: "b#1", caveat: last.caveat, code: "holder_proof_invalid" }],
    });
    expect(await verify(presented, proof(last, presented), read)).toMatchObject({
      code: "holder_proof_required",
      failures: [
        { index: 1, agent: null, code: "holder_proof_required" },
        { index: 3, agent: "a#1", code: "holder_proof_required" },
      ],
    });
    expect(await verify(presented, { endorsements }, { action: "list" })).toMatchObject({
      code: "holder_proof_required",
      failures: [
        { index: 6, code: "holder_proof_required" },
        { index: 7, code: "caveat_failed" },
      ],
    });
  });

  test("an endorsement names a link at or behind the next holder", async () => {
    const [root, last] = [createProver(), createProver()];
    const { token } = await service().issue({ caveats: [root.caveat] });
    const named = narrow(token, "agent = a#1");
    const handed = narrow(named, last.caveat);
    const presented = narrow(handed, "action = read");
    const aside = narrow(named, createProver().caveat);
    for (const [link, code] of [
      [linkOf(token), "holder_proof_invalid"],
      [linkOf(named), "holder_proof_invalid"],
      [linkOf(handed), "allowed"],
      [linkOf(presented), "allowed"],
      [linkOf(aside), "holder_proof_invalid"],
      [linkOf(narrow(presented, "depth <= 1")), "holder_proof_invalid"],
    ] as const) {
      const more = { ...proof(last, presented), endorsements: [root.endorsement(link)] };
      expect(await codeOf(presented, more, { action: "read" })).toBe(code);
    }
  });

  test("a key that is named twice in a row still endorses", async () => {
    const key = createProver();
    const { token } = await service().issue({ caveats: [key.caveat] });
    const again = narrow(token, "agent = a#1", key.caveat);
    expect(await codeOf(again, proof(key, again))).toBe("allowed");
  });

  test("a proof is good once, on any replica and in any batch", async () => {
    const key = createProver();
    const { token } = await service().issue({ caveats: [key.caveat] });
    const once = proof(key, token);
    const question = { token, context: {}, ...once };
    const results = await batch([question, question, { token, context: {}, ...proof(key, token) }, question]);
    expect(results.map((result) => (result.allowed ? "allowed" : result.code))).toEqual([
      "allowed",
      "holder_proof_invalid",
      "allowed",
      "holder_proof_invalid",
    ]);
    expect(results[1]).toMatchObject({
      detail: "the proof was used before: each call needs one of its own",
      failures: [{ index: 1, caveat: key.caveat, agent: null, code: "holder_proof_invalid" }],
    });
    const fresh = proof(key, token);
    const answers = await Promise.all(Array.from({ length: 8 }, () => codeOf(token, fresh)));
    expect(answers.filter((code) => code === "allowed")).toHaveLength(1);
    const replica = service().replica();
    await replica.start();
    const there = await replica.send("POST", "/v1/verify", question, service().asPlatform());
    expect(there.json()).toMatchObject({ code: "holder_proof_invalid" });
  });

  test("one round trip charges a budget and uses up the proof", async () => {
    const key = createProver();
    const { token } = await service().issue({ caveats: [key.caveat, "uses <= 2"] });
    const once = proof(key, token);
    service().watched.calls.length = 0;
    expect(await verify(token, once)).toMatchObject({ allowed: true, budgets: [{ remaining: "1" }] });
    expect(charges()).toHaveLength(1);
    expect(await codeOf(token, once)).toBe("holder_proof_invalid");
    expect(await verify(token, proof(key, token))).toMatchObject({ budgets: [{ remaining: "0" }] });
    const late = proof(key, token);
    expect(await codeOf(token, late)).toBe("budget_exhausted");
    // It has been seen on the wire: it is used up.
    expect(await codeOf(token, late)).toBe("holder_proof_invalid");
  });

  test("what is refused otherwise uses up no proof, and neither does a dry run", async () => {
    const key = createProver();
    const { token } = await service().issue({ caveats: [key.caveat, "action = read"] });
    const once = proof(key, token);
    expect(await codeOf(token, once, { action: "write" })).toBe("caveat_failed");
    const dry = { ...once, dry_run: true };
    const read = { action: "read" };
    expect([await codeOf(token, dry, read), await codeOf(token, dry, read)]).toEqual(["allowed", "allowed"]);
    expect(await codeOf(token, once, read)).toBe("allowed");
    expect([await codeOf(token, dry, read), await codeOf(token, once, read)]).toEqual([
      "holder_proof_invalid",
      "holder_proof_invalid",
    ]);
  });

  test("a question that is asked again brings a proof of its own, and is charged once", async () => {
    const key = createProver();
    const { token } = await service().issue({ caveats: [key.caveat, "uses <= 5"] });
    const charge = { charge_id: "order-1" };
    const first = proof(key, token);
    expect(await verify(token, { ...first, ...charge })).toMatchObject({ budgets: [{ remaining: "4" }] });
    expect(await verify(token, { ...proof(key, token), ...charge })).toMatchObject({
      allowed: true,
      repeated: true,
      budgets: [{ remaining: "4" }],
    });
    expect(await codeOf(token, { ...first, ...charge })).toBe("holder_proof_invalid");
  });

  test("proofs are of one platform, and one's calls tell another nothing", async () => {
    await service().createPlatform("elsewhere");
    const key = createProver();
    const here = (await service().issue({ caveats: [key.caveat] })).token;
    const there = (await service().issue({ platform: "elsewhere", caveats: [key.caveat] })).token;
    const jti = { jti: "the-same-on-both" };
    expect(await codeOf(here, proof(key, here, jti))).toBe("allowed");
    const verdict = await service().verify(there, {}, proof(key, there, jti), "elsewhere");
    expect(verdict.allowed).toBe(true);
    expect(await codeOf(here, proof(key, here, jti))).toBe("holder_proof_invalid");
  });

  test("a jti is another key's, too", async () => {
    const [a, b] = [createProver(), createProver()];
    const jti = { jti: "1" };
    for (const key of [a, b]) {
      const { token } = await service().issue({ caveats: [key.caveat] });
      expect(await codeOf(token, proof(key, token, jti))).toBe("allowed");
    }
  });

  test("a discharge is held by a key, too", async () => {
    const [key, other] = [createProver(), createProver()];
    const { token } = await service().issue();
    const asking = third.require(narrow(token, key.caveat), "is it so");
    const ticket = tickets(asking)[0] ?? "";
    const discharge = (...caveats: readonly string[]) => bound(asking, third.discharge(ticket, ...caveats));
    const ask = (prover: Prover, ...caveats: readonly string[]) =>
      verify(asking, { ...proof(prover, asking), discharges: [discharge(...caveats)] });
    expect(await ask(key, key.caveat)).toMatchObject({ allowed: true });
    expect(await ask(key, other.caveat)).toMatchObject({
      code: "holder_proof_invalid",
      failures: [{ index: 0, detail: expect.stringMatching(/^in discharge 0: the proof is not taken/) }],
    });
    // Binding is no link of its own.
    const handed = third.discharge(ticket, other.caveat, key.caveat);
    const endorsements = [other.endorsement(linkOf(handed))];
    const more = { ...proof(key, asking), discharges: [bound(asking, handed)], endorsements };
    expect(await codeOf(asking, more)).toBe("allowed");
  });

  test("a proof is remembered for as long as any clock takes it", async () => {
    const key = createProver();
    const { token } = await service().issue({ caveats: [key.caveat] });
    const ahead = proof(key, token, { iat: Math.floor(now() / 1000) + 59 });
    expect(await codeOf(token, ahead)).toBe("allowed");
    await service().advance(1.9 * MINUTE);
    expect(await codeOf(token, ahead)).toBe("holder_proof_invalid");
    await service().database.store.budgets.dropEnded();
    const jti = { jti: "again" };
    expect(await codeOf(token, proof(key, token, jti))).toBe("allowed");
    await service().advance(6 * MINUTE);
    expect(await codeOf(token, proof(key, token, jti))).toBe("allowed");
  });

  test("revocation and expiry are asked again after the proof", async () => {
    const key = createProver();
    const { token, revocation_id } = await service().issue({ caveats: [key.caveat] });
    await service().revoke([{ revocation_id }], service().asAdmin());
    expect(await codeOf(token, proof(key, token))).toBe("revoked");
  });

  test("a token without a holder needs no proof, and none is looked at", async () => {
    const { token } = await service().issue();
    service().watched.calls.length = 0;
    const more = { proof: { dpop: "nonsense", ...CALL }, endorsements: ["nonsense"] };
    expect(await codeOf(token, more)).toBe("allowed");
    expect(charges()).toEqual([]);
  });

  test.each([
    ["a text", "eyJ"],
    ["without a method", { dpop: "x", uri: CALL.uri }],
    ["without a uri", { dpop: "x", method: "GET" }],
    ["with a method that is none", { dpop: "x", uri: CALL.uri, method: "GET /" }],
    ["with another member", { dpop: "x", ...CALL, nonce: "1" }],
    ["with an empty digest", { dpop: "x", ...CALL, content_digest: "" }],
  ])("a proof %s is no question, in a batch that item's alone", async (_, wrong) => {
    const { token } = await service().issue();
    const body = { token, context: {}, proof: wrong };
    const answer = await service().send("POST", "/v1/verify", body, service().asPlatform());
    expect([answer.status, answer.json()]).toMatchObject([
      400,
      { code: "invalid_request", member: expect.stringMatching(/^proof/) },
    ]);
    const [first, second] = await batch([body, { token, context: {} }]);
    expect(first).toMatchObject({ code: "invalid_request", member: expect.stringMatching(/^proof/) });
    expect(second).toMatchObject({ allowed: true });
  });

  test("a credential of the API is held by no key", async () => {
    const key = createProver();
    const narrowed = narrow(service().asPlatform()["authorization"]?.slice(7) ?? "", key.caveat);
    const answer = await service().send("GET", "/v1/keys", undefined, {
      authorization: `Bearer ${narrowed}`,
    });
    expect(answer.status).toBe(403);
    const asked = await service().send(
      "POST",
      "/v1/platforms/default/credentials",
      { caveats: [key.caveat] },
      service().asAdmin(),
    );
    expect([asked.status, asked.json()]).toMatchObject([
      422,
      { code: "unprocessable", member: "caveats[0]" },
    ]);
  });
});
