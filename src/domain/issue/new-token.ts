import { expiryOfNew } from "../../caveats/expiry.ts";
import { auditEvent } from "../audit.ts";
import type { RootKey } from "../keys/root-keys.ts";
import { DomainError } from "../parts/error.ts";
import { inSlice, type TimeSlice } from "../parts/time-slice.ts";
import { uuidv7 } from "../parts/uuid.ts";
import type { AuditEvent } from "../ports/audit.ts";
import type { Principal } from "../ports/principals.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { TokenRecord } from "../ports/tokens.ts";
import type { IssuedToken } from "../service.ts";
import { mintRoot, type ThirdParty } from "./minting.ts";
import { describeToken } from "./token-views.ts";

/** A token that was minted and is not on record yet. */
export interface NewToken {
  /** Holds the token itself: a secret. */
  readonly answer: IssuedToken;
  readonly token: TokenRecord;
  readonly event: AuditEvent;
}

/**
 * The life of a token, milliseconds, if its caller asks for so many seconds.
 *
 * @param longest milliseconds that are allowed
 * @param usual milliseconds if the caller asks for none; never more than are allowed
 * @throws DomainError `ttl_too_long`: a life is never shortened silently
 */
export function allowedLife(ttl: number | undefined, longest: number, usual: number): number {
  if (ttl === undefined) return Math.min(usual, longest);
  if (ttl * 1000 <= longest) return ttl * 1000;
  throw new DomainError("ttl_too_long", `at most ${longest / 1000} seconds are allowed here`, "ttl");
}

/**
 * Mints a root macaroon, with its record and the audit event of its issue, in turns of the event loop.
 *
 * @param now the instant, unix milliseconds by the database's clock
 * @param life milliseconds
 * @param audit the event; its details get the token's id and expiry besides
 * @returns rejects with `invalid_request` if the macaroon would be larger than the service accepts
 */
export async function mintToken(options: {
  readonly rootKey: RootKey;
  readonly principal: Principal;
  readonly location: string;
  readonly now: number;
  readonly life: number;
  readonly caveats: readonly string[];
  readonly thirdParties: readonly ThirdParty[];
  readonly label: string | undefined;
  /** Token id of the credential that asks; null if no credential asks. */
  readonly issuedBy: string | null;
  readonly audit: Pick<AuditEvent, "action" | "actor" | "platform" | "details">;
  readonly randomness: Randomness;
  readonly slice: TimeSlice;
}): Promise<NewToken> {
  const { rootKey, principal, location, now, life, caveats, thirdParties, audit, randomness, slice } =
    options;
  const id = uuidv7(now, randomness);
  const identifier = { tokenId: id, principalId: principal.id };
  const endsAt = now + life;
  if (slice.isOver()) await slice.next();
  const minted = await mintRoot({
    rootKey,
    identifier,
    location,
    endsAt,
    caveats,
    thirdParties,
    randomness,
    slice,
  });
  const expiresAt = await inSlice(slice, () => expiryOfNew(caveats, now, life));
  const token: TokenRecord = {
    id,
    platform: rootKey.platform,
    keyId: rootKey.id,
    principalId: principal.id,
    revocationId: minted.revocationId,
    issuedAt: now,
    expiresAt,
    caveats: minted.caveats,
    label: options.label ?? null,
    issuedBy: options.issuedBy,
  };
  const details = { token_id: id, ...audit.details, expires_at: expiresAt };
  return {
    answer: { token: minted.token, ...(await describeToken({ token, principal }, now, slice)) },
    token,
    event: auditEvent(randomness, now, { ...audit, details }),
  };
}
