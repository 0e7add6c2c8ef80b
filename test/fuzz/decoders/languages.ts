import { isDeepStrictEqual } from "node:util";

import fc from "fast-check";

import { compileCaveat } from "../../../src/caveats/condition.ts";
import { createCaveatReader } from "../../../src/caveats/memo.ts";
import { decodeCaveat, parseCaveat, parseCaveatBytes } from "../../../src/caveats/parse.ts";
import { printCaveat } from "../../../src/caveats/print.ts";
import { parseTerms } from "../../../src/conditions/parse.ts";
import { printTerms } from "../../../src/conditions/print.ts";
import { anyText, caveat, smallCaveat } from "../../caveats/arbitraries.ts";
import { type Decoder, promise } from "./decoder.ts";

const SEED_TEXTS = 400;

const rememberingReader = createCaveatReader();

/** First-party caveats: the plain parser, and the one that remembers. */
export const CAVEATS: Decoder = {
  name: "caveats",
  words:
    ' = | != | < | <= | in | not in | matches | within |when | then |time < |agent = |#|, |"|\\|*|**|/|::|0.0.0.0/0|1e9|2026-11-28T00:00:00Z|.|-|\u0000|\u202e|\u00e9|e\u0301|\ud800'.split(
      "|",
    ),
  seeds(choices) {
    const seed = choices.below(2 ** 31);
    return [
      ...fc.sample(caveat.map(printCaveat), { numRuns: SEED_TEXTS, seed }),
      ...fc.sample(smallCaveat, { numRuns: SEED_TEXTS, seed }),
      ...fc.sample(anyText, { numRuns: SEED_TEXTS, seed }),
    ];
  },
  check(text) {
    const bytes = new TextEncoder().encode(text);
    const read = parseCaveat(text);
    if (text.isWellFormed()) {
      promise(decodeCaveat(bytes) === text, "its bytes are read as another text");
      promise(isDeepStrictEqual(parseCaveatBytes(bytes), read), "its bytes are read as another caveat");
    }
    const compiled = compileCaveat(bytes);
    // Twice, so that it is remembered: what is remembered has to be what is read.
    for (let times = 0; times < 3; times++)
      promise(isDeepStrictEqual(rememberingReader(bytes), compiled), "what is remembered is another caveat");
    if (read === undefined) return "unknown";
    const printed = printCaveat(read);
    promise(isDeepStrictEqual(parseCaveat(printed), read), "what is printed is another caveat");
    promise(
      printCaveat(parseCaveat(printed) ?? read) === printed,
      "what is printed is printed otherwise again",
    );
    return read.kind;
  },
};

/** The texts of tickets. */
export const CONDITIONS: Decoder = {
  name: "conditions",
  words:
    'need-declared |username|,| of |group:|life=|auth-age=|acr=|principal=counts |once |exact |"|\\|\u0000|\u202e|1 of |99 of | |is-principal|is-member-of |approved-by '.split(
      "|",
    ),
  seeds: () => [
    "is-principal",
    "is-authenticated-user",
    "is-member-of staff admins",
    'is-member-of "a b" c',
    "need-declared username is-authenticated-user",
    "approved-by alice Pay 40 EUR",
    "life=60 auth-age=300 acr=a,b once exact approved-by alice,group:staff Pay 40 EUR",
    "principal=counts approved-by 2 of group:staff,bob Deploy the web shop",
    'approved-by "a,b",c,group:"d e" x',
  ],
  check(text) {
    const reading = parseTerms(text);
    if (!reading.ok) {
      promise(text.length < 40 || !reading.detail.includes(text), "the refusal repeats the text");
      return reading.code;
    }
    const again = parseTerms(printTerms(reading.terms));
    promise(
      again.ok && isDeepStrictEqual(again.terms, reading.terms),
      "what is printed asks for something else",
    );
    return reading.terms.condition.kind;
  },
};
