import { encode, type Format, mint } from "../../src/macaroon/index.ts";
import { hex, utf8 } from "./build.ts";

/** One binary macaroon, and every text that base64 has for its bytes. */
export interface SpellingVector {
  readonly format: Format;
  readonly identifier: string;
  readonly bytes: string;
  readonly url: string;
  readonly url_padded: string;
  readonly standard: string;
  readonly standard_padded: string;
}

function build(format: "v1" | "v2", identifier: Uint8Array): SpellingVector {
  const macaroon = mint({ rootKey: utf8("root"), identifier, location: "l" });
  const bytes = Buffer.from(encode(macaroon, format), "base64url");
  const standard = bytes.toString("base64");
  const inUrl = (text: string): string => text.replaceAll("+", "-").replaceAll("/", "_");
  const unpadded = standard.replaceAll("=", "");
  return {
    format,
    identifier: hex(identifier),
    bytes: bytes.toString("hex"),
    url: inUrl(unpadded),
    url_padded: inUrl(standard),
    standard: unpadded,
    standard_padded: standard,
  };
}

/** Macaroons of every length that padding tells apart, with the digits in which the alphabets differ. */
export function buildSpellingVectors(): readonly SpellingVector[] {
  return (["v1", "v2"] as const).flatMap((format) =>
    [9, 10, 11].map((length) =>
      build(
        format,
        Uint8Array.from({ length }, (_, at) => [0xfb, 0xff, 0xbf][at % 3] ?? 0),
      ),
    ),
  );
}
