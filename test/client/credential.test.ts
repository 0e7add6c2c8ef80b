import { expect, test } from "vitest";

import { createEndWatch } from "../../src/client/credential.ts";
import { createBakehouse, Token } from "../../src/client/index.ts";
import { attenuate, encodeBundle, mint } from "../../src/macaroon/index.ts";
import { printIdentifier } from "../../src/words/identifier.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const SHORT = "Zk3vQm2xT9aBcDeF";

/** A credential as the service makes it, from one instant to another. */
function credential(issuedAt: number, end: number): string {
  const time = issuedAt.toString(16).padStart(12, "0");
  const tokenId = `${time.slice(0, 8)}-${time.slice(8)}-7f10-8a2b-3c4d5e6f7081`;
  const identifier = printIdentifier({ keyId: SHORT, tokenId, principalId: SHORT, issuedCaveats: 1 });
  const root = mint({ rootKey: new Uint8Array(32), identifier });
  return encodeBundle([attenuate(root, [`time < ${new Date(end).toISOString()}`])]);
}

function warnings(text: string, at: readonly number[]): readonly string[] {
  const told: string[] = [];
  const watch = createEndWatch((message) => told.push(message));
  for (const instant of at) watch(text, instant);
  expect(told.join()).not.toContain(text);
  return told;
}

const END = Date.parse("2027-02-25T00:00:00Z");
const RENEWAL = "a new one comes from bakehouse platforms credential, or bakehouse bootstrap --reissue";

test("a credential of 90 days is warned of from two weeks before its end, once a day", () => {
  const text = credential(END - 90 * DAY, END);
  expect(warnings(text, [END - 90 * DAY, END - 15 * DAY])).toEqual([]);
  const days = [END - 14 * DAY, END - 14 * DAY + HOUR, END - 13 * DAY, END - HOUR, END + DAY];
  expect(warnings(text, days)).toEqual([
    `the credential ends at 2027-02-25T00:00:00Z, in 14 days; ${RENEWAL}`,
    `the credential ends at 2027-02-25T00:00:00Z, in 13 days; ${RENEWAL}`,
    `the credential ends at 2027-02-25T00:00:00Z, in an hour; ${RENEWAL}`,
  ]);
});

test("one that lives for a day is warned of from half of it on", () => {
  const text = credential(END - DAY, END);
  expect(warnings(text, [END - DAY, END - 13 * HOUR, END - 12 * HOUR])).toEqual([
    `the credential ends at 2027-02-25T00:00:00Z, in 12 hours; ${RENEWAL}`,
  ]);
});

test("a narrowed one ends when its holder said so", () => {
  const text = Token.parse(credential(END - 90 * DAY, END))
    .attenuate(`time < ${new Date(END - 60 * DAY).toISOString()}`)
    .encode();
  expect(warnings(text, [END - 75 * DAY])).toEqual([]);
  expect(warnings(text, [END - 70 * DAY])).toHaveLength(1);
});

test("a login is not warned of: it is over within hours, and says so", () => {
  const claims = Buffer.from(JSON.stringify({ exp: END / 1000 })).toString("base64url");
  expect(warnings(`e30.${claims}.c2ln`, [END - HOUR])).toEqual([]);
});

test("a client warns when it is made, and when a credential that is got anew is about to end", async () => {
  const told: string[] = [];
  const onWarning = (message: string) => void told.push(message);
  const ending = (days: number) => credential(Date.now() - 80 * DAY, Date.now() + days * DAY);
  createBakehouse({ url: "http://127.0.0.1:8080", credential: ending(5), onWarning });
  expect(told).toHaveLength(1);
  const answer = '{"items":[],"next_cursor":null}';
  const fetch = async () => new Response(answer, { headers: { "content-type": "application/json" } });
  const days = [60, 3, 50, 2];
  const next = () => ending(days.shift() ?? 90);
  const service = createBakehouse({ url: "http://127.0.0.1:8080", credential: next, fetch, onWarning });
  for (let calls = 0; calls < 4; calls++) await service.tokens.list();
  expect(told).toHaveLength(3);
});
