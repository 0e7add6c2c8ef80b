import { z } from "zod";
import { LIMITS } from "../../macaroon/index.ts";
import { REVOCATION_ID, UUID_V7 } from "../../words/ids.ts";

// Control characters and line separators, and the marks that let text be shown in another order than it is
// written: names and labels stand in logs, tables and approval pages.
const UNSEEN = /^[^\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]*$/u;

/** One line of text for people. @param most characters */
export function lineOfText(most: number) {
  return z
    .string()
    .min(1)
    .max(most)
    .refine((text) => UNSEEN.test(text), "must be one line without control characters");
}

/** A platform's name. */
export const platformName = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    "must be 1 to 63 of a to z, 0 to 9 and -, and begin and end without a -",
  )
  .meta({ description: "A platform's name.", examples: ["default"] });

/** A token id. */
export const tokenId = z
  .string()
  .regex(UUID_V7, "must be a token id")
  .meta({
    description: "Names a root macaroon and its whole tree. It gives no power.",
    examples: ["019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081"],
  });

/** A revocation id. */
export const revocationId = z
  .string()
  .regex(REVOCATION_ID, "must be a revocation id")
  .meta({
    description: "Names one link of a chain and all that descends from it. It gives no power.",
    examples: ["q83vEjRWeJCrze8SNFZ4kA"],
  });

/** A position in the revocation log, opaque. */
export const sequence = z
  .string()
  .regex(/^[!-~]{1,128}$/, "must be a sequence that this service gave out")
  .meta({ description: "A position in the revocation log. Opaque.", examples: ["k3v9Qm2x-41"] });

/** An id that only answers hold. */
export const opaqueId = z.string();

/** An instant, as answers write it. */
export const instant = z.iso
  .datetime()
  .meta({ description: "RFC 3339, UTC, milliseconds.", examples: ["2026-11-22T13:00:00.000Z"] });

/** Writes an instant. @param at unix milliseconds */
export function printInstant(at: number): string {
  return new Date(at).toISOString();
}

/** One caveat in the caveat language; its length is checked as bytes of UTF-8. */
const caveat = z
  .string()
  .min(1)
  .refine(
    (text) => new TextEncoder().encode(text).length <= LIMITS.caveatBytes,
    `must be at most ${LIMITS.caveatBytes} bytes`,
  )
  .meta({ maxLength: LIMITS.caveatBytes, examples: ["action in read, list"] });

/** Caveats that a caller asks for. */
export const caveats = z.array(caveat).max(LIMITS.caveats);
