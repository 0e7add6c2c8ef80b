import { attenuate, mint, type UnverifiedMacaroon } from "../../macaroon/index.ts";
import { rfc3339 } from "../parts/instants.ts";

/** What a discharge says. */
export interface DischargeContents {
  /** The caveat id that it discharges. */
  readonly identifier: Uint8Array;
  /** From the ticket. A secret. */
  readonly caveatKey: Uint8Array;
  /** Unix milliseconds. */
  readonly expiresAt: number;
  /** The link that it serves at and below; null where it has to be bound. */
  readonly ancestor: string | null;
  /** The approval that granted it; null where none was asked. */
  readonly approval: string | null;
  /** For macaroon-bakery's clients: `time-before`, and what the ticket wants declared. */
  readonly bakery?: { readonly declared: readonly (readonly [name: string, value: string])[] };
}

/** Mints a discharge. The same contents give the same macaroon, so that it can be collected again. */
export function mintDischarge(contents: DischargeContents): UnverifiedMacaroon {
  const { identifier, caveatKey, expiresAt, ancestor, approval, bakery } = contents;
  const time = rfc3339(expiresAt);
  return attenuate(mint({ rootKey: caveatKey, identifier }), [
    bakery === undefined ? `time < ${time}` : `time-before ${time}`,
    ...(ancestor === null ? [] : [`ancestor = ${ancestor}`]),
    ...(approval === null ? [] : [`approval = ${approval}`]),
    ...(bakery?.declared ?? []).map(([name, value]) => `declared ${name} ${value}`),
  ]);
}
