import { createHash, generateKeyPairSync, type KeyObject, randomUUID, sign } from "node:crypto";

/** A key that holds tokens, made without any code of the service. */
export interface Prover {
  readonly alg: "Ed25519" | "ES256";
  readonly jwk: Readonly<Record<string, string>>;
  readonly thumbprint: string;
  readonly caveat: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** A compact JWS over these texts, right whatever they say. */
  signed(header: string, payload: string): string;
  /** A compact JWS, with the usual header but for what is given; undefined leaves a member out. */
  jws(header: object, payload: object): string;
  endorsement(link: string): string;
}

/** A call of a platform, as its server sees it. */
export const CALL = { method: "POST", uri: "https://api.example/orders" } as const;

export const encoded = (text: string) => Buffer.from(text).toString("base64url");
export const sha256 = (text: string) => createHash("sha256").update(text).digest("base64url");

/** Makes a prover with a fresh key. */
export function createProver(alg: "Ed25519" | "ES256" = "Ed25519"): Prover {
  const { privateKey, publicKey } =
    alg === "Ed25519" ? generateKeyPairSync("ed25519") : generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { kty = "", crv = "", x = "", y } = publicKey.export({ format: "jwk" });
  const jwk: Record<string, string> = { crv, kty, x, ...(y !== undefined && { y }) };
  const thumbprint = sha256(JSON.stringify(jwk));

  function signed(header: string, payload: string): string {
    const text = `${encoded(header)}.${encoded(payload)}`;
    const key = { key: privateKey, dsaEncoding: "ieee-p1363" } as const;
    const signature = sign(alg === "Ed25519" ? null : "sha256", Buffer.from(text), key);
    return `${text}.${signature.toString("base64url")}`;
  }

  const jws = (header: object, payload: object) =>
    signed(JSON.stringify({ alg, jwk, ...header }), JSON.stringify(payload));
  return {
    alg,
    jwk,
    thumbprint,
    caveat: `holder = ${thumbprint}`,
    privateKey,
    publicKey,
    signed,
    jws,
    endorsement: (link) => jws({ typ: "bakehouse-endorsement+jwt" }, { link }),
  };
}

/** The claims of a good proof. @param now unix milliseconds */
export function claims(token: string, now: number, more: object = {}): object {
  const iat = Math.floor(now / 1000);
  return { htm: CALL.method, htu: CALL.uri, iat, jti: randomUUID(), ath: sha256(token), ...more };
}

/** The members of a question about a call that came with a good proof. */
export function proved(prover: Prover, token: string, now: number, more: object = {}): object {
  return { proof: { dpop: prover.jws({ typ: "dpop+jwt" }, claims(token, now, more)), ...CALL } };
}
