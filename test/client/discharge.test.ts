import { expect, test } from "vitest";

import { BakehouseError, dischargeToken, type Fetch, Token, TokenError } from "../../src/client/index.ts";
import { boxPublicKey, decodeBase64, encodeBundle, mint, openTicket } from "../../src/macaroon/index.ts";

const partyKey = new Uint8Array(32).fill(3);
const LOCATION = "https://party.example";
const caveat = { location: LOCATION, condition: "is-principal", publicKey: boxPublicKey(partyKey) };
const root = () =>
  Token.parse(encodeBundle([mint({ rootKey: new Uint8Array(32).fill(1), identifier: "id" })]));
const json = (status: number, body: unknown) => new Response(JSON.stringify(body), { status });

/** A third party that discharges at once, or once it has been asked so often. */
function party(pendingAnswers = 0) {
  const asked: { url: string; body: Record<string, string>; authorization: string | null }[] = [];
  let left = pendingAnswers;
  let ticket = "";
  const discharge = () => {
    const opened = openTicket(decodeBase64(ticket), partyKey);
    if (!opened.ok) throw new Error(opened.code);
    return encodeBundle([mint({ rootKey: opened.ticket.caveatKey, identifier: decodeBase64(ticket) })]);
  };
  const fetch: Fetch = async (url, init) => {
    const body: Record<string, string> = JSON.parse(String(init.body));
    asked.push({ url, body, authorization: new Headers(init.headers).get("authorization") });
    ticket = body["caveat_id"] ?? ticket;
    if (left > 0) {
      left--;
      return json(202, {
        id: "d1",
        secret: "s3cret",
        user_url: `${LOCATION}/do/1`,
        user_code: "AB-12",
        expires_at: "2999-01-01T00:00:00Z",
      });
    }
    return json(200, { discharge: discharge() });
  };
  return { fetch, asked };
}

const failure = (run: Promise<unknown>) =>
  run.then(
    () => undefined,
    (error: unknown) => error,
  );

test("asks the party, and no one is told who asks or what the token is", async () => {
  const { fetch, asked } = party();
  const token = root().attenuate(caveat);
  const whole = await dischargeToken(token, { allow: [LOCATION], fetch });
  expect(whole.undischarged()).toEqual([]);
  expect(asked).toHaveLength(1);
  expect(asked[0]).toMatchObject({ url: `${LOCATION}/v1/discharge`, authorization: null });
  expect(Object.keys(asked[0]?.body ?? {}).sort()).toEqual(["ancestor", "caveat_id"]);
  expect(asked[0]?.body["ancestor"]).toBe(token.revocationId);
});

test.each([
  ["an origin that is not allowed", LOCATION, ["https://other.example"], LOCATION],
  ["another port of an allowed one", `${LOCATION}:8443`, [LOCATION], `${LOCATION}:8443`],
  ["http where https is allowed", "http://party.example", [LOCATION], "http://party.example"],
  ["a name that begins like an allowed one", `${LOCATION}.evil.example`, [LOCATION], "evil.example"],
  ["no address at all", "party", [LOCATION], "no origin"],
])("sends nothing to %s", async (_, location, allow, told) => {
  const { fetch, asked } = party();
  const refused = await failure(dischargeToken(root().attenuate({ ...caveat, location }), { allow, fetch }));
  expect(refused).toBeInstanceOf(TokenError);
  expect(refused).toMatchObject({ code: "undischarged", message: expect.stringContaining(told) });
  expect(asked).toEqual([]);
});

test("the token and a credential go only where they are meant to go", async () => {
  const { fetch, asked } = party();
  const token = root().attenuate(caveat);
  await dischargeToken(token, {
    allow: [LOCATION],
    showTokenTo: [LOCATION],
    credentials: { [LOCATION]: "mine", "https://b.example": "other" },
    fetch,
  });
  expect(asked[0]).toMatchObject({ authorization: "Bearer mine", body: { token: token.encode() } });
});

test("a human is told what to do, never the secret, and the answer is collected", async () => {
  const { fetch, asked } = party(2);
  const shown: unknown[] = [];
  const whole = await dischargeToken(root().attenuate(caveat), {
    allow: [LOCATION],
    fetch,
    interact: (pending, location) => void shown.push({ ...pending, location }),
  });
  expect(whole.undischarged()).toEqual([]);
  expect(shown).toEqual([
    {
      id: "d1",
      user_url: `${LOCATION}/do/1`,
      user_code: "AB-12",
      expires_at: "2999-01-01T00:00:00Z",
      location: LOCATION,
    },
  ]);
  expect(asked.slice(1).map(({ url, body }) => [url, body])).toEqual([
    [`${LOCATION}/v1/discharge/d1/collect`, { secret: "s3cret" }],
    [`${LOCATION}/v1/discharge/d1/collect`, { secret: "s3cret" }],
  ]);
});

test("where nobody can be told, it ends", async () => {
  const { fetch, asked } = party(1);
  expect(await failure(dischargeToken(root().attenuate(caveat), { allow: [LOCATION], fetch }))).toMatchObject(
    { code: "undischarged", message: expect.stringContaining("interact") },
  );
  expect(asked.at(-1)?.url).toBe(`${LOCATION}/v1/discharge/d1/withdraw`);
});

test("where telling somebody fails, the request is withdrawn", async () => {
  const { fetch, asked } = party(1);
  const refused = await failure(
    dischargeToken(root().attenuate(caveat), {
      allow: [LOCATION],
      fetch,
      interact: () => {
        throw new RangeError("no screen");
      },
    }),
  );
  expect(refused).toMatchObject({ message: "no screen" });
  expect(asked.at(-1)?.url).toBe(`${LOCATION}/v1/discharge/d1/withdraw`);
});

test("a discharge for another ticket is none", async () => {
  const other = encodeBundle([mint({ rootKey: new Uint8Array(32).fill(2), identifier: "another" })]);
  const fetch: Fetch = async () => json(200, { discharge: other });
  expect(await failure(dischargeToken(root().attenuate(caveat), { allow: [LOCATION], fetch }))).toMatchObject(
    { code: "undischarged" },
  );
});

test("a party that refuses is heard", async () => {
  const problem = JSON.stringify({
    type: "t",
    title: "t",
    status: 403,
    code: "forbidden",
    detail: "not you",
  });
  const fetch: Fetch = async () =>
    new Response(problem, { status: 403, headers: { "content-type": "application/problem+json" } });
  const refused = await failure(dischargeToken(root().attenuate(caveat), { allow: [LOCATION], fetch }));
  expect(refused).toBeInstanceOf(BakehouseError);
  expect(refused).toMatchObject({ code: "forbidden" });
});

test("caveats go to whoever is asked, and one that nobody can read goes nowhere", async () => {
  const { fetch, asked } = party();
  const token = root().attenuate(caveat);
  await dischargeToken(token, { allow: [LOCATION], fetch, caveats: ["args.amount = 40"] });
  expect(asked[0]?.body["caveats"]).toEqual(["args.amount = 40"]);
  const refused = await failure(dischargeToken(token, { allow: [LOCATION], fetch, caveats: ["amount 40"] }));
  expect(refused).toMatchObject({ code: "invalid_caveat" });
  expect(asked).toHaveLength(1);
});

test("whoever stops waiting withdraws the request, so that nobody is asked for nothing", async () => {
  const { fetch, asked } = party(9);
  const stop = new AbortController();
  const refused = await failure(
    dischargeToken(root().attenuate(caveat), {
      allow: [LOCATION],
      fetch,
      signal: stop.signal,
      interact: () => stop.abort(),
    }),
  );
  expect(refused).toMatchObject({ name: "AbortError" });
  expect(asked.at(-1)).toMatchObject({
    url: `${LOCATION}/v1/discharge/d1/withdraw`,
    body: { secret: "s3cret" },
  });
});
