import { encodeBase64Url } from "../parts/base64.ts";
import { concat } from "../parts/bytes.ts";
import { tooLarge } from "../parts/error.ts";
import { checkBundle, LIMITS } from "../parts/limits.ts";
import type { UnverifiedMacaroon } from "../parts/macaroon.ts";
import type { Format } from "./decode.ts";
import type { JsonSpelling } from "./json-text.ts";
import { encodeV1 } from "./v1.ts";
import { encodeV1Json } from "./v1-json.ts";
import { encodeV2 } from "./v2.ts";
import { encodeV2Json } from "./v2-json.ts";

/**
 * Writes one macaroon as text: base64url without padding for the binary formats, else JSON.
 *
 * A binary that {@link decodeBundle} read is written back as the same bytes. A JSON form is written
 * back as the same value, and to the letter if a library named by `spelling` wrote it.
 *
 * @param spelling how JSON is spelled; `plain` unless said
 * @throws MacaroonError for a macaroon that the format has no way to write
 */
export function encode(macaroon: UnverifiedMacaroon, format: Format = "v2", spelling?: JsonSpelling): string {
  switch (format) {
    case "v1":
      return encodeBase64Url(encodeV1(macaroon));
    case "v2":
      return encodeBase64Url(encodeV2(macaroon));
    case "v1-json":
      return encodeV1Json(macaroon, spelling);
    case "v2-json":
      return encodeV2Json(macaroon, spelling);
    default:
      return format satisfies never;
  }
}

/**
 * Writes a root macaroon and its discharges as one text: base64url of v2 macaroons one after another.
 *
 * @throws MacaroonError if it would be over the limits, and nobody would read it
 */
export function encodeBundle(macaroons: readonly [UnverifiedMacaroon, ...UnverifiedMacaroon[]]): string {
  const [root, ...discharges] = macaroons;
  checkBundle(root, discharges, LIMITS);
  const text = encodeBase64Url(concat(...macaroons.map(encodeV2)));
  if (text.length > LIMITS.bundleBytes) tooLarge(`bundle of more than ${LIMITS.bundleBytes} bytes`);
  return text;
}
