import { encodeBase64Url } from "../../macaroon/index.ts";
import { ENDORSEMENT_TYPE, ENDORSEMENTS_HEADER, PROOF_TYPE } from "../../words/holder.ts";
import { holder } from "../caveats.ts";
import { randomText } from "../random.ts";
import { aList, aText, checkShape, isObject, isText } from "../shape.ts";
import { Token } from "../token.ts";

/** The kinds of keys that the service takes. */
export type HolderKeyKind = "Ed25519" | "P-256";

/** A pair of keys that WebCrypto has made. */
export interface HolderKeyPair {
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
}

/** A private key as a JWK (RFC 8037, RFC 7518 §6.2): a secret. */
export interface HolderJwk {
  readonly kty?: string;
  readonly crv?: string;
  readonly x?: string;
  readonly y?: string;
  readonly d?: string;
}

/** A call that a key proves itself for. */
export interface ProvedCall {
  /** The token's text as it stands in the call's header. */
  readonly token: string;
  readonly method: string;
  /** The call's URI; query and fragment are left out of the proof. */
  readonly uri: string;
  /** The digest of the call's contents, for platforms that ask for one. */
  readonly contentDigest?: string;
}

/** A key that holds tokens: it vouches for calls, and for the tokens that it hands on. It never shows its private half. */
export interface HolderKey {
  readonly kind: HolderKeyKind;
  /** Names the key (RFC 7638). No secret. */
  readonly thumbprint: string;
  /** `holder = THUMBPRINT`, the caveat that makes a token this key's. */
  readonly caveat: string;
  /** The public half, as a JWK. */
  readonly publicKey: Readonly<Record<string, string>>;
  /** A DPoP proof (RFC 9449) for one call. Each is good once, for a minute. @param now unix milliseconds */
  prove(call: ProvedCall, now?: number): Promise<string>;
  /**
   * An endorsement: *I handed it on to whoever holds that one*. It travels with the token, and has no end: revoke the link
   * to end it.
   *
   * @param link the token that was handed on, or its revocation id
   */
  endorse(link: Token | string): Promise<string>;
  /** The headers of one call: `Authorization`, `DPoP`, and `Bakehouse-Endorsements` if there are any. */
  headers(call: ProvedCall, endorsements?: readonly string[]): Promise<Record<string, string>>;
}

const JTI_BYTES = 16;

const ALGORITHMS = {
  Ed25519: { alg: "Ed25519", key: { name: "Ed25519" }, sign: { name: "Ed25519" } },
  "P-256": {
    alg: "ES256",
    key: { name: "ECDSA", namedCurve: "P-256" },
    sign: { name: "ECDSA", hash: "SHA-256" },
  },
} as const;

/** Makes a key that nobody can take out of this process: not even the program that made it. */
export async function createHolderKey(kind: HolderKeyKind = "Ed25519"): Promise<HolderKey> {
  checkShape("createHolderKey: the kind", kind, (value) =>
    isText(value) && Object.hasOwn(ALGORITHMS, value) ? undefined : "Ed25519 or P-256",
  );
  const pair = await crypto.subtle.generateKey(ALGORITHMS[kind].key, false, ["sign", "verify"]);
  return holderKeyOf(pair as HolderKeyPair);
}

/**
 * A key that was made before: a pair that a browser has kept, or a private JWK out of a file or a vault.
 *
 * @throws TypeError for what is no private key of Ed25519 or P-256
 */
export async function holderKeyOf(source: HolderKeyPair | HolderJwk): Promise<HolderKey> {
  if (!isObject(source)) throw notPrivate();
  if ("privateKey" in source) {
    return keyOf(source.privateKey, await crypto.subtle.exportKey("jwk", source.publicKey));
  }
  const { kty, crv, x, y, d } = source;
  const kind = kindOf(source);
  if (x === undefined || d === undefined) throw notPrivate();
  const jwk = { kty, crv, x, d, ...(y !== undefined && { y }) } as Required<HolderJwk>;
  try {
    return await keyOf(await crypto.subtle.importKey("jwk", jwk, ALGORITHMS[kind].key, false, ["sign"]), jwk);
  } catch {
    // The reason may repeat a part of the key.
    throw notPrivate();
  }
}

function notPrivate(): TypeError {
  return new TypeError("the key is no private key of Ed25519 or P-256");
}

function kindOf({ kty, crv }: HolderJwk): HolderKeyKind {
  if (kty === "OKP" && crv === "Ed25519") return "Ed25519";
  if (kty === "EC" && crv === "P-256") return "P-256";
  throw notPrivate();
}

async function keyOf(
  privateKey: CryptoKey,
  { kty = "", crv = "", x = "", y }: HolderJwk,
): Promise<HolderKey> {
  const kind = kindOf({ kty, crv });
  const { alg, sign } = ALGORITHMS[kind];
  // In the order of their names: the form over which the thumbprint is made.
  const publicKey = { crv, kty, x, ...(kind === "P-256" && { y: y ?? "" }) };
  const thumbprint = await sha256(JSON.stringify(publicKey));

  async function signed(typ: string, payload: object): Promise<string> {
    const text = [{ typ, alg, jwk: publicKey }, payload]
      .map((part) => encodeBase64Url(utf8(JSON.stringify(part))))
      .join(".");
    const signature = await crypto.subtle.sign(sign, privateKey, utf8(text));
    return `${text}.${encodeBase64Url(new Uint8Array(signature))}`;
  }

  async function prove(call: ProvedCall, now = Date.now()): Promise<string> {
    checkCall(call);
    const { origin, pathname } = new URL(call.uri);
    return signed(PROOF_TYPE, {
      htm: call.method,
      htu: `${origin}${pathname}`,
      iat: Math.floor(now / 1000),
      jti: randomText(JTI_BYTES),
      ath: await sha256(call.token),
      ...(call.contentDigest !== undefined && { content_digest: call.contentDigest }),
    });
  }

  return {
    kind,
    thumbprint,
    caveat: holder(thumbprint),
    publicKey,
    prove,
    async endorse(link) {
      const named = link instanceof Token ? link.revocationId : link;
      // A token's text is one too: an endorsement of it would show it to all that read the endorsement.
      checkShape("endorse: the link", named, (value) =>
        isText(value) && /^[A-Za-z0-9_-]{22}$/.test(value) ? undefined : "a Token, or a revocation id",
      );
      return signed(ENDORSEMENT_TYPE, { link: named });
    },
    async headers(call, endorsements = []) {
      checkShape("headers: the endorsements", endorsements, aList("[endorsement]", isText));
      return {
        Authorization: `DPoP ${call.token}`,
        DPoP: await prove(call),
        ...(endorsements.length > 0 && { [ENDORSEMENTS_HEADER]: endorsements.join(", ") }),
      };
    },
  };
}

/** @throws TypeError */
function checkCall(call: ProvedCall): void {
  checkShape("the call", call, (value) =>
    isObject(value) ? undefined : "an object: { token, method, uri }",
  );
  checkShape("the call's token", call.token, aText("what token.encode() gives"));
  checkShape("the call's method", call.method, aText('"GET"'));
  checkShape("the call's uri", call.uri, (uri) =>
    isText(uri) && URL.canParse(uri) ? undefined : "an address, such as https://api.example/files",
  );
}

async function sha256(text: string): Promise<string> {
  return encodeBase64Url(new Uint8Array(await crypto.subtle.digest("SHA-256", utf8(text))));
}

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
