import { randomBytes } from "node:crypto";

import {
  addThirdPartyCaveat,
  attenuate,
  bind,
  boxPublicKey,
  decodeBundle,
  encodeBundle,
  mint,
  openTicket,
  revocationId,
  sealTicket,
  type UnverifiedMacaroon,
} from "../../src/macaroon/index.ts";

/** The macaroons of a token's text. */
export function opened(token: string): readonly [UnverifiedMacaroon, ...UnverifiedMacaroon[]] {
  const decoded = decodeBundle(token);
  if (!decoded.ok) throw new Error(`not a token: ${decoded.detail}`);
  return decoded.macaroons;
}

/** Narrows a token offline, as its holder does. */
export function narrow(token: string, ...caveats: readonly string[]): string {
  const [root, ...discharges] = opened(token);
  return encodeBundle([attenuate(root, caveats), ...discharges]);
}

/** The revocation id of a token's last link, as its holder computes it. */
export function linkOf(token: string): string {
  return revocationId(opened(token)[0].signature).text;
}

/** The same token with a signature that is wrong. */
export function forged(token: string): string {
  const [root, ...rest] = opened(token);
  return encodeBundle([{ ...root, signature: root.signature.map((byte) => byte ^ 1) }, ...rest]);
}

/**
 * A third party with a key of its own: it opens the tickets that are sealed to it and discharges them.
 *
 * @param key whose key the tickets are sealed to instead, base64: that third party alone can open them
 */
export function createThirdParty(location = "https://third.test", key?: string) {
  const privateKey = new Uint8Array(randomBytes(32));
  const publicKey = key === undefined ? boxPublicKey(privateKey) : new Uint8Array(Buffer.from(key, "base64"));

  function open(ticket: Uint8Array) {
    const opening = openTicket(ticket, privateKey);
    if (!opening.ok) throw new Error(`the ticket does not open: ${opening.code}`);
    return opening.ticket;
  }

  return {
    location,
    /** Base64, as the API takes it. */
    publicKey: Buffer.from(publicKey).toString("base64"),

    /** What a ticket (base64url) asks for. */
    conditionOf: (caveatId: string) => open(new Uint8Array(Buffer.from(caveatId, "base64url"))).condition,

    /** An unbound discharge of a ticket (base64url), narrowed by the given caveats. */
    discharge(caveatId: string, ...caveats: readonly string[]): string {
      const ticket = new Uint8Array(Buffer.from(caveatId, "base64url"));
      const { caveatKey } = open(ticket);
      return encodeBundle([attenuate(mint({ rootKey: caveatKey, identifier: ticket, location }), caveats)]);
    },

    /** Adds a caveat that asks for a ticket (base64url) a second time: with a discharge, a circle. */
    requireAgain(token: string, caveatId: string): string {
      const ticket = new Uint8Array(Buffer.from(caveatId, "base64url"));
      const { caveatKey } = open(ticket);
      const nonce = new Uint8Array(randomBytes(24));
      const [root, ...discharges] = opened(token);
      return encodeBundle([addThirdPartyCaveat(root, { location, ticket, caveatKey, nonce }), ...discharges]);
    },

    /** Narrows a token by a third-party caveat, which its holder can do offline. */
    require(token: string, condition: string): string {
      const caveatKey = new Uint8Array(randomBytes(24));
      const ticket = sealTicket({
        version: 2,
        thirdPartyPublicKey: publicKey,
        firstPartyPrivateKey: new Uint8Array(randomBytes(32)),
        nonce: new Uint8Array(randomBytes(24)),
        caveatKey,
        condition,
      });
      const [root, ...discharges] = opened(token);
      const nonce = new Uint8Array(randomBytes(24));
      return encodeBundle([addThirdPartyCaveat(root, { location, ticket, caveatKey, nonce }), ...discharges]);
    },
  };
}

/** Binds a discharge to the token that it will be presented with. */
export function bound(token: string, discharge: string): string {
  return encodeBundle([bind(opened(token)[0], opened(discharge)[0])]);
}

/** A token with discharges behind it, in one text. */
export function bundle(token: string, ...discharges: readonly string[]): string {
  return encodeBundle([...opened(token), ...discharges.flatMap((discharge) => opened(discharge))]);
}

/** The tickets of a token's third-party caveats, base64url. */
export function tickets(token: string): readonly string[] {
  return opened(token)[0].unverifiedCaveats.flatMap(({ id, verificationId }) =>
    verificationId === undefined ? [] : [Buffer.from(id).toString("base64url")],
  );
}
