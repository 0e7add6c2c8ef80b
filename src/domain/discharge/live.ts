import { createHash } from "node:crypto";

import type { Terms } from "../../conditions/terms.ts";
import { DomainError } from "../parts/error.ts";
import { BAKERY_LOGIN_LIFE } from "../parts/lifetimes.ts";
import type { DischargeRequest } from "../ports/discharge-requests.ts";
import type { Repositories } from "../ports/store.ts";
import { bakerySessionId } from "./bakery-session.ts";
import { loginEndOf } from "./requests.ts";

/**
 * The place of a ticket for the link that asks. The link is the shown one, since a caller that only names a link could take
 * the place of its holders. The ticket counts as the token carries it: one of version 1 opens in other spellings too.
 */
function placeOf(caveatId: Uint8Array, link: string): Uint8Array {
  const hash = createHash("sha256").update("bakehouse live discharge v1\0").update(caveatId);
  return new Uint8Array(hash.update(link).digest());
}

/**
 * Takes the one place of a ticket that says `once`, in the transaction that records the request. Others are told when
 * to come again.
 *
 * @throws DomainError `conflict` while another request or discharge of the ticket lives for the same link
 */
export async function takePlace(
  { liveDischarges }: Pick<Repositories, "liveDischarges">,
  { caveatId, terms }: { readonly caveatId: Uint8Array; readonly terms: Terms },
  asked: {
    /** The shown link; without one no ticket says `once`. */
    readonly link: string | undefined;
    readonly requestId: string;
    readonly livesUntil: number;
  },
  now: number,
): Promise<void> {
  if (!terms.options.once) return;
  const { link, requestId, livesUntil } = asked;
  if (link === undefined) throw new Error("a ticket that says once, asked for without a token");
  if (await liveDischarges.take({ place: placeOf(caveatId, link), requestId, livesUntil }, now)) return;
  throw new DomainError(
    "conflict",
    "the ticket is good for one discharge at a time: withdraw the request that waits, or wait until it has ended",
  );
}

/**
 * Takes the one confirmation of a login's ticket, in the transaction that confirms. It is held for longer than the login
 * macaroon can live, so that nothing frees it: neither the session's end nor another request.
 *
 * @throws DomainError `conflict` if it was confirmed before
 */
export async function takeLogin(
  { liveDischarges, sessions }: Pick<Repositories, "liveDischarges" | "sessions">,
  request: Pick<DischargeRequest, "id" | "ticketHash" | "askedAt">,
  now: number,
): Promise<void> {
  const { id: requestId, ticketHash } = request;
  const hash = createHash("sha256").update("bakehouse confirmed login v1\0").update(ticketHash);
  const place = new Uint8Array(hash.digest());
  const livesUntil = loginEndOf(request) + BAKERY_LOGIN_LIFE;
  // A version that took no place may have begun the session.
  const begun = (await sessions.find(bakerySessionId(ticketHash), now)) !== undefined;
  if (!begun && (await liveDischarges.take({ place, requestId, livesUntil }, now))) return;
  throw new DomainError("conflict", "this login was confirmed already: begin again in the program");
}

/**
 * Moves the end of a decided request's place, in the transaction that decides.
 *
 * @param end the end of its discharge, unix milliseconds; null for none
 * @throws DomainError `gone` if the place of a discharge went to another request while the decision was on its way
 */
export async function movePlace(
  { liveDischarges }: Pick<Repositories, "liveDischarges">,
  { options }: Terms,
  requestId: string,
  end: number | null,
  now: number,
): Promise<void> {
  if (!options.once) return;
  const held = await liveDischarges.moveEnd(requestId, Math.max(end ?? now, now));
  if (end !== null && !held) throw new DomainError("gone", "nobody answered in time");
}
