import { describe, expect, test } from "vitest";

import { createKeyring } from "../../src/domain/keys/keyring.ts";
import { SealingError } from "../../src/domain/keys/sealing.ts";
import { Secret } from "../../src/domain/keys/secret.ts";

interface Stored {
  readonly id: string;
  readonly sealed: Uint8Array;
  readonly activeFrom: number;
}

const GOOD = Uint8Array.of(1);
const BAD = Uint8Array.of(0);
const stored = (id: string, sealed = GOOD, activeFrom = 0): Stored => ({ id, sealed, activeFrom });

function setUp() {
  const told: string[] = [];
  const unsealed: string[] = [];
  const gone: string[] = [];
  const ring = createKeyring<Stored>({
    unseal({ id, sealed }) {
      unsealed.push(id);
      if (sealed === BAD) throw new SealingError("altered");
      return new Secret(sealed);
    },
    onUnopened: (id) => told.push(id),
    onGone: (id) => gone.push(id),
  });
  const held = () => [[...ring.open.keys()], [...ring.shut.keys()]];
  return { ring, told, unsealed, gone, held };
}

describe("a key that is put", () => {
  test("is ready for use, without its sealed form", () => {
    const { ring } = setUp();
    ring.put(stored("a", GOOD, 7));
    expect(ring.open.get("a")?.key.reveal()).toEqual(GOOD);
    expect(ring.open.get("a")).toMatchObject({ id: "a", activeFrom: 7 });
    expect(ring.open.get("a")).not.toHaveProperty("sealed");
  });

  test("and does not open is told of once, and opens once its row is mended", () => {
    const { ring, told, held } = setUp();
    ring.put(stored("a", BAD));
    ring.put(stored("a", BAD));
    expect([held(), told]).toEqual([[[], ["a"]], ["a"]]);
    ring.put(stored("a"));
    expect(held()).toEqual([["a"], []]);
  });

  test("and was opened once stays open, whatever becomes of its row, and takes its new facts", () => {
    const { ring, told, unsealed } = setUp();
    ring.put(stored("a"));
    ring.put(stored("a", BAD, 9));
    expect([ring.open.get("a")?.activeFrom, told, unsealed]).toEqual([9, [], ["a"]]);
    ring.replace([stored("a", BAD, 10)]);
    expect([ring.open.get("a")?.activeFrom, told, unsealed]).toEqual([10, [], ["a"]]);
  });

  test("can be taken out again", () => {
    const { ring, held } = setUp();
    ring.put(stored("a"));
    ring.remove("a");
    expect(held()).toEqual([[], []]);
  });
});

describe("replacing all keys", () => {
  test("keeps their order, drops the others but those that are to stay, and tells of new problems alone", () => {
    const { ring, told, held } = setUp();
    for (const key of [stored("old", GOOD, 1), stored("young", GOOD, 5), stored("bad", BAD)]) ring.put(key);
    ring.replace([stored("c"), stored("bad", BAD), stored("b"), stored("worse", BAD)], {
      keeps: ({ activeFrom }) => activeFrom > 1,
    });
    expect(held()).toEqual([
      ["c", "b", "young"],
      ["bad", "worse"],
    ]);
    expect(told).toEqual(["bad", "worse"]);
    ring.replace([stored("b")]);
    expect(held()).toEqual([["b"], []]);
  });

  test("by keys of which none opens throws and changes nothing, where one is needed", () => {
    const { ring, told, held } = setUp();
    ring.put(stored("a"));
    expect(() => ring.replace([stored("x", BAD), stored("y", BAD)], { needsOne: true })).toThrow(
      SealingError,
    );
    expect([held(), told]).toEqual([[["a"], []], []]);
    ring.replace([], { needsOne: true });
    expect(held()).toEqual([[], []]);
    ring.replace([stored("x", BAD)]);
    expect([held(), told]).toEqual([[[], ["x"]], ["x"]]);
  });
});

test("of each open key that leaves the ring it is told", () => {
  const { ring, gone } = setUp();
  for (const id of ["a", "b", "c"]) ring.put(stored(id));
  ring.put(stored("shut", BAD));
  ring.replace([stored("a"), stored("b"), stored("d")]);
  expect(gone).toEqual(["c"]);
  ring.replace([stored("a")], { keeps: ({ id }) => id === "d" });
  expect(gone).toEqual(["c", "b"]);
  for (const id of ["a", "a", "shut"]) ring.remove(id);
  expect(gone).toEqual(["c", "b", "a"]);
});
