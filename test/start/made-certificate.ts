import { generateKeyPairSync, randomBytes, sign } from "node:crypto";

/** A certificate of a server, signed by itself, and its key: both in PEM form. */
export interface MadeCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** Makes a certificate (RFC 5280) for a name and a number of days from now; of negative ones it has expired. */
export function makeCertificate(name: string, days: number): MadeCertificate {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const now = Date.now();
  const validity = [Math.min(now, now + days * 86_400_000) - 60_000, now + days * 86_400_000];
  const subject = sequence(tagged(0x31, sequence(COMMON_NAME, tagged(0x0c, Buffer.from(name)))));
  const names = sequence(tagged(0x82, Buffer.from(name)));
  const body = sequence(
    tagged(0xa0, tagged(0x02, Buffer.of(2))), // version 3
    tagged(0x02, Buffer.concat([Buffer.of(1), randomBytes(8)])),
    sequence(ECDSA_WITH_SHA256),
    subject,
    sequence(...validity.map((at) => tagged(0x18, Buffer.from(generalizedTime(at))))),
    subject,
    publicKey.export({ type: "spki", format: "der" }),
    tagged(0xa3, sequence(sequence(SUBJECT_ALT_NAME, tagged(0x04, names)))),
  );
  const signature = Buffer.concat([Buffer.of(0), sign("sha256", body, privateKey)]);
  const der = sequence(body, sequence(ECDSA_WITH_SHA256), tagged(0x03, signature));
  const lines = der.toString("base64").replaceAll(/.{64}/g, "$&\n");
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

const COMMON_NAME = Buffer.from("0603550403", "hex");
const SUBJECT_ALT_NAME = Buffer.from("0603551d11", "hex");
const ECDSA_WITH_SHA256 = Buffer.from("06082a8648ce3d040302", "hex");

function generalizedTime(at: number): string {
  return `${new Date(at).toISOString().replaceAll(/[-:T]|\.\d+Z/g, "")}Z`;
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

/** One value in DER (X.690 §8.1). */
function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.of(tag, ...size), content]);
}
