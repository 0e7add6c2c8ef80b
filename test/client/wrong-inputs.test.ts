import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import {
  agent,
  allow,
  atMost,
  type Bakehouse,
  BakehouseError,
  type BakehouseOptions,
  createBakehouse,
  createLocalVerifier,
  depth,
  equals,
  expiresAt,
  type Fetch,
  matches,
  oneOf,
  rate,
  spend,
  Token,
  TokenError,
  uses,
  within,
} from "../../src/client/index.ts";
import { attenuate, encodeBundle, mint } from "../../src/macaroon/index.ts";

const minted = mint({ rootKey: new Uint8Array(32).fill(5), identifier: "id" });
const root = () => Token.parse(encodeBundle([minted]));
const over = encodeBundle([attenuate(minted, ["time < 2020-01-01T00:00:00Z"])]);
const idToken = (claims: object) => `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.c2ln`;
const url = "https://b.example";
/** From code that no compiler has seen. */
const untyped = (options: object) => createBakehouse({ url, ...options } as BakehouseOptions);

const ATTRIBUTE =
  "an attribute is names with dots between them, each a letter or _ and then letters, digits, _ or -, such as args.amount";
const NAME = "a name is 1 to 128 letters, digits and . _ : / @ -, with #INSTANCE behind it or not";
const RENEWAL = "a new one comes from bakehouse platforms credential, or bakehouse bootstrap --reissue";

const WRONG: readonly (readonly [string, () => unknown, string])[] = [
  [
    "no spaces",
    () => root().attenuate("action=read"),
    '"action=read": one space on each side of =: action = read',
  ],
  [
    "two signs",
    () => root().attenuate("action == read"),
    '"action == read": the operator is =: action = read',
  ],
  ["words", () => root().attenuate("amount below 20"), '"amount below 20": the operator is <: amount < 20'],
  [
    "a day in words",
    () => expiresAt("tomorrow"),
    '"time < tomorrow": "tomorrow" is no RFC 3339 instant, such as time < 2026-12-01T00:00:00Z; a ttl writes one',
  ],
  [
    "a date alone",
    () => atMost("args.due", "2026-12-01"),
    '"args.due <= 2026-12-01": "2026-12-01" is no RFC 3339 instant: args.due <= 2026-12-01T00:00:00Z',
  ],
  ["half a use", () => uses(1.5), '"uses <= 1.5": uses takes <= and a whole number, such as uses <= 3'],
  ["less than none", () => depth(-1), '"depth <= -1": depth takes <= and a whole number, such as depth <= 3'],
  [
    "a week",
    () => rate(5, "w" as never),
    '"rate <= 5/w": rate takes <= and calls a second, minute, hour or day, such as rate <= 5/m',
  ],
  [
    "a unit with a space",
    () => spend("US dollars", 5),
    '"spend.US dollars <= 5": "dollars" is no operator: those are = != < <= > >= in, not in, matches and within',
  ],
  ["no list", () => oneOf("action"), '"action in ": a value stands behind in, such as action = read'],
  [
    "a host",
    () => within("ip", "localhost"),
    '"ip within localhost": "localhost" is no address and no CIDR block, such as 10.0.0.0/8',
  ],
  ["a name with a space", () => equals("a b", 1), `"a b" is no attribute: ${ATTRIBUTE}`],
  [
    "an empty pattern",
    () => matches("resource", ""),
    '"resource matches ": a value stands behind matches, such as action = read',
  ],
  ["an empty address", () => allow.ip(), '"ip within ": a value stands behind within, such as action = read'],
  ["an agent with a space", () => agent("my agent"), `"my agent" is no name: ${NAME}`],
  [
    "no name",
    () => root().delegate("action = read"),
    '"action = read" is no name: it reads like a caveat, did you forget the name?',
  ],
  [
    "a child that is born dead",
    () => root().attenuate("depth <= 0").delegate("researcher"),
    '"depth <= 0": this token may not be handed on; meant for the next holder, that goes into delegate\'s option depth (--depth)',
  ],
  [
    "what is for discharges",
    () => root().attenuate("approval = x"),
    '"approval = x": approval goes into discharges only: leave it out',
  ],
  [
    "no credential",
    () => untyped({ credential: undefined }),
    "the credential is missing: is the variable set that it comes from? Without one, leave `credential` out",
  ],
  [
    "an empty credential",
    () => untyped({ credential: " " }),
    "the credential is missing: is the variable set that it comes from? Without one, leave `credential` out",
  ],
  [
    "a path",
    () => untyped({ credential: "data/default.token" }),
    "the credential is a path: give what the file holds, such as data/default.token",
  ],
  [
    "an absolute path",
    () => untyped({ credential: "/run/secrets/bakehouse" }),
    "the credential is a path: give what the file holds, such as data/default.token",
  ],
  [
    "a credential that is over",
    () => untyped({ credential: over }),
    `the credential has expired, at 2020-01-01T00:00:00Z: ${RENEWAL}`,
  ],
  [
    "a login that is over",
    () => untyped({ credential: idToken({ exp: 1_577_836_800 }) }),
    "the credential has expired, at 2020-01-01T00:00:00Z: log in again",
  ],
];

describe("what is wrong is told with its cure", () => {
  test("there are twenty of them and more", () => expect(WRONG.length).toBeGreaterThan(20));

  test.each(WRONG)("%s", (_, run, message) => {
    let thrown: unknown;
    try {
      run();
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ message });
    expect(thrown instanceof TokenError || thrown instanceof BakehouseError).toBe(true);
  });

  test("with the caveat, where one is at fault", () => {
    for (const caveat of ["action=read", "approval = x"]) {
      expect(() => root().attenuate("x = 1", caveat)).toThrow(expect.objectContaining({ caveat }));
    }
    const token = "x".repeat(200);
    expect(() => root().attenuate(token)).toThrow(expect.not.objectContaining({ caveat: expect.anything() }));
  });
});

test.each([
  ["leaves it out", {}],
  ["has a macaroon without an end", { credential: encodeBundle([minted]) }],
  ["has base64 with slashes", { credential: `${"Ab/".repeat(90)}=` }],
  ["has a JWT of another kind", { credential: "a.b.c" }],
  [
    "has one that has just ended, by a clock that may be ahead",
    { credential: idToken({ exp: Date.now() / 1000 - 60 }) },
  ],
])("a client that %s is made", (_, options) => {
  expect(untyped(options).origin).toBe(url);
});

const problem = (status: number, code: string, detail: string) =>
  new Response(JSON.stringify({ type: `urn:bakehouse:problem:${code}`, title: "t", status, code, detail }), {
    status,
    headers: { "content-type": "application/problem+json" },
  });

/** A client whose service is ready, and answers everything else with this. */
function client(
  answer: () => Response | Promise<Response>,
  credential: BakehouseOptions["credential"] = "c",
): Bakehouse {
  const fetch: Fetch = async (to) =>
    to.endsWith("/readyz") ? new Response(JSON.stringify({ status: "ready" })) : answer();
  return createBakehouse({ url, credential, fetch, retries: 0 });
}

describe("ready()", () => {
  test("fails with the reason for which the service does not take the credential", async () => {
    const refused = client(() =>
      problem(401, "unauthenticated", "the credential is not one of this service"),
    );
    await expect(refused.ready()).rejects.toMatchObject({
      code: "unauthenticated",
      message:
        "the credential is not one of this service: it takes a platform's or an administrator's, or a login, and never a token that was issued to somebody",
    });
  });

  test("passes with one that may not read, and without one", async () => {
    await client(() => problem(403, "forbidden", "no")).ready();
    const fetch: Fetch = async () => new Response(JSON.stringify({ status: "ready" }));
    await createBakehouse({ url, fetch }).ready();
  });

  test("fails with a credential that a function gets, and that is a path", async () => {
    await expect(
      client(
        () => new Response("{}"),
        () => "./default.token",
      ).ready(),
    ).rejects.toMatchObject({
      code: "unauthenticated",
    });
  });

  test("of a local verifier fails with the reason, and is not waited for", async () => {
    const verifier = createLocalVerifier({
      service: client(() => problem(401, "unauthenticated", "no such credential")),
    });
    try {
      await expect(verifier.ready()).rejects.toMatchObject({
        code: "unauthenticated",
        message: "no such credential",
      });
    } finally {
      verifier.close();
    }
  });

  test("of a local verifier ends, whatever the service does", async () => {
    const silent = createLocalVerifier({ service: client(() => new Promise(() => {})) });
    const away = createLocalVerifier({
      service: client(() => Promise.reject(new TypeError("fetch failed"))),
    });
    try {
      await expect(silent.ready({ timeout: 20 })).rejects.toMatchObject({ code: "timeout" });
      await expect(away.ready({ timeout: 300 })).rejects.toMatchObject({ code: "unreachable" });
    } finally {
      silent.close();
      away.close();
    }
  });
});

test("options are in camelCase, and objects of the wire have the wire's names", () => {
  const folder = join(import.meta.dirname, "../../src/client");
  const members = (file: string, name: RegExp) =>
    [...readFileSync(join(folder, file), "utf8").matchAll(/export interface (\w+)[^{]*\{([\s\S]*?)\n\}/g)]
      .filter(([, interfaceName = ""]) => name.test(interfaceName))
      .flatMap(([, , body = ""]) =>
        [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, member = ""]) => member),
      );
  const options = ["transport.ts", "discharge.ts", "token.ts", "local/verifier.ts"].flatMap((file) =>
    members(file, /Options$|^Delegation$|^ThirdPartyCaveat$/),
  );
  expect(options.length).toBeGreaterThan(15);
  expect(options.filter((member) => member.includes("_"))).toEqual([]);
  const wire = members("requests.ts", /Request$/);
  expect(wire.length).toBeGreaterThan(10);
  expect(wire.filter((member) => /[A-Z]/.test(member))).toEqual([]);
});
