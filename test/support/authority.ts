import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";

/** A certificate with its key, both in PEM. */
export interface Certified {
  readonly cert: string;
  readonly key: string;
}

/** An authority of a test's own, that no machine knows. */
export interface Authority {
  /** In PEM. */
  readonly cert: string;
  /** A certificate for a host name. @param until its last instant, `YYMMDDHHMMSSZ` */
  certify(host: string, until?: string): Certified;
}

const ALWAYS = "491231235959Z";

/** Makes an authority (RFC 5280, ECDSA with P-256). */
export function createAuthority(name = "Authority of a test"): Authority {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const isAuthority = extension("2.5.29.19", sequence(der(0x01, [0xff])), true);
  const cert = certificate({ subject: name, publicKey, extension: isAuthority, until: ALWAYS });

  /** Signs what it is told of with the authority's key. */
  function certificate(of: {
    readonly subject: string;
    readonly publicKey: KeyObject;
    readonly extension: Uint8Array;
    readonly until: string;
  }): string {
    const algorithm = sequence(identifier("1.2.840.10045.4.3.2"));
    const toSign = sequence(
      der(0xa0, der(0x02, [2])),
      der(0x02, [1, ...crypto.getRandomValues(new Uint8Array(8))]),
      algorithm,
      distinguishedName(name),
      sequence(der(0x17, text("200101000000Z")), der(0x17, text(of.until))),
      distinguishedName(of.subject),
      new Uint8Array(of.publicKey.export({ type: "spki", format: "der" })),
      der(0xa3, sequence(of.extension)),
    );
    const signature = sign("sha256", toSign, privateKey);
    const whole = sequence(toSign, algorithm, der(0x03, [0, ...signature]));
    const lines = Buffer.from(whole)
      .toString("base64")
      .replace(/.{1,64}/g, "$&\n");
    return `-----BEGIN CERTIFICATE-----\n${lines}-----END CERTIFICATE-----\n`;
  }

  return {
    cert,
    certify(host, until = ALWAYS) {
      const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const names = extension("2.5.29.17", sequence(der(0x82, text(host))), false);
      return {
        cert: certificate({ subject: host, publicKey: pair.publicKey, extension: names, until }),
        key: pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      };
    },
  };
}

/** One value of the Distinguished Encoding Rules (X.690). */
function der(tag: number, content: Iterable<number>): Uint8Array {
  const bytes = [...content];
  const { length } = bytes;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Uint8Array.from([tag, ...size, ...bytes]);
}

function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return der(
    0x30,
    parts.flatMap((part) => [...part]),
  );
}

function identifier(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const septets = (number: number): readonly number[] =>
    number < 0x80 ? [number] : [...septets(number >> 7).map((byte) => byte | 0x80), number & 0x7f];
  return der(0x06, [first * 40 + second, ...rest.flatMap(septets)]);
}

function distinguishedName(commonName: string): Uint8Array {
  return sequence(der(0x31, sequence(identifier("2.5.4.3"), der(0x0c, text(commonName)))));
}

function extension(id: string, value: Uint8Array, critical: boolean): Uint8Array {
  return sequence(identifier(id), ...(critical ? [der(0x01, [0xff])] : []), der(0x04, value));
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}
