import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { type Allowed, type Revocation, readRevocation } from "../../src/client/answers.ts";
import { Token } from "../../src/client/index.ts";
import { createKnowledge } from "../../src/client/local/knowledge.ts";
import {
  decodeBase64,
  decodeBundle,
  defaultHmac,
  encode,
  encodeBase64Url,
  encodeBundle,
  mint,
  type UnverifiedMacaroon,
  verify,
} from "../../src/macaroon/index.ts";

const rootKey = new Uint8Array(32).fill(7);
const ROOM = { characters: 1_000_000, revocations: 1_000 };
const ISSUED = "2026-11-22T12:00:00.000Z";

function tokenId(number: number): string {
  return `019a8b3c-5d7e-7f10-8a2b-${number.toString(16).padStart(12, "0")}`;
}

function root(number = 1, location?: string): Token {
  const identifier = `bh1.AAAAAAAAAAAAAAAA.${tokenId(number)}.BBBBBBBBBBBBBBBB.1`;
  const macaroon = mint({ rootKey, identifier, ...(location !== undefined && { location }) });
  return Token.parse(encodeBundle([macaroon])).attenuate("time < 2999-01-01T00:00:00Z");
}

/** What the service says of a token that it allows. */
function allowedOf(token: Token, number = 1): Allowed {
  const { caveats, agents } = token.inspect();
  const ids = caveats.map((_, index) => index.toString().padStart(22, "A"));
  return {
    allowed: true,
    token_id: tokenId(number),
    key_id: "AAAAAAAAAAAAAAAA",
    platform: "default",
    principal: { id: "BBBBBBBBBBBBBBBB", issuer: "https://idp.example", subject: "alice" },
    issued_at: ISSUED,
    expires_at: "2999-01-01T00:00:00.000Z",
    agents,
    caveats: caveats.map(({ text }) => text),
    summary: "",
    revocation_id: token.revocationId,
    revocation_ids: [...ids, token.revocationId],
    budgets: [],
    sequence: "e-1",
  };
}

function learned(token: Token, number = 1, room = ROOM) {
  const knowledge = createKnowledge(room);
  knowledge.learn(token.encode(), allowedOf(token, number), []);
  return knowledge;
}

/** A macaroon with caveats of any text and number, rightly signed. */
function signed(from: UnverifiedMacaroon, texts: readonly string[]): UnverifiedMacaroon {
  let signature = from.signature;
  const added = texts.map((text) => {
    const id = new TextEncoder().encode(text);
    signature = defaultHmac(signature, id);
    return { id };
  });
  return { ...from, unverifiedCaveats: [...from.unverifiedCaveats, ...added], signature };
}

const revoked = (target: Revocation["target"]): Revocation => ({
  id: "r",
  target,
  revoked_at: ISSUED,
  sequence: "e-2",
  scope: "all",
});

describe("what is known", () => {
  test("is a token that was asked about, and what descends from it, by its whole chain", () => {
    const token = root().delegate("a");
    const knowledge = learned(token);
    const child = token.delegate("b", { caveats: ["action = read", "x = ä"] });
    const found = knowledge.find(child.encode());
    expect(found?.texts).toEqual(child.inspect().caveats.map(({ text }) => text));
    expect(found?.agents).toEqual(child.inspect().agents);
    expect(found?.revocationIds.at(-1)).toBe(child.revocationId);
    expect(found?.revocationIds.at(-3)).toBe(
      token.delegate("b", { instance: child.inspect().agents[1]?.slice(2) ?? "" }).revocationId,
    );
    expect(knowledge.find(child.encode())).toBe(found);
  });

  test.each(["", "http://127.0.0.1:8080", `https://${"long.".repeat(30)}example`])(
    "wherever its root macaroon says that it is from: %s",
    (location) => {
      const token = root(1, location);
      expect(learned(token).find(token.attenuate("a = b").encode())).toBeDefined();
    },
  );

  test.each([
    { name: "its parent", text: () => root().encode() },
    { name: "another root macaroon", text: () => root(2).delegate("a").attenuate("x = 1").encode() },
    { name: "a sibling", text: () => root().delegate("b").encode() },
    { name: "nothing", text: () => "" },
    { name: "no base64", text: () => "Ag\u0000" },
    { name: "half a header", text: (token: Token) => token.encode().slice(0, 12) },
    { name: "the link cut short", text: (token: Token) => token.encode().slice(0, -4) },
    { name: "something behind it", text: (token: Token) => `${token.attenuate("x = 1").encode()}AAAA` },
    { name: "padding", text: (token: Token) => `${token.attenuate("x = 1").encode()}=` },
    { name: "two macaroons", text: (token: Token) => token.attenuate("x = 1").encode().repeat(2) },
    {
      name: "another signature",
      text: (token: Token) =>
        token
          .attenuate("x = 1")
          .encode()
          .replace(/.{4}$/, (end) => (end.startsWith("A") ? "BBBB" : "AAAA")),
    },
    {
      name: "the link's own signature under more caveats",
      text: (token: Token) => {
        const longer = token.attenuate("x = 1").encode("v2-json");
        return longer.replace(/"s64":"[^"]+"/, /"s64":"[^"]+"/.exec(token.encode("v2-json"))?.[0] ?? "");
      },
    },
    {
      name: "a third party's caveat",
      text: (token: Token) =>
        token
          .attenuate({ location: "https://t.example", condition: "x", publicKey: new Uint8Array(32).fill(9) })
          .encode(),
    },
    {
      name: "more caveats than a macaroon has",
      text: (token: Token) => {
        const decoded = decodeBundle(token.encode());
        if (!decoded.ok) throw new Error("no token");
        const [macaroon] = decoded.macaroons;
        // Longer than this library makes one, with the right signature.
        return encode(signed(macaroon, Array<string>(255).fill("x = 1")));
      },
    },
  ])("is not: $name", ({ text }) => {
    const token = root().delegate("a");
    expect(learned(token).find(text(token))).toBeUndefined();
  });

  test.each(["v1", "v1-json", "v2-json"] as const)("is found however it is written: %s", (format) => {
    const token = root(1, "http://127.0.0.1:8080");
    const knowledge = learned(token);
    const child = token.attenuate("action = read");
    expect(knowledge.find(child.encode(format))?.revocationIds.at(-1)).toBe(child.revocationId);
  });

  test("is exactly what a verifier with the key makes of it, whatever caveats follow, from any link", () => {
    const text = fc.oneof(
      fc.constantFrom("action = read", "time < 2030-01-01T00:00:00Z", "depth <= 3", "not a caveat"),
      fc.string({ maxLength: 200, unit: "grapheme" }),
    );
    fc.assert(
      fc.property(
        fc.array(text, { maxLength: 6 }),
        fc.array(text, { maxLength: 12 }),
        fc.string({ maxLength: 40 }),
        fc.nat(),
        (above, below, location, chance) => {
          const start = decodeBundle(root(1, location).encode());
          if (!start.ok) throw new Error("no token");
          const [first] = start.macaroons;
          const link = signed(first, above);
          const known = encode(link);
          const knowledge = createKnowledge(ROOM);
          knowledge.learn(known, allowedOf(Token.parse(known)), []);
          const child = signed(link, below);
          const found = knowledge.find(encode(child));
          expect(found?.conditions.length).toBe(child.unverifiedCaveats.length);
          const verification = verify({ root: child, rootKey });
          if (!verification.ok) throw new Error(verification.code);
          const ids = verification.macaroon.revocationIds.map(({ text: id }) => id);
          expect(found?.revocationIds.slice(link.unverifiedCaveats.length)).toEqual(
            ids.slice(link.unverifiedCaveats.length),
          );
          // Any other bit in it, and it is nothing that is known.
          const bytes = decodeBase64(encode(child));
          const at = chance % bytes.length;
          bytes[at] = (bytes[at] ?? 0) ^ (1 << (chance % 8));
          expect(knowledge.find(encodeBase64Url(bytes)), `bit of byte ${at}`).toBeUndefined();
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe("what is forgotten", () => {
  const link = root().delegate("a");
  const child = link.delegate("b", { caveats: ["x = 1"] });
  const [, agentOfChild = ""] = child.inspect().agents;

  test.each<{
    readonly name: string;
    readonly target: Revocation["target"];
    readonly left: readonly boolean[];
  }>([
    { name: "the link", target: { revocation_id: link.revocationId }, left: [false, false] },
    { name: "a descendant", target: { revocation_id: child.revocationId }, left: [true, false] },
    { name: "another link", target: { revocation_id: "A".repeat(22) }, left: [true, true] },
    { name: "an agent below, with its instance", target: { agent: agentOfChild }, left: [true, false] },
    { name: "an agent below", target: { agent: "b" }, left: [true, false] },
    { name: "an agent above", target: { agent: "a" }, left: [false, false] },
    { name: "an agent, before", target: { agent: "a", issued_before: ISSUED }, left: [true, true] },
    {
      name: "an agent of another root macaroon",
      target: { agent: "a", token_id: tokenId(2) },
      left: [true, true],
    },
    { name: "the root macaroon", target: { token_id: tokenId(1) }, left: [false, false] },
    { name: "the key", target: { key_id: "A".repeat(16) }, left: [false, false] },
    { name: "the platform", target: { platform: "default" }, left: [false, false] },
    { name: "another platform", target: { platform: "other" }, left: [true, true] },
    { name: "the principal", target: { principal: { id: "B".repeat(16) } }, left: [false, false] },
    {
      name: "the principal by name",
      target: { principal: { issuer: "https://idp.example", subject: "alice" } },
      left: [false, false],
    },
    {
      name: "another principal",
      target: { principal: { issuer: "https://idp.example", subject: "bob" } },
      left: [true, true],
    },
    { name: "an approval", target: { approval_id: "x" }, left: [true, true] },
    { name: "something newer than this library", target: {}, left: [false, false] },
  ])("by the log: $name", ({ target, left }) => {
    const knowledge = learned(link);
    const isKnown = (token: Token) => knowledge.find(token.encode()) !== undefined;
    expect([isKnown(link), isKnown(child)]).toEqual([true, true]);
    knowledge.apply(revoked(target));
    // Those that it concerns are not found again by what they descend from either.
    expect([isKnown(link), isKnown(child)]).toEqual(left);
  });

  test.each([
    { name: "alone", target: { tool: "x" } },
    { name: "with an instant", target: { tool: "x", issued_before: ISSUED } },
    { name: "inside a member that is known", target: { principal: { tenant: "x" } } },
    { name: "beside a member that is known", target: { tool: "x", token_id: tokenId(2) } },
  ])("by the log: a target that this library does not know, $name, may be anything", ({ target }) => {
    const knowledge = learned(link);
    const entry = JSON.stringify({ ...revoked({}), target });
    knowledge.apply(readRevocation(entry));
    expect(knowledge.find(link.encode())).toBeUndefined();
    knowledge.learn(link.encode(), allowedOf(link), []);
    expect(knowledge.find(link.encode())).toBeDefined();
    expect(knowledge.find(child.encode())).toBeUndefined();
  });

  test("an answer that was given before a revocation of it came is not taken in", () => {
    const knowledge = createKnowledge(ROOM);
    knowledge.learn(link.encode(), allowedOf(link), [revoked({ revocation_id: link.revocationId })]);
    expect([knowledge.find(link.encode()), knowledge.size]).toEqual([undefined, 0]);
  });

  test("an answer about another token is not taken in", () => {
    const knowledge = createKnowledge(ROOM);
    knowledge.learn(link.encode(), allowedOf(root()), []);
    knowledge.learn(link.encode(), allowedOf(link, 2), []);
    knowledge.learn(
      link.encode(),
      { ...allowedOf(link), budgets: [{ caveat: "uses <= 3", remaining: "2" }] },
      [],
    );
    expect(knowledge.size).toBe(0);
  });

  test("with more revocations than are kept, nothing is said of what was not asked about", () => {
    const knowledge = learned(link, 1, { ...ROOM, revocations: 3 });
    for (let more = 0; more < 4; more++) knowledge.apply(revoked({ agent: `other-${more}` }));
    expect(knowledge.find(link.encode())).toBeDefined();
    expect(knowledge.find(child.encode())).toBeUndefined();
    knowledge.forgetAll();
    expect(knowledge.size).toBe(0);
  });
});

describe("memory", () => {
  test("has a bound under a flood of descendants, and the link that they come from stays known", () => {
    const link = root();
    const room = { ...ROOM, characters: 100_000 };
    const knowledge = learned(link, 1, room);
    const often = link.attenuate("x = often").encode();
    const first = knowledge.find(often);
    for (let more = 0; more < 300; more++) {
      expect(knowledge.find(link.attenuate(`x = ${more}`).encode())).toBeDefined();
      expect(knowledge.size).toBeLessThanOrEqual(room.characters);
      if (more % 5 === 0) expect(knowledge.find(often)).toBe(first);
    }
  });

  test("has a bound under a flood of tokens that were asked about, and those in use stay", () => {
    const room = { ...ROOM, characters: 100_000 };
    const used = root(1);
    const knowledge = learned(used, 1, room);
    for (let more = 2; more < 100; more++) {
      const token = root(more);
      knowledge.learn(token.encode(), allowedOf(token, more), []);
      expect(knowledge.find(used.attenuate(`x = ${more}`).encode())).toBeDefined();
      expect(knowledge.size).toBeLessThanOrEqual(room.characters);
    }
    expect(knowledge.find(root(2).encode())).toBeUndefined();
  });

  test("nobody who was given an answer can change what is known", () => {
    const link = root().delegate("a");
    const asked = allowedOf(link);
    const knowledge = createKnowledge(ROOM);
    knowledge.learn(link.encode(), asked, []);
    (asked.revocation_ids as string[]).length = 0;
    (asked.principal as { subject: string }).subject = "mallory";
    const known = knowledge.find(link.encode());
    for (const list of [known?.agents, known?.revocationIds, known?.texts])
      expect(() => (list as string[]).push("x")).toThrow(TypeError);
    expect(known?.root.principal.subject).toBe("alice");
    knowledge.apply(revoked({ revocation_id: link.revocationId }));
    expect(knowledge.find(link.encode())).toBeUndefined();
  });
});

describe("agents that others have revoked come as hashes", () => {
  const KEY = new Uint8Array(32).fill(3);
  const hashed = (agent: string, more: object = {}) => {
    const hash = encodeBase64Url(defaultHmac(KEY, new TextEncoder().encode(agent)).subarray(0, 16));
    return revoked({ opaque: { agent_hash: hash, issued_before: "2999-01-01T00:00:00.000Z", ...more } });
  };
  const withKey = (token: Token) => {
    const knowledge = learned(token);
    knowledge.learnHashKey(encodeBase64Url(KEY));
    return knowledge;
  };

  test.each(["a", "a#1"])("and are recognised, as %s", (agent) => {
    const token = root().delegate("a", { instance: "1" });
    const above = root();
    const knowledge = withKey(above);
    knowledge.learn(token.encode(), allowedOf(token), []);
    knowledge.apply(hashed("b"));
    knowledge.apply(hashed("a#2"));
    expect(knowledge.find(token.encode())).toBeDefined();
    knowledge.apply(hashed(agent));
    // What is handed to the agent later is not known either, and all others are.
    expect(knowledge.find(token.encode())).toBeUndefined();
    expect(knowledge.find(above.delegate("c").encode())).toBeDefined();
  });

  test("of one tree, and of tokens from before", () => {
    const token = root().delegate("a");
    for (const more of [{ token_id: tokenId(2) }, { issued_before: ISSUED }]) {
      const knowledge = withKey(token);
      knowledge.apply(hashed("a", more));
      expect(knowledge.find(token.encode())).toBeDefined();
    }
  });

  test("and without their key they may be any", () => {
    const token = root().delegate("a");
    const knowledge = learned(token);
    knowledge.learn(root().encode(), allowedOf(root()), []);
    knowledge.apply(hashed("b"));
    expect(knowledge.find(token.encode())).toBeUndefined();
    expect(knowledge.find(root().encode())).toBeDefined();
    expect(knowledge.find(root().delegate("c").encode())).toBeUndefined();
  });

  test("and under another key nothing more is said of tokens that were not asked about", () => {
    const knowledge = withKey(root());
    knowledge.apply(hashed("b"));
    knowledge.learnHashKey(encodeBase64Url(KEY));
    expect(knowledge.find(root().attenuate("x = 1").encode())).toBeDefined();
    knowledge.learnHashKey(encodeBase64Url(new Uint8Array(32)));
    expect(knowledge.find(root().attenuate("y = 1").encode())).toBeUndefined();
  });

  test("and are read from the wire", () => {
    const { target } = readRevocation(JSON.stringify(hashed("a")));
    expect(target).toEqual(hashed("a").target);
    const newer = { ...hashed("a"), target: { opaque: { agent_hash: "x", issued_before: ISSUED, more: 1 } } };
    expect(readRevocation(JSON.stringify(newer)).target).toEqual({});
  });
});
