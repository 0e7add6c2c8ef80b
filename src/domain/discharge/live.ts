import { createHash } from "node:crypto";

import type { Terms } from "../../conditions/terms.ts";
import { DomainError } from "../parts/error.ts";
import type { Repositories } from "../ports/store.ts";

/**
 * The place of a ticket for the link that asks. The link is the shown one, since a caller that only names a link could take
 * the place of its holders. The ticket counts as the token carries it: it opens in other spellings too, which an asker may
 * send beside it.
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
  const held = await liveDischarges.moveEnd(requestId, end ?? now);
  if (end !== null && !held) throw new DomainError("gone", "nobody answered in time");
}
