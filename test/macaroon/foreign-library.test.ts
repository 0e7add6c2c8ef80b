/** What js-macaroon makes, read and verified here; the other direction stands with our own vectors. */
import foreign from "macaroon";
import { describe, expect, test } from "vitest";

import { addThirdPartyCaveat, attenuate, bind, encode, verify } from "../../src/macaroon/index.ts";
import { decoded, dischargeFor, fromUtf8, KEY, utf8, verified } from "./support.ts";

describe.each([1, 2] as const)("version %d JSON", (version) => {
  const root = foreign.newMacaroon({ identifier: "id", location: "l", rootKey: KEY, version });
  for (const predicate of ["a = 1", "b = é", "c = 3", "d = 4", "e = 5"]) root.addFirstPartyCaveat(predicate);
  root.addThirdPartyCaveat(utf8("caveat key"), "ticket", "https://third.example");
  const discharge = foreign.newMacaroon({
    identifier: "ticket",
    location: "d",
    rootKey: utf8("caveat key"),
    version,
  });
  discharge.addFirstPartyCaveat("f = 6");
  discharge.bindToRoot(root.signature);
  const [ours] = decoded(JSON.stringify(root.exportJSON()));
  const [oursToo] = decoded(JSON.stringify(discharge.exportJSON()));

  test("verifies, with its discharge", () => {
    const macaroon = verified(verify({ root: ours, discharges: [oursToo], rootKey: KEY }));
    expect(macaroon.caveats.map(({ id }) => fromUtf8(id))).toEqual([
      "a = 1",
      "b = é",
      "c = 3",
      "d = 4",
      "e = 5",
      "ticket",
    ]);
    expect(macaroon.discharges).toMatchObject([
      { state: "good", binding: "bound", caveats: [{ id: utf8("f = 6") }] },
    ]);
    expect(macaroon.undischarged).toEqual([]);
  });

  test("is narrowed here and verifies there", () => {
    const narrowed = addThirdPartyCaveat(attenuate(ours, ["g = 7"]), {
      location: "l",
      ticket: "t",
      caveatKey: utf8("key of t"),
      nonce: new Uint8Array(24),
    });
    const unbound = attenuate(dischargeFor("ticket", [], "caveat key"), ["f = 6"]);
    const discharges = [bind(narrowed, unbound), bind(narrowed, dischargeFor("t"))];
    const [theirs, ...theirDischarges] = [narrowed, ...discharges].map((macaroon) => {
      return foreign.importMacaroon(JSON.parse(encode(macaroon, version === 1 ? "v1-json" : "v2-json")));
    });
    expect(() => theirs?.verify(KEY, () => null, theirDischarges)).not.toThrow();
    expect(() =>
      theirs?.verify(KEY, (condition) => (condition === "g = 7" ? "no" : null), theirDischarges),
    ).toThrow("g = 7");
    expect(() => theirs?.verify(utf8("another key"), () => null, theirDischarges)).toThrow();
  });
});
