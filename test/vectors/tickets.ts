import { createHash } from "node:crypto";

import { hex, nonceFor, utf8 } from "./build.ts";
import { nacl } from "./js-macaroon.ts";

/** What a ticket is made of, and the ticket. All bytes in hexadecimal. */
export interface TicketVector {
  readonly name: string;
  readonly version: 1 | 2 | 3;
  readonly third_party_private_key: string;
  readonly first_party_private_key: string;
  readonly first_party_public_key: string;
  readonly nonce: string;
  readonly caveat_key: string;
  readonly condition: string;
  /** Of version 3 only. */
  readonly namespace?: string;
  readonly ticket: string;
}

/** What is sealed, by labels that show that none of it was ever a secret. */
export interface TicketCase {
  readonly name: string;
  readonly version: 1 | 2 | 3;
  readonly caveatKey: Uint8Array;
  readonly condition: string;
  readonly namespace?: string;
}

/** A private key that the vectors can be made with again. */
function keyFor(label: string): Uint8Array {
  return Uint8Array.from(createHash("sha256").update(`key ${label}`).digest());
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
const KEY = keyFor("caveat").subarray(0, 24);

/** The cases; Go's macaroon-bakery makes keys of 24 bytes. */
const CASES: readonly TicketCase[] = [
  { name: "plain", caveatKey: KEY, condition: "is-authenticated-user" },
  { name: "an empty condition", caveatKey: KEY, condition: "" },
  { name: "text beyond ASCII", caveatKey: KEY, condition: 'approved-by "Zoë 😀" \\ \u2028' },
  { name: "a key of one byte", caveatKey: Uint8Array.of(0), condition: "is-principal" },
  {
    name: "a long key and condition",
    caveatKey: new Uint8Array(200).fill(0xfb),
    condition: "x".repeat(1_000),
  },
].flatMap((one) => [
  { ...one, version: 1 as const },
  { ...one, version: 2 as const },
  { ...one, version: 3 as const, namespace: "std:" },
]);
const NAMESPACES: readonly TicketCase[] = ["", "std: https://é.example/:x", "u:".repeat(80)].map(
  (namespace) => ({
    name: `namespace ${JSON.stringify(namespace.slice(0, 30))}`,
    version: 3,
    caveatKey: KEY,
    condition: "is-principal",
    namespace,
  }),
);

/** The members of a version 1 ticket, before it becomes base64; `secret` is what is sealed. */
export function membersV1(secret: string, thirdParty: Uint8Array, firstParty: Uint8Array, nonce: Uint8Array) {
  return {
    ThirdPartyPublicKey: base64(nacl.scalarMult.base(thirdParty)),
    FirstPartyPublicKey: base64(nacl.scalarMult.base(firstParty)),
    Nonce: base64(nonce),
    Id: base64(nacl.box(utf8(secret), nonce, nacl.scalarMult.base(thirdParty), firstParty)),
  };
}

/** Writes a ticket as macaroon-bakery's `bakery/codec.go` does, without any code of ours. */
function write(
  { version, caveatKey, condition, namespace }: TicketCase,
  thirdParty: Uint8Array,
  firstParty: Uint8Array,
  nonce: Uint8Array,
): Uint8Array {
  if (version === 1) {
    const secret = JSON.stringify({ RootKey: base64(caveatKey), Condition: condition });
    return utf8(base64(utf8(JSON.stringify(membersV1(secret, thirdParty, firstParty, nonce)))));
  }
  const plain = [
    version,
    ...uvarint(caveatKey.length),
    ...caveatKey,
    ...(namespace === undefined ? [] : [...uvarint(utf8(namespace).length), ...utf8(namespace)]),
    ...utf8(condition),
  ];
  const theirs = nacl.scalarMult.base(thirdParty);
  return Uint8Array.from([
    version,
    ...theirs.subarray(0, 4),
    ...nacl.scalarMult.base(firstParty),
    ...nonce,
    ...nacl.box(Uint8Array.from(plain), nonce, theirs, firstParty),
  ]);
}

function uvarint(value: number): readonly number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...uvarint(Math.floor(value / 128))];
}

/** All tickets, made anew. */
export function buildTicketVectors(): readonly TicketVector[] {
  return [...CASES, ...NAMESPACES].map((example) => {
    const { name, version, caveatKey, condition, namespace } = example;
    const [thirdParty, firstParty] = [keyFor(`third party ${name}`), keyFor(`first party ${name}`)];
    const nonce = nonceFor(`${version} ${name}`);
    return {
      name,
      version,
      third_party_private_key: hex(thirdParty),
      first_party_private_key: hex(firstParty),
      first_party_public_key: hex(nacl.scalarMult.base(firstParty)),
      nonce: hex(nonce),
      caveat_key: hex(caveatKey),
      condition,
      ...(namespace !== undefined && { namespace }),
      ticket: hex(write(example, thirdParty, firstParty, nonce)),
    };
  });
}
