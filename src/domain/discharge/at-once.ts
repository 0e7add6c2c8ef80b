import { encodeBundle } from "../../macaroon/index.ts";
import { actorOf, auditEvent } from "../audit.ts";
import type { HumanCaller } from "../caller.ts";
import { grantOf, requireStandingGrant } from "../grant.ts";
import { uuidv7 } from "../parts/uuid.ts";
import type { DischargeRequest } from "../ports/discharge-requests.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Store } from "../ports/store.ts";
import { allowanceAsked } from "./asked-caveats.ts";
import type { ReadTicket } from "./desk.ts";
import type { Asker } from "./limits.ts";
import { takePlace } from "./live.ts";
import { mintDischarge, newDischargeId } from "./minting.ts";
import { endOf, lifeOf, newCode, newSecret, secretHash } from "./requests.ts";
import type { ShownToken } from "./shown-token.ts";
import { requireFewLive } from "./standing-yes.ts";

/** A request of a person who proves its condition by asking. */
interface ProvenRequest {
  readonly caller: HumanCaller;
  readonly asker: Asker;
  readonly ticket: ReadTicket;
  readonly ancestor: string | null;
  readonly shown: ShownToken | undefined;
  readonly caveats: readonly string[];
}

/**
 * Grants a discharge to a person who proves its condition by their own credential, at once. It is on record as one that was
 * confirmed on a page: listed to the person, taken back by them, and ended with them.
 *
 * @returns the discharge, a secret for the root's holder
 */
export function createGrantAtOnce(options: {
  readonly store: Store;
  readonly randomness: Randomness;
}): (request: ProvenRequest) => Promise<string> {
  const { store, randomness } = options;

  return async ({ caller, asker, ticket, ancestor, shown, caveats }) => {
    const { terms } = ticket;
    // Read before, and not while a transaction is held.
    const allowance = await allowanceAsked(shown, caveats);
    const granted = await store.transaction("grant discharge", async (repositories) => {
      const now = await repositories.now();
      const id = uuidv7(now, randomness);
      const request = {
        id,
        kind: "identity",
        protocol: "native",
        state: "granted",
        condition: ticket.text,
        code: newCode(randomness),
        // Nobody is given it: the discharge is in the answer, and is never collected.
        secretHash: secretHash(newSecret(randomness)),
        ticketHash: ticket.hash,
        callerHash: asker.hash,
        sealed: null,
        ancestor,
        caveats,
        allowance,
        about: shown?.subject ?? null,
        mortality: shown?.mortality ?? null,
        approverKeys: [],
        askedAt: now,
        expiresAt: now,
        decidedAt: now,
      } satisfies Omit<DischargeRequest, "decisions" | "withdrawnAt">;
      const { issuer, subject } = caller.identity;
      await requireFewLive(repositories, caller, now);
      await repositories.dischargeRequests.insert(request, asker.place);
      const said = { issuer, subject, approved: true, reason: null, at: now, spokeAt: caller.spokeAt };
      await repositories.dischargeRequests.decide(id, said);
      await repositories.dischargeRequests.settle(id, "granted", now, endOf(request));
      const event = {
        action: "discharge.granted",
        actor: actorOf(caller),
        platform: shown?.subject.platform ?? null,
        details: { request: id, condition: terms.condition.kind, ancestor },
      } as const;
      await repositories.audit.append([auditEvent(randomness, now, event)]);
      const end = now + lifeOf(terms);
      const link = shown?.subject.revocationId;
      await takePlace(repositories, ticket, { link, requestId: id, livesUntil: end }, now);
      await requireStandingGrant(repositories, grantOf(caller, event.platform));
      return { id, end };
    });
    const { caveatId: identifier, caveatKey } = ticket;
    const discharge = mintDischarge({
      identifier,
      caveatKey,
      expiresAt: granted.end,
      ancestor,
      approval: granted.id,
      once: terms.options.once,
      caveats,
      id: newDischargeId(randomness),
    });
    return encodeBundle([discharge]);
  };
}
