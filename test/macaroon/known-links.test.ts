import fc from "fast-check";
import { describe, expect, test } from "vitest";

import {
  attenuate,
  createLinks,
  encode,
  encodeBundle,
  LIMITS,
  Link,
  MacaroonError,
  mint,
  type UnverifiedMacaroon,
  type VerifiedLink,
  verifiedLink,
  verify,
  verifyFrom,
} from "../../src/macaroon/index.ts";
import { byteAt } from "../../src/macaroon/parts/base64.ts";
import { vectorsOf } from "../vectors/files.ts";
import { anyMacaroon } from "./arbitrary.ts";
import { CHAINS, decoded, KEY, utf8, verified, withThirdParty } from "./support.ts";

const root = attenuate(mint({ rootKey: KEY, identifier: "id", location: "https://a.example" }), ["a = b"]);
const parent = attenuate(root, ["c = d", "e = f"]);

function knownLink(macaroon: UnverifiedMacaroon, length: number): VerifiedLink {
  const known = verifiedLink(verified(verify({ root: macaroon, rootKey: KEY })), length, KEY);
  if (known === undefined) throw new Error("no link");
  return known;
}

function linksOf(...all: readonly VerifiedLink[]) {
  const links = createLinks<VerifiedLink>();
  for (const known of all) links.add(known);
  return links;
}

const isRight = (text: string, links: ReturnType<typeof linksOf>): boolean => {
  const found = links.find(text);
  return found !== undefined && verifyFrom(found.known, found.behind) !== undefined;
};

test("the longest known link is found, and it may be the token itself", () => {
  const child = attenuate(parent, ["g = h"]);
  const links = linksOf(knownLink(parent, 1), knownLink(parent, 3), knownLink(parent, 0));
  expect(links.find(encode(child))?.behind.caveats).toHaveLength(1);
  expect(links.find(encode(parent))?.behind.caveats).toHaveLength(0);
  expect(links.find(encode(root))?.behind.caveats).toHaveLength(0);
  expect(links.find(encode(attenuate(root, ["x = y"])))?.behind.caveats).toHaveLength(1);
});

test.each<[string, UnverifiedMacaroon]>([
  [
    "another identifier",
    attenuate(mint({ rootKey: KEY, identifier: "ie", location: "https://a.example" }), ["a = b"]),
  ],
  [
    "another location",
    attenuate(mint({ rootKey: KEY, identifier: "id", location: "https://b.example" }), ["a = b"]),
  ],
  ["no location", attenuate(mint({ rootKey: KEY, identifier: "id" }), ["a = b"])],
  [
    "another caveat",
    attenuate(mint({ rootKey: KEY, identifier: "id", location: "https://a.example" }), ["a = c"]),
  ],
  [
    "a longer caveat",
    attenuate(mint({ rootKey: KEY, identifier: "id", location: "https://a.example" }), ["a = b "]),
  ],
  ["a third-party caveat", withThirdParty(root, "t")],
])("a token with %s descends from none", (_name, other) => {
  expect(linksOf(knownLink(root, 1)).find(encode(other))).toBeUndefined();
  expect(linksOf(knownLink(root, 1)).find(encode(attenuate(other, ["x = y"])))).toBeUndefined();
});

test("a link's text has one spelling, and a bundle is no descendant", () => {
  const links = linksOf(knownLink(root, 1));
  const child = attenuate(root, ["g = h~~~"]);
  const text = encode(child);
  expect(isRight(text, links)).toBe(true);
  const padded = text.padEnd(Math.ceil(text.length / 4) * 4 + 4, "=");
  const standard = text.replaceAll("-", "+").replaceAll("_", "/");
  expect(standard).not.toBe(text);
  const others = [
    padded,
    standard,
    encode(child, "v1"),
    encode(child, "v2-json"),
    encodeBundle([child, child]),
  ];
  for (const other of [
    ...others,
    `${text}A`,
    `${text} `,
    ` ${text}`,
    text.slice(0, -1),
    text.slice(0, 30),
    "Ag",
    "",
  ])
    expect(links.find(other)).toBeUndefined();
});

test("no character of a descendant can be changed", () => {
  const links = linksOf(knownLink(parent, 0), knownLink(parent, 2));
  const text = encode(attenuate(parent, ["g = h"]));
  for (let at = 0; at < text.length; at++) {
    const changed = `${text.slice(0, at)}${text[at] === "A" ? "B" : "A"}${text.slice(at + 1)}`;
    expect(isRight(changed, links), `character ${at}`).toBe(false);
  }
});

test("caveats that are cut, doubled or in another order are not signed", () => {
  fc.assert(
    fc.property(anyMacaroon, fc.nat(6), fc.nat(6), fc.nat(2), (macaroon, from, at, how) => {
      const all = macaroon.unverifiedCaveats;
      if (all.length < 2 || all.some(({ verificationId }) => verificationId !== undefined)) return;
      const links = linksOf(knownLink(macaroon, from % all.length));
      const place = at % all.length;
      const changed = {
        0: all.toSpliced(place, 1),
        1: all.toSpliced(place, 0, all[place] as (typeof all)[number]),
        2: all.toReversed(),
      }[how] as typeof all;
      const other = { ...macaroon, unverifiedCaveats: changed };
      const expected = verify({ root: other, rootKey: KEY }).ok;
      const found = links.find(encode(other));
      // Either it is none of the link's, or it is found wrong there; caveats that are all the same have one order.
      expect(found === undefined ? expected : isRight(encode(other), links)).toBe(expected);
    }),
  );
});

test("a link under another key, or with a third-party caveat anywhere, is none", () => {
  const macaroon = verified(verify({ root: parent, rootKey: KEY }));
  expect(verifiedLink(macaroon, 2, new Uint8Array(32))).toBeUndefined();
  const asking = attenuate(withThirdParty(parent, "t"), ["x = y"]);
  const other = verified(verify({ root: asking, rootKey: KEY }));
  for (let length = 0; length < 5; length++) expect(verifiedLink(other, length, KEY)).toBeUndefined();
});

test("no link is made under an empty key", () => {
  const macaroon = verified(verify({ root: parent, rootKey: KEY }));
  expect(() => verifiedLink(macaroon, 2, new Uint8Array())).toThrow(`"rootKey" is empty`);
});

test.each(CHAINS)("a descendant is verified whatever the %s hash has hashed before", (_name, chain) => {
  const links = linksOf(knownLink(parent, 1), knownLink(parent, 3));
  for (const child of [attenuate(root, ["x = y"]), parent, attenuate(parent, ["g = h", "i = j"])]) {
    const { known, behind } = links.find(encode(child)) ?? {};
    if (known === undefined || behind === undefined) throw new Error("no link");
    const expected = verified(verify({ root: child, rootKey: KEY }));
    verify({ root: mint({ rootKey: KEY, identifier: "another" }), rootKey: KEY, chain });
    expect(verifyFrom(known, behind, chain)).toEqual(expected);
  }
});

test("no more caveats are read than a macaroon may have", () => {
  const links = linksOf(knownLink(root, 1));
  const most = Array.from({ length: LIMITS.caveats - 1 }, () => "x");
  const text = (caveats: readonly string[]) =>
    encode({
      ...root,
      unverifiedCaveats: [...root.unverifiedCaveats, ...caveats.map((id) => ({ id: Buffer.from(id) }))],
    });
  expect(links.find(text(most))).toBeDefined();
  expect(links.find(text([...most, "x"]))).toBeUndefined();
});

describe("a descendant's text", () => {
  test("is read behind the link, wherever the link ends within a group of characters", () => {
    for (const identifier of ["a", "ab", "abc"]) {
      const macaroon = mint({ rootKey: KEY, identifier });
      const link = new Link(macaroon);
      const child = attenuate(macaroon, ["c = d"]);
      expect(link.behind(encode(child))?.caveats).toEqual([{ id: utf8("c = d") }]);
      expect(link.behind(encode(attenuate(mint({ rootKey: KEY, identifier: "x" }), ["c"])))).toBeUndefined();
      expect(() => link.behind(link.prefix)).toThrow(MacaroonError);
      expect(() => link.behind(encode(child).slice(0, -1))).toThrow(MacaroonError);
    }
  });

  test("is as long as a bundle may be", () => {
    const ofLength = (characters: number) => {
      let token = attenuate(root, Array<string>(12).fill("x".repeat(4_000)));
      const bytes = (characters / 4) * 3;
      const filler = bytes - Buffer.from(encode(token), "base64url").length - 4;
      token = attenuate(token, ["y".repeat(filler)]);
      expect(encode(token)).toHaveLength(characters);
      return token;
    };
    const links = linksOf(knownLink(root, 1));
    const [longest, longer] = [ofLength(LIMITS.bundleBytes), ofLength(LIMITS.bundleBytes + 4)];
    expect(isRight(encodeBundle([longest]), links)).toBe(true);
    expect(links.find(encode(longer))).toBeUndefined();
    expect(() => encodeBundle([longer])).toThrow("bundle of more than 65536 bytes");
  });

  test.each([0, 1, 2, 127, 128, 129, 255, 256, 300, 4_096])(
    "leads to the links of its own root macaroon: a location of %i bytes",
    (bytes) => {
      for (const length of [2, 3, 4, 127, 128, 129, 255, 256, 300, 4_096]) {
        const links = createLinks<{ readonly link: Link }>();
        const roots = ["a", "b"].map((letter) => {
          const identifier = `${letter}i`.padStart(length, "i");
          return mint({ rootKey: KEY, identifier, ...(bytes > 0 && { location: "l".repeat(bytes) }) });
        });
        for (const one of roots) links.add({ link: new Link(one) });
        expect(links.size).toBe(2);
        for (const one of roots) {
          const child = encode(attenuate(one, ["c = d"]));
          expect(links.find(child)?.known.link.prefix).toBe(new Link(one).prefix);
          expect([links.takes(child, 0), links.takes(child, 1)]).toEqual([false, true]);
        }
      }
    },
  );
});

describe("of one root macaroon", () => {
  const below = (n: number, ...caveats: readonly string[]) => attenuate(root, [`n = ${n}`, ...caveats]);
  const shown = (macaroon: UnverifiedMacaroon) => ({ link: new Link(macaroon) });

  test("64 links are kept, and a long one goes for a short one", () => {
    const links = createLinks<{ readonly link: Link }>();
    const first = shown(below(0, "x"));
    expect(links.add(first)).toBeUndefined();
    for (let n = 1; n < 64; n++) expect(links.add(shown(below(n, "x")))).toBeUndefined();
    const text = encode(below(99, "x"));
    expect([links.takes(text, 3), links.takes(text, 2)]).toEqual([false, true]);
    expect(links.takes(encode(below(7, "x")), 3)).toBe(false);
    expect(links.add(shown(below(99)))).toBe(first);
    const long = shown(below(98, "x", "y"));
    expect(links.add(long)).toBe(long);
    expect(links.find(encode(below(99, "z")))?.behind.caveats).toHaveLength(1);
    expect(links.find(encode(below(0, "x")))).toBeUndefined();
  });

  test("where there is no room, a link is taken that is shorter than the longest", () => {
    const links = createLinks<{ readonly link: Link }>();
    for (let n = 1; n < 64; n++) links.add(shown(below(n, "x")));
    const longest = shown(below(0, "x", "y"));
    links.add(longest);
    const next = below(99, "x", "y");
    expect([2, 3, 4].map((length) => links.takes(encode(next), length))).toEqual([true, true, false]);
    expect(links.add(shown(below(99, "x")))).toBe(longest);
    expect([2, 3, 4].map((length) => links.takes(encode(next), length))).toEqual([true, false, false]);
  });

  test("any link is taken that is new, while there is room", () => {
    const links = createLinks<{ readonly link: Link }>();
    const text = encode(below(1, "x"));
    expect([0, 1, 2, 3].map((length) => links.takes(text, length))).toEqual([true, true, true, true]);
    links.add(shown(root));
    links.add(shown(below(2)));
    expect([0, 1, 2, 3].map((length) => links.takes(text, length))).toEqual([true, false, true, true]);
    // Only a text in v2 has links at all.
    for (const other of [`Bg${text.slice(2)}`, encode(root, "v1"), encode(root, "v2-json"), ""])
      expect(links.takes(other, 2)).toBe(false);
  });

  test("a link that is not there is removed without a word", () => {
    const links = createLinks<{ readonly link: Link }>();
    links.remove(shown(root));
    const known = shown(root);
    links.add(known);
    links.remove(shown(root));
    expect(links.find(encode(root))?.known).toBe(known);
  });

  test("nothing is left of links that were removed", () => {
    const links = linksOf(knownLink(root, 0), knownLink(root, 1));
    const { known } = links.find(encode(root)) ?? {};
    if (known !== undefined) links.remove(known);
    expect(links.find(encode(root))?.behind.caveats).toHaveLength(1);
    const { known: other } = links.find(encode(root)) ?? {};
    if (other !== undefined) links.remove(other);
    expect([links.find(encode(root)), links.size]).toEqual([undefined, 0]);
  });
});

test.each(vectorsOf("macaroon.json"))("the bytes of $name are where its text has them", ({ tokens }) => {
  const text = tokens.v2 ?? "";
  const bytes = Buffer.from(text, "base64url");
  for (const [at, byte] of bytes.entries()) expect(byteAt(text, at)).toBe(byte);
  expect(decoded(text)).toHaveLength(1);
});

test("a link of the library's has no part of a text that does not descend from it", () => {
  const known = knownLink(parent, 1);
  const text = encode(parent);
  const whole = known.link.prefix.length - (known.link.prefix.length % 4);
  // Its end is right, and signs nothing of another beginning.
  const behind = known.link.behind(`${"Z".repeat(whole)}${text.slice(whole)}`);
  expect(behind && verifyFrom(known, behind)).toBeUndefined();
  expect(behind).toBeUndefined();
});
