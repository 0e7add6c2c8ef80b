import type { Terms } from "../../conditions/terms.ts";
import { encodeBundle, parseRevocationId } from "../../macaroon/index.ts";
import { actorOf, auditEvent } from "../audit.ts";
import type { HumanCaller } from "../caller.ts";
import type { AskRequest, Discharges } from "../discharge-service.ts";
import { grantOf, requireStandingGrant } from "../grant.ts";
import { DomainError } from "../parts/error.ts";
import { eventualOutcome } from "../parts/gathering.ts";
import { uuidv7 } from "../parts/uuid.ts";
import type { Clock } from "../ports/clock.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Store } from "../ports/store.ts";
import { askedCaveats, requirePossible, requireToLast } from "./asked-caveats.ts";
import type { DischargeDesk, ReadTicket } from "./desk.ts";
import { proofOf } from "./identity-proof.ts";
import type { DischargeLimits } from "./limits.ts";
import { takePlace } from "./live.ts";
import { mintDischarge, newDischargeId } from "./minting.ts";
import { lifeOf } from "./requests.ts";
import type { PresentedToken, ShownToken } from "./shown-token.ts";

/**
 * The link that the discharge is tied to; null for a discharge that has to be bound.
 *
 * People confirm the link that they are shown, and a link above it allows more. So with a token the discharge serves
 * that very link, for every condition: one without `ancestor` could be bound to any link of the tree.
 */
function ancestorOf({ ancestor }: AskRequest, shown: ShownToken | undefined): string | null {
  if (ancestor !== undefined && parseRevocationId(ancestor) === undefined) {
    throw new DomainError("invalid_request", "is not a revocation id", "ancestor");
  }
  if (shown === undefined) return ancestor ?? null;
  const own = shown.subject.revocationId;
  if (ancestor === undefined || ancestor === own) return own;
  throw new DomainError("unprocessable", "a discharge is for the very link that is shown", "ancestor");
}

function requireToken(terms: Terms, shown: ShownToken | undefined): void {
  const { kind } = terms.condition;
  if (shown !== undefined) return;
  const needy =
    kind === "is-principal" || kind === "approved-by" ? kind : terms.options.once ? "once" : undefined;
  if (needy === undefined) return;
  throw new DomainError("invalid_request", `${needy} needs the token that carries the caveat`, "token");
}

/**
 * Makes the answer to a request for a discharge: the discharge at once if the caller has proved the ticket's
 * condition, else a request that waits for people.
 *
 * @param ownIssuer the issuer of the groups in tickets
 */
export function createAsking(options: {
  readonly store: Store;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly desk: DischargeDesk;
  readonly limits: DischargeLimits;
  readonly readToken: (text: string) => Promise<PresentedToken>;
  readonly ownIssuer: string;
}): Discharges["ask"] {
  const { store, clock, randomness, desk, limits, ownIssuer } = options;

  async function grantAtOnce(
    caller: HumanCaller,
    ticket: ReadTicket,
    ancestor: string | null,
    shown: ShownToken | undefined,
    caveats: readonly string[],
  ): Promise<string> {
    const { terms } = ticket;
    const expiresAt = await store.transaction("grant discharge", async (repositories) => {
      const now = await repositories.now();
      const event = {
        action: "discharge.granted",
        actor: actorOf(caller),
        platform: shown?.subject.platform ?? null,
        details: { request: null, condition: terms.condition.kind, ancestor },
      } as const;
      await repositories.audit.append([auditEvent(randomness, now, event)]);
      const end = now + lifeOf(terms);
      const requestId = uuidv7(now, randomness);
      const link = shown?.subject.revocationId;
      await takePlace(repositories, ticket, { link, requestId, livesUntil: end }, now);
      await requireStandingGrant(repositories, grantOf(caller, event.platform));
      return end;
    });
    const { caveatId: identifier, caveatKey } = ticket;
    const { once } = terms.options;
    const id = newDischargeId(randomness);
    const contents = { identifier, caveatKey, expiresAt, ancestor, approval: null, once, caveats, id };
    return encodeBundle([mintDischarge(contents)]);
  }

  return async (caller, from, request) => {
    const refusal = caller?.kind === "service" ? caller.refuses("discharge", caller.platform) : undefined;
    if (refusal !== undefined) throw new DomainError("forbidden", refusal);
    const { token, caveatId } = request;
    // Before the ticket is opened and the token is read, which takes far longer: a good token has an allowance of its own.
    const presented = token === undefined ? undefined : await eventualOutcome(() => options.readToken(token));
    const asker = limits.admit(caller, from, presented?.ok ? presented.value.place : undefined);
    const ticket = await desk.read(request.caveatId, request.payload);
    if (ticket.login) {
      // A discharge without the page that names the effect would prolong a login that somebody else confirmed.
      throw new DomainError(
        "ticket_invalid",
        "the ticket of a login to this API is discharged at /discharge",
      );
    }
    const { terms } = ticket;
    if (presented?.ok === false) throw presented.error;
    const shown = await presented?.value.read(caveatId);
    requireToken(terms, shown);
    const caveats = askedCaveats(request.caveats, terms.options);
    requireToLast(caveats, clock.now());
    requirePossible(caveats, shown?.conditions ?? []);
    const ancestor = ancestorOf(request, shown);
    // A program's login stands for no person who is here: what one must confirm, they confirm on its page.
    const present = caller?.kind === "human" && caller.program === undefined ? caller : undefined;
    if (present !== undefined && terms.condition.kind !== "approved-by") {
      const facts = { principal: shown?.subject.principal, ownIssuer, now: clock.now() };
      const proved = proofOf(terms, present.identity, facts);
      if (proved.outcome === "refused") throw new DomainError("denied", proved.detail);
      if (proved.outcome === "proven") {
        return {
          state: "granted",
          discharge: await grantAtOnce(present, ticket, ancestor, shown, caveats),
        };
      }
    }
    const waiting = await desk.enqueue({
      ticket,
      protocol: "native",
      caller,
      asker,
      shown,
      ancestor,
      caveats,
    });
    return { state: "pending", ...waiting };
  };
}
