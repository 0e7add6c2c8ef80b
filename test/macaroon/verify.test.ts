import { xsalsa20poly1305 } from "@noble/ciphers/salsa.js";
import { describe, expect, test } from "vitest";

import {
  addThirdPartyCaveat,
  attenuate,
  bind,
  chainOf,
  defaultHmac,
  defaultSha256,
  encodeBundle,
  type Hmac,
  LIMITS,
  type LowerLimits,
  mint,
  revocationId,
  type UnverifiedMacaroon,
} from "../../src/macaroon/index.ts";
import {
  dischargeFor,
  fromUtf8,
  KEY,
  rootWith,
  utf8,
  verified,
  verifyWithEach as verify,
  withThirdParty,
} from "./support.ts";

/** What became of each discharge: its binding, or why it is invalid. */
function states(
  root: UnverifiedMacaroon,
  discharges: readonly UnverifiedMacaroon[],
  limits?: LowerLimits,
): string[] {
  const macaroon = verified(verify({ root, discharges, rootKey: KEY, ...(limits && { limits }) }));
  return macaroon.discharges.map((state) => (state.state === "good" ? state.binding : state.reason));
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, index) => {
    return permutations(items.filter((_, other) => other !== index)).map((rest) => [item, ...rest]);
  });
}

describe("the chain", () => {
  const root = rootWith("a = 1", "b = 2");

  test("what a verified macaroon says", () => {
    const macaroon = verified(verify({ root, rootKey: KEY }));
    const links = [rootWith(), rootWith("a = 1"), root].map(({ signature }) => revocationId(signature));
    expect(macaroon).toEqual({
      identifier: utf8("root"),
      location: "https://tokens.example",
      caveats: [
        { kind: "first", id: utf8("a = 1") },
        { kind: "first", id: utf8("b = 2") },
      ],
      revocationId: links[2],
      revocationIds: links,
      discharges: [],
      undischarged: [],
    });
  });

  test("nothing of it is a tail or a key", () => {
    const parent = withThirdParty(root, "t");
    const discharges = [bind(parent, dischargeFor("t", ["c = 3"]))];
    const secrets: Uint8Array[] = [];
    const hmac: Hmac = (key, message) => {
      const tag = defaultHmac(key, message);
      secrets.push(key, tag);
      return tag;
    };
    const text = JSON.stringify(
      verified(verify({ root: parent, discharges, rootKey: KEY, chain: chainOf(hmac, defaultSha256) })),
      (_, value) => (value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value),
    );
    expect(secrets.length).toBeGreaterThan(10);
    for (const secret of secrets) {
      const bytes = Buffer.from(secret);
      for (const form of ["hex", "base64", "base64url"] as const)
        expect(text).not.toContain(bytes.toString(form));
    }
  });

  test.each<[string, UnverifiedMacaroon]>([
    ["a caveat removed", { ...root, unverifiedCaveats: root.unverifiedCaveats.slice(0, 1) }],
    ["all caveats removed", { ...root, unverifiedCaveats: [] }],
    ["caveats reordered", { ...root, unverifiedCaveats: root.unverifiedCaveats.toReversed() }],
    ["a caveat doubled", { ...root, unverifiedCaveats: [...root.unverifiedCaveats, { id: utf8("b = 2") }] }],
    ["a caveat changed", { ...root, unverifiedCaveats: [{ id: utf8("a = 9") }, { id: utf8("b = 2") }] }],
    ["two caveats made one", { ...root, unverifiedCaveats: [{ id: utf8("a = 1b = 2") }] }],
    [
      "a first-party caveat made third-party",
      {
        ...root,
        unverifiedCaveats: [{ id: utf8("a = 1"), verificationId: new Uint8Array(72) }, { id: utf8("b = 2") }],
      },
    ],
    ["another identifier", { ...root, identifier: utf8("rooty") }],
    ["a signature cut short", { ...root, signature: root.signature.slice(0, 31) }],
    ["an empty signature", { ...root, signature: new Uint8Array() }],
    ["a signature with one byte more", { ...root, signature: Uint8Array.of(...root.signature, 0) }],
    ["the parent's signature", { ...root, signature: rootWith("a = 1").signature }],
  ])("%s: bad signature, and nothing else is said", (_name, forged) => {
    expect(verify({ root: forged, rootKey: KEY })).toEqual({ ok: false, code: "bad_signature" });
  });

  test("a third-party caveat made first-party is a bad signature", () => {
    const parent = withThirdParty(root, "t");
    const stripped = parent.unverifiedCaveats.map(({ id }) => ({ id }));
    expect(verify({ root: { ...parent, unverifiedCaveats: stripped }, rootKey: KEY }).ok).toBe(false);
  });

  test("locations are signed by nobody", () => {
    expect(verify({ root: { ...root, location: "https://elsewhere.example" }, rootKey: KEY }).ok).toBe(true);
  });

  test("a location is told only where there is one, be it empty", () => {
    const parent = withThirdParty(root, "t");
    const [first, second, third] = parent.unverifiedCaveats;
    if (first === undefined || second === undefined || third?.verificationId === undefined)
      throw new Error("three caveats");
    const { id, verificationId } = third;
    const unverifiedCaveats = [first, { ...second, location: "" }, { id, verificationId }];
    const macaroon = verified(verify({ root: { ...parent, unverifiedCaveats }, rootKey: KEY }));
    expect(macaroon.caveats).toStrictEqual([
      { kind: "first", id: utf8("a = 1") },
      { kind: "first", id: utf8("b = 2"), location: "" },
      { kind: "third", id: utf8("t") },
    ]);
    expect(macaroon.undischarged).toStrictEqual([{ ticket: utf8("t"), at: { macaroon: "root", caveat: 2 } }]);
  });

  test("an empty root key is a fault, not a verdict", () => {
    expect(() => verify({ root, rootKey: new Uint8Array() })).toThrow(`"rootKey" is empty`);
    expect(() => mint({ rootKey: new Uint8Array(), identifier: "id" })).toThrow(`"rootKey" is empty`);
  });
});

describe("one discharge for one caveat", () => {
  const root = withThirdParty(rootWith("a = 1"), "t");

  test.each<[string, UnverifiedMacaroon[], string[]]>([
    ["bound", [bind(root, dischargeFor("t"))], ["bound"]],
    ["unbound", [dischargeFor("t")], ["unbound"]],
    ["bound to the parent", [bind(rootWith("a = 1"), dischargeFor("t"))], ["signature"]],
    ["bound to a child", [bind(attenuate(root, ["b = 2"]), dischargeFor("t"))], ["signature"]],
    ["bound twice", [bind(root, bind(root, dischargeFor("t")))], ["signature"]],
    ["attenuated after binding", [attenuate(bind(root, dischargeFor("t")), ["c = 3"])], ["signature"]],
    ["of another key", [dischargeFor("t", [], "another key")], ["signature"]],
    ["of an empty signature", [{ ...dischargeFor("t"), signature: new Uint8Array() }], ["signature"]],
    ["of another ticket", [dischargeFor("u")], ["no_such_caveat"]],
    ["the root macaroon itself", [root], ["no_such_caveat"]],
    ["twice the same", [dischargeFor("t"), dischargeFor("t")], ["unbound", "unused"]],
    [
      "two for one caveat",
      [dischargeFor("t", ["c = 3"]), dischargeFor("t", ["d = 4"])],
      ["unbound", "unused"],
    ],
    ["one too many", [dischargeFor("t"), dischargeFor("u")], ["unbound", "no_such_caveat"]],
  ])("%s", (_name, discharges, expected) => {
    expect(states(root, discharges).toSorted()).toEqual(expected.toSorted());
  });

  test("forged ones beside it do not keep the good one from serving, and are invalid", () => {
    for (let index = 0; index < 8; index++) {
      const [good, forged] = states(root, [dischargeFor("t"), dischargeFor("t", [], `other ${index}`)]);
      expect(good).toBe("unbound");
      expect(["signature", "unused"]).toContain(forged);
    }
  });

  test("of forged ones those that stand before the good one by their bytes were tried, the others were not", () => {
    const bytes = (one: UnverifiedMacaroon) => Buffer.from(encodeBundle([one]), "base64url");
    const good = dischargeFor("t");
    const forged = Array.from({ length: 16 }, (_, index) => dischargeFor("t", [], `other ${index}`));
    const isTried = (one: UnverifiedMacaroon) => Buffer.compare(bytes(one), bytes(good)) < 0;
    expect(new Set(forged.map(isTried)).size).toBe(2);
    expect(states(root, [good, ...forged])).toEqual([
      "unbound",
      ...forged.map((one) => (isTried(one) ? "signature" : "unused")),
    ]);
  });

  test("an attenuated discharge keeps its caveats and names its links, by its unbound tails", () => {
    const discharge = dischargeFor("t", ["c = 3"]);
    const links = [dischargeFor("t"), discharge].map(({ signature }) => revocationId(signature));
    for (const form of [discharge, bind(root, discharge)]) {
      const [state] = verified(verify({ root, discharges: [form], rootKey: KEY })).discharges;
      expect(state).toMatchObject({
        state: "good",
        identifier: utf8("t"),
        location: "d",
        caveats: [{ kind: "first", id: utf8("c = 3") }],
        revocationId: links[1],
        revocationIds: links,
      });
    }
  });

  test.each([
    ["not 72 bytes", new Uint8Array(71)],
    ["empty", new Uint8Array()],
    ["sealed under another key", new Uint8Array(72)],
  ])("a verification id that is %s: nothing discharges its caveat", (_name, verificationId) => {
    const forged = signAs(rootWith(), { id: utf8("t"), verificationId, location: "l" });
    const macaroon = verified(verify({ root: forged, discharges: [dischargeFor("t")], rootKey: KEY }));
    expect(macaroon.discharges).toEqual([{ state: "invalid", reason: "signature" }]);
    expect(macaroon.undischarged).toEqual([
      { ticket: utf8("t"), location: "l", at: { macaroon: "root", caveat: 0 } },
    ]);
  });

  test.each([0, 31, 33])("a caveat key of %d bytes, rightly sealed, signs nothing", (length) => {
    const key = new Uint8Array(length).fill(5);
    const nonce = new Uint8Array(24);
    const sealed = xsalsa20poly1305(rootWith().signature, nonce).encrypt(key);
    const forged = signAs(rootWith(), {
      id: utf8("t"),
      verificationId: Uint8Array.of(...nonce, ...sealed),
      location: "l",
    });
    const discharge = {
      identifier: utf8("t"),
      unverifiedCaveats: [],
      signature: defaultHmac(key, utf8("t")),
    };
    expect(states(forged, [discharge])).toEqual(["signature"]);
  });

  /** Appends whatever third-party caveat, as any holder can. */
  function signAs(
    macaroon: UnverifiedMacaroon,
    caveat: { id: Uint8Array; verificationId: Uint8Array; location: string },
  ) {
    const inner = [caveat.verificationId, caveat.id].map((part) =>
      Buffer.from(defaultHmac(macaroon.signature, part)),
    );
    const signature = defaultHmac(macaroon.signature, Uint8Array.from(Buffer.concat(inner)));
    return { ...macaroon, unverifiedCaveats: [...macaroon.unverifiedCaveats, caveat], signature };
  }
});

describe("two caveats that share a ticket", () => {
  const same = withThirdParty(withThirdParty(rootWith(), "t"), "t");
  const different = withThirdParty(withThirdParty(rootWith(), "t", "key one"), "t", "key two");

  test("want a discharge each", () => {
    expect(states(same, [dischargeFor("t", ["c = 3"]), dischargeFor("t", ["d = 4"])])).toEqual([
      "unbound",
      "unbound",
    ]);
    expect(states(same, [dischargeFor("t"), dischargeFor("t")])).toEqual(["unbound", "unbound"]);
  });

  test("one discharge cannot serve both, and then serves neither", () => {
    const macaroon = verified(verify({ root: same, discharges: [dischargeFor("t")], rootKey: KEY }));
    expect(macaroon.discharges).toEqual([{ state: "invalid", reason: "reused" }]);
    expect(macaroon.undischarged.map(({ at }) => at.caveat)).toEqual([0, 1]);
    expect(macaroon.caveats.map(({ discharge }) => discharge)).toEqual([undefined, undefined]);
  });

  test("with different keys, each takes the discharge that its key signed", () => {
    const discharges = [dischargeFor("t", ["c = 3"], "key one"), dischargeFor("t", ["d = 4"], "key two")];
    for (const order of permutations(discharges)) {
      const macaroon = verified(verify({ root: different, discharges: order, rootKey: KEY }));
      expect(macaroon.discharges.map(({ state }) => state)).toEqual(["good", "good"]);
      expect(macaroon.caveats.map(({ discharge }) => discharge)).toEqual(
        discharges.map((one) => order.indexOf(one)),
      );
    }
  });

  test("with many keys, a discharge is tried again 32 times and no more, for all bundles that there are", () => {
    let root = rootWith();
    for (let key = 0; key < 34; key++) root = withThirdParty(root, "t", `key ${key}`);
    expect(states(root, [dischargeFor("t", [], "key 32")])).toEqual(["unbound"]);
    expect(states(root, [dischargeFor("t", [], "key 33")])).toEqual(["signature"]);
    // All discharges share the tries.
    const two = [dischargeFor("t", [], "key 16"), dischargeFor("t", [], "key 17")];
    expect(states(root, two)).toEqual(["unbound", "signature"]);
  });

  test("with different keys, one discharge serves the caveat of its key, and the other is without", () => {
    for (const [caveat, key] of ["key one", "key two"].entries()) {
      const macaroon = verified(
        verify({ root: different, discharges: [dischargeFor("t", [], key)], rootKey: KEY }),
      );
      expect(macaroon.discharges).toMatchObject([{ state: "good", forCaveat: { macaroon: "root", caveat } }]);
      expect(macaroon.undischarged.map(({ at }) => at.caveat)).toEqual([1 - caveat]);
    }
  });
});

describe("nested discharges", () => {
  const root = withThirdParty(rootWith(), "t");
  const middle = withThirdParty(dischargeFor("t"), "u");
  const inner = dischargeFor("u", ["c = 3"]);

  test("are bound to the root macaroon, not to the discharge that they serve", () => {
    expect(states(root, [bind(root, middle), bind(root, inner)])).toEqual(["bound", "bound"]);
    expect(states(root, [bind(root, middle), bind(middle, inner)])).toEqual(["bound", "signature"]);
  });

  test("say which caveat they serve", () => {
    const macaroon = verified(verify({ root, discharges: [inner, middle], rootKey: KEY }));
    expect(macaroon.discharges).toMatchObject([
      { state: "good", forCaveat: { macaroon: 1, caveat: 0 } },
      {
        state: "good",
        forCaveat: { macaroon: "root", caveat: 0 },
        caveats: [{ kind: "third", discharge: 0 }],
      },
    ]);
    expect(macaroon.undischarged).toEqual([]);
  });

  test("a missing one is reported at its place", () => {
    const macaroon = verified(verify({ root, discharges: [middle], rootKey: KEY }));
    expect(macaroon.undischarged).toEqual([
      { ticket: utf8("u"), location: "https://third.example", at: { macaroon: 0, caveat: 0 } },
    ]);
  });

  test("one whose parent is missing serves nothing", () => {
    expect(states(root, [inner])).toEqual(["no_such_caveat"]);
  });

  test("caveats of an invalid discharge are served by nothing, and are not reported", () => {
    const forged = withThirdParty(dischargeFor("t", [], "another key"), "u");
    const macaroon = verified(verify({ root, discharges: [forged, inner], rootKey: KEY }));
    expect(macaroon.discharges.map((state) => "reason" in state && state.reason)).toEqual([
      "signature",
      "no_such_caveat",
    ]);
    expect(macaroon.undischarged.map(({ at }) => at)).toEqual([{ macaroon: "root", caveat: 0 }]);
  });

  test("what serves a discharge that turns out to be reused is invalid too", () => {
    const twice = withThirdParty(root, "t");
    expect(states(twice, [middle, inner])).toEqual(["reused", "parent_invalid"]);
    expect(states(twice, [inner, middle])).toEqual(["parent_invalid", "reused"]);
  });

  test.each([
    ["itself", [withThirdParty(dischargeFor("t"), "t")]],
    ["each other", [withThirdParty(dischargeFor("t"), "u"), withThirdParty(dischargeFor("u"), "t")]],
    [
      "each other in a ring of three",
      [
        withThirdParty(dischargeFor("t"), "u"),
        withThirdParty(dischargeFor("u"), "v"),
        withThirdParty(dischargeFor("v"), "t"),
      ],
    ],
  ])("discharges of %s come to an end, and are invalid", (_name, discharges) => {
    for (const order of permutations(discharges)) {
      const macaroon = verified(verify({ root, discharges: order, rootKey: KEY }));
      expect(macaroon.discharges.every(({ state }) => state === "invalid")).toBe(true);
      expect(macaroon.undischarged.map(({ at }) => at)).toEqual([{ macaroon: "root", caveat: 0 }]);
    }
  });

  test("eight levels are served and the ninth is too deep", () => {
    const levels = (count: number) =>
      Array.from({ length: count }, (_, level) =>
        withThirdParty(dischargeFor(level === 0 ? "t" : `t${level}`), `t${level + 1}`),
      );
    expect(states(root, levels(8))).toEqual(Array(8).fill("unbound"));
    expect(states(root, levels(9))).toEqual([...Array(8).fill("unbound"), "too_deep"]);
    expect(states(root, levels(2), { depth: 1 })).toEqual(["unbound", "too_deep"]);
    expect(states(root, levels(1), { depth: 0 })).toEqual(["too_deep"]);
  });
});

describe("the order of the discharges changes nothing", () => {
  const t = withThirdParty(rootWith(), "t");
  const cases: [string, UnverifiedMacaroon, UnverifiedMacaroon[]][] = [
    [
      "a tree",
      withThirdParty(t, "u"),
      [withThirdParty(dischargeFor("t"), "v"), dischargeFor("u"), dischargeFor("v")],
    ],
    [
      "two of a ticket, one forged",
      t,
      [dischargeFor("t"), dischargeFor("t", [], "other"), dischargeFor("t", ["c"], "third")],
    ],
    // Which of the two is taken first decides whether the other is needed.
    ["a ticket that stands on two levels", t, [withThirdParty(dischargeFor("t"), "t"), dischargeFor("t")]],
    [
      "one too few for a shared ticket",
      withThirdParty(withThirdParty(t, "t"), "t"),
      [dischargeFor("t", ["c"]), dischargeFor("t", ["d"])],
    ],
    [
      "shared tickets of three keys",
      withThirdParty(withThirdParty(t, "t", "b"), "t", "c"),
      [dischargeFor("t"), dischargeFor("t", [], "b"), dischargeFor("t", [], "c")],
    ],
    [
      "equal but for the location",
      withThirdParty(t, "t"),
      [dischargeFor("t"), { ...dischargeFor("t"), location: "e" }],
    ],
  ];

  test.each(cases)("%s", (_name, root, discharges) => {
    const results = permutations(discharges).map((order) => {
      const outcome = states(root, order);
      const byDischarge = discharges.map((discharge) => outcome[order.indexOf(discharge)]);
      const undischarged = verified(verify({ root, discharges: order, rootKey: KEY })).undischarged.length;
      return JSON.stringify([byDischarge, undischarged]);
    });
    expect(new Set(results).size).toBe(1);
  });
});

describe("limits", () => {
  const noHmac: Hmac = () => {
    throw new Error("an HMAC before the limits were checked");
  };
  const root = rootWith("a = 1", "b = 2");
  // Location, identifier and caveats of one, two and three bytes, so that each is refused for itself.
  const short = attenuate(mint({ rootKey: KEY, identifier: "id", location: "l" }), ["abc"]);
  const third: UnverifiedMacaroon = {
    ...short,
    unverifiedCaveats: [{ id: utf8("ab"), verificationId: utf8("vw"), location: "xyé" }],
  };

  test.each<[string, UnverifiedMacaroon, UnverifiedMacaroon[], LowerLimits]>([
    ["bytes of a caveat alone", short, [], { caveatBytes: 2 }],
    ["bytes of an identifier alone", { ...short, unverifiedCaveats: [] }, [], { caveatBytes: 1 }],
    [
      "bytes of a location alone",
      { ...short, location: "ééé", unverifiedCaveats: [] },
      [],
      { caveatBytes: 5 },
    ],
    ["bytes of a caveat's three parts", third, [], { caveatBytes: 7 }],
    // Signature 32, location 1, identifier 2, caveat 3 and the least that an encoding adds, which is 3.
    ["bytes of a bundle, all parts counted", short, [], { bundleBytes: 40 }],
    ["bytes of a bundle, discharges counted", short, [short], { bundleBytes: 81 }],
    ["caveats", root, [], { caveats: 1 }],
    ["caveats of a discharge", rootWith(), [dischargeFor("t", ["a", "b"])], { caveats: 1 }],
    ["bytes of a caveat", root, [], { caveatBytes: 4 }],
    ["bytes of an identifier", rootWith(), [], { caveatBytes: 3 }],
    ["bytes of a location", { ...rootWith(), location: "é".repeat(2049) }, [], {}],
    ["discharges", rootWith(), Array(33).fill(dischargeFor("t")), {}],
    ["discharges, lowered", rootWith(), [dischargeFor("t")], { discharges: 0 }],
    ["bytes of a bundle", root, [], { bundleBytes: 60 }],
    [
      "bytes of a bundle with discharges",
      rootWith(),
      Array(32).fill({ ...dischargeFor("t"), identifier: new Uint8Array(2040) }),
      {},
    ],
  ])("%s: too large, before any HMAC", (_name, macaroon, discharges, limits) => {
    expect(
      verify({ root: macaroon, discharges, rootKey: KEY, limits, chain: chainOf(noHmac, defaultSha256) }),
    ).toEqual({
      ok: false,
      code: "too_large",
    });
  });

  test.each<[string, UnverifiedMacaroon, UnverifiedMacaroon[], LowerLimits]>([
    ["bytes of a caveat", short, [], { caveatBytes: 3 }],
    ["bytes of a caveat's three parts", third, [], { caveatBytes: 8 }],
    ["caveats", short, [], { caveats: 1 }],
    ["bytes of a bundle", short, [], { bundleBytes: 41 }],
    ["bytes of a bundle with a discharge", short, [short], { bundleBytes: 82 }],
    ["discharges", short, [short], { discharges: 1 }],
  ])("%s: just within the limit", (_name, macaroon, discharges, limits) => {
    expect(verify({ root: macaroon, discharges, rootKey: KEY, limits })).not.toMatchObject({
      code: "too_large",
    });
  });

  test.each([
    { caveats: 257 },
    { depth: 9 },
    { discharges: -1 },
    { caveatBytes: 1.5 },
    { bundleBytes: Number.NaN },
  ])("%o is no lower limit", (limits) =>
    expect(() => verify({ root, rootKey: KEY, limits })).toThrow(RangeError),
  );

  test("they cannot be changed in place", () => {
    expect(Object.isFrozen(LIMITS)).toBe(true);
  });

  test("attenuate, mint and third-party caveats make nothing that is over them", () => {
    const full = attenuate(rootWith(), Array(256).fill("a"));
    expect(() => attenuate(full, ["b"])).toThrow("more than 256 caveats");
    expect(() => withThirdParty(full, "t")).toThrow("more than 256 caveats");
    expect(() => attenuate(rootWith(), ["x".repeat(4097)])).toThrow("caveat of more than 4096 bytes");
    expect(() => withThirdParty(rootWith(), "t".repeat(4096))).toThrow("caveat of more than 4096 bytes");
    expect(() => mint({ rootKey: KEY, identifier: "x".repeat(4097) })).toThrow(
      "identifier of more than 4096 bytes",
    );
  });

  test("a hostile bundle costs HMACs in proportion to its size", () => {
    let count = 0;
    const hmac: Hmac = (key, message) => {
      count++;
      return defaultHmac(key, message);
    };
    // Caveats that all share a ticket, each with a key of its own, and discharges that fit none of them.
    let hostile = rootWith();
    for (let index = 0; index < 200; index++) hostile = withThirdParty(hostile, "t", `key ${index}`);
    const discharges = Array.from({ length: 32 }, (_, index) =>
      dischargeFor("t", Array(100).fill("a"), `other ${index}`),
    );
    count = 0;
    expect(
      verified(verify({ root: hostile, discharges, rootKey: KEY, chain: chainOf(hmac, defaultSha256) }))
        .discharges,
    ).toHaveLength(32);
    expect(count).toBeLessThan(10_000);
  });
});

describe("arguments", () => {
  test("a nonce has 24 bytes", () => {
    const options = { location: "l", ticket: "t", caveatKey: KEY, nonce: new Uint8Array(23) };
    expect(() => addThirdPartyCaveat(rootWith(), options)).toThrow(`"nonce" expected 24 bytes, got 23`);
  });

  test("a caveat key is not empty", () => {
    const options = { location: "l", ticket: "t", caveatKey: new Uint8Array(), nonce: new Uint8Array(24) };
    expect(() => addThirdPartyCaveat(rootWith(), options)).toThrow(`"caveatKey" is empty`);
  });

  test("a text with a lone surrogate is refused and not changed", () => {
    expect(() => attenuate(rootWith(), ["a = \ud800"])).toThrow("lone surrogate");
    expect(() => mint({ rootKey: KEY, identifier: "\udc00" })).toThrow("lone surrogate");
    expect(() => mint({ rootKey: KEY, identifier: "i", location: "\udc00" })).toThrow("lone surrogate");
  });

  // A Buffer is a Uint8Array whose `slice` copies nothing.
  test.each<[string, (text: string) => Uint8Array]>([
    ["a Uint8Array", utf8],
    ["a Buffer", (text) => Buffer.from(text)],
  ])("%s that is given is copied, so that changing it later changes no macaroon", (_name, bytesOf) => {
    const [identifier, predicate, ticket] = ["root", "a = 1", "t"].map(bytesOf);
    if (identifier === undefined || predicate === undefined || ticket === undefined)
      throw new Error("no bytes");
    const root = mint({ rootKey: KEY, identifier, location: "https://tokens.example" });
    const macaroon = addThirdPartyCaveat(attenuate(root, [predicate]), {
      location: "l",
      ticket,
      caveatKey: utf8("k"),
      nonce: new Uint8Array(24),
    });
    for (const bytes of [identifier, predicate, ticket]) bytes.fill(0);
    expect(root).toEqual(rootWith());
    expect(macaroon.unverifiedCaveats.map(({ id }) => fromUtf8(id))).toEqual(["a = 1", "t"]);
  });
});
