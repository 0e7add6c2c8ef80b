import fc from "fast-check";

import { addThirdPartyCaveat, attenuate, mint, type UnverifiedMacaroon } from "../../src/macaroon/index.ts";
import { KEY } from "./support.ts";

const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
const text = (maxLength: number) => fc.string({ unit: "grapheme", maxLength });

const thirdParty = fc.record({
  location: text(12),
  ticket: bytes(20),
  caveatKey: fc.uint8Array({ minLength: 1, maxLength: 40 }),
  nonce: fc.uint8Array({ minLength: 24, maxLength: 24 }),
});

const caveat = fc.oneof(
  { weight: 3, arbitrary: fc.oneof(text(20), bytes(20)) },
  { weight: 1, arbitrary: thirdParty },
);

/** A macaroon under {@link KEY} with caveats of both kinds and whatever bytes. */
export const anyMacaroon: fc.Arbitrary<UnverifiedMacaroon> = fc
  .tuple(fc.option(text(12), { nil: undefined }), bytes(20), fc.array(caveat, { maxLength: 6 }))
  .map(([location, identifier, caveats]) => {
    let macaroon = mint({ rootKey: KEY, identifier, ...(location !== undefined && { location }) });
    for (const next of caveats) {
      macaroon =
        typeof next === "string" || next instanceof Uint8Array
          ? attenuate(macaroon, [next])
          : addThirdPartyCaveat(macaroon, next);
    }
    return macaroon;
  });

/** The same, of texts only, so that every format has a way to write it. */
export const anyTextMacaroon: fc.Arbitrary<UnverifiedMacaroon> = fc
  .tuple(text(12), text(20), fc.array(text(20), { maxLength: 6 }))
  .map(([location, identifier, predicates]) =>
    attenuate(mint({ rootKey: KEY, identifier, location }), predicates),
  );
