import { isDeepStrictEqual } from "node:util";

import { bytesOf } from "../../../src/domain/holder/base64url.ts";
import { fromBase64url } from "../../../src/http/wire/base64url.ts";
import {
  boxPublicKey,
  decodeBase64,
  decodeBinary,
  decodeBundle,
  encode,
  encodeBase64Url,
  encodeBundle,
  MacaroonError,
  openTicket,
  sealTicket,
} from "../../../src/macaroon/index.ts";
import { parseIdentifier, printIdentifier } from "../../../src/words/identifier.ts";
import { makeCorpus } from "../bundles/corpus.ts";
import { type Decoder, promise, unless } from "./decoder.ts";

const PRIVATE_KEY = new Uint8Array(32).fill(7);
const LATIN = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");
const bytesIn = (text: string) => new Uint8Array(Buffer.from(text, "latin1"));

/** Bundles as texts: base64 of both binary formats, and both JSON forms. */
export const BUNDLE_TEXTS: Decoder = {
  name: "bundle texts",
  words: [
    "A",
    "=",
    "==",
    "-",
    "_",
    "+",
    "/",
    " ",
    "[",
    "]",
    ",",
    '"v":2',
    '"i64":"AA"',
    '"caveats":[{"cid":"x"}]',
    "MDA",
  ],
  seeds: (choices) =>
    makeCorpus(choices).bundles.flatMap(([root, ...discharges]) => [
      encodeBundle([root, ...discharges]),
      encode(root, "v1"),
      encode(root, "v2-json"),
      Buffer.from(encode(root), "base64url").toString("base64"),
      `[${[root, ...discharges].map((one) => encode(one, "v2-json")).join(",")}]`,
    ]),
  check(text) {
    const decoded = decodeBundle(text);
    if (!decoded.ok) return decoded.code;
    const { format, macaroons } = decoded;
    if (format === "v2") {
      const whole = encodeBundle(macaroons);
      promise(isDeepStrictEqual(decodeBundle(whole), decoded), "what is written is not what was read");
      promise(encodeBase64Url(decodeBase64(text)) === whole, "two texts of one kind are one bundle");
    }
    for (const one of macaroons) {
      const again = decodeBundle(encode(one, format));
      promise(
        again.ok && isDeepStrictEqual(again.macaroons[0], one),
        "a macaroon is another when it is read again",
      );
    }
    return format;
  },
};

/** Macaroons as bytes. */
export const BINARIES: Decoder = {
  name: "binaries",
  words: [
    "\u0000",
    "\u0002",
    "\u0001",
    "\u0006",
    "\u0004",
    "\u00ff",
    "\u0080\u0080\u0080\u0080\u0001",
    "0018",
    "cid ",
    "\n",
  ],
  seeds: (choices) =>
    makeCorpus(choices).bundles.flatMap(([root]) => [
      LATIN(decodeBase64(encode(root))),
      LATIN(decodeBase64(encode(root, "v1"))),
    ]),
  check(text) {
    const bytes = bytesIn(text);
    const decoded = decodeBinary(bytes);
    if (!decoded.ok) return decoded.code;
    const written = decoded.macaroons.map((one) => Buffer.from(decodeBase64(encode(one, decoded.format))));
    promise(Buffer.concat(written).equals(bytes), "the bytes that are written are not those that were read");
    return decoded.format;
  },
};

/** Tickets, sealed to a key that is at hand. */
export const TICKETS: Decoder = {
  name: "tickets",
  words: ["\u0002", "\u0003", "e", "eyJ", "\u0000", "\u00ff"],
  seeds: (choices) =>
    ([2, 3] as const).flatMap((version) =>
      ["is-principal", "approved-by alice Pay 40 EUR"].map((condition) =>
        LATIN(
          sealTicket({
            version,
            thirdPartyPublicKey: boxPublicKey(PRIVATE_KEY),
            firstPartyPrivateKey: choices.bytes(32),
            nonce: choices.bytes(24),
            caveatKey: choices.bytes(24),
            condition,
          }),
        ),
      ),
    ),
  check(text) {
    const opening = openTicket(bytesIn(text), PRIVATE_KEY);
    if (!opening.ok) return opening.code;
    const { condition } = opening.ticket;
    promise(
      ["is-principal", "approved-by alice Pay 40 EUR"].includes(condition),
      "a ticket that nobody sealed opens",
    );
    return "opens";
  },
};

/** The identifier of a root macaroon. */
export const IDENTIFIERS: Decoder = {
  name: "identifiers",
  words: [".", "bh1.", "bh2.", "0", "999", "01", "\u00e9", "-", "_"],
  seeds: (choices) => makeCorpus(choices).bundles.map(([root]) => LATIN(root.identifier)),
  check(text) {
    const bytes = bytesIn(text);
    const read = parseIdentifier(bytes);
    if (read === undefined) return "refused";
    promise(Buffer.from(printIdentifier(read)).equals(bytes), "an identifier has two texts");
    return "read";
  },
};

/** Base64 in all its spellings. */
export const BASE64: Decoder = {
  name: "base64",
  words: ["=", "==", "+", "/", "-", "_", "\n", " ", "A", "\u00e9", "\u0000"],
  seeds: (choices) =>
    Array.from({ length: 60 }, (_, at) => Buffer.from(choices.bytes(at % 40))).flatMap((bytes) => [
      bytes.toString("base64url"),
      bytes.toString("base64"),
      bytes.toString("base64").replace(/=+$/, ""),
    ]),
  check(text) {
    const bytes = unless([MacaroonError], () => decodeBase64(text));
    const strict = fromBase64url(text);
    const byNode = bytesOf(text);
    promise(isDeepStrictEqual(strict, byNode), "two readers of base64url differ");
    if (bytes === undefined) {
      promise(byNode === undefined, "what is canonical is refused");
      return "refused";
    }
    promise(Buffer.from(text, "base64").equals(bytes), "it is not what Node reads");
    const padded = Buffer.from(bytes).toString("base64");
    const spellings = [padded, padded.replace(/=+$/, ""), encodeBase64Url(bytes)];
    const urlSafe = padded.replaceAll("+", "-").replaceAll("/", "_");
    promise([...spellings, urlSafe].includes(text), "a text is read that no writer writes");
    for (const spelling of spellings)
      promise(Buffer.from(decodeBase64(spelling)).equals(bytes), "a spelling is read as other bytes");
    return "read";
  },
};
