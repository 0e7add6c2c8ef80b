import { utf8Length } from "./bytes.ts";
import { tooLarge } from "./error.ts";
import type { UnverifiedCaveat, UnverifiedMacaroon } from "./macaroon.ts";

/** The cost that a bundle may have. Every limit is checked before any HMAC is computed. */
export interface Limits {
  /** Bytes, or characters, of a bundle in the form in which it arrives. */
  readonly bundleBytes: number;
  /** Caveats of one macaroon. */
  readonly caveats: number;
  /** Bytes of one caveat: its id, verification id and location together. Also of an identifier and a location. */
  readonly caveatBytes: number;
  /** Discharges in one bundle. */
  readonly discharges: number;
  /** How far discharges may nest: 1 is a discharge of the root macaroon's own caveat. */
  readonly depth: number;
}

/** The highest limits; readers and verifiers may lower them. */
export const LIMITS: Limits = Object.freeze({
  bundleBytes: 65_536,
  caveats: 256,
  caveatBytes: 4_096,
  discharges: 32,
  depth: 8,
});

/** Limits of which some are lower than {@link LIMITS}. */
export type LowerLimits = Partial<Limits>;

/**
 * Fills in the limits that were not lowered.
 *
 * @throws RangeError for a limit that is not a whole number, is negative, or is higher than the default
 */
export function limitsWith(lower: LowerLimits | undefined): Limits {
  if (lower === undefined || lower === LIMITS) return LIMITS;
  const limit = (name: keyof Limits): number => {
    const value = lower[name] ?? LIMITS[name];
    if (Number.isInteger(value) && value >= 0 && value <= LIMITS[name]) return value;
    throw new RangeError(`limit ${name} must be a whole number from 0 to ${LIMITS[name]}`);
  };
  return {
    bundleBytes: limit("bundleBytes"),
    caveats: limit("caveats"),
    caveatBytes: limit("caveatBytes"),
    discharges: limit("discharges"),
    depth: limit("depth"),
  };
}

/** Refuses one more caveat than the limit. Decoders ask before they read it. */
export function checkCaveatCount(count: number, limits: Limits): void {
  if (count > limits.caveats) tooLarge(`more than ${limits.caveats} caveats`);
}

/** Refuses one more discharge than the limit. */
export function checkDischargeCount(count: number, limits: Limits): void {
  if (count > limits.discharges) tooLarge(`more than ${limits.discharges} discharges`);
}

/** Refuses an identifier or a location that is longer than a caveat may be. */
export function checkFieldSize(name: string, length: number, limits: Limits): void {
  if (length > limits.caveatBytes) tooLarge(`${name} of more than ${limits.caveatBytes} bytes`);
}

/** Refuses a caveat that is too long. */
export function checkCaveatSize(caveat: UnverifiedCaveat, limits: Limits): void {
  checkFieldSize("caveat", caveatSize(caveat), limits);
}

/** Refuses a macaroon that no decoder with these limits would have read. */
export function checkMacaroon(macaroon: UnverifiedMacaroon, limits: Limits): void {
  checkCaveatCount(macaroon.unverifiedCaveats.length, limits);
  checkFieldSize("identifier", macaroon.identifier.length, limits);
  checkFieldSize("location", utf8Length(macaroon.location ?? ""), limits);
  for (const caveat of macaroon.unverifiedCaveats) checkCaveatSize(caveat, limits);
}

/** Refuses a root macaroon and discharges that are too much work to verify together. */
export function checkBundle(
  root: UnverifiedMacaroon,
  discharges: readonly UnverifiedMacaroon[],
  limits: Limits,
): void {
  checkDischargeCount(discharges.length, limits);
  let size = checkedSize(root, limits);
  for (const discharge of discharges) size += checkedSize(discharge, limits);
  if (size > limits.bundleBytes) tooLarge(`bundle of more than ${limits.bundleBytes} bytes`);
}

/** The bytes of a macaroon, about, once it was found to be within the limits. */
function checkedSize(macaroon: UnverifiedMacaroon, limits: Limits): number {
  checkMacaroon(macaroon, limits);
  const { identifier, signature, location = "", unverifiedCaveats } = macaroon;
  let size = identifier.length + signature.length + utf8Length(location);
  // Three bytes are the least that an encoding spends on a caveat.
  for (const caveat of unverifiedCaveats) size += caveatSize(caveat) + 3;
  return size;
}

function caveatSize(caveat: UnverifiedCaveat): number {
  return caveat.id.length + (caveat.verificationId?.length ?? 0) + utf8Length(caveat.location ?? "");
}
