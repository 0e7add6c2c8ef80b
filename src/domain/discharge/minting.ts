import { attenuate, mint, type UnverifiedMacaroon } from "../../macaroon/index.ts";
import { rfc3339 } from "../parts/instants.ts";
import type { Randomness } from "../ports/randomness.ts";

/** What a discharge says. */
export interface DischargeContents {
  /** The caveat id that it discharges. */
  readonly identifier: Uint8Array;
  /** From the ticket. A secret. */
  readonly caveatKey: Uint8Array;
  /** Unix milliseconds. */
  readonly expiresAt: number;
  /** The link that it serves at and below; null if it has to be bound. */
  readonly ancestor: string | null;
  /** The request by which people granted it; null for a program's login, and for one that an older version recorded. */
  readonly approval: string | null;
  /** Whether it is good for one use. */
  readonly once: boolean;
  /** The caveats that the asker gave, in their canonical text. */
  readonly caveats: readonly string[];
  /** The discharge's own id; null for a request that a version before these ids recorded. */
  readonly id: string | null;
  /** For macaroon-bakery's clients: `time-before`, and what the ticket wants declared. */
  readonly bakery?: { readonly declared: readonly (readonly [name: string, value: string])[] };
}

/** Mints a discharge. The same contents give the same macaroon, so that it can be collected again. */
export function mintDischarge(contents: DischargeContents): UnverifiedMacaroon {
  const { identifier, caveatKey, expiresAt, ancestor, approval, once, caveats, id, bakery } = contents;
  const time = rfc3339(expiresAt);
  return attenuate(mint({ rootKey: caveatKey, identifier }), [
    bakery === undefined ? `time < ${time}` : `time-before ${time}`,
    ...(ancestor === null ? [] : [`ancestor = ${ancestor}`]),
    ...(approval === null ? [] : [`approval = ${approval}`]),
    ...(bakery?.declared ?? []).map(([name, value]) => `declared ${name} ${value}`),
    ...(once ? ["uses <= 1"] : []),
    ...caveats,
    ...(id === null ? [] : [`bh.discharge = ${id}`]),
  ]);
}

/** An id that no other discharge has: 128 random bits. */
export function newDischargeId(randomness: Randomness): string {
  return Buffer.from(randomness.bytes(16)).toString("base64url");
}
