import { beforeEach, describe, expect, test } from "vitest";

import type { LinkMemory } from "../../src/domain/memory/link-memory.ts";
import {
  attenuate,
  bind,
  encode,
  encodeBundle,
  revocationId,
  type UnverifiedMacaroon,
} from "../../src/macaroon/index.ts";
import { dischargeFor, withThirdParty } from "../macaroon/support.ts";
import { memoryInUse } from "../support/heap.ts";
import { createWorld, KEY, KEY_ID, root, rootKey, type World } from "./seen-world.ts";

const BOUND = 1024 * 1024;

let world: World;
let links: LinkMemory;

function begin(linkBytes = BOUND): void {
  world = createWorld(0, { linkBytes });
  if (world.links === undefined) throw new Error("a world without links");
  links = world.links;
}

beforeEach(() => begin());

/** A researcher's token of six caveats, and its children. */
const parent = root(
  KEY,
  "action in read, list",
  "args.amount <= 100",
  "tool in search, fetch",
  "depth <= 3",
  "agent = r#1",
);
const child = (name: string, from = parent): UnverifiedMacaroon =>
  attenuate(from, [`agent = ${name}`, "args.amount <= 20"]);

/** Links that are hashed while a token is asked about. */
async function hashedFor(macaroon: UnverifiedMacaroon, expected = "good"): Promise<number> {
  const before = world.work.steps;
  expect(await world.ask(encode(macaroon))).toBe(expected);
  return world.work.steps - before;
}

/** Presents two children of a link, after which it is known. */
async function warm(from = parent): Promise<void> {
  await world.ask(encode(child("a#1", from)));
  await world.ask(encode(child("b#2", from)));
  expect(await hashedFor(child("c#3", from))).toBe(2);
}

describe("a descendant of a known link", () => {
  test("is hashed and named from there on", async () => {
    await warm();
    const before = { ...world.work };
    for (let n = 0; n < 20; n++) expect(await hashedFor(child(`d#${n}`))).toBe(2);
    expect(world.work.names - before.names).toBe(40);
  });

  test("is recognised below its parent that was presented once, and below a sibling's links", async () => {
    expect(await hashedFor(parent)).toBe(7);
    await world.ask(encode(child("a#1")));
    expect(await hashedFor(child("b#2"))).toBe(2);
    const deep = child("x#1", child("b#2"));
    // Four behind the parent; then the link that two tokens descend from by now is computed from the root key once.
    expect(await hashedFor(deep)).toBe(4 + 10);
    expect(await hashedFor(child("y#1", child("b#2")))).toBe(2);
  });

  test("that is the link itself is known by its signature alone", async () => {
    await warm();
    expect(await hashedFor(parent)).toBe(0);
    const forged = { ...parent, signature: parent.signature.map((byte) => byte ^ 1) };
    expect(await world.ask(encode(forged))).toBe("bad_signature");
  });

  test("says the same as one that nothing is known of", async () => {
    await warm();
    const token = encode(child("d#4"));
    const answer = await world.tokenVerifier.verify(token, [], "shop");
    expect(answer).toEqual(await createWorld(0).tokenVerifier.verify(token, [], "shop"));
  });
});

describe("nothing but a right signature enters, and nothing else is found", () => {
  test.each<[string, (name: string) => UnverifiedMacaroon]>([
    [
      "of another key",
      (name) =>
        child(
          name,
          root(
            KEY.map((byte) => byte ^ 1),
            "action = read",
          ),
        ),
    ],
    ["with another signature", (name) => ({ ...child(name), signature: new Uint8Array(32) })],
    [
      "with a caveat less",
      (name) => ({ ...child(name), unverifiedCaveats: child(name).unverifiedCaveats.slice(1) }),
    ],
    [
      "with its last caveat cut off",
      (name) => ({ ...child(name), unverifiedCaveats: child(name).unverifiedCaveats.slice(0, -1) }),
    ],
    [
      "with its caveats in another order",
      (name) => ({ ...child(name), unverifiedCaveats: child(name).unverifiedCaveats.toReversed() }),
    ],
    ["with its parent's signature", (name) => ({ ...child(name), signature: parent.signature })],
  ])("not a token %s", async (_name, bad) => {
    for (let n = 0; n < 4; n++) expect(await world.ask(encode(bad(`e#${n}`)))).toBe("bad_signature");
    expect([links.size, links.bytes]).toEqual([0, 0]);
    // Nor does the good link help it.
    await warm();
    const { size, bytes } = links;
    for (let n = 0; n < 4; n++) expect(await world.ask(encode(bad(`e#${n}`)))).toBe("bad_signature");
    expect([links.size, links.bytes]).toEqual([size, bytes]);
    expect(await hashedFor(child("f#6"))).toBe(2);
  });

  test("no byte of a descendant can be changed", async () => {
    await warm();
    const bytes = Uint8Array.from(Buffer.from(encode(child("d#4")), "base64url"));
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.with(at, (bytes[at] ?? 0) ^ 1);
      expect(await world.ask(Buffer.from(changed).toString("base64url")), `byte ${at}`).not.toBe("good");
    }
    expect(links.size).toBe(1);
  });

  test("a wrong signature is refused as one without memory is, whatever is behind", async () => {
    await warm();
    const long = attenuate(
      parent,
      Array.from({ length: 200 }, () => "a = b"),
    );
    const forged = { ...long, signature: parent.signature };
    expect(await hashedFor(forged, "bad_signature")).toBe(1 + long.unverifiedCaveats.length);
    expect(await hashedFor({ ...child("g#7"), signature: parent.signature }, "bad_signature")).toBe(2 + 9);
  });

  test("another spelling is read as ever, and is no other token", async () => {
    await warm();
    const { size } = links;
    const token = child("d#4");
    const v2 = encode(token);
    const standard = v2.replaceAll("-", "+").replaceAll("_", "/");
    const padded = v2.padEnd(Math.ceil(v2.length / 4) * 4, "=");
    for (const text of [padded, encode(token, "v1"), encode(token, "v2-json"), encode(token, "v1-json")])
      expect(await world.ask(text)).toBe("good");
    expect(await world.ask(standard)).toBe("good");
    expect(links.size).toBe(size);
    for (const text of [`${v2}A`, `${v2} `, ` ${v2}`, v2.slice(0, -1), `${v2.slice(0, -4)}+${v2.slice(-3)}`])
      expect(await world.ask(text)).toBe("malformed");
  });

  test("a third-party caveat above or behind is verified from the root key", async () => {
    await warm();
    const { size } = links;
    const asking = withThirdParty(child("d#4"), "t");
    const bundle = encodeBundle([asking, bind(asking, dischargeFor("t"))]);
    for (const n of [1, 2, 3]) {
      expect(await hashedFor(attenuate(asking, [`agent = t#${n}`])), "good").toBeGreaterThan(9);
      expect(await world.ask(bundle)).toBe("good");
      expect(await world.ask(encode(asking), [encode(bind(asking, dischargeFor("t")))])).toBe("good");
    }
    expect(links.size).toBe(size);
  });
});

describe("a known link outlives nothing", () => {
  test("not a revocation of it, of a link above it, or of one behind", async () => {
    await warm();
    for (const [n, above] of [root(), parent, undefined].entries()) {
      const token = child(`d#${n}`);
      const dead = above ?? token;
      const id = revocationId(dead.signature).bytes;
      world.revoked = ({ revocationIds }) => revocationIds.some((one) => Buffer.compare(one, id) === 0);
      expect(await hashedFor(token, "revoked")).toBe(2);
    }
  });

  test.each<[string, () => void, string]>([
    ["is not there any more", () => world.keys.delete(KEY_ID), "unknown_key"],
    [
      "is another under the same id",
      () => world.keys.set(KEY_ID, rootKey(new Uint8Array(32))),
      "bad_signature",
    ],
    ["went to another platform", () => world.keys.set(KEY_ID, rootKey(KEY, "bank")), "unknown_key"],
    ["was read anew and is the same", () => world.keys.set(KEY_ID, rootKey()), "good"],
  ])("not its key: it is not believed where that %s", async (_name, change, expected) => {
    await warm();
    change();
    for (let n = 0; n < 4; n++) expect(await world.ask(encode(child(`d#${n}`)))).toBe(expected);
  });

  test("and is let go of with its key", async () => {
    await warm();
    links.forgetKey("AAAAAAAAAAAAAAAA");
    expect(links.size).toBe(1);
    links.forgetKey(KEY_ID);
    expect([links.size, links.bytes]).toEqual([0, 0]);
    // It is computed anew.
    expect(await hashedFor(child("d#4"))).toBe(9 + 8);
  });

  test("and is a secret of its platform, and of holders without a credential", async () => {
    await warm();
    expect(await world.ask(encode(child("d#4")), [], "bank")).toBe("unknown_key");
    expect(links.find("bank", encode(child("d#4")))).toBeUndefined();
    const before = world.work.steps;
    expect(await world.tokenVerifier.verifyAny(encode(child("d#4")))).toMatchObject({ ok: true });
    expect(world.work.steps - before).toBe(9);
  });

  test("and gives out no tail", async () => {
    await warm();
    const { known } = links.find("shop", encode(child("d#4"))) ?? {};
    const said = [JSON.stringify(known?.link), ...Object.values(known?.link ?? {})].join();
    for (const encoding of ["hex", "base64url"] as const)
      expect(said).not.toContain(Buffer.from(parent.signature).toString(encoding));
    expect(Object.keys(known?.link ?? {}).sort()).toEqual(["header", "length", "prefix"]);
  });
});

describe("a flood", () => {
  test("of tokens of one's own, each presented once, enters nothing beside the link that they share", async () => {
    for (let n = 0; n < 500; n++) await world.ask(encode(child(`flood#${n}`)));
    expect(links.size).toBe(1);
  });

  test("of wrong tokens enters nothing", async () => {
    for (let n = 0; n < 200; n++)
      await world.ask(encode({ ...child(`flood#${n % 50}`), signature: new Uint8Array(32) }));
    expect([links.size, links.bytes]).toEqual([0, 0]);
  });

  test("of links of one root macaroon keeps 64, and the shorter ones stay", async () => {
    await warm();
    for (let n = 0; n < 100; n++) {
      const own = attenuate(parent, [`agent = flood#${n}`]);
      for (const name of ["a#1", "b#2"]) await world.ask(encode(child(name, own)));
    }
    expect(links.size).toBe(64);
    expect(await hashedFor(child("d#4"))).toBe(2);
    // One that is not taken costs no more than it did.
    const own = attenuate(parent, ["agent = late#1"]);
    for (const name of ["a#1", "b#2", "c#3"]) expect(await hashedFor(child(name, own))).toBe(3);
  });

  test("of links of many root macaroons stays within the bound, and a hot link stays", async () => {
    begin(256 * 1024);
    await warm();
    for (let n = 0; n < 200; n++) {
      const own = root(KEY, `tool = flood-${n}`);
      // Another location is another root macaroon to the memory, as another identifier is.
      const other = { ...own, location: `https://${n}.example` };
      for (const name of ["a#1", "b#2", "c#3"]) await world.ask(encode(child(name, other)));
      if (n % 20 === 0) expect(await hashedFor(child(`hot#${n}`))).toBe(2);
      expect(links.bytes).toBeLessThanOrEqual(256 * 1024);
    }
    expect(links.bytes).toBeGreaterThan(128 * 1024);
    expect(await hashedFor(child("d#4"))).toBe(2);
  });

  test("of wrong tokens below a link does not keep it, where right ones do", async () => {
    for (const [signature, expected] of [
      [new Uint8Array(32), 0],
      [undefined, 1],
    ] as const) {
      begin(64 * 1024);
      for (const name of ["a#1", "b#2"]) await world.ask(encode(child(name)));
      for (let n = 0; n < 40; n++) {
        const hot = child(`hot#${n}`);
        await world.ask(encode(signature === undefined ? hot : { ...hot, signature }));
        const other = { ...root(KEY, `tool = flood-${n}`), location: `https://${n}.example` };
        for (const name of ["a#1", "b#2"]) await world.ask(encode(child(name, other)));
      }
      const found = links.find("shop", encode(child("late#1")));
      expect(found === undefined ? 0 : 1).toBe(expected);
    }
  });

  test("a link that is too heavy is not taken, and costs nothing", async () => {
    const heavy = attenuate(parent, [`x within ${Array.from({ length: 800 }, () => "::/0").join(",")}`]);
    for (let n = 0; n < 3; n++)
      expect(await hashedFor(child(`h#${n}`, heavy))).toBe(heavy.unverifiedCaveats.length + 3);
    expect(links.size).toBe(0);
  });

  test.each<[string, readonly string[]]>([
    ["few caveats", []],
    ["short caveats", Array.from({ length: 30 }, () => "a = b")],
    ["a list of short items", [`x in ${Array.from({ length: 300 }, () => "ab").join(",")}`]],
    ["a list of the shortest blocks", [`x within ${Array.from({ length: 120 }, () => "::/0").join(",")}`]],
  ])("of %s takes no more memory than was estimated", async (_name, caveats) => {
    const heap = () => {
      const { heapUsed, arrayBuffers } = memoryInUse();
      return heapUsed + arrayBuffers;
    };
    begin(64 * 1024 * 1024);
    const present = async (n: number): Promise<void> => {
      const own = { ...root(KEY, ...caveats, `agent = f#${n}`), location: `https://${n}.example` };
      for (const name of ["a#1", "b#2"]) await world.ask(encode(child(name, own)));
    };
    for (let n = 0; n < 20; n++) await present(n);
    const [held, used] = [links.bytes, heap()];
    for (let n = 20; n < 120; n++) await present(n);
    const [more, taken] = [links.bytes - held, heap() - used];
    expect(more).toBeGreaterThan(100 * 2_000);
    // A mebibyte for what else moves in this process.
    expect(taken).toBeLessThan(more + 1024 * 1024);
  });
});
