import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { parseCaveat } from "../../src/caveats/parse.ts";
import { readIdentifier } from "../../src/client/identifier.ts";
import {
  agent,
  allow,
  atLeast,
  atMost,
  depth,
  equals,
  expiresAt,
  expiresIn,
  greaterThan,
  lessThan,
  matches,
  noneOf,
  notEquals,
  oneOf,
  rate,
  spend,
  startsAt,
  Token,
  TokenError,
  uses,
  when,
  within,
} from "../../src/client/index.ts";
import {
  boxPublicKey,
  decodeBundle,
  encodeBundle,
  mint,
  openTicket,
  verify,
} from "../../src/macaroon/index.ts";
import { parseIdentifier } from "../../src/words/identifier.ts";

const rootKey = new Uint8Array(32).fill(9);
const IDENTIFIER = "bh1.Zk3vQm2xT9aBcDeF.019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081.pW3kD0q9xYb2LmNa.1";
const root = () =>
  Token.parse(encodeBundle([mint({ rootKey, identifier: IDENTIFIER, location: "https://b.example" })]));

/** What a verifier with the key says. */
function verified(token: Token) {
  const decoded = decodeBundle(token.encode());
  if (!decoded.ok) throw new Error(decoded.detail);
  const [macaroon, ...discharges] = decoded.macaroons;
  const result = verify({ root: macaroon, discharges, rootKey });
  if (!result.ok) throw new Error(result.code);
  return result.macaroon;
}

const texts = (token: Token) => verified(token).caveats.map(({ id }) => new TextDecoder().decode(id));
const code = (run: () => unknown) => {
  try {
    run();
    return undefined;
  } catch (error) {
    return error instanceof TokenError ? error.code : error;
  }
};

describe("narrowing", () => {
  test("adds what was asked for, in order, and leaves the token as it was", () => {
    const token = root();
    const narrow = token.attenuate(allow.action("read", "list"), lessThan("args.amount", 100));
    expect(texts(narrow)).toEqual(["action in read, list", "args.amount < 100"]);
    expect(texts(token)).toEqual([]);
  });

  test("names the next holder with an instance of its own", () => {
    const one = root().delegate("researcher", { caveats: ["action = read"], depth: 2 });
    const other = root().delegate("researcher", { caveats: ["action = read"], depth: 2 });
    expect(texts(one)).toEqual([
      expect.stringMatching(/^agent = researcher#[\w-]{12}$/),
      "action = read",
      "depth <= 2",
    ]);
    expect(one.revocationId).not.toBe(other.revocationId);
    expect(verified(one).revocationId.text).toBe(one.revocationId);
  });

  test("a ttl is seconds from now", () => {
    const before = Date.now();
    const ends = root().delegate("a", { ttl: 60 }).inspect().expiresAt?.getTime() ?? 0;
    // It is written in whole seconds.
    expect(ends).toBeGreaterThanOrEqual(before + 59_000);
    expect(ends).toBeLessThanOrEqual(Date.now() + 61_000);
  });

  test.each([
    ["no caveat", "amount below 20"],
    ["one for discharges only", "approval = x"],
    ["a budget of no known form", "uses <= 1.5"],
    ["an empty list", "action in "],
  ])("refuses %s", (_, caveat) => {
    expect(code(() => root().attenuate(caveat))).toBe("invalid_caveat");
  });
});

test("a hand-over is refused where a depth forbids it, and only there", () => {
  const once = root().delegate("a", { depth: 1 });
  const twice = once.delegate("b");
  expect(() => twice.delegate("c")).toThrow(/"depth <= 1": this token may not be handed on/);
  expect(() => once.delegate("b", { caveats: ["depth <= 0"] })).not.toThrow();
});

test("an inspection says where each caveat stands", () => {
  const seen = root()
    .attenuate("x = 1")
    .delegate("a", { caveats: ["y = 1"] })
    .inspect();
  expect(seen.caveats.map(({ placed }) => placed)).toEqual(
    seen.caveats.map(({ agent }, index) =>
      index < (seen.identifier?.issuedCaveats ?? 0)
        ? "issued"
        : agent === null
          ? "first_holder"
          : "handed_over",
    ),
  );
  expect(seen.caveats.at(-1)).toMatchObject({ text: "y = 1", placed: "handed_over" });
});

test("a bundle ends with the first of it, as verify counts it", () => {
  const soon = "2026-11-20T13:00:00.000Z";
  const minted = mint({ rootKey: new Uint8Array(32).fill(4), identifier: "ticket" });
  const discharge = Token.parse(encodeBundle([minted])).attenuate(`time < ${soon}`);
  const seen = root().attenuate("time < 2026-11-20T14:00:00Z").withDischarges(discharge).inspect();
  expect(seen.expiresAt?.toISOString()).toBe(soon);
  expect(seen.isExpired).toBe(true);
  expect(seen.summary).toMatch(/^Expired at 2026-11-20 13:00 UTC/);
});

describe("builders", () => {
  test.each([
    [equals("action", "read"), "action = read"],
    [equals("n", 1e21), "n = 1000000000000000000000"],
    [equals("ok", true), "ok = true"],
    [equals("name", " edge "), 'name in " edge "'],
    [notEquals("action", "delete"), "action != delete"],
    [oneOf("tag", "a,b", "c"), 'tag in "a,b", c'],
    [noneOf("tag", "x"), "tag not in x"],
    [uses(3), "uses <= 3"],
    [spend("EUR", 12.5), "spend.EUR <= 12.5"],
    [spend("EUR", "40.00"), "spend.EUR <= 40.00"],
    [rate(5, "m"), "rate <= 5/m"],
    [lessThan("n", 0.1), "n < 0.1"],
    [atMost("n", 1e-7), "n <= 0.0000001"],
    [greaterThan("at", new Date(0)), "at > 1970-01-01T00:00:00.000Z"],
    [atLeast("n", -1), "n >= -1"],
    [matches("resource", "repo:**"), "resource matches repo:**"],
    [within("ip", "10.0.0.0/8", "2001:db8::/32"), "ip within 10.0.0.0/8, 2001:db8::/32"],
    [when("tool", "pay", atMost("args.amount", 40)), "when tool = pay then args.amount <= 40"],
    [when("n", 1, equals("ok", true)), "when n = 1 then ok = true"],
    [when("tool", ["pay", "a,b", "pay out"], "x = 1"), 'when tool in pay, "a,b", "pay out" then x = 1'],
    [when("tool", " then x = 2 or", "x = 1"), 'when tool = " then x = 2 or" then x = 1'],
    [allow.action("read"), "action = read"],
    [allow.tool("search", "fetch"), "tool in search, fetch"],
    [allow.resource("repo:acme/**"), "resource matches repo:acme/**"],
    [allow.ip("::1"), "ip within ::1"],
    [expiresAt("2026-12-01T00:00:00Z"), "time < 2026-12-01T00:00:00Z"],
    [expiresIn(60, 0), "time < 1970-01-01T00:01:00.000Z"],
    [startsAt(new Date(0)), "time > 1970-01-01T00:00:00.000Z"],
    [agent("a", "b"), "agent = a#b"],
    [depth(3), "depth <= 3"],
  ])("%s", (built, text) => {
    expect(built).toBe(text);
    expect(parseCaveat(built)).toBeDefined();
  });

  test.each([
    ["an attribute that is a sentence", () => equals("a = b, c", "x")],
    ["an attribute that is the service's", () => equals("time", "x")],
    ["an agent's name with a space", () => agent("a b")],
    ["an instance in a name", () => agent("a#b", "c")],
    ["no value", () => equals("a", "")],
    ["no values", () => oneOf("a")],
    ["a control character", () => equals("a", "x\ny")],
    ["a number that is none", () => lessThan("a", Number.NaN)],
    ["a bound that is no instant", () => lessThan("a", "soon")],
    ["a date that is none", () => expiresAt(new Date(Number.NaN))],
    ["a life of no time", () => expiresIn(0)],
    ["a block that is none", () => within("ip", "10.0.0.0/99")],
    ["half an agent", () => depth(1.5)],
    ["half a use", () => uses(0.5)],
    ["a unit that is a sentence", () => spend("EUR <= 99 x", 1)],
    ["less than nothing", () => spend("EUR", -1)],
    ["a condition of the service's", () => when("agent", "x", "x = 1")],
    ["a limit of the service's", () => when("tool", "pay", uses(1))],
    ["a limit that is none", () => when("tool", "pay", "x<=1")],
    ["a condition without a value", () => when("tool", [], "x = 1")],
    ["a condition in a condition", () => when("tool", "pay", when("x", 1, "y = 1"))],
    ["a condition on an attribute called as an operator", () => when("in", "v", "x = 1")],
    ["an attribute that ends the condition", () => when("tool = pay then x = 1 or y", "v", "x = 1")],
    ["a window that is none", () => rate(1, "w" as "s")],
  ])("refuse %s", (_, build) => {
    expect(code(build)).toBe("invalid_caveat");
  });

  test("whatever is given, they build what was meant or nothing", () => {
    fc.assert(
      fc.property(fc.string(), fc.string({ unit: "binary" }), (name, value) => {
        for (const build of [equals, notEquals, oneOf, noneOf, matches, lessThan]) {
          const text = (() => {
            try {
              return build(name, value);
            } catch (error) {
              expect(error).toBeInstanceOf(TokenError);
              return undefined;
            }
          })();
          if (text === undefined) continue;
          expect(parseCaveat(text)).toMatchObject({ attribute: name });
        }
        const limited = (() => {
          try {
            return when(name, value, "x = 1");
          } catch (error) {
            expect(error).toBeInstanceOf(TokenError);
            return undefined;
          }
        })();
        if (limited === undefined) return;
        expect(parseCaveat(limited)).toMatchObject({
          kind: "conditional",
          unless: { attribute: name, operator: "!=", value },
          test: { attribute: "x", value: "1" },
        });
      }),
      { numRuns: 500 },
    );
  });
});

describe("third parties and bundles", () => {
  const partyKey = new Uint8Array(32).fill(3);
  const party = {
    location: "https://party.example",
    condition: "is-principal",
    publicKey: boxPublicKey(partyKey),
  };

  function dischargeOf(token: Token, caveats: readonly string[] = []): Token {
    const [wanted] = token.undischarged();
    if (wanted === undefined) throw new Error("nothing to discharge");
    const opened = openTicket(wanted.ticket, partyKey);
    if (!opened.ok) throw new Error(opened.code);
    expect(opened.ticket.condition).toBe("is-principal");
    const { caveatKey } = opened.ticket;
    const bare = Token.parse(encodeBundle([mint({ rootKey: caveatKey, identifier: wanted.ticket })]));
    // An `ancestor` caveat is nothing that a holder may add: only who mints a discharge writes one.
    return caveats.length === 0 ? bare : bare.attenuate(...caveats);
  }

  test("a third-party caveat written offline is one that its party can discharge", () => {
    const token = root().attenuate(party, allow.action("read"));
    expect(token.undischarged()).toHaveLength(1);
    expect(token.inspect().caveats[0]).toMatchObject({ kind: "third-party", text: party.location });
    const whole = token.withDischarges(dischargeOf(token));
    expect(whole.undischarged()).toEqual([]);
    expect(verified(whole)).toMatchObject({
      undischarged: [],
      discharges: [{ state: "good", binding: "bound" }],
    });
  });

  test("discharges are bound as late as the text is made, so narrowing goes on", () => {
    const token = root().attenuate(party);
    const later = token.withDischarges(dischargeOf(token)).delegate("researcher");
    expect(verified(later).discharges).toMatchObject([{ state: "good", binding: "bound" }]);
  });

  test("discharges that arrived bound keep a token from being narrowed, with a way out", () => {
    const token = root().attenuate(party);
    const arrived = Token.parse(token.withDischarges(dischargeOf(token)).encode());
    expect(code(() => arrived.attenuate("action = read"))).toBe("bound_discharges");
    expect(arrived.withoutDischarges().attenuate("action = read").undischarged()).toHaveLength(1);
  });

  test("a bundle takes no more budgets than a verifier lets pass", () => {
    const token = root().attenuate(party);
    const whole = token.withDischarges(dischargeOf(token, Array(26).fill(uses(9))));
    const full = whole.delegate("researcher", { caveats: Array(6).fill(rate(9, "m")) });
    expect(full.attenuate("action = read").encode()).not.toBe("");
    expect(code(() => full.attenuate(spend("EUR", 9)))).toBe("too_large");
    expect(code(() => whole.delegate("researcher", { caveats: Array(7).fill(uses(1)) }))).toBe("too_large");
    const alone = root().attenuate(...Array(32).fill(uses(9)));
    expect(code(() => alone.attenuate(uses(9)))).toBe("too_large");
  });

  test.each(["v1", "v2", "v1-json", "v2-json"] as const)("%s comes back as it went", (format) => {
    const token = root().attenuate("action = read");
    const again = Token.parse(token.encode(format));
    expect(again.encode()).toBe(token.encode());
    expect(again.inspect().format).toBe(format);
  });

  test("a bundle is v2 alone", () => {
    const token = root().attenuate(party);
    const whole = token.withDischarges(dischargeOf(token));
    expect(code(() => whole.encode("v1"))).toBe("malformed");
  });
});

describe("inspection", () => {
  test("says who, since when, until when, by whom and how large", () => {
    const token = root().delegate("researcher", {
      instance: "1",
      caveats: ["time < 2030-01-01T00:00:00Z", "nonsense = x"],
    });
    const seen = token.inspect(Date.UTC(2026, 10, 22));
    expect(seen).toMatchObject({
      format: "v2",
      location: "https://b.example",
      agents: ["researcher#1"],
      expiresAt: new Date("2030-01-01T00:00:00Z"),
      isExpired: false,
      revocationId: token.revocationId,
      size: token.encode().length,
      identifier: { principalId: "pW3kD0q9xYb2LmNa", issuedCaveats: 1 },
    });
    expect(seen.caveats.map(({ agent: who }) => who)).toEqual([
      "researcher#1",
      "researcher#1",
      "researcher#1",
    ]);
  });

  test("reads identifiers as the service writes them, and no others", () => {
    const bytes = new TextEncoder().encode(IDENTIFIER);
    const { issuedAt, ...facts } = readIdentifier(bytes) ?? {};
    expect(facts).toEqual(parseIdentifier(bytes));
    expect(issuedAt).toEqual(new Date(0x019a8b3c5d7e));
    expect(readIdentifier(new TextEncoder().encode("bh1.x"))).toBeUndefined();
  });

  test("a token never prints itself", () => {
    const token = root();
    const shown = `${token} ${JSON.stringify({ token })} ${String(token)}`;
    expect(shown).not.toContain(token.encode());
    expect(Object.keys(token)).toEqual([]);
  });

  test.each(["", "nonsense", "{}", "A".repeat(70_000)])("no token: %#", (text) => {
    expect(["malformed", "too_large"]).toContain(code(() => Token.parse(text)));
  });
});
