import { beforeEach, describe, expect, test } from "vitest";

import { attenuate, bind, encode, encodeBundle, mint } from "../../src/macaroon/index.ts";
import { dischargeFor, withThirdParty } from "../macaroon/support.ts";
import { memoryInUse } from "../support/heap.ts";
import {
  createWorld,
  KEY,
  KEY_ID,
  PRINCIPAL,
  PRINCIPAL_ID,
  root,
  rootKey,
  type World,
} from "./seen-world.ts";

let world: World;

beforeEach(() => {
  world = createWorld();
});

/** Presents a token until it is found in memory: it is noted, then kept, then found. */
async function warm(token: string, discharges: readonly string[] = [], platform = "shop"): Promise<void> {
  const before = world.hits;
  for (let time = 0; time < 3; time++) await world.ask(token, discharges, platform);
  expect(world.hits).toBeGreaterThan(before);
}

describe("a bundle that was presented before", () => {
  const token = encodeBundle([root()]);

  test("is kept from the second time on, and says the same as the first time", async () => {
    const answers: unknown[] = [];
    for (let time = 0; time < 4; time++) answers.push(await world.tokenVerifier.verify(token, [], "shop"));
    expect([world.kept, world.hits]).toEqual([1, 2]);
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(answers[0]).toMatchObject({ ok: true });
  });

  test("does not outlive a revocation, of it or of a link above it", async () => {
    await warm(token);
    world.revoked = ({ tokenId, revocationIds }) => tokenId !== "" && revocationIds.length === 2;
    const { hits } = world;
    expect(await world.ask(token)).toBe("revoked");
    expect(world.hits).toBe(hits + 1);
  });

  test.each<[string, () => void, string]>([
    ["is not there any more", () => world.keys.delete(KEY_ID), "unknown_key"],
    [
      "is another under the same id",
      () => world.keys.set(KEY_ID, rootKey(KEY.map((byte) => byte ^ 1))),
      "bad_signature",
    ],
    ["went to another platform", () => world.keys.set(KEY_ID, rootKey(KEY, "bank")), "unknown_key"],
    ["was read anew and is the same", () => world.keys.set(KEY_ID, rootKey()), "good"],
  ])("is not believed where its key %s", async (_name, change, expected) => {
    await warm(token);
    change();
    for (let time = 0; time < 4; time++) expect(await world.ask(token)).toBe(expected);
  });

  test("whose key is gone asks for it once, on the account of the platform that asks", async () => {
    await warm(token);
    world.keys.delete(KEY_ID);
    await world.ask(token);
    await world.tokenVerifier.verifyAny(token);
    expect(world.askers).toEqual(["shop", undefined]);
  });

  test.each<[string, () => void]>([
    ["is not there any more", () => world.principals.delete(PRINCIPAL_ID)],
    ["is another platform's", () => world.principals.set(PRINCIPAL_ID, { ...PRINCIPAL, platform: "bank" })],
  ])("is not believed where its principal %s", async (_name, change) => {
    await warm(token);
    change();
    expect(await world.ask(token)).toBe("unknown_key");
  });

  test("is refused where the development provider's word counts no more", async () => {
    await warm(token);
    world.principals.set(PRINCIPAL_ID, { ...PRINCIPAL, development: true });
    expect(await world.ask(token)).toBe("revoked");
  });

  test("is as unknown to other platforms as before, and they do not find it", async () => {
    for (let time = 0; time < 3; time++) expect(await world.ask(token, [], "bank")).toBe("unknown_key");
    expect([world.kept, world.hits]).toEqual([0, 0]);
    await warm(token);
    const { hits } = world;
    expect(await world.ask(token, [], "bank")).toBe("unknown_key");
    expect(world.hits).toBe(hits);
    expect(await world.ask(token)).toBe("good");
  });

  test("is not what its holder finds who asks for no platform, nor the other way round", async () => {
    await warm(token);
    const { hits } = world;
    expect(await world.tokenVerifier.verifyAny(token)).toMatchObject({ ok: true });
    expect(world.hits).toBe(hits);
  });
});

describe("nothing but a right signature enters", () => {
  const good = root(KEY, "action = read");

  test.each<[string, string]>([
    ["of another key", encodeBundle([root(KEY.map((byte) => byte ^ 1))])],
    [
      "with another signature",
      encodeBundle([{ ...good, signature: good.signature.map((byte) => byte ^ 1) }]),
    ],
    ["with a caveat less", encodeBundle([{ ...good, unverifiedCaveats: good.unverifiedCaveats.slice(1) }])],
    ["of a key that nobody has", encodeBundle([mint({ rootKey: KEY, identifier: "bh1.x" })])],
    ["cut short", encodeBundle([good]).slice(0, -4)],
    ["that is none", "AAAA"],
  ])("not a bundle %s, and the good one after it is good", async (_name, bad) => {
    for (let time = 0; time < 4; time++) expect(await world.ask(bad)).not.toBe("good");
    expect([world.kept, world.hits, world.bytes()]).toEqual([0, 0, 0]);
    await warm(encodeBundle([good]));
    expect(await world.ask(bad)).not.toBe("good");
  });

  test("no byte of a bundle that is held can be changed", async () => {
    const bytes = Uint8Array.from(Buffer.from(encodeBundle([good]), "base64url"));
    await warm(Buffer.from(bytes).toString("base64url"));
    const { kept, hits } = world;
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.with(at, (bytes[at] ?? 0) ^ 1);
      expect(await world.ask(Buffer.from(changed).toString("base64url")), `byte ${at}`).not.toBe("good");
    }
    expect([world.kept, world.hits]).toEqual([kept, hits]);
  });

  test("no character can stand before, behind or within", async () => {
    const text = encodeBundle([good]);
    await warm(text);
    const { hits } = world;
    for (const other of [` ${text}`, `${text} `, `${text}A`, `${text.slice(0, 9)} ${text.slice(9)}`]) {
      expect(await world.ask(other)).toBe("malformed");
    }
    expect(world.hits).toBe(hits);
  });
});

describe("discharges", () => {
  const parent = withThirdParty(root(), "t");
  const discharge = bind(parent, dischargeFor("t"));
  const token = encodeBundle([parent]);

  async function undischarged(text: string, discharges: readonly string[]): Promise<number | string> {
    const verification = await world.tokenVerifier.verify(text, discharges, "shop");
    return verification.ok ? verification.token.macaroon.undischarged.length : verification.code;
  }

  test("the root macaroon alone, or with another discharge, is not what was held", async () => {
    for (let time = 0; time < 3; time++) {
      expect(await undischarged(token, [encode(discharge)])).toBe(0);
      expect(await undischarged(encodeBundle([parent, discharge]), [])).toBe(0);
      expect(await undischarged(token, [])).toBe(1);
      expect(await undischarged(token, [encode(dischargeFor("u"))])).toBe(1);
      expect(await undischarged(token, [encode(dischargeFor("t"))])).toBe(0);
      expect(await undischarged(token, [encode(discharge), encode(discharge)])).toBe(0);
    }
    expect(world.kept).toBeGreaterThanOrEqual(5);
    expect(world.hits).toBeGreaterThanOrEqual(5);
  });

  test("links and agents of a discharge are asked for each time", async () => {
    const named = bind(parent, dischargeFor("t", ["agent = helper"]));
    const asked: string[] = [];
    world.revoked = ({ agents, revocationIds }) => {
      asked.push(`${agents} ${revocationIds.length}`);
      return false;
    };
    for (let time = 0; time < 4; time++) await world.ask(token, [encode(named)]);
    expect(world.hits).toBe(2);
    expect(new Set(asked)).toEqual(new Set(["helper 5"]));
  });

  test("parts that only together are a bundle are malformed, also once the bundle is held", async () => {
    const whole = encodeBundle([parent, discharge]);
    const bytes = Buffer.from(whole, "base64url");
    await warm(whole);
    for (const at of [30, 60, bytes.length - 3]) {
      const parts = [bytes.subarray(0, at), bytes.subarray(at)].map((part) => part.toString("base64url"));
      expect(await undischarged(parts[0] ?? "", parts.slice(1))).toBe("malformed");
    }
    await warm(token, [encode(discharge)]);
    expect(await undischarged(`${token} ${encode(discharge)}`, [])).toBe("malformed");
  });

  test("JSON is read each time where it holds a space, and says the same", async () => {
    const json = JSON.stringify(JSON.parse(encode(parent, "v2-json")), null, 1);
    for (let time = 0; time < 4; time++) expect(await undischarged(json, [])).toBe(1);
    expect([world.kept, world.hits]).toEqual([0, 0]);
  });
});

function repeated(item: string, times: number): string {
  return Array.from({ length: times }, () => item).join(",");
}

describe("a flood of tokens that a holder narrowed", () => {
  const parent = root();
  const flood = (index: number) => encodeBundle([attenuate(parent, [`agent = flood#${index}`])]);

  test("of which each is presented once takes no memory, and the hot ones stay", async () => {
    const hot = encodeBundle([root(KEY, "action = hot")]);
    await warm(hot);
    const before = world.bytes();
    for (let index = 0; index < 1_000; index++) expect(await world.ask(flood(index))).toBe("good");
    expect(world.bytes()).toBe(before);
    const { hits } = world;
    expect(await world.ask(hot)).toBe("good");
    expect(world.hits).toBe(hits + 1);
  });

  test("of which each is presented three times stays within the bound", async () => {
    world = createWorld(128 * 1024);
    for (let index = 0; index < 500; index++) {
      for (let time = 0; time < 3; time++) await world.ask(flood(index));
    }
    expect(world.kept).toBeGreaterThan(490);
    expect(world.bytes()).toBeLessThanOrEqual(128 * 1024);
    expect(world.bytes()).toBeGreaterThan(64 * 1024);
  });

  test.each<[string, readonly string[]]>([
    ["few caveats", []],
    ["the shortest caveats", Array.from({ length: 250 }, () => "a = b")],
    ["a list of short items", [`x in ${repeated("ab", 1_300)}`]],
    ["a negative list", [`x not in ${repeated("ab", 1_300)}`]],
    ["a list of the shortest blocks", [`x within ${repeated("::/0", 800)}`]],
    ["the shortest conditional caveats", Array.from({ length: 200 }, () => "when a = b then c != d")],
    ["conditional lists", [`when x in ${repeated("ab", 650)} then x within ${repeated("::/0", 400)}`]],
    ["a long path", [`${"a.".repeat(1_300)}a = x`]],
  ])("of %s, cut out of large bodies, takes no more memory than was estimated", async (_name, caveats) => {
    const heap = () => {
      const { heapUsed, arrayBuffers } = memoryInUse();
      return heapUsed + arrayBuffers;
    };
    world = createWorld(64 * 1024 * 1024);
    const heavy = attenuate(parent, caveats);
    const present = async (index: number): Promise<void> => {
      const token = encodeBundle([attenuate(heavy, [`agent = flood#${index}`])]);
      const body = `{"token":"${token}","context":{"padding":"${`${index} `.repeat(5_000)}"}}`;
      for (let time = 0; time < 3; time++) await world.ask(body.slice(10, body.indexOf('"', 10)));
    };
    for (let index = 0; index < 20; index++) await present(index);
    const [held, used] = [world.bytes(), heap()];
    for (let index = 20; index < 70; index++) await present(index);
    const [more, taken] = [world.bytes() - held, heap() - used];
    expect(more).toBeGreaterThan(50 * 4_000);
    // A mebibyte for what else moves in this process.
    expect(taken).toBeLessThan(more + 1024 * 1024);
  });
});
