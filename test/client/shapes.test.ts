import { describe, expect, test } from "vitest";

import {
  agent,
  allow,
  atMost,
  type BakehouseOptions,
  createBakehouse,
  createHolderKey,
  createLocalVerifier,
  type DischargeOptions,
  decide,
  dischargeToken,
  equals,
  forThisCall,
  guardHono,
  guardNode,
  guardTool,
  oneOf,
  spend,
  Token,
  type VerifyRequest,
  when,
  within,
} from "../../src/client/index.ts";
import { encodeBundle, mint } from "../../src/macaroon/index.ts";

const TEXT = encodeBundle([mint({ rootKey: new Uint8Array(32).fill(5), identifier: "id" })]);
const token = Token.parse(TEXT);
const url = "https://b.example";
const never = async (): Promise<Response> => {
  throw new Error("nothing is to be sent");
};
const service = createBakehouse({ url, fetch: never });
/** What code that no compiler has seen passes. */
const any = (value: unknown): never => value as never;
const key = await createHolderKey();
const tool = guardTool(service, "pay", () => 1);

const WRONG: readonly (readonly [string, () => unknown, RegExp])[] = [
  // A limit that would not be there.
  [
    "delegate: a list",
    () => token.delegate("x", any(["action = read"])),
    /options as an object, such as \{ caveats: \["action = read"\], ttl: 900 \}, and not a list/,
  ],
  ["delegate: a text", () => token.delegate("x", any("action = read")), /and not a text/],
  ["delegate: null", () => token.delegate("x", any(null)), /and not null/],
  [
    "delegate: caveat",
    () => token.delegate("x", any({ caveat: ["action = read"] })),
    /no option caveat: did you mean caveats\?/,
  ],
  ["delegate: TTL", () => token.delegate("x", any({ TTL: 60 })), /no option TTL: did you mean ttl\?/],
  [
    "delegate: caveats is a text",
    () => token.delegate("x", { caveats: any("action = read") }),
    /caveats must be a list, such as \["action = read"\], or left out, and is a text/,
  ],
  [
    "delegate: caveats is undefined",
    () => token.delegate("x", { caveats: any(undefined) }),
    /or left out, and is undefined/,
  ],
  [
    "delegate: ttl is undefined",
    () => token.delegate("x", { ttl: any(undefined) }),
    /ttl must be a number, such as 900, in seconds, and is undefined/,
  ],
  ["delegate: ttl is a text", () => token.delegate("x", { ttl: any("15m") }), /ttl must be a number/],
  ["delegate: depth is null", () => token.delegate("x", { depth: any(null) }), /depth must be a number/],
  [
    "delegate: holder is undefined",
    () => token.delegate("x", { holder: any(undefined) }),
    /holder must be a key's thumbprint/,
  ],
  [
    "delegate: a list in the list",
    () => token.delegate("x", { caveats: any([["action = read"]]) }),
    /caveats must be a list/,
  ],
  ["delegate: no name", () => token.delegate(any({ name: "x" })), /the name must be a text/],
  [
    "attenuate: a list",
    () => token.attenuate(any(["action = read"])),
    /attenuate: each caveat must be a text or a third party's, one by one: \.\.\.list, and is a list/,
  ],
  [
    "attenuate: options",
    () => token.attenuate(any({ caveats: ["action = read"] })),
    /a third party's caveat has no option caveats/,
  ],
  ["attenuate: half a third party", () => token.attenuate(any({ location: url })), /has no condition/],
  ["attenuate: undefined", () => token.attenuate(any(undefined)), /and is undefined/],
  ["withDischarges: a list", () => token.withDischarges(any([TEXT])), /one by one/],
  ["parse: a Token", () => Token.parse(any(token)), /its text or bytes/],
  ["parse: undefined", () => Token.parse(any(undefined)), /its text or bytes, and is undefined/],
  ["encode: a format", () => token.encode(any("v3")), /one of v1, v2, v1-json, v2-json/],
  [
    "allow: a list",
    () => allow.action(any(["read", "list"])),
    /several go one by one: \.\.\.list, and is a list/,
  ],
  ["oneOf: a list", () => oneOf("action", any(["read", "list"])), /one by one/],
  ["equals: undefined", () => equals("action", any(undefined)), /and is undefined/],
  ["within: a list", () => within("ip", any(["10.0.0.0/8"])), /one by one/],
  ["atMost: undefined", () => atMost("args.amount", any(undefined)), /the bound must be/],
  ["spend: undefined", () => spend("EUR", any(undefined)), /the most must be/],
  ["agent: a list", () => agent(any(["x"])), /the name must be a text/],
  ["when: null", () => when("tool", any(null), "a = 1"), /and is null/],
  ["when: no limit", () => when("tool", "pay", any(undefined)), /the limit must be a text/],
  [
    "forThisCall: a tool first",
    () => forThisCall(any("pay"), any({ amount: 1 })),
    /the arguments must be an object/,
  ],
  ["forThisCall: a list", () => forThisCall({ amount: 1 }, any(["pay"])), /the tool must be a text/],
  // A client.
  ["createBakehouse: a text", () => createBakehouse(any(url)), /options as an object, such as \{ url:/],
  ["createBakehouse: no url", () => createBakehouse(any({})), /url is missing: .* is the variable set/],
  ["createBakehouse: an empty url", () => createBakehouse({ url: "" }), /url is missing/],
  [
    "createBakehouse: no scheme",
    () => createBakehouse({ url: "127.0.0.1:8080" }),
    /begins with https:\/\/, or on this machine with http:\/\//,
  ],
  ["createBakehouse: /v1", () => createBakehouse({ url: `${url}/v1` }), /leave \/v1 out/],
  [
    "createBakehouse: credentials",
    () => createBakehouse(any({ url, credentials: "x" })),
    /did you mean credential\?/,
  ],
  [
    "createBakehouse: http",
    () => createBakehouse({ url: "http://192.0.2.2:8080" }),
    /must be https, unless .* say insecureHttp: true/,
  ],
  ["createBakehouse: retries", () => createBakehouse({ url, retries: any("2") }), /retries must be a number/],
  [
    "verify: a Token",
    () => service.verify({ token: any(token), context: {} }),
    /token\.encode\(\) of a Token/,
  ],
  ["verify: a text", () => service.verify(any(TEXT)), /the question must be an object/],
  [
    "verify: options",
    () => service.verify({ token: TEXT, context: {} }, any({ timeuot: 1 })),
    /did you mean timeout\?/,
  ],
  [
    "verifyBatch: one",
    () => service.verifyBatch(any({ token: TEXT, context: {} })),
    /the questions must be a list/,
  ],
  ["revoke: a text", () => service.revoke(any(TEXT)), /\{ token: token\.encode\(\) \}/],
  ["revoke: a Token", () => service.revoke(any(token)), /\{ token: token\.encode\(\) \}/],
  ["revoke: a Token in it", () => service.revoke({ token: any(token) }), /token\.encode\(\) of a Token/],
  [
    "issue: its options",
    () => service.issue({ platform: "p" }, any({ idempotency_key: "x" })),
    /did you mean idempotencyKey\?/,
  ],
  [
    "verify: an option of another call",
    () => service.verify({ token: TEXT, context: {} }, any({ reason: "x" })),
    /no option reason/,
  ],
  // Discharges.
  ["dischargeToken: a text", () => dischargeToken(any(TEXT), { allow: [] }), /Token\.parse\(text\)/],
  ["dischargeToken: nothing", () => dischargeToken(token, any({})), /allow is missing/],
  ["dischargeToken: alow", () => dischargeToken(token, any({ alow: [url] })), /did you mean allow\?/],
  [
    "dischargeToken: a text in allow",
    () => dischargeToken(token, { allow: any(url) }),
    /allow must be a list/,
  ],
  [
    "dischargeToken: no URL",
    () => dischargeToken(token, { allow: ["b.example"] }),
    /allow must be a list, such as \["https:/,
  ],
  [
    "dischargeToken: caveats undefined",
    () => dischargeToken(token, { allow: [url], caveats: any(undefined) }),
    /caveats must be a list/,
  ],
  // Guards.
  [
    "guardTool: a Token",
    () => tool({ amount: 1 }, { token: any(token) }),
    /token must be a text, such as what token\.encode\(\) gives/,
  ],
  ["guardTool: no token", () => tool({ amount: 1 }, any({})), /token must be a text/],
  [
    "guardTool: the token alone",
    () => tool({ amount: 1 }, any(TEXT)),
    /takes its options as an object, such as \{ token: token\.encode\(\) \}, and not a text/,
  ],
  [
    "guardTool: no verifier",
    () => guardTool(any({ url }), "pay", () => 1),
    /the verifier must be what createBakehouse/,
  ],
  [
    "guardTool: a price",
    () => guardTool(service, "pay", () => 1, any({ costs: () => ({}) })),
    /did you mean cost\?/,
  ],
  [
    "guardTool: a price that is none",
    () => guardTool(service, "pay", () => 1, any({ cost: { credits: 3 } })),
    /cost must be a function/,
  ],
  [
    "guardTool: half a settle",
    () => guardTool(service, "pay", () => 1, any({ cost: () => ({}), settle: { service } })),
    /settle has no spent/,
  ],
  [
    "guardNode: facts",
    () => guardNode(service, any({ action: "read" })),
    /the facts must be a function, such as \(\) => \(\{ action: "read" \}\)/,
  ],
  [
    "guardHono: onerror",
    () => guardHono(service, () => ({}), any({ onerror: () => {} })),
    /did you mean onError\?/,
  ],
  [
    "guardHono: settle alone",
    () => guardHono(service, () => ({}), any({ settle: { service, spent: () => ({}), onUnsettled() {} } })),
    /needs a cost/,
  ],
  ["decide: a text", () => decide(service, any("Bearer x")), /takes its options as an object/],
  ["decide: header", () => decide(service, any({ header: "x", context: {} })), /no option header/],
  ["createLocalVerifier: a client", () => createLocalVerifier(any(service)), /no option/],
  [
    "createLocalVerifier: a bound",
    () => createLocalVerifier({ service, maxStaleness: any("15s") }),
    /maxStaleness must be a number/,
  ],
  // Keys.
  ["createHolderKey: a kind", () => createHolderKey(any("RSA")), /Ed25519 or P-256/],
  ["endorse: a token's text", () => key.endorse(TEXT), /a Token, or a revocation id/],
  [
    "headers: an endorsement",
    () => key.headers({ token: TEXT, method: "GET", uri: url }, any("x.y.z")),
    /the endorsements must be a list/,
  ],
  [
    "prove: no uri",
    () => key.prove(any({ token: TEXT, method: "GET" })),
    /the call's uri must be an address/,
  ],
];

test.each(WRONG)("a wrong shape is a TypeError with its cure: %s", async (_, run, message) => {
  const thrown: unknown = await (async () => run())().then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(TypeError);
  expect(String(thrown)).toMatch(message);
  expect(String(thrown)).not.toContain(TEXT.slice(0, 12));
});

test("a local verifier lets the service refuse a question with a member that there is not", async () => {
  const asked: unknown[] = [];
  const verifier = createLocalVerifier({
    service: { ...service, verify: async (request: VerifyRequest) => asked.push(request) as never },
  });
  await verifier.verify(any({ token: TEXT, context: {}, costs: { EUR: 1 } }));
  verifier.close();
  expect(asked).toHaveLength(1);
});

describe("plain http", () => {
  test.each(["http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080"])(
    "is fine to this machine: %s",
    (here) => expect(createBakehouse({ url: here, credential: TEXT }).origin).toBe(here),
  );

  test("goes to another machine if that is said", () => {
    const options: BakehouseOptions = { url: "http://192.0.2.2:8080", insecureHttp: true };
    expect(createBakehouse(options).origin).toBe(options.url);
  });

  test("takes no discharge from another machine, unless that is said", async () => {
    const location = "http://party.example";
    const gated = token.attenuate({ location, condition: "x", publicKey: new Uint8Array(32).fill(9) });
    const asked: string[] = [];
    const fetch = async (to: string) => {
      asked.push(to);
      return new Response("no", { status: 404 });
    };
    const options: DischargeOptions = { allow: [location], fetch };
    await expect(dischargeToken(gated, options)).rejects.toThrow(/insecureHttp/);
    expect(asked).toEqual([]);
    await expect(dischargeToken(gated, { ...options, insecureHttp: true })).rejects.toThrow(/404/);
    expect(asked).toEqual([`${location}/v1/discharge`]);
  });
});

test("caveats for a discharge that nothing needs are refused, and are no token for everything", async () => {
  const caveats = forThisCall({ amount: 40 }, "pay");
  await expect(dischargeToken(token, { allow: [url], caveats, fetch: never })).rejects.toMatchObject({
    code: "undischarged",
    message: expect.stringContaining("attenuate(...caveats)"),
  });
  expect(await dischargeToken(token, { allow: [url], fetch: never })).toBe(token);
});

test("a call with neither tool nor arguments is none that a yes could be for", () => {
  expect(() => forThisCall({})).toThrow(/name its tool/);
  expect(forThisCall({}, "list")).toEqual(["tool = list"]);
});
