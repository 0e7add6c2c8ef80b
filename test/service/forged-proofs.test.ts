/** Proofs and endorsements that are forged, stale, replayed, of another key or bound to something else: each is refused. */
import { createHmac, createPublicKey, generateKeyPairSync, sign } from "node:crypto";

import { expect, test } from "vitest";

import { CALL, claims, createProver, encoded, type Prover, sha256 } from "../support/prover.ts";
import { describeService, type Refused } from "../support/service.ts";
import { linkOf, narrow } from "../support/service-macaroons.ts";

/** A token that was handed from one key to another, and all that an attacker may have beside it. */
interface World {
  /** The key of the issued `holder`, which must endorse. */
  readonly parent: Prover;
  /** The key of the last `holder`, which must prove itself. */
  readonly key: Prover;
  readonly stranger: Prover;
  readonly issued: string;
  readonly token: string;
  readonly now: number;
  /** The claims of a good proof of this call. */
  good(more?: object): object;
}

/** The members of a question; `dpop` and `endorsements` are good unless they are given. */
type Attack = (world: World) => {
  readonly dpop?: string | undefined;
  readonly endorsements?: readonly string[];
  readonly call?: object;
};

const TYP = { typ: "dpop+jwt" };
const END = { typ: "bakehouse-endorsement+jwt" };
const proof = (world: World, header: object, more: object = {}, by: Prover = world.key) =>
  by.jws({ ...TYP, ...header }, world.good(more));
const seconds = (now: number, more: number) => Math.floor(now / 1000) + more;

/** @param at the part that is changed, from the front */
function changed(jws: string, at: number, change: (text: string) => string): string {
  return jws
    .split(".")
    .map((part, index) => (index === at ? change(part) : part))
    .join(".");
}

const flipped = (part: string) => `${part.startsWith("A") ? "B" : "A"}${part.slice(1)}`;

const rsa = () => generateKeyPairSync("rsa", { modulusLength: 2048 });

/** Signed with an RSA key, as `dpop` would for RS256 and PS256. */
function byRsa(world: World, alg: string): string {
  const { privateKey, publicKey } = rsa();
  const text = `${encoded(JSON.stringify({ ...TYP, alg, jwk: publicKey.export({ format: "jwk" }) }))}.${encoded(JSON.stringify(world.good()))}`;
  return `${text}.${sign("sha256", Buffer.from(text), privateKey).toString("base64url")}`;
}

/** Signed with the public key as a shared secret: what a verifier takes that lets a header choose. */
function byHmac({ key, good }: World): string {
  const text = `${encoded(JSON.stringify({ ...TYP, alg: "HS256", jwk: key.jwk }))}.${encoded(JSON.stringify(good()))}`;
  const secret = createPublicKey({ key: { ...key.jwk }, format: "jwk" }).export({
    format: "pem",
    type: "spki",
  });
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

const PROOFS: readonly (readonly [name: string, detail: RegExp, attack: Attack])[] = [
  // Forged.
  ["no text", /no compact JWS/, () => ({ dpop: "" })],
  ["no JWS", /no compact JWS/, () => ({ dpop: "proof" })],
  ["two parts", /no compact JWS/, (w) => ({ dpop: proof(w, {}).split(".").slice(0, 2).join(".") })],
  ["four parts", /no compact JWS/, (w) => ({ dpop: `${proof(w, {})}.x` })],
  [
    "two proofs in one header",
    /malformed/,
    (w) => ({ dpop: `${proof(w, {}).replace(/\.[^.]*$/, "")}.x, x` }),
  ],
  [
    "an unsigned JWT",
    /signature|malformed|alg/,
    (w) => ({ dpop: changed(proof(w, { alg: "none" }), 2, () => "") }),
  ],
  ["alg none with a signature", /alg/, (w) => ({ dpop: proof(w, { alg: "none" }) })],
  ["alg in other case", /alg/, (w) => ({ dpop: proof(w, { alg: "ed25519" }) })],
  ["no alg", /alg/, (w) => ({ dpop: proof(w, { alg: undefined }) })],
  ["alg as a list", /alg/, (w) => ({ dpop: proof(w, { alg: ["Ed25519"] }) })],
  ["HS256 with the public key as secret", /alg/, (w) => ({ dpop: byHmac(w) })],
  ["RS256", /alg/, (w) => ({ dpop: byRsa(w, "RS256") })],
  ["an RSA key called Ed25519", /neither Ed25519 nor P-256/, (w) => ({ dpop: byRsa(w, "Ed25519") })],
  ["ES256 with an Ed25519 key", /do not fit/, (w) => ({ dpop: proof(w, { alg: "ES256" }) })],
  [
    "a signature with one bit wrong",
    /signature is wrong/,
    (w) => ({ dpop: changed(proof(w, {}), 2, flipped) }),
  ],
  [
    "a signature over another payload",
    /signature is wrong/,
    (w) => {
      const [head, , tail] = proof(w, {}).split(".");
      return { dpop: `${head}.${encoded(JSON.stringify(w.good()))}.${tail}` };
    },
  ],
  [
    "a signature over another header",
    /signature is wrong/,
    (w) => {
      const [, body, tail] = proof(w, {}).split(".");
      return { dpop: `${encoded(JSON.stringify({ ...TYP, alg: "EdDSA", jwk: w.key.jwk }))}.${body}.${tail}` };
    },
  ],
  [
    "a stranger's signature under the holder's key",
    /signature is wrong/,
    (w) => ({ dpop: proof(w, { jwk: w.key.jwk }, {}, w.stranger) }),
  ],
  ["an empty signature", /signature is wrong/, (w) => ({ dpop: changed(proof(w, {}), 2, () => "") })],
  [
    "a signature of zeros",
    /signature is wrong/,
    (w) => ({ dpop: changed(proof(w, {}), 2, () => Buffer.alloc(64).toString("base64url")) }),
  ],
  [
    "a signature with a byte more",
    /signature is wrong/,
    (w) => ({
      dpop: changed(proof(w, {}), 2, (part) =>
        Buffer.concat([Buffer.from(part, "base64url"), Buffer.alloc(1)]).toString("base64url"),
      ),
    }),
  ],
  ["padded base64", /malformed/, (w) => ({ dpop: changed(proof(w, {}), 2, (part) => `${part}==`) })],
  [
    "base64 that is not canonical",
    /malformed/,
    (w) => ({
      dpop: changed(proof(w, {}), 2, (part) => `${part.slice(0, -1)}${part.endsWith("B") ? "D" : "B"}`),
    }),
  ],
  ["white space around", /malformed/, (w) => ({ dpop: ` ${proof(w, {})}` })],
  ["another typ", /typ/, (w) => ({ dpop: proof(w, { typ: "JWT" }) })],
  ["typ in other case", /typ/, (w) => ({ dpop: proof(w, { typ: "DPoP+JWT" }) })],
  ["no typ", /typ/, (w) => ({ dpop: proof(w, { typ: undefined }) })],
  ["an endorsement as a proof", /typ/, (w) => ({ dpop: w.key.endorsement(linkOf(w.token)) })],
  ["a crit", /crit/, (w) => ({ dpop: proof(w, { crit: ["b64"], b64: false }) })],
  [
    "two members of one name in the header",
    /malformed/,
    (w) => ({
      dpop: w.key.signed(
        `{"alg":"none","typ":"dpop+jwt","jwk":${JSON.stringify(w.key.jwk)},"alg":"Ed25519"}`,
        JSON.stringify(w.good()),
      ),
    }),
  ],
  [
    "two members of one name in the payload",
    /malformed/,
    (w) => ({
      dpop: w.key.signed(
        JSON.stringify({ ...TYP, alg: "Ed25519", jwk: w.key.jwk }),
        JSON.stringify(w.good()).replace("{", '{"htm":"GET",'),
      ),
    }),
  ],
  [
    "a payload that is a list",
    /malformed/,
    (w) => ({
      dpop: w.key.signed(
        JSON.stringify({ ...TYP, alg: "Ed25519", jwk: w.key.jwk }),
        `[${JSON.stringify(w.good())}]`,
      ),
    }),
  ],
  [
    "a payload that is no JSON",
    /malformed/,
    (w) => ({ dpop: w.key.signed(JSON.stringify({ ...TYP, alg: "Ed25519", jwk: w.key.jwk }), "{htm}") }),
  ],
  [
    "a payload of a thousand members",
    /malformed/,
    (w) => ({
      dpop: proof(w, {}, Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`x${at}`, 1]))),
    }),
  ],
  ["a proof that is too long", /longer than/, (w) => ({ dpop: proof(w, {}, { x: "x".repeat(8_192) }) })],
  [
    "a header that is too long",
    /header is longer than/,
    (w) => ({ dpop: proof(w, { x: "x".repeat(2_048) }) }),
  ],
  // Of another key, or of none.
  ["no key", /no public key/, (w) => ({ dpop: proof(w, { jwk: undefined }) })],
  ["a key as a text", /no public key/, (w) => ({ dpop: proof(w, { jwk: JSON.stringify(w.key.jwk) }) })],
  ["a kid alone", /no public key/, (w) => ({ dpop: proof(w, { jwk: undefined, kid: w.key.thumbprint }) })],
  [
    "a private key in the header",
    /private key/,
    (w) => ({ dpop: proof(w, { jwk: { ...w.key.jwk, d: w.key.privateKey.export({ format: "jwk" }).d } }) }),
  ],
  ["an empty private member", /private key/, (w) => ({ dpop: proof(w, { jwk: { ...w.key.jwk, d: "" } }) })],
  ["a stranger's proof", /another key/, (w) => ({ dpop: proof(w, {}, {}, w.stranger) })],
  ["the parent's proof", /another key/, (w) => ({ dpop: proof(w, {}, {}, w.parent) })],
  [
    "a key with another curve's name",
    /neither Ed25519 nor P-256/,
    (w) => ({ dpop: proof(w, { jwk: { ...w.key.jwk, crv: "X25519" } }) }),
  ],
  [
    "a key that is too short",
    /malformed/,
    (w) => ({ dpop: proof(w, { jwk: { ...w.key.jwk, x: w.key.jwk["x"]?.slice(0, 40) } }) }),
  ],
  [
    "a key that is padded",
    /malformed/,
    (w) => ({ dpop: proof(w, { jwk: { ...w.key.jwk, x: `${w.key.jwk["x"]}=` } }) }),
  ],
  [
    "a point that is on no curve",
    /another key/,
    (w) => {
      const { jwk } = createProver("ES256");
      return { dpop: proof(w, { alg: "ES256", jwk: { ...jwk, y: jwk["x"] } }) };
    },
  ],
  // Bound to something else.
  ["another method", /htm/, (w) => ({ dpop: proof(w, {}, { htm: "GET" }) })],
  ["the method in lower case", /htm/, (w) => ({ dpop: proof(w, {}, { htm: "post" }) })],
  ["no htm", /htm/, (w) => ({ dpop: proof(w, {}, { htm: undefined }) })],
  ["a call with another method", /htm/, (w) => ({ dpop: proof(w, {}), call: { method: "DELETE" } })],
  ["another path", /htu/, (w) => ({ dpop: proof(w, {}, { htu: "https://api.example/admin" }) })],
  ["another host", /htu/, (w) => ({ dpop: proof(w, {}, { htu: "https://api.example.evil/orders" }) })],
  ["another scheme", /htu/, (w) => ({ dpop: proof(w, {}, { htu: "http://api.example/orders" }) })],
  ["another port", /htu/, (w) => ({ dpop: proof(w, {}, { htu: "https://api.example:8443/orders" }) })],
  ["a path in other case", /htu/, (w) => ({ dpop: proof(w, {}, { htu: "https://api.example/Orders" }) })],
  ["a slash at the end", /htu/, (w) => ({ dpop: proof(w, {}, { htu: `${CALL.uri}/` }) })],
  ["an escaped slash", /htu/, (w) => ({ dpop: proof(w, {}, { htu: "https://api.example%2Forders" }) })],
  ["a user in the URI", /htu/, (w) => ({ dpop: proof(w, {}, { htu: "https://u@api.example/orders" }) })],
  ["a path alone", /htu/, (w) => ({ dpop: proof(w, {}, { htu: "/orders" }) })],
  ["no htu", /htu/, (w) => ({ dpop: proof(w, {}, { htu: undefined }) })],
  [
    "a call whose uri is none",
    /call's uri/,
    (w) => ({ dpop: proof(w, {}, { htu: "orders" }), call: { uri: "orders" } }),
  ],
  [
    "a call of another scheme",
    /call's uri/,
    (w) => ({ dpop: proof(w, {}, { htu: "ws://api.example" }), call: { uri: "ws://api.example" } }),
  ],
  ["the hash of another token", /ath/, (w) => ({ dpop: proof(w, {}, { ath: sha256(w.issued) }) })],
  [
    "the hash of the narrower token",
    /ath/,
    (w) => ({ dpop: proof(w, {}, { ath: sha256(narrow(w.token, "depth <= 1")) }) }),
  ],
  ["the token itself as ath", /ath/, (w) => ({ dpop: proof(w, {}, { ath: w.token }) })],
  ["no ath", /ath/, (w) => ({ dpop: proof(w, {}, { ath: undefined }) })],
  [
    "a digest of other contents",
    /content_digest/,
    (w) => ({
      dpop: proof(w, {}, { content_digest: sha256("other") }),
      call: { content_digest: sha256("body") },
    }),
  ],
  ["no digest", /content_digest/, (w) => ({ dpop: proof(w, {}), call: { content_digest: sha256("body") } })],
  // Stale, or without a name.
  ["of a minute ago", /iat is too long ago/, (w) => ({ dpop: proof(w, {}, { iat: seconds(w.now, -62) }) })],
  ["of in a minute", /iat is in the future/, (w) => ({ dpop: proof(w, {}, { iat: seconds(w.now, 65) }) })],
  ["dated in milliseconds", /iat/, (w) => ({ dpop: proof(w, {}, { iat: w.now }) })],
  ["dated by a text", /iat is no time/, (w) => ({ dpop: proof(w, {}, { iat: String(seconds(w.now, 0)) }) })],
  ["of before all time", /iat is no time/, (w) => ({ dpop: proof(w, {}, { iat: -1 }) })],
  ["no iat", /iat is no time/, (w) => ({ dpop: proof(w, {}, { iat: undefined }) })],
  ["over by its own word", /exp is over/, (w) => ({ dpop: proof(w, {}, { exp: seconds(w.now, -1) }) })],
  ["exp that is no time", /exp is over/, (w) => ({ dpop: proof(w, {}, { exp: "never" }) })],
  [
    "not good yet by its own word",
    /nbf is in the future/,
    (w) => ({ dpop: proof(w, {}, { nbf: seconds(w.now, 3_600) }) }),
  ],
  ["no jti", /jti/, (w) => ({ dpop: proof(w, {}, { jti: undefined }) })],
  ["an empty jti", /jti/, (w) => ({ dpop: proof(w, {}, { jti: "" }) })],
  ["a jti that is a number", /jti/, (w) => ({ dpop: proof(w, {}, { jti: 1 }) })],
  ["a jti that is too long", /jti/, (w) => ({ dpop: proof(w, {}, { jti: "j".repeat(257) }) })],
];

const ENDORSEMENTS: readonly (readonly [name: string, detail: RegExp, attack: Attack])[] = [
  ["no JWS", /no compact JWS/, () => ({ endorsements: ["handed on"] })],
  [
    "unsigned",
    /signature is wrong/,
    (w) => ({ endorsements: [changed(w.parent.endorsement(linkOf(w.token)), 2, () => "")] }),
  ],
  [
    "alg none",
    /alg/,
    (w) => ({ endorsements: [w.parent.jws({ ...END, alg: "none" }, { link: linkOf(w.token) })] }),
  ],
  [
    "a wrong signature",
    /signature is wrong/,
    (w) => ({ endorsements: [changed(w.parent.endorsement(linkOf(w.token)), 2, flipped)] }),
  ],
  [
    "by a stranger under the parent's key",
    /signature is wrong/,
    (w) => ({ endorsements: [w.stranger.jws({ ...END, jwk: w.parent.jwk }, { link: linkOf(w.token) })] }),
  ],
  [
    "of the link before the hand-over",
    /no link at or behind/,
    (w) => ({ endorsements: [w.parent.endorsement(linkOf(w.issued))] }),
  ],
  [
    "of the link with the name alone",
    /no link at or behind/,
    (w) => ({ endorsements: [w.parent.endorsement(linkOf(narrow(w.issued, "agent = child#1")))] }),
  ],
  [
    "of a link beside it",
    /no link at or behind/,
    (w) => ({
      endorsements: [w.parent.endorsement(linkOf(narrow(w.issued, "agent = child#2", w.key.caveat)))],
    }),
  ],
  [
    "of a link below it",
    /no link at or behind/,
    (w) => ({ endorsements: [w.parent.endorsement(linkOf(narrow(w.token, "depth <= 1")))] }),
  ],
  ["of no link", /payload/, (w) => ({ endorsements: [w.parent.jws(END, {})] })],
  ["of something that is no link", /payload/, (w) => ({ endorsements: [w.parent.jws(END, { link: "x" })] })],
  [
    "of a list of links",
    /payload/,
    (w) => ({ endorsements: [w.parent.jws(END, { link: [linkOf(w.token)] })] }),
  ],
  [
    "with an end that nobody would heed",
    /payload/,
    (w) => ({ endorsements: [w.parent.jws(END, { link: linkOf(w.token), exp: seconds(w.now, -60) })] }),
  ],
  [
    "with two links",
    /malformed/,
    (w) => ({
      endorsements: [
        w.parent.signed(
          JSON.stringify({ ...END, alg: "Ed25519", jwk: w.parent.jwk }),
          `{"link":"x","link":"${linkOf(w.token)}"}`,
        ),
      ],
    }),
  ],
  [
    "another typ",
    /typ/,
    (w) => ({ endorsements: [w.parent.jws({ typ: "JWT" }, { link: linkOf(w.token) })] }),
  ],
  [
    "a proof as an endorsement",
    /typ/,
    (w) => ({ endorsements: [proof(w, {}, { link: linkOf(w.token) }, w.parent)] }),
  ],
  [
    "a crit",
    /crit/,
    (w) => ({ endorsements: [w.parent.jws({ ...END, crit: ["exp"] }, { link: linkOf(w.token) })] }),
  ],
  [
    "a private key in the header",
    /private key/,
    (w) => ({
      endorsements: [w.parent.jws({ ...END, jwk: { ...w.parent.jwk, d: "x" } }, { link: linkOf(w.token) })],
    }),
  ],
  [
    "too long",
    /longer than/,
    (w) => ({ endorsements: [w.parent.jws({ ...END, x: "x".repeat(2_048) }, { link: linkOf(w.token) })] }),
  ],
  [
    "more than may come with a call",
    /more than 32/,
    (w) => ({ endorsements: Array.from({ length: 33 }, () => w.parent.endorsement(linkOf(w.token))) }),
  ],
];

describeService("forged proofs", (service) => {
  async function world(): Promise<World> {
    const [parent, key, stranger] = [createProver(), createProver(), createProver()];
    const { token: issued } = await service().issue({ caveats: [parent.caveat] });
    const token = narrow(issued, "agent = child#1", key.caveat);
    const now = service().clock.now();
    return { parent, key, stranger, issued, token, now, good: (more) => claims(token, now, more) };
  }

  async function ask(at: World, attack: Attack) {
    const {
      dpop = proof(at, {}),
      endorsements = [at.parent.endorsement(linkOf(at.token))],
      call,
    } = attack(at);
    return await service().verify(at.token, {}, { proof: { dpop, ...CALL, ...call }, endorsements });
  }

  test("what none of these attacks changes is let pass", async () => {
    expect(await ask(await world(), () => ({}))).toMatchObject({ allowed: true });
  });

  test.each(PROOFS)("a proof, %s", async (_, detail, attack) => {
    const at = await world();
    const refused = (await ask(at, attack)) as Refused;
    expect(refused).toMatchObject({ allowed: false, code: "holder_proof_invalid" });
    expect(refused.failures).toMatchObject([{ index: 3, caveat: at.key.caveat, agent: "child#1" }]);
    expect(refused.failures[0]?.detail).toMatch(detail);
    expect(refused.failures[0]?.detail).toMatch(/^the proof is not taken: /);
  });

  test.each(ENDORSEMENTS)("an endorsement, %s", async (_, detail, attack) => {
    const at = await world();
    const refused = (await ask(at, attack)) as Refused;
    expect(refused).toMatchObject({ allowed: false, code: "holder_proof_invalid" });
    expect(refused.failures).toMatchObject([{ index: 1, caveat: at.parent.caveat, agent: null }]);
    expect(refused.failures[0]?.detail).toMatch(detail);
  });

  test.each<[string, Attack]>([
    ["no endorsement", () => ({ endorsements: [] })],
    ["a stranger's endorsement", (w) => ({ endorsements: [w.stranger.endorsement(linkOf(w.token))] })],
    ["the last key's own endorsement", (w) => ({ endorsements: [w.key.endorsement(linkOf(w.token))] })],
  ])("%s is none", async (_, attack) => {
    expect(await ask(await world(), attack)).toMatchObject({
      code: "holder_proof_required",
      failures: [{ index: 1, code: "holder_proof_required" }],
    });
  });

  test("no proof, with every endorsement", async () => {
    const at = await world();
    const endorsements = [at.parent, at.key].map((prover) => prover.endorsement(linkOf(at.token)));
    expect(await service().verify(at.token, {}, { endorsements })).toMatchObject({
      code: "holder_proof_required",
      failures: [{ index: 3, code: "holder_proof_required" }],
    });
  });

  test.each([
    ["the usual port", "https://api.example:443/orders"],
    ["host and scheme in other case", "HTTPS://API.example/orders"],
    ["a query", `${CALL.uri}?x=1`],
    ["a fragment", `${CALL.uri}#x`],
    ["an escape without need", "https://api.example/%6frders"],
    ["a dot segment", "https://api.example/x/../orders"],
  ])("%s is another spelling of the same call", async (_, htu) => {
    expect(await ask(await world(), (w) => ({ dpop: proof(w, {}, { htu }) }))).toMatchObject({
      allowed: true,
    });
    expect(await ask(await world(), () => ({ call: { uri: htu } }))).toMatchObject({ allowed: true });
  });

  test("further members hurt nobody, and a digest that is there may go unasked", async () => {
    const attack: Attack = (w) => ({
      dpop: proof(
        w,
        { kid: "1" },
        {
          nonce: "n",
          content_digest: "d",
          exp: seconds(w.now, 60),
          nbf: seconds(w.now, 0),
          iat: seconds(w.now, 0) + 0.5,
        },
      ),
    });
    expect(await ask(await world(), attack)).toMatchObject({ allowed: true });
    const digest: Attack = (w) => ({
      dpop: proof(w, {}, { content_digest: "d" }),
      call: { content_digest: "d" },
    });
    expect(await ask(await world(), digest)).toMatchObject({ allowed: true });
  });

  test("a key that is none, under its own thumbprint", async () => {
    const at = await world();
    const { jwk, ...point } = createProver("ES256");
    const none = { ...jwk, y: jwk["x"] };
    const token = narrow(at.issued, `holder = ${sha256(JSON.stringify(none))}`);
    const dpop = point.jws({ ...TYP, jwk: none }, claims(token, at.now));
    expect(await service().verify(token, {}, { proof: { dpop, ...CALL } })).toMatchObject({
      code: "holder_proof_required",
      failures: [
        { index: 1, code: "holder_proof_required" },
        { index: 2, code: "holder_proof_invalid", detail: "the proof is not taken: its signature is wrong" },
      ],
    });
  });

  test("a proof that was made for somebody else's token of the same key", async () => {
    const at = await world();
    const other = narrow((await service().issue()).token, at.key.caveat);
    expect(await ask(at, () => ({ dpop: at.key.jws(TYP, claims(other, at.now)) }))).toMatchObject({
      code: "holder_proof_invalid",
    });
  });
});

test("there are as many attacks as were promised", () => {
  expect(PROOFS.length + ENDORSEMENTS.length).toBeGreaterThanOrEqual(100);
});
