import { createHash } from "node:crypto";

import {
  addThirdPartyCaveat,
  attenuate,
  bind,
  encode,
  encodeBundle,
  type Format,
  mint,
  revocationId,
  traceVerify,
  type UnverifiedMacaroon,
} from "../../src/macaroon/index.ts";
import { CASES, type CaveatCase, type MacaroonCase } from "./cases.ts";

/** One macaroon in every format that has a way to write it. */
export interface EncodedMacaroon {
  readonly signature: string;
  readonly tokens: Readonly<Partial<Record<Format, string>>>;
}

/** One vector: a bundle, what made it, and what a verifier computes on the way. */
export interface MacaroonVector extends EncodedMacaroon {
  readonly name: string;
  readonly root_key: string;
  readonly identifier: string;
  readonly location: string | null;
  readonly tails: readonly string[];
  readonly revocation_ids: readonly string[];
  readonly predicates: readonly string[];
  readonly discharges: readonly (EncodedMacaroon & { readonly binding: "bound" | "unbound" })[];
  readonly undischarged: number;
  readonly bundle: string;
}

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A nonce that the vectors can be made with again. Real ones are random. */
export function nonceFor(ticket: string): Uint8Array {
  return createHash("sha256").update(`nonce ${ticket}`).digest().subarray(0, 24);
}

interface Discharge {
  readonly macaroon: UnverifiedMacaroon;
  readonly bound: boolean;
}

function append(
  macaroon: UnverifiedMacaroon,
  caveat: CaveatCase,
  discharges: Discharge[],
): UnverifiedMacaroon {
  if (typeof caveat === "string") return attenuate(macaroon, [caveat]);
  if ("hex" in caveat) return attenuate(macaroon, [Uint8Array.from(Buffer.from(caveat.hex, "hex"))]);
  const { location, ticket, key, discharge } = caveat;
  const caveatKey = utf8(key);
  if (discharge !== undefined) {
    const at = discharges.length;
    let made = mint({ rootKey: caveatKey, identifier: ticket, location: discharge.location });
    discharges.push({ macaroon: made, bound: discharge.bound });
    for (const nested of discharge.caveats) made = append(made, nested, discharges);
    discharges[at] = { macaroon: made, bound: discharge.bound };
  }
  return addThirdPartyCaveat(macaroon, { location, ticket, caveatKey, nonce: nonceFor(ticket) });
}

function encodeAll(macaroon: UnverifiedMacaroon): EncodedMacaroon {
  const tokens: Partial<Record<Format, string>> = {};
  for (const format of ["v1", "v2", "v1-json", "v2-json"] as const) {
    if (format === "v1-json" && !isText(macaroon)) continue;
    tokens[format] = encode(macaroon, format);
  }
  return { signature: hex(macaroon.signature), tokens };
}

function isText({ identifier, unverifiedCaveats }: UnverifiedMacaroon): boolean {
  return [identifier, ...unverifiedCaveats.map(({ id }) => id)].every((bytes) => {
    return Buffer.from(bytes).equals(Buffer.from(Buffer.from(bytes).toString("utf8")));
  });
}

function build(example: MacaroonCase): MacaroonVector {
  const rootKey = utf8(example.key);
  const { identifier, location } = example;
  const made: Discharge[] = [];
  let root = mint({ rootKey, identifier, ...(location !== undefined && { location }) });
  for (const caveat of example.caveats) root = append(root, caveat, made);
  const discharges = made.map(({ macaroon, bound }) => (bound ? bind(root, macaroon) : macaroon));

  const { verification, steps } = traceVerify({ root, discharges, rootKey });
  if (!verification.ok) throw new Error(`${example.name} does not verify`);
  const tails = steps.flatMap(({ macaroon, operation, output }) => {
    const isTail = operation === "identifier" || operation === "first_party" || operation === "third_party";
    return macaroon === "root" && isTail && output !== undefined ? [output] : [];
  });
  const firstParty = [root, ...discharges].flatMap(({ unverifiedCaveats }) => {
    return unverifiedCaveats.filter(({ verificationId }) => verificationId === undefined);
  });
  return {
    name: example.name,
    root_key: hex(rootKey),
    identifier: hex(root.identifier),
    location: location ?? null,
    tails: tails.map(hex),
    revocation_ids: tails.map((tail) => revocationId(tail).text),
    predicates: firstParty.map(({ id }) => hex(id)),
    ...encodeAll(root),
    discharges: discharges.map((discharge, index) => ({
      binding: made[index]?.bound ? "bound" : "unbound",
      ...encodeAll(discharge),
    })),
    undischarged: verification.macaroon.undischarged.length,
    bundle: encodeBundle([root, ...discharges]),
  };
}

/** All vectors, made anew. */
export function buildMacaroonVectors(): readonly MacaroonVector[] {
  return CASES.map(build);
}
