/** Keys that hold tokens, as the library makes and uses them. */
import { generateKeyPairSync } from "node:crypto";

import { calculateJwkThumbprint, compactVerify, EmbeddedJWK, generateKeyPair, jwtVerify } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import {
  type Bakehouse,
  createBakehouse,
  createHolderKey,
  decide,
  guardHono,
  guardNode,
  guardTool,
  type HolderJwk,
  holder,
  holderKeyOf,
  readBearer,
  Token,
  TokenError,
  type VerifyRequest,
} from "../../src/client/index.ts";
import { sha256 } from "../support/prover.ts";
import { startTestService, type TestService } from "../support/service.ts";

const CALL = { method: "POST", uri: "https://api.example/orders?x=1#y" };

describe.each(["Ed25519", "P-256"] as const)("a key of %s", (kind) => {
  test("makes proofs and endorsements that jose takes", async () => {
    const key = await createHolderKey(kind);
    expect(key.kind).toBe(kind);
    expect(await calculateJwkThumbprint(key.publicKey)).toBe(key.thumbprint);
    expect(key.caveat).toBe(`holder = ${key.thumbprint}`);

    const now = Date.now();
    const proof = await jwtVerify(
      await key.prove({ ...CALL, token: "AgEA", contentDigest: "d" }, now),
      EmbeddedJWK,
      {
        typ: "dpop+jwt",
        algorithms: ["Ed25519", "ES256"],
      },
    );
    expect(proof.payload).toEqual({
      htm: "POST",
      htu: "https://api.example/orders",
      iat: Math.floor(now / 1000),
      jti: expect.stringMatching(/^[\w-]{22}$/),
      ath: sha256("AgEA"),
      content_digest: "d",
    });
    const link = "AAECAwQFBgcICQoLDA0ODw";
    const { protectedHeader, payload } = await compactVerify(await key.endorse(link), EmbeddedJWK);
    expect(protectedHeader).toMatchObject({ typ: "bakehouse-endorsement+jwt", jwk: key.publicKey });
    expect(JSON.parse(new TextDecoder().decode(payload))).toEqual({ link });
  });

  test("never gives its private half away", async () => {
    const key = await createHolderKey(kind);
    expect(JSON.stringify(key)).not.toContain('"d"');
    expect(Object.keys(key.publicKey)).not.toContain("d");
  });

  test("is read from a JWK, and is the same key then", async () => {
    const jwk = (
      kind === "Ed25519" ? generateKeyPairSync("ed25519") : generateKeyPairSync("ec", { namedCurve: "P-256" })
    ).privateKey.export({ format: "jwk" }) as HolderJwk;
    const key = await holderKeyOf({ ...jwk, use: "sig", kid: "1" } as HolderJwk);
    expect(key.thumbprint).toBe(await calculateJwkThumbprint(jwk as Record<string, string>));
    const { d: _, ...publicJwk } = jwk;
    for (const wrong of [publicJwk, { ...jwk, d: "x" }, { ...jwk, crv: "P-384" }, {}]) {
      await expect(holderKeyOf(wrong)).rejects.toThrow("the key is no private key of Ed25519 or P-256");
    }
  });

  test("is a pair that somebody else has made", async () => {
    const pair = await generateKeyPair(kind === "Ed25519" ? "Ed25519" : "ES256", { extractable: false });
    const key = await holderKeyOf(pair);
    await jwtVerify(await key.prove({ ...CALL, token: "AgEA" }), EmbeddedJWK);
  });
});

test("a thumbprint that is none is no caveat", () => {
  expect(() => holder("x")).toThrow(TokenError);
  expect(() => holder("x = y")).toThrow(TokenError);
});

test.each([
  ["DPoP AgEA", { state: "token", token: "AgEA" }],
  ["dpop  AgEA", { state: "token", token: "AgEA" }],
  ["DPoP", { state: "malformed" }],
  ["DPoP a, b", { state: "malformed" }],
  ["DPoPx AgEA", { state: "none" }],
])("%s is read", (header, bearer) => expect(readBearer(header)).toEqual(bearer));

test.each(["https://api.example/", "api.example", "https://api.example/v1", ""])(
  "%j is no origin of a guard",
  (origin) => {
    const verifier = { verify: () => expect.fail("asked") };
    expect(() => guardNode(verifier, undefined, { origin })).toThrow(TypeError);
    expect(() => guardHono(verifier, undefined, { origin })).toThrow(TypeError);
  },
);

describe("[pglite] with a service", () => {
  let service: TestService;
  let server: { readonly url: string; close(): Promise<void> };
  let client: Bakehouse;

  beforeAll(async () => {
    service = await startTestService({ kind: "pglite" });
    server = await service.listen();
    const credential = service.asPlatform()["authorization"]?.slice(7) ?? "";
    client = createBakehouse({ url: server.url, credential });
  });
  afterAll(async () => {
    await server.close();
    await service.close();
  });

  /** A token that its holder has handed to a child with a key of its own. */
  async function handedOn() {
    const [mine, theirs] = [await createHolderKey(), await createHolderKey("P-256")];
    const token = Token.parse((await service.issue({ caveats: [mine.caveat] })).token);
    const child = token.delegate("child", { holder: theirs, caveats: ["method = GET"] });
    return { mine, theirs, child, endorsement: await mine.endorse(child) };
  }

  test("a key hands on to a key, and both vouch in the headers of a call", async () => {
    const { theirs, child, endorsement } = await handedOn();
    expect(
      child
        .inspect()
        .caveats.slice(2)
        .map(({ text }) => text),
    ).toEqual([expect.stringMatching(/^agent = child#/), theirs.caveat, "method = GET"]);
    const guard = guardNode(client, undefined, { origin: "https://api.example" });
    const token = child.encode();
    const uri = "https://api.example/files/a?x=1";
    const headers = await theirs.headers({ token, method: "GET", uri }, [endorsement]);
    expect(Object.keys(headers)).toEqual(["Authorization", "DPoP", "Bakehouse-Endorsements"]);

    async function ask(more: object, url = "/files/a?x=1") {
      const answer = { statusCode: 200, headers: {} as Record<string, string>, body: "" };
      const lower = Object.entries({ ...headers, ...more }).map(([name, value]) => [
        name.toLowerCase(),
        value,
      ]);
      const request = {
        method: "GET",
        url,
        headers: Object.fromEntries(lower),
        socket: { remoteAddress: "192.0.2.1" },
      };
      const response = {
        set statusCode(status: number) {
          answer.statusCode = status;
        },
        setHeader(name: string, value: string) {
          answer.headers[name] = value;
        },
        end(body: string) {
          answer.body = body;
        },
      } as Parameters<typeof guard>[1];
      await guard(request, response, (error) => expect(error).toBeUndefined());
      return answer;
    }

    expect((await ask({})).statusCode).toBe(200);
    const replayed = await ask({});
    expect(replayed.statusCode).toBe(401);
    expect(replayed.headers["www-authenticate"]).toBe(
      'DPoP error="invalid_dpop_proof", algs="Ed25519 ES256"',
    );
    expect(JSON.parse(replayed.body)).toMatchObject({ code: "holder_proof_invalid" });
    const fresh = async () => ({ DPoP: await theirs.prove({ token, method: "GET", uri }) });
    expect((await ask({ ...(await fresh()), "Bakehouse-Endorsements": undefined })).statusCode).toBe(401);
    expect((await ask({ DPoP: undefined })).headers["www-authenticate"]).toMatch(
      /^DPoP error="invalid_token"/,
    );
    // Two headers are joined by whoever receives them.
    const two = await fresh();
    expect((await ask({ DPoP: `${two.DPoP}, ${two.DPoP}` })).statusCode).toBe(401);
    expect((await ask(await fresh(), "/files/b")).statusCode).toBe(401);
    expect((await ask({ ...(await fresh()), Authorization: `Bearer ${token}` })).statusCode).toBe(200);
  });

  test("a guard that was not told its origin lets no holder's token in", async () => {
    const { theirs, child, endorsement } = await handedOn();
    const call = { token: child.encode(), method: "GET", uri: "https://api.example/" };
    const headers = await theirs.headers(call, [endorsement]);
    const guard = guardHono(client);
    const request = new Request("https://api.example/", { headers });
    const c = {
      req: {
        raw: request,
        method: "GET",
        path: "/",
        header: (name: string) => request.headers.get(name) ?? undefined,
      },
      set: () => {},
    };
    const refused = await guard(c, () => expect.fail("passed"));
    expect([refused?.status, await refused?.json()]).toMatchObject([401, { code: "holder_proof_required" }]);
    let passed = 0;
    const told = guardHono(client, undefined, { origin: "https://api.example" });
    await told(c, async () => void passed++);
    expect(passed).toBe(1);
  });

  test("a tool hands on what came with its call", async () => {
    const { theirs, child, endorsement } = await handedOn();
    const token = child.encode();
    const uri = "https://tools.example/mcp";
    const proof = { dpop: await theirs.prove({ token, method: "POST", uri }), method: "POST", uri };
    const tool = guardTool(client, "pay", () => "done");
    const call = { token, context: { method: "GET" }, proof, endorsements: [endorsement] };
    expect(await tool({}, call)).toBe("done");
    await expect(tool({}, call)).rejects.toThrow("used before");
  });

  test("headers that are not there are not sent on", async () => {
    const asked: VerifyRequest[] = [];
    const verifier = {
      async verify(request: VerifyRequest) {
        asked.push(request);
        return await client.verify(request);
      },
    };
    const { token } = await service.issue();
    const proof = { dpop: undefined, endorsements: " , ", method: "GET", uri: "https://api.example/" };
    expect(await decide(verifier, { authorization: `Bearer ${token}`, context: {}, proof })).toMatchObject({
      pass: true,
    });
    expect(asked).toEqual([{ token, context: {} }]);
  });
});
