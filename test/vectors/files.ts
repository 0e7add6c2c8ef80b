import { readFileSync } from "node:fs";

import { buildMacaroonVectors } from "./build.ts";
import { buildConditionalVectors } from "./conditional.ts";
import { buildForeignVectors } from "./foreign.ts";
import { buildMalformedVectors } from "./malformed.ts";
import { buildSpellingVectors } from "./spellings.ts";
import { buildTicketVectors } from "./tickets.ts";

/** The files of vectors, and how the contents of each are made anew. */
export const VECTORS = {
  "macaroon.json": buildMacaroonVectors,
  "malformed.json": buildMalformedVectors,
  "foreign.json": buildForeignVectors,
  "spellings.json": buildSpellingVectors,
  "tickets.json": buildTicketVectors,
  "conditional.json": buildConditionalVectors,
} as const satisfies Readonly<Record<string, () => readonly unknown[]>>;

type Name = keyof typeof VECTORS;

/** A file of vectors as it lies in the repository. */
export function textOf(name: string): string {
  return readFileSync(new URL(name, import.meta.url), "utf8");
}

/** The vectors of a file as it lies in the repository. */
export function vectorsOf<N extends Name>(name: N): ReturnType<(typeof VECTORS)[N]> {
  return JSON.parse(textOf(name));
}
