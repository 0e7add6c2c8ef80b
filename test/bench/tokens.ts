import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { attenuate, decodeBundle, encodeBundle, type UnverifiedMacaroon } from "../../src/macaroon/index.ts";

/** Nine caveats such as an orchestrator writes; with the issuer's `time <` a token has ten. */
export const NINE: readonly string[] = [
  "action in read, list",
  "resource matches repo:acme/**",
  "args.amount <= 100",
  "args.currency = EUR",
  "ip within 10.0.0.0/8, 2001:db8::/32",
  "depth <= 3",
  "tool not in shell, deploy",
  "args.due < 2037-01-01T00:00:00+01:00",
  "agent = researcher#k3J9d0xQ",
];

/** A call that satisfies them. */
export const CONTEXT = {
  action: "read",
  resource: "repo:acme/bakehouse/src/main.ts",
  ip: "10.1.2.3",
  tool: "search",
  args: { amount: 99.5, currency: "EUR", due: "2026-12-24T18:00:00Z" },
};

/** The macaroon of a token that is known to be good. */
export function macaroonOf(token: string): UnverifiedMacaroon {
  const decoded = decodeBundle(token);
  if (!decoded.ok) throw new Error(decoded.detail);
  return decoded.macaroons[0];
}

/**
 * So many tokens of ten caveats below one, none twice; all of a length. They share no link but those of the issuer, so that each
 * is as new as if it had a root macaroon of its own.
 */
export function distinct(root: UnverifiedMacaroon, count: number, start = 0): readonly string[] {
  return Array.from({ length: count }, (_, index) =>
    encodeBundle([attenuate(root, [`agent = researcher#${numbered(start + index)}`, ...NINE.slice(0, -1)])]),
  );
}

/** The same, all of them below one link of eight caveats: what an orchestrator hands to its sub-agents. */
export function descendants(root: UnverifiedMacaroon, count: number, start = 0): readonly string[] {
  const parent = attenuate(root, NINE.slice(0, 7));
  return Array.from({ length: count }, (_, index) =>
    encodeBundle([attenuate(parent, [`agent = researcher#${numbered(start + index)}`, ...NINE.slice(7, 8)])]),
  );
}

const numbered = (number: number): string => String(number).padStart(8, "0");

/** Writes request bodies, one a line. @returns the file */
export function bodiesFile(folder: string, name: string, bodies: readonly object[]): string {
  const file = join(folder, name);
  writeFileSync(file, bodies.map((body) => `${JSON.stringify(body)}\n`).join(""));
  return file;
}
