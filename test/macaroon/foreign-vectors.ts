/** What seven other implementations wrote, where a copy of it stands beside the checkout. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

interface Common {
  readonly name: string;
  readonly source: string;
  readonly expect: "valid" | "invalid" | "parse-error";
  readonly divergence?: Readonly<Record<string, string>>;
}

export interface VerifyVector extends Common {
  readonly kind: "verify";
  readonly format: "v1" | "v2" | "v1j" | "v2j";
  readonly key: string;
  readonly token: string;
  readonly discharges: readonly string[];
  readonly predicates: readonly string[];
  readonly expected_signature?: string;
}

export interface ParseVector extends Common {
  readonly kind: "parse";
  readonly format: "v1" | "v2" | "v1j" | "v2j";
  readonly token: string;
  readonly expected?: ExpectedMacaroon;
  readonly expected_signature?: string;
}

export interface ExpectedMacaroon {
  readonly location: string;
  readonly id: string;
  readonly caveats: readonly { readonly cid: string; readonly vid: string | null; readonly loc?: string }[];
}

export interface EquivalentVector extends Common {
  readonly kind: "equivalent";
  readonly key: string;
  readonly tokens: Readonly<Record<"v1" | "v2" | "v2j", string>>;
  readonly expected: ExpectedMacaroon;
  readonly expected_signature: string;
}

export interface MintVector extends Common {
  readonly kind: "mint";
  readonly key: string;
  readonly identifier: string;
  readonly location: string;
  readonly caveats: readonly {
    readonly cid: string;
    readonly key?: string;
    readonly loc?: string;
    readonly nonce?: string;
  }[];
  readonly expected_signature: string;
  readonly expected_tokens?: Readonly<Partial<Record<"v1" | "v2" | "v1j" | "v2j", string>>>;
}

export interface VarintVector extends Common {
  readonly kind: "varint";
  readonly value: string;
  readonly encoded: string;
}

export interface Base64Vector extends Common {
  readonly kind: "base64";
  readonly input: string;
  readonly expected_hex?: string;
}

export interface BindVector extends Common {
  readonly kind: "bind";
  readonly root_signature: string;
  readonly discharge_signature: string;
  readonly expected_signature: string;
}

export interface TicketVector extends Common {
  readonly kind: "bakery-caveat";
  readonly bakery_version: 1 | 2 | 3;
  readonly third_party_private_key: string;
  readonly first_party_private_key: string;
  readonly caveat_id: string;
  readonly expected_root_key: string;
  readonly expected_condition: string;
}

export type ForeignVector =
  | VerifyVector
  | ParseVector
  | EquivalentVector
  | MintVector
  | VarintVector
  | Base64Vector
  | BindVector
  | TicketVector;

const path = fileURLToPath(new URL("../../../shared/vectors.json", import.meta.url));

/** The vectors, or undefined if no copy stands beside the checkout. They are others' data, so none is in it. */
export function foreignVectors(): readonly ForeignVector[] | undefined {
  if (!existsSync(path)) return undefined;
  return JSON.parse(readFileSync(path, "utf8")).vectors;
}
