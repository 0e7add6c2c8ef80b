import { isDeepStrictEqual } from "node:util";

import { parseAddress, parseBlock } from "../../../src/caveats/values/address.ts";
import { readEndorsement } from "../../../src/domain/holder/endorsement.ts";
import { checkProof } from "../../../src/domain/holder/proof.ts";
import { DomainError } from "../../../src/domain/parts/error.ts";
import { parseAuthorization } from "../../../src/http/parts/authorization.ts";
import { readCookie } from "../../../src/http/parts/cookies.ts";
import { originOf } from "../../../src/http/parts/forwarded.ts";
import { HttpError } from "../../../src/http/parts/problem.ts";
import { parseForm } from "../../../src/http/request/form.ts";
import { JsonError } from "../../../src/json/error.ts";
import { parseJson } from "../../../src/json/parse.ts";
import { toPlain } from "../../../src/json/plain.ts";
import { beginJson } from "../../../src/json/reading.ts";
import { CALL, claims, createProver } from "../../support/prover.ts";
import { type Decoder, promise, unless } from "./decoder.ts";

/** Characters of a token in the reader that is asked in steps: longer than any input. */
const TOKEN = 1 << 20;

/** More characters of a number or of white space than one step reads. */
const LONG_RUN = /[-+.\deE]{32769}|[ \t\r\n]{32769}/;

/** A value, or the code of the refusal. */
function outcomeOf<T>(read: () => T): { readonly value: T } | { readonly code: string } {
  try {
    return { value: read() };
  } catch (error) {
    if (error instanceof JsonError) return { code: error.code };
    throw error;
  }
}

/** JSON: the reader, the one in steps, and the engine's own, which takes more. */
export const JSON_TEXTS: Decoder = {
  name: "JSON",
  words:
    '{|}|[|]|,|:|"|\\|\\u0000|\\ud800|\\udc00|\\n|1e999|-0|0.1e-5|00|true|null|"a":1|\u0000|\ufeff|\ud83d|{"a":|[['.split(
      "|",
    ),
  seeds: () => [
    '{"token":"AAAA","context":{"action":"read","args":{"amount":12.50}},"dry_run":false}',
    '{"targets":[{"revocation_id":"q83vEjRWeJCrze8SNFZ4kA"}],"reason":"it left"}',
    "[1,-0,0.5,1e5,1E-5,12345678901234567890]",
    '"\\u00e9\\ud83d\\ude00\\"\\\\\\/\\b\\f\\n\\r\\t é😀"',
    '[[],{},[{}],{"a":[]},null,true,false,""]',
    '  { "a" : [ 1 , 2 ] , "b" : { "c" : null } }  ',
  ],
  check(text) {
    const bytes = new TextEncoder().encode(text);
    const whole = outcomeOf(() => parseJson(bytes));
    const stepwise = outcomeOf(() => {
      const reading = beginJson(bytes, { maxToken: TOKEN });
      for (;;) {
        const done = reading.step();
        if (done !== undefined) return done.value;
      }
    });
    // In steps a number or white space may not be too long, since neither can be cut.
    const isTooLong = "code" in stepwise && stepwise.code === "too_long" && LONG_RUN.test(text);
    promise(isTooLong || isDeepStrictEqual(stepwise, whole), "in steps it is read otherwise");
    if ("code" in whole) return whole.code;
    const plain = outcomeOf(() => toPlain(whole.value));
    if ("code" in plain) return plain.code;
    const engines: unknown = JSON.parse(new TextDecoder().decode(bytes));
    promise(JSON.stringify(plain.value) === JSON.stringify(engines), "the engine reads another value");
    return "read";
  },
};

/** Forms and queries. */
export const FORMS: Decoder = {
  name: "forms",
  words: ["&", "=", "+", "%", "%00", "%zz", "%c3%a9", "%ff", "token=", ";", "a", "\u0000", "é"],
  seeds: () => [
    "",
    "a=b",
    "token=AAAA&token_type_hint=access_token",
    "a=1&b=%20+%2B&c",
    "=x&y=",
    "&&a=b&&",
    "%61=%62",
  ],
  check(text) {
    const bytes = new TextEncoder().encode(text);
    const form = unless([DomainError, HttpError], () => parseForm(bytes));
    if (form === undefined) return "refused";
    // Node's reader takes each character beside a broken escape for one byte: it gets bytes that are escaped.
    const ascii = [...bytes].map((byte) =>
      byte < 0x80 ? String.fromCharCode(byte) : `%${byte.toString(16)}`,
    );
    const standard = [...new URLSearchParams(ascii.join(""))];
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    const own = [...form].map(([name, value]) => [name, decoder.decode(value)]);
    // The standard takes a question mark at the beginning for a query's.
    if (text.startsWith("?") || text.startsWith("\ufeff")) return "read";
    promise(isDeepStrictEqual(own, standard), "the standard reads another form");
    return "read";
  },
};

const NOW = Date.parse("2026-11-28T12:00:00Z");
const ASKED = { platform: "default", token: "a-token", wanted: () => true, now: NOW };
const PROVERS = [createProver("Ed25519"), createProver("ES256")];
const PROOFS = PROVERS.map((prover) => prover.jws({ typ: "dpop+jwt" }, claims(ASKED.token, NOW)));
const ENDORSEMENTS = PROVERS.map((prover) => prover.endorsement("q83vEjRWeJCrze8SNFZ4kA"));

/** What keys sign: DPoP proofs and endorsements. */
export const SIGNED_TEXTS: Decoder = {
  name: "proofs",
  words: [".", "..", "e30", "=", "\u0000", "eyJhbGciOiJub25lIn0", "AAAA", "-", "_", "+"],
  seeds: () => [...PROOFS, ...ENDORSEMENTS],
  check(text) {
    const proof = checkProof({ dpop: text, ...CALL, contentDigest: undefined }, ASKED);
    if (typeof proof !== "string") {
      promise(PROOFS.includes(text), "a proof that no key made is taken");
      return "a proof";
    }
    promise(text.length < 40 || !proof.includes(text), "the refusal repeats the proof");
    const endorsement = readEndorsement(text);
    if (typeof endorsement === "string") return "refused";
    const isRight = endorsement.isRight();
    promise(!isRight || ENDORSEMENTS.includes(text), "an endorsement that no key made is taken");
    return isRight ? "an endorsement" : "a wrong signature";
  },
};

const TRUSTED = ["127.0.0.0/8", "10.0.0.0/8"].flatMap((text) => parseBlock(text) ?? []);

/** Headers that everybody sends: credentials, cookies and the hops of a request. */
export const HEADERS: Decoder = {
  name: "headers",
  words:
    'Bearer |bearer |=|;|,| |\t|"|for=|for="[::1]"|127.0.0.1|10.0.0.1:80|unknown|_x|bakehouse=|\\|:|[|]'.split(
      "|",
    ),
  seeds: () => [
    "Bearer AAAA",
    "a=b; bakehouse=AAAA; c=d",
    "192.0.2.1, 10.0.0.1",
    'for=192.0.2.60;proto=http;by=203.0.113.43, for="[2001:db8::1]:47011"',
    "for=unknown, for=_hidden",
  ],
  check(text) {
    const credential = parseAuthorization(text);
    if (credential.kind === "bearer")
      promise(text.endsWith(credential.token), "a credential that is not there is read");
    const cookie = readCookie(text, "bakehouse");
    promise(
      cookie === undefined || text.includes(`bakehouse=${cookie}`),
      "a cookie that is not there is read",
    );
    for (const name of ["forwarded", "x-forwarded-for"] as const) {
      const { peer, ip } = originOf("127.0.0.1", (asked) => (asked === name ? text : null), TRUSTED);
      promise(
        peer !== undefined && (ip === undefined || parseAddress(ip) !== undefined),
        "an origin is no address",
      );
    }
    // Whoever is no proxy is believed nothing.
    const stranger = originOf("192.0.2.9", () => text, TRUSTED);
    promise(stranger.peer === "192.0.2.9" && stranger.ip === "192.0.2.9", "a stranger is believed");
    return credential.kind;
  },
};
